use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use futures::future::{BoxFuture, FutureExt as _};
use http_body_util::BodyExt as _;
use sceau_accounts::{Accounts, AccountsConfig, Attestations, Directory, Element, MIGRATIONS, Parts, routes};
use sceau_element_api::documents::{Document, OrganisationDocument};
use sceau_element_api::{Base64Url, Kind, OrganisationId};
use sceau_store::{Clock, Database, ManualClock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{InProcessElement, SoftPasskey};

pub const ORIGIN: &str = "http://sceau.localhost:8080";
const START: u64 = 1_795_176_000_000; // 2026-11-20T12:00:00Z

#[derive(Default)]
pub struct Names(Mutex<HashMap<OrganisationId, String>>);

impl Directory for Names {
    fn organisation_name(&self, id: OrganisationId) -> BoxFuture<'_, Option<String>> {
        let name = self.0.lock().unwrap().get(&id).cloned();
        async move { name }.boxed()
    }
}

pub struct World {
    folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub element: Arc<InProcessElement>,
    pub names: Arc<Names>,
    pub config: AccountsConfig,
    pub database: Database,
    pub accounts: Accounts,
    router: Router,
}

/// Somebody with a passkey and a session.
pub struct Person {
    pub passkey: SoftPasskey,
    pub cookie: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or(""))
    }

    /// What the browser would send back.
    pub fn cookie(&self) -> String {
        let set = self.headers["set-cookie"].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }
}

async fn open(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    element: &Arc<InProcessElement>,
    names: &Arc<Names>,
    config: &AccountsConfig,
) -> (Database, Accounts, Router) {
    let database = Database::open(&folder.path().join("db"), MIGRATIONS).await.unwrap();
    let parts = Parts {
        database: database.clone(),
        element: Arc::<InProcessElement>::clone(element),
        clock: Arc::<ManualClock>::clone(clock),
        directory: Arc::<Names>::clone(names),
        config: config.clone(),
    };
    let accounts = Accounts::open(parts).await.unwrap();
    let (router, _) = routes(accounts.clone()).split_for_parts();
    (database, accounts, router)
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut AccountsConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let element = InProcessElement::new(Arc::clone(&clock));
        let names = Arc::new(Names::default());
        let mut config = AccountsConfig::at(ORIGIN);
        change(&mut config);
        let (database, accounts, router) = open(&folder, &clock, &element, &names, &config).await;
        Self { folder, clock, element, names, config, database, accounts, router }
    }

    /// As after a crash: the same files, the same element, nothing in memory.
    pub async fn restart(&mut self) {
        self.database.close().await;
        let opened = open(&self.folder, &self.clock, &self.element, &self.names, &self.config).await;
        (self.database, self.accounts, self.router) = opened;
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>("192.0.2.1:1000".parse().unwrap()));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// As one of our own pages would.
    pub async fn call(&self, method: Method, path: &str, cookie: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("origin", ORIGIN);
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, "", body).await
    }

    pub async fn me(&self, cookie: &str) -> Answer {
        self.call(Method::GET, "/v1/me", cookie, Value::Null).await
    }

    /// Both steps of a registration.
    pub async fn register_with(
        &self,
        passkey: &mut SoftPasskey,
        email: &str,
        invitation: Option<&str>,
    ) -> Answer {
        let who = json!({"email": email, "name": "Someone", "invitation": invitation});
        let begun = self.post("/v1/passkeys/register/begin", who).await;
        if begun.status != StatusCode::OK {
            return begun;
        }
        let credential = passkey.create(&begun.body["public_key"]);
        let finish = json!({"registration_id": begun.body["registration_id"], "credential": credential});
        self.post("/v1/passkeys/register/finish", finish).await
    }

    pub async fn register(&self, email: &str, invitation: Option<&str>) -> Person {
        let mut passkey = SoftPasskey::new(ORIGIN);
        let answer = self.register_with(&mut passkey, email, invitation).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        Person { passkey, cookie: answer.cookie() }
    }

    /// Both steps of a sign-in.
    pub async fn login(&self, passkey: &mut SoftPasskey) -> Answer {
        let begun = self.post("/v1/passkeys/login/begin", Value::Null).await;
        assert_eq!(begun.status, StatusCode::OK);
        let credential = passkey.get(&begun.body["public_key"]);
        self.post(
            "/v1/passkeys/login/finish",
            json!({"login_id": begun.body["login_id"], "credential": credential}),
        )
        .await
    }

    pub async fn first_administrator(&self) -> Person {
        let link = self.accounts.first_administrator_link().await.unwrap().unwrap();
        self.register("root@example.org", Some(token_of(&link))).await
    }

    /// Both steps of an invitation; the link.
    pub async fn invite(
        &self,
        inviter: &mut Person,
        role: &str,
        organisation: Option<OrganisationId>,
        email: &str,
    ) -> Answer {
        let whom = json!({"role": role, "organisation": organisation, "email": email});
        let prepared = self.call(Method::POST, "/v1/invitations/prepare", &inviter.cookie, whom).await;
        if prepared.status != StatusCode::OK {
            return prepared;
        }
        let payload = Base64Url::decode(prepared.body["payload"].as_str().unwrap()).unwrap();
        let nonce = serde_json::from_value(prepared.body["nonce"].clone()).unwrap();
        let proof = inviter.passkey.prove(Kind::Account, &payload, nonce);
        let proven = json!({"payload": prepared.body["payload"], "proof": proof});
        self.call(Method::POST, "/v1/invitations", &inviter.cookie, proven).await
    }

    pub async fn staff(
        &self,
        inviter: &mut Person,
        role: &str,
        organisation: Option<OrganisationId>,
        email: &str,
    ) -> Person {
        let answer = self.invite(inviter, role, organisation, email).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        self.register(email, Some(token_of(answer.body["link"].as_str().unwrap()))).await
    }

    /// Enrols an organisation in the element by the administrator's passkey, and in the directory.
    pub async fn organisation(&self, administrator: &mut Person, name: &str) -> OrganisationId {
        let id = OrganisationId::random();
        let root_fingerprint = sceau_crypto::SigningKey::generate().verifying_key().fingerprint();
        let document = OrganisationDocument { v: 1, organisation: id, name: name.into(), root_fingerprint };
        let payload = document.to_bytes().unwrap();
        let element = Attestations::of(Arc::<InProcessElement>::clone(&self.element) as Arc<dyn Element>);
        let nonce = element.nonce().await.unwrap();
        let proof = administrator.passkey.prove(Kind::Organisation, &payload, nonce);
        element.attest_first(&document, &payload, serde_json::from_value(proof).unwrap()).await.unwrap();
        self.names.0.lock().unwrap().insert(id, name.to_owned());
        id
    }

    pub fn now(&self) -> u64 {
        self.clock.now_ms()
    }
}

pub fn token_of(link: &str) -> &str {
    link.split_once('#').unwrap().1
}
