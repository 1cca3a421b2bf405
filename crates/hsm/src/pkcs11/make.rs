//! Keys made in a token: sensitive, never extractable, and looked at before anybody relies on it.

use std::sync::PoisonError;

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, ObjectClass, ObjectHandle},
    session::Session,
};
use sceau_pki::{KeyAlgorithm, KeyFamily};

use super::{
    error::TokenError,
    key::{TokenKey, stays, template},
    token::Token,
    uri::Pkcs11Uri,
};

impl TokenKey {
    /// Makes a key pair of this kind in the token, under the address's label and id (an id is drawn where it names none).
    ///
    /// # Errors
    /// [`TokenError::NoName`], [`TokenError::Exists`], [`TokenError::NotKept`], and the others.
    pub fn generate(uri: &Pkcs11Uri, algorithm: KeyAlgorithm) -> Result<Self, TokenError> {
        let label = uri.object().ok_or_else(|| TokenError::NoName(uri.short()))?;
        let token = Token::of(uri)?;
        // One at a time: whether a name is free, and taking it, are two calls of PKCS#11.
        let making = token.module().making.lock().unwrap_or_else(PoisonError::into_inner);
        make(&token, uri, label, algorithm)?;
        drop(making);
        Self::find_in(token, uri)
    }
}

fn make(token: &Token, uri: &Pkcs11Uri, label: &str, algorithm: KeyAlgorithm) -> Result<(), TokenError> {
    let (_running, session) = token.writing()?;
    let refused = |error| token.refused(&error);
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        if !session.find_objects(&template(uri, class)).map_err(refused)?.is_empty() {
            return Err(TokenError::Exists(uri.short()));
        }
    }
    let id = uri.id().map_or_else(|| sceau_crypto::random::<16>().to_vec(), <[u8]>::to_vec);
    let (public, private) = pair(&session, label, &id, algorithm).map_err(refused)?;
    if stays(&session, private).map_err(refused)? {
        return Ok(());
    }
    destroy(&session, [public, private]).map_err(refused)?;
    Err(TokenError::NotKept(uri.short()))
}

fn pair(
    session: &Session,
    label: &str,
    id: &[u8],
    algorithm: KeyAlgorithm,
) -> Result<(ObjectHandle, ObjectHandle), cryptoki::error::Error> {
    let named =
        [Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec()), Attribute::Id(id.to_vec())];
    let mut public = [named.as_slice(), &[Attribute::Private(false), Attribute::Verify(true)]].concat();
    let private = [
        named.as_slice(),
        &[
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ],
    ]
    .concat();
    let rsa = |bits: u64| {
        // 65,537, as everywhere.
        [
            Attribute::ModulusBits(bits.into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Encrypt(false),
        ]
    };
    let curve = |family: KeyFamily| [Attribute::EcParams(family.curve_der().unwrap_or_default())];
    let mechanism = match algorithm {
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => Mechanism::EccKeyPairGen,
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => Mechanism::RsaPkcsKeyPairGen,
    };
    match algorithm {
        KeyAlgorithm::EcdsaP256 => public.extend(curve(KeyFamily::P256)),
        KeyAlgorithm::EcdsaP384 => public.extend(curve(KeyFamily::P384)),
        KeyAlgorithm::Rsa2048 => public.extend(rsa(2048)),
        KeyAlgorithm::Rsa3072 => public.extend(rsa(3072)),
        KeyAlgorithm::Rsa4096 => public.extend(rsa(4096)),
    }
    session.generate_key_pair(&mechanism, &public, &private)
}

fn destroy<const N: usize>(
    session: &Session,
    objects: [ObjectHandle; N],
) -> Result<(), cryptoki::error::Error> {
    objects.into_iter().try_for_each(|object| session.destroy_object(object))
}
