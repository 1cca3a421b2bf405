//! Activation factors: what a registration authority hands over, and how a terminal and the element prove to each other that they have it.

use sceau_crypto::{KeyId, Label, Secret, SecretBytes, hmac, random, sha256};
use sceau_element_api::{Base64Url, KeyringId, Nonce, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Crockford's digits: none of them is taken for another.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// An activation factor: so many characters of Crockford's base 32, of 5 bits each, shown in groups of four.
#[derive(PartialEq, Eq)]
pub struct Factor<const LENGTH: usize>(SecretBytes);

/// An activation code: 20 characters, 100 bits.
pub type Code = Factor<20>;

/// A second factor, which goes by another channel than the code: 16 characters, 80 bits. Who has the code, and a proof of both, cannot search for it.
pub type SecondCode = Factor<16>;

/// What was typed is not an activation factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has {characters} letters and digits, without U; I and L are read as 1, O as 0")]
#[non_exhaustive]
pub struct FactorError {
    /// How many it has.
    pub characters: usize,
}

impl<const LENGTH: usize> Factor<LENGTH> {
    /// Draws a new one.
    #[must_use]
    pub fn draw() -> Self {
        let drawn = Zeroizing::new(random::<LENGTH>());
        Self::of_bytes(&drawn)
    }

    /// The one that these bytes say, 5 bits of each: 256 is a multiple of 32, so that no digit is likelier than another.
    pub(crate) fn of_bytes(bytes: &[u8; LENGTH]) -> Self {
        let digit = |byte: &u8| DIGITS.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
        Self(SecretBytes::new(bytes.iter().map(digit).collect()))
    }

    /// Reads one as people type it: in either case, with or without hyphens and blanks.
    ///
    /// # Errors
    /// [`FactorError`].
    pub fn parse(typed: &str) -> Result<Self, FactorError> {
        let refused = FactorError { characters: LENGTH };
        let mut code = Vec::with_capacity(LENGTH);
        for byte in typed.bytes().filter(|byte| !matches!(byte, b'-' | b' ' | b'\n' | b'\r')) {
            let digit = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                digit => digit,
            };
            if code.len() == LENGTH || !DIGITS.contains(&digit) {
                return Err(refused);
            }
            code.push(digit);
        }
        let code = SecretBytes::new(code);
        if code.expose().len() == LENGTH { Ok(Self(code)) } else { Err(refused) }
    }

    /// As it is handed over: in groups of four.
    #[must_use]
    pub fn shown(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / 4));
        for (at, byte) in self.0.expose().iter().enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(*byte));
        }
        text
    }

    /// Its characters.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl<const LENGTH: usize> std::fmt::Debug for Factor<LENGTH> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Factor(redacted)")
    }
}

impl<const LENGTH: usize> Serialize for Factor<LENGTH> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl<'de, const LENGTH: usize> Deserialize<'de> for Factor<LENGTH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The factors of a keyring.
#[derive(Debug, Clone, Copy)]
pub struct Factors<'a> {
    /// The activation code.
    pub code: &'a Code,
    /// The second factor, where there is one.
    pub second: Option<&'a SecondCode>,
}

impl Factors<'_> {
    /// Both, one after the other: each has one length.
    fn together(&self) -> SecretBytes {
        let second = self.second.map(SecondCode::expose).unwrap_or_default();
        SecretBytes::new([self.code.expose(), second].concat())
    }
}

/// What a registration authority signs of the factors that it hands over.
#[must_use]
pub fn factors_hash(factors: &Factors<'_>) -> Hash {
    Hash::new(Label::KeyringFactors.hash(&[factors.together().expose()]))
}

/// A terminal's proof that it has the code, in the context of this nonce, under the key of this thumbprint.
#[must_use]
pub fn first_proof(code: &Code, keyring: KeyringId, nonce: &Nonce, thumbprint: &[u8; 32]) -> Base64Url {
    proof(code.expose(), keyring, &[b"begin", &nonce.0, thumbprint])
}

/// The same, that it has both factors; none where there is no second one.
#[must_use]
pub fn second_proof(
    factors: &Factors<'_>,
    keyring: KeyringId,
    nonce: &Nonce,
    thumbprint: &[u8; 32],
) -> Option<Base64Url> {
    factors.second?;
    Some(proof(factors.together().expose(), keyring, &[b"second", &nonce.0, thumbprint]))
}

/// What the element answers to a terminal that has the code, and as whom: its proof is over all of it.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The element's channel key.
    pub channel: KeyId,
    /// The element's word, a JWK.
    pub word: &'a str,
    /// [`crate::Identity::hash`] of the holder.
    pub identity: &'a Hash,
    /// SHA-256 of the policy.
    pub policy: &'a Hash,
    /// Who may ask, the exact bytes.
    pub access: &'a [u8],
    /// The name that the terminal will have.
    pub terminal: TerminalId,
    /// The id that the key will have.
    pub key: &'a [u8],
    /// OPAQUE's RegistrationResponse.
    pub response: &'a [u8],
}

/// The element's proof that it has the factors too, over what it answers: whoever alters a part of it, or answers in its place, has none.
#[must_use]
pub fn answer_proof(
    factors: &Factors<'_>,
    keyring: KeyringId,
    nonce: &Nonce,
    reply: &Reply<'_>,
) -> Base64Url {
    // Each part has one length, so that none is read as the end of another.
    let hashes = [reply.word.as_bytes(), reply.access, reply.key, reply.response].map(sha256);
    let mut parts: Vec<&[u8]> = vec![b"reply", &nonce.0, reply.channel.as_bytes()];
    parts.extend([reply.identity.as_bytes().as_slice(), reply.policy.as_bytes(), reply.terminal.as_bytes()]);
    parts.extend(hashes.iter().map(<[u8; 32]>::as_slice));
    proof(factors.together().expose(), keyring, &parts)
}

/// Whether `given` is [`first_proof`], in constant time.
#[must_use]
pub fn is_first_proof(
    given: &[u8],
    code: &Code,
    keyring: KeyringId,
    nonce: &Nonce,
    thumbprint: &[u8; 32],
) -> bool {
    same(given, &first_proof(code, keyring, nonce, thumbprint))
}

/// Whether `given` is [`second_proof`], in constant time; what is given where there is none is not.
#[must_use]
pub fn is_second_proof(
    given: Option<&[u8]>,
    factors: &Factors<'_>,
    keyring: KeyringId,
    nonce: &Nonce,
    thumbprint: &[u8; 32],
) -> bool {
    match (given, second_proof(factors, keyring, nonce, thumbprint)) {
        (Some(given), Some(expected)) => same(given, &expected),
        (given, expected) => given.is_none() && expected.is_none(),
    }
}

/// Whether `given` is [`answer_proof`], in constant time.
#[must_use]
pub fn is_answer_proof(
    given: &[u8],
    factors: &Factors<'_>,
    keyring: KeyringId,
    nonce: &Nonce,
    reply: &Reply<'_>,
) -> bool {
    same(given, &answer_proof(factors, keyring, nonce, reply))
}

fn proof(secret: &[u8], keyring: KeyringId, parts: &[&[u8]]) -> Base64Url {
    let key = Label::KeyringActivate.derive_for(secret, &[keyring.to_string().as_bytes()]);
    Base64Url::from(hmac(key.expose(), parts).as_slice())
}

fn same(given: &[u8], expected: &[u8]) -> bool {
    let secret = |bytes| Secret::<32>::from_slice(bytes);
    matches!((secret(given), secret(expected)), (Ok(given), Ok(expected)) if given == expected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::draw();
        let shown = code.shown();
        assert_eq!(shown.len(), 24);
        assert_eq!(Code::parse(&shown).unwrap(), code);
        assert_eq!(Code::parse(&shown.to_lowercase().replace('-', " ")).unwrap(), code);
        assert_eq!(Code::parse("oil0-0000-0000-0000-0000").unwrap().expose(), b"01100000000000000000");
        for wrong in
            ["", "0000", "0000-0000-0000-0000-00001", "u000-0000-0000-0000-0000", "é000-0000-0000-0000-000"]
        {
            assert_eq!(Code::parse(wrong), Err(FactorError { characters: 20 }), "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "Factor(redacted)");
        let second = SecondCode::draw();
        assert_eq!(second.shown().len(), 19);
        assert_eq!(SecondCode::parse(&second.shown()).unwrap(), second);
        assert_eq!(SecondCode::parse(&shown), Err(FactorError { characters: 16 }));
    }

    #[test]
    fn proofs_are_of_one_code_keyring_context_key_and_direction() {
        let (code, keyring, nonce) = (Code::draw(), KeyringId::random(), Nonce([1; 32]));
        let proof = first_proof(&code, keyring, &nonce, &[2; 32]);
        assert_eq!(proof, first_proof(&code, keyring, &nonce, &[2; 32]));
        assert!(is_first_proof(&proof, &code, keyring, &nonce, &[2; 32]));
        assert!(!is_first_proof(&proof[..31], &code, keyring, &nonce, &[2; 32]));
        assert_ne!(proof, first_proof(&Code::draw(), keyring, &nonce, &[2; 32]));
        assert_ne!(proof, first_proof(&code, KeyringId::random(), &nonce, &[2; 32]));
        assert_ne!(proof, first_proof(&code, keyring, &Nonce([3; 32]), &[2; 32]));
        assert_ne!(proof, first_proof(&code, keyring, &nonce, &[4; 32]));
        let (two, four) = (Hash::new([2; 32]), Hash::new([4; 32]));
        let said = Reply {
            channel: KeyId::from_bytes([5; 32]),
            word: "word",
            identity: &two,
            policy: &four,
            access: b"access",
            terminal: TerminalId::random(),
            key: &[6; 16],
            response: &[7; 64],
        };
        let alone = Factors { code: &code, second: None };
        let reply = answer_proof(&alone, keyring, &nonce, &said);
        assert_ne!(reply, proof);
        assert!(is_answer_proof(&reply, &alone, keyring, &nonce, &said));
        let altered = [
            Reply { channel: KeyId::from_bytes([4; 32]), ..said },
            Reply { word: "other", ..said },
            Reply { identity: &four, ..said },
            Reply { policy: &two, ..said },
            Reply { access: b"acces", ..said },
            Reply { terminal: TerminalId::random(), ..said },
            Reply { key: &[7; 16], ..said },
            Reply { response: &[6; 64], ..said },
        ];
        for altered in altered {
            assert!(!is_answer_proof(&reply, &alone, keyring, &nonce, &altered), "{altered:?}");
        }
    }

    #[test]
    fn where_there_are_two_factors_both_are_proven_both_ways() {
        let (code, second, other) = (Code::draw(), SecondCode::draw(), SecondCode::draw());
        let (keyring, nonce) = (KeyringId::random(), Nonce([1; 32]));
        let of = |second| Factors { code: &code, second };
        let (both, wrong, alone) = (of(Some(&second)), of(Some(&other)), of(None));
        let proof = second_proof(&both, keyring, &nonce, &[2; 32]).unwrap();
        let given = Some(&*proof);
        assert!(is_second_proof(given, &both, keyring, &nonce, &[2; 32]));
        assert!(!is_second_proof(None, &both, keyring, &nonce, &[2; 32]));
        assert!(!is_second_proof(given, &wrong, keyring, &nonce, &[2; 32]));
        assert!(!is_second_proof(given, &both, keyring, &nonce, &[3; 32]));
        assert!(!is_second_proof(given, &both, keyring, &Nonce([2; 32]), &[2; 32]));
        assert!(!is_second_proof(given, &alone, keyring, &nonce, &[2; 32]));
        assert!(is_second_proof(None, &alone, keyring, &nonce, &[2; 32]));
        // Of the second by itself nobody makes it: it is of both.
        let code = Code::draw();
        let stolen = Factors { code: &code, second: Some(&second) };
        assert!(!is_second_proof(given, &stolen, keyring, &nonce, &[2; 32]));
        let said = Reply {
            channel: KeyId::from_bytes([5; 32]),
            word: "word",
            identity: &Hash::new([2; 32]),
            policy: &Hash::new([4; 32]),
            access: b"access",
            terminal: TerminalId::random(),
            key: &[6; 16],
            response: &[7; 64],
        };
        let reply = answer_proof(&both, keyring, &nonce, &said);
        assert!(is_answer_proof(&reply, &both, keyring, &nonce, &said));
        for other in [&wrong, &alone] {
            assert!(!is_answer_proof(&reply, other, keyring, &nonce, &said));
            assert_ne!(factors_hash(other), factors_hash(&both));
        }
    }
}
