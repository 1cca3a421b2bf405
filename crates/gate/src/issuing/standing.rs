//! Where getting a certificate stands, over restarts: a gate that is started again and again does not ask again and again.

use serde::{Deserialize, Serialize};

use super::{pace, trouble::Trouble};

/// All in Unix milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Standing {
    /// Whom the certificate in use was had from.
    pub(crate) from: String,
    /// When another is asked for.
    pub(crate) renew_at: Option<u64>,
    /// Not before, whatever the certificate or the authority's advice says.
    pub(crate) renew_from: u64,
    pub(crate) failures: u32,
    /// Not before.
    pub(crate) next_try: u64,
    /// The authority said so: nobody here may be faster.
    pub(crate) held_until: u64,
    /// When it was last tried.
    pub(crate) tried: u64,
    /// The authority proposes when certificates are renewed (RFC 9773).
    pub(crate) is_advised: bool,
    /// Of the last failure, since the last certificate.
    pub(crate) code: Option<String>,
}

/// However often somebody asks, an authority is not asked sooner again.
const SOONEST: u64 = 5_000;

impl Standing {
    /// When to ask next; `has` where there is a certificate of this source.
    pub(crate) fn due(&self, has: bool) -> u64 {
        let wanted = if has { self.renew_at.unwrap_or_default().max(self.renew_from) } else { 0 };
        wanted.max(self.next_try).max(self.held_until)
    }

    /// A person wants another try of what failed.
    pub(crate) fn hurry(&mut self) {
        if self.failures > 0 {
            self.next_try = self.tried.saturating_add(SOONEST);
        }
    }

    /// Before it is tried: whoever ends amid it waits as after a failure.
    pub(crate) fn begin(&mut self, now: u64) {
        self.tried = now;
        self.next_try = now.saturating_add(30_000);
    }

    pub(crate) fn succeeded(&mut self, from: &str, (renew_from, renew_at): (u64, u64), now: u64) {
        *self = Self {
            from: from.to_owned(),
            renew_at: Some(renew_at),
            renew_from,
            // Whatever its clock and its life say, one at a time.
            next_try: now.saturating_add(1_000),
            tried: now,
            is_advised: self.is_advised,
            ..Self::default()
        };
    }

    /// `held` is when the authority said that it may be asked again.
    pub(crate) fn failed(&mut self, trouble: &Trouble, held: Option<u64>, now: u64, chance: f64) {
        self.next_try = now.saturating_add(pace::pause(self.failures, trouble.pauses(), chance));
        self.held_until = held.unwrap_or_default();
        self.failures = self.failures.saturating_add(1);
        self.tried = now;
        self.code = Some(trouble.code().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_in_a_hurry_does_not_overrule_the_authority() {
        let mut standing = Standing::default();
        assert_eq!(standing.due(false), 0, "the first at once");
        standing.failed(&Trouble::Refused(String::new()), None, 1_000_000, 0.0);
        assert_eq!(standing.due(true), 1_000_000 + 300_000);
        standing.hurry();
        assert_eq!(standing.due(true), 1_000_000 + SOONEST);
        standing.failed(&Trouble::RateLimited(String::new()), Some(9_000_000), 1_100_000, 0.0);
        standing.hurry();
        assert_eq!(standing.due(false), 9_000_000);
        standing.succeeded("x", (0, 99_000_000), 9_100_000);
        assert_eq!((standing.due(true), standing.failures, standing.code.clone()), (99_000_000, 0, None));
        standing.hurry();
        assert_eq!(standing.due(true), 99_000_000, "nothing failed");
    }

    #[test]
    fn an_authority_that_always_wants_another_gets_one_a_day() {
        let (now, day) = (1_800_000_000_000, 24 * crate::issuing::HOUR);
        let mut standing = Standing::default();
        standing.succeeded("x", (pace::soonest(now + 90 * day, now), now + 60 * day), now);
        // A window that is over (RFC 9773), for this certificate as for the one before.
        standing.renew_at = Some(1);
        assert_eq!(standing.due(true), now + day);
        assert_eq!(standing.due(false), now + 1_000, "another authority is asked at once");
    }
}
