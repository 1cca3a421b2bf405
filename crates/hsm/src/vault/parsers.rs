//! What a Vault answers, for who tries any bytes: nothing of it may panic, and what is shown to people is bounded.

use super::http::Answer;
use super::login::Token;
use super::transit::{public_of, spelt};
use crate::error::Error;
use crate::key::{KeyKind, PublicKey};

/// Reads a body as each of the answers that the keystore reads.
#[derive(Debug)]
pub struct Read {
    /// The words of a refusal.
    pub words: String,
    /// Whether it logs in.
    pub login: bool,
    /// A key of the kind that was asked for.
    pub key: Result<PublicKey, Error>,
    /// A signature.
    pub signature: Option<Vec<u8>>,
}

impl Read {
    /// Of a status and a body; none where the body is no JSON.
    pub fn of(status: u16, body: &[u8], kind: KeyKind) -> Option<Self> {
        let answer = Answer { status, body: serde_json::from_slice(body).ok()? };
        let key = public_of(answer.body.get("data").unwrap_or(&serde_json::Value::Null), kind);
        let signature = spelt(&answer, "signature").ok();
        Some(Self { words: answer.words(), login: Token::of(&answer).is_ok(), key, signature })
    }
}
