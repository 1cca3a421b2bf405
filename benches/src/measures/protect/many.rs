//! Many data by one call, beside the bare HMAC of the same token: as many batches at once as one address may have. Their answers are read after the clock has stopped, and each
//! datum of them must be granted.

use super::caller::{Application, Load, Owned, Pace, bring};
use super::ground::Ground;
use crate::processor::processor_time;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// The most data of one batch.
pub(super) const EACH: usize = 400;
/// Batches at once: as many as the keyfront lets one address have.
const AT_ONCE: usize = 4;

/// What batches came to.
pub(super) struct Many {
    create: Load,
    open: Load,
    /// Processor time of each process for a datum that is begun, and opened, in microseconds.
    costs: Vec<(String, f64)>,
}

/// Begins and opens so many batches.
pub(super) async fn load(ground: &Ground, application: &Application, count: usize) -> Result<Many, String> {
    let warm = bring(ground.address, application.batches(AT_ONCE, EACH)?, AT_ONCE, Pace::Kept).await?;
    let first = warm.answers.first().ok_or("no answer")?;
    let owned = Owned::told_of_many(first)?;
    let (requests, opens) = (application.batches(count, EACH)?, application.batches_of(&owned, count)?);
    let mut costs = Vec::new();
    let mut loads = Vec::new();
    for (what, requests) in [("create", requests), ("open", opens)] {
        let before = spent(ground)?;
        let load = bring(ground.address, requests, AT_ONCE, Pace::Kept).await?;
        for ((who, before), (_, after)) in before.into_iter().zip(spent(ground)?) {
            let each = (after - before) * 1e3 / (count * EACH) as f64;
            costs.push((format!("{what} in batches of {EACH}, processor time of a datum, {who}"), each));
        }
        let granted: Result<Vec<usize>, String> =
            load.answers.iter().map(|answer| Ok(Owned::told_of_many(answer)?.len())).collect();
        if granted?.iter().any(|granted| *granted != EACH) {
            return Err("a batch was answered for other data than it has".into());
        }
        loads.push(load);
    }
    let (open, create) = loads.pop().zip(loads.pop()).ok_or("no load")?;
    Ok(Many { create, open, costs })
}

fn spent(ground: &Ground) -> Result<[(&'static str, f64); 3], String> {
    let of = |pid: u32| processor_time(&[pid]);
    let (element, keyfront) = (of(ground.element.pid())?, of(ground.keyfront.pid())?);
    Ok([("the element", element), ("the keyfront", keyfront), ("the callers", of(std::process::id())?)])
}

/// The rows: of data, not of batches.
pub(super) fn rows(mut many: Many, bare: f64) -> Vec<Row> {
    let rate = |rate| Figure::new(rate, "a second");
    let of = |load: &Load| load.rate * EACH as f64;
    let name = |what| {
        format!("{what} in batches of {EACH}, the element's keys in SoftHSM, ES256, beside its bare HMAC")
    };
    let p99 = |load: &mut Load| Figure::new(quantile(&mut load.times, 0.99), "ms");
    let mut rows = vec![
        Row::ratio(name("create"), rate(of(&many.create)), rate(bare), Target::AtLeast(0.6)),
        Row::ratio(name("open"), rate(of(&many.open)), rate(bare), Target::AtLeast(0.6)),
        Row::told(format!("create, a batch of {EACH}, {AT_ONCE} at once, 99 of 100"), p99(&mut many.create)),
        Row::told(format!("open, a batch of {EACH}, {AT_ONCE} at once, 99 of 100"), p99(&mut many.open)),
    ];
    rows.extend(many.costs.into_iter().map(|(name, each)| Row::told(name, Figure::new(each, "µs"))));
    rows
}
