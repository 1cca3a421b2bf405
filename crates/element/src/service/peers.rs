//! Checkpoints of other elements' logs, on their way to the writer.

use sceau_element_api::wire::{Code, PeerLog, Refusal, Response};
use sceau_trace::AddCheckpoint;

use super::Service;
use crate::decide::Command;

impl Service {
    pub(super) async fn see(&self, body: &str, answer: impl FnOnce(Response) + Send + 'static) {
        let Ok(request) = AddCheckpoint::parse(body) else {
            let words = "no request of a checkpoint to be seen (C2SP tlog-witness)";
            return answer(Response::Refused(Refusal::new(Code::Malformed, words)));
        };
        let origin = request.checkpoint.unverified().origin().to_owned();
        let own = self.peers.iter().any(|key| request.checkpoint.clone().verify(key).is_ok());
        let told = move |response: Response| {
            // The platform asks anew at each of its turns: it is said until it is over.
            // Of what its log signed itself, only a fork is refused so.
            if let Response::Refused(refusal) = &response
                && own
                && refusal.code == Code::ProofInvalid
            {
                tracing::error!(%origin, "ANOTHER LOG CONTRADICTS ITSELF: {refusal}");
            }
            answer(response);
        };
        self.order(Command::See(Box::new(request)), told).await;
    }

    pub(super) fn peer_logs(&self) -> Vec<PeerLog> {
        let known = |key: &sceau_trace::VerifierKey| {
            self.view.with_state(|state| {
                let seen = state.seen(key.name()).map(|(seen, _)| (seen.size(), seen.root()));
                PeerLog {
                    key: key.to_string(),
                    size: seen.map_or(0, |(size, _)| size),
                    root: seen.map(|(_, root)| root),
                }
            })
        };
        self.peers.iter().map(known).collect()
    }
}
