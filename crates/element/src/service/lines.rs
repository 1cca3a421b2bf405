//! Lines of the trace: built from the journal, and authenticated; and whether a line is one of these.

use sceau_element_api::protect::{MOST_TRACE_LINES, TraceLine, TraceLines};
use sceau_element_api::wire::{Code, Refusal};

use super::{Service, refused};
use crate::protect::TraceLineKey;

impl Service {
    pub(super) fn trace_lines(&self, from: u64) -> Result<TraceLines, Refusal> {
        let key = self.line_key()?;
        let (calls, next) = self.view.calls(from, MOST_TRACE_LINES).map_err(refused)?;
        let lines =
            calls.iter().filter_map(|(datum, access)| TraceLine::unsigned(self.view.key(), datum, access));
        let lines: Result<_, _> =
            lines.map(|line| self.using_keys(|| key.sign(line)).map_err(unusable)).collect();
        Ok(TraceLines { lines: lines?, next })
    }

    pub(super) fn verify_trace_lines(&self, lines: &[TraceLine]) -> Result<Vec<bool>, Refusal> {
        let key = self.line_key()?;
        if lines.len() > MOST_TRACE_LINES {
            return Err(Refusal::new(Code::TooLarge, format!("at most {MOST_TRACE_LINES} lines at once")));
        }
        lines.iter().map(|line| self.using_keys(|| key.signed(line)).map_err(unusable)).collect()
    }

    fn line_key(&self) -> Result<&TraceLineKey, Refusal> {
        Ok(self.keys()?.lines())
    }
}

fn unusable(error: sceau_hsm::Error) -> Refusal {
    tracing::error!(%error, "the key of trace lines cannot be used");
    Refusal::new(Code::Unavailable, "the key of trace lines cannot be used now: ask again later")
}
