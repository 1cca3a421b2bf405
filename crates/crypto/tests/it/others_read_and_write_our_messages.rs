//! JWE both ways, and our statements, with libraries that are not ours: joserfc and jwcrypto (`tests/judges/jwe_partner.py`).

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sceau_crypto::jose::PublicJwk;
use sceau_crypto::jose::jwe::{Encrypted, Fields, KeyAlgorithm, KeyKind, PrivateKey};
use sceau_crypto::{SigningKey, Typ, jws};
use serde_json::{Value, json};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const TEXT: &str = "what is said to the one who holds the key";

/// What the partner answered.
fn partner(given: &Value) -> Value {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{ROOT}/target"));
    let mut python = Command::new(Path::new(&target).join("venv-jose/bin/python"))
        .arg("-B")
        .arg(format!("{ROOT}/tests/judges/jwe_partner.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the judges' Python: `cargo xtask test --only tools` makes it");
    python.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let answer = python.wait_with_output().unwrap();
    assert!(answer.status.success(), "the partner does not read our message");
    serde_json::from_slice(&answer.stdout).unwrap()
}

fn both_ways(key: &PrivateKey, jwk: &Value) {
    let public = key.public();
    let accepted = &[public.algorithm()];
    let parties: (&[u8], &[u8]) =
        if jwk["kty"] == "RSA" { (b"", b"") } else { (b"the element", b"an application") };
    let fields = Fields { typ: Some("JOSE"), cty: Some("text"), apu: parties.0, apv: parties.1 };
    let ours = public.encrypt(&fields, TEXT.as_bytes()).unwrap();
    let signer = SigningKey::generate();
    let statement = jws::sign(&signer, Typ::Record, TEXT.as_bytes());
    let signer: Value =
        serde_json::from_str(&PublicJwk::of_signer(&signer.verifying_key()).to_json()).unwrap();
    let given = json!({"key": jwk, "jwe": ours, "text": TEXT, "signer": signer, "statement": statement});
    let answer = partner(&given);
    assert_eq!(answer["thumbprint"], public.jwk().thumbprint().to_string());

    let theirs = answer["jwe"].as_array().unwrap();
    assert_eq!(theirs.len(), 2);
    let expected: String = TEXT.chars().rev().collect();
    for message in theirs {
        let message = Encrypted::parse(message.as_str().unwrap(), accepted).unwrap();
        assert_eq!(message.kid(), public.jwk().kid());
        assert_eq!(message.decrypt(key).unwrap().expose(), expected.as_bytes());
    }
}

fn agreed(kind: KeyKind, algorithm: KeyAlgorithm) {
    let key = PrivateKey::generate(kind, algorithm).unwrap();
    let mut jwk: Value = serde_json::from_str(&key.public().jwk().to_json()).unwrap();
    jwk["d"] = URL_SAFE_NO_PAD.encode(key.to_secret_bytes().expose()).into();
    both_ways(&key, &jwk);
}

/// A key of a vector, since ours are not written as JWK.
fn rsa(algorithm: KeyAlgorithm) {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/jose-wycheproof.json")).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    let jwk = &vectors.iter().find(|vector| vector["key"]["alg"] == algorithm.name()).unwrap()["key"];
    let key = PrivateKey::from_jwk(jwk.to_string().as_bytes(), &[algorithm]).unwrap();
    both_ways(&key, jwk);
}

#[test]
fn ecdh_es_on_p_256() {
    agreed(KeyKind::P256, KeyAlgorithm::EcdhEs);
}

#[test]
fn ecdh_es_a256kw_on_p_256() {
    agreed(KeyKind::P256, KeyAlgorithm::EcdhEsA256Kw);
}

#[test]
fn ecdh_es_with_x25519() {
    agreed(KeyKind::X25519, KeyAlgorithm::EcdhEs);
}

#[test]
fn ecdh_es_a256kw_with_x25519() {
    agreed(KeyKind::X25519, KeyAlgorithm::EcdhEsA256Kw);
}

#[test]
fn rsa_oaep_256() {
    rsa(KeyAlgorithm::RsaOaep256);
}

#[test]
fn rsa_oaep_of_the_old_interface() {
    rsa(KeyAlgorithm::DangerRsaOaepSha1);
}
