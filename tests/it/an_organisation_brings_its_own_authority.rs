//! An organisation's own certification authority in the place of the embedded ones, by the commands and calls that its people have: for the servers
//! under the platform, the platform's address, the key manager's, and the people who open documents. What it takes back is refused at once.

use std::path::PathBuf;

use sceau_client::{
    ClientError, Document, Enrolled, NewOrganisation, Person, ReadingPage, Scheme, Server, Trust,
};
use sceau_element_api::DossierId;
use sceau_tests::{
    House, OwnAuthority, Program, Running, Shown, Stage, TlsFront, free_port, now_ms, publish_scheme,
};
use serde_json::{Value, json};

const POLICY: &str =
    "[roles]\n\"Gestionnaires\" = \"case-officer\"\n\"Administrateurs\" = \"administrator\"\n";

struct World {
    house: House,
    own: OwnAuthority,
    list: PathBuf,
    address: String,
    _key_manager: Running,
    officer: Person,
    citizen: Person,
    scheme: Scheme,
}

impl World {
    async fn set() -> Self {
        let mut house = House::start_on_servers("own-authority");
        let own = house.servers.authority.take().unwrap();
        let administrator = house.administrator().await;
        let port = free_port();
        let address = format!("https://cles.localhost:{port}");
        let list = house.scratch.join("authority.crl");
        own.list(&list);
        let shown = own.server("key-manager", &["cles.localhost"]);
        let policy = format!(
            "server_identity = {:?}\nclient_anchors = [{:?}]\nclient_crls = [{list:?}]\n{POLICY}",
            shown.identity,
            own.root(),
        );
        let state = state(&house, &house.scratch.write("policy.toml", policy));
        let init = Program::sceau("keymanager").args(["init", "--organisation-name", "Métropole d’essai"]);
        let init = init.args(["--address", &address]).args(&state).run().success().text();
        let root_fingerprint = serde_json::from_str::<Value>(&init).unwrap()["root_fingerprint"].to_string();
        let new = NewOrganisation {
            name: "Métropole d’essai".to_owned(),
            contact_email: "contact@example.org".to_owned(),
            root_fingerprint: root_fingerprint.trim_matches('"').to_owned(),
        };
        let enrolled = administrator.enrol_organisation(&new).await.unwrap();
        connect(&house, &own, &administrator, &enrolled, &state).await;
        let (chief, officer) = house.staff(&administrator, enrolled.organisation).await;
        let key_manager = Program::ours("sceau")
            .named("keymanager")
            .args(["serve", "keymanager", "--listen", &format!("127.0.0.1:{port}")])
            .args(&state)
            .start(house.scratch.path());
        let (scheme, citizen) = (publish_scheme(&chief).await, house.citizen("cleo@example.org").await);
        let world = Self { house, own, list, address, _key_manager: key_manager, officer, citizen, scheme };
        world.first_key(&enrolled).await;
        world
    }

    /// Waits until the key manager has published its key, to a platform whose certificate the own authority issued.
    async fn first_key(&self, enrolled: &Enrolled) {
        let path = format!("/v1/organisations/{}", enrolled.organisation);
        while self.citizen.server().get::<Value>(&path).await.unwrap()["current_key"].is_null() {
            tokio::task::yield_now().await;
        }
    }

    fn trust(&self, shown: &Shown) -> Trust {
        let read = |path: &PathBuf| std::fs::read(path).unwrap();
        Trust { anchors_pem: Some(read(&self.own.root())), identity_pem: Some(read(&shown.identity)) }
    }

    fn key_manager(&self, shown: &Shown) -> Server {
        Server::new(&self.address, &self.trust(shown)).unwrap()
    }

    async fn bind(&self, administrator: &Shown, officer: &Shown) -> Result<Value, ClientError> {
        let bytes = std::fs::read_to_string(&officer.chain).unwrap();
        let certificate = sceau_pki::Certificate::all_from_pem(&bytes, "officer").unwrap();
        let binding = json!({
            "certificate_fingerprint": certificate[0].fingerprint().to_string(), "account": self.officer.account,
            "role": "case_officer", "name": "Anne Agent",
        });
        self.key_manager(administrator).post("/v1/bindings", &binding).await
    }

    async fn deposit(&self) -> DossierId {
        let document = Document {
            name: "pièce.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: vec![7; 1_200_000],
        };
        let answers = Stage::answers();
        let deposited =
            self.citizen.deposit(&self.scheme, &answers, &[document], now_ms(), &mut |_| {}).await;
        deposited.unwrap().dossier
    }

    /// Opens a dossier in a browser that shows this certificate; the code where that is refused.
    async fn read(&self, dossier: DossierId, shown: &Shown) -> Result<usize, String> {
        let link = self.officer.ticket(dossier).await.unwrap();
        let page =
            ReadingPage::open(&link, &self.house.origin, &self.trust(shown), self.citizen.log_key()).await;
        let opened = page.unwrap().read().await;
        opened
            .map(|opened| opened.files[0].content.len())
            .map_err(|error| error.code().unwrap_or("?").to_owned())
    }
}

fn state(house: &House, policy: &std::path::Path) -> Vec<String> {
    let passphrase = house.scratch.write("keymanager.passphrase", "another passphrase for one test only");
    let folder = house.scratch.join("keymanager");
    let words = [("--data", folder.as_path()), ("--passphrase-file", &passphrase), ("--policy", policy)];
    words.iter().flat_map(|(option, path)| [(*option).to_owned(), path.display().to_string()]).collect()
}

async fn connect(
    house: &House,
    own: &OwnAuthority,
    administrator: &Person,
    enrolled: &Enrolled,
    state: &[String],
) {
    let front = TlsFront::open(&own.server("platform", &["sceau.localhost"]), house.port()).await;
    let secret = house.scratch.write("client.secret", enrolled.client.client_secret.as_bytes());
    let connect = Program::sceau("keymanager")
        .args(["connect", "--platform", &format!("https://sceau.localhost:{}", front.port())])
        .args([
            "--organisation",
            &enrolled.organisation.to_string(),
            "--client-id",
            &enrolled.client.client_id,
        ])
        .args(["--log-key", &administrator.log_key().to_string(), "--client-secret-file"])
        .arg(secret)
        .args(state);
    let stranger = connect.clone();
    let trusting = connect.arg("--anchors").arg(own.root());
    let (stranger, trusting) =
        tokio::task::spawn_blocking(move || (stranger.run(), trusting.run())).await.unwrap();
    assert_ne!(stranger.code, Some(0), "the system's authorities did not issue the platform's certificate");
    trusting.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_certificate_to_the_one_that_is_taken_back() {
    let world = World::set().await;
    let chief = world.own.person("Charles Chef", "Administrateurs");
    let anne = world.own.person("Anne Agent", "Gestionnaires");
    let stranger = world.own.person("Paul Paie", "Comptables");

    let refused =
        |result: Result<Value, ClientError>| result.unwrap_err().code().unwrap_or_default().to_owned();
    assert_eq!(refused(world.bind(&anne, &anne).await), "certificate_wrong_role");
    assert_eq!(refused(world.bind(&stranger, &anne).await), "certificate_no_role");
    world.bind(&chief, &anne).await.unwrap();

    let dossier = world.deposit().await;
    assert_eq!(world.read(dossier, &anne).await, Ok(1_200_000));
    assert_eq!(world.read(dossier, &chief).await, Err("certificate_wrong_role".to_owned()));
    assert_eq!(world.read(dossier, &stranger).await, Err("certificate_no_role".to_owned()));
    let other = OwnAuthority::found(&world.house.scratch.join("another-authority"));
    let foreign = other.person("Anne Agent", "Gestionnaires");
    let refused = world.read(dossier, &foreign).await.unwrap_err();
    assert!(
        ["certificate_untrusted", "certificate_bad_signature"].contains(&&*refused),
        "of the same name: {refused}"
    );

    // A second certificate of the same person, before the first is taken back.
    let second = world.own.person("Anne Agent bis", "Gestionnaires");
    world.bind(&chief, &second).await.unwrap();
    world.own.revoke(&anne);
    assert_eq!(world.read(dossier, &anne).await, Ok(1_200_000), "nobody has heard of it yet");
    world.own.list(&world.list);
    assert_eq!(world.read(dossier, &anne).await, Err("certificate_revoked".to_owned()));
    assert_eq!(world.read(dossier, &second).await, Ok(1_200_000));
    // A list that nobody can read leaves the last one in force.
    std::fs::write(&world.list, "half a list").unwrap();
    assert_eq!(world.read(dossier, &anne).await, Err("certificate_revoked".to_owned()));
    assert_eq!(world.read(dossier, &second).await, Ok(1_200_000));
}
