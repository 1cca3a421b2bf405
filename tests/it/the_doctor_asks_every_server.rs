//! `sceau doctor` before an installation on real servers: all is well; then each server is spoilt in turn, and it says which, why, and what to do.

use sceau_tests::{Findings, House, MobStage, OwnAuthority, Program, Scanned, free_port};

/// A look at a house and the servers of its settings.
fn looking(house: &House) -> Program {
    Program::sceau("doctor")
        .arg("--config")
        .arg(house.scratch.join("platform.toml"))
        .arg("--data")
        .arg(house.scratch.join("platform"))
        .arg("--element")
        .arg(house.socket())
}

fn path(path: &std::path::Path) -> String {
    path.display().to_string()
}

#[test]
fn all_is_well_and_each_server_that_is_not_is_named_with_why() {
    let mut house = House::start_on_servers("doctor");
    let whole = looking(&house).args(["--platform", &house.origin]);
    let well = Findings::said_by(&whole);
    assert!(well.troubles().is_empty(), "{well:#?}");
    // Four servers show a certificate or have a file of who issued it; all that say a time have ours.
    assert!(well.of_check("certificate") >= 6 && well.of_check("clock") >= 3, "{well:#?}");
    for check in ["settings", "objects", "mail", "records", "element", "platform", "space"] {
        assert_eq!(well.of_check(check), 1, "{check}: {well:#?}");
    }
    well.say("element", "well", &[concat!(env!("CARGO_PKG_VERSION"), " answers at")]);

    // Each server that says its time is told from ours.
    let late = Findings::said_by(&whole.clone().at_time("+5m"));
    for server in ["PostgreSQL at", "the object store", "the platform"] {
        late.say("clock", "trouble", &["seconds ahead of", server, "timedatectl"]);
    }
    late.say("records", "well", &["PostgreSQL"]);

    // Another authority than the one that issued their certificates.
    let stranger = OwnAuthority::found(&house.scratch.join("stranger"));
    let own = house.servers.authority.as_ref().unwrap().root();
    let settings = std::fs::read_to_string(house.scratch.join("platform.toml")).unwrap();
    house.scratch.write("platform.toml", settings.replace(&path(&own), &path(&stranger.root())));
    let found = Findings::said_by(&looking(&house));
    for server in ["PostgreSQL", "the object store", "the mail server"] {
        let words = [server, "no authority that is trusted here issued it", "put the root"];
        found.say("certificate", "trouble", &words);
    }
    let asked = ["records", "objects", "mail"].map(|check| found.of_check(check));
    assert_eq!(asked, [0; 3], "who cannot be believed is told no password: {found:#?}");

    // Another password than theirs.
    let secret = house.scratch.write("wrong.password", "another password");
    let wrong = ["database.password", "store.secret", "mail.password"]
        .iter()
        .fold(settings.clone(), |text, name| text.replace(&path(&house.scratch.join(name)), &path(&secret)));
    house.scratch.write("platform.toml", wrong);
    let found = Findings::said_by(&looking(&house));
    found.say("records", "trouble", &["password authentication failed", "docs/deploy/postgresql.md"]);
    found.say("mail", "trouble", &["refuses the login (535)", "docs/deploy/smtp.md"]);
    assert!(!format!("{found:?}").contains("another password"), "no password is repeated");

    // Another bucket than the one that is there.
    assert!(settings.contains("bucket = \"sceau\""), "{settings}");
    house.scratch.write("platform.toml", settings.replace("bucket = \"sceau\"", "bucket = \"elsewhere\""));
    let found = Findings::said_by(&looking(&house));
    found.say("objects", "trouble", &["docs/deploy/s3.md"]);
    house.scratch.write("platform.toml", &settings);

    // Nobody listens; somebody refuses; a list is over.
    house.servers.s3 = None;
    house.servers.smtp.as_ref().unwrap().ask("login");
    house.servers.postgresql.as_mut().unwrap().stop().unwrap();
    let certificate = house.scratch.write("broken.pem", "no certificate");
    let found = Findings::said_by(&looking(&house).arg("--certificate").arg(certificate));
    found.say("reach", "trouble", &["the object store", "nobody listens there", "start it"]);
    found.say("reach", "trouble", &["PostgreSQL", "nobody listens there"]);
    found.say("mail", "trouble", &["refuses the login (535)"]);
    found.say("certificate", "trouble", &["broken.pem", "PEM"]);
    house.servers.postgresql.as_mut().unwrap().go_on().unwrap();
    house.element.take().unwrap().stop();
    let found = Findings::until(&whole, "platform", "trouble", &["is not well: element", "--allow-user"]);
    found.say("element", "trouble", &["does not answer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_mobs_host_and_the_key_manager_are_asked() {
    let mut stage = MobStage::start("doctor-mob").await;
    let authorities = stage.authority.clone() + &String::from_utf8_lossy(stage.premises.authority());
    let anchors = path(&stage.house.scratch.write("anchors.pem", authorities));
    let address = stage.premises.address();
    let whole = looking(&stage.house).args(["--anchors", &anchors, "--key-manager", &address]);
    let well = Findings::said_by(&whole);
    assert!(well.troubles().is_empty(), "{well:#?}");
    well.say("bus", "well", &["the broker lets us into mob.simulation-sirh"]);
    well.say("certificate", "well", &["the broker at localhost", "valid for"]);
    well.say("mob", "well", &[&stage.url, "antivirus, database, element"]);
    well.say("mob", "notice", &["gives up integrity, plaintext, preflight", "docs/mob-2022.md"]);
    well.say("mob", "notice", &["files of the platform's user", "PostgreSQL"]);
    well.say("certificate", "well", &["the key manager at cles.localhost"]);
    assert_eq!(well.of_check("key_manager"), 1, "{well:#?}");
    let late = Findings::said_by(&whole.clone().at_time("-5m"));
    late.say("clock", "trouble", &["seconds behind the key manager"]);
    late.say("clock", "trouble", &["seconds behind MOB's host"]);

    // Roles fall.
    stage.clamd.fall();
    stage.premises.key_manager = None;
    let found = Findings::until(&whole, "mob", "trouble", &["is not well: antivirus", "start clamav-daemon"]);
    found.say("reach", "trouble", &["the key manager", "nobody listens there"]);

    // The broker: a virtual host that it does not have, another password, another authority, away.
    let settings = std::fs::read_to_string(stage.house.scratch.join("platform.toml")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(settings.contains(from), "{from}");
        stage.house.scratch.write("platform.toml", settings.replace(from, to));
        Findings::said_by(&looking(&stage.house))
    };
    let another = "[[bus.companies]]\nname = \"beta\"\nlogin = \"hr-beta\"\n[mob]";
    with("[mob]", another).say("bus", "trouble", &["mob.beta", "sceau bus definitions"]);
    let secret = path(&stage.house.scratch.write("wrong.secret", "another password"));
    let own = path(&stage.house.scratch.join("bus.secret"));
    with(&own, &secret).say(
        "bus",
        "trouble",
        &["mob.simulation-sirh", "password", "docs/deploy/rabbitmq.md"],
    );
    let found = with(&path(&stage.rabbit.authority_file()), &path(&stage.house.scratch.join("mob-ca.pem")));
    found.say("certificate", "trouble", &["the broker", "no authority that is trusted here issued it"]);
    assert_eq!(found.of_check("bus"), 0, "it is told no password: {found:#?}");
    let port = format!("@localhost:{}", stage.rabbit.port());
    let found = with(&port, &format!("@localhost:{}", free_port()));
    found.say("reach", "trouble", &["the broker", "nobody listens there"]);
}

#[tokio::test]
async fn the_intake_that_the_platform_names_is_asked() {
    let mut scanned = Scanned::start("doctor-intake", "");
    let element = path(&scanned.house.socket());
    let look = ["--data", "/nowhere", "--element", &element, "--platform", &scanned.house.origin];
    let look = Program::sceau("doctor").args(look);
    let well = Findings::said_by(&look);
    assert!(well.troubles().is_empty(), "{well:#?}");
    well.say("intake", "well", &[&scanned.url, "antivirus"]);
    scanned.clamd.fall();
    Findings::until(&look, "intake", "trouble", &["is not well: antivirus", "start clamav-daemon"]);
    scanned.intake = None;
    let found = Findings::said_by(&look);
    found.say("intake", "trouble", &["does not answer", "start it"]);
    found.say("reach", "trouble", &["the intake", "nobody listens there"]);
}
