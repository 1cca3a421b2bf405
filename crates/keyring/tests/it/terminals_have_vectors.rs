//! `vectors/terminal.json` and `vectors/characters.json`: what a terminal in another language computes alike, and shows alike.

use sceau_crypto::jose::PublicJwk;
use sceau_crypto::{Cek, KeyId, Secret};
use sceau_element_api::keyring::{KeyringAlgorithm, RequestKind};
use sceau_element_api::wire::Version;
use sceau_element_api::{Base64Url, Nonce};
use sceau_keyring::{
    Answer, Channel, Code, ContextId, Expected, Factors, Identity, Inner, Item, ItemHash, Place, Reply,
    Request, RoamingCode, RoamingKeys, Sad, SecondCode, Signs as _, Statement as _, TransactionProof,
    answer_proof, description, file_of, first_proof, open_inner, seal_inner, second_proof, short_code,
    thumbprint, unlock_of,
};
use sceau_trace::{Hash, sha256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Key;

const TERMINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/terminal.json");
const CHARACTERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/characters.json");
const KEYRING: &str = "5d0f7f2c-0f4e-4a5b-9d36-8f1f3d1f7a11";
const BOUND: &str = "0b0c7d9e-53d4-4b6f-8a2e-5f6a7b8c9d01";

fn bytes(fill: u8, length: usize) -> Base64Url {
    Base64Url(vec![fill; length])
}

fn secret<const N: usize>(fill: u8) -> Secret<N> {
    Secret::fill_with(|bytes| bytes.fill(fill))
}

fn place() -> Place {
    Place { keyring: KEYRING.parse().unwrap(), terminal: BOUND.parse().unwrap(), key: [9; 16] }
}

fn request() -> Request {
    let item = |label: &str, fill| Item { label: label.to_owned(), hash: bytes(fill, 32) };
    Request {
        v: 1,
        request: "a3bb189e-8bf9-4c54-9d3f-1f2f6d8e0c01".parse().unwrap(),
        provider: "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003".parse().unwrap(),
        keyring: KEYRING.parse().unwrap(),
        kind: RequestKind::Sign,
        description: "Le bail du 12 mars\n\n1\u{202f}250,00 € par mois, à signer".to_owned(),
        items: vec![item("bail.pdf", 1), item("annexe n° 1.pdf", 2)],
        hash: ItemHash::Sha256,
        algorithm: Some(KeyringAlgorithm::Es256),
        aud: "example.org/log".to_owned(),
        time: 1_790_000_000_000,
        ends: 1_790_000_300_000,
        nonce: Some("session-1".to_owned()),
        terminal: None,
    }
}

/// What is computed of fixed things, by the functions of this crate.
fn computed() -> Value {
    let nonce = Nonce([1; 32]);
    let context = ContextId::of(&nonce);
    let (code, second) =
        (Code::parse("0123-4567-89AB-CDEF-GHJK").unwrap(), SecondCode::parse("MNPQ-RSTV-WXYZ-0123").unwrap());
    let (alone, both) =
        (Factors { code: &code, second: None }, Factors { code: &code, second: Some(&second) });
    let (keyring, print) = (place().keyring, [3; 32]);
    let identity = Identity {
        common_name: "Marie Skłodowska-Curie \"Маня\"".to_owned(),
        given_name: Some("Marie".to_owned()),
        surname: None,
        serial_number: Some("IDCFR-1867:11".to_owned()),
        country: Some("FR".to_owned()),
    };
    let reply = Reply {
        channel: KeyId::from_bytes([4; 32]),
        word: "{\"kty\":\"OKP\"}",
        identity: &identity.hash(),
        policy: &sha256(b"policy"),
        access: b"access",
        terminal: place().terminal,
        key: &[9; 16],
        response: &[5; 64],
    };
    let (jws, opaque) = ("header.payload.signature", Sad::transcript(&[6; 96], &[7; 320], &[8; 64]));
    let expected = Expected {
        keyring,
        key: &[9; 16],
        terminal: print,
        provider: Hash::new([10; 32]),
        request_jws: jws,
        request: &request(),
        policy: sha256(b"policy"),
        state: Version { version: 3, hash: Hash::new([11; 32]) },
        challenge: nonce,
        seq: 2,
        opaque,
        time: 1_790_000_001_000,
        ends: 1_790_000_300_000,
    };
    let sad = Sad::expected(&expected).to_bytes().unwrap();
    json!({
        "nonce": nonce,
        "context": Base64Url::from(context),
        "file": Base64Url::from(file_of(&context, &nonce).as_bytes().as_slice()),
        "factors": {
            "code": &*code.shown(), "second": &*second.shown(), "keyring": keyring, "thumbprint": bytes(3, 32),
            "first_proof": first_proof(&code, keyring, &nonce, &print),
            "second_proof": second_proof(&both, keyring, &nonce, &print),
            "reply": {
                "channel": reply.channel, "word": reply.word, "identity": reply.identity, "policy": reply.policy,
                "access": Base64Url::from(reply.access), "terminal": reply.terminal,
                "key": Base64Url::from(reply.key), "response": Base64Url::from(reply.response),
                "proof_of_one": answer_proof(&alone, keyring, &nonce, &reply),
                "proof_of_both": answer_proof(&both, keyring, &nonce, &reply),
            },
        },
        "identity": { "json": identity, "hash": identity.hash() },
        "unlock": {
            "export": bytes(12, 64), "secret": bytes(13, 32), "keyring": keyring, "terminal": BOUND, "key": bytes(9, 16),
            "unlock": unlock_of(&secret(12), &secret(13), &place()),
        },
        "request": {
            "json": String::from_utf8(request().to_bytes().unwrap().to_vec()).unwrap(), "jws": jws,
            "hash": Request::hash_of(jws), "description": request().description_hash(),
        },
        "consent": { "json": String::from_utf8(sad.to_vec()).unwrap(), "transcript": opaque },
        "signatures": {
            "signatures": [bytes(14, 70), bytes(15, 71)],
            "hash": TransactionProof::signatures_hash(&[bytes(14, 70), bytes(15, 71)]),
        },
        "roaming": roaming(),
    })
}

/// What comes of a roaming code, in the context of the same nonce.
fn roaming() -> Value {
    let (nonce, channel, print) = (Nonce([1; 32]), KeyId::from_bytes([4; 32]), [3; 32]);
    let code = RoamingCode::parse("0123-4567-89AB-CDEF-GHJK-MNPQ").unwrap();
    let keys = RoamingKeys::of(&code);
    let key = |secret: &Secret<32>| Base64Url::from(secret.expose().as_slice());
    let came = (place().keyring, place().terminal);
    json!({
        "shown": &*code.shown(), "picture": format!("SCEAU:ROAM:{}", &*code.shown()), "channel": channel, "thumbprint": bytes(3, 32),
        "proof": key(keys.proof.expose()), "secret": key(&keys.secret), "short": key(&keys.short), "place": keys.proof.place(),
        "proof_of_terminal": keys.proof.of_terminal(&nonce, &channel, &print),
        "proof_of_element": keys.proof.of_element(&nonce, &channel, came),
        "short_code": &*short_code(&keys.short, &print).unwrap().shown(),
    })
}

/// What was sealed and signed once: who seals and signs draws, who opens and verifies does not.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    /// Of the context, under the key of 32 times 2: the message of number 1, and the answer of number 2.
    up: Base64Url,
    up_text: String,
    down: Base64Url,
    /// Under the session of 64 times 16.
    inner: Base64Url,
    spki: Base64Url,
    thumbprint: Base64Url,
    jwk: String,
    /// [`request`], signed by that key.
    jws: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    computed: Value,
    drawn: Drawn,
}

fn inner() -> Inner {
    let unlock = || unlock_of(&secret(12), &secret(13), &place());
    Inner {
        sad: "header.payload.signature".to_owned(),
        unlock: vec![unlock()],
        next: unlock(),
        expected: None,
    }
}

fn channel() -> Channel {
    Channel::of(ContextId::of(&Nonce([1; 32])), &Cek::from_slice(&[2; 32]).unwrap())
}

#[test]
fn a_terminal_in_another_language_computes_the_same() {
    let published: Published = serde_json::from_slice(&std::fs::read(TERMINAL).unwrap()).unwrap();
    assert_eq!(
        published.computed,
        computed(),
        "write them anew: -- --ignored write_the_vectors_of_terminals"
    );
    let Drawn { up, up_text, down, inner: sealed, spki, thumbprint: print, jwk, jws } = published.drawn;
    assert_eq!(*channel().open_up(1, &up).unwrap(), up_text);
    assert_eq!(channel().open_down(2, &down).unwrap(), Answer::Noted {});
    assert_eq!(open_inner(&secret(16), &channel().id(), &sealed).unwrap(), inner());
    assert_eq!(thumbprint(&spki).unwrap().as_slice(), &*print);
    assert_eq!(PublicJwk::parse(jwk.as_bytes()).unwrap().thumbprint().as_bytes().as_slice(), &*print);
    assert_eq!(Request::verify(&jws, &spki).unwrap(), request());
}

#[test]
#[ignore = "rewrites the published vectors"]
fn write_the_vectors_of_terminals() {
    let key = Key::generate();
    let (up_text, jwk) = ("header.payload.signature".to_owned(), PublicJwk::of_spki(key.spki()).unwrap());
    let drawn = Drawn {
        up: channel().seal_up(1, &up_text).into(),
        up_text,
        down: channel().seal_down(2, &Answer::Noted {}).into(),
        inner: seal_inner(&secret(16), &channel().id(), &inner()).into(),
        spki: key.spki().into(),
        thumbprint: jwk.thumbprint().as_bytes().as_slice().into(),
        jwk: jwk.to_json(),
        jws: request().sign(&key).unwrap(),
    };
    let published = Published { computed: computed(), drawn };
    std::fs::write(TERMINAL, serde_json::to_string_pretty(&published).unwrap() + "\n").unwrap();
    std::fs::write(CHARACTERS, characters()).unwrap();
}

/// Where each character is put to be judged: between letters, alone, between digits.
const PATTERNS: [&str; 3] = ["a%b", "%", "1%1"];

/// The verdict on every character of Unicode in each pattern, as runs: the first character in hexadecimal, and the code of the refusal or `shown`.
fn characters() -> String {
    let judged = |pattern: &str| {
        let mut runs: Vec<(String, &str)> = Vec::new();
        for c in '\0'..=char::MAX {
            let verdict = description(&pattern.replace('%', &c.to_string()))
                .map_or_else(|why| why.code(), |()| "shown");
            if runs.last().is_none_or(|(_, last)| *last != verdict) {
                runs.push((format!("{:x}", u32::from(c)), verdict));
            }
        }
        let runs = runs.iter().map(|(first, verdict)| format!("{first} {verdict}")).collect::<Vec<_>>();
        (pattern.to_owned(), runs)
    };
    let all: std::collections::BTreeMap<_, _> = PATTERNS.into_iter().map(judged).collect();
    serde_json::to_string_pretty(&all).unwrap() + "\n"
}

#[test]
fn every_character_is_judged_as_published() {
    let published = std::fs::read_to_string(CHARACTERS).unwrap();
    assert!(published == characters(), "write them anew: -- --ignored write_the_vectors_of_terminals");
}
