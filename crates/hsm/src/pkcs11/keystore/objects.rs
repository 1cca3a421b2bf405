//! Objects of a token: what keys are made with there, and what is asked of them before anybody relies on one.

use cryptoki::{
    error::Error as Cryptoki,
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sceau_crypto::{RsaParts, Secret, SecretBytes, sha256};
use sceau_pki::rsa_public_key_info;

/// The object identifier of Ed25519, 1.3.101.112 (RFC 8410 §3), in DER: how PKCS#11 v3.0 §2.3.5 names the curve.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// 65,537, as everywhere.
pub(super) const EXPONENT: [u8; 3] = [1, 0, 1];

/// A key as the token shall hold it.
pub(super) enum Wanted<'a> {
    /// A master: HMAC with SHA-256, 32 octets.
    Secret,
    /// Signs.
    Ed25519,
    /// Decrypts; 3,072 bits.
    Rsa,
    /// Signs by RSA; 3,072 bits.
    RsaSigning,
    /// Wraps and unwraps keys, and nothing else: AES, 256 bits.
    Wrapping,
    /// A master that was made elsewhere.
    KnownSecret(&'a Secret<32>),
    /// A signing key that was made elsewhere: its seed, and its public part.
    KnownEd25519(&'a [u8], &'a [u8]),
    /// A decrypting key that was made elsewhere.
    KnownRsa(&'a RsaParts),
}

impl Wanted<'_> {
    pub(super) fn class(&self) -> ObjectClass {
        match self {
            Self::Secret | Self::Wrapping | Self::KnownSecret(_) => ObjectClass::SECRET_KEY,
            _ => ObjectClass::PRIVATE_KEY,
        }
    }

    fn is_known(&self) -> bool {
        matches!(self, Self::KnownSecret(_) | Self::KnownEd25519(..) | Self::KnownRsa(_))
    }

    /// Makes it under this name.
    pub(super) fn make(&self, session: &Session, name: &str) -> Result<ObjectHandle, Cryptoki> {
        let (public, private) = self.templates(name);
        match self {
            Self::Wrapping => session.generate_key(&Mechanism::AesKeyGen, &wrapping(name)),
            Self::Secret => session.generate_key(&Mechanism::GenericSecretKeyGen, &private),
            Self::Ed25519 => pair(session, &Mechanism::EccEdwardsKeyPairGen, &public, &private),
            Self::Rsa | Self::RsaSigning => pair(session, &Mechanism::RsaPkcsKeyPairGen, &public, &private),
            Self::KnownSecret(_) => session.create_object(&private),
            Self::KnownEd25519(..) | Self::KnownRsa(_) => {
                let made = session.create_object(&private)?;
                session.create_object(&public)?;
                Ok(made)
            }
        }
    }

    fn templates(&self, name: &str) -> (Vec<Attribute>, Vec<Attribute>) {
        let signs = !matches!(self, Self::Rsa | Self::KnownRsa(_));
        let named = named(name);
        let mut private = named.clone();
        private.extend([
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(signs),
            Attribute::Decrypt(!signs),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ]);
        let mut public = named;
        public.extend([
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(signs),
            Attribute::Encrypt(!signs),
        ]);
        if self.is_known() {
            private.push(Attribute::Class(self.class()));
            public.push(Attribute::Class(ObjectClass::PUBLIC_KEY));
        }
        match self {
            Self::Secret => {
                private.extend([Attribute::KeyType(KeyType::GENERIC_SECRET), Attribute::ValueLen(32.into())]);
                private.extend(only_macs());
            }
            Self::KnownSecret(secret) => {
                private.extend([
                    Attribute::KeyType(KeyType::GENERIC_SECRET),
                    Attribute::Value(secret.expose().to_vec()),
                ]);
                private.extend(only_macs());
            }
            // It has a template of its own.
            Self::Wrapping => {}
            Self::Ed25519 => public.push(Attribute::EcParams(ED25519.to_vec())),
            Self::KnownEd25519(seed, point) => {
                let kind = [Attribute::KeyType(KeyType::EC_EDWARDS), Attribute::EcParams(ED25519.to_vec())];
                private.extend(kind.clone());
                private.push(Attribute::Value(seed.to_vec()));
                public.extend(kind);
                // An OCTET STRING around the point.
                let point = [&[0x04, 0x20], *point].concat();
                public.push(Attribute::EcPoint(point));
            }
            Self::Rsa | Self::RsaSigning => public
                .extend([Attribute::ModulusBits(3072.into()), Attribute::PublicExponent(EXPONENT.to_vec())]),
            Self::KnownRsa(parts) => {
                let numbers = [
                    Attribute::KeyType(KeyType::RSA),
                    Attribute::Modulus(parts.modulus.clone()),
                    Attribute::PublicExponent(parts.public_exponent.clone()),
                ];
                private.extend(numbers.clone());
                public.extend(numbers);
                let secret = |bytes: &SecretBytes| bytes.expose().to_vec();
                private.extend([
                    Attribute::PrivateExponent(secret(&parts.private_exponent)),
                    Attribute::Prime1(secret(&parts.prime_1)),
                    Attribute::Prime2(secret(&parts.prime_2)),
                    Attribute::Exponent1(secret(&parts.exponent_1)),
                    Attribute::Exponent2(secret(&parts.exponent_2)),
                    Attribute::Coefficient(secret(&parts.coefficient)),
                ]);
            }
        }
        (public, private)
    }
}

/// What one key wrapped and another could decrypt would be in clear: this one neither encrypts nor decrypts.
fn wrapping(name: &str) -> Vec<Attribute> {
    let mut template = named(name);
    template.extend([
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::ValueLen(32.into()),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Derive(false),
    ]);
    template
}

fn only_macs() -> [Attribute; 3] {
    [Attribute::Verify(false), Attribute::Encrypt(false), Attribute::Wrap(false)]
}

fn pair(
    session: &Session,
    how: &Mechanism<'_>,
    public: &[Attribute],
    private: &[Attribute],
) -> Result<ObjectHandle, Cryptoki> {
    Ok(session.generate_key_pair(how, public, private)?.1)
}

/// Its label, and the id that its halves share.
pub(super) fn named(name: &str) -> Vec<Attribute> {
    let id = sha256(name.as_bytes()).into_iter().take(16).collect();
    vec![Attribute::Label(name.as_bytes().to_vec()), Attribute::Id(id)]
}

/// The objects of this name.
pub(super) fn found(
    session: &Session,
    class: ObjectClass,
    name: &str,
) -> Result<Vec<ObjectHandle>, Cryptoki> {
    session.find_objects(&[vec![Attribute::Class(class)], named(name)].concat())
}

/// How a key stands in its token, by the token's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Made there, and neither read ever.
    Made,
    /// Brought there; not to be read since.
    Brought,
    /// It may be read.
    Loose,
}

pub(super) fn keeping(session: &Session, handle: ObjectHandle) -> Result<Keeping, Cryptoki> {
    let asked = [
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::AlwaysSensitive,
        AttributeType::NeverExtractable,
        AttributeType::Local,
    ];
    let told = session.get_attributes(handle, &asked)?;
    let is = |wanted: &Attribute| told.contains(wanted);
    Ok(if !is(&Attribute::Sensitive(true)) || !is(&Attribute::Extractable(false)) {
        Keeping::Loose
    } else if is(&Attribute::AlwaysSensitive(true))
        && is(&Attribute::NeverExtractable(true))
        && is(&Attribute::Local(true))
    {
        Keeping::Made
    } else {
        Keeping::Brought
    })
}

/// The SubjectPublicKeyInfo of an RSA key, from either half.
pub(super) fn rsa_public(session: &Session, object: ObjectHandle) -> Result<Option<Vec<u8>>, Cryptoki> {
    let asked = [AttributeType::Modulus, AttributeType::PublicExponent];
    Ok(match session.get_attributes(object, &asked)?.as_slice() {
        [Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)]
            if !modulus.is_empty() && !exponent.is_empty() =>
        {
            Some(rsa_public_key_info(modulus, exponent))
        }
        _ => None,
    })
}

/// The 32 octets of an Ed25519 public key, from its public half.
pub(super) fn ed25519_public(session: &Session, object: ObjectHandle) -> Result<Option<Vec<u8>>, Cryptoki> {
    let told = session.get_attributes(object, &[AttributeType::EcPoint])?;
    Ok(told.into_iter().find_map(|told| match told {
        // An OCTET STRING around the point; some tokens tell it bare.
        Attribute::EcPoint(point) if point.len() == 34 => point.get(2..).map(<[u8]>::to_vec),
        Attribute::EcPoint(point) if point.len() == 32 => Some(point),
        _ => None,
    }))
}
