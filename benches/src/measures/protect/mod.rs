//! Calls for data keys through the keyfront and the element as they are shipped, callers and all on the same processors.
//!
//! Each call counts once it was answered, and so once its record is durable in the log and its row in the database (SQLite). The target is held to `create`, which
//! begins a datum and gives its first data key: it is the dearer of the two, since it writes a row. `open` gives a data key out again, and is told. Calls are
//! signed before the clock runs, and connections are kept, without TLS: a handshake is none of a call's work.

mod bodies;
mod caller;
mod ground;
mod many;
mod start;
mod token;
mod tokens;

pub(crate) use self::bodies::measure as bodies;
pub(crate) use self::start::measure as start;
pub(crate) use self::tokens::measure as tokens;
use sceau_tests::Running;

use self::caller::{Application, Key, Load, Owned, Pace, bring};
use self::ground::Ground;
use self::token::Token;
use crate::Settings;
use crate::processor::processor_time;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Connections at once.
const CONNECTIONS: usize = 64;
/// Calls a second that are wanted.
const ES256: f64 = 2500.0;
const RS256: f64 = 1000.0;
/// Batches a second that a load is made for.
const BATCHES: f64 = 15.0;
/// Data that are begun before anything is measured, and opened.
const DATA: usize = 500;
/// Seconds that a load would last at the wanted rate.
const LENGTH: f64 = 8.0;
const QUICK: f64 = 1.5;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let length = if settings.quick { QUICK } else { LENGTH };
    runtime()?.block_on(async {
        let ground = Ground::prepare(None).await?;
        let mut rows = of_key(&ground, Key::es256()?, ES256, length).await?;
        rows.extend(of_key(&ground, Key::rs256()?, RS256, length).await?);
        Ok(rows)
    })
}

/// With the element's keys in SoftHSM: many data by one call, which the target is held to, one call for each datum, and what could be had at most where each call is signed: one verification and one HMAC on these processors, and nothing else.
pub(crate) fn in_token(settings: Settings) -> Result<Vec<Row>, String> {
    if let Some(asked) = token::asked() {
        return asked.map(|()| Vec::new());
    }
    let length = if settings.quick { QUICK } else { LENGTH };
    let token = Token::make()?;
    let before = token.bare_rate()?;
    let (create, open, batches) = runtime()?.block_on(async {
        let ground = Ground::prepare(Some(&token)).await?;
        let application = ground.register(Key::es256()?).await?;
        let (creates, _, opens) = full(&ground, &application, count(ES256, length)).await?;
        let batches = many::load(&ground, &application, count(BATCHES, length)).await?;
        for running in [&ground.element, &ground.keyfront] {
            quiet(running)?;
        }
        Ok::<_, String>((creates.rate, opens.rate, batches))
    })?;
    let bare = (before + token.bare_rate()?) / 2.0;
    let verified = Key::es256()?.verified_a_second()?;
    let most = 1.0 / (1.0 / verified + 1.0 / bare);
    let rate = |rate| Figure::new(rate, "a second");
    let name = "by one call each, with the element's keys in SoftHSM, ES256";
    let mut rows = many::rows(batches, bare);
    rows.extend([
        Row::told(format!("create {name}"), rate(create)),
        Row::told(format!("open {name}"), rate(open)),
        Row::told("ES256 signatures verified, and nothing else".to_owned(), rate(verified)),
        Row::told(
            "one ES256 verification and one HMAC of the token a call, and nothing else".to_owned(),
            rate(most),
        ),
        Row::told("HMAC of the bare token".to_owned(), rate(bare)),
    ]);
    Ok(rows)
}

/// The callers share one thread: what they do for a call is to write it and to read the answer.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())
}

#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "so many calls")]
fn count(rate: f64, length: f64) -> usize {
    (rate * length) as usize
}

/// Creates and opens as fast as they are answered, and what a create cost each process.
async fn full(
    ground: &Ground,
    application: &Application,
    count: usize,
) -> Result<(Load, Vec<Row>, Load), String> {
    let warm = bring(ground.address, application.creates(DATA)?, CONNECTIONS, Pace::Kept).await?;
    let data: Result<Vec<Owned>, String> = warm.answers.iter().map(|answer| Owned::told(answer)).collect();
    let requests = application.creates(count)?;
    let pids = [ground.element.pid(), ground.keyfront.pid(), std::process::id()];
    let spent = |pids: [u32; 3]| -> Result<Vec<f64>, String> {
        pids.iter().map(|pid| processor_time(&[*pid])).collect()
    };
    let before = spent(pids)?;
    let creates = bring(ground.address, requests, CONNECTIONS, Pace::Full).await?;
    let after = spent(pids)?;
    let costs = before.iter().zip(after).zip(["the element", "the keyfront", "the callers"]);
    let costs = costs.map(|((before, after), who)| {
        let name = format!("create, {}, processor time of a call, {who}", application.key.algorithm());
        Row::told(name, Figure::new((after - before) / count as f64, "ms"))
    });
    let costs = costs.collect();
    let opens = bring(ground.address, application.opens(&data?, count)?, CONNECTIONS, Pace::Full).await?;
    Ok((creates, costs, opens))
}

async fn of_key(ground: &Ground, key: Key, wanted: f64, length: f64) -> Result<Vec<Row>, String> {
    let application = ground.register(key).await?;
    let (mut creates, costs, mut opens) = full(ground, &application, count(wanted, length)).await?;
    let paced = application.creates(count(wanted / 2.0, length))?;
    let mut paced = bring(ground.address, paced, CONNECTIONS, Pace::Even(wanted / 2.0)).await?;
    for running in [&ground.element, &ground.keyfront] {
        quiet(running)?;
    }
    let name = application.key.algorithm();
    let rate = |load: &Load| Figure::new(load.rate, "a second");
    let p99 = |load: &mut Load| Figure::new(quantile(&mut load.times, 0.99), "ms");
    let mut rows = vec![
        Row::figure(
            format!("create, {name}, {CONNECTIONS} connections"),
            rate(&creates),
            Target::AtLeast(wanted),
        ),
        Row::figure(
            format!("create, {name}, {:.0} a second, 99 of 100", wanted / 2.0),
            p99(&mut paced),
            Target::AtMost(20.0),
        ),
        Row::told(format!("create, {name}, as fast as answered, 99 of 100"), p99(&mut creates)),
        Row::told(format!("open, {name}, {CONNECTIONS} connections"), rate(&opens)),
        Row::told(format!("open, {name}, as fast as answered, 99 of 100"), p99(&mut opens)),
    ];
    rows.extend(costs);
    Ok(rows)
}

/// A row that the database did not keep is brought back when it is asked for, and would be a call that was answered too soon.
fn quiet(running: &Running) -> Result<(), String> {
    match running.log().lines().find(|line| line.contains("ERROR")) {
        Some(line) => Err(format!("a program has something to say: {line}")),
        None => Ok(()),
    }
}
