//! `vectors/jws.json`: statements that every implementation signs and reads alike, and those it refuses.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use sceau_crypto::{Fingerprint, Secret, SigningKey, Typ, VerifyingKey, jws, sha256};
use serde::{Deserialize, Serialize};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/jws.json");

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    format: String,
    signed: Vec<Signed>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    name: String,
    /// Hexadecimal.
    seed: String,
    public_key: String,
    kid: Fingerprint,
    typ: String,
    /// Text, signed in UTF-8.
    payload: String,
    jws: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    name: String,
    public_key: String,
    typ: String,
    jws: String,
    code: String,
}

fn published() -> Vectors {
    serde_json::from_slice(&std::fs::read(PATH).unwrap()).unwrap()
}

fn typ(name: &str) -> Typ {
    *Typ::ALL.iter().find(|typ| typ.as_str() == name).unwrap()
}

fn public(hexadecimal: &str) -> VerifyingKey {
    VerifyingKey::from_bytes(&hex::decode(hexadecimal).unwrap()).unwrap()
}

#[test]
fn statements_are_signed_byte_for_byte() {
    let vectors = published();
    assert_eq!(vectors.signed.len(), Typ::ALL.len());
    for vector in vectors.signed {
        let key = SigningKey::from_seed(Secret::from_slice(&hex::decode(&vector.seed).unwrap()).unwrap());
        assert_eq!(key.verifying_key(), public(&vector.public_key));
        assert_eq!(key.verifying_key().fingerprint(), vector.kid);
        assert_eq!(
            jws::sign(&key, typ(&vector.typ), vector.payload.as_bytes()),
            vector.jws,
            "{}",
            vector.name
        );
        let payload = jws::verify(&vector.jws, typ(&vector.typ), &public(&vector.public_key)).unwrap();
        assert_eq!(payload, vector.payload.as_bytes());
    }
}

#[test]
fn refusals_give_their_code() {
    let vectors = published();
    assert!(vectors.refused.len() >= 12);
    for vector in vectors.refused {
        let error = jws::verify(&vector.jws, typ(&vector.typ), &public(&vector.public_key)).unwrap_err();
        assert_eq!(error.code(), vector.code, "{}", vector.name);
    }
}

#[test]
#[ignore = "rewrites the published vectors"]
fn write_the_vectors() {
    let keys = ["root", "sign"].map(|name| {
        SigningKey::from_seed(Secret::from_slice(&sha256(format!("vectors: {name}").as_bytes())).unwrap())
    });
    let signed: Vec<Signed> = [
        ("a key statement", Typ::KeyStatement, r#"{"v":1,"use":"encrypt"}"#),
        (
            "a decision",
            Typ::Decision,
            r#"{"v":1,"decision":"accepted","reason":"Dossier complet, bienvenue à l’étude."}"#,
        ),
        ("an empty record", Typ::Record, ""),
        ("a manifest", Typ::Manifest, "{ \"v\": 1 }\n"),
        ("a manifest of the profile mob-2022", Typ::MobManifest, r#"{"v":1,"files":[]}"#),
        ("a grant that an intake redeems", Typ::IntakeRedemption, r#"{"v":1,"grant":"AA"}"#),
        ("an intake's word", Typ::IntakeWord, r#"{"v":1,"verdict":"clean"}"#),
        ("an application's call", Typ::ProtectCall, r#"{"op":{"describe":{"datum":"AA"}}}"#),
        ("the element's word on a content", Typ::Content, r#"{"sha256":"AA"}"#),
        ("an issuing policy of keyrings", Typ::KeyringPolicy, r#"{"v":1}"#),
        ("who may act for keyrings", Typ::KeyringAccess, r#"{"v":1}"#),
        ("the next security officer of keyrings", Typ::KeyringOfficer, r#"{"v":1}"#),
        ("a keyring's package", Typ::KeyringPackage, r#"{"v":1}"#),
        ("a keyring's delivery", Typ::KeyringDelivery, r#"{"v":1}"#),
        ("what a provider asks of a keyring", Typ::KeyringRequest, r#"{"v":1}"#),
        ("a message about a keyring", Typ::KeyringAsk, r#"{"v":1}"#),
        ("a holder's consent", Typ::KeyringSad, r#"{"v":1}"#),
        ("the proof of a use", Typ::KeyringProof, r#"{"v":1}"#),
        ("what a terminal asks of its host", Typ::KeyringVisit, r#"{"v":1}"#),
    ]
    .into_iter()
    .map(|(name, typ, payload)| {
        let key = if typ == Typ::KeyStatement { &keys[0] } else { &keys[1] };
        Signed {
            name: name.to_owned(),
            seed: hex::encode(key.seed().expose()),
            public_key: hex::encode(key.verifying_key().as_bytes()),
            kid: key.verifying_key().fingerprint(),
            typ: typ.as_str().to_owned(),
            payload: payload.to_owned(),
            jws: jws::sign(key, typ, payload.as_bytes()),
        }
    })
    .collect();
    let refused = refused(&keys[1], &keys[0], &signed[1].jws);
    let vectors = Vectors { format: "sceau-jws".to_owned(), signed, refused };
    std::fs::write(PATH, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
}

fn refused(key: &SigningKey, other: &SigningKey, good: &str) -> Vec<Refused> {
    let kid = key.verifying_key().fingerprint();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let mut altered = B64.decode(signature).unwrap();
    altered[40] ^= 1;
    let with_header = |json: String| {
        let input = format!("{}.{payload}", B64.encode(json));
        let signature = key.sign(input.as_bytes());
        jws::assemble(input, &signature)
    };
    let case = |name: &str, typ: Typ, jws: String, code: &str| Refused {
        name: name.to_owned(),
        public_key: hex::encode(key.verifying_key().as_bytes()),
        typ: typ.as_str().to_owned(),
        jws,
        code: code.to_owned(),
    };
    let decision = |name: &str, jws: String, code: &str| case(name, Typ::Decision, jws, code);
    vec![
        case("read as another typ", Typ::Record, good.to_owned(), "jws_header"),
        decision("signed by another key", jws::sign(other, Typ::Decision, b"{}"), "jws_header"),
        decision(
            "alg none",
            with_header(format!(r#"{{"alg":"none","kid":"{kid}","typ":"sceau-decision"}}"#)),
            "jws_header",
        ),
        decision(
            "a crit member",
            with_header(format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"sceau-decision","crit":["b64"]}}"#)),
            "jws_header",
        ),
        decision(
            "members in another order",
            with_header(format!(r#"{{"kid":"{kid}","alg":"EdDSA","typ":"sceau-decision"}}"#)),
            "jws_header",
        ),
        decision(
            "a space in the header",
            with_header(format!(r#"{{"alg":"EdDSA", "kid":"{kid}","typ":"sceau-decision"}}"#)),
            "jws_header",
        ),
        decision("no kid", with_header(r#"{"alg":"EdDSA","typ":"sceau-decision"}"#.to_owned()), "jws_header"),
        decision("altered payload", format!("{header}.{}.{signature}", B64.encode("{}")), "jws_signature"),
        decision("altered signature", format!("{input}.{}", B64.encode(altered)), "jws_signature"),
        decision("signature cut short", format!("{input}.{}", &signature[..80]), "jws_signature"),
        decision("no signature", format!("{input}."), "jws_signature"),
        decision("padding", format!("{good}=="), "jws_malformed"),
        decision("two parts", input.to_owned(), "jws_malformed"),
        decision("four parts", format!("{good}.{signature}"), "jws_malformed"),
        decision("nothing", String::new(), "jws_malformed"),
    ]
}
