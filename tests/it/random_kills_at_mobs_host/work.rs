//! Who works while processes die: mobility services that do again what was not answered, and the company's own system.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use sceau_store::judge::HrJudge;
use sceau_tests::MobStage;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Mobility services that subscribe at once.
const SERVICES: usize = 2;
/// Subscriptions that were acknowledged and are not yet answered by the company's system.
const PLACES: usize = 8;
/// How long somebody tries again before the campaign has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long somebody waits before trying again.
const AGAIN: Duration = Duration::from_millis(25);

/// What everybody works with.
pub(super) struct Work {
    url: String,
    http: reqwest::Client,
    incentive: String,
    over: AtomicBool,
    /// Numbers what is made.
    made: AtomicU64,
    /// Subscriptions that were begun and not answered.
    unanswered: AtomicU64,
    /// Subscriptions that may wait for the company at once.
    places: Semaphore,
}

/// A subscription whose sending was acknowledged.
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) citizen: u64,
    pub(super) content: Vec<u8>,
}

/// What was acknowledged.
pub(super) struct Done {
    pub(super) subscriptions: Vec<Subscription>,
    /// The messages that the company's system took for each subscription, by their ids.
    pub(super) taken: BTreeMap<String, Vec<String>>,
    pub(super) unanswered: u64,
}

impl Done {
    pub(super) fn repeated(&self) -> usize {
        self.taken.values().map(|messages| messages.len() - 1).sum()
    }
}

/// A mobility service with its token.
struct Service {
    work: Arc<Work>,
    credentials: (String, String),
    token: String,
}

impl Work {
    pub(super) fn new(stage: &MobStage) -> Self {
        let pem = reqwest::Certificate::from_pem(stage.authority.as_bytes()).unwrap();
        Self {
            url: stage.url.clone(),
            http: reqwest::Client::builder().no_proxy().tls_certs_only([pem]).build().unwrap(),
            incentive: stage.incentive.id.to_string(),
            over: AtomicBool::new(false),
            made: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            places: Semaphore::new(PLACES),
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// The company's own system: takes each message, and answers each subscription once. Ends when it has every one in `awaited`.
    fn system(
        &self,
        hr: &HrJudge,
        queue: &str,
        headers: &Value,
        awaited: &tokio::sync::watch::Receiver<Option<Vec<String>>>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut ending: Option<Instant> = None;
        loop {
            while hr.order(&json!({"act": "count", "queue": queue}))["messages"].as_u64().unwrap() > 0 {
                let message = hr.take(queue);
                let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
                assert!(body["error"].is_null(), "no answer was refused: {body}");
                let id = body["subscriptionId"].as_str().unwrap().to_owned();
                let messages = taken.entry(id.clone()).or_default();
                messages.push(message["message_id"].as_str().unwrap().to_owned());
                if messages.len() == 1 {
                    let reply = json!({
                        "citizenId": body["citizenId"], "subscriptionId": id, "status": "VALIDEE", "mode": "unique",
                        "amount": 50, "comments": "ok",
                    });
                    assert_eq!(hr.send(headers, &reply.to_string())["sent"], true);
                    self.places.add_permits(1);
                }
            }
            if let Some(ids) = awaited.borrow().as_ref() {
                if ids.iter().all(|id| taken.contains_key(id)) {
                    return taken;
                }
                let since = *ending.get_or_insert_with(Instant::now);
                assert!(since.elapsed() < PATIENCE, "not on the bus: {ids:?} but {taken:?}");
            }
            tokio::runtime::Handle::current().block_on(tokio::time::sleep(AGAIN));
        }
    }
}

impl Service {
    /// Asks until it is answered: by one of `done`, with what it said. A token that ended is asked for anew.
    async fn ask(
        &mut self,
        what: &str,
        done: &[(StatusCode, &str)],
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Value {
        let began = Instant::now();
        loop {
            let answer = request(&self.work.http).bearer_auth(&self.token).send().await;
            let (status, said) = match answer {
                Ok(answer) => (Some(answer.status()), answer.json::<Value>().await.unwrap_or_default()),
                Err(_) => (None, Value::Null),
            };
            let code = said["error"]["code"].as_str().unwrap_or_default();
            if status.is_some_and(|status| done.contains(&(status, code))) {
                return said;
            }
            let passing = [None, Some(StatusCode::SERVICE_UNAVAILABLE), Some(StatusCode::UNAUTHORIZED)];
            // A success whose body was cut is no answer.
            let cut = status.is_some_and(|status| status.is_success()) && said.is_null();
            assert!(
                (passing.contains(&status) || cut) && began.elapsed() < PATIENCE,
                "{what}: {status:?} {said}"
            );
            if status == Some(StatusCode::UNAUTHORIZED) {
                self.enter().await;
            }
            self.work.unanswered.fetch_add(u64::from(what == "begin"), Ordering::SeqCst);
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Asks for a token where MOB's scripts do.
    async fn enter(&mut self) {
        let began = Instant::now();
        let (id, secret) = &self.credentials;
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let path = format!("{}/auth/realms/mcm/protocol/openid-connect/token", self.work.url);
        loop {
            if let Ok(answer) = self.work.http.post(&path).form(&form).send().await
                && let Ok(said) = answer.json::<Value>().await
                && let Some(token) = said["access_token"].as_str()
            {
                self.token = token.to_owned();
                return;
            }
            assert!(began.elapsed() < PATIENCE, "no token");
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// One subscription with a file, from beginning to sending.
    async fn subscribe(&mut self) -> Subscription {
        let citizen = self.work.made.fetch_add(1, Ordering::SeqCst);
        let length = if citizen.is_multiple_of(4) { 1_200_000 } else { 2_000 + citizen };
        let pattern = (0..length).map(|i| ((i * 7 + citizen) % 251) as u8);
        let content: Vec<u8> = b"%PDF-1.7\n".iter().copied().chain(pattern).collect();
        let url = self.work.url.clone();
        let body = json!({
            "incentiveId": self.work.incentive, "consent": true, "km": 60,
            "citizen": {"id": format!("citizen-{citizen}"), "lastName": "Durand", "firstName": "Léa",
                "birthdate": "1990-12-12", "email": format!("lea-{citizen}@example.org")},
        });
        let path = format!("{url}/v1/subscriptions");
        let begun =
            self.ask("begin", &[(StatusCode::CREATED, "")], |http| http.post(&path).json(&body)).await;
        let id = begun["id"].as_str().unwrap().to_owned();
        let path = format!("{url}/v1/subscriptions/{id}/attachments");
        let form = || {
            let part = Part::bytes(content.clone()).file_name("rib.pdf").mime_str("application/pdf").unwrap();
            Form::new().part("justificatif", part)
        };
        // Whoever was not answered and asks again may hear that it was done.
        let kept = [(StatusCode::CREATED, ""), (StatusCode::UNPROCESSABLE_ENTITY, "mob_files_provided")];
        self.ask("attach", &kept, |http| http.post(&path).multipart(form())).await;
        let path = format!("{url}/v1/subscriptions/{id}/verify");
        let sent = [(StatusCode::OK, ""), (StatusCode::CONFLICT, "mob_bad_status")];
        self.ask("send", &sent, |http| http.request(Method::POST, &path)).await;
        Subscription { id, citizen, content }
    }

    async fn serve(mut self) -> Vec<Subscription> {
        self.enter().await;
        let mut subscriptions = Vec::new();
        while !self.work.is_over() {
            // Given back when the company's system has answered.
            self.work.places.acquire().await.unwrap().forget();
            subscriptions.push(self.subscribe().await);
        }
        subscriptions
    }
}

/// Everybody at work.
pub(super) struct Busy {
    work: Arc<Work>,
    services: Vec<JoinHandle<Vec<Subscription>>>,
    system: JoinHandle<BTreeMap<String, Vec<String>>>,
    awaited: tokio::sync::watch::Sender<Option<Vec<String>>>,
}

impl Busy {
    pub(super) fn start(work: &Arc<Work>, stage: &MobStage) -> Self {
        let (awaited, awaits) = tokio::sync::watch::channel(None);
        let services = (0..SERVICES).map(|_| {
            let credentials = stage.mobility_service();
            tokio::spawn(Service { work: Arc::clone(work), credentials, token: String::new() }.serve())
        });
        let services = services.collect();
        let (hr, queue, headers, company) =
            (stage.hr(), stage.queue(), stage.answer_headers(), Arc::clone(work));
        let system = tokio::task::spawn_blocking(move || company.system(&hr, &queue, &headers, &awaits));
        Self { work: Arc::clone(work), services, system, awaited }
    }

    /// Nobody has given up.
    pub(super) fn is_well(&self) {
        let ended = self.services.iter().any(JoinHandle::is_finished) || self.system.is_finished();
        assert!(!ended, "somebody gave up");
    }

    /// Begins nothing new, and has everything that was begun done to its end.
    pub(super) async fn finish(self) -> Done {
        self.work.over.store(true, Ordering::SeqCst);
        let mut subscriptions = Vec::new();
        for service in self.services {
            subscriptions.extend(service.await.unwrap());
        }
        let ids = subscriptions.iter().map(|subscription| subscription.id.clone()).collect();
        self.awaited.send(Some(ids)).unwrap();
        let taken = self.system.await.unwrap();
        Done { subscriptions, taken, unanswered: self.work.unanswered.load(Ordering::SeqCst) }
    }
}
