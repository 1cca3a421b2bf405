//! `sceau doctor` on an organisation's side: the servers of a key manager's policy, and a connector's; each well, then each spoilt.

use sceau_store::judge::{ClamavJudge, StandIn};
use sceau_tests::{Connected, Findings, House, OwnAuthority, Program, Scratch, free_port};

/// Servers of an organisation, under certificates of its own authority.
struct Premises {
    scratch: Scratch,
    authority: OwnAuthority,
    vault: StandIn,
    mail: StandIn,
    clamd: [ClamavJudge; 2],
    policy: String,
}

impl Premises {
    fn start(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let authority = OwnAuthority::found(&scratch.join("authority"));
        let (root, below) = (path(&authority.root()), path(&authority.intermediate()));
        let shown = authority.server("servers", &["localhost"]);
        let [chain, key, identity] = [&shown.chain, &shown.key, &shown.identity].map(|file| path(file));
        let vault = StandIn::start("servers_vault.py", &[&identity, &root, "role", "sesame"]).unwrap();
        let mail = StandIn::start("servers_smtp.py", &[&chain, &key, "starttls"]).unwrap();
        let clamd = [ClamavJudge::start("").unwrap(), ClamavJudge::start("").unwrap()];
        let own = path(&authority.server("cles", &["cles.localhost"]).identity);
        let list = scratch.join("list.pem");
        authority.list(&list);
        let secret = |name: &str, text: &str| path(&scratch.write(name, text));
        let (password, sesame) =
            (secret("mail.password", "secret of the mail"), secret("secret-id", "sesame"));
        let policy = format!(
            "server_identity = {own:?}\nclient_anchors = [{root:?}]\nclient_intermediates = [{below:?}]\nclient_crls = [{list:?}]\n\
             [scanner]\nantivirus = [\"{}\", \"{}\"]\n\
             [letters]\nto = \"cles@metropole.example\"\n\
             mail = {{ kind = \"smtp\", host = \"localhost\", port = {}, tls = \"starttls\", user = \"sceau\", \
             password_file = {password:?}, ca_file = {root:?}, from = \"Sceau <cles@metropole.example>\" }}\n\
             [vault]\naddress = \"https://localhost:{}\"\nauthorities = {root:?}\nrole_id = \"role\"\nsecret_id_file = {sesame:?}\n",
            clamd[0].address(),
            clamd[1].address(),
            mail.port(),
            vault.port(),
        );
        Self { scratch, authority, vault, mail, clamd, policy }
    }

    /// A look at the policy, with some words in the place of others.
    fn look(&self, from: &str, to: &str) -> Findings {
        assert!(self.policy.contains(from), "{from}");
        let policy = path(&self.scratch.write("policy.toml", self.policy.replace(from, to)));
        looked(["--policy", &policy])
    }

    /// Makes a key manager whose keys the Vault keeps.
    fn init(&self) {
        let policy = self.scratch.write("policy.toml", &self.policy);
        Program::sceau("keymanager")
            .args([
                "init",
                "--organisation-name",
                "Essai",
                "--address",
                "https://cles.localhost:8443",
                "--data",
            ])
            .arg(self.scratch.join("keymanager"))
            .arg("--policy")
            .arg(policy)
            .run()
            .success();
    }
}

/// A look at what these arguments name, and at nothing of this machine.
fn looked(arguments: [&str; 2]) -> Findings {
    Findings::said_by(&Program::sceau("doctor").args(["--data", "/nowhere"]).args(arguments))
}

fn path(path: &std::path::Path) -> String {
    path.display().to_string()
}

#[test]
fn a_policy_is_asked_for_and_each_of_its_servers() {
    let mut premises = Premises::start("doctor-policy");
    let first = premises.look("", "");
    assert!(first.troubles().is_empty(), "{first:#?}");
    first.say("vault", "notice", &["lets us in", "no key of this keystore yet", "sceau keymanager init"]);
    premises.init();
    let well = premises.look("", "");
    assert!(well.troubles().is_empty(), "{well:#?}");
    well.say("vault", "well", &["seals and unseals for the keystore"]);
    well.say("mail", "well", &["took TLS and login; nothing was sent"]);
    assert_eq!(premises.mail.ask("letters"), "[]");
    assert_eq!(well.of_check("antivirus"), 2, "each daemon of the pool: {well:#?}");
    for words in [
        ["CN=serveur", "days more"],
        ["the Vault at localhost", "days more"],
        ["the mail server at localhost", "days more"],
    ] {
        well.say("certificate", "well", &words);
    }
    well.say("certificate", "well", &["list.pem", "revocation lists, current for"]);
    let policy = path(&premises.scratch.join("policy.toml"));
    let late = Program::sceau("doctor").args(["--data", "/nowhere", "--policy", &policy]).at_time("+5m");
    Findings::said_by(&late).say("clock", "trouble", &["seconds ahead of the Vault"]);
    premises.look("[vault]", "[transit]\nexport = true\n[vault]").say("transit", "notice", &["leave"]);

    // What may be wrong with a Vault.
    let sesame = path(&premises.scratch.join("secret-id"));
    let other = path(&premises.scratch.write("other-id", "simsim"));
    let vault = |from: &str, to: &str, words: &[&str]| premises.look(from, to).say("vault", "trouble", words);
    vault(&sesame, &other, &["refuses the login", "docs/deploy/vault-keys.md"]);
    premises.vault.ask("deny");
    vault("", "", &["policy does not let", "with this mount and prefix"]);
    premises.vault.ask("allow");
    premises.vault.ask("export sceau-sealing");
    vault("", "", &["sceau-sealing", "another prefix"]);
    premises.vault.ask("seal");
    vault("", "", &["is sealed", "unseal it"]);
    let away = format!("https://localhost:{}", free_port());
    let found = premises.look(&format!("https://localhost:{}", premises.vault.port()), &away);
    found.say("reach", "trouble", &["the Vault", "nobody listens there"]);
    let stranger = OwnAuthority::found(&premises.scratch.join("stranger"));
    let root = path(&premises.authority.root());
    let found = premises.look(&root, &path(&stranger.root()));
    found.say("certificate", "trouble", &["the Vault", "no authority that is trusted here issued it"]);
    found.say("certificate", "trouble", &["the mail server", "no authority that is trusted here issued it"]);
    assert_eq!((found.of_check("vault"), found.of_check("mail")), (0, 0), "nobody is told a secret");

    // With the mail server, with one daemon of two, and with what is named and not there.
    premises.mail.ask("login");
    premises.look("", "").say("mail", "trouble", &["refuses the login (535)"]);
    premises.look("\"starttls\"", "\"implicit\"").say(
        "reach",
        "trouble",
        &["the mail server", "not with TLS"],
    );
    premises.clamd[0].fall();
    let (fallen, found) = (premises.clamd[0].address().to_string(), premises.look("", ""));
    found.say("antivirus", "trouble", &[&fallen, "start clamav-daemon"]);
    found.say("antivirus", "well", &["answers at"]);
    let gone = path(&premises.scratch.join("gone.pem"));
    let found =
        premises.look(&format!("client_anchors = [{root:?}]"), &format!("client_anchors = [{gone:?}]"));
    found.say("policy", "trouble", &["client_anchors", "gone.pem"]);
}

#[test]
fn a_mail_server_without_tls_is_told_nothing() {
    let scratch = Scratch::new("doctor-clear-mail");
    let shown = OwnAuthority::found(&scratch.join("authority")).server("mail", &["localhost"]);
    let mail = StandIn::start("servers_smtp.py", &[&path(&shown.chain), &path(&shown.key), "clear"]).unwrap();
    let settings = scratch.write(
        "platform.toml",
        format!(
            "[mail]\nkind = \"smtp\"\nhost = \"localhost\"\nport = {}\ntls = \"starttls\"\nfrom = \"Sceau <a@b.example>\"\n",
            mail.port()
        ),
    );
    let found = looked(["--config", &path(&settings)]);
    found.say("reach", "trouble", &["the mail server", "not with TLS", "how TLS begins there"]);
    assert_eq!(found.of_check("mail"), 0, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_asked_for_by_its_own_credentials() {
    let mut house = House::start("doctor-connector");
    let administrator = house.administrator().await;
    let mut connected = Connected::found(&house, &administrator, "Métropole d’essai").await;
    let clamd = ClamavJudge::start("").unwrap();
    let antivirus = format!("[antivirus]\nclamd = [\"{}\"]\n", clamd.address());
    // It writes the settings; it is not started.
    drop(Connected::program_with(&house, &[&connected], &antivirus));
    let config = path(&house.scratch.join("connector.toml"));
    let look = || looked(["--connector", &config]);
    let well = look();
    assert!(well.troubles().is_empty(), "{well:#?}");
    well.say("connector", "well", &["the platform knows its client"]);
    well.say("connector", "well", &["the key manager granted its certificate"]);
    well.say("certificate", "well", &["the key manager at cles.localhost"]);
    assert_eq!(well.of_check("antivirus"), 1);

    connected.revoke().await;
    look().say("connector", "trouble", &["the key manager", "page Connectors", "fingerprint"]);
    let secret = format!("{}.secret", connected.premises.organisation);
    house.scratch.write(&secret, "another secret");
    let found = look();
    found.say("connector", "trouble", &["the platform knows no such client id or secret", "page Connectors"]);
    assert!(!format!("{found:?}").contains("another secret"));
    drop((house.platform.take(), connected.premises.key_manager.take()));
    let found = look();
    found.say("reach", "trouble", &["the platform", "nobody listens there"]);
    found.say("reach", "trouble", &["the key manager", "nobody listens there"]);
    std::fs::write(&config, "organisation = []\nplatfrom = 1\n").unwrap();
    look().say("connector", "trouble", &["platfrom", "mend that line"]);
}
