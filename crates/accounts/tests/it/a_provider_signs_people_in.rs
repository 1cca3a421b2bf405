//! Signing in by a provider of identities: the whole way, and what a hostile provider, browser or database gets.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sceau_accounts::AccountsConfig;
use sceau_accounts::oidc::{Http, IssuerUrl, Preset, Provider, ProviderSettings, Providers, RelyingParty};
use sceau_element_api::{Base64Url, Kind, Role};
use sceau_store::{Clock as _, ManualClock, params};
use serde_json::{Value, json};

use crate::support::{Answer, Double, ISSUER, World};

/// What somebody who has the database may do.
mod tampering {
    sceau_store::statements! {
        pub MOVE_IDENTITY = "UPDATE identity SET account = $1";
        pub READ_IDENTITY = "SELECT payload FROM identity";
        pub EDIT_IDENTITY = "UPDATE identity SET payload = $1";
        pub DELETE_IDENTITY = "DELETE FROM identity";
        pub READ_TOKEN = "SELECT id_token FROM provider_session";
    }
}

struct House {
    world: World,
    double: Arc<Double>,
}

/// The world's own clock starts where its tests do; the provider has the same time.
const START: u64 = 1_795_176_000_000;

fn party(
    double: &Arc<Double>,
    preset: Preset,
    name: &str,
    change: impl FnOnce(&mut ProviderSettings),
) -> RelyingParty {
    let http: Arc<dyn Http> = double.clone();
    let issuer = IssuerUrl::try_from(ISSUER.to_owned()).unwrap();
    let provider = Provider::new(issuer, http, Arc::new(ManualClock::at(START)));
    let mut settings = ProviderSettings::of(preset, name.parse().unwrap(), "sceau".into());
    change(&mut settings);
    RelyingParty::new(provider, settings, "s3cr3t".to_owned().into())
}

async fn house_of(preset: Preset, change: impl FnOnce(&mut ProviderSettings)) -> House {
    let double = Double::new(&["first"]);
    *double.now_s.lock().unwrap() = START / 1000;
    let party = party(&double, preset, "id", change);
    let world =
        World::with(|config: &mut AccountsConfig| config.providers = Providers::new(vec![party])).await;
    assert_eq!(world.clock.now_ms(), START);
    House { world, double }
}

async fn house() -> House {
    house_of(Preset::Keycloak, |_| {}).await
}

/// A browser that is at the provider.
struct Away {
    url: String,
    state: String,
    cookie: String,
}

fn query(url: &str, name: &str) -> Option<String> {
    let url: url::Url = url.parse().unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl House {
    async fn leave(&self) -> Away {
        let begun = self.world.post("/v1/providers/id/begin", Value::Null).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.body);
        let url = begun.body["url"].as_str().unwrap().to_owned();
        Away { state: query(&url, "state").unwrap(), cookie: begun.cookie(), url }
    }

    async fn arrive(&self, away: &Away, change: impl FnOnce(&mut Value)) -> Answer {
        let code = self.double.consent(&away.url, "lea");
        let mut body = json!({"provider": "id", "state": away.state, "code": code, "iss": ISSUER});
        change(&mut body);
        self.world.call(Method::POST, "/v1/providers/finish", &away.cookie, body).await
    }

    async fn sign_in(&self) -> Answer {
        let away = self.leave().await;
        self.arrive(&away, |_| {}).await
    }

    /// A sign-in at a provider that does this to its ID tokens.
    async fn altered(&self, change: fn(&mut Value)) -> Answer {
        *self.double.alter.lock().unwrap() = Box::new(change);
        self.sign_in().await
    }
}

/// The session among the cookies that were set.
fn session(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let mut set = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let session = set.rfind(|cookie| cookie.starts_with("sceau_session=")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Strict"), "{session}");
    session.split(';').next().unwrap().to_owned()
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
async fn an_identity_is_linked_by_a_fresh_passkey_and_by_nothing_else() {
    let house = house().await;
    let mut lea = house.world.register("lea@example.org", None).await;
    let id = house.world.me(&lea.cookie).await.body["account"]["id"].clone();
    let begin = |cookie: String| {
        let world = &house.world;
        async move { world.call(Method::POST, "/v1/providers/id/link/begin", &cookie, Value::Null).await }
    };
    let begun = begin(lea.cookie.clone()).await;
    let url = begun.body["url"].as_str().unwrap().to_owned();
    let (state, browser) = (query(&url, "state").unwrap(), begun.cookie());
    let both = format!("{}; {browser}", lea.cookie);
    let arrival =
        json!({"provider": "id", "state": state, "code": house.double.consent(&url, "lea"), "iss": ISSUER});
    // What began as a link ends as none but a link, and in the same account.
    let as_sign_in = house.world.call(Method::POST, "/v1/providers/finish", &both, arrival.clone()).await;
    assert_eq!(as_sign_in.code(), (409, "ceremony_over"));
    let prepared = house.world.call(Method::POST, "/v1/providers/link/prepare", &both, arrival).await;
    assert_eq!(prepared.status, StatusCode::OK, "{}", prepared.body);
    let unproven = json!({"payload": prepared.body["payload"], "proof": {"type": "platform-asserted"}});
    let answer = house.world.call(Method::POST, "/v1/providers/link", &lea.cookie, unproven).await;
    assert_eq!(answer.code(), (403, "passkey_required"));

    let begun = begin(lea.cookie.clone()).await;
    let url = begun.body["url"].as_str().unwrap().to_owned();
    let both = format!("{}; {}", lea.cookie, begun.cookie());
    let code = house.double.consent(&url, "lea");
    let arrival =
        json!({"provider": "id", "state": query(&url, "state").unwrap(), "code": code, "iss": ISSUER});
    let prepared = house.world.call(Method::POST, "/v1/providers/link/prepare", &both, arrival).await;
    let payload = Base64Url::decode(prepared.body["payload"].as_str().unwrap()).unwrap();
    let nonce = serde_json::from_value(prepared.body["nonce"].clone()).unwrap();
    let proof = lea.passkey.prove(Kind::Identity, &payload, nonce);
    let proven = json!({"payload": prepared.body["payload"], "proof": proof});
    let linked = house.world.call(Method::POST, "/v1/providers/link", &lea.cookie, proven).await;
    assert_eq!(linked.status, StatusCode::NO_CONTENT, "{}", linked.body);
    assert_eq!(house.world.me(&lea.cookie).await.body["account"]["providers"], json!(["id"]));
    let by_provider = house.sign_in().await;
    assert_eq!(by_provider.body["first"], false);
    assert_eq!(house.world.me(&session(&by_provider)).await.body["account"]["id"], id);

    // Who has no passkey cannot link: nothing would say that it is he.
    let other = house
        .world
        .post(
            "/v1/passwords/register",
            json!({"email": "noe@example.org", "name": "Noé",
        "password": "une phrase assez longue"}),
        )
        .await;
    assert_eq!(begin(other.cookie()).await.code(), (403, "passkey_required"));
}

#[tokio::test]
async fn staff_enter_by_a_provider_only_where_it_was_given_their_role() {
    let mut house =
        house_of(Preset::Keycloak, |settings| settings.roles = vec![Role::Citizen, Role::CaseOfficer]).await;
    let mut admin = house.world.first_administrator().await;
    let organisation = house.world.organisation(&mut admin, "Ville de Lyon").await;
    let mut boss =
        house.world.staff(&mut admin, "organisation_admin", Some(organisation), "boss@example.org").await;
    let mut officer = house.world.staff(&mut boss, "case_officer", None, "officer@example.org").await;
    link(&house, &mut officer, "officer").await;
    link(&house, &mut boss, "boss").await;
    let enter = |subject: &'static str| {
        let house = &house;
        async move {
            let away = house.leave().await;
            let code = house.double.consent(&away.url, subject);
            let body = json!({"provider": "id", "state": away.state, "code": code, "iss": ISSUER});
            house.world.call(Method::POST, "/v1/providers/finish", &away.cookie, body).await
        }
    };
    assert_eq!(
        enter("boss").await.code(),
        (403, "passkey_required"),
        "its role was not given to the provider"
    );
    let cookie = session(&enter("officer").await);
    assert_eq!(house.world.me(&cookie).await.status, StatusCode::OK);
    // The settings change: the session has ended with the right to it.
    let double = Arc::clone(&house.double);
    house.world.config.providers = Providers::new(vec![party(&double, Preset::Keycloak, "id", |_| {})]);
    house.world.restart().await;
    assert_eq!(house.world.me(&cookie).await.code(), (403, "passkey_required"));
}

async fn prepare_link(house: &House, person: &mut crate::support::Person, subject: &str) -> (String, Answer) {
    let begun =
        house.world.call(Method::POST, "/v1/providers/id/link/begin", &person.cookie, Value::Null).await;
    let url = begun.body["url"].as_str().unwrap().to_owned();
    let both = format!("{}; {}", person.cookie, begun.cookie());
    let code = house.double.consent(&url, subject);
    let arrival =
        json!({"provider": "id", "state": query(&url, "state").unwrap(), "code": code, "iss": ISSUER});
    let prepared = house.world.call(Method::POST, "/v1/providers/link/prepare", &both, arrival).await;
    (both, prepared)
}

async fn link(house: &House, person: &mut crate::support::Person, subject: &str) {
    let (_, prepared) = prepare_link(house, person, subject).await;
    let payload = Base64Url::decode(prepared.body["payload"].as_str().unwrap()).unwrap();
    let nonce = serde_json::from_value(prepared.body["nonce"].clone()).unwrap();
    let proof = person.passkey.prove(Kind::Identity, &payload, nonce);
    let proven = json!({"payload": prepared.body["payload"], "proof": proof});
    let linked = house.world.call(Method::POST, "/v1/providers/link", &person.cookie, proven).await;
    assert_eq!(linked.status, StatusCode::NO_CONTENT, "{}", linked.body);
}

#[tokio::test]
async fn a_link_is_ended_and_taken_up_again_by_a_passkey_of_the_account() {
    let house = house().await;
    let mut lea = house.world.register("lea@example.org", None).await;
    link(&house, &mut lea, "lea").await;
    let by_provider = session(&house.sign_in().await);
    let unlink = |cookie: String| {
        let world = &house.world;
        async move { world.call(Method::POST, "/v1/providers/id/unlink", &cookie, Value::Null).await }
    };
    let prepared = unlink(lea.cookie.clone()).await;
    let payload = Base64Url::decode(prepared.body["payload"].as_str().unwrap()).unwrap();
    let nonce = serde_json::from_value(prepared.body["nonce"].clone()).unwrap();
    let proof = lea.passkey.prove(Kind::Identity, &payload, nonce);
    let proven = json!({"payload": prepared.body["payload"], "proof": proof});
    let ended = house.world.call(Method::POST, "/v1/providers/link", &lea.cookie, proven).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.body);
    assert_eq!(house.sign_in().await.code(), (403, "identity_unknown"));
    assert_eq!(
        house.world.me(&by_provider).await.code(),
        (401, "not_signed_in"),
        "with the link ended its sessions"
    );
    assert_eq!(house.world.me(&lea.cookie).await.body["account"]["providers"], json!([]));
    assert_eq!(unlink(lea.cookie.clone()).await.code(), (404, "provider_unknown"));
    // Nobody else takes it.
    let mut noe = house.world.register("noe@example.org", None).await;
    assert_eq!(prepare_link(&house, &mut noe, "lea").await.1.code(), (409, "identity_taken"));
    link(&house, &mut lea, "lea").await;
    assert_eq!(house.sign_in().await.body["first"], false);
}

#[tokio::test]
async fn a_row_that_sends_an_identity_to_another_account_is_refused_and_recorded() {
    let house = house().await;
    let lea = house.sign_in().await;
    let victim = house.world.register("victim@example.org", None).await;
    let victim = house.world.me(&victim.cookie).await.body["account"]["id"].as_str().unwrap().to_owned();
    let edited = house.world.database.execute(tampering::MOVE_IDENTITY, params![&victim]).await.unwrap();
    assert_eq!(edited, 1);
    assert_eq!(house.sign_in().await.code(), (409, "tampered"));
    let id = house.world.me(&session(&lea)).await.body["account"]["id"].as_str().unwrap().to_owned();
    // Nor with the bytes made to fit.
    let row =
        house.world.database.fetch_optional(tampering::READ_IDENTITY, params![]).await.unwrap().unwrap();
    let payload = String::from_utf8(row.get::<Vec<u8>>("payload").unwrap()).unwrap().replace(&id, &victim);
    house.world.database.execute(tampering::EDIT_IDENTITY, params![payload.as_bytes()]).await.unwrap();
    assert_eq!(house.sign_in().await.code(), (409, "tampered"));
    assert!(house.world.element.last(2).contains(&"access refused tampered".to_owned()));
    // Nor by having none: the identity makes no second account.
    house.world.database.execute(tampering::DELETE_IDENTITY, params![]).await.unwrap();
    assert_eq!(house.sign_in().await.code(), (409, "tampered"));
    assert_eq!(house.world.element.last(1), ["login refused tampered"]);
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
    assert_eq!(query(url, "post_logout_redirect_uri").as_deref(), Some("http://sceau.localhost:8080/"));
    assert_eq!(house.world.me(&cookie).await.code(), (401, "not_signed_in"));
    let left = house.world.database.fetch_all(tampering::READ_TOKEN, params![]).await.unwrap();
    assert!(left.is_empty(), "with the session went what hung on it");
    // A provider that does not want the token does not get it, and one that is away keeps nobody.
    let plain = self::house().await;
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
