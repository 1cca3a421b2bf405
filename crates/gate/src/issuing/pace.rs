//! When to ask. Pure: time and chance (below 1) are passed in, all in Unix milliseconds.

use sceau_pki::Certificate;

pub(super) use crate::pace::chance;
use crate::pace::{self, share};

/// After two thirds of its life, a thirtieth of it sooner at most: so the certificates of many are not asked for in one moment.
pub(super) fn renewal(certificate: &Certificate, chance: f64) -> u64 {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let life = until.saturating_sub(from);
    from.saturating_add(life / 3 * 2).saturating_sub(share(life / 30, chance))
}

/// When a certificate that is had at `now` may be replaced at the soonest: a clock that is wrong, here or there, and advice that is wrong, would have
/// another issued each second, and authorities count them.
pub(super) fn soonest(until: u64, now: u64) -> u64 {
    now.saturating_add((until.saturating_sub(now) / 3).min(24 * super::HOUR))
}

/// After a failure, the first being number nought: doubled each time up to the longest, a quarter more at most.
pub(super) fn pause(failures: u32, (first, longest): (u64, u64), chance: f64) -> u64 {
    let pause = pace::pause(failures, first, longest);
    pause.saturating_add(share(pause / 4, chance))
}

/// A moment of a window that the authority proposes (RFC 9773 §4.2), but before the certificate ends.
pub(super) fn within((start, end): (u64, u64), until: u64, chance: f64) -> u64 {
    start.saturating_add(share(end.saturating_sub(start), chance)).min(until)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_pki::{Authority, AuthorityProfile, ServerProfile};

    use super::*;
    use crate::issuing::{HOUR, MINUTE, trouble::Trouble};

    const DAY: u64 = 24 * HOUR;

    #[test]
    fn two_thirds_of_a_life_are_waited_for_and_never_more() {
        let now = 1_800_000_000_000;
        let ca = Authority::create(&AuthorityProfile::of("x"), now).unwrap();
        let profile = ServerProfile { days: 90, ..ServerProfile::for_hosts(["a.example"]) };
        let issued = ca.issue_server(&profile, now).unwrap();
        let latest = renewal(issued.certificate(), 0.0);
        assert_eq!((latest - now) / DAY, 59, "of ninety days and five minutes before");
        let soonest = renewal(issued.certificate(), 0.999);
        assert!(soonest < latest && latest - soonest < 3 * DAY + HOUR);
    }

    #[test]
    fn who_says_no_is_asked_less_than_five_times_in_an_hour() {
        let pauses = Trouble::Refused(String::new()).pauses();
        let mut at = 0;
        let mut asked = 0;
        for failures in 0.. {
            asked += 1;
            at += pause(failures, pauses, 0.0);
            if at >= HOUR {
                break;
            }
        }
        assert!(asked < 5, "{asked}");
        assert_eq!(pause(40, pauses, 0.0), 12 * HOUR);
        assert!(pause(0, pauses, 0.99) > 6 * MINUTE);
    }

    #[test]
    fn a_window_is_kept_to_and_never_beyond_the_end() {
        assert_eq!(within((10, 20), 100, 0.5), 15);
        assert_eq!(within((10, 20), 12, 0.5), 12);
        assert_eq!(within((20, 10), 100, 0.5), 20, "one that ends before it begins");
    }
}
