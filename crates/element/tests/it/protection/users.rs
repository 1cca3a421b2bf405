//! Who a user is, proven by a provider of identities that the application's document names.

use aws_lc_rs::hmac;
use sceau_crypto::SigningKey;
use sceau_crypto::jose::{PublicJwk, Rs256PrivateKey};
use sceau_element_api::documents::{
    ApplicationDocument, Document as _, DocumentError, ProviderKey, UserClaim, UserProvider,
};
use sceau_element_api::protect::{Called, KeyMembers};
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, CallError, Client, Kind};
use serde_json::{Value, json};

use super::caller::{Caller, Protected, key_of, seconds, sign};
use crate::house::{Element, by_passkey, current, refused, shown};

const ISSUER: &str = "https://id.example.org/realms/hospital";

/// A provider of identities, and the application whose users it knows.
pub(super) struct Provider {
    signs: SigningKey,
    rsa: Rs256PrivateKey,
}

impl Provider {
    pub(super) fn new() -> Self {
        Self { signs: SigningKey::generate(), rsa: Rs256PrivateKey::generate().unwrap() }
    }

    fn rsa_members(&self) -> KeyMembers {
        let public = PublicJwk::of_rs256(self.rsa.public_key_info()).unwrap().to_json();
        let mut jwk: Value = serde_json::from_str(&public).unwrap();
        jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
        serde_json::from_value(jwk).unwrap()
    }

    /// What an administrator says of it.
    pub(super) fn document(&self) -> UserProvider {
        let ed = key_of("p1", &self.signs);
        let keys = vec![
            ProviderKey { kid: ed.kid, alg: ed.alg, jwk: ed.jwk },
            ProviderKey { kid: "p2".into(), alg: "RS256".into(), jwk: self.rsa_members() },
        ];
        let (issuer, client_id) = (ISSUER.to_owned(), "dossiers".to_owned());
        let user = UserClaim::Sub;
        let (groups, groups_asserted, token_age, sign_in_age) = Default::default();
        UserProvider { issuer, client_id, keys, user, groups, groups_asserted, token_age, sign_in_age }
    }

    pub(super) fn claims(user: &str) -> Value {
        let now = seconds();
        json!({"iss": ISSUER, "aud": "dossiers", "sub": user, "iat": now, "exp": now + 300})
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        sign(&self.signs, &json!({"alg": "EdDSA", "kid": "p1", "typ": "JWT"}), claims)
    }

    fn by_rsa(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| Base64Url(value.to_string().into_bytes()).encode();
        let input = format!("{}.{}", part(header), part(claims));
        format!("{input}.{}", Base64Url(self.rsa.sign(input.as_bytes()).unwrap()).encode())
    }
}

/// The application's next version, which names a provider.
pub(super) async fn named(house: &mut Protected, provider: Option<UserProvider>) {
    let client = house.element.client.clone();
    let application = house.application.document.application;
    let previous = current(&client, Kind::Application, application).await;
    house.application.document.provider = provider;
    by_passkey(&client, &house.administrator, &house.application.document, previous).await.unwrap();
}

async fn ask(
    application: &mut Caller,
    client: &Client,
    (user, groups): (&str, &[&str]),
    token: Option<&str>,
    op: Value,
) -> Result<Called, CallError> {
    let mut claims = application.claims(user, op);
    claims["id_token"] = json!(token);
    if token.is_none() {
        claims.as_object_mut().unwrap().remove("id_token");
    }
    if !groups.is_empty() {
        claims["groups"] = json!(groups);
    }
    let call = application.sign(&claims);
    application.bring(client, call).await
}

#[tokio::test]
async fn a_user_is_proven_by_the_provider_or_gets_nothing() {
    let mut house = Protected::begin().await;
    let provider = Provider::new();
    let client = house.element.client.clone();
    // Before there is a provider a token is not looked at, and nobody is proven by it.
    let op = house.application.create();
    let created = ask(&mut house.application, &client, ("alice", &[]), Some("no token"), op).await.unwrap();
    assert!(shown(&client, created.index).await.subjects().iter().all(|subject| subject.kind != "issuer"));
    named(&mut house, Some(provider.document())).await;
    let application = &mut house.application;
    let opening = application.opening(&created);
    let missing = ask(application, &client, ("alice", &[]), None, opening.clone()).await;
    refused(missing, Code::UserUnproven);
    let alice = provider.token(&Provider::claims("alice"));
    let opened = ask(application, &client, ("alice", &[]), Some(&alice), opening.clone()).await.unwrap();
    assert_eq!((created.proven_by.as_deref(), opened.proven_by.as_deref()), (None, Some(ISSUER)));
    let record = shown(&client, opened.index).await;
    let issuer = record.subjects().iter().find(|subject| subject.kind == "issuer").unwrap();
    assert_eq!(Base64Url::decode(&issuer.id).unwrap().0, ISSUER.as_bytes());
    // Somebody else's token proves somebody else, whatever the application says.
    let bob = provider.token(&Provider::claims("bob"));
    refused(ask(application, &client, ("alice", &[]), Some(&bob), opening.clone()).await, Code::UserMismatch);
    let of_bob = ask(application, &client, ("bob", &[]), Some(&bob), opening.clone()).await;
    refused(of_bob, Code::UserNotAuthorised);

    // All of it is on record with the datum, and says who was proven.
    let asked = json!({"accesses": {"datum": created.datum}});
    let told = ask(application, &client, ("alice", &[]), Some(&alice), asked).await.unwrap();
    let list = told.accesses.unwrap().list;
    let said: Vec<_> = list
        .iter()
        .map(|it| (it.refused.as_deref(), it.user.as_ref().unwrap().as_str(), it.proven_by.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            (Some("user_not_authorised"), "bob", Some(ISSUER)),
            (Some("user_mismatch"), "alice", None),
            (None, "alice", Some(ISSUER)),
            (Some("user_unproven"), "alice", None),
            (None, "alice", None),
        ]
    );
    // No token, nor its signature, is in what the element keeps; the log shows nobody's provider.
    let size = client.hello().await.unwrap().size;
    let log: Vec<u8> = client.entries(0, size).await.unwrap().concat();
    let hidden = [ISSUER.to_owned(), Base64Url(ISSUER.as_bytes().to_vec()).encode()];
    let text = String::from_utf8_lossy(&log);
    assert!(hidden.iter().all(|word| !text.contains(word)));
    // A restart knows the provider as before.
    drop(client);
    house.element = Element::restart(house.element).await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    refused(ask(application, &client, ("alice", &[]), None, opening.clone()).await, Code::UserUnproven);
    ask(application, &client, ("alice", &[]), Some(&alice), opening).await.unwrap();
}

/// Whoever leaves the provider out says nothing that looks like it: the record does.
#[tokio::test]
async fn the_log_says_how_users_are_known_and_how_they_were() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let provider = Provider::new();
    let said = async || {
        let last = client.hello().await.unwrap().size - 1;
        let record = shown(&client, last).await;
        assert_eq!(record.action().as_str(), "application.enrol");
        let detail = |name: &str| record.detail().get(name).cloned();
        (detail("users"), detail("users_before"))
    };
    let words = |now: &str, before: Option<&str>| (Some(now.to_owned()), before.map(str::to_owned));
    assert_eq!(said().await, words("asserted", None));
    named(&mut house, Some(provider.document())).await;
    assert_eq!(said().await, words("proven", Some("asserted")));
    house.application.document.name = "Another name".to_owned();
    named(&mut house, Some(provider.document())).await;
    assert_eq!(said().await, words("proven", None));
    named(&mut house, None).await;
    assert_eq!(said().await, words("asserted", Some("proven")));
}

/// Claims of who just signed in, one of which is another, or is left out.
fn with(name: &str, value: Value) -> Value {
    let mut claims = Provider::claims("alice");
    claims["auth_time"] = json!(seconds());
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

/// A provider that asks for a sign-in of ten minutes ago at most, and an application whose users it knows.
async fn named_strictly() -> (Protected, Provider) {
    let mut house = Protected::begin().await;
    let provider = Provider::new();
    named(&mut house, Some(UserProvider { sign_in_age: Some(600), ..provider.document() })).await;
    (house, provider)
}

/// What each token is refused by, where it is.
async fn judged(house: &mut Protected, cases: &[(&str, String, Option<Code>)]) {
    let client = house.element.client.clone();
    for (name, token, code) in cases {
        let application = &mut house.application;
        let op = application.create();
        let outcome = ask(application, &client, ("alice", &[]), Some(token), op).await;
        let found = match outcome {
            Ok(_) => None,
            Err(CallError::Refused(refusal)) => Some(refusal.code),
            Err(error) => panic!("{name}: {error}"),
        };
        assert_eq!(&found, code, "{name}");
    }
}

#[tokio::test]
async fn only_a_key_of_the_provider_proves_somebody_by_its_own_algorithm() {
    let (mut house, provider) = named_strictly().await;
    let good = with("azp", json!("dossiers"));
    let by_ed = |header: Value| sign(&provider.signs, &header, &good);
    let by_rsa = |header: Value| provider.by_rsa(&header, &good);
    let unsigned = |header: Value| {
        let part = |value: &Value| Base64Url(value.to_string().into_bytes()).encode();
        format!("{}.{}", part(&header), part(&good))
    };
    // The public key of the provider as a shared secret, and the keys under each other's names and algorithms.
    let hs = |secret: &[u8], kid: &str| {
        let input = unsigned(json!({"alg": "HS256", "kid": kid}));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", Base64Url(tag.as_ref().to_vec()).encode())
    };
    let invalid = Some(Code::IdTokenInvalid);
    let cases = [
        ("good", provider.token(&good), None),
        ("good by RSA", by_rsa(json!({"alg": "RS256", "kid": "p2"})), None),
        ("no kid", by_rsa(json!({"alg": "RS256"})), None),
        ("none", format!("{}.", unsigned(json!({"alg": "none", "kid": "p1"}))), invalid),
        ("HS256, Ed25519", hs(provider.signs.verifying_key().as_bytes(), "p1"), invalid),
        ("HS256, RSA", hs(provider.rsa.public_key_info(), "p2"), invalid),
        ("PS256 of an RS256 key", by_rsa(json!({"alg": "PS256", "kid": "p2"})), invalid),
        ("RS512", by_rsa(json!({"alg": "RS512", "kid": "p2"})), invalid),
        ("another key's name", by_rsa(json!({"alg": "RS256", "kid": "p1"})), invalid),
        ("another provider's key", Provider::new().token(&good), invalid),
        (
            "a key that nobody registered",
            by_rsa(json!({"alg": "RS256", "kid": "p3"})),
            Some(Code::ProviderKeyUnknown),
        ),
        ("crit", by_ed(json!({"alg": "EdDSA", "kid": "p1", "crit": ["b64"]})), invalid),
        ("an access token", by_ed(json!({"alg": "EdDSA", "kid": "p1", "typ": "at+jwt"})), invalid),
        ("a call", by_ed(json!({"alg": "EdDSA", "kid": "p1", "typ": "sceau-protect-call"})), invalid),
        ("no token", "eyJ".to_owned(), invalid),
    ];
    judged(&mut house, &cases).await;
}

#[tokio::test]
async fn only_an_id_token_for_the_application_proves_somebody() {
    let (mut house, provider) = named_strictly().await;
    let token = |name: &str, value: Value| provider.token(&with(name, value));
    let invalid = Some(Code::IdTokenInvalid);
    let cases = [
        ("two audiences, its own party", provider.token(&with_party(&with("azp", json!("dossiers")))), None),
        ("Keycloak's access token", token("typ", json!("Bearer")), invalid),
        ("Entra's access token for the client itself", token("scp", json!("dossiers.read")), invalid),
        ("Auth0's", token("scope", json!("openid")), invalid),
        ("Cognito's", token("token_use", json!("access")), invalid),
        ("Cognito's ID token", token("token_use", json!("id")), None),
        ("a logout token", token("events", json!({})), invalid),
        ("another issuer", token("iss", json!("https://id.example.org")), invalid),
        ("another audience", token("aud", json!("another")), invalid),
        ("two audiences", token("aud", json!(["dossiers", "another"])), invalid),
        ("another party", token("azp", json!("another")), invalid),
        ("no user", token("sub", Value::Null), invalid),
    ];
    judged(&mut house, &cases).await;
}

#[tokio::test]
async fn only_a_fresh_id_token_proves_somebody() {
    let (mut house, provider) = named_strictly().await;
    let now = seconds();
    let token = |name: &str, value: Value| provider.token(&with(name, value));
    let (invalid, expired) = (Some(Code::IdTokenInvalid), Some(Code::IdTokenExpired));
    let cases = [
        ("less than a minute over", token("exp", json!(now - 50)), None),
        ("ended", token("exp", json!(now - 61)), expired),
        ("no end", token("exp", Value::Null), invalid),
        ("never made", token("iat", Value::Null), invalid),
        ("of the future", token("iat", json!(now + 90)), invalid),
        ("made an hour ago", token("iat", json!(now - 3661)), expired),
        ("no sign-in", token("auth_time", Value::Null), invalid),
        ("an old sign-in", token("auth_time", json!(now - 661)), expired),
    ];
    judged(&mut house, &cases).await;
}

fn with_party(good: &Value) -> Value {
    let mut claims = good.clone();
    claims["aud"] = json!(["another", "dossiers"]);
    claims
}

#[tokio::test]
async fn groups_and_verified_addresses_are_the_providers_where_they_are_named() {
    let mut house = Protected::begin().await;
    let provider = Provider::new();
    let groups = Some("roles".to_owned());
    named(&mut house, Some(UserProvider { groups, user: UserClaim::Email, ..provider.document() })).await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let mut claims = Provider::claims("0f3c");
    claims["email"] = json!("alice@example.org");
    claims["roles"] = json!(["nurses", 7]);
    let token = |claims: &Value| provider.token(claims);
    for (verified, code) in [
        (Value::Null, Some(Code::IdTokenInvalid)),
        (json!("true"), Some(Code::IdTokenInvalid)),
        (json!(true), None),
    ] {
        claims["email_verified"] = verified;
        let op = application.create();
        let outcome =
            ask(application, &client, ("alice@example.org", &["nurses"]), Some(&token(&claims)), op).await;
        match code {
            Some(code) => refused(outcome, code),
            None => drop(outcome.unwrap()),
        }
    }
    for (user, of) in [("alice@example.org", "doctors"), ("0f3c", "nurses"), ("Alice@example.org", "nurses")]
    {
        let op = application.create();
        let outcome = ask(application, &client, (user, &[of]), Some(&token(&claims)), op).await;
        refused(outcome, Code::UserMismatch);
    }
}

#[tokio::test]
async fn a_group_that_nobody_proves_opens_nothing_unless_the_document_says_so() {
    let mut house = Protected::begin().await;
    let provider = Provider::new();
    named(&mut house, Some(provider.document())).await;
    let client = house.element.client.clone();
    let application = &mut house.application;
    let [alice, bob] = ["alice", "bob"].map(|user| provider.token(&Provider::claims(user)));
    let mut op = application.create();
    op["create"]["grants"] = json!([{"to": {"group": "management"}}]);
    let created = ask(application, &client, ("alice", &[]), Some(&alice), op).await.unwrap();
    let opening = application.opening(&created);
    // A key of the application, and his own token.
    let management: (&str, &[&str]) = ("bob", &["management"]);
    refused(ask(application, &client, management, Some(&bob), opening.clone()).await, Code::UserMismatch);
    let said = ask(
        application,
        &client,
        ("alice", &[]),
        Some(&alice),
        json!({"accesses": {"datum": created.datum}}),
    );
    let list = said.await.unwrap().accesses.unwrap().list;
    assert_eq!((list[0].refused.as_deref(), list[0].proven_by.as_deref()), (Some("user_mismatch"), None));

    named(&mut house, Some(UserProvider { groups_asserted: true, ..provider.document() })).await;
    let application = &mut house.application;
    ask(application, &client, management, Some(&bob), opening).await.unwrap();
}

#[tokio::test]
async fn an_administrator_names_the_provider_and_no_key_of_the_application_is_its() {
    let mut house = Protected::begin().await;
    let provider = Provider::new();
    named(&mut house, Some(provider.document())).await;
    let client = house.element.client.clone();
    let before = house.application.document.clone();
    let row = current(&client, Kind::Application, before.application).await.unwrap();
    let mut own = before.clone();
    let signs = key_of("p3", &house.application.key);
    let keys = &mut own.provider.as_mut().unwrap().keys;
    keys.push(ProviderKey { kid: signs.kid, alg: signs.alg, jwk: signs.jwk });
    let fault = ApplicationDocument::parse(&serde_json::to_vec(&own).unwrap()).unwrap_err();
    assert!(matches!(fault, DocumentError::Field { field: "provider.keys", .. }), "{fault}");
    // A key goes by the administrator's next version, and what it signed proves nobody any more.
    let alice = provider.token(&Provider::claims("alice"));
    let application = &mut house.application;
    let op = application.create();
    ask(application, &client, ("alice", &[]), Some(&alice), op.clone()).await.unwrap();
    let mut next = before;
    next.provider.as_mut().unwrap().keys.remove(0);
    by_passkey(&client, &house.administrator, &next, Some(row)).await.unwrap();
    let application = &mut house.application;
    let gone = ask(application, &client, ("alice", &[]), Some(&alice), op).await;
    refused(gone, Code::ProviderKeyUnknown);
}
