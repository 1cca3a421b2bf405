//! `vectors/jose-rfc.json`, which holds the RFCs' examples of whole messages; and their examples of agreeing on keys.

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::jose::jwe::agreement::concat_kdf;
use crate::jose::{PublicJwk, Statement, StatementError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    decrypts: Vec<Decrypts>,
    refused: Vec<Refused>,
    signed: Vec<Signed>,
    thumbprints: Vec<Thumbprinted>,
    unsigned: Vec<Unsigned>,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decrypts {
    source: String,
    key: Value,
    jwe: String,
    plaintext: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    source: String,
    jwe: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    source: String,
    key: Value,
    jws: String,
    payload: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thumbprinted {
    source: String,
    key: Value,
    thumbprint: String,
}

/// A statement that is refused before any key is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsigned {
    source: String,
    jws: String,
    refusal: Refusal,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Refusal {
    Algorithm,
    Malformed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    source: String,
    key: Value,
    /// The refusal of a key that is not taken.
    refusal: Option<String>,
}

/// All, the one with SHA-1 too: the RFCs know no newer one.
const ANY: &[KeyAlgorithm] = &[
    KeyAlgorithm::RsaOaep256,
    KeyAlgorithm::EcdhEs,
    KeyAlgorithm::EcdhEsA256Kw,
    KeyAlgorithm::DangerRsaOaepSha1,
];

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../../vectors/jose-rfc.json")).unwrap()
}

fn decrypts(source: &str) {
    let vectors = vectors();
    let vector = vectors.decrypts.iter().find(|vector| vector.source == source).unwrap();
    let key = PrivateKey::from_jwk(vector.key.to_string().as_bytes(), ANY).unwrap();
    let message = Encrypted::parse(&vector.jwe, ANY).unwrap();
    assert_eq!(message.decrypt(&key).unwrap().expose(), vector.plaintext.as_bytes());
    assert_eq!(Encrypted::parse(&vector.jwe, KeyAlgorithm::HOUSE).map(|_| ()), Err(JweError::Algorithm));

    let again = key.public().encrypt(&Fields::default(), vector.plaintext.as_bytes()).unwrap();
    let again = Encrypted::parse(&again, ANY).unwrap();
    assert_eq!(again.kid(), vector.key.get("kid").and_then(Value::as_str));
    assert_eq!(again.decrypt(&key).unwrap().expose(), vector.plaintext.as_bytes());
}

#[test]
fn rfc7516_appendix_a_1_rsa_oaep_and_a256gcm() {
    decrypts("RFC 7516 appendix A.1");
}

#[test]
fn rfc7520_section_5_2_rsa_oaep_and_a256gcm_under_a_key_of_4096_bits() {
    decrypts("RFC 7520 section 5.2");
}

#[test]
fn messages_of_the_rfcs_by_other_algorithms_are_refused() {
    for Refused { source, jwe } in vectors().refused {
        let refused = Encrypted::parse(&jwe, ANY).map(|_| ());
        assert_eq!(refused, Err(JweError::Algorithm), "{source}");
    }
}

/// None, a shared secret, and the serializations that are not compact.
#[test]
fn statements_of_the_rfcs_that_prove_nothing_here_are_refused() {
    let unsigned = vectors().unsigned;
    assert_eq!(unsigned.len(), 13);
    for Unsigned { source, jws, refusal } in unsigned {
        let expected = match refusal {
            Refusal::Algorithm => StatementError::Algorithm,
            Refusal::Malformed => StatementError::Malformed,
        };
        assert_eq!(Statement::parse(&jws).map(|_| ()), Err(expected), "{source}");
    }
}

#[test]
fn rfc7517_keys_are_read_or_refused() {
    for Key { source, key, refusal } in vectors().keys {
        let read = PublicJwk::parse(key.to_string().as_bytes());
        assert_eq!(read.err().map(|refused| refused.code().to_owned()), refusal, "{source}");
    }
}

#[test]
fn the_rfcs_signatures_verify_by_one_key() {
    for Signed { source, key, jws, payload } in vectors().signed {
        let key = PublicJwk::parse(key.to_string().as_bytes()).unwrap();
        let statement = Statement::parse(&jws).unwrap();
        assert_eq!(key.verify(&statement).unwrap(), payload.as_bytes(), "{source}");
        assert_eq!(statement.kid(), key.kid());
    }
}

#[test]
fn rfc7638_and_rfc8037_thumbprints() {
    for Thumbprinted { source, key, thumbprint } in vectors().thumbprints {
        let key = PublicJwk::parse(key.to_string().as_bytes()).unwrap();
        assert_eq!(key.thumbprint().to_string(), thumbprint, "{source}");
    }
}

/// Bob's private key and Alice's ephemeral one, of RFC 7518 appendix C.
const BOB: &str = r#"{"kty":"EC","crv":"P-256","alg":"ECDH-ES","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;
const ALICE: &str = r#"{"kty":"EC","crv":"P-256","alg":"ECDH-ES","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps","d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"}"#;

fn ephemeral(jwk: &Value) -> EphemeralKey {
    let header = json!({"alg": "ECDH-ES", "enc": "A256GCM", "epk": jwk}).to_string();
    header::Header::parse(header.as_bytes(), ANY).unwrap().agreed.unwrap().ephemeral
}

#[test]
fn rfc7518_appendix_c_ecdh_es_key_agreement() {
    let [bob, alice] = [BOB, ALICE].map(|jwk| PrivateKey::from_jwk(jwk.as_bytes(), ANY).unwrap());
    let [bobs, alices] = [BOB, ALICE].map(|jwk| ephemeral(&serde_json::from_str(jwk).unwrap()));
    let z = bob.agree(&alices).unwrap().unwrap();
    assert_eq!(alice.agree(&bobs).unwrap().unwrap(), z);
    assert_eq!(
        z.expose(),
        &[
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
            218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196
        ]
    );
    // Its content encryption takes 128 bits.
    let derived = concat_kdf::<16>(z.expose(), "A128GCM", b"Alice", b"Bob");
    assert_eq!(derived.expose(), &[86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26]);
}

#[test]
fn rfc8037_appendix_a_6_ecdh_es_with_x25519() {
    let secret = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    let alice = PrivateKey::from_secret_bytes(
        KeyKind::X25519,
        KeyAlgorithm::EcdhEsA256Kw,
        &hex::decode(secret).unwrap(),
    )
    .unwrap();
    let bob = json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"});
    let z = alice.agree(&ephemeral(&bob)).unwrap().unwrap();
    assert_eq!(hex::encode(z.expose()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert!(alice.public().jwk().to_json().contains("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"));
}
