//! Between a citizen's program and the platform sits what a hostile platform is: it answers with other keys, or another's dossier. The
//! program refuses before it seals, and nothing leaves it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use sceau_client::{ClientError, Document};
use sceau_crypto::{RecipientPrivateKey, SigningKey, Typ, XWingPrivateKey, jws};
use sceau_element_api::documents::{Document as _, KeyStatement};
use sceau_tests::{House, Organisation, Stage, now_ms};
use serde_json::{Value, json};

/// What the platform says instead of the dossier that it should begin.
type Lie = Box<dyn Fn(&mut Value) + Send>;

/// A platform that forwards everything to the real one, remembers what was asked, and lies about what was begun.
#[derive(Clone)]
struct Hostile {
    real: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
    lie: Arc<Mutex<Option<Lie>>>,
    http: reqwest::Client,
}

impl Hostile {
    /// The stage, with the hostile platform in front of it.
    async fn stage(name: &str) -> (Stage, Self) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let hostile = Self { real: Arc::default(), asked: Arc::default(), lie: Arc::default(), http };
        let router = Router::new().fallback(forward).with_state(hostile.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let house = House::start_behind(name, port);
        *hostile.real.lock().unwrap() = house.address();
        (Stage::in_house(house).await, hostile)
    }

    /// The same, with a lie about the recipient.
    async fn deposit(&self, stage: &Stage, now: u64, lie: impl Fn(&mut Value) + Send + 'static) -> String {
        self.deposit_begun(stage, now, move |begun| lie(&mut begun["recipient"])).await
    }

    /// Lets the citizen deposit, with `lie` told; says why the program refused, and that it sent nothing.
    async fn deposit_begun(
        &self,
        stage: &Stage,
        now: u64,
        lie: impl Fn(&mut Value) + Send + 'static,
    ) -> String {
        *self.lie.lock().unwrap() = Some(Box::new(lie));
        self.asked.lock().unwrap().clear();
        let document = Document {
            name: "secret.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: b"for the organisation only".to_vec(),
        };
        let mut steps = 0;
        let answer = stage
            .citizen
            .deposit(&stage.scheme, &Stage::answers(), &[document], now, &mut |_| steps += 1)
            .await;
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let harmless = |asked: &String| asked.starts_with("GET ") || asked == "POST /v1/dossiers";
        assert!(asked.iter().all(harmless) && steps == 0, "something was sent: {asked:?}");
        assert!(asked.iter().any(|asked| asked == "POST /v1/dossiers"), "nobody lied yet: {asked:?}");
        match answer {
            Err(ClientError::Unproven(why)) => why,
            other => panic!("{other:?}"),
        }
    }
}

async fn forward(State(hostile): State<Hostile>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 4 << 20).await.unwrap();
    hostile.asked.lock().unwrap().push(format!("{} {}", parts.method, parts.uri.path()));
    let (status, mut headers, mut body) = hostile.ask(&parts.method, &parts.uri, parts.headers, body).await;
    let begun = parts.method == Method::POST && parts.uri.path() == "/v1/dossiers" && status.is_success();
    if let (true, Some(lie)) = (begun, hostile.lie.lock().unwrap().as_ref()) {
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        lie(&mut answer);
        body = answer.to_string().into();
    }
    for hop in ["content-length", "transfer-encoding", "connection"] {
        headers.remove(hop);
    }
    (status, headers, body).into_response()
}

impl Hostile {
    async fn ask(
        &self,
        method: &Method,
        uri: &Uri,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> (reqwest::StatusCode, HeaderMap, Bytes) {
        for hop in ["host", "content-length", "connection"] {
            headers.remove(hop);
        }
        let url = format!("{}{uri}", self.real.lock().unwrap());
        let answer = self.http.request(method.clone(), url).headers(headers).body(body).send().await.unwrap();
        (answer.status(), answer.headers().clone(), answer.bytes().await.unwrap())
    }
}

/// A statement of an attacker's key for the organisation, signed by `root`.
fn forged(organisation: &Organisation, root: &SigningKey) -> String {
    let honest = jws::unverified_payload(&organisation.encrypt_statement()).unwrap();
    let honest = KeyStatement::parse(&honest).unwrap().document;
    let key = RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap());
    let statement = KeyStatement {
        key_id: key.recipient_key().key_id(),
        public_key: key.recipient_key().public().to_vec().into(),
        root_key: root.verifying_key().as_bytes().to_vec().into(),
        withdraws_predecessor: false,
        ..honest
    };
    jws::sign(root, Typ::KeyStatement, &statement.to_bytes().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_root_is_refused() {
    let (stage, hostile) = Hostile::stage("other-root").await;
    let root = SigningKey::generate();
    let statement = forged(&stage.organisation, &root);
    // The root that was enrolled is still named: the signature does not verify.
    let swapped = statement.clone();
    let why = hostile.deposit(&stage, now_ms(), move |offer| offer["statement_jws"] = json!(swapped)).await;
    assert!(why.contains("root did not sign"), "{why}");
    // The attacker's root is named with it: then the log knows nothing of such a statement.
    let fingerprint = root.verifying_key().fingerprint().to_string();
    let swapped = move |offer: &mut Value| {
        offer["statement_jws"] = json!(statement);
        offer["root_fingerprint"] = json!(fingerprint);
    };
    let why = hostile.deposit(&stage, now_ms(), swapped).await;
    assert!(why.contains("evidence is not of this key-statement"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_evidence_is_refused() {
    let (stage, hostile) = Hostile::stage("forged-evidence").await;
    // A whole world of the attacker's: another element, another log, the same words.
    let theirs = Stage::set("attackers-world").await;
    let path = format!("/v1/organisations/{}", theirs.organisation.enrolled.organisation);
    let offer: Value = theirs.nobody().get(&path).await.unwrap();
    let offer = offer["current_key"].clone();
    let why = hostile.deposit(&stage, now_ms(), {
        let evidence = offer["evidence"].clone();
        move |honest| honest["evidence"] = evidence.clone()
    });
    let why = why.await;
    assert!(!why.contains("root"), "{why}");
    // Each byte of the honest evidence counts.
    for field in ["record", "checkpoint", "index", "proof"] {
        let spoil = move |offer: &mut Value| {
            let evidence = &mut offer["evidence"];
            match &mut evidence[field] {
                Value::String(text) => {
                    let middle = text.len() / 2;
                    let other = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
                    text.replace_range(middle..=middle, other);
                }
                Value::Number(number) => evidence[field] = json!(number.as_u64().unwrap() + 1),
                Value::Array(hashes) => drop(hashes.pop()),
                other => panic!("{other}"),
            }
        };
        hostile.deposit(&stage, now_ms(), spoil).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_evidence_of_another_statement_is_refused() {
    let (stage, hostile) = Hostile::stage("other-evidence").await;
    let id = stage.organisation.enrolled.organisation;
    let keys: Vec<Value> =
        stage.nobody().get(&format!("/v1/organisations/{id}/key-statements")).await.unwrap();
    let signing = keys.iter().find(|key| key["use"] == "sign").unwrap().clone();
    let evidence: Value =
        stage.nobody().get(&format!("/v1/trace/evidence/{}", signing["index"])).await.unwrap();
    let kept = evidence.clone();
    let why = hostile.deposit(&stage, now_ms(), move |offer| offer["evidence"] = kept.clone()).await;
    assert!(why.contains("evidence is not of this"), "{why}");
    // The other statement whole: it is not for sealing.
    let swapped = move |offer: &mut Value| {
        offer["statement_jws"] = signing["statement_jws"].clone();
        offer["evidence"] = evidence.clone();
    };
    let why = hostile.deposit(&stage, now_ms(), swapped).await;
    assert!(why.contains("not for sealing"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_is_refused() {
    let (stage, hostile) = Hostile::stage("expired").await;
    let why = hostile.deposit(&stage, now_ms() + 2 * 86_400_000, |_| ()).await;
    assert!(why.contains("not valid now"), "{why}");
    let why = hostile.deposit(&stage, now_ms() - 86_400_000, |_| ()).await;
    assert!(why.contains("not valid now"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_key_is_refused() {
    let (stage, hostile) = Hostile::stage("other-organisation").await;
    // Enrolled on the same platform, its proofs all good, and not whom the citizen deposits for.
    let other = stage.house.organisation(&stage.administrator, "Une autre").await;
    let path = format!("/v1/organisations/{}", other.enrolled.organisation);
    let offer: Value = stage.nobody().get(&path).await.unwrap();
    let offer = offer["current_key"].clone();
    let why = hostile.deposit(&stage, now_ms(), move |honest| *honest = offer.clone()).await;
    assert!(why.contains("another organisation"), "{why}");
    // And the honest platform is believed: the harness does not refuse everything.
    *hostile.lie.lock().unwrap() = None;
    stage.deposit(b"for the organisation only").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dossier_of_an_accomplice_is_refused() {
    let (mut stage, hostile) = Hostile::stage("other-dossier").await;
    // Its proofs all good: for the same scheme, and to be assigned to whom the accomplice names.
    let accomplice = stage.house.citizen("complice@example.org").await;
    let begin = json!({"scheme": stage.scheme.id});
    let theirs: Value = accomplice.server().post("/v1/dossiers", &begin).await.unwrap();
    let own: Value = stage.citizen.server().post("/v1/dossiers", &begin).await.unwrap();
    let (whole, with_account) = (theirs.clone(), theirs.clone());
    let why = hostile.deposit_begun(&stage, now_ms(), move |begun| *begun = whole.clone()).await;
    assert!(why.contains("is another’s"), "{why}");
    let id = theirs["id"].clone();
    let why = hostile.deposit_begun(&stage, now_ms(), move |begun| begun["id"] = id.clone()).await;
    assert!(why.contains("is another’s"), "{why}");
    // An entry of the depositor's own, of another dossier.
    let why = hostile.deposit_begun(&stage, now_ms(), move |begun| {
        begun["id"] = theirs["id"].clone();
        begun["evidence"] = own["evidence"].clone();
    });
    let why = why.await;
    assert!(why.contains("is another’s"), "{why}");
    // The evidence that everybody gets names no depositor.
    let withheld = |begun: &mut Value| begun["evidence"]["openings"] = json!({});
    let why = hostile.deposit_begun(&stage, now_ms(), withheld).await;
    assert!(why.contains("is another’s"), "{why}");
    // Nor does it help to name the accomplice's account as the depositor's: the passkey knows its own.
    stage.citizen.account = accomplice.account.clone();
    let why = hostile.deposit_begun(&stage, now_ms(), move |begun| *begun = with_account.clone()).await;
    assert!(why.contains("another account than the passkey’s"), "{why}");
}
