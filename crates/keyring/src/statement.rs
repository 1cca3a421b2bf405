//! What is signed: read strictly, hashed over the exact bytes, never serialised again.

use sceau_crypto::Typ;
use sceau_crypto::jose::PublicJwk;
use sceau_element_api::Base64Url;
use sceau_element_api::wire::{Code, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::signed::{Signs, SignsError, sign_jws, verify_jws, verify_jws_by};

/// A statement of the protocol: the payload of a compact JWS.
pub trait Statement: Serialize + DeserializeOwned + Sized {
    /// Its `typ`, which keeps it apart from the others.
    const TYP: Typ;
    /// The longest JWS of it, in characters.
    const LONGEST: usize = 32 * 1024;
    /// Why it is refused where it is not one.
    const CODE: Code;

    /// Checks the limits that its shape does not express.
    ///
    /// # Errors
    /// [`Statement::CODE`], with the rule that does not hold.
    fn check(&self) -> Result<(), Refusal>;

    /// Reads the exact bytes of one.
    ///
    /// # Errors
    /// [`Statement::CODE`].
    fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        // Where JSON went wrong, without the text that was read: it may be personal, or a secret.
        let shape = |error: serde_json::Error| {
            malformed::<Self>(&format!("error at line {} column {}", error.line(), error.column()))
        };
        let statement: Self = serde_json::from_slice(bytes).map_err(shape)?;
        statement.check()?;
        Ok(statement)
    }

    /// The bytes of a new one, to be signed as they are.
    ///
    /// # Errors
    /// [`Statement::CODE`] when it breaks its own limits.
    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        self.check()?;
        // Room for what holds a secret: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 * 1024));
        let written = serde_json::to_writer(&mut *bytes, self);
        written.map_err(|_| malformed::<Self>("a shape that JSON has"))?;
        Ok(bytes)
    }

    /// Signs a new one.
    ///
    /// # Errors
    /// [`SignsError`]: the key fails, or it breaks its own limits.
    fn sign(&self, key: &dyn Signs) -> Result<String, SignsError> {
        let jws = sign_jws(Self::TYP, key, &self.to_bytes()?)?;
        if jws.len() <= Self::LONGEST { Ok(jws) } else { Err(too_long::<Self>().into()) }
    }

    /// What a JWS says, whoever signed it: neither verified nor checked. It finds the key that it must verify under, or reads again what is known to be verified, and decides nothing.
    fn unverified(jws: &str) -> Option<Self> {
        if jws.len() > Self::LONGEST {
            return None;
        }
        let payload = Zeroizing::new(Base64Url::decode(jws.split('.').nth(1)?).ok()?.0);
        serde_json::from_slice(&payload).ok()
    }

    /// What the owner of this public key signed.
    ///
    /// # Errors
    /// [`Code::ProofInvalid`] where it is not signed by it, [`Statement::CODE`] where it is not one.
    fn verify(jws: &str, spki: &[u8]) -> Result<Self, Refusal> {
        if jws.len() > Self::LONGEST {
            return Err(too_long::<Self>());
        }
        Self::parse(&verify_jws(jws, Self::TYP, spki)?)
    }

    /// The same, of a key in JSON: the element's word.
    ///
    /// # Errors
    /// As [`Statement::verify`].
    fn verify_by(jws: &str, key: &PublicJwk) -> Result<Self, Refusal> {
        if jws.len() > Self::LONGEST {
            return Err(too_long::<Self>());
        }
        Self::parse(&verify_jws_by(jws, Self::TYP, key)?)
    }
}

pub(crate) fn malformed<S: Statement>(rule: &str) -> Refusal {
    Refusal::new(S::CODE, format!("not a statement of typ {}: {rule}", S::TYP.as_str()))
}

fn too_long<S: Statement>() -> Refusal {
    malformed::<S>(&format!("at most {} characters are read", S::LONGEST))
}
