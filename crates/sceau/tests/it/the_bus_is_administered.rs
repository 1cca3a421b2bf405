//! `sceau bus`: the definitions that a broker imports, what was not delivered, and one tried again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use sceau_store::{Clock, Database, ManualClock, Outbox, RetryPolicy};
use serde_json::{Value, json};

use crate::support::Desk;

/// Settings of a bus with two companies, one of which has no password here.
fn settings() -> Desk {
    let desk = Desk::new();
    let secret = |name: &str, text: &str| {
        desk.write(name, text.as_bytes());
        fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        desk.path(name).display().to_string()
    };
    let (own, alpha) = (secret("own", "the platform's own secret"), secret("alpha", "alpha's own secret"));
    let ca = secret("ca.pem", "");
    let text = format!(
        "[bus]\naddress = \"amqps://sceau@bus.example.org\"\npassword_file = \"{own}\"\nca_file = \"{ca}\"\n\
         [[bus.companies]]\nname = \"alpha\"\nlogin = \"hr-alpha\"\npassword_file = \"{alpha}\"\nlimit = 1000\n\
         [[bus.companies]]\nname = \"beta\"\nlogin = \"hr-beta\"\n"
    );
    desk.write("platform.toml", text.as_bytes());
    fs::set_permissions(desk.path("platform.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    desk
}

#[test]
fn definitions_hold_what_the_broker_needs_and_no_password() {
    let desk = settings();
    let ran = desk.run(&["bus", "definitions", "--config", "platform.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let text = ran.text();
    assert!(!text.contains("own secret"), "hashes only");
    let found: Value = serde_json::from_str(&text).unwrap();
    let names = |of: &str| -> Vec<&str> {
        let all = found[of].as_array().unwrap();
        all.iter().map(|one| one["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("vhosts"), ["mob.alpha"], "whoever has no password gets nothing");
    assert_eq!(names("users"), ["sceau", "hr-alpha"]);
    assert_eq!(names("exchanges"), ["mob.headers"]);
    let queues =
        ["mob.subscriptions.put.alpha", "mob.subscriptions.status.alpha", "mob.subscriptions.dead.alpha"];
    assert_eq!(names("queues"), queues);
    let own = found["permissions"].as_array().unwrap().iter().find(|one| one["user"] == "hr-alpha").unwrap();
    assert_eq!((&own["configure"], &own["vhost"]), (&json!("^$"), &json!("mob.alpha")));
}

#[test]
fn without_a_bus_or_with_a_password_that_others_read_it_says_so() {
    let desk = settings();
    fs::set_permissions(desk.path("alpha"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = desk.run(&["bus", "definitions", "--config", "platform.toml"]);
    assert!(ran.code != 0 && !ran.stderr.contains("own secret"), "{}", ran.stderr);
    desk.write("none.toml", b"");
    fs::set_permissions(desk.path("none.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    let ran = desk.run(&["bus", "definitions", "--config", "none.toml"]);
    assert!(ran.code != 0 && ran.stderr.contains("[bus]"), "{}", ran.stderr);
}

#[test]
fn dead_letters_are_listed_without_their_contents_and_tried_again() {
    let desk = Desk::new();
    fs::create_dir(desk.path("data")).unwrap();
    let listed = ["bus", "dead-letters", "--data", "data"];
    // The platform's tables, made by the program itself.
    let none = desk.run(&listed);
    assert_eq!((none.code, none.text().as_str()), (0, ""), "a script reads no letter");
    assert!(none.stderr.contains("there are no dead letters"), "and a person is told so: {}", none.stderr);
    let tables = [
        sceau_store::MIGRATIONS,
        sceau_accounts::MIGRATIONS,
        sceau_dossiers::MIGRATIONS,
        sceau_protect::MIGRATIONS,
        sceau_keyrings::MIGRATIONS,
    ]
    .concat();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let open = async || {
        let database = Database::open(&desk.path("data/records.db"), &tables).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_800_000_000_000));
        (database.clone(), Outbox::new(database, clock, RetryPolicy::default()))
    };
    let id = runtime.block_on(async {
        let (database, outbox) = open().await;
        let mut transaction = database.begin().await.unwrap();
        let payload = json!({"company": "alpha", "message": "Durand"});
        let id =
            outbox.bury(&mut transaction, "mob_bus", &payload, "refused: no queue takes it").await.unwrap();
        transaction.commit().await.unwrap();
        database.close().await;
        id
    });
    let ran = desk.run(&listed);
    assert!(!ran.text().contains("Durand"));
    let letter: Value = serde_json::from_str(&ran.text()).unwrap();
    let expected = json!({
        "id": id, "topic": "mob_bus", "created": 1_800_000_000_000_u64, "attempts": 1, "reason": "refused: no queue takes it",
    });
    assert_eq!(letter, expected);
    let replayed = desk.run(&["bus", "replay", "--data", "data", &id]);
    assert_eq!(replayed.json(), json!({ "replayed": id }));
    assert_eq!(desk.run(&listed).text(), "");
    let again = desk.run(&["bus", "replay", "--data", "data", &id]);
    assert!(again.code != 0 && again.stderr.contains("there is no dead letter"), "{}", again.stderr);
    let waiting = runtime.block_on(async { open().await.1.standing().await.unwrap() });
    assert_eq!((waiting[0].waiting, waiting[0].dead), (1, 0), "the platform delivers it");
}
