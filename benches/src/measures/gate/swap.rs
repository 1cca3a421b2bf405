//! A long list that takes clients back, put in place under full load: over a connection of HTTP/1.1, over one of HTTP/2, and by a session that is taken up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::caller::{Caller, Shared};
use super::ground::Ground;
use super::peers::{Kind, Peer};
use super::{KEPT, expect};
use crate::row::{Figure, Row, Target};

/// When the list changes, and when the load ends.
const SWAP: Duration = Duration::from_secs(2);
const END: Duration = Duration::from_secs(7);
/// Between two questions of who is taken back.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) async fn swap(
    ground: &Ground,
    service: SocketAddr,
    caller: &Caller,
    entries: usize,
) -> Result<Vec<Row>, String> {
    std::fs::copy(ground.path("long.pem"), ground.path("live.pem")).map_err(|error| error.to_string())?;
    let gate = Peer::start(Kind::Gate, ground, "live", service)?;
    let resuming = Caller::resuming(ground, "taken")?;
    let mut kept = Caller::with(ground, "taken")?.connect(gate.address).await?;
    expect(kept.get().await?, 200)?;
    let mut shared = Shared::connect(ground, "taken", gate.address).await?;
    expect(shared.get().await?, 200)?;
    // The first has the session that the next take up.
    expect(resuming.connect(gate.address).await?.get().await?, 200)?;
    // The book has the long list's entries, and this one besides.
    ground.take_back("taken", "next");
    let next = [ground.path("root.crl"), ground.path("next.crl")].map(std::fs::read);
    let [root, next] = next.map(Result::unwrap_or_default);
    std::fs::write(ground.path("aside.pem"), [root, next].concat()).map_err(|error| error.to_string())?;

    let begun = Instant::now();
    let load = join_all((0..KEPT).map(async |_| {
        let (mut good, mut failed) = (0_u32, 0_u32);
        let Ok(mut connection) = caller.connect(gate.address).await else { return (0, 1) };
        while begun.elapsed() < END {
            match connection.get().await {
                Ok(200) => good += 1,
                _ => failed += 1,
            }
        }
        (good, failed)
    }));
    let swapped = async {
        tokio::time::sleep(SWAP).await;
        let renamed = std::fs::rename(ground.path("aside.pem"), ground.path("live.pem"));
        renamed.map_err(|error| error.to_string())
    };
    let (load, swapped, kept, shared, resumed) = tokio::join!(
        load,
        swapped,
        refused(begun, async || kept.get().await),
        refused(begun, async || shared.get().await),
        refused(begun, async || {
            let mut connection = resuming.connect(gate.address).await?;
            let status = connection.get().await?;
            if connection.is_resumed() { Ok(status) } else { Err("no session was taken up".to_owned()) }
        }),
    );
    swapped?;
    let failed: u32 = load.iter().map(|(_, failed)| failed).sum();
    let rows =
        [("a kept connection", kept?), ("one of HTTP/2", shared?), ("a session that is taken up", resumed?)];
    let rows = rows.into_iter().map(|(how, took)| {
        let words = format!(
            "a client taken back by a list of {entries} entries and one, under load, refused over {how}"
        );
        Row::figure(words, Figure::new(took, "ms"), Target::AtMost(1000.0))
    });
    let none = Row::figure(
        "requests of others that failed meanwhile",
        Figure::new(f64::from(failed), "requests"),
        Target::AtMost(0.0),
    );
    Ok(rows.chain([none]).collect())
}

/// Milliseconds after the swap until a request that begins then is refused.
async fn refused(begun: Instant, mut ask: impl AsyncFnMut() -> Result<u16, String>) -> Result<f64, String> {
    loop {
        if begun.elapsed() > END {
            return Err("the client that was taken back is still let in".to_owned());
        }
        match ask().await? {
            200 => tokio::time::sleep(PAUSE).await,
            401 => return Ok((begun.elapsed().saturating_sub(SWAP)).as_secs_f64() * 1000.0),
            other => return Err(format!("the answer was {other}, not 200 or 401")),
        }
    }
}
