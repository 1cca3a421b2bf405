//! A writer, or a call, that does not come back from what keeps the keys: callers are told at once instead of waiting behind them.

use sceau_element_api::wire::{Code, Refusal, Request};

use super::Service;

impl Service {
    /// The same, with callers told once nothing has come back for so many milliseconds.
    pub(crate) fn stuck_after(self, bound: u64) -> Self {
        Self { bound, ..self }
    }

    /// For how many milliseconds the writer is at one batch, or a use of keys is under way, beyond what they may be; none where they are not.
    #[must_use]
    pub fn stuck(&self) -> Option<u64> {
        let at_it = self.view.pulse().at_it(self.clock.now().uptime);
        (at_it > self.bound).then_some(at_it)
    }

    /// Why nothing can be recorded now, for a request that would be, and for who asks whether the element is well.
    pub(super) fn not_now(&self, request: &Request) -> Option<Refusal> {
        let records = matches!(
            request,
            Request::Attest(_)
                | Request::Append(_)
                | Request::AppendSigned { .. }
                | Request::SeeCheckpoint(_)
                | Request::Protect(_)
                | Request::ProtectMany(_)
                | Request::ProtectByToken(_)
                | Request::SignContent(_)
                | Request::Hello
        );
        let stuck = self.stuck().filter(|_| records)?;
        let words = format!(
            "what keeps the keys, or the disk, has not answered for {} s: ask again later",
            stuck / 1000
        );
        Some(Refusal::new(Code::Unavailable, words))
    }
}
