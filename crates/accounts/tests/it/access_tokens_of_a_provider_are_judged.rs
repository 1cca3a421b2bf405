//! Bearers' tokens that a provider of identities made: what is taken, what never is, and how its keys rotate.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sceau_accounts::oidc::{AccessClaims, AccessTokens, Http, IssuerUrl, Provider, TokenError};
use sceau_store::ManualClock;
use serde_json::{Value, json};

use crate::support::{Double, ISSUER};

const NOW_MS: u64 = 1_800_000_000_000;
const NOW_S: u64 = NOW_MS / 1000;

struct Scene {
    double: Arc<Double>,
    clock: Arc<ManualClock>,
    tokens: AccessTokens,
}

fn scene() -> Scene {
    let (double, clock) = (Double::new(&["first"]), Arc::new(ManualClock::at(NOW_MS)));
    let issuer = IssuerUrl::try_from(ISSUER.to_owned()).unwrap();
    let http: Arc<dyn Http> = double.clone();
    let provider = Provider::new(issuer, http, clock.clone());
    let roles = vec!["/realm_access/roles".to_owned(), "/resource_access/sceau/roles".to_owned()];
    let tokens = AccessTokens::new(provider, vec!["sceau".into(), "mob".into()], roles);
    Scene { double, clock, tokens }
}

/// What Keycloak writes for the service account of a client.
fn keycloak() -> Value {
    json!({
        "exp": NOW_S + 300, "iat": NOW_S, "jti": "c0ffee", "iss": ISSUER, "aud": ["sceau", "account"],
        "sub": "8d2c1f6e-0000-4000-8000-000000000000", "typ": "Bearer", "azp": "HR-Connector",
        "realm_access": {"roles": ["service_maas", "offline_access"]},
        "resource_access": {"sceau": {"roles": ["maas"]}, "account": {"roles": ["view-profile"]}},
        "scope": "email profile", "clientHost": "10.0.0.1", "preferred_username": "service-account-hr-connector",
        "membership": ["/funders/one"],
    })
}

/// What RFC 9068 section 2.2 has for the same.
fn rfc_9068() -> Value {
    json!({
        "exp": NOW_S + 300, "iat": NOW_S, "jti": "c0ffee", "iss": ISSUER, "aud": "mob", "sub": "hr", "client_id": "hr",
        "scope": "dossiers.receive",
    })
}

impl Scene {
    async fn verify(&self, header: Value, claims: &Value) -> Result<AccessClaims, TokenError> {
        self.tokens.verify(&self.double.sign(header, claims)).await
    }

    async fn refused(&self, change: impl FnOnce(&mut Value)) -> TokenError {
        let mut claims = keycloak();
        change(&mut claims);
        self.verify(json!({"typ": "JWT"}), &claims).await.unwrap_err()
    }
}

fn has(list: &std::collections::BTreeSet<String>, word: &str) -> bool {
    list.contains(word)
}

#[tokio::test]
async fn a_machines_token_is_read_as_keycloak_and_as_rfc_9068_write_it() {
    let scene = scene();
    let claims = scene.verify(json!({"typ": "JWT"}), &keycloak()).await.unwrap();
    assert_eq!(claims.client.as_deref(), Some("HR-Connector"));
    assert!(claims.is_machine());
    assert!(has(&claims.roles, "service_maas") && has(&claims.roles, "maas"));
    assert!(!has(&claims.roles, "view-profile"), "roles of another client are not ours");
    assert!(has(&claims.scopes, "email"));
    assert_eq!(claims.texts("/membership"), ["/funders/one"]);
    assert_eq!(claims.expires_ms, NOW_MS + 300_000);
    assert!(!format!("{claims:?}").contains("8d2c1f6e"), "{claims:?}");

    let claims = scene.verify(json!({"typ": "at+jwt"}), &rfc_9068()).await.unwrap();
    assert!(claims.is_machine() && has(&claims.scopes, "dossiers.receive") && claims.roles.is_empty());

    let mut person = keycloak();
    person["preferred_username"] = "lea".into();
    assert!(!scene.verify(json!({"typ": "JWT"}), &person).await.unwrap().is_machine());
}

#[tokio::test]
async fn what_is_for_others_from_others_or_of_another_use_is_refused() {
    let scene = scene();
    assert!(matches!(
        scene.refused(|c| c["iss"] = "https://id.example.org/realms/b".into()).await,
        TokenError::Issuer
    ));
    assert!(matches!(scene.refused(|c| c["aud"] = "account".into()).await, TokenError::Audience));
    assert!(matches!(scene.refused(|c| c["aud"] = json!([])).await, TokenError::Audience));
    assert!(matches!(scene.refused(|c| c["typ"] = "ID".into()).await, TokenError::Use));
    assert!(matches!(scene.refused(|c| c["typ"] = "Refresh".into()).await, TokenError::Use));
    assert!(matches!(scene.refused(|c| c["cnf"] = json!({"jkt": "x"})).await, TokenError::Bound));
    assert!(matches!(scene.refused(|c| c["sub"] = "".into()).await, TokenError::Claim("sub")));
    for missing in ["iss", "sub", "aud", "exp"] {
        let error = scene.refused(|c| drop(c.as_object_mut().unwrap().remove(missing))).await;
        assert!(matches!(error, TokenError::Claim(_)), "{missing}: {error}");
    }
    // An identity, not an access: some providers say so in nothing but its nonce.
    let mut identity = rfc_9068();
    identity["nonce"] = "n".into();
    assert!(matches!(scene.verify(json!({"typ": "JWT"}), &identity).await, Err(TokenError::Use)));
    assert!(matches!(scene.verify(json!({"typ": "logout+jwt"}), &rfc_9068()).await, Err(TokenError::Use)));
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let scene = scene();
    let good = scene.double.sign(json!({"typ": "JWT"}), &keycloak());
    assert!(scene.tokens.verify(&good).await.is_ok());
    let (_, rest) = good.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let public = BASE64.decode(scene.double.jwks()["keys"][0]["x"].as_str().unwrap()).unwrap();
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256","kid":"first"}"#] {
        let input = format!("{}.{payload}", BASE64.encode(header));
        // With the public key as the secret, as an attacker would.
        let mac = BASE64.encode(sceau_crypto::hmac(&public, &[input.as_bytes()]));
        for forged in [format!("{input}."), format!("{input}.{mac}")] {
            assert!(matches!(scene.tokens.verify(&forged).await, Err(TokenError::Statement(_))), "{header}");
        }
    }
    let stranger = Double::new(&["first"]).sign(json!({"typ": "JWT"}), &keycloak());
    assert!(matches!(scene.tokens.verify(&stranger).await, Err(TokenError::Statement(_))));
}

#[tokio::test]
async fn a_new_key_is_found_and_names_of_no_key_do_not_make_us_ask_more() {
    let scene = scene();
    assert!(scene.verify(json!({"typ": "JWT"}), &keycloak()).await.is_ok());
    let old = scene.double.sign(json!({"typ": "JWT"}), &keycloak());
    scene.double.rotate("second");
    scene.clock.advance(11_000);
    assert!(scene.verify(json!({"typ": "JWT"}), &keycloak()).await.is_ok(), "the key that came meanwhile");
    assert!(scene.tokens.verify(&old).await.is_err(), "a key that was taken away is no key");
    assert_eq!(scene.double.asked.load(Ordering::SeqCst), 3);
    for flood in 0..50 {
        let token = scene.double.sign(json!({"kid": format!("no-{flood}"), "typ": "JWT"}), &keycloak());
        assert!(scene.tokens.verify(&token).await.is_err());
    }
    assert_eq!(
        scene.double.asked.load(Ordering::SeqCst),
        3,
        "asked three times, and then no more for a while"
    );
    scene.double.rotate("third");
    scene.clock.advance(20_000);
    assert!(
        scene.verify(json!({"typ": "JWT"}), &keycloak()).await.is_ok(),
        "and a flood hides no new key for long"
    );
}

#[tokio::test]
async fn a_provider_that_is_away_is_believed_on_its_last_keys_for_an_hour() {
    let scene = scene();
    let long = |claims: &mut Value| claims["exp"] = (NOW_S + 90_000).into();
    let mut claims = keycloak();
    long(&mut claims);
    let token = scene.double.sign(json!({"typ": "JWT"}), &claims);
    *scene.double.away.lock().unwrap() = true;
    let error = scene.tokens.verify(&token).await.unwrap_err();
    assert!(
        matches!(error, TokenError::Provider(_)) && error.to_string().contains("connection refused"),
        "{error}"
    );
    *scene.double.away.lock().unwrap() = false;
    scene.clock.advance(10_000);
    assert!(scene.tokens.verify(&token).await.is_ok());
    *scene.double.away.lock().unwrap() = true;
    scene.clock.advance(3_599_000);
    assert!(scene.tokens.verify(&token).await.is_ok(), "its last keys still serve");
    scene.clock.advance(2_000);
    assert!(matches!(scene.tokens.verify(&token).await, Err(TokenError::Provider(_))), "and then no more");
}

#[tokio::test]
async fn a_clock_off_by_five_minutes_is_named() {
    let scene = scene();
    *scene.double.date_ms.lock().unwrap() = Some(NOW_MS + 300_000);
    let error = scene
        .refused(|claims| {
            claims["iat"] = (NOW_S + 300).into();
            claims["exp"] = (NOW_S + 600).into();
        })
        .await;
    let said = error.to_string();
    assert!(said.contains("this machine's clock is 300 s behind the provider's"), "{said}");
    let said = scene.refused(|claims| claims["exp"] = (NOW_S - 61).into()).await.to_string();
    assert!(said.contains("behind the provider's"), "{said}");
    *scene.double.date_ms.lock().unwrap() = Some(NOW_MS);
    scene.clock.advance(700_000);
    let said = scene.refused(|claims| claims["exp"] = (NOW_S + 10).into()).await;
    assert!(matches!(said, TokenError::Time(_)), "{said}");
}
