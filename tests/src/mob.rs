//! A platform with MOB's host, the bus and an organisation that was made for Mon Compte Mobilité: its own RabbitMQ login, its key manager as a Vault.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_client::Scheme;
use sceau_crypto::SigningKey;
use sceau_pki::{Authority, AuthorityProfile, ServerProfile};
use sceau_store::judge::{ClamavJudge, HrJudge, RabbitJudge};
use serde_json::{Value, json};

use crate::program::Program;
use crate::{House, Premises, Running, Staff, free_port, now_ms};

/// The organisation, as the bus names it.
const COMPANY: &str = "simulation-sirh";
/// Where MOB's page is served.
pub const MOB_PAGE: &str = "https://mcm.example.org";

/// Everything of it.
#[derive(Debug)]
pub struct MobStage {
    /// Platform and element.
    pub house: House,
    /// The broker.
    pub rabbit: RabbitJudge,
    /// The antivirus.
    pub clamd: ClamavJudge,
    /// The organisation's premises; the key manager runs.
    pub premises: Premises,
    /// Its people.
    pub staff: Staff,
    /// MOB's host.
    pub host: Option<Running>,
    /// Its web origin.
    pub url: String,
    /// Who issued its certificate, in PEM.
    pub authority: String,
    /// What is subscribed to.
    pub incentive: Scheme,
    /// A client of the organisation: id and secret.
    pub client: (String, String),
    http: reqwest::Client,
    port: u16,
}

impl MobStage {
    /// Starts everything; the organisation's key is published when it returns.
    pub async fn start(name: &str) -> Self {
        let rabbit = RabbitJudge::start(&[(COMPANY, None)]).expect("RabbitMQ is installed");
        let clamd = ClamavJudge::start("").expect("ClamAV is installed");
        let mut house = House::start(name);
        let administrator = house.administrator().await;
        let (mut premises, staff) = Premises::found(&house, &administrator, "Simulation SIRH").await;
        let port = free_port();
        let url = format!("https://localhost:{port}");
        let authority = certify(&house);
        let key = configure(&mut house, &rabbit, &premises, &url);
        let host = Some(host(&house, &clamd, port));
        let made = staff.chief.server().post("/v1/organisation/connectors", &json!({"name": "SIRH"})).await;
        let made: Value = made.expect("an organisation's administrator may");
        let client = (text(&made, "client_id"), text(&made, "client_secret"));
        open_vault(&house, &mut premises, &url, &client);
        let incentive = staff.chief.publish_scheme(&incentive(&url, &key)).await;
        let incentive = incentive.expect("an organisation's administrator may");
        let pem = reqwest::Certificate::from_pem(authority.as_bytes()).expect("our own certificate");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([pem]).build().expect("a client");
        let stage = Self {
            house,
            rabbit,
            clamd,
            premises,
            staff,
            host,
            url,
            authority,
            incentive,
            client,
            http,
            port,
        };
        stage.key_taken().await;
        stage
    }

    /// Waits until MOB's host has the key of the organisation.
    async fn key_taken(&self) {
        let administration = self.premises.administration();
        loop {
            let keys: Value = administration.get("/v1/keys").await.expect("an administrator sees the keys");
            let taken = &keys["mob"]["versions"][0]["taken"][self.premises.organisation.to_string()];
            if taken.is_u64() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Starts MOB's host on what it has.
    pub fn start_host(&mut self) {
        self.host = Some(host(&self.house, &self.clamd, self.port));
    }

    /// The company's own system on the bus.
    pub fn hr(&self) -> HrJudge {
        HrJudge::of(&self.rabbit, COMPANY, COMPANY).expect("the judge's environment")
    }

    /// The queue that it reads.
    pub fn queue(&self) -> String {
        format!("mob.subscriptions.put.{COMPANY}")
    }

    /// What its answers are headed with.
    pub fn answer_headers(&self) -> Value {
        json!({"message_type": format!("subscriptions.status.{COMPANY}")})
    }

    /// A mobility service, made on the command line: id and secret.
    pub fn mobility_service(&self) -> (String, String) {
        let made = Program::ours("sceau")
            .args(["mob", "client", "--config"])
            .arg(self.house.scratch.join("platform.toml"))
            .arg("--data")
            .arg(self.house.scratch.join("platform"))
            .arg("--element")
            .arg(self.house.socket())
            .args(["--organisation", &self.premises.organisation.to_string()])
            .run()
            .success();
        let made: Value = serde_json::from_str(&made.text()).expect("a line of JSON");
        (text(&made, "client_id"), text(&made, "client_secret"))
    }

    /// A token for a client, asked for where MOB's scripts do.
    pub async fn token(&self, (id, secret): &(String, String)) -> String {
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let path = format!("{}/auth/realms/mcm/protocol/openid-connect/token", self.url);
        let answer = self.http.post(path).form(&form).send().await.expect("MOB's host answers");
        text(&answer.json().await.expect("JSON"), "access_token")
    }

    /// A request of whoever has this token.
    pub fn request(&self, token: &str, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token)
    }

    /// Lets the organisation's own system fetch keys with its certificate.
    pub async fn grant_system(&self) {
        let grant = json!({
            "certificate_fingerprint": self.premises.connector().1, "name": "sirh", "schemes": null,
            "not_before": now_ms() - 1000, "not_after": now_ms() + 86_400_000, "decides": null,
        });
        let granted = self.premises.administration().post("/v1/connectors", &grant).await;
        let _: Value = granted.expect("the key manager's administrator may");
    }
}

/// The certificate of MOB's host; its authority comes back.
fn certify(house: &House) -> String {
    let authority = Authority::create(&AuthorityProfile::of("MOB"), now_ms()).expect("an authority");
    let server = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now_ms());
    let server = server.expect("a certificate");
    let key = server.key().to_pem();
    house.scratch.write("mob.pem", format!("{}{}", server.chain_pem(), key.as_str()));
    let authority = authority.certificate().to_pem();
    house.scratch.write("mob-ca.pem", &authority);
    authority
}

/// Writes the settings of both processes, starts the platform with them, and gives the host's public key.
fn configure(house: &mut House, rabbit: &RabbitJudge, premises: &Premises, url: &str) -> String {
    let key = SigningKey::generate();
    house.scratch.write("mob.key", URL_SAFE_NO_PAD.encode(key.seed().expose()));
    let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let password = house.scratch.write("bus.secret", rabbit.platform_password());
    let settings = house.scratch.join("platform.toml");
    let before = std::fs::read_to_string(&settings);
    if before.is_err() {
        house.more.extend(["--config".to_owned(), settings.display().to_string()]);
    }
    let more = format!(
        "\n[bus]\naddress = \"amqps://sceau@localhost:{}\"\npassword_file = {password:?}\nca_file = {:?}\n\
         [[bus.companies]]\nname = \"{COMPANY}\"\nlogin = \"hr-{COMPANY}\"\n\
         [mob]\nurl = \"{url}\"\nkey = \"{public}\"\npage_origin = \"{MOB_PAGE}\"\n\
         danger_accepted = [\"integrity\", \"plaintext\", \"preflight\"]\n\
         [[mob.funders]]\norganisation = \"{}\"\ncompany = \"{COMPANY}\"\n",
        rabbit.port(),
        rabbit.authority_file(),
        premises.organisation
    );
    house.scratch.write("platform.toml", before.unwrap_or_default() + &more);
    drop(house.platform.take());
    house.start_platform();
    public
}

fn host(house: &House, clamd: &ClamavJudge, port: u16) -> Running {
    Program::ours("sceau")
        .named("mob")
        .args(["serve", "mob", "--config"])
        .arg(house.scratch.join("platform.toml"))
        .arg("--data")
        .arg(house.scratch.join("platform"))
        .arg("--element")
        .arg(house.socket())
        .args(["--listen", &format!("127.0.0.1:{port}"), "--tls"])
        .arg(house.scratch.join("mob.pem"))
        .arg("--key")
        .arg(house.scratch.join("mob.key"))
        .args(["--antivirus", &clamd.address().to_string()])
        .start(house.scratch.path())
}

/// Opens the key manager to MOB's page, has it publish its key, and starts it.
fn open_vault(house: &House, premises: &mut Premises, url: &str, (id, secret): &(String, String)) {
    let file = house.scratch.write("mob.secret", secret.as_bytes());
    let anchors = house.scratch.join("mob-ca.pem");
    let policy = format!(
        "[transit]\nexport = true\npage_origin = \"{MOB_PAGE}\"\n\
         [mob]\napi = \"{url}\"\nidentity_provider = \"{url}\"\nclient_id = \"{id}\"\nclient_secret_file = {file:?}\n\
         funders = [\"{}\"]\nanchors = {anchors:?}\nkey = \"CLIENT\"\n",
        premises.organisation
    );
    premises.policy = Some(house.scratch.write("policy.toml", policy));
    premises.start_key_manager(house);
}

/// A scheme whose documents come in through MOB's host.
fn incentive(url: &str, key: &str) -> Value {
    let text = |text: &str| json!({"fr": text, "en": text});
    json!({
        "title": text("Le vélo au travail"), "description": text("Une aide."), "intake": "scanned",
        "intake_host": {"url": url, "key": key}, "documents": [],
        "form": [{"name": "km", "label": text("Kilomètres"), "kind": "number", "required": true, "sensitive": false}],
    })
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}
