//! An organisation's own certification authority in the place of the embedded ones, by the commands and calls that its people have: for the servers
//! under the platform, the platform's address, the key manager's, the people who open documents, and the connector between the platform and its own
//! system. What it takes back is refused at once.

use std::path::PathBuf;

use sceau_client::{
    ClientError, Document, Enrolled, NewOrganisation, Person, ReadingPage, Scheme, Server, Trust,
};
use sceau_element_api::{DossierId, OrganisationId};
use sceau_store::bus::Broker;
use sceau_store::judge::{Certified, RabbitJudge};
use sceau_tests::{
    House, HrSystem, OwnAuthority, Program, Running, Scratch, Shown, Stage, TlsFront, free_port, now_ms,
    publish_scheme,
};
use serde_json::{Value, json};

const POLICY: &str = "[roles]\n\"Gestionnaires\" = \"case-officer\"\n\"Administrateurs\" = \"administrator\"\n\"Connecteurs\" = \"connector\"\n";

struct World {
    house: House,
    own: OwnAuthority,
    list: PathBuf,
    address: String,
    organisation: OrganisationId,
    /// Where the platform is behind a certificate of the own authority.
    platform: String,
    _key_manager: Running,
    chief: Person,
    officer: Person,
    citizen: Person,
    scheme: Scheme,
}

impl World {
    async fn set(name: &str) -> Self {
        let mut house = House::start_on_servers(name);
        let own = house.servers.authority.take().unwrap();
        let administrator = house.administrator().await;
        let port = free_port();
        let address = format!("https://cles.localhost:{port}");
        let list = house.scratch.join("authority.crl");
        own.list(&list);
        let shown = own.server("key-manager", &["cles.localhost"]);
        let policy = format!(
            "server_identity = {:?}\nclient_anchors = [{:?}]\nclient_intermediates = [{:?}]\nclient_crls = [{list:?}]\n{POLICY}",
            shown.identity,
            own.root(),
            own.intermediate(),
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
        let platform = connect(&house, &own, &administrator, &enrolled, &state).await;
        let (chief, officer) = house.staff(&administrator, enrolled.organisation).await;
        let key_manager = Program::ours("sceau")
            .named("keymanager")
            .args(["serve", "keymanager", "--listen", &format!("127.0.0.1:{port}")])
            .args(&state)
            .start(house.scratch.path());
        let (scheme, citizen) = (publish_scheme(&chief).await, house.citizen("cleo@example.org").await);
        let organisation = enrolled.organisation;
        let _key_manager = key_manager;
        let world = Self {
            house,
            own,
            list,
            address,
            organisation,
            platform,
            _key_manager,
            chief,
            officer,
            citizen,
            scheme,
        };
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
        let binding = json!({
            "certificate_fingerprint": fingerprint(officer), "account": self.officer.account,
            "role": "case_officer", "name": "Anne Agent",
        });
        self.key_manager(administrator).post("/v1/bindings", &binding).await
    }

    async fn grant(&self, administrator: &Shown, connector: &Shown) {
        let grant = json!({
            "certificate_fingerprint": fingerprint(connector), "name": format!("paie-{}", now_ms()), "schemes": null,
            "not_before": now_ms() - 1000, "not_after": now_ms() + 86_400_000, "decides": null,
        });
        let _: Value = self.key_manager(administrator).post("/v1/connectors", &grant).await.unwrap();
    }

    /// What `connector.toml` says: the own authority's root in every place, and the certificate that is left to be named.
    async fn table(&self, hr: &HrSystem) -> String {
        let made = self.chief.server().post("/v1/organisation/connectors", &json!({"name": "Paie"})).await;
        let made: Value = made.unwrap();
        let secret =
            self.house.scratch.write("connector.secret", made["client_secret"].as_str().unwrap().as_bytes());
        let port = u16::try_from(hr.running.ready()["port"].as_u64().unwrap()).unwrap();
        let front = TlsFront::open(&self.own.server("hr", &["localhost"]), port).await.port();
        let handover = hr.handover();
        let handover =
            handover.replace(&format!("http://127.0.0.1:{port}"), &format!("https://localhost:{front}"));
        let (root, scratch) = (self.own.root(), &self.house.scratch);
        format!(
            "[[organisation]]\nname = \"metropole\"\nplatform = \"{}\"\nplatform_anchors = {root:?}\norganisation = \"{}\"\n\
            client_id = {}\nclient_secret_file = {secret:?}\nlog_key = \"{}\"\nkey_manager = \"{}\"\n\
            key_manager_anchors = {root:?}\ncertificate = \"CERTIFICATE\"\nstate = {:?}\npoll_seconds = 1\n\
            [organisation.handover]\nfolder = {:?}\n{handover}anchors = {root:?}\n",
            self.platform,
            self.organisation,
            made["client_id"],
            self.citizen.log_key(),
            self.address,
            scratch.join("connector.state"),
            scratch.join("connector.in"),
        )
    }

    fn connector(&self, table: &str, shown: &Shown) -> Program {
        let table = table.replace("CERTIFICATE", shown.identity.to_str().unwrap());
        let config = self.house.scratch.write("connector.toml", table);
        Program::sceau("connect").named("connect").arg("--config").arg(config)
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

fn fingerprint(shown: &Shown) -> String {
    let bytes = std::fs::read_to_string(&shown.chain).unwrap();
    sceau_pki::Certificate::all_from_pem(&bytes, "certificate").unwrap()[0].fingerprint().to_string()
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
) -> String {
    let front = TlsFront::open(&own.server("platform", &["sceau.localhost"]), house.port()).await;
    let secret = house.scratch.write("client.secret", enrolled.client.client_secret.as_bytes());
    let platform = format!("https://sceau.localhost:{}", front.port());
    let connect = Program::sceau("keymanager")
        .args(["connect", "--platform", &platform])
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
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_certificate_to_the_one_that_is_taken_back() {
    let world = World::set("own-authority").await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_shows_its_certificate_and_asks_for_the_others() {
    let world = World::set("own-authority-connector").await;
    let chief = world.own.person("Charles Chef", "Administrateurs");
    let mut hr = HrSystem::start(&world.house);
    let table = world.table(&hr).await;
    let logs = world.house.scratch.path();
    let first = world.deposit().await;

    // Each refusal in words, and of none of them a dossier is put aside.
    let other = OwnAuthority::found(&world.house.scratch.join("another-authority"));
    let refused = [
        (world.own.expired("paie ancienne", "Connecteurs"), "certificate_expired"),
        (world.own.person("Paul Paie", "Comptables"), "certificate_no_role"),
        (world.own.person("Anne Agent", "Gestionnaires"), "certificate_wrong_role"),
        (other.person("paie", "Connecteurs"), "certificate_"),
        (world.own.person("paie sans droit", "Connecteurs"), "connector_not_granted"),
    ];
    for (shown, code) in &refused {
        let mut connector = world.connector(&table, shown).start(logs);
        let said = connector.wait_for(&format!("\"dossier\":\"{first}\",\"event\":\"later\""));
        assert!(said.contains(&format!("\"code\":\"{code}")), "{code}: {said}");
        assert!(connector.stop().success());
    }

    // Servers whose certificates another authority issued are not spoken to.
    let paie = world.own.person("paie", "Connecteurs");
    world.grant(&chief, &paie).await;
    let stranger = |place: &str| {
        let root = format!("{place} = {:?}", world.own.root());
        table.replace(&root, &format!("{place} = {:?}", other.root()))
    };
    for (place, code) in [
        ("platform_anchors", "unreachable"),
        ("key_manager_anchors", "unreachable"),
        ("\nanchors", "receiver_unreachable"),
    ] {
        let mut connector = world.connector(&stranger(place), &paie).start(logs);
        let said = connector.wait_for(&format!("\"code\":\"{code}\""));
        assert!(said.contains("certificate"), "{place}: {said}");
        assert!(connector.stop().success());
    }
    assert!(hr.taken().is_empty());

    // Under the own authority's word everywhere, it works; and no more once that takes its word back.
    let handed = |dossier| format!("\"dossier\":\"{dossier}\",\"event\":\"handed_over\"");
    let mut connector = world.connector(&table, &paie).start(logs);
    connector.wait_for(&handed(first));
    assert_eq!(hr.wait_for(&first.to_string())["parts"][2]["size"], 1_200_000);
    world.own.revoke(&paie);
    world.own.list(&world.list);
    let second = world.deposit().await;
    connector.wait_for("\"code\":\"certificate_revoked\"");
    assert!(connector.stop().success());
    let status = world.connector(&table, &paie).arg("--status").run().success().text();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["aside"], &status["waiting"]), (&json!([]), &json!([second])));

    // Another certificate of the same connector goes on where the first was.
    let next = world.own.person("paie bis", "Connecteurs");
    world.grant(&chief, &next).await;
    let mut connector = world.connector(&table, &next).start(logs);
    connector.wait_for(&handed(second));
    assert_eq!(hr.taken().len(), 2);
}

/// What a client says of a server's certificate.
const UNPROVEN: &str = "invalid peer certificate";

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_lets_in_who_shows_a_certificate_and_shows_its_own() {
    let scratch = Scratch::new("own-authority-bus");
    let (own, other) =
        (OwnAuthority::found(&scratch.join("authority")), OwnAuthority::found(&scratch.join("another")));
    let shown = own.server("bus", &["localhost"]);
    let root = own.root();
    let certified = Certified { chain: &shown.chain, key: &shown.key, authority: &root };
    let rabbit = RabbitJudge::start_certified(&[("acme", None)], certified).unwrap();
    let broker = |host: &str, root: PathBuf, shows: Option<Shown>| {
        let address = format!("amqps://sceau@{host}:{}", rabbit.port());
        let password = rabbit.platform_password().to_owned().into();
        let broker = Broker::new(&address, password, &std::fs::read_to_string(root).unwrap()).unwrap();
        match shows {
            Some(shown) => broker.showing(std::fs::read(shown.identity).unwrap().into()),
            None => broker,
        }
    };
    let bus = Some(own.person("plateforme", "Machines"));
    broker("localhost", own.root(), bus.clone()).connect("mob.acme").await.unwrap();
    let refused = [
        ("localhost", own.root(), None, "CertificateRequired"),
        ("localhost", own.root(), Some(own.expired("plateforme ancienne", "Machines")), "CertificateExpired"),
        ("localhost", own.root(), Some(other.person("plateforme", "Machines")), "UnknownCA"),
        ("localhost", other.root(), bus.clone(), UNPROVEN),
        ("127.0.0.1", own.root(), bus, UNPROVEN),
    ];
    for (host, root, shows, words) in refused {
        let named = format!("{host}, {}, {shows:?}", root.display());
        let error = broker(host, root, shows).connect("mob.acme").await.map(|_| ()).unwrap_err();
        let said = error.to_string();
        // In TLS 1.3 the server refuses once the client believes to be through, and may hang up before its alert is read.
        let refused = said.contains(words) || words != UNPROVEN && said.contains("Connection reset by peer");
        assert!(error.code() == "bus_unreachable" && refused, "{named}: {error}");
    }
}
