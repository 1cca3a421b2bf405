//! A ClamAV daemon by its own word (clamd(8), PING and VERSION): whether it answers, and how old its signatures are.

use std::time::Duration;

use sceau_store::ClamdAddress;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::Finding;
use crate::say;

/// How long a daemon may be silent.
const SILENCE: Duration = Duration::from_secs(10);
/// Signatures come daily.
const OLD_DAYS: i64 = 3;
const DAY_S: i64 = 86_400;

pub(super) async fn look(address: &ClamdAddress, now_ms: u64) -> Vec<Finding> {
    let asked = async {
        address.ping(SILENCE).await?;
        address.version(SILENCE).await
    };
    match asked.await {
        Ok(version) => vec![
            Finding::well("antivirus", format!("{version} answers at {address}")),
            signatures(&version, now_ms),
        ],
        Err(error) => {
            let advice = "start clamav-daemon (it reads its signatures for a while first), and look whether this user may open its socket; \
                          without it, deposits of scanned intake wait";
            vec![Finding::trouble("antivirus", format!("{address}: {error}"), advice)]
        }
    }
}

/// `ClamAV 1.4.3/27816/Sat Nov 15 09:26:07 2026`; without signatures of ClamAV's own, the version alone.
fn signatures(version: &str, now_ms: u64) -> Finding {
    let advice = "run freshclam, and look at its log: a scanner of yesterday misses what came today";
    let form = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:none] [hour]:[minute]:[second] [year]"
    );
    let made = version.split('/').nth(2).map(|date| date.split_whitespace().collect::<Vec<_>>().join(" "));
    let Some(made) = made.and_then(|date| PrimitiveDateTime::parse(&date, form).ok()) else {
        return Finding::notice(
            "signatures",
            "the antivirus does not say how old its signatures are",
            advice,
        );
    };
    let now = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(now_ms);
    let days = (now - made.assume_utc()).whole_seconds() / DAY_S;
    let found = format!("signatures are {} old", say::counted(u64::try_from(days).unwrap_or(0), "day"));
    if days > OLD_DAYS {
        Finding::trouble("signatures", found, advice)
    } else {
        Finding::well("signatures", found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn old_signatures_are_trouble_and_unknown_ones_are_to_be_known() {
        let now = 1_794_700_800_000; // 2026-11-15
        let state = |version: &str| signatures(version, now).state;
        assert_eq!(state("ClamAV 1.4.3/27816/Sat Nov 14 09:26:07 2026"), State::Well);
        assert_eq!(state("ClamAV 1.4.3/27816/Sun Nov  1 09:26:07 2026"), State::Trouble);
        assert_eq!(state("ClamAV 1.4.3"), State::Notice);
    }
}
