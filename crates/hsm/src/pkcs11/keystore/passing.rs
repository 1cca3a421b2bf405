//! Keys that are in the token for one call: made there and wrapped, or unwrapped and used.
//!
//! Each belongs to a session and to no token's storage, so that it goes with the session, the process and the token's power, whatever happens to them. It is destroyed before the
//! caller gets anything; where the token does not destroy it, its session is closed. What was unwrapped is sensitive, never to be wrapped again, copied or changed.

use cryptoki::{
    error::{Error as Cryptoki, RvError},
    mechanism::Mechanism,
    object::{Attribute, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sceau_pki::{Hash, KeyFamily};

use super::{
    objects::{self, EXPONENT, Keeping},
    shelf::{Held, Shelf},
};
use crate::{
    error::Error,
    holder::HolderAlgorithm,
    pkcs11::{
        error::{TokenError, is_lost},
        key::point_info,
        token::Fault,
    },
};

/// AES key wrap with padding (RFC 5649), of the private key's PKCS #8 (PKCS#11 v2.40 §2.14.3).
const WRAP: Mechanism<'static> = Mechanism::AesKeyWrapPad;

/// A key that was made and is in the token no more.
pub(super) struct Passed {
    /// As the wrapping key takes it in again.
    pub(super) wrapped: Vec<u8>,
    /// SubjectPublicKeyInfo.
    pub(super) public: Vec<u8>,
}

impl Shelf {
    /// Makes a key pair, and takes it out wrapped.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) fn make_passing(
        &self,
        wrapping: &Held<'_>,
        algorithm: HolderAlgorithm,
    ) -> Result<Passed, Error> {
        Ok(self.token.within(|session, life| {
            let wrapper = self.handle(session, life, wrapping, ObjectClass::SECRET_KEY)?;
            let (public, private) = pair(session, algorithm)?;
            let taken_out = || -> Result<Passed, Fault> {
                let why = "the token does not tell its public part";
                let unusable = || TokenError::Unusable { address: self.address(&wrapping.name), why };
                let told = match algorithm.family() {
                    KeyFamily::Rsa => objects::rsa_public(session, public)?,
                    curve => point_info(session, public, curve),
                };
                let wrapped = session.wrap_key(&WRAP, wrapper, private)?;
                Ok(Passed { wrapped: as_long_as_it_is(wrapped), public: told.ok_or_else(unusable)? })
            };
            ended(session, &[private, public], taken_out())
        })?)
    }

    /// Takes a key in, has it sign these digests, as the token makes signatures, and destroys it.
    ///
    /// # Errors
    /// [`TokenError::Unusable`] where the token does not unwrap it, [`TokenError::NotKept`] where it would let it go, and the others.
    pub(super) fn sign_passing(
        &self,
        wrapping: &Held<'_>,
        (algorithm, wrapped): (HolderAlgorithm, &[u8]),
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Error> {
        Ok(self.token.within(|session, life| {
            let wrapper = self.handle(session, life, wrapping, ObjectClass::SECRET_KEY)?;
            let key = session.unwrap_key(&WRAP, wrapper, wrapped, &taken_in(algorithm));
            let key = key.map_err(|error| self.not_unwrapped(wrapping, error))?;
            ended(session, &[key], self.signatures(session, key, wrapping, algorithm, digests))
        })?)
    }

    fn signatures(
        &self,
        session: &Session,
        key: ObjectHandle,
        wrapping: &Held<'_>,
        algorithm: HolderAlgorithm,
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Fault> {
        if objects::keeping(session, key)? == Keeping::Loose {
            return Err(TokenError::NotKept(self.address(&wrapping.name)).into());
        }
        let one = |digest: &[u8; 32]| match algorithm {
            HolderAlgorithm::EcdsaP256 => session.sign(&Mechanism::Ecdsa, key, digest),
            HolderAlgorithm::Rsa3072 => {
                session.sign(&Mechanism::RsaPkcs, key, &Hash::Sha256.digest_info_of(digest))
            }
        };
        Ok(digests.iter().map(one).collect::<Result<_, _>>()?)
    }

    /// Its seal was opened before, so that nobody altered it: what is not unwrapped was wrapped by another key.
    fn not_unwrapped(&self, wrapping: &Held<'_>, error: Cryptoki) -> Fault {
        let of_the_key = matches!(
            error,
            Cryptoki::Pkcs11(
                RvError::WrappedKeyInvalid
                    | RvError::WrappedKeyLenRange
                    | RvError::EncryptedDataInvalid
                    | RvError::EncryptedDataLenRange
                    | RvError::GeneralError
                    | RvError::FunctionFailed,
                _
            )
        );
        if !of_the_key {
            return error.into();
        }
        let why = "it does not unwrap a holder's key that was made: another key has its name by now";
        TokenError::Unusable { address: self.address(&wrapping.name), why }.into()
    }
}

/// A token says beforehand how much room it may need at most (PKCS#11 v2.40 §5.2), and the library gives all of that, zeros behind what there is. What is wrapped is of whole blocks
/// of eight octets, and its last one is no zeros but once in 2^64.
fn as_long_as_it_is(mut wrapped: Vec<u8>) -> Vec<u8> {
    let end = wrapped.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    wrapped.truncate(end.next_multiple_of(8));
    wrapped
}

/// Destroys what is in the session, whatever came of it.
fn ended<T>(session: &Session, objects: &[ObjectHandle], done: Result<T, Fault>) -> Result<T, Fault> {
    let destroyed: Vec<_> = objects.iter().map(|object| session.destroy_object(*object)).collect();
    match (done, destroyed.into_iter().find_map(Result::err)) {
        // Its session is closed, and they go with it.
        (Err(Fault::Module(error)), _) if is_lost(&error) => Err(Fault::Module(error)),
        (_, Some(error)) => Err(Fault::Left(error)),
        (done, None) => done,
    }
}

/// A new pair in the session; the private half may be wrapped, which is the one way out, and is destroyed then.
fn pair(session: &Session, algorithm: HolderAlgorithm) -> Result<(ObjectHandle, ObjectHandle), Cryptoki> {
    let mut public = vec![Attribute::Token(false), Attribute::Private(false), Attribute::Verify(true)];
    let private = [passing().as_slice(), &[Attribute::Extractable(true)]].concat();
    let how = match algorithm {
        HolderAlgorithm::EcdsaP256 => {
            public.extend(KeyFamily::P256.curve_der().map(Attribute::EcParams));
            Mechanism::EccKeyPairGen
        }
        HolderAlgorithm::Rsa3072 => {
            public
                .extend([Attribute::ModulusBits(3072.into()), Attribute::PublicExponent(EXPONENT.to_vec())]);
            Mechanism::RsaPkcsKeyPairGen
        }
    };
    session.generate_key_pair(&how, &public, &private)
}

/// What is unwrapped: it stays in its session.
fn taken_in(algorithm: HolderAlgorithm) -> Vec<Attribute> {
    let key_type = match algorithm {
        HolderAlgorithm::EcdsaP256 => KeyType::EC,
        HolderAlgorithm::Rsa3072 => KeyType::RSA,
    };
    let own = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(key_type),
        Attribute::Extractable(false),
    ];
    [own.as_slice(), &passing()].concat()
}

fn passing() -> [Attribute; 9] {
    [
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Sign(true),
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Copyable(false),
        Attribute::Modifiable(false),
    ]
}

#[cfg(test)]
mod tests {
    use super::as_long_as_it_is;

    #[test]
    fn what_was_wrapped_ends_where_its_last_block_does() {
        for (octets, room) in [(16, 16), (16, 17), (16, 24), (16, 31), (72, 200)] {
            for zeros in 0..8 {
                let mut wrapped = vec![7; octets - zeros];
                wrapped.resize(octets, 0);
                let whole = wrapped.clone();
                wrapped.resize(room, 0);
                assert_eq!(as_long_as_it_is(wrapped), whole, "{octets} of {room}, {zeros} zeros");
            }
        }
    }
}
