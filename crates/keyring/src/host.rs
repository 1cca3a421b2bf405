//! What the host of keyrings and those who call it say to each other in JSON, and where. It is platform: none of it is believed, and all of it is written once.

use std::time::Duration;

use sceau_element_api::{Base64Url, KeyringRequestId, Nonce};
use serde::{Deserialize, Serialize};

/// How long an answer waits for news that do not come.
pub const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// Where a host answers.
pub mod places {
    /// What anybody may know of the element's part in keyrings.
    pub const ABOUT: &str = "/v1/keyrings/about";
    /// Begins a context of sealed messages.
    pub const CONTEXTS: &str = "/v1/keyrings/contexts";
    /// Carries a sealed message.
    pub const MESSAGES: &str = "/v1/keyrings/messages";
    /// Documents of the security officer.
    pub const DOCUMENTS: &str = "/v1/keyrings/documents";
    /// Requests of service providers; under its id, what became of one.
    pub const REQUESTS: &str = "/v1/keyrings/requests";
    /// Nonces of terminals.
    pub const NONCES: &str = "/v1/keyrings/nonces";
    /// Visits of terminals.
    pub const VISITS: &str = "/v1/keyrings/visits";
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// The holder did not answer yet.
    Pending,
    /// The holder agreed, and the element signed.
    Signed,
    /// The holder did not agree.
    Rejected,
    /// It ended without an answer.
    Expired,
}

impl RequestState {
    /// The word of it, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Signed => "signed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }
}

/// A request that waits: an id, and nothing of what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The request.
    pub request: KeyringRequestId,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

/// A request as its provider asks after it. `Outcome` is [`crate::Outcome`], or its JSON as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked<Outcome> {
    /// The request.
    pub request: KeyringRequestId,
    /// What became of it.
    pub state: RequestState,
    /// Until when it is good, Unix ms.
    pub ends: u64,
    /// JWS typ `sceau-kr-request`, as its provider signed it.
    pub jws: String,
    /// What its holder's terminal handed over, where it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// A nonce for one visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenNonce {
    /// It.
    pub nonce: Nonce,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

/// A visit as it comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visiting {
    /// JWS typ `sceau-kr-visit`.
    pub visit: String,
    /// The public key that signed it, a SubjectPublicKeyInfo: rows have its thumbprint alone.
    pub device: Base64Url,
}

/// What a terminal is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Visited {
    /// To [`crate::VisitAsk::List`] and [`crate::VisitAsk::Wait`].
    Waiting {
        /// What waits, the first one first.
        requests: Vec<Waiting>,
    },
    /// To [`crate::VisitAsk::Fetch`].
    Request {
        /// JWS typ `sceau-kr-request`, as its provider signed it.
        jws: String,
    },
    /// To the others: it is settled.
    Settled {
        /// Which.
        request: KeyringRequestId,
        /// How.
        state: RequestState,
    },
}

/// The same, with a nonce for the next visit: who does several things asks for one once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What it is answered.
    #[serde(flatten)]
    pub told: Visited,
    /// As [`places::NONCES`] gives it. Not written by hosts of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<GivenNonce>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn states_are_spelled_as_in_json() {
        use RequestState::{Expired, Pending, Rejected, Signed};
        for state in [Pending, Signed, Rejected, Expired] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn each_answer_to_a_visit_is_read_as_what_it_is() {
        let request = KeyringRequestId::random();
        let answers = [
            Visited::Waiting { requests: vec![Waiting { request, ends: 7 }] },
            Visited::Waiting { requests: Vec::new() },
            Visited::Request { jws: "a.b.c".to_owned() },
            Visited::Settled { request, state: RequestState::Rejected },
        ];
        for answer in answers {
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Visited>(&text).unwrap(), answer, "{text}");
            for next in [None, Some(GivenNonce { nonce: Nonce([7; 32]), ends: 8 })] {
                let answered = Answered { told: answer.clone(), next };
                let text = serde_json::to_string(&answered).unwrap();
                assert_eq!(serde_json::from_str::<Answered>(&text).unwrap(), answered, "{text}");
                assert_eq!(serde_json::from_str::<Visited>(&text).unwrap(), answer, "{text}");
            }
        }
    }
}
