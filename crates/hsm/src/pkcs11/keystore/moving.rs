//! Moving the keys of a software keystore into a token: no datum is lost, and what was sealed before opens as before.
//!
//! Every key is in the token, or sealed under it, and was tried there, before the first file is destroyed. The one moment at which the software keystore
//! ends is that of its `keystore.json`. Interrupted before, it is simply repeated; interrupted after, what is left of the files is destroyed.

use std::path::Path;

use sceau_crypto::{Cek, FileId, RecipientPrivateKey, RsaPrivateKey, Secret, SecretBytes, wrap_cek};

use super::{
    Made, SCHEME, TokenKeystore, Wanted,
    entry::{Entry, Secrets, Version},
    oaep_sha1, public_bytes,
};
use crate::{
    error::Error,
    key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyUri, KeyVersion},
    operations::Operations,
    pkcs11::{error::TokenError, uri::Pkcs11Uri},
    provider::Provider,
    software::{HeldKey, SoftwareKeystore, destroy_files},
    unlock::Unlock,
};

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedKey {
    /// Its address now; the one that it had finds it too.
    pub key: KeyRef,
    /// Whether the token uses it itself from now on. Else it is sealed under the token, and used in memory.
    pub in_token: bool,
}

/// Moves every key of the software keystore in `from` into the keystore of a token in `to`, which is made if it is not there, tries each, and then
/// destroys the software keystore with its files. To be repeated if it was interrupted.
///
/// Signing and recipient keys and masters are brought into the token, which does not let them go again. What software sealed was sealed under
/// a derivation that tokens do not have: the keys that open it are sealed under the token, and new ones, made in it, seal from now on.
///
/// # Errors
/// Those of opening both; [`Error::NotMoved`] where the token does not do with a key what software did. Then nothing was destroyed.
pub fn move_to_token(
    from: &Path,
    unlock: &Unlock,
    to: &Path,
    uri: &Pkcs11Uri,
) -> Result<Vec<MovedKey>, Error> {
    let software = match SoftwareKeystore::open(from, unlock) {
        Err(Error::NotAKeystore(_)) if TokenKeystore::is_in(to) => {
            let token = TokenKeystore::open(to, uri)?;
            destroy_files(from)?;
            return Ok(token.read().iter().map(|(label, entry)| moved(label, entry)).collect());
        }
        opened => opened?,
    };
    let token = TokenKeystore::open_or_create(to, uri)?;
    let mut all = Vec::new();
    for entry in software.list()? {
        let held = software.held(&entry.key)?;
        let there = token.read().get(entry.key.label()).cloned();
        let arrived = match there {
            Some(there) => there,
            None => token.take(&entry, &held)?,
        };
        token.must_do_as(&software, &entry)?;
        all.push(moved(entry.key.label(), &arrived));
    }
    drop(software);
    destroy_files(from)?;
    Ok(all)
}

fn moved(label: &KeyLabel, entry: &Entry) -> MovedKey {
    let key = KeyRef::new(KeyUri::new(SCHEME, label.clone()), entry.kind);
    MovedKey { key, in_token: !entry.versions.contains(&Version::Sealed) }
}

impl TokenKeystore {
    /// Takes a key in, as it is.
    fn take(&self, from: &KeyEntry, held: &HeldKey) -> Result<std::sync::Arc<Entry>, Error> {
        let label = from.key.label();
        let _changing = self.change();
        let mut entry = Entry {
            kind: from.key.kind(),
            state: from.state,
            created: from.created,
            public: public_bytes(held),
            moved: true,
            versions: Vec::new(),
            sealed: Vec::new(),
        };
        let mut secrets = Secrets::new();
        for (at, secret) in each_version(held).into_iter().enumerate() {
            let object = self.shelf.object(label.as_str(), KeyVersion::last_of(at + 1));
            let brought = self.bring(&object, held, &secret)?;
            secrets.push(if brought.is_some() { None } else { Some(secret) });
            entry.versions.push(match brought {
                Some(Made { check, .. }) => Version::Token { check, imported: true },
                None => Version::Sealed,
            });
        }
        if entry.kind == KeyKind::Aes256Gcm {
            self.add_version(label.as_str(), &mut entry)?;
            secrets.push(None);
        }
        self.put(label, entry, &secrets)
    }

    /// Brings one version into the token; none where it cannot use such a key, or lets none be brought in.
    fn bring(&self, object: &str, held: &HeldKey, secret: &SecretBytes) -> Result<Option<Made>, Error> {
        if !self.can(held.kind())? {
            return Ok(None);
        }
        let thirty_two =
            || Secret::<32>::from_slice(secret.expose()).map_err(|_| sceau_crypto::KeyError::Malformed);
        let made = match held {
            // Software derives with HKDF from these, whose key a token's HMAC cannot be.
            HeldKey::Aes(_) => return Ok(None),
            HeldKey::Hmac(_) | HeldKey::Prf(_) => {
                self.shelf.make(object, &Wanted::KnownSecret(&thirty_two()?))
            }
            HeldKey::Ed25519(key) => {
                let public = key.verifying_key();
                self.shelf.make(object, &Wanted::KnownEd25519(secret.expose(), public.as_bytes()))
            }
            HeldKey::Recipient(RecipientPrivateKey::Rsa(key)) => {
                self.shelf.make(object, &Wanted::KnownRsa(&key.parts()?))
            }
            HeldKey::OaepSha1(_) => {
                let key = RsaPrivateKey::from_pkcs8(secret.expose())?;
                self.shelf.make(object, &Wanted::KnownRsa(&key.parts()?))
            }
            // Made anew in the token where it is wanted there: nothing that is kept depends on it.
            HeldKey::Recipient(_) | HeldKey::Rs256(_) => return Ok(None),
        };
        match made {
            Ok(made) => Ok(Some(made)),
            // It takes no key that it did not make: then the key stays software, and `kept` says so.
            Err(Error::Token(TokenError::Refused { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a key does here what it does in the keystore that it came from.
    fn must_do_as(&self, software: &SoftwareKeystore, from: &KeyEntry) -> Result<(), Error> {
        let key = &self.find(from.key.uri())?.key;
        let not_moved = || Error::NotMoved(from.key.uri().clone());
        // A disabled key does nothing; it is what it was all the same.
        if from.state != crate::key::KeyState::Active {
            return Ok(());
        }
        let same = match key.kind() {
            KeyKind::Ed25519 => {
                let (text, public) = (b"sceau: moved".as_slice(), software.verifying_key(&from.key)?);
                public.verifies(text, &self.sign(key, text)?)
            }
            KeyKind::RsaOaep256 | KeyKind::HpkeXWing => {
                let (file, cek) = (FileId::random(), Cek::random());
                let stanza = wrap_cek(&software.recipient_key(&from.key)?, &file, &cek);
                Operations::unwrap_cek(self, key, &file, &stanza)? == cek
            }
            KeyKind::DangerRsaOaepSha1 => {
                let (cek, wrapped) = oaep_sha1::trial(&software.danger_sha1_key(&from.key)?)?;
                Operations::danger_unwrap_sha1(self, key, &wrapped)? == cek
            }
            KeyKind::Rs256 => {
                let (text, public) = (b"sceau: moved".as_slice(), software.rs256_key(&from.key)?);
                public.signed_rs256(text, &self.sign_rs256(key, text)?)
            }
            KeyKind::HmacSha256 => {
                self.mac(key, &[b"sceau: moved"])? == software.mac(&from.key, &[b"sceau: moved"])?
            }
            KeyKind::Aes256Gcm => {
                let sealed = software.seal(&from.key, b"moved", b"secret")?;
                let here = self.seal(key, b"moved", b"secret")?;
                self.open(key, b"moved", &sealed)?.expose() == b"secret"
                    && self.open(key, b"moved", &here)?.expose() == b"secret"
            }
            KeyKind::PrfHmacSha256 => {
                let mut same = true;
                for number in 1..=from.version.number() {
                    let version = KeyVersion::new(number).ok_or_else(not_moved)?;
                    let input = [b"sceau: moved".as_slice()];
                    same &= self.prf(key, version, &input)? == software.prf(&from.key, version, &input)?;
                }
                same
            }
            // Files hold none.
            KeyKind::Aes256Kwp => false,
        };
        if same { Ok(()) } else { Err(not_moved()) }
    }
}

fn each_version(held: &HeldKey) -> Vec<SecretBytes> {
    match held {
        HeldKey::Aes(versions) | HeldKey::Prf(versions) => {
            versions.iter().map(|one| SecretBytes::from(one.expose().as_slice())).collect()
        }
        other => vec![other.to_secret_bytes()],
    }
}
