//! MOB's HTTP interface with everything real but the clock: element, antivirus, listener, and Node as the client that we did not write.

mod a_companys_decision_shows;
mod a_subscription_goes_its_way;
mod codes_are_as_documented;
mod faults;
mod forms_are_judged;
mod lists_are_whole;
mod machines_show_certificates;
mod nobody_holds_the_host;
mod opening;
mod rows_are_not_believed;
mod tokens_of_a_provider;
mod what_a_kill_left_is_said;

use std::net::SocketAddr;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use sceau_accounts::callers::Edge;
use sceau_crypto::mob::MobPrivateKey;
use sceau_crypto::{SigningKey, VerifyingKey};
use sceau_dossiers::intake::Slowest;
use sceau_dossiers::mob::http::{MobFunder, MobHost, MobSettings, serve};
use sceau_dossiers::{IntakeDesk, SchemeForm};
use sceau_element_api::{Base64Url, Kind, SchemeId};
use sceau_store::judge::ClamavJudge;
use sceau_store::{Antivirus, Patience};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Office, World};

/// The company of the first funder on the bus.
pub const COMPANY: &str = "simulation-sirh";

/// The host with two funders, of which the first decides over the bus.
pub struct Mob {
    pub world: World,
    pub clamd: ClamavJudge,
    pub offices: [Office; 2],
    pub incentives: [SchemeId; 2],
    /// What manifests are signed with.
    pub signer: VerifyingKey,
    pub address: SocketAddr,
}

/// A caller with its token.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    origin: String,
    token: String,
}

impl Mob {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With other settings.
    pub async fn start_with(change: impl FnOnce(&mut MobSettings)) -> Self {
        let clamd = ClamavJudge::start("").unwrap();
        let world = World::new().await;
        let administrator = world.administrator().await;
        let offices =
            [world.office(&administrator, "alpha").await, world.office(&administrator, "beta").await];
        let key = SigningKey::generate();
        let signer = key.verifying_key();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://127.0.0.1:{}", address.port());
        let desk = IntakeDesk { url: url.clone(), key: signer };
        let dossiers = world.dossiers.clone().with_mob(Some(desk.clone()));
        let mut incentives = Vec::new();
        for office in &offices {
            incentives.push(publish(&dossiers, &desk, office).await);
        }
        let company = Some(COMPANY.parse().unwrap());
        let mut settings = MobSettings {
            funders: vec![
                MobFunder { organisation: offices[0].id, company, group: Some("/entreprises/alpha".into()) },
                MobFunder {
                    organisation: offices[1].id,
                    company: None,
                    group: Some("/collectivités/beta".into()),
                },
            ],
            url,
            key,
            antivirus: Antivirus::new(vec![clamd.address()], Patience::default()).unwrap(),
            at_once: 8,
            slowest: Slowest::default(),
            tokens: None,
            page: None,
        };
        change(&mut settings);
        let host = MobHost::new(dossiers, world.accounts.clone(), settings);
        tokio::spawn(serve(host, listener, Edge::Clear, std::future::pending()));
        let incentives = incentives.try_into().unwrap();
        Self { world, clamd, offices, incentives, signer, address }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.address.port())
    }

    /// Another process of the host, on the same records.
    pub async fn another(&self) -> tokio::task::JoinHandle<()> {
        self.listen(Edge::Clear).await.1
    }

    /// The same, which shows and asks for this; where it listens.
    pub async fn another_behind(&self, edge: Edge) -> SocketAddr {
        self.listen(edge).await.0
    }

    async fn listen(&self, edge: Edge) -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let settings = MobSettings {
            funders: Vec::new(),
            url: self.url(),
            key: SigningKey::generate(),
            antivirus: Antivirus::new(vec![self.clamd.address()], Patience::default()).unwrap(),
            at_once: 1,
            slowest: Slowest::default(),
            tokens: None,
            page: None,
        };
        let host = MobHost::new(self.world.dossiers.clone(), self.world.accounts.clone(), settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (address, tokio::spawn(serve(host, listener, edge, std::future::pending())))
    }

    /// Whoever has this token.
    pub fn caller(&self, token: &str) -> Caller {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Caller { http, origin: self.url(), token: token.to_owned() }
    }

    /// The key manager of a funder.
    pub async fn key_manager(&self, office: usize) -> Caller {
        let credentials = &self.offices[office].credentials;
        self.machine(&credentials.client_id, &credentials.client_secret).await
    }

    /// A funder's own system.
    pub async fn hr(&self, office: usize) -> Caller {
        let chief = &self.offices[office].chief;
        let made: Value =
            chief.server().post("/v1/organisation/connectors", &json!({"name": "SIRH"})).await.unwrap();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        self.machine(&text("client_id"), &text("client_secret")).await
    }

    /// A mobility service, for which the second organisation answers.
    pub async fn maas(&self) -> Caller {
        let world = &self.world;
        let made = world.dossiers.make_maas_client(&world.accounts, self.offices[1].id).await.unwrap();
        self.machine(&made.client_id.to_string(), &made.client_secret).await
    }

    async fn machine(&self, id: &str, secret: &str) -> Caller {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let address = format!("http://{}/v1/oauth/token", self.world.address());
        let answer: Value = http.post(address).form(&form).send().await.unwrap().json().await.unwrap();
        self.caller(answer["access_token"].as_str().unwrap())
    }

    /// Publishes a new key of a funder, with where people fetch its private half.
    pub async fn publish_key(&self, office: usize, version: u32) -> MobPrivateKey {
        let private = MobPrivateKey::generate().unwrap();
        let path = format!("/v1/funders/{}/encryption_key", self.offices[office].id);
        let answer =
            self.key_manager(office).await.send(Method::PUT, &path, &key_form(&private, version)).await;
        assert_eq!(answer.0, 204, "{}", answer.1);
        private
    }
}

/// A key as its funder publishes it.
pub fn key_form(private: &MobPrivateKey, version: u32) -> Value {
    json!({
        "id": "6d0efef1-4dc9-422e-a17d-40c1bf1c37c4", "version": version, "publicKey": private.public().to_pem(),
        "expirationDate": "2099-12-17T14:22:01Z", "lastUpdateDate": "2026-06-17T14:22:01Z",
        "privateKeyAccess": {
            "loginURL": "https://kv:8200/v1/auth/cert/login",
            "getKeyURL": format!("https://kv:8200/v1/transit/export/encryption-key/CLIENT/{version}"),
        },
    })
}

/// Léa, who asks.
pub fn lea() -> Value {
    json!({
        "id": "c0ffee00-4dc9-422e-a17d-40c1bf1c37c4", "lastName": "Durand", "firstName": "Léa",
        "birthdate": "1990-12-12", "email": "lea@example.org", "enterpriseEmail": "lea@entreprise.example.org",
    })
}

/// A PDF of some size, which ends as one.
pub fn pdf(size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.extend((bytes.len()..size).map(|i| (i * 7 % 251) as u8));
    bytes
}

/// A form of one file.
pub fn one_file(name: &str, bytes: Vec<u8>) -> Form {
    Form::new().part("justificatif", part(name, bytes, "application/pdf"))
}

pub fn part(name: &str, bytes: Vec<u8>, media_type: &str) -> Part {
    Part::bytes(bytes).file_name(name.to_owned()).mime_str(media_type).unwrap()
}

impl Caller {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token)
    }

    /// Status and JSON; null where there is none.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        answered(self.request(method, path).json(body)).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answered(self.request(Method::GET, path)).await
    }

    /// Begins a subscription of Léa for an incentive.
    pub async fn subscribe(&self, incentive: SchemeId) -> String {
        let body = json!({"incentiveId": incentive, "consent": true, "citizen": lea(), "km": 60});
        let (status, answer) = self.send(Method::POST, "/v1/subscriptions", &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub async fn attach(&self, id: &str, form: Form) -> (u16, Value) {
        answered(self.request(Method::POST, &format!("/v1/subscriptions/{id}/attachments")).multipart(form))
            .await
    }

    pub async fn verify(&self, id: &str) -> (u16, Value) {
        self.send(Method::POST, &format!("/v1/subscriptions/{id}/verify"), &json!({})).await
    }
}

pub async fn answered(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// An incentive with one question, whose documents come in through this host.
async fn publish(dossiers: &sceau_dossiers::Dossiers, desk: &IntakeDesk, office: &Office) -> SchemeId {
    let text = |text: &str| json!({"fr": text, "en": text});
    let form = json!({
        "title": text("Le vélo au travail"), "description": text("Une aide."), "intake": "scanned",
        "intake_host": {"url": desk.url, "key": Base64Url(desk.key.as_bytes().to_vec())},
        "form": [{"name": "km", "label": text("Kilomètres"), "kind": "number", "required": true, "sensitive": false}],
        "documents": [],
    });
    let form: SchemeForm = serde_json::from_value(form).unwrap();
    let prepared = serde_json::to_value(dossiers.prepare_scheme(office.id, form).await.unwrap()).unwrap();
    let payload: Base64Url = serde_json::from_value(prepared["payload"].clone()).unwrap();
    let nonce = serde_json::from_value(prepared["nonce"].clone()).unwrap();
    let proof = office.chief.prove(Kind::Scheme, &payload, nonce).unwrap();
    dossiers.publish_scheme(office.id, &payload, proof).await.unwrap().id
}
