//! Messages to our own keys: what comes back, and what is refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jose::{JwkError, PublicJwk};
use crate::{KeyError, SecretBytes};

fn open(message: &str, key: &PrivateKey) -> Result<SecretBytes, DecryptError> {
    Encrypted::parse(message, &[key.public().algorithm()]).map_err(|_| DecryptError::Refused)?.decrypt(key)
}

/// The message with its header changed; what else it holds stays.
fn with_header(message: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, rest) = message.split_once('.').unwrap();
    let mut header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    change(&mut header);
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

fn message(key: &PrivateKey) -> String {
    key.public().encrypt(&Fields::default(), b"a key").unwrap()
}

#[test]
fn what_is_encrypted_to_a_key_is_what_it_opens() {
    for key in keys() {
        let fields = Fields {
            typ: Some("sceau-answer"),
            cty: Some("JWT"),
            apu: b"the element",
            apv: b"an application",
        };
        for text in [&b""[..], b"x", &[7; 1000]] {
            let message = key.public().encrypt(&fields, text).unwrap();
            let parsed = Encrypted::parse(&message, &[key.public().algorithm()]).unwrap();
            assert_eq!(parsed.kid(), Some(key.public().jwk().thumbprint().to_string().as_str()));
            assert_eq!((parsed.typ(), parsed.cty()), (Some("sceau-answer"), Some("JWT")));
            assert_eq!(parsed.algorithm(), key.public().algorithm());
            assert_eq!(parsed.decrypt(key).unwrap().expose(), text);
            assert_ne!(message, key.public().encrypt(&fields, text).unwrap(), "a key and a nonce of its own");
        }
    }
}

#[test]
fn messages_that_share_a_content_key_have_a_nonce_each_and_are_read_as_any() {
    for key in keys() {
        let shared =
            key.public().shared(&Fields { typ: Some("sceau-data-key"), ..Fields::default() }).unwrap();
        let messages = [&b"one"[..], b"one", b"another"].map(|text| shared.encrypt(text).unwrap());
        let parts = |message: &str| message.split('.').map(str::to_owned).collect::<Vec<_>>();
        let [one, again, another] = messages.each_ref().map(|message| parts(message));
        assert!(one[..2] == again[..2] && one[..2] == another[..2], "one agreement");
        assert!(one[2] != again[2] && one[2] != another[2] && again[2] != another[2], "a nonce of its own");
        assert_eq!(open(&messages[1], key).unwrap().expose(), b"one");
        assert_eq!(open(&messages[2], key).unwrap().expose(), b"another");
        assert_eq!(shared.encrypt(&vec![0; MAX_PLAINTEXT + 1]), Err(JweError::TooLong));
        let other = key.public().shared(&Fields::default()).unwrap().encrypt(b"one").unwrap();
        assert_ne!(parts(&other)[..2], one[..2]);
    }
}

#[test]
fn the_longest_message_is_read_and_a_longer_one_is_not_made() {
    for key in keys() {
        let longest = "t".repeat(256);
        let fields = Fields { typ: Some(&longest), cty: Some(&longest), apu: &[1; 256], apv: &[2; 256] };
        let text = vec![9; MAX_PLAINTEXT];
        let message = key.public().encrypt(&fields, &text).unwrap();
        assert!(message.len() <= MAX_LENGTH);
        assert_eq!(open(&message, key).unwrap().expose(), text);

        let plain = Fields::default();
        let refused = key.public().encrypt(&plain, &vec![9; MAX_PLAINTEXT + 1]);
        assert_eq!(refused, Err(JweError::TooLong));
        for fields in [Fields { typ: Some(&"t".repeat(257)), ..plain }, Fields { apv: &[0; 257], ..plain }] {
            assert_eq!(key.public().encrypt(&fields, b""), Err(JweError::TooLong));
        }
    }
}

#[test]
fn a_key_comes_back_from_its_bytes() {
    for ((kind, algorithm), key) in ALL.iter().zip(keys()) {
        let again = PrivateKey::from_secret_bytes(*kind, *algorithm, key.to_secret_bytes().expose()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(open(&message(key), &again).unwrap().expose(), b"a key");
        let public = EncryptionKey::parse(key.public().jwk().to_json().as_bytes(), &[*algorithm]).unwrap();
        assert_eq!(&public, key.public());
        let secret = hex::encode(key.to_secret_bytes().expose());
        assert!(!format!("{key:?}").contains(&secret[..16]));
    }
    for bytes in [&[][..], &[0; 32], &[0xFF; 32], &[1; 31]] {
        let refused = PrivateKey::from_secret_bytes(KeyKind::P256, KeyAlgorithm::EcdhEs, bytes);
        assert_eq!(refused.map(|_| ()), Err(KeyError::Malformed));
    }
}

#[test]
fn a_key_is_for_one_algorithm() {
    for (kind, algorithm) in [
        (KeyKind::Rsa, KeyAlgorithm::EcdhEs),
        (KeyKind::P256, KeyAlgorithm::RsaOaep256),
        (KeyKind::X25519, KeyAlgorithm::DangerRsaOaepSha1),
    ] {
        assert_eq!(PrivateKey::generate(kind, algorithm).map(|_| ()), Err(KeyError::Malformed));
    }
    // The same key, for the other algorithm of its kind.
    for ((kind, algorithm), key) in ALL.iter().zip(keys()) {
        let other = match algorithm {
            KeyAlgorithm::EcdhEs => KeyAlgorithm::EcdhEsA256Kw,
            KeyAlgorithm::EcdhEsA256Kw => KeyAlgorithm::EcdhEs,
            KeyAlgorithm::RsaOaep256 => KeyAlgorithm::DangerRsaOaepSha1,
            KeyAlgorithm::DangerRsaOaepSha1 => KeyAlgorithm::RsaOaep256,
        };
        let same = PrivateKey::from_secret_bytes(*kind, other, key.to_secret_bytes().expose()).unwrap();
        let parsed = Encrypted::parse(&message(key), &[*algorithm, other]).unwrap();
        assert!(matches!(parsed.decrypt(&same), Err(DecryptError::Refused)));
    }
}

#[test]
fn rsa_with_sha_1_is_taken_where_it_is_named_only() {
    let key = &keys()[5];
    let refused = Encrypted::parse(&message(key), KeyAlgorithm::HOUSE);
    assert_eq!(refused.map(|_| ()), Err(JweError::Algorithm));
    let refused = EncryptionKey::new(key.public().jwk().clone(), KeyAlgorithm::HOUSE);
    assert_eq!(refused, Err(JwkError::Unsupported));
}

#[test]
fn any_changed_character_is_refused() {
    for key in keys() {
        let message = message(key);
        // RSA is slow: every seventh character of it, and all of its other parts.
        let first = message.find('.').unwrap();
        let last = first + message[first + 1..].find('.').unwrap();
        for at in (0..message.len()).filter(|at| !(first..last).contains(at) || at % 7 == 0) {
            let mut changed = message.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(open(&changed, key).is_err(), "character {at} of {message}");
        }
    }
}

#[test]
fn headers_that_weaken_are_refused() {
    let key = &keys()[0];
    let message = message(key);
    let parse = |change: &dyn Fn(&mut Value)| {
        Encrypted::parse(&with_header(&message, change), KeyAlgorithm::HOUSE).map(|_| ())
    };
    assert_eq!(parse(&|_| {}), Ok(()));
    for (member, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!(null)),
        ("zip", json!("DEF")),
        ("p2s", json!("c2FsdA")),
        ("p2c", json!(1_000_000)),
        ("jwk", json!({"kty": "oct", "k": ""})),
        ("jku", json!("https://example.org/keys")),
        ("x5u", json!("https://example.org/chain")),
        ("x5c", json!([])),
    ] {
        assert_eq!(parse(&|header| header[member] = value.clone()), Err(JweError::Header), "{member}");
    }
    for alg in [
        "dir",
        "none",
        "RSA1_5",
        "RSA-OAEP",
        "A256KW",
        "A256GCMKW",
        "PBES2-HS512+A256KW",
        "ECDH-ES+A128KW",
        "",
    ] {
        assert_eq!(parse(&|header| header["alg"] = json!(alg)), Err(JweError::Algorithm), "{alg}");
    }
    for enc in ["A128GCM", "A192GCM", "A128CBC-HS256", "A256CBC-HS512", "none", "a256gcm", ""] {
        assert_eq!(parse(&|header| header["enc"] = json!(enc)), Err(JweError::Algorithm), "{enc}");
    }
    for (member, value) in [
        ("alg", json!(["ECDH-ES"])),
        ("kid", json!("k".repeat(257))),
        ("apu", json!("not base64url")),
        ("apv", json!("A".repeat(400))),
        ("epk", json!(null)),
        ("epk", json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})),
        ("epk", json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"})),
        ("epk", json!({"kty": "OKP", "crv": "X25519", "x": "AA"})),
    ] {
        assert_eq!(
            parse(&|header| header[member] = value.clone()),
            Err(JweError::Malformed),
            "{member} {value}"
        );
    }
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"ECDH-ES","enc":"A256GCM","enc":"A256GCM"}"#);
    let twice = format!("{twice}.{}", message.split_once('.').unwrap().1);
    assert_eq!(Encrypted::parse(&twice, KeyAlgorithm::HOUSE).map(|_| ()), Err(JweError::Malformed));
    assert_eq!(Encrypted::parse(&message, &[]).map(|_| ()), Err(JweError::Algorithm));
}

#[test]
fn parts_of_the_wrong_length_are_refused_before_a_key_is_asked() {
    for key in keys() {
        let message = message(key);
        let parts: Vec<&str> = message.split('.').collect();
        for (at, part) in (0..5).flat_map(|at| {
            ["", "AAAA", &parts[at][..parts[at].len() - parts[at].len().min(4)]].map(|part| (at, part))
        }) {
            let mut parts = parts.clone();
            if at == 3 || parts[at] == part {
                continue;
            }
            parts[at] = part;
            let refused = Encrypted::parse(&parts.join("."), &[key.public().algorithm()]).map(|_| ());
            // An RSA key of another size has another length: 256 to 512 bytes.
            if at == 1 && part.len() > 400 {
                continue;
            }
            assert_eq!(refused, Err(JweError::Malformed), "part {at} as {part}");
        }
    }
    let longest = |text: String| Encrypted::parse(&text, KeyAlgorithm::HOUSE).map(|_| ());
    for text in ["", ".", "....", ".....", "a.b.c.d", "e30.e30.e30.e30.e30", "{}"] {
        assert_eq!(longest(text.to_owned()), Err(JweError::Malformed), "{text}");
    }
    assert_eq!(longest("a".repeat(MAX_LENGTH + 1)), Err(JweError::Malformed));
    assert_eq!(longest(format!("{}....", "a".repeat(4097))), Err(JweError::Malformed));
}

#[test]
fn points_that_are_none_or_of_small_order_are_refused() {
    for key in &keys()[..4] {
        let message = message(key);
        for point in [[0; 32], [0xFF; 32], [1; 32]] {
            let x = URL_SAFE_NO_PAD.encode(point);
            let changed = with_header(&message, |header| header["epk"]["x"] = json!(x));
            let parsed = Encrypted::parse(&changed, KeyAlgorithm::HOUSE).unwrap();
            assert!(matches!(parsed.decrypt(key), Err(DecryptError::Refused)));
        }
        let zero = EphemeralKey::X25519([0; 32]);
        assert!(key.agree(&zero).unwrap().is_none());
        assert!(key.agree(&EphemeralKey::P256([4; 65])).unwrap().is_none());
    }
    let zero = json!({"kty": "OKP", "crv": "X25519", "alg": "ECDH-ES", "x": URL_SAFE_NO_PAD.encode([0; 32])});
    assert_eq!(PublicJwk::parse(zero.to_string().as_bytes()), Err(JwkError::Point));
}

/// A key that somebody else keeps, and what became of it.
struct Kept<'a>(&'a PrivateKey, Away);

enum Away {
    No,
    Yes,
    /// It gives another content key, or a part of one.
    Wrong(Vec<u8>),
}

impl DecryptionKey for Kept<'_> {
    fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm()
    }

    fn decrypt_oaep(&self, encrypted_key: &[u8]) -> Result<Option<SecretBytes>, Unavailable> {
        match &self.1 {
            Away::No => self.0.decrypt_oaep(encrypted_key),
            Away::Yes => Err(Unavailable::new("the token was pulled out")),
            Away::Wrong(key) => Ok(Some(SecretBytes::new(key.clone()))),
        }
    }
}

#[test]
fn a_key_that_is_kept_elsewhere_opens_and_says_when_it_is_away() {
    let key = &keys()[4];
    let message = Encrypted::parse(&message(key), KeyAlgorithm::HOUSE).unwrap();
    assert_eq!(message.decrypt(&Kept(key, Away::No)).unwrap().expose(), b"a key");
    let away = message.decrypt(&Kept(key, Away::Yes)).unwrap_err();
    assert_eq!((away.code(), away.to_string().contains("pulled out")), ("jwe_key_unavailable", true));
    for wrong in [vec![], vec![0; 16], vec![0; 32], vec![0; 33]] {
        assert_eq!(message.decrypt(&Kept(key, Away::Wrong(wrong))).unwrap_err().code(), "jwe_refused");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_content_comes_back(which in 0_usize..6, text: Vec<u8>, apu: [u8; 9], apv in proptest::collection::vec(any::<u8>(), 0..256), typ in "\\PC{0,40}") {
        let key = &keys()[which];
        let fields = Fields { typ: Some(&typ), cty: None, apu: &apu, apv: &apv };
        let message = key.public().encrypt(&fields, &text).unwrap();
        let parsed = Encrypted::parse(&message, &[key.public().algorithm()]).unwrap();
        let opened = parsed.decrypt(key).unwrap();
        prop_assert_eq!(opened.expose(), text.as_slice());
        prop_assert_eq!(parsed.typ(), Some(typ.as_str()));
        for other in keys().iter().filter(|other| !std::ptr::eq(*other, key)) {
            prop_assert!(matches!(parsed.decrypt(other), Err(DecryptError::Refused)));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*", parts: [Vec<u8>; 5]) {
        let _refused = Encrypted::parse(&text, KeyAlgorithm::HOUSE);
        let _refused = PublicJwk::parse(text.as_bytes());
        let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        prop_assert!(Encrypted::parse(&parts, KeyAlgorithm::HOUSE).is_err());
    }
}
