//! Who calls, signed, for services that want proof of the gate: a short JWT for each request (RFC 7519, ES256 of RFC 7518 §3.4), and the keys with which to
//! check it (RFC 7517).

use std::{path::Path, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::{Method, header::HeaderValue};
use sceau_pki::Fingerprint;
use serde_json::{Value, json};

use crate::{error::Error, files::private_key, guard::Passed, settings::AssertionTable};

/// Where the keys are, on each listener.
pub(crate) const KEYS: &str = "/.well-known/sceau-gate/jwks.json";
/// A service that is asked amid a drift of clocks believes a word no longer than that.
const LONGEST: Duration = Duration::from_secs(600);
/// The octets of a point of P-256 at the end of its SubjectPublicKeyInfo (RFC 5480 §2.2): X and Y.
const POINT: usize = 64;

/// What is said to the services of a route.
#[derive(Debug)]
pub(crate) struct Assertion {
    key: EcdsaKeyPair,
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
        let private = private_key(folder, &table.key, &at("key"))?;
        let wrong = || Error::setting(at("key"), "an ECDSA key of P-256 is needed, in PKCS#8");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private.to_pkcs8());
        let key = key.map_err(|_| wrong())?;
        let public = private.public_key_info().map_err(Error::pki(&at("key")))?;
        let (x, y) = public.last_chunk::<POINT>().ok_or_else(wrong)?.split_at(POINT / 2);
        let [x, y] = [x, y].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        // The members that count, in the order of their names, without spaces (RFC 7638 §3).
        let counted = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = digest(counted.as_bytes());
        let jwk =
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"});
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
        let head = json!({"alg": "ES256", "typ": "JWT", "kid": self.kid});
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
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes()).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref());
        HeaderValue::from_str(&format!("{input}.{signature}")).ok()
    }
}

/// SHA-256.
fn digest(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Fingerprint::of(octets).as_bytes())
}
