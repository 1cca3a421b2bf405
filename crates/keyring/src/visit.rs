//! What a terminal asks of the host of its keyring: which requests wait for its holder, and what became of each.
//!
//! The host is platform: it is believed of nothing, and decides nothing. That it hears terminals alone keeps the list of a holder from strangers.

use sceau_crypto::Typ;
use sceau_crypto::jose::PublicJwk;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, KeyringRequestId, Nonce, TerminalId};
use serde::{Deserialize, Serialize};

use crate::request::MOST_ITEMS;
use crate::statement::{Statement, malformed};
use crate::{Request, TransactionProof};

/// Certificates above a holder's.
const MOST_ABOVE: usize = 8;

/// A visit (JWS typ `sceau-kr-visit`, by the terminal's key).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Format version, 1.
    pub v: u32,
    /// The name of the element's log.
    pub aud: String,
    /// The host by the name that the terminal went to, `host` or `host:port` where the port is not the scheme's: nobody takes the visit to another one.
    pub host: String,
    /// The keyring.
    pub keyring: KeyringId,
    /// Which of its terminals.
    pub terminal: TerminalId,
    /// The host's nonce: it is taken once.
    pub nonce: Nonce,
    /// When its terminal says that it was made, Unix ms. It is believed of nothing.
    pub time: u64,
    /// What is asked.
    pub ask: VisitAsk,
}

/// What a terminal asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum VisitAsk {
    /// Which requests wait.
    List {},
    /// The same, once there is one that is none of these: the answer waits for it.
    Wait {
        /// Those that it knows.
        known: Vec<KeyringRequestId>,
    },
    /// A request, as its provider signed it.
    Fetch {
        /// Which.
        request: KeyringRequestId,
    },
    /// The holder agreed, and the element signed: what the provider is to have.
    Deposit {
        /// Of which request.
        request: KeyringRequestId,
        /// It.
        outcome: Box<Outcome>,
    },
    /// The holder does not agree.
    Reject {
        /// To which.
        request: KeyringRequestId,
    },
    /// The holder does not agree, and says that it should not have been asked.
    Report {
        /// Which.
        request: KeyringRequestId,
        /// Why.
        why: ReportReason,
    },
}

/// Why a holder reports a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// The holder has nothing to do with who asks.
    Stranger,
    /// It is not what was agreed.
    Misleading,
    /// It is asked again and again.
    Insistent,
}

impl ReportReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Stranger, Self::Misleading, Self::Insistent];

    /// The word of it, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Misleading => "misleading",
            Self::Insistent => "insistent",
        }
    }
}

impl std::str::FromStr for ReportReason {
    type Err = sceau_element_api::MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or(sceau_element_api::MalformedId("one of: stranger misleading insistent"))
    }
}

/// What a provider has of a request that was granted. It verifies it against the element's word, and not the host's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// One for each item, in their order.
    pub signatures: Vec<Base64Url>,
    /// JWS typ `sceau-kr-proof`, by the element.
    pub proof: String,
    /// The holder's certificate, DER; none where only who it was is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Base64Url>,
    /// Those above it, DER.
    pub chain: Vec<Base64Url>,
    /// Index of the record in the element's log.
    pub index: u64,
}

impl Outcome {
    /// What the element says of it, if it is its word on this request and on these signatures. The certificates are not in that word: who relies on them verifies the
    /// signatures under the first, and that to the authority that the policy names.
    ///
    /// # Errors
    /// [`Code::ProofInvalid`].
    pub fn proves(
        &self,
        request_jws: &str,
        request: &Request,
        word: &PublicJwk,
    ) -> Result<TransactionProof, Refusal> {
        let proof = TransactionProof::verify_by(&self.proof, word)?;
        let holds = proof.is_of(request, request_jws)
            && proof.signatures == TransactionProof::signatures_hash(&self.signatures)
            && self.signatures.len() == request.items.len();
        if holds {
            Ok(proof)
        } else {
            Err(Refusal::new(
                Code::ProofInvalid,
                "the element's word is about another request, or other signatures",
            ))
        }
    }
}

impl Statement for Visit {
    const TYP: Typ = Typ::KeyringVisit;
    const LONGEST: usize = 192 * 1024;
    const CODE: Code = Code::Malformed;

    fn check(&self) -> Result<(), Refusal> {
        let asks = match &self.ask {
            VisitAsk::Wait { known } => known.len() <= MOST_ITEMS,
            VisitAsk::Deposit { outcome, .. } => {
                outcome.signatures.len() <= MOST_ITEMS && outcome.chain.len() <= MOST_ABOVE
            }
            _ => true,
        };
        let holds = self.v == 1 && !self.aud.is_empty() && !self.host.is_empty() && asks;
        if holds {
            Ok(())
        } else {
            Err(malformed::<Self>("v 1, an audience and a host, at most 100 signatures"))
        }
    }
}
