//! The part of a token that is one keystore's: keys by name, made, found again, used and destroyed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use cryptoki::{
    context::Function,
    error::{Error as Cryptoki, RvError},
    mechanism::{
        Mechanism, MechanismType,
        eddsa::{EddsaParams, EddsaSignatureScheme},
        rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource},
    },
    object::{Attribute, ObjectClass, ObjectHandle},
    session::Session,
};
use sceau_crypto::{Secret, SecretBytes};
use sceau_pki::Hash;
use zeroize::Zeroizing;

use super::objects::{self, Keeping, Wanted};
use crate::{
    error::Error,
    key::{KeyLabel, KeyVersion},
    pkcs11::{
        error::TokenError,
        token::{Fault, Token},
        uri::Pkcs11Uri,
    },
};

/// What a master answers to this is by what it is known again.
const CHECK: &[u8] = b"sceau: which key this is";

pub(super) struct Shelf {
    pub(super) token: Arc<Token>,
    uri: Pkcs11Uri,
    /// What the names of its keys begin with.
    name: KeyLabel,
    handles: Mutex<HashMap<String, (u64, ObjectHandle)>>,
    mechanisms: OnceLock<Vec<MechanismType>>,
}

/// A key of the token: its name there, and by what it is known again.
pub(super) struct Held<'a> {
    pub(super) name: String,
    /// Of a master: its answer to [`CHECK`]. Of an RSA key: its public part.
    pub(super) check: Option<&'a [u8]>,
}

/// What was made.
pub(super) struct Made {
    pub(super) check: Option<Vec<u8>>,
    pub(super) public: Option<Vec<u8>>,
}

impl Shelf {
    /// The shelf of the keystore that the address names with `object`.
    ///
    /// # Errors
    /// [`TokenError::NoName`], [`TokenError::Module`]; [`Error::BadLabel`].
    pub(super) fn of(uri: &Pkcs11Uri) -> Result<Self, Error> {
        let name = uri.object().ok_or_else(|| TokenError::NoName(uri.short()))?;
        let name = KeyLabel::new(name)?;
        let (handles, mechanisms) = (Mutex::default(), OnceLock::new());
        Ok(Self { token: Token::of(uri)?, uri: uri.clone(), name, handles, mechanisms })
    }

    /// A key's name in the token: of the keystore, the key, and its version.
    pub(super) fn object(&self, label: &str, version: KeyVersion) -> String {
        format!("{}/{label}/{version}", self.name)
    }

    pub(super) fn name(&self) -> &KeyLabel {
        &self.name
    }

    /// Whether the token says that it can.
    pub(super) fn can(&self, mechanism: MechanismType) -> Result<bool, Error> {
        if let Some(known) = self.mechanisms.get() {
            return Ok(known.contains(&mechanism));
        }
        let told = self.token.mechanisms()?;
        let can = told.contains(&mechanism);
        self.mechanisms.get_or_init(|| told);
        Ok(can)
    }

    /// Makes a key, or takes up the one of this name that a crash left there, if it is what would be made. One that the token would let go is destroyed.
    ///
    /// # Errors
    /// [`TokenError::NotKept`], and the others.
    pub(super) fn make(&self, name: &str, wanted: &Wanted<'_>) -> Result<Made, Error> {
        let token = &self.token;
        let making = token.module().making.lock().unwrap_or_else(PoisonError::into_inner);
        let (running, session) = token.writing()?;
        let refused = |error: Cryptoki| token.refused(&error);
        let there = objects::found(&session, wanted.class(), name).map_err(refused)?;
        let handle = match there.as_slice() {
            [] => wanted.make(&session, name).map_err(|error| {
                // Of a pair that was brought, one half may be there.
                drop(destroy_all(&session, name));
                refused(error)
            })?,
            [one] => *one,
            _ => return Err(TokenError::SeveralKeys(self.address(name)).into()),
        };
        let keeping = objects::keeping(&session, handle).map_err(refused)?;
        let brought =
            matches!(wanted, Wanted::KnownSecret(_) | Wanted::KnownEd25519(..) | Wanted::KnownRsa(_));
        if keeping == Keeping::Loose || (keeping == Keeping::Brought && !brought) {
            if there.is_empty() {
                destroy_all(&session, name).map_err(refused)?;
            }
            return Err(TokenError::NotKept(self.address(name)).into());
        }
        let public = self.public_of(&session, name, wanted, handle)?;
        let check = match wanted {
            Wanted::Secret | Wanted::KnownSecret(_) => {
                Some(session.sign(&Mechanism::Sha256Hmac, handle, CHECK).map_err(refused)?)
            }
            _ => None,
        };
        drop((session, running, making));
        Ok(Made { check, public })
    }

    fn public_of(
        &self,
        session: &Session,
        name: &str,
        wanted: &Wanted<'_>,
        private: ObjectHandle,
    ) -> Result<Option<Vec<u8>>, Error> {
        let refused = |error: Cryptoki| self.token.refused(&error);
        let public = match wanted {
            Wanted::Secret | Wanted::Wrapping | Wanted::KnownSecret(_) => return Ok(None),
            Wanted::Rsa | Wanted::RsaSigning | Wanted::KnownRsa(_) => {
                objects::rsa_public(session, private).map_err(refused)?
            }
            Wanted::Ed25519 | Wanted::KnownEd25519(..) => {
                let halves = objects::found(session, ObjectClass::PUBLIC_KEY, name).map_err(refused)?;
                let half = halves.first().copied();
                half.map(|half| objects::ed25519_public(session, half))
                    .transpose()
                    .map_err(refused)?
                    .flatten()
            }
        };
        let why = "the token does not tell its public part";
        public.map(Some).ok_or_else(|| TokenError::Unusable { address: self.address(name), why }.into())
    }

    /// Destroys every object of this name; also where there is none.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn destroy(&self, name: &str) -> Result<(), Error> {
        let (running, session) = self.token.writing()?;
        destroy_all(&session, name).map_err(|error| self.token.refused(&error))?;
        drop((session, running));
        self.handles().remove(name);
        Ok(())
    }

    /// How the key of this name stands; none where there is none.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn keeping(&self, name: &str, class: ObjectClass) -> Result<Option<Keeping>, Error> {
        Ok(self.token.within(|session, _| {
            let found = objects::found(session, class, name)?;
            let keeping = found.first().map(|found| objects::keeping(session, *found));
            Ok(keeping.transpose()?)
        })?)
    }

    /// Whether any key of the token is of this keystore.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn is_in_use(&self) -> Result<bool, Error> {
        let prefix = format!("{}/", self.name).into_bytes();
        Ok(self.token.within(|session, _| {
            for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
                for found in session.find_objects(&[Attribute::Class(class)])? {
                    let told = session.get_attributes(found, &[cryptoki::object::AttributeType::Label])?;
                    let ours = |told: &Attribute| matches!(told, Attribute::Label(text) if text.starts_with(&prefix));
                    if told.iter().any(ours) {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        })?)
    }

    /// HMAC-SHA-256 of each input, in one session.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn hmac(&self, key: &Held<'_>, inputs: &[&[u8]]) -> Result<Vec<Secret<32>>, Error> {
        let why = "it answers no HMAC of 32 octets";
        Ok(self.token.within(|session, life| {
            let handle = self.handle(session, life, key, ObjectClass::SECRET_KEY)?;
            let mut outputs = Vec::with_capacity(inputs.len());
            for input in inputs {
                let tag = Zeroizing::new(session.sign(&Mechanism::Sha256Hmac, handle, input)?);
                let unusable = |_| TokenError::Unusable { address: self.address(&key.name), why };
                outputs.push(Secret::from_slice(&tag).map_err(unusable)?);
            }
            Ok(outputs)
        })?)
    }

    /// The Ed25519 signature.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn sign(&self, key: &Held<'_>, message: &[u8]) -> Result<Vec<u8>, Error> {
        let pure = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        self.sign_by(&pure, key, message)
    }

    /// The RSASSA-PKCS1-v1_5 signature with SHA-256. The hash is made here, which every token can sign.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn sign_rs256(&self, key: &Held<'_>, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_by(&Mechanism::RsaPkcs, key, &Hash::Sha256.digest_info(message))
    }

    fn sign_by(&self, how: &Mechanism<'_>, key: &Held<'_>, input: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.token.within(|session, life| {
            let handle = self.handle(session, life, key, ObjectClass::PRIVATE_KEY)?;
            Ok(session.sign(how, handle, input)?)
        })?)
    }

    /// What the token's own OAEP with SHA-256 gives; none where it says that this ciphertext is none of its key.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn decrypt_oaep(&self, key: &Held<'_>, wrapped: &[u8]) -> Result<Option<SecretBytes>, Error> {
        let source = PkcsOaepSource::empty();
        let oaep = PkcsOaepParams::new(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, source);
        self.decrypt(key, &Mechanism::RsaPkcsOaep(oaep), wrapped)
    }

    /// The same with SHA-1.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn decrypt_oaep_sha1(
        &self,
        key: &Held<'_>,
        wrapped: &[u8],
    ) -> Result<Option<SecretBytes>, Error> {
        let source = PkcsOaepSource::empty();
        let oaep = PkcsOaepParams::new(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1, source);
        self.decrypt(key, &Mechanism::RsaPkcsOaep(oaep), wrapped)
    }

    /// What the bare private key gives, as long as the modulus. The ciphertext is as long, and less than the modulus.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn decrypt_raw(&self, key: &Held<'_>, wrapped: &[u8]) -> Result<Option<SecretBytes>, Error> {
        self.decrypt(key, &Mechanism::RsaX509, wrapped)
    }

    fn decrypt(
        &self,
        key: &Held<'_>,
        how: &Mechanism<'_>,
        wrapped: &[u8],
    ) -> Result<Option<SecretBytes>, Error> {
        Ok(self.token.within(|session, life| {
            let handle = self.handle(session, life, key, ObjectClass::PRIVATE_KEY)?;
            match session.decrypt(how, handle, wrapped) {
                Ok(plain) => Ok(Some(SecretBytes::new(plain))),
                Err(error) if is_of_the_ciphertext(&error) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })?)
    }

    /// Its handle in this life of the sessions. A token that was away may have another key under the same name: then it is not this one any more.
    pub(super) fn handle(
        &self,
        session: &Session,
        life: u64,
        key: &Held<'_>,
        class: ObjectClass,
    ) -> Result<ObjectHandle, Fault> {
        if let Some((_, handle)) = self.handles().get(&key.name).filter(|(known, _)| *known == life) {
            return Ok(*handle);
        }
        let handle = match objects::found(session, class, &key.name)?.as_slice() {
            [one] => *one,
            [] => return Err(self.missing(session, key)?),
            _ => return Err(TokenError::SeveralKeys(self.address(&key.name)).into()),
        };
        if let Some(check) = key.check {
            let found = if class == ObjectClass::SECRET_KEY {
                Some(session.sign(&Mechanism::Sha256Hmac, handle, CHECK)?)
            } else {
                objects::rsa_public(session, handle)?
            };
            if found.is_some_and(|found| found != check) {
                let why = "another key has its name since it was made";
                return Err(TokenError::Unusable { address: self.address(&key.name), why }.into());
            }
        }
        self.handles().insert(key.name.clone(), (life, handle));
        Ok(handle)
    }

    /// Why a key is not there. Some modules answer for a token that was pulled out as if it were empty; each keystore has its sealing master there.
    fn missing(&self, session: &Session, key: &Held<'_>) -> Result<Fault, Fault> {
        let sealing = self.object(super::SEALING, KeyVersion::FIRST);
        Ok(if objects::found(session, ObjectClass::SECRET_KEY, &sealing)?.is_empty() {
            Cryptoki::Pkcs11(RvError::TokenNotPresent, Function::FindObjects).into()
        } else {
            TokenError::NoKey(self.address(&key.name)).into()
        })
    }

    fn handles(&self) -> std::sync::MutexGuard<'_, HashMap<String, (u64, ObjectHandle)>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a key, for people.
    pub(super) fn address(&self, name: &str) -> String {
        self.uri.with_object(name).short()
    }
}

/// Whether it is the ciphertext that the token does not take, or a way of decrypting that it does not have; and neither session nor token is at fault.
fn is_of_the_ciphertext(error: &Cryptoki) -> bool {
    matches!(
        error,
        Cryptoki::Pkcs11(
            RvError::EncryptedDataInvalid
                | RvError::EncryptedDataLenRange
                | RvError::DataInvalid
                | RvError::DataLenRange
                | RvError::ArgumentsBad
                | RvError::MechanismInvalid
                | RvError::MechanismParamInvalid
                | RvError::FunctionFailed
                | RvError::GeneralError,
            _
        )
    )
}

fn destroy_all(session: &Session, name: &str) -> Result<(), Cryptoki> {
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY, ObjectClass::PUBLIC_KEY] {
        for found in objects::found(session, class, name)? {
            session.destroy_object(found)?;
        }
    }
    Ok(())
}
