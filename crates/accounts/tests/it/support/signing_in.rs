//! Somebody who signs in by a provider of identities.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use sceau_accounts::AccountsConfig;
use sceau_accounts::oidc::{Http, IssuerUrl, Preset, Provider, ProviderSettings, Providers, RelyingParty};
use sceau_element_api::{Base64Url, Kind};
use sceau_store::{Clock as _, ManualClock};
use serde_json::{Value, json};

use super::{Answer, Double, ISSUER, Person, World};

/// A platform whose people may sign in at the double of a provider, named `id`.
pub struct House {
    pub world: World,
    pub double: Arc<Double>,
}

/// The world's own clock starts where its tests do; the provider has the same time.
pub const START: u64 = 1_795_176_000_000;

/// The platform's side of the provider.
pub fn party(
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

/// A house at a provider of this kind.
pub async fn house_of(preset: Preset, change: impl FnOnce(&mut ProviderSettings)) -> House {
    let double = Double::new(&["first"]);
    *double.now_s.lock().unwrap() = START / 1000;
    let party = party(&double, preset, "id", change);
    let world =
        World::with(|config: &mut AccountsConfig| config.providers = Providers::new(vec![party])).await;
    assert_eq!(world.clock.now_ms(), START);
    House { world, double }
}

/// A house at a Keycloak.
pub async fn house() -> House {
    house_of(Preset::Keycloak, |_| {}).await
}

/// A browser that is at the provider.
pub struct Away {
    pub url: String,
    pub state: String,
    pub cookie: String,
}

/// A parameter of an address.
pub fn query(url: &str, name: &str) -> Option<String> {
    let url: url::Url = url.parse().unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl House {
    pub async fn leave(&self) -> Away {
        let begun = self.world.post("/v1/providers/id/begin", Value::Null).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.body);
        let url = begun.body["url"].as_str().unwrap().to_owned();
        Away { state: query(&url, "state").unwrap(), cookie: begun.cookie(), url }
    }

    pub async fn arrive(&self, away: &Away, change: impl FnOnce(&mut Value)) -> Answer {
        let code = self.double.consent(&away.url, "lea");
        let mut body = json!({"provider": "id", "state": away.state, "code": code, "iss": ISSUER});
        change(&mut body);
        self.world.call(Method::POST, "/v1/providers/finish", &away.cookie, body).await
    }

    pub async fn sign_in(&self) -> Answer {
        let away = self.leave().await;
        self.arrive(&away, |_| {}).await
    }

    /// A sign-in at a provider that does this to its ID tokens.
    pub async fn altered(&self, change: fn(&mut Value)) -> Answer {
        *self.double.alter.lock().unwrap() = Box::new(change);
        self.sign_in().await
    }
}

/// The session among the cookies that were set.
pub fn session(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let mut set = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let session = set.rfind(|cookie| cookie.starts_with("sceau_session=")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Strict"), "{session}");
    session.split(';').next().unwrap().to_owned()
}

/// The first half of a link: the person comes back from the provider as `subject`. With the cookies of both.
pub async fn prepare_link(house: &House, person: &mut Person, subject: &str) -> (String, Answer) {
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

/// Links an identity, on the person's passkey.
pub async fn link(house: &House, person: &mut Person, subject: &str) {
    let (_, prepared) = prepare_link(house, person, subject).await;
    let payload = Base64Url::decode(prepared.body["payload"].as_str().unwrap()).unwrap();
    let nonce = serde_json::from_value(prepared.body["nonce"].clone()).unwrap();
    let proof = person.passkey.prove(Kind::Identity, &payload, nonce);
    let proven = json!({"payload": prepared.body["payload"], "proof": proof});
    let linked = house.world.call(Method::POST, "/v1/providers/link", &person.cookie, proven).await;
    assert_eq!(linked.status, StatusCode::NO_CONTENT, "{}", linked.body);
}
