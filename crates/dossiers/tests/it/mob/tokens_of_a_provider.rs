//! Tokens of a provider of identities, in MOB's roles and groups: a citizen subscribes, a funder's machines and case officers act for it alone.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use futures::future::BoxFuture;
use reqwest::Method;
use sceau_accounts::oidc::{AccessTokens, Ask, Http, HttpAnswer, HttpFailure, IssuerUrl, Provider};
use sceau_crypto::SigningKey;
use sceau_store::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{Caller, Mob, lea, one_file, pdf};

const ISSUER: &str = "https://id.example.org/realms/mcm";

/// A provider without a network.
struct Realm(SigningKey);

impl Http for Realm {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<HttpAnswer, HttpFailure>> {
        let body = if ask.url.path().ends_with("/.well-known/openid-configuration") {
            json!({"issuer": ISSUER, "jwks_uri": "https://id.example.org/keys",
                "authorization_endpoint": "https://id.example.org/auth", "token_endpoint": "https://id.example.org/token"})
        } else {
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "k", "x": BASE64.encode(self.0.verifying_key().as_bytes())}]})
        };
        let body = body.to_string().into_bytes();
        Box::pin(async move {
            Ok(HttpAnswer { status: 200, media_type: "application/json".into(), date_ms: None, body })
        })
    }
}

impl Realm {
    fn token(&self, audience: &str, claims: Value) -> String {
        let now = SystemClock.now_ms() / 1000;
        let mut all = json!({"iss": ISSUER, "aud": audience, "iat": now, "exp": now + 300, "typ": "Bearer"});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let header = json!({"alg": "EdDSA", "kid": "k", "typ": "JWT"});
        let input = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(all.to_string()));
        format!("{input}.{}", BASE64.encode(self.0.sign(input.as_bytes())))
    }
}

struct Scene {
    mob: Mob,
    realm: Arc<Realm>,
}

impl Scene {
    async fn start() -> Self {
        let realm = Arc::new(Realm(SigningKey::generate()));
        let http: Arc<dyn Http> = realm.clone();
        let issuer = IssuerUrl::try_from(ISSUER.to_owned()).unwrap();
        let provider = Provider::new(issuer, http, Arc::new(SystemClock));
        let tokens = AccessTokens::new(provider, vec!["api".into()], vec!["/realm_access/roles".into()]);
        let mob = Mob::start_with(|settings| settings.tokens = Some(tokens)).await;
        Self { mob, realm }
    }

    fn bearer(&self, claims: Value) -> Caller {
        self.mob.caller(&self.realm.token("api", claims))
    }

    fn citizen(&self, subject: &str) -> Caller {
        self.bearer(json!({
            "sub": subject, "realm_access": {"roles": ["citoyens"]}, "family_name": "Durand", "given_name": "Léa",
            "birthdate": "1990-12-12", "email": "lea@example.org",
        }))
    }

    fn machine(&self, role: &str, group: &str) -> Caller {
        self.bearer(json!({
            "sub": "s", "azp": "simulation-backend", "preferred_username": "service-account-simulation-backend",
            "realm_access": {"roles": [role]}, "membership": [group],
        }))
    }

    fn manager(&self, group: &str) -> Caller {
        self.bearer(json!({"sub": "m", "realm_access": {"roles": ["gestionnaires"]}, "membership": [group]}))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_groups_say_who_may_do_what() {
    let scene = Scene::start().await;
    let mob = &scene.mob;
    let alpha = "/entreprises/alpha";
    // The key manager publishes for its own group's funder.
    let path = |office: usize| format!("/v1/funders/{}/encryption_key", mob.offices[office].id);
    let key = super::key_form(&sceau_crypto::mob::MobPrivateKey::generate().unwrap(), 1);
    let vault = scene.machine("service_vault", alpha);
    assert_eq!(vault.send(Method::PUT, &path(0), &key).await.0, 204);
    assert_eq!(vault.send(Method::PUT, &path(1), &key).await.0, 403);
    // A citizen subscribes for themselves, and names nobody else.
    let lea_herself = scene.citizen("c0ffee00-4dc9-422e-a17d-40c1bf1c37c4");
    let asked = json!({"incentiveId": mob.incentives[0], "consent": true, "km": 60});
    let mut for_another = asked.clone();
    for_another["citizen"] = lea();
    assert_eq!(lea_herself.send(Method::POST, "/v1/subscriptions", &for_another).await.0, 422);
    let (status, answer) = lea_herself.send(Method::POST, "/v1/subscriptions", &asked).await;
    assert_eq!(status, 201, "{answer}");
    let id = answer["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.citizen("another").attach(&id, one_file("a.pdf", pdf(10))).await.0, 403);
    assert_eq!(lea_herself.attach(&id, one_file("a.pdf", pdf(10))).await.0, 201);
    assert_eq!(lea_herself.verify(&id).await.0, 200);
    let own = lea_herself.get("/v1/subscriptions").await.1;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["firstName"]), (1, &json!("Léa")));
    // A case officer of the funder reads and decides; one of another, and one of no group, do not.
    let one = format!("/v1/subscriptions/{id}");
    assert_eq!(scene.manager("/collectivités/beta").get(&one).await.0, 403);
    assert_eq!(scene.manager("/entreprises/alpha/more").get(&one).await.0, 403);
    assert_eq!(scene.manager(alpha).get(&one).await.1["lastName"], "Durand");
    assert_eq!(scene.machine("service_sirh", alpha).get(&format!("{one}/attachments/b.pdf")).await.0, 404);
    let rejection = json!({"type": "Autre", "other": "Illisible"});
    let reject = format!("{one}/reject");
    assert_eq!(scene.manager("/collectivités/beta").send(Method::POST, &reject, &rejection).await.0, 403);
    assert_eq!(scene.manager(alpha).send(Method::POST, &reject, &json!({"type": "Autre"})).await.0, 422);
    assert_eq!(scene.manager(alpha).send(Method::POST, &reject, &rejection).await.0, 204);
    let view = scene.manager(alpha).get(&one).await.1;
    assert_eq!((&view["status"], &view["subscriptionRejection"]), (&json!("REJETEE"), &rejection));
    assert_eq!(scene.machine("service_sirh", alpha).get(&format!("{one}/attachments/a.pdf")).await.0, 403);
    // For somebody else, of another key, without a role: nobody.
    let claims = json!({"sub": "m", "realm_access": {"roles": ["gestionnaires"]}, "membership": [alpha]});
    assert_eq!(mob.caller(&scene.realm.token("account", claims.clone())).get(&one).await.0, 401);
    let forged = Realm(SigningKey::generate()).token("api", claims);
    assert_eq!(mob.caller(&forged).get(&one).await.0, 401);
    assert_eq!(
        scene.bearer(json!({"sub": "m", "realm_access": {"roles": ["offline_access"]}})).get(&one).await.0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_that_asks_on_and_on_fills_no_log() {
    let scene = Scene::start().await;
    let greedy = scene.citizen("greedy");
    for _ in 0..60 {
        assert_eq!(greedy.get("/v1/subscriptions").await.0, 200);
    }
    let (status, answer) = greedy.get("/v1/subscriptions").await;
    assert_eq!((status, answer["error"]["code"].as_str()), (429, Some("mob_too_many_requests")));
    assert_eq!(scene.citizen("another").get("/v1/subscriptions").await.0, 200);
    scene.mob.world.clock.advance(500);
    assert_eq!(greedy.get("/v1/subscriptions").await.0, 200);
}
