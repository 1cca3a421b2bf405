//! A compact JWS as it came in, its signature not verified.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Algorithm;

/// The longest statement that is read, in characters.
const LONGEST: usize = 64 * 1024;

/// A statement whose signature nobody has verified: its payload is reached through [`super::KeySet::verify`] only. What it says may be a secret: it is wiped.
#[derive(Clone)]
pub struct Statement {
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    input: Zeroizing<Vec<u8>>,
    payload: Zeroizing<Vec<u8>>,
    signature: Vec<u8>,
}

/// A statement is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not three parts of base64url with a JSON header, or too long.
    #[error("not a compact JWS, or one that is too long")]
    Malformed,
    /// `none`, a shared secret, an algorithm that is not known, or not the one of the key.
    #[error("signed by an algorithm that is not accepted, or that its key is not for")]
    Algorithm,
    /// It demands to be understood in a way that is not (RFC 7515 section 4.1.11).
    #[error("it demands an extension that is not understood")]
    Critical,
    /// No key of the set is the one that signed.
    #[error("its key is not among the signer's published keys")]
    UnknownKey,
    /// The key that it names did not sign this.
    #[error("the signature is not its key's")]
    Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

/// Shows how it is signed, not what it says: it may be a bearer's token.
impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Statement {
    /// Takes a statement apart.
    ///
    /// # Errors
    /// [`StatementError::Malformed`], [`StatementError::Algorithm`] or [`StatementError::Critical`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        Self::parse_within(text, LONGEST)
    }

    /// The same of one that may have so many characters: where more than 64 KiB is meant to be signed.
    ///
    /// # Errors
    /// Those.
    pub fn parse_within(text: &str, longest: usize) -> Result<Self, StatementError> {
        if text.len() > longest {
            return Err(StatementError::Malformed);
        }
        let (input, signature) = text.rsplit_once('.').ok_or(StatementError::Malformed)?;
        let (header, payload) = input.split_once('.').ok_or(StatementError::Malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| StatementError::Malformed);
        let Header { alg, kid, typ, crit } =
            serde_json::from_slice(&decode(header)?).map_err(|_| StatementError::Malformed)?;
        if crit.is_some() {
            return Err(StatementError::Critical);
        }
        Ok(Self {
            algorithm: Algorithm::parse(&alg).ok_or(StatementError::Algorithm)?,
            kid,
            typ,
            payload: Zeroizing::new(decode(payload)?),
            signature: decode(signature)?,
            input: Zeroizing::new(input.as_bytes().to_vec()),
        })
    }

    /// How it says that it is signed. Proves nothing.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key that it says signed it. Proves nothing.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it says that it is (RFC 7515 section 4.1.9), in lower case, without `application/`. The signature covers it.
    #[must_use]
    pub fn typ(&self) -> Option<String> {
        let typ = self.typ.as_deref()?.to_ascii_lowercase();
        Some(typ.strip_prefix("application/").map_or(typ.clone(), str::to_owned))
    }

    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }
}
