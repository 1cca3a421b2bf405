//! A private key in a token: found by its address, used there, never read.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use cryptoki::{
    error::Error as Cryptoki,
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsPssParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sceau_pki::{CertificateKey, Hash, KeyFamily, Signing, ecdsa_signature_der, rsa_public_key_info};

use super::{
    error::TokenError,
    token::{Fault, Token},
    uri::Pkcs11Uri,
};

/// A private key of a certificate in a token. Cheap to clone.
#[derive(Clone)]
pub struct TokenKey(Arc<Held>);

struct Held {
    token: Arc<Token>,
    uri: Pkcs11Uri,
    family: KeyFamily,
    public_key_info: Vec<u8>,
    /// Its handle, and the life of the sessions that it belongs to.
    handle: Mutex<(u64, ObjectHandle)>,
}

impl TokenKey {
    /// Finds the one private key that an address means, and reads its public part.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn find(uri: &Pkcs11Uri) -> Result<Self, TokenError> {
        Self::find_in(Token::of(uri)?, uri)
    }

    pub(crate) fn find_in(token: Arc<Token>, uri: &Pkcs11Uri) -> Result<Self, TokenError> {
        let (life, handle, (family, public_key_info)) = token.within(|session, life| {
            let handle = private_key(session, uri)?;
            Ok((life, handle, public_part(session, handle, uri)?))
        })?;
        let handle = Mutex::new((life, handle));
        Ok(Self(Arc::new(Held { token, uri: uri.clone(), family, public_key_info, handle })))
    }

    /// Its address.
    pub fn uri(&self) -> &Pkcs11Uri {
        &self.0.uri
    }

    /// Whether it can never leave the token, by the token's own word: not extractable and sensitive, always so.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn stays(&self) -> Result<bool, TokenError> {
        self.0.token.within(|session, _| {
            let handle = private_key(session, &self.0.uri)?;
            Ok(stays(session, handle)?)
        })
    }

    /// The signature of a message.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let (mechanism, input) = self.0.prepared(how, message)?;
        let raw = self.0.token.within(|session, life| {
            let handle = self.0.handle(session, life)?;
            Ok(session.sign(&mechanism, handle, &input)?)
        })?;
        match how {
            Signing::RsaPkcs1(_) | Signing::RsaPss(_) => Ok(raw),
            Signing::Ecdsa => ecdsa_signature_der(self.0.family, &raw)
                .ok_or_else(|| self.0.unusable("the token's signature is not r and s of the curve's length")),
        }
    }
}

impl Held {
    fn unusable(&self, why: &'static str) -> TokenError {
        TokenError::Unusable { address: self.uri.short(), why }
    }

    /// What the token is asked: the hash is made here, which every token can sign.
    fn prepared(&self, how: Signing, message: &[u8]) -> Result<(Mechanism<'static>, Vec<u8>), TokenError> {
        match (how, self.family) {
            (Signing::Ecdsa, KeyFamily::P256) => Ok((Mechanism::Ecdsa, Hash::Sha256.of(message))),
            (Signing::Ecdsa, KeyFamily::P384) => Ok((Mechanism::Ecdsa, Hash::Sha384.of(message))),
            (Signing::RsaPkcs1(hash), KeyFamily::Rsa) => Ok((Mechanism::RsaPkcs, hash.digest_info(message))),
            (Signing::RsaPss(hash), KeyFamily::Rsa) => {
                let digest = hash.of(message);
                let (hash_alg, mgf) = match hash {
                    Hash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
                    Hash::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
                    Hash::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
                };
                let salt = u64::try_from(digest.len()).unwrap_or_default().into();
                Ok((Mechanism::RsaPkcsPss(PkcsPssParams { hash_alg, mgf, s_len: salt }), digest))
            }
            _ => Err(self.unusable("it is of another kind")),
        }
    }

    /// Its handle in this life of the sessions. A token that was away may have another key under the same name: then it is not this one any more.
    fn handle(&self, session: &Session, life: u64) -> Result<ObjectHandle, Fault> {
        let mut known = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != life {
            let handle = private_key(session, &self.uri)?;
            if public_part(session, handle, &self.uri)?.1 != self.public_key_info {
                return Err(self.unusable("another key has its name since the token was away").into());
            }
            *known = (life, handle);
        }
        Ok(known.1)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.0.uri.short())
    }
}

impl CertificateKey for TokenKey {
    fn family(&self) -> KeyFamily {
        self.0.family
    }

    fn public_key_info(&self) -> Result<Vec<u8>, sceau_pki::Error> {
        Ok(self.0.public_key_info.clone())
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, sceau_pki::Error> {
        TokenKey::sign(self, how, message).map_err(|error| sceau_pki::Error::from(&error))
    }
}

impl From<&TokenError> for sceau_pki::Error {
    fn from(error: &TokenError) -> Self {
        Self::Elsewhere { code: error.code(), words: error.to_string() }
    }
}

/// What finds the objects of this class that an address means.
pub(crate) fn template(uri: &Pkcs11Uri, class: ObjectClass) -> Vec<Attribute> {
    let mut template = vec![Attribute::Class(class)];
    template.extend(uri.object().map(|label| Attribute::Label(label.as_bytes().to_vec())));
    template.extend(uri.id().map(|id| Attribute::Id(id.to_vec())));
    template
}

fn private_key(session: &Session, uri: &Pkcs11Uri) -> Result<ObjectHandle, Fault> {
    let found = session.find_objects(&template(uri, ObjectClass::PRIVATE_KEY))?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(TokenError::NoKey(uri.short()).into()),
        _ => Err(TokenError::SeveralKeys(uri.short()).into()),
    }
}

/// Whether the token says that the key never could and never can be read.
pub(crate) fn stays(session: &Session, handle: ObjectHandle) -> Result<bool, Cryptoki> {
    let asked = [
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::AlwaysSensitive,
        AttributeType::NeverExtractable,
    ];
    let told = session.get_attributes(handle, &asked)?;
    let is = |wanted: &Attribute| told.contains(wanted);
    Ok(is(&Attribute::Sensitive(true))
        && is(&Attribute::Extractable(false))
        && is(&Attribute::AlwaysSensitive(true))
        && is(&Attribute::NeverExtractable(true)))
}

/// Kind and SubjectPublicKeyInfo. RSA private keys tell their public part; a point is told by the public key beside.
pub(crate) fn public_part(
    session: &Session,
    handle: ObjectHandle,
    uri: &Pkcs11Uri,
) -> Result<(KeyFamily, Vec<u8>), Fault> {
    let unusable = |why| Fault::Said(TokenError::Unusable { address: uri.short(), why });
    let kind = session.get_attributes(handle, &[AttributeType::KeyType, AttributeType::Id])?;
    let id = kind.iter().find_map(|told| match told {
        Attribute::Id(id) if !id.is_empty() => Some(id.clone()),
        _ => None,
    });
    let public = public_key(session, uri, id)?;
    if kind.contains(&Attribute::KeyType(KeyType::RSA)) {
        let info = [Some(handle), public].into_iter().flatten().find_map(|object| rsa_info(session, object));
        return info
            .map(|info| (KeyFamily::Rsa, info))
            .ok_or_else(|| unusable("the token does not tell its public part"));
    }
    if !kind.contains(&Attribute::KeyType(KeyType::EC)) {
        return Err(unusable("it is neither RSA nor ECDSA"));
    }
    let curve = session.get_attributes(handle, &[AttributeType::EcParams])?;
    let family = curve.iter().find_map(|told| match told {
        Attribute::EcParams(curve) => KeyFamily::of_curve(curve),
        _ => None,
    });
    let family = family.ok_or_else(|| unusable("its curve is neither P-256 nor P-384"))?;
    let objects = [public, Some(handle)];
    let info = objects.into_iter().flatten().find_map(|object| point_info(session, object, family));
    let none = "the token holds no public key of the same id beside it, which tells its point";
    Ok((family, info.ok_or_else(|| unusable(none))?))
}

/// The public key that was made with it: of the same id, or else of the same label.
fn public_key(
    session: &Session,
    uri: &Pkcs11Uri,
    id: Option<Vec<u8>>,
) -> Result<Option<ObjectHandle>, Fault> {
    let template = match id {
        Some(id) => vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Id(id)],
        None if uri.object().is_some() => template(uri, ObjectClass::PUBLIC_KEY),
        None => return Ok(None),
    };
    Ok(session.find_objects(&template)?.first().copied())
}

fn rsa_info(session: &Session, object: ObjectHandle) -> Option<Vec<u8>> {
    let asked = [AttributeType::Modulus, AttributeType::PublicExponent];
    let told = session.get_attributes(object, &asked).ok()?;
    match told.as_slice() {
        [Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)]
            if !modulus.is_empty() && !exponent.is_empty() =>
        {
            Some(rsa_public_key_info(modulus, exponent))
        }
        _ => None,
    }
}

pub(crate) fn point_info(session: &Session, object: ObjectHandle, family: KeyFamily) -> Option<Vec<u8>> {
    let told = session.get_attributes(object, &[AttributeType::EcPoint]).ok()?;
    let Some(Attribute::EcPoint(point)) = told.first() else { return None };
    // An OCTET STRING around the point (v2.40 §2.3.3); some tokens tell the point bare.
    let inner = match point.as_slice() {
        [0x04, length, inner @ ..] if usize::from(*length) == inner.len() => inner,
        _ => point,
    };
    family.point_info(inner)
}
