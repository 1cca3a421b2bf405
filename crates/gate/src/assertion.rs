//! Who calls, signed, for services that want proof of the gate: a short JWT for each request (RFC 7519), and the keys with which to
//! check it (RFC 7517).

use std::{path::Path, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::{Method, header::HeaderValue};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use sceau_pki::Fingerprint;
use serde_json::{Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{error::Error, files::secret, guard::Passed, settings::AssertionTable};

/// Where the keys are, on each listener.
pub(crate) const KEYS: &str = "/.well-known/sceau-gate/jwks.json";
/// A service that is asked amid a drift of clocks believes a word no longer than that.
const LONGEST: Duration = Duration::from_secs(600);
/// The octets of X and Y, which end an uncompressed point of P-256 (SEC 1 §2.3.3).
const POINT: usize = 64;
const SHAPE: &str = "an ECDSA key of P-256 or one of Ed25519 is needed, in PKCS#8";

/// What is said to the services of a route.
#[derive(Debug)]
pub(crate) struct Assertion {
    key: Signer,
    /// The public one, with its thumbprint as its name (RFC 7638).
    jwk: Value,
    kid: String,
    issuer: String,
    audience: String,
    /// Seconds.
    lifetime: u64,
}

/// A request of whom the gate let through.
pub(crate) struct Asserted<'a> {
    pub(crate) who: &'a Passed,
    pub(crate) id: &'a str,
    pub(crate) method: &'a Method,
    /// With what follows the question mark.
    pub(crate) path: &'a str,
    /// Unix milliseconds.
    pub(crate) now: u64,
}

impl Assertion {
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(folder: &Path, setting: &str, table: &AssertionTable) -> Result<Self, Error> {
        let at = |name: &str| format!("{setting}.{name}");
        let lifetime = table.lifetime.0;
        if lifetime > LONGEST {
            return Err(Error::setting(at("lifetime"), "write 1s to 10m: each request has one of its own"));
        }
        let pem = secret(folder, &table.key, &at("key"))?;
        let key = Signer::read(&pem).ok_or_else(|| Error::setting(at("key"), SHAPE))?;
        let (jwk, kid) = key.published().ok_or_else(|| Error::setting(at("key"), SHAPE))?;
        let (issuer, audience) = (table.issuer.clone(), table.audience.clone());
        Ok(Self { key, jwk, kid, issuer, audience, lifetime: lifetime.as_secs() })
    }

    /// The key with which to check it.
    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// The word for one request; none where the library fails.
    pub(crate) fn say(&self, asserted: &Asserted<'_>) -> Option<HeaderValue> {
        let identity = asserted.who.identity();
        let begun = asserted.now / 1000;
        let head = json!({"alg": self.key.algorithm(), "typ": "JWT", "kid": self.kid});
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "iat": begun,
            "exp": begun + self.lifetime,
            "jti": asserted.id,
            "cn": identity.subject.common_name(),
            "ou": identity.subject.organizational_units().collect::<Vec<_>>(),
            "cnf": {"x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(identity.fingerprint.as_bytes())},
            "request": digest(format!("{} {}", asserted.method, asserted.path).as_bytes()),
            "unchecked": asserted.who.is_unchecked(),
        });
        let [head, claims] = [head, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let input = format!("{head}.{claims}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.key.sign(input.as_bytes())?);
        HeaderValue::from_str(&format!("{input}.{signature}")).ok()
    }
}

/// What signs.
#[derive(Debug)]
enum Signer {
    /// RFC 7518 §3.4.
    Es256(EcdsaKeyPair),
    /// RFC 8037 §3.1.
    EdDsa(Ed25519KeyPair),
}

impl Signer {
    /// Of a key in PEM (`BEGIN PRIVATE KEY`).
    fn read(pem: &[u8]) -> Option<Self> {
        let mut key = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
        let pkcs8 = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        key.zeroize();
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
        let edwards = || Ed25519KeyPair::from_pkcs8(&pkcs8).map(Self::EdDsa);
        ecdsa.map(Self::Es256).or_else(|_| edwards()).ok()
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    /// The public key as others check with it, and its thumbprint: of the members that count, in the order of their names, without spaces (RFC 7638 §3).
    fn published(&self) -> Option<(Value, String)> {
        let (mut jwk, counted) = match self {
            Self::Es256(key) => {
                let (x, y) = key.public_key().as_ref().last_chunk::<POINT>()?.split_at(POINT / 2);
                let [x, y] = [x, y].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
                let counted = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
                (json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}), counted)
            }
            Self::EdDsa(key) => {
                let x = BASE64_URL_SAFE_NO_PAD.encode(key.public_key());
                let counted = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
                (json!({"kty": "OKP", "crv": "Ed25519", "x": x}), counted)
            }
        };
        let kid = digest(counted.as_bytes());
        let said = [("kid", kid.as_str()), ("use", "sig"), ("alg", self.algorithm())];
        let members = jwk.as_object_mut()?;
        members.extend(said.map(|(name, value)| (name.to_owned(), Value::from(value))));
        Some((jwk, kid))
    }

    /// None where the library fails.
    fn sign(&self, input: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Es256(key) => {
                let signature = key.sign(&SystemRandom::new(), input).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::EdDsa(key) => Some(key.sign(input).as_ref().to_vec()),
        }
    }
}

/// SHA-256.
fn digest(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Fingerprint::of(octets).as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    /// RFC 8037, appendix A: the key, its thumbprint and what it signs.
    #[test]
    fn ed25519_is_as_rfc_8037_shows_it() {
        let d = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let pkcs8 = BASE64_STANDARD.encode([&head[..], &d].concat());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{pkcs8}\n-----END PRIVATE KEY-----\n");
        let key = Signer::read(pem.as_bytes()).unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let (jwk, kid) = key.published().unwrap();
        assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let said = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"});
        assert_eq!(jwk, said);
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).unwrap());
        let shown = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(signature, shown);
    }
}
