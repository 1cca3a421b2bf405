//! Signing in by a provider of identities: the whole way, and what a hostile provider, browser or network gets.

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sceau_accounts::oidc::Preset;
use sceau_element_api::Role;
use sceau_store::params;
use serde_json::{Value, json};

use crate::support::signing_in::{Away, House, START, house, house_of, query, session};
use crate::support::{Answer, Double, ISSUER};

/// What somebody who has the database may look at.
mod tampering {
    sceau_store::statements! {
        pub READ_TOKEN = "SELECT id_token FROM provider_session";
    }
}

/// Which provider the last record names.
fn recorded_provider(house: &House) -> Option<String> {
    house.world.element.records().last()?.detail().get("provider").cloned()
}

#[tokio::test]
async fn the_first_sign_in_makes_a_citizens_account_and_the_next_opens_it() {
    let house = house().await;
    let first = house.sign_in().await;
    assert_eq!(first.body["first"], true);
    assert_eq!(
        house.world.element.last(3),
        ["account.enrol granted", "identity.enrol granted", "login granted"]
    );
    assert_eq!(recorded_provider(&house).as_deref(), Some("id"));
    let me = house.world.me(&session(&first)).await.body;
    let account = &me["account"];
    assert_eq!(
        (account["email"].as_str(), account["name"].as_str()),
        (Some("lea@example.org"), Some("Léa Durand"))
    );
    assert_eq!((&account["role"], &account["providers"]), (&json!("citizen"), &json!(["id"])));
    let again = house.sign_in().await;
    assert_eq!(again.body["first"], false);
    assert_eq!(house.world.me(&session(&again)).await.body["account"]["id"], account["id"]);
    // What was asked: PKCE, and nothing else that comes back.
    let away = house.leave().await;
    assert_eq!(query(&away.url, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(query(&away.url, "redirect_uri").as_deref(), Some("http://sceau.localhost:8080/retour/id"));
    assert!(away.cookie.starts_with("sceau_away="));
    assert!(
        !away.url.contains(away.cookie.split_once('=').unwrap().1),
        "the browser's own token stays there"
    );
}

#[tokio::test]
async fn an_address_of_a_provider_opens_no_account_that_has_it() {
    let house = house().await;
    let lea = house.world.register("lea@example.org", None).await;
    let before = house.world.me(&lea.cookie).await.body["account"]["id"].clone();
    let by_provider = house.sign_in().await;
    assert_eq!(by_provider.body["first"], true);
    assert_ne!(house.world.me(&session(&by_provider)).await.body["account"]["id"], before);
}

#[tokio::test]
async fn what_a_hostile_provider_or_network_sends_back_begins_no_session() {
    let house = house().await;
    let refused = |answer: &Answer| (answer.status.as_u16(), answer.body["code"].clone());
    let believed = (403, json!("provider_refused"));
    for change in [
        (|claims: &mut Value| claims["nonce"] = "replayed".into()) as fn(&mut Value),
        |claims| claims["aud"] = "another-client".into(),
        |claims| claims["aud"] = json!(["sceau", "another-client"]),
        |claims| claims["azp"] = "another-client".into(),
        |claims| claims["iss"] = "https://evil.example.org".into(),
        |claims| claims["exp"] = (START / 1000 - 61).into(),
        |claims| drop(claims.as_object_mut().unwrap().remove("nonce")),
    ] {
        assert_eq!(refused(&house.altered(change).await), believed);
        assert_eq!(house.world.element.last(1), ["login refused provider_refused"]);
    }
    *house.double.alter.lock().unwrap() = Box::new(|_| {});
    let public = BASE64.decode(house.double.jwks()["keys"][0]["x"].as_str().unwrap()).unwrap();
    let unsigned = |token: String| {
        let payload = token.split('.').nth(1).unwrap().to_owned();
        format!("{}.{payload}.", BASE64.encode(r#"{"alg":"none"}"#))
    };
    let with_the_public_key = move |token: String| {
        let payload = token.split('.').nth(1).unwrap().to_owned();
        let input = format!("{}.{payload}", BASE64.encode(r#"{"alg":"HS256","kid":"first"}"#));
        format!("{input}.{}", BASE64.encode(sceau_crypto::hmac(&public, &[input.as_bytes()])))
    };
    *house.double.forge.lock().unwrap() = Box::new(unsigned);
    assert_eq!(refused(&house.sign_in().await), believed);
    *house.double.forge.lock().unwrap() = Box::new(with_the_public_key);
    assert_eq!(refused(&house.sign_in().await), believed);
    let stranger = Double::new(&["first"]);
    let forged = move |token: String| {
        let payload = BASE64.decode(token.split('.').nth(1).unwrap()).unwrap();
        stranger.sign(json!({"typ": "JWT"}), &serde_json::from_slice(&payload).unwrap())
    };
    *house.double.forge.lock().unwrap() = Box::new(forged);
    assert_eq!(refused(&house.sign_in().await), believed);
    *house.double.forge.lock().unwrap() = Box::new(|token| token);
    // The userinfo endpoint speaks of somebody else.
    *house.double.alter_userinfo.lock().unwrap() = Box::new(|claims| claims["sub"] = "somebody".into());
    assert_eq!(refused(&house.sign_in().await), believed);
    *house.double.alter_userinfo.lock().unwrap() = Box::new(|_| {});
    assert_eq!(house.sign_in().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_is_taken_once_in_its_browser_from_its_provider() {
    let house = house().await;
    let over = (409, "ceremony_over");
    // Replayed.
    let away = house.leave().await;
    let code = house.double.consent(&away.url, "lea");
    let body = json!({"provider": "id", "state": away.state, "code": code, "iss": ISSUER});
    let finish = |cookie: String, body: Value| {
        let world = &house.world;
        async move { world.call(Method::POST, "/v1/providers/finish", &cookie, body).await }
    };
    assert_eq!(finish(away.cookie.clone(), body.clone()).await.status, StatusCode::OK);
    assert_eq!(finish(away.cookie.clone(), body.clone()).await.code(), over);
    // The same code under another state: it was exchanged before.
    let other = house.leave().await;
    let replay = json!({"provider": "id", "state": other.state, "code": code, "iss": ISSUER});
    assert_eq!(finish(other.cookie, replay).await.code(), (403, "provider_refused"));
    // In another browser: somebody was sent a link with the answer to another's sign-in.
    let (victim, attacker) = (house.leave().await, house.leave().await);
    let planted = house.arrive(&Away { cookie: victim.cookie.clone(), ..attacker }, |_| {}).await;
    assert_eq!(planted.code(), over);
    assert_eq!(house.arrive(&Away { cookie: String::new(), ..victim }, |_| {}).await.code(), over);
    // Another provider answers, or none says who it is.
    for change in [
        (|body: &mut Value| body["iss"] = "https://evil.example.org".into()) as fn(&mut Value),
        |body| drop(body.as_object_mut().unwrap().remove("iss")),
        |body| body["provider"] = "another".into(),
    ] {
        let away = house.leave().await;
        assert_eq!(house.arrive(&away, change).await.code(), (403, "provider_refused"));
    }
    // The person gave up.
    let away = house.leave().await;
    let declined = house.arrive(&away, |body| drop(body.as_object_mut().unwrap().remove("code"))).await;
    assert_eq!(declined.code(), (403, "provider_declined"));
    // Too late.
    let away = house.leave().await;
    house.world.clock.advance(300_000);
    assert_eq!(house.arrive(&away, |_| {}).await.code(), over);
    assert_eq!(
        house.world.post("/v1/providers/other/begin", Value::Null).await.code(),
        (404, "provider_unknown")
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong_and_a_provider_that_is_away_are_said() {
    let house = house().await;
    let late = house
        .altered(|claims| {
            claims["iat"] = (START / 1000 + 300).into();
            claims["exp"] = (START / 1000 + 600).into();
        })
        .await;
    assert_eq!(late.code(), (503, "provider_clock"));
    let said = late.body["detail"].as_str().unwrap();
    assert!(said.contains("this machine's clock is 300 s behind the provider's"), "{said}");
    let other = house_of(Preset::Keycloak, |_| {}).await;
    *other.double.away.lock().unwrap() = true;
    let away = other.world.post("/v1/providers/id/begin", Value::Null).await;
    assert_eq!(away.code(), (503, "provider_unavailable"));
    assert!(!away.body.to_string().contains("refused"), "what it said stays in the log: {}", away.body);
}

#[tokio::test]
async fn a_level_that_is_demanded_is_asked_for_and_checked() {
    let france = house_of(Preset::FranceConnect, |_| {}).await;
    *france.double.names_itself.lock().unwrap() = false;
    *france.double.signs_userinfo.lock().unwrap() = true;
    let away = france.leave().await;
    assert_eq!(query(&away.url, "acr_values").as_deref(), Some("eidas1"));
    assert_eq!(query(&away.url, "code_challenge"), None, "FranceConnect refuses what it does not list");
    assert!(away.state.len() >= 32 && query(&away.url, "nonce").unwrap().len() >= 32);
    assert_eq!(france.altered(|claims| claims["acr"] = "eidas2".into()).await.status, StatusCode::OK);
    let form = france.double.forms().pop().unwrap();
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("sceau", "s3cr3t"));
    assert_eq!(france.altered(|_| {}).await.code(), (403, "provider_level"));
    assert_eq!(recorded_provider(&france).as_deref(), Some("id"), "a refusal says by which");
    // It signs what it tells of a person: what is not signed is not taken.
    *france.double.alter.lock().unwrap() = Box::new(|claims| claims["acr"] = "eidas1".into());
    *france.double.signs_userinfo.lock().unwrap() = false;
    assert_eq!(france.sign_in().await.code(), (503, "provider_unavailable"));

    let work = house_of(Preset::ProConnect, |settings| settings.means = vec!["mfa".into()]).await;
    *work.double.signs_userinfo.lock().unwrap() = true;
    *work.double.person.lock().unwrap() =
        json!({"email": "jean@example.org", "given_name": "Jean", "usual_name": "Martin"});
    let asked = query(&work.leave().await.url, "claims").unwrap();
    assert_eq!(asked, r#"{"id_token":{"amr":{"essential":true}}}"#);
    assert_eq!(work.altered(|_| {}).await.code(), (403, "provider_level"));
    let signed_in = work.altered(|claims| claims["amr"] = json!(["pwd", "mfa"])).await;
    assert_eq!(work.world.me(&session(&signed_in)).await.body["account"]["name"], "Jean Martin");
}

#[tokio::test]
async fn what_a_provider_does_not_tell_is_named_and_makes_no_account() {
    let house = house().await;
    *house.double.person.lock().unwrap() = json!({"name": "Léa"});
    let answer = house.sign_in().await;
    assert_eq!(answer.code(), (422, "provider_claims"));
    assert!(answer.body["detail"].as_str().unwrap().contains("email"), "{}", answer.body);
    let strict = house_of(Preset::Keycloak, |settings| settings.roles = vec![Role::CaseOfficer]).await;
    assert_eq!(strict.sign_in().await.code(), (403, "identity_unknown"));
}

#[tokio::test]
async fn signing_out_goes_on_at_the_provider_and_leaves_no_token_behind() {
    let house = house_of(Preset::FranceConnect, |settings| settings.levels.clear()).await;
    *house.double.names_itself.lock().unwrap() = false;
    *house.double.signs_userinfo.lock().unwrap() = true;
    let cookie = session(&house.sign_in().await);
    // The ID token waits sealed: the database alone does not have it.
    let row = house.world.database.fetch_optional(tampering::READ_TOKEN, params![]);
    let kept: Vec<u8> = row.await.unwrap().unwrap().get("id_token").unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains("eyJ"));
    let out = house.world.call(Method::POST, "/v1/logout", &cookie, Value::Null).await;
    let url = out.body["continue_at"].as_str().unwrap();
    assert!(query(url, "id_token_hint").unwrap().starts_with("eyJ"));
    assert!(query(url, "state").unwrap().len() >= 32);
    assert_eq!(query(url, "post_logout_redirect_uri").as_deref(), Some("http://sceau.localhost:8080/"));
    assert_eq!(house.world.me(&cookie).await.code(), (401, "not_signed_in"));
    let left = house.world.database.fetch_all(tampering::READ_TOKEN, params![]).await.unwrap();
    assert!(left.is_empty(), "with the session went what hung on it");
    // A provider that does not want the token does not get it, and one that is away keeps nobody.
    let plain = house_of(Preset::Keycloak, |_| {}).await;
    let cookie = session(&plain.sign_in().await);
    let out = plain.world.call(Method::POST, "/v1/logout", &cookie, Value::Null).await;
    assert!(!out.body["continue_at"].as_str().unwrap().contains("eyJ"));
}

#[tokio::test]
async fn a_crash_between_the_element_and_the_database_strands_no_first_sign_in() {
    let mut house = house().await;
    house.world.element.loses_answers.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(house.sign_in().await.status, StatusCode::SERVICE_UNAVAILABLE);
    house.world.element.loses_answers.store(false, std::sync::atomic::Ordering::SeqCst);
    house.world.restart().await;
    // The account was attested and its identity was not: it is forgotten, and the next sign-in makes one.
    assert_eq!(house.sign_in().await.body["first"], true);
}
