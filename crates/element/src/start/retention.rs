//! Who asked is forgotten at a start: the key of a month that is kept no more is destroyed. It was announced in the log at an earlier start, a day before at
//! least, so that a clock that is wrong for an hour destroys nothing, however often the element is started; and where the keys are in a token, a witness remembers that it was.

use sceau_trace::VerifiedCheckpoint;

use super::{Past, StartError};
use crate::clock::Clock;
use crate::retention::{Month, PersonalKeys};
use crate::signer::LogSigner;
use crate::state::RetentionStep;

/// Milliseconds between the announcement and the end: as long as whoever looks has time to see that the clock is wrong.
const ANNOUNCED: u64 = 24 * 3600 * 1000;

/// What there is to do about a month.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Announce,
    Destroy,
    Nothing,
}

impl Past {
    /// Takes the steps that are due; the last checkpoint, if there were any.
    pub(super) fn forget(
        &mut self,
        keys: &mut PersonalKeys,
        clock: &Clock,
        signer: &dyn LogSigner,
    ) -> Result<Option<VerifiedCheckpoint>, StartError> {
        let (mut last, started) = (None, self.state.size());
        // A start that was killed had destroyed them.
        let there = keys.months();
        let destroyed: Vec<Month> =
            self.state.retention().due().map(|(month, _)| month).filter(|it| !there.contains(it)).collect();
        for month in destroyed {
            let event = self.core.retain(clock.now(), month, RetentionStep::Ended, None)?;
            last = Some(self.commit(&[event], signer)?);
        }
        for month in there {
            let (step, kept) = match self.next(keys, month, started, clock) {
                Next::Nothing => continue,
                Next::Announce => (RetentionStep::Due, None),
                Next::Destroy => {
                    let kept = keys.kept(month);
                    if let Err(error) = keys.destroy(month) {
                        // Every start tries again: nobody is kept from service.
                        tracing::error!(%month, %error, "the key under which it is sealed who asked in that month cannot be destroyed");
                        continue;
                    }
                    tracing::info!(%month, "who asked in that month is forgotten: its key was destroyed");
                    (RetentionStep::Ended, kept.ok())
                }
            };
            if self.state.retention().of(month).is_some_and(|(step, _)| step == RetentionStep::Ended) {
                // It had come back with an old keystore.
                continue;
            }
            let event = self.core.retain(clock.now(), month, step, kept)?;
            last = Some(self.commit(&[event], signer)?);
        }
        Ok(last)
    }

    fn next(&self, keys: &PersonalKeys, month: Month, started: u64, clock: &Clock) -> Next {
        let now = clock.now().unix;
        let Some((step, at)) = self.state.retention().of(month) else {
            // A month ahead, so that an element that is started every month forgets in time.
            return if keys.is_past(month, 1) { Next::Announce } else { Next::Nothing };
        };
        if step == RetentionStep::Due {
            if now < at.time && keys.is_past(month, 1) {
                // By a clock that was ahead: the day is counted anew by this one, so that the month neither goes at once nor stays until then.
                return Next::Announce;
            }
            if !keys.is_past(month, 0) || at.index >= started || now < at.time.saturating_add(ANNOUNCED) {
                return Next::Nothing;
            }
        }
        // A copy of the state, with another clock or other terms, goes another way than its original: no witness remembers that way.
        if keys.are_shared() && self.witnessed <= at.index {
            tracing::warn!(%month, "the key under which it is sealed who asked in that month stays: no checkpoint of --witness-file that meets --witness-policy shows that it is to go");
            return Next::Nothing;
        }
        Next::Destroy
    }
}
