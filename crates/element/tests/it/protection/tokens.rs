//! Calls that are tokens by RSA, and the tokens that answer them.

use aws_lc_rs::{hmac, rand};
use sceau_crypto::jose::jwe::{Encrypted, EncryptionKey, Fields, KeyAlgorithm, KeyKind, PrivateKey};
use sceau_crypto::jose::{PublicJwk, Rs256PrivateKey, Statement};
use sceau_element_api::documents::{
    ApplicationDocument, ApplicationKey, Document as _, KeyPurpose, KeyStanding,
};
use sceau_element_api::protect::{AskedByToken, KeyMembers, SignedAnswer};
use sceau_element_api::wire::{Code, Version};
use sceau_element_api::{Base64Url, CallError, Client, Kind, OrganisationId};
use serde_json::{Value, json};

use super::caller::{Caller, Protected, sign};
use crate::house::{Keeping, ORIGIN, by_passkey, current, refused};

/// An application with RSA keys: what it knows of the element is its key set.
pub(super) struct Teller {
    pub(super) house: Protected,
    signs: Rs256PrivateKey,
    opens: PrivateKey,
    answers: PublicJwk,
    pub(super) calls: EncryptionKey,
}

fn members(jwk: &str) -> KeyMembers {
    let mut jwk: Value = serde_json::from_str(jwk).unwrap();
    jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
    serde_json::from_value(jwk).unwrap()
}

pub(super) fn registered(kid: &str, purpose: KeyPurpose, alg: &str, jwk: &str) -> ApplicationKey {
    ApplicationKey {
        kid: kid.into(),
        purpose,
        alg: alg.into(),
        jwk: members(jwk),
        status: KeyStanding::Active,
    }
}

impl Teller {
    pub(super) async fn begin() -> Self {
        Self::begin_with(KeyAlgorithm::RsaOaep256).await
    }

    async fn begin_with(algorithm: KeyAlgorithm) -> Self {
        Self::begin_keeping(algorithm, Keeping::in_files(2)).await
    }

    pub(super) async fn begin_keeping(algorithm: KeyAlgorithm, keeping: Keeping) -> Self {
        let mut house = Protected::begin_with(keeping).await;
        let signs = Rs256PrivateKey::generate().unwrap();
        let opens = PrivateKey::generate(KeyKind::Rsa, algorithm).unwrap();
        let public = PublicJwk::of_rs256(signs.public_key_info()).unwrap();
        house.application.document.keys.extend([
            registered("rsa", KeyPurpose::Signatures, "RS256", &public.to_json()),
            registered("enc", KeyPurpose::Encryption, algorithm.name(), &opens.public().jwk().to_json()),
        ]);
        let client = house.element.client.clone();
        let previous = previous(&client, &house.application).await;
        by_passkey(&client, &house.administrator, &house.application.document, Some(previous)).await.unwrap();
        let keys: Value = serde_json::from_str(&client.published_keys().await.unwrap()).unwrap();
        let answers = PublicJwk::parse(keys["keys"][0].to_string().as_bytes()).unwrap();
        let calls =
            EncryptionKey::parse(keys["keys"][1].to_string().as_bytes(), KeyAlgorithm::HOUSE).unwrap();
        Self { house, signs, opens, answers, calls }
    }

    pub(super) fn header() -> Value {
        json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"})
    }

    pub(super) fn claims(&self, user: &str, op: Value) -> Value {
        self.house.application.claims(user, op)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", part(header), part(claims));
        let signature = self.signs.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", Base64Url(signature).encode())
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        self.sign(&Self::header(), claims)
    }

    pub(super) fn encrypt(&self, token: &str) -> String {
        self.calls.encrypt(&Fields { cty: Some("JWT"), ..Fields::default() }, token.as_bytes()).unwrap()
    }

    pub(super) async fn bring(&self, call: &str) -> Result<SignedAnswer, CallError> {
        let asked = AskedByToken { call: call.to_owned(), address: "192.0.2.7".parse().ok() };
        self.house.element.client.protect_by_token(asked).await
    }

    /// What an answer says, once the element's signature was verified.
    fn read(&self, token: &str, claims: &Value) -> Value {
        let statement = Statement::parse(token).unwrap();
        assert_eq!(statement.typ().as_deref(), Some("jwt"));
        let said: Value = serde_json::from_slice(&self.answers.verify(&statement).unwrap()).unwrap();
        assert_eq!(
            (&said["iss"], &said["aud"], &said["call"]),
            (&json!(ORIGIN), &claims["iss"], &claims["jti"])
        );
        said
    }

    fn decrypt(&self, token: &str) -> String {
        let message = Encrypted::parse(token, &[self.opens.public().algorithm()]).unwrap();
        assert_eq!((message.cty(), message.kid()), (Some("JWT"), Some("enc")));
        String::from_utf8(message.decrypt(&self.opens).unwrap().expose().to_vec()).unwrap()
    }

    pub(super) async fn ask(&self, user: &str, op: Value) -> Value {
        let claims = self.claims(user, op);
        let call = self.token(&claims);
        let said = self.read(&self.bring(&call).await.unwrap().token, &claims);
        assert_eq!(said["call_sha256"], Base64Url(sceau_crypto::sha256(call.as_bytes()).to_vec()).encode());
        said
    }

    pub(super) async fn ask_encrypted(&self, user: &str, op: Value) -> Value {
        let claims = self.claims(user, op);
        let answer = self.bring(&self.encrypt(&self.token(&claims))).await.unwrap();
        self.read(&self.decrypt(&answer.token), &claims)
    }

    /// The data key of an answer, encrypted to the registered key.
    fn data_key(&self, said: &Value) -> (String, String) {
        let message = said["answer"]["data_key"].as_str().unwrap();
        let message = Encrypted::parse(message, &[self.opens.public().algorithm()]).unwrap();
        let jwk: Value = serde_json::from_slice(message.decrypt(&self.opens).unwrap().expose()).unwrap();
        assert_eq!((&jwk["call"], &jwk["kid"]), (&said["call"], &said["answer"]["datum"]));
        (jwk["k"].to_string(), jwk["iv"].to_string())
    }
}

pub(super) fn part(value: &Value) -> String {
    Base64Url(value.to_string().into_bytes()).encode()
}

async fn previous(client: &Client, application: &Caller) -> Version {
    current(client, Kind::Application, application.document.application).await.unwrap()
}

pub(super) fn create() -> Value {
    json!({"create": {"name": "Ordonnance"}})
}

fn open(created: &Value) -> Value {
    json!({"open": {"datum": created["answer"]["datum"], "wrapped_key": created["answer"]["wrapped_key"]}})
}

#[tokio::test]
async fn tokens_signed_or_encrypted_do_what_other_calls_do_and_refusals_are_signed_too() {
    for algorithm in [KeyAlgorithm::RsaOaep256, KeyAlgorithm::DangerRsaOaepSha1] {
        let teller = Teller::begin_with(algorithm).await;
        let created = teller.ask_encrypted("alice", create()).await;
        let key = teller.data_key(&created);
        for opened in
            [teller.ask("alice", open(&created)).await, teller.ask_encrypted("alice", open(&created)).await]
        {
            assert_eq!(teller.data_key(&opened), key);
        }
        let said = teller.ask("bob", open(&created)).await;
        assert_eq!(
            (&said["refused"]["code"], &said["refused"]["status"]),
            (&json!("user_not_authorised"), &json!(403))
        );
        assert!(said["answer"].is_null());
        let datum = &created["answer"]["datum"];
        let grant = json!({"grant": {"datum": datum, "grant": {"to": {"user": "bob"}}}});
        let granted = teller.ask_encrypted("alice", grant).await;
        assert_eq!(granted["answer"]["document"]["grants"][0]["to"], json!({"user": "bob"}));
        assert_eq!(teller.data_key(&teller.ask("bob", open(&created)).await), key);
        teller.ask("alice", json!({"deactivate": {"datum": datum}})).await;
        assert_eq!(teller.ask("bob", open(&created)).await["refused"]["code"], "datum_inactive");
        let described = teller.ask("alice", json!({"describe": {"datum": datum}})).await;
        assert_eq!(described["answer"]["document"]["status"], "inactive");
        let told = teller.ask_encrypted("alice", json!({"accesses": {"datum": datum}})).await;
        assert_eq!(told["answer"]["accesses"]["list"].as_array().unwrap().len(), 9);
        // A call of the other profile finds the same datum.
        if algorithm == KeyAlgorithm::RsaOaep256 {
            let proven = teller.claims("alice", json!({"describe": {"datum": datum}}));
            let mut proven = proven;
            proven["prove"] = json!(true);
            let said = teller.read(&teller.bring(&teller.token(&proven)).await.unwrap().token, &proven);
            assert!(said["answer"]["proof"].is_object() || said["answer"]["proof"].is_string());
        }
    }
}

#[tokio::test]
async fn an_answer_is_encrypted_where_it_is_asked_for_and_refused_where_it_cannot_be() {
    let mut teller = Teller::begin().await;
    let mut claims = teller.claims("alice", create());
    claims["encrypt"] = json!(true);
    let answer = teller.bring(&teller.token(&claims)).await.unwrap();
    assert!(answer.refused.is_none() && answer.changed.is_some());
    teller.data_key(&teller.read(&teller.decrypt(&answer.token), &claims));

    let client = teller.house.element.client.clone();
    let before = previous(&client, &teller.house.application).await;
    teller.house.application.document.keys.last_mut().unwrap().status = KeyStanding::Ended;
    by_passkey(&client, &teller.house.administrator, &teller.house.application.document, Some(before))
        .await
        .unwrap();
    let claims = teller.claims("alice", json!({"create": {"session": teller.house.application.session()}}));
    let answer = teller.bring(&teller.encrypt(&teller.token(&claims))).await.unwrap();
    assert_eq!(answer.refused, Some(Code::SessionKeyInvalid));
    assert_eq!(teller.read(&answer.token, &claims)["refused"]["code"], "session_key_invalid");
    let said = teller.ask("alice", create()).await;
    assert_eq!(said["refused"]["code"], "session_key_invalid", "neither session nor registered key");
    let claims = teller.claims("alice", json!({"create": {"session": teller.house.application.session()}}));
    assert!(teller.bring(&teller.token(&claims)).await.unwrap().refused.is_none());
}

/// The header of a token, in which one thing is another.
fn header_with(name: &str, value: Value) -> Value {
    let mut header = Teller::header();
    header[name] = value;
    header
}

async fn all_are_refused(teller: &Teller, cases: Vec<(&str, String, Code)>) {
    for (name, call, code) in cases {
        let answered = teller.bring(&call).await;
        assert!(answered.is_err(), "{name}");
        refused(answered, code);
    }
}

#[tokio::test]
async fn what_no_application_signed_is_refused_and_not_by_a_token() {
    let teller = Teller::begin().await;
    let claims = teller.claims("alice", create());
    let signed = |input: String, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let signature = Base64Url(sign(input.as_bytes())).encode();
        format!("{input}.{signature}")
    };
    let input = |header: &Value| format!("{}.{}", part(header), part(&claims));
    let public = PublicJwk::of_rs256(teller.signs.public_key_info()).unwrap().to_json();
    let shared = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
    let hs256 = signed(input(&header_with("alg", json!("HS256"))), &|input| {
        hmac::sign(&shared, input).as_ref().to_vec()
    });
    let ec =
        aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING)
            .unwrap();
    let es256 = signed(input(&header_with("alg", json!("ES256"))), &|input| {
        ec.sign(&rand::SystemRandom::new(), input).unwrap().as_ref().to_vec()
    });
    let stranger = Rs256PrivateKey::generate().unwrap();
    let foreign = signed(input(&Teller::header()), &|input| stranger.sign(input).unwrap());
    let deep = Base64Url(format!("{}1{}", "[".repeat(5000), "]".repeat(5000)).into_bytes()).encode();
    let deep =
        signed(format!("{}.{deep}", part(&Teller::header())), &|input| teller.signs.sign(input).unwrap());
    let cases = vec![
        ("none", format!("{}.", input(&header_with("alg", json!("none")))), Code::ProofInvalid),
        ("HS256 with the public key", hs256, Code::ProofInvalid),
        ("ES256 under an RSA kid", es256, Code::ProofInvalid),
        ("a stranger's key", foreign, Code::ProofInvalid),
        ("deep JSON", deep, Code::Malformed),
        ("too long", "a".repeat(70_000), Code::TooLarge),
        ("empty", String::new(), Code::ProofInvalid),
    ];
    all_are_refused(&teller, cases).await;
}

#[tokio::test]
async fn what_an_application_signed_otherwise_is_refused_and_not_by_a_token() {
    let teller = Teller::begin().await;
    let claims = teller.claims("alice", create());
    let by = |header: &Value| teller.sign(header, &claims);
    let of_eddsa = json!({"alg": "EdDSA", "kid": "one", "typ": "JWT"});
    let of_eddsa = sign(&teller.house.application.key, &of_eddsa, &claims);
    let invalid = |name, call| (name, call, Code::ProofInvalid);
    let cases = vec![
        invalid("a key of use enc that signs", by(&header_with("kid", json!("enc")))),
        invalid("another key of the application, of EdDSA", of_eddsa),
        invalid("PS256", by(&header_with("alg", json!("PS256")))),
        invalid("a kid that nobody has", by(&header_with("kid", json!("rsa2")))),
        invalid("no kid", by(&json!({"alg": "RS256", "typ": "JWT"}))),
        invalid("another typ", by(&header_with("typ", json!("sceau-protect-call")))),
        invalid("crit", by(&header_with("crit", json!(["exp"])))),
    ];
    all_are_refused(&teller, cases).await;
}

#[tokio::test]
async fn what_an_application_signed_for_elsewhere_or_another_time_is_refused_and_not_by_a_token() {
    let teller = Teller::begin().await;
    let another = Caller::new(teller.house.organisation.id).document.application;
    let mut cases = Vec::new();
    for (name, change, code) in [
        ("elsewhere", json!({"aud": "elsewhere/log"}), Code::CallElsewhere),
        ("ended", json!({"iat": 1_000_000, "exp": 1_000_100}), Code::CallExpired),
        ("another application's", json!({"iss": another}), Code::ApplicationUnknown),
    ] {
        let mut claims = teller.claims("alice", create());
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        cases.push((name, teller.token(&claims), code));
    }
    all_are_refused(&teller, cases).await;
}

#[tokio::test]
async fn a_call_by_token_is_good_once_in_clear_or_encrypted() {
    let teller = Teller::begin().await;
    let call = teller.token(&teller.claims("alice", create()));
    assert!(teller.bring(&call).await.unwrap().refused.is_none());
    for again in [call.clone(), teller.encrypt(&call)] {
        let answer = teller.bring(&again).await.unwrap();
        assert_eq!(answer.refused, Some(Code::CallReplayed));
    }
}

#[tokio::test]
async fn what_is_not_encrypted_as_it_must_be_is_refused() {
    let teller = Teller::begin().await;
    let claims = teller.claims("alice", create());
    let (call, good) = (teller.token(&claims), teller.encrypt(&teller.token(&claims)));
    let with_header = |change: Value| {
        let (header, rest) = good.split_once('.').unwrap();
        let mut header: Value = serde_json::from_slice(&Base64Url::decode(header).unwrap().0).unwrap();
        header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        format!("{}.{rest}", part(&header))
    };
    let to = |fields: &Fields<'_>, text: &[u8]| teller.calls.encrypt(fields, text).unwrap();
    let other = PrivateKey::generate(KeyKind::Rsa, KeyAlgorithm::RsaOaep256).unwrap();
    let jwt = Fields { cty: Some("JWT"), ..Fields::default() };
    let mut octets = good.clone().into_bytes();
    let last = octets.len() - 3;
    octets[last] = if octets[last] == b'A' { b'B' } else { b'A' };
    for (name, message) in [
        ("RSA1_5", with_header(json!({"alg": "RSA1_5"}))),
        ("dir", with_header(json!({"alg": "dir"}))),
        ("RSA-OAEP of SHA-1", with_header(json!({"alg": "RSA-OAEP"}))),
        ("another content encryption", with_header(json!({"enc": "A128CBC-HS256"}))),
        ("zip", with_header(json!({"zip": "DEF"}))),
        ("crit", with_header(json!({"crit": ["exp"]}))),
        ("another kid", with_header(json!({"kid": "another"}))),
        ("no cty", to(&Fields::default(), call.as_bytes())),
        ("another cty", to(&Fields { cty: Some("json"), ..Fields::default() }, call.as_bytes())),
        ("claims that nobody signed", to(&jwt, claims.to_string().as_bytes())),
        ("encrypted twice", to(&jwt, good.as_bytes())),
        ("to another key", other.public().encrypt(&jwt, call.as_bytes()).unwrap()),
        ("altered", String::from_utf8(octets).unwrap()),
        ("no octets of text", to(&jwt, &[0xff; 40])),
    ] {
        let answered = teller.bring(&message).await;
        assert!(answered.is_err(), "{name}");
        refused(answered, Code::ProofInvalid);
    }
    assert!(teller.bring(&good).await.unwrap().refused.is_none(), "nothing of that used it up");
}

#[test]
fn a_key_that_signs_decrypts_nothing() {
    let document = Caller::new(OrganisationId::random()).document;
    let parsed = |document: &ApplicationDocument| {
        ApplicationDocument::parse(&serde_json::to_vec(document).unwrap()).map(|parsed| parsed.document)
    };
    let public = |key: &Rs256PrivateKey| PublicJwk::of_rs256(key.public_key_info()).unwrap().to_json();
    let (signs, opens) = (Rs256PrivateKey::generate().unwrap(), Rs256PrivateKey::generate().unwrap());
    let small = json!({"kty": "RSA", "n": Base64Url(vec![0xff; 128]).encode(), "e": "AQAB"}).to_string();
    let mut with_rsa = document.clone();
    with_rsa.keys.push(registered("rsa", KeyPurpose::Signatures, "RS256", &public(&signs)));
    for (key, taken) in [
        (registered("enc", KeyPurpose::Encryption, "RSA-OAEP-256", &public(&opens)), true),
        (registered("enc", KeyPurpose::Encryption, "RSA-OAEP", &public(&opens)), true),
        (registered("enc", KeyPurpose::Encryption, "RSA-OAEP-256", &public(&signs)), false),
        (registered("enc", KeyPurpose::Encryption, "RS256", &public(&opens)), false),
        (registered("enc", KeyPurpose::Encryption, "RSA1_5", &public(&opens)), false),
        (registered("enc", KeyPurpose::Signatures, "RSA-OAEP-256", &public(&opens)), false),
        (registered("enc", KeyPurpose::Encryption, "RSA-OAEP", &small), false),
    ] {
        let mut document = with_rsa.clone();
        document.keys.push(key.clone());
        assert_eq!(parsed(&document).is_ok(), taken, "{key:?}");
        if taken {
            assert_eq!(document.encryption_key(), Some(&key));
            document.keys.retain(|known| known.purpose == KeyPurpose::Encryption);
            assert!(parsed(&document).is_err(), "none that signs");
        }
    }
    // What was registered before there were keys of this use reads, and is written, as it was.
    let bytes = serde_json::to_string(&document).unwrap();
    assert!(!bytes.contains("\"use\""));
    assert_eq!(parsed(&document).unwrap(), document);
}
