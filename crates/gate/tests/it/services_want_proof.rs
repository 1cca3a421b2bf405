//! A signed word for each request, verified by OpenSSL under the key that the gate publishes.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::outside::{Stage, chain, run, usual};

const ES256: &str = "EC -pkeyopt ec_paramgen_curve:P-256";
const EDDSA: &str = "ED25519";

/// A gate whose guarded route asserts with a key of this kind.
async fn stage(kind: &str, more: &str) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "openssl", &format!("genpkey -algorithm {kind} -out assertion.key"));
    run(folder.path(), "chmod", "600 assertion.key");
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let assertion = format!(
        "clients = \"recette\"\nassertion = {{ key = \"assertion.key\", audience = \"urn:service\"{more} }}"
    );
    Stage::with(folder, |upstream| usual(upstream, &lists).replacen("clients = \"recette\"", &assertion, 1))
        .await
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn json(part: &str) -> Value {
    serde_json::from_slice(&decoded(part)).unwrap()
}

/// A number as DER writes it.
fn integer(octets: &[u8]) -> Vec<u8> {
    let rest = &octets[octets.iter().position(|octet| *octet != 0).unwrap()..];
    let sign: &[u8] = if rest[0] >= 0x80 { &[0] } else { &[] };
    [&[2, u8::try_from(sign.len() + rest.len()).unwrap()], sign, rest].concat()
}

/// Whether OpenSSL finds that this key signed it.
fn is_signed(at: &Path, jwk: &Value, token: &str) -> bool {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = decoded(signature);
    if jwk["kty"] == "OKP" {
        // SubjectPublicKeyInfo of Ed25519 (RFC 8410).
        let head = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
        let public = [&head[..], &decoded(jwk["x"].as_str().unwrap())].concat();
        return verifies(
            at,
            input,
            &signature,
            &public,
            "pkeyutl -verify -rawin -in input -pubin -inkey pub.pem -sigfile sig",
        );
    }
    let pair = [integer(&signature[..32]), integer(&signature[32..])].concat();
    let der = [&[0x30, u8::try_from(pair.len()).unwrap()][..], &pair].concat();
    // SubjectPublicKeyInfo of P-256 (RFC 5480).
    let head = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let [x, y] = ["x", "y"].map(|name| decoded(jwk[name].as_str().unwrap()));
    let public = [&head[..], &x, &y].concat();
    verifies(at, input, &der, &public, "dgst -sha256 -verify pub.pem -signature sig input")
}

fn verifies(at: &Path, input: &str, signature: &[u8], public: &[u8], verify: &str) -> bool {
    for (file, octets) in [("input", input.as_bytes()), ("sig", signature), ("pub", public)] {
        fs::write(at.join(file), octets).unwrap();
    }
    run(at, "openssl", "pkey -pubin -inform DER -in pub -out pub.pem");
    let openssl =
        std::process::Command::new("openssl").args(verify.split(' ')).current_dir(at).output().unwrap();
    openssl.status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_carries_a_word_that_the_published_key_signed() {
    for (kind, algorithm) in [(ES256, "ES256"), (EDDSA, "EdDSA")] {
        each_request_carries_a_word(kind, algorithm).await;
    }
}

async fn each_request_carries_a_word(kind: &str, algorithm: &str) {
    let stage = stage(kind, ", lifetime = \"90s\", issuer = \"urn:gate\"").await;
    let keys = stage.curl("/.well-known/sceau-gate/jwks.json", "").await;
    let keys: Value = serde_json::from_str(keys.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    let mut seen = Vec::new();
    for words in ["", "-X POST --http1.1", "-H Sceau-Assertion:untrue -H Sceau_Assertion:untrue"] {
        let answer =
            stage.curl("/mtls-protect/a?b=c", &format!("{words} {}", Stage::as_client("known"))).await;
        assert!(!answer.contains("untrue"), "{answer}");
        let token =
            answer.lines().find_map(|line| line.strip_prefix("sceau-assertion: ")).expect("it is told");
        let parts: Vec<&str> = token.split('.').collect();
        let (head, claims) = (json(parts[0]), json(parts[1]));
        assert_eq!((&head["alg"], &head["kid"]), (&algorithm.into(), &keys["keys"][0]["kid"]));
        assert!(is_signed(stage.folder(), &keys["keys"][0], token), "{words}");
        let forged = token.replacen(parts[1], &BASE64_URL_SAFE_NO_PAD.encode(br#"{"cn":"x"}"#), 1);
        assert!(!is_signed(stage.folder(), &keys["keys"][0], &forged), "the judge can say no");
        assert_eq!((&claims["iss"], &claims["aud"]), (&"urn:gate".into(), &"urn:service".into()));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 90);
        assert_eq!(claims["cn"], "sas-agregateur-recette");
        assert_eq!(claims["ou"], serde_json::json!(["499700234190004"]));
        let at = stage.folder();
        fs::write(
            at.join("said"),
            if words.contains("POST") { "POST /mtls-protect/a?b=c" } else { "GET /mtls-protect/a?b=c" },
        )
        .unwrap();
        for (claim, made) in [
            (&claims["request"], "dgst -sha256 -binary -out hash said".to_owned()),
            (
                &claims["cnf"]["x5t#S256"],
                format!("x509 -in {}/known.pem -outform DER -out der", chain().display()),
            ),
        ] {
            run(at, "openssl", &made);
            if made.starts_with("x509") {
                run(at, "openssl", "dgst -sha256 -binary -out hash der");
            }
            assert_eq!(decoded(claim.as_str().unwrap()), fs::read(at.join("hash")).unwrap(), "{made}");
        }
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().trim();
        assert_eq!(claims["jti"], id);
        assert!(!seen.contains(&claims["jti"]), "each is another");
        seen.push(claims["jti"].clone());
    }
    let open =
        stage.curl("/public", &format!("-H Sceau-Assertion:untrue {}", Stage::as_client("known"))).await;
    assert!(
        open.contains(" 200") && !open.contains("sceau-assertion"),
        "nobody is asserted where nobody is judged: {open}"
    );
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_nobody_could_check_is_refused() {
    let stage = stage(ES256, "").await;
    let good = fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    run(stage.folder(), "openssl", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out other.key");
    run(stage.folder(), "chmod", "600 other.key");
    let (key, audience) = ("key = \"assertion.key\"", "audience = \"urn:service\"");
    for (from, to, said) in [
        (key, "key = \"other.key\"", "assertion.key: an ECDSA key of P-256 or one of Ed25519"),
        (key, "key = \"none.key\"", "assertion.key: "),
        (audience, "audience = \"urn:service\", lifetime = \"1h\"", "assertion.lifetime: write 1s to 10m"),
        (audience, "audience = \"urn:service\", lifetime = \"0s\"", "no time at all is too little"),
        ("clients = \"recette\"\n", "", "assertion: without `clients` nobody is known"),
    ] {
        stage.refuses(&good.replacen(from, to, 1), said).await;
    }
    drop(stage.stop().await);
}
