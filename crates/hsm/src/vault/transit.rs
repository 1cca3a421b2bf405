//! The calls of the Transit engine that a keystore makes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sceau_crypto::{BlobError, RecipientKey, RecipientSuite, SecretBytes, UnwrapError, VerifyingKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::http::{Answer, VaultError};
use super::login::{Session, VaultSettings};
use crate::error::Error;
use crate::key::{KeyKind, PublicKey};

/// What ciphertext begins with; keys here have one version.
const PREFIX: &str = "vault:v1:";

pub(super) struct Transit {
    user: Session,
    maker: Option<Session>,
    mount: String,
    prefix: String,
}

impl Transit {
    /// Logs in.
    pub(super) fn open(settings: &VaultSettings) -> Result<Self, Error> {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if settings.mount.is_empty() || !plain(&settings.mount) || !plain(&settings.prefix) {
            let why = "mount and prefix are letters, digits, dot, dash and underscore";
            return Err(VaultError::Settings(why).into());
        }
        let maker = settings.maker.as_ref().map(|login| Session::new(settings, login)).transpose()?;
        let (mount, prefix) = (settings.mount.clone(), settings.prefix.clone());
        Ok(Self { user: Session::new(settings, &settings.login)?, maker, mount, prefix })
    }

    fn path(&self, act: &str, label: &str) -> String {
        format!("{}/{act}/{}{label}", self.mount, self.prefix)
    }

    fn maker(&self) -> &Session {
        self.maker.as_ref().unwrap_or(&self.user)
    }

    /// Makes a key that never leaves; one that is there must be exactly such a one.
    pub(super) fn make(&self, label: &str, of_type: &str) -> Result<(), Error> {
        if self.read(label)?.is_none() {
            let wanted = json!({
                "type": of_type, "exportable": false, "allow_plaintext_backup": false, "derived": false,
            });
            done(&self.maker().call("POST", &self.path("keys", label), Some(&wanted))?)?;
        }
        if self.is_sealed_in(label, of_type)? { Ok(()) } else { Err(VaultError::Answer.into()) }
    }

    /// Whether the key is there; one that may leave, was imported, or is of another type is refused.
    pub(super) fn is_sealed_in(&self, label: &str, of_type: &str) -> Result<bool, Error> {
        let Some(there) = self.read(label)? else { return Ok(false) };
        let is = |name: &str| there.get(name).and_then(Value::as_bool).unwrap_or_default();
        // What was imported is known to whoever had it before.
        let sealed =
            !is("exportable") && !is("allow_plaintext_backup") && !is("derived") && !is("imported_key");
        if sealed && there.get("type").and_then(Value::as_str) == Some(of_type) {
            Ok(true)
        } else {
            Err(VaultError::Foreign(format!("{}{label}", self.prefix)).into())
        }
    }

    /// Both logins, where there are two.
    pub(super) fn log_in(&self) -> Result<(), Error> {
        [Some(&self.user), self.maker.as_ref()].into_iter().flatten().try_for_each(Session::begin)
    }

    fn read(&self, label: &str) -> Result<Option<Value>, Error> {
        let answer = self.maker().call("GET", &self.path("keys", label), None)?;
        match answer.status {
            404 => Ok(None),
            200 => Ok(answer.body.get("data").cloned()),
            _ => Err(refused(&answer)),
        }
    }

    /// Destroys a key with all its versions; also when it is gone already.
    pub(super) fn destroy(&self, label: &str) -> Result<(), Error> {
        if self.read(label)?.is_none() {
            return Ok(());
        }
        let allowed = json!({"deletion_allowed": true});
        done(&self.maker().call("POST", &format!("{}/config", self.path("keys", label)), Some(&allowed))?)?;
        done(&self.maker().call("DELETE", &self.path("keys", label), None)?)
    }

    pub(super) fn public(&self, label: &str, kind: KeyKind) -> Result<PublicKey, Error> {
        public_of(&self.read(label)?.ok_or(VaultError::Answer)?, kind)
    }

    pub(super) fn sign(&self, label: &str, message: &[u8]) -> Result<[u8; 64], Error> {
        let body = json!({"input": STANDARD.encode(message)});
        let signature = self.spelt("sign", label, &body, "signature")?;
        signature.as_slice().try_into().map_err(|_| VaultError::Answer.into())
    }

    pub(super) fn mac(&self, label: &str, message: &[u8]) -> Result<[u8; 32], Error> {
        let body = json!({"input": STANDARD.encode(message), "algorithm": "sha2-256"});
        let tag = self.spelt("hmac", label, &body, "hmac")?;
        tag.as_slice().try_into().map_err(|_| VaultError::Answer.into())
    }

    /// The bytes after `vault:v1:` of an answer.
    fn spelt(&self, act: &str, label: &str, body: &Value, field: &str) -> Result<Vec<u8>, Error> {
        spelt(&self.user.call("POST", &self.path(act, label), Some(body))?, field)
    }

    /// `vault:v1:…`.
    pub(super) fn encrypt(&self, label: &str, plain: &[u8], associated: &[u8]) -> Result<String, Error> {
        let plain = Zeroizing::new(STANDARD.encode(plain));
        let body = json!({"plaintext": plain.as_str(), "associated_data": STANDARD.encode(associated)});
        let answer = self.user.call("POST", &self.path("encrypt", label), Some(&body))?;
        let text = data(&answer, "ciphertext")?;
        if text.starts_with(PREFIX) { Ok(text.to_owned()) } else { Err(VaultError::Answer.into()) }
    }

    pub(super) fn decrypt(
        &self,
        label: &str,
        sealed: &[u8],
        associated: &[u8],
    ) -> Result<SecretBytes, Error> {
        let text = std::str::from_utf8(sealed).ok().filter(|text| text.len() > PREFIX.len());
        let text = text.filter(|text| text.starts_with(PREFIX)).ok_or(BlobError::Malformed)?;
        let body = json!({"ciphertext": text, "associated_data": STANDARD.encode(associated)});
        self.plain(label, &body, BlobError::Refused.into())
    }

    /// RSAES-OAEP with SHA-256, the only one that Transit has.
    pub(super) fn decrypt_rsa(&self, label: &str, wrapped: &[u8]) -> Result<SecretBytes, Error> {
        let body = json!({"ciphertext": format!("{PREFIX}{}", STANDARD.encode(wrapped))});
        self.plain(label, &body, UnwrapError::refused().into())
    }

    fn plain(&self, label: &str, body: &Value, otherwise: Error) -> Result<SecretBytes, Error> {
        let answer = self.user.call("POST", &self.path("decrypt", label), Some(body))?;
        if answer.status == 400 {
            return Err(otherwise);
        }
        let text = data(&answer, "plaintext")?;
        STANDARD.decode(text).map(SecretBytes::new).map_err(|_| VaultError::Answer.into())
    }
}

/// The first version of a key that is there.
pub(super) fn public_of(there: &Value, kind: KeyKind) -> Result<PublicKey, Error> {
    let text = there.get("keys").and_then(|keys| keys.get("1")).and_then(|key| key.get("public_key"));
    let text = text.and_then(Value::as_str).ok_or(VaultError::Answer)?;
    if kind == KeyKind::Ed25519 {
        let bytes = STANDARD.decode(text).map_err(|_| VaultError::Answer)?;
        return Ok(PublicKey::Ed25519(VerifyingKey::from_bytes(&bytes)?));
    }
    // SubjectPublicKeyInfo in PEM (RFC 7468).
    let lines = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim);
    let der = STANDARD.decode(lines.collect::<String>()).map_err(|_| VaultError::Answer)?;
    Ok(PublicKey::Recipient(RecipientKey::parse(RecipientSuite::RsaOaep256, &der)?))
}

/// The bytes after `vault:v1:` in a field of an answer.
pub(super) fn spelt(answer: &Answer, field: &str) -> Result<Vec<u8>, Error> {
    let text = data(answer, field)?.strip_prefix(PREFIX).ok_or(VaultError::Answer)?;
    STANDARD.decode(text).map_err(|_| VaultError::Answer.into())
}

fn data<'a>(answer: &'a Answer, field: &str) -> Result<&'a str, Error> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let text = answer.body.get("data").and_then(|data| data.get(field)).and_then(Value::as_str);
    text.ok_or_else(|| VaultError::Answer.into())
}

fn done(answer: &Answer) -> Result<(), Error> {
    if (200..300).contains(&answer.status) { Ok(()) } else { Err(refused(answer)) }
}

fn refused(answer: &Answer) -> Error {
    VaultError::Refused { status: answer.status, words: answer.words() }.into()
}
