//! A platform with an intake and a real ClamAV, and what a citizen's page does with them, step by step.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Body, Response};
use sceau_client::{ClientError, Person, Scheme, Server, Trust};
use sceau_crypto::SigningKey;
use sceau_element_api::documents::{
    Answers, Document as _, Manifest, SchemeDocument, SealedAnswers, SealedFile,
};
use sceau_element_api::{Base64Url, DossierId, Kind, Nonce};
use sceau_store::judge::ClamavJudge;
use serde_json::{Value, json};

use crate::{House, Organisation, Program, Running, now_ms, scheme_form};

/// The house, with an intake that scans.
#[derive(Debug)]
pub struct Scanned {
    /// Platform and element.
    pub house: House,
    /// The antivirus.
    pub clamd: ClamavJudge,
    /// The intake.
    pub intake: Option<Running>,
    /// Its web origin.
    pub url: String,
    /// Address and key of the intake, as a scheme names them.
    pub host: Value,
    /// Where the intake finds its antivirus, from its next start on.
    pub antivirus: String,
    /// Where the intake finds its platform, from its next start on.
    pub platform: String,
    /// Who vouches for the intake, where it ends TLS: what citizens' pages trust.
    pub anchors: Option<PathBuf>,
    port: u16,
}

/// The people of a test about scanned intake, and a scheme that says so.
#[derive(Debug)]
pub struct Cast {
    /// The organisation.
    pub organisation: Organisation,
    /// Its case officer.
    pub officer: Person,
    /// Its administrator.
    pub chief: Person,
    /// Who deposits.
    pub citizen: Person,
    /// The scheme.
    pub scheme: Scheme,
}

impl Scanned {
    /// Starts everything; `settings` are lines of the antivirus's configuration.
    pub fn start(name: &str, settings: &str) -> Self {
        Self::start_with(name, settings, &[])
    }

    /// Starts everything, with more arguments for the intake.
    pub fn start_with(name: &str, settings: &str, more: &[&str]) -> Self {
        Self::start_in(House::start(name), settings, "", more)
    }

    /// Starts everything; `limits` are lines of the section of that name in the intake's own settings.
    pub fn start_limited(name: &str, settings: &str, limits: &str) -> Self {
        Self::start_in(House::start(name), settings, limits, &[])
    }

    /// Starts antivirus and intake beside a house.
    pub fn start_in(house: House, settings: &str, limits: &str, more: &[&str]) -> Self {
        let mut scanned = Self::stand(house, "http", settings, limits);
        scanned.start_intake(more);
        scanned
    }

    /// A platform that names an intake of this scheme, which does not run yet, and its antivirus.
    pub fn stand(mut house: House, scheme: &str, settings: &str, limits: &str) -> Self {
        let clamd = ClamavJudge::start(settings).expect("the antivirus starts");
        let key = SigningKey::generate();
        house.scratch.write("intake.key", URL_SAFE_NO_PAD.encode(key.seed().expose()));
        let port = crate::free_port();
        let url = format!("{scheme}://depot.localhost:{port}");
        drop(house.platform.take());
        let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        house.more = ["--intake", &url, "--intake-key", &public].map(str::to_owned).into();
        house.start_platform();
        house.scratch.write("intake.toml", format!("[limits]\n{limits}\n"));
        let host = json!({"url": url, "key": public});
        let antivirus = clamd.address().to_string();
        let platform = house.origin.clone();
        Self { house, clamd, intake: None, url, host, antivirus, platform, anchors: None, port }
    }

    /// Starts the intake.
    pub fn start_intake(&mut self, more: &[&str]) {
        self.intake = Some(self.intake_at(self.port, more));
    }

    /// One more process of the same intake, at a port of its own.
    pub fn another_intake(&self, more: &[&str]) -> Running {
        self.intake_at(crate::free_port(), more)
    }

    fn intake_at(&self, port: u16, more: &[&str]) -> Running {
        let platform = self.house.platform.as_ref().expect("the platform runs");
        let program = Program::ours("sceau")
            .args(["serve", "intake", "--listen", &format!("127.0.0.1:{port}"), "--key"])
            .arg(self.house.scratch.join("intake.key"))
            .arg("--config")
            .arg(self.house.scratch.join("intake.toml"))
            .args(["--platform", &self.platform, "--log-key", platform.said("/log_key")])
            .args(["--antivirus", &self.antivirus])
            .args(more)
            .named("intake");
        self.house.clocked("intake", program).start(self.house.scratch.path())
    }

    /// The people, and the small scheme with scanned intake.
    pub async fn cast(&self) -> Cast {
        let administrator = self.house.administrator().await;
        let organisation = self.house.organisation(&administrator, "Métropole d’essai").await;
        let id = organisation.enrolled.organisation;
        let (chief, officer) = self.house.staff(&administrator, id).await;
        let mut form = scheme_form();
        form["intake"] = json!("scanned");
        form["intake_host"] = self.host.clone();
        let scheme = chief.publish_scheme(&form).await.expect("an organisation administrator may");
        let citizen = self.house.citizen("cleo@example.org").await;
        Cast { organisation, officer, chief, citizen, scheme }
    }

    /// Begins a deposit, with all answers.
    pub async fn begin<'a>(&self, cast: &'a Cast) -> Visit<'a> {
        let answers = json!({"price": 3200, "income": 18_500});
        let begun = self.try_begin(cast, answers).await.expect("the form is complete");
        assert_eq!(begun.1, 200, "{}", begun.0.dossier);
        begun.0
    }

    /// Begins a deposit; the intake's status comes along.
    pub async fn try_begin<'a>(
        &self,
        cast: &'a Cast,
        answers: Value,
    ) -> Result<(Visit<'a>, u16), ClientError> {
        self.begin_as(cast, &cast.citizen, answers).await
    }

    /// The same, as another citizen.
    pub async fn begin_as<'a>(
        &self,
        cast: &'a Cast,
        citizen: &'a Person,
        answers: Value,
    ) -> Result<(Visit<'a>, u16), ClientError> {
        let server = citizen.server();
        let begun: Value = server.post("/v1/dossiers", &json!({"scheme": cast.scheme.id})).await?;
        let dossier: DossierId = text(&begun, "id").parse().expect("an id");
        let grant: Value = server.post(&format!("/v1/dossiers/{dossier}/intake"), &json!({})).await?;
        let (visit, status) = self.carry(cast, text(&grant, "grant"), cast.meant(dossier), answers).await?;
        Ok((Visit { citizen, ..visit }, status))
    }

    /// Goes on with a dossier about which the organisation asked for more; the intake's status comes along.
    pub async fn go_on<'a>(
        &self,
        cast: &'a Cast,
        dossier: DossierId,
        answers: Value,
    ) -> Result<(Visit<'a>, u16), ClientError> {
        let path = format!("/v1/dossiers/{dossier}/intake");
        let grant: Value = cast.citizen.server().post(&path, &json!({})).await?;
        self.carry(cast, text(&grant, "grant"), cast.meant(dossier), answers).await
    }

    /// Carries a grant to the intake with what the page means; the intake's status comes along.
    pub async fn carry<'a>(
        &self,
        cast: &'a Cast,
        grant: &str,
        meant: Value,
        answers: Value,
    ) -> Result<(Visit<'a>, u16), ClientError> {
        let dossier: DossierId = text(&meant, "dossier").parse().expect("an id");
        let http = client(self.anchors.as_deref());
        let body = json!({"grant": grant, "meant": meant, "answers": answers});
        let answer = http.post(format!("{}/v1/deposits", self.url)).json(&body).send().await;
        let answer = answer.expect("the intake answers");
        let status = answer.status().as_u16();
        let held: Value = answer.json().await.expect("JSON");
        let path = format!("{}/v1/deposits/{}", self.url, held["id"].as_str().unwrap_or_default());
        let token = held["token"].as_str().unwrap_or_default().to_owned();
        let grant = grant.to_owned();
        let citizen = &cast.citizen;
        Ok((Visit { cast, citizen, dossier, http, path, token, grant, said: held }, status))
    }

    /// A deposit that another program holds at the intake, to be submitted.
    pub fn held<'a>(&self, cast: &'a Cast, dossier: DossierId) -> Visit<'a> {
        let [path, token, grant] = [(); 3].map(|()| String::new());
        let citizen = &cast.citizen;
        Visit { cast, citizen, dossier, http: client(None), path, token, grant, said: Value::Null }
    }

    /// Every file that the test may look through for what was never to be written.
    pub fn disk(&self) -> Vec<(String, Vec<u8>)> {
        fn below(path: PathBuf, found: &mut Vec<(String, Vec<u8>)>) {
            if let Ok(entries) = path.read_dir() {
                entries.flatten().for_each(|entry| below(entry.path(), found));
            } else if let Ok(bytes) = std::fs::read(&path) {
                found.push((path.display().to_string(), bytes));
            }
        }
        let mut found = Vec::new();
        below(self.house.scratch.path().to_owned(), &mut found);
        found
    }
}

impl Cast {
    /// The organisation's feed, as its connector's client sees it, signed in.
    pub async fn feed(&self, house: &House) -> Server {
        let made = self.chief.server().post("/v1/organisation/connectors", &json!({"name": "Paie"})).await;
        let made: Value = made.expect("an organisation's administrator may");
        let server = Server::new(&house.origin, &Trust::default()).expect("a good address");
        let fields = [("grant_type", "client_credentials"), ("scope", "dossiers.receive")];
        let credentials = (text(&made, "client_id"), text(&made, "client_secret"));
        let token: Value =
            server.post_form("/v1/oauth/token", credentials, &fields).await.expect("a good secret");
        server.set_bearer(token["access_token"].as_str().map(str::to_owned));
        server
    }

    /// What a page that verified form and recipient means to deposit into.
    pub fn meant(&self, dossier: DossierId) -> Value {
        let form = SchemeDocument::parse(&self.scheme.payload).expect("our own scheme");
        json!({
            "dossier": dossier, "organisation": form.document.organisation, "scheme": self.scheme.id,
            "form_hash": form.hash, "key_id": self.organisation.recipient.recipient_key().key_id(),
        })
    }
}

/// A deposit under way at the intake, as a page holds it.
#[derive(Debug)]
pub struct Visit<'a> {
    cast: &'a Cast,
    citizen: &'a Person,
    /// The dossier.
    pub dossier: DossierId,
    http: reqwest::Client,
    path: String,
    token: String,
    /// The grant that it began with, used.
    pub grant: String,
    /// What the intake said at the beginning.
    pub said: Value,
}

impl Visit<'_> {
    /// Announces a file: its place, or the code of the refusal.
    pub async fn announce(&self, name: &str, media_type: &str, size: u64) -> Result<u64, String> {
        let body = json!({"name": name, "media_type": media_type, "size": size});
        let request = self.http.post(format!("{}/files", self.path)).bearer_auth(&self.token).json(&body);
        let answer = said(request.send().await.expect("the intake answers")).await;
        answer.map(|said| said["place"].as_u64().expect("a place"))
    }

    /// Sends the bytes of a file: what the manifest says of it, or the code of the refusal.
    pub async fn send(&self, place: u64, body: impl Into<Body>) -> Result<SealedFile, String> {
        let request = self.http.put(format!("{}/files/{place}", self.path)).bearer_auth(&self.token);
        match request.body(body).send().await {
            Ok(answer) => said(answer).await.map(|mut clean| {
                clean.as_object_mut().expect("an object").remove("word").expect("the intake's word");
                serde_json::from_value(clean).expect("a sealed file")
            }),
            Err(error) => Err(format!("transport: {error}")),
        }
    }

    /// Announces and sends a PDF.
    pub async fn pdf(&self, bytes: Vec<u8>) -> Result<SealedFile, String> {
        let place = self.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await?;
        self.send(place, bytes).await
    }

    /// Where each file stands.
    pub async fn standing(&self) -> Value {
        let request = self.http.get(&self.path).bearer_auth(&self.token);
        said(request.send().await.expect("the intake answers")).await.expect("the deposit is held")
    }

    /// Asks until a file stands so, as a page does.
    pub async fn until(&self, place: u64, state: &str) {
        let began = std::time::Instant::now();
        loop {
            let standing = self.standing().await;
            let files = standing.as_array().expect("a list");
            if files.iter().any(|file| file["place"] == place && file["state"] == state) {
                return;
            }
            assert!(began.elapsed().as_secs() < 60, "never {state}: {standing}");
            tokio::task::yield_now().await;
        }
    }

    /// What the manifest is made of, or the code of the refusal.
    pub async fn finish(&self) -> Result<Value, String> {
        let request = self.http.post(format!("{}/finish", self.path)).bearer_auth(&self.token);
        said(request.send().await.expect("the intake answers")).await
    }

    /// Finishes, signs the manifest with the passkey, submits it: the receipt.
    pub async fn submit(&self) -> Result<(Manifest, Value), ClientError> {
        let finished = self.finish().await.expect("the deposit is complete");
        let files = serde_json::from_value(finished["files"].clone()).expect("sealed files");
        let sealed = finished["sealed_answers"]
            .as_str()
            .map(|hash| SealedAnswers { envelope_hash: hash.parse().expect("a hash") });
        let public = serde_json::from_value(finished["public"].clone()).expect("answers");
        self.submit_as(Answers { public, sealed }, files, words(&finished)).await
    }

    /// Submits a manifest that names these files, whatever the intake said.
    pub async fn submit_as(
        &self,
        answers: Answers,
        files: Vec<SealedFile>,
        words: Vec<String>,
    ) -> Result<(Manifest, Value), ClientError> {
        let form = SchemeDocument::parse(&self.cast.scheme.payload).expect("our own scheme");
        let manifest = Manifest {
            v: 1,
            dossier: self.dossier,
            organisation: form.document.organisation,
            scheme: self.cast.scheme.id,
            form_hash: form.hash,
            answers,
            files,
            key_id: self.cast.organisation.recipient.recipient_key().key_id(),
            created: now_ms(),
            words,
        };
        let payload = manifest.to_bytes().expect("a good manifest");
        let (citizen, path) = (self.citizen, format!("/v1/dossiers/{}", self.dossier));
        let prepared: Value = citizen.server().post(&format!("{path}/manifest/prepare"), &json!({})).await?;
        let nonce: Nonce = serde_json::from_value(prepared["nonce"].clone()).expect("a nonce");
        let proof = citizen.prove(Kind::Manifest, &payload, nonce)?;
        let body = json!({"manifest": Base64Url(payload), "proof": proof});
        let receipt: Value = citizen.server().post(&format!("{path}/submit"), &body).await?;
        Ok((manifest, receipt["receipt"].clone()))
    }
}

/// A PDF of `size` bytes that is made as it is sent: a hundred of them take no memory here.
pub fn large_body(size: u64) -> Body {
    const PIECE: u64 = 64 * 1024;
    let piece = move |from: u64| {
        let mut bytes = vec![b'x'; usize::try_from((size - from).min(PIECE)).unwrap_or_default()];
        if from == 0 {
            bytes.splice(..9.min(bytes.len()), *b"%PDF-1.7\n");
        }
        Ok::<_, std::io::Error>(bytes)
    };
    let pieces = (0..size.div_ceil(PIECE)).map(move |n| piece(n * PIECE));
    Body::wrap_stream(futures::stream::iter(pieces))
}

/// The intake's words, as it finished with them.
pub fn words(finished: &Value) -> Vec<String> {
    serde_json::from_value(finished["words"].clone()).expect("the words")
}

/// JSON of a success, or the code of a problem.
async fn said(answer: Response) -> Result<Value, String> {
    let good = answer.status().is_success();
    let said: Value = answer.json().await.unwrap_or_default();
    if good { Ok(said) } else { Err(said["code"].as_str().unwrap_or("no code").to_owned()) }
}

/// A client that finds the intake on this machine, and trusts these anchors alone where it ends TLS.
pub fn client(anchors: Option<&Path>) -> reqwest::Client {
    let here = std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut builder = reqwest::Client::builder().resolve("depot.localhost", here).no_proxy();
    if let Some(path) = anchors {
        let pem = std::fs::read(path).expect("a file of the test's own");
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem).expect("certificates"));
    }
    builder.build().expect("a client")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}
