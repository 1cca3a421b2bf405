//! The keys of an organisation may be known to somebody: it withdraws them, its key manager seals what was deposited to the new key, the old one is
//! destroyed, and everything is still there to read.

use std::time::Duration;

use sceau_client::{Document, Person, ReadingPage, Scheme, Server};
use sceau_element_api::DossierId;
use sceau_tests::{House, Premises, Program, Stage, now_ms, publish_scheme};
use serde_json::{Value, json};
use tokio::time::interval;

async fn deposit(citizen: &Person, scheme: &Scheme, contents: [&[u8]; 2]) -> DossierId {
    let document = |(name, content): (&str, &[u8])| Document {
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        content: content.to_vec(),
    };
    let [first, second] = contents;
    let documents = [("pièce.pdf", first), ("suite.pdf", second)].map(document);
    let deposited = citizen.deposit(scheme, &Stage::answers(), &documents, now_ms(), &mut |_| {}).await;
    deposited.unwrap().dossier
}

async fn until_rewrapped(administration: &Server) -> Value {
    let mut turns = interval(Duration::from_millis(100));
    for _ in 0..600 {
        turns.tick().await;
        let shown: Value = administration.get("/v1/keys").await.unwrap();
        if shown["rewrapped"]["running"] == false {
            // It may have ended after this answer counted what is open.
            return administration.get("/v1/keys").await.unwrap();
        }
    }
    panic!("it goes on for ever");
}

/// `sceau keymanager` for the one that runs.
fn ask(house: &House, premises: &Premises, command: &[&str]) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let certificate = house.scratch.write("administrator.pem", text(premises.administrator_certificate()));
    let authority = house.scratch.write("authority.pem", text(premises.authority()));
    let program =
        Program::sceau("keymanager").args(command).args(["--at", &premises.address(), "--certificate"]);
    program.arg(certificate).arg("--authority").arg(authority).run().success().text()
}

fn encrypt_keys(shown: &Value) -> Vec<(String, String, u64)> {
    let keys = shown["keys"].as_array().unwrap().iter().filter(|key| key["use"] == "encrypt");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    keys.map(|key| (text(&key["key_id"]), text(&key["state"]), key["open_dossiers"].as_u64().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_withdrawal_dossiers_open_with_the_new_key_alone() {
    let house = House::start("rewrap");
    let administrator = house.administrator().await;
    let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
    premises.start_key_manager(&house);
    let scheme = publish_scheme(&staff.chief).await;
    let citizen = house.citizen("cleo@example.org").await;
    let large = vec![7; 2_500_000];
    let open = deposit(&citizen, &scheme, [b"what was sent", &large]).await;
    let decided = deposit(&citizen, &scheme, [b"and accepted", b"long ago"]).await;
    let trust = premises.officer_trust();
    let read = async |dossier| {
        let link = staff.officer.ticket(dossier).await.unwrap();
        ReadingPage::open(&link, &house.origin, &trust, citizen.log_key()).await.unwrap()
    };
    read(decided).await.decide("accepted", "Complet.").await.unwrap();
    let administration = premises.administration();

    let rotate = ["rotate", "--now", "--reason", "suspected"];
    let withdrawn: Value = serde_json::from_str(&ask(&house, &premises, &rotate)).unwrap();
    let (old, state, needed) = encrypt_keys(&withdrawn).remove(0);
    assert_eq!((state.as_str(), needed), ("withdrawn", 2));
    let destroy = format!("/v1/keys/{old}/destroy");
    let refused = administration.post::<_, Value>(&destroy, &json!({})).await.unwrap_err();
    assert_eq!(refused.code(), Some("key_needed"), "it is needed");

    let _: Value = administration.post("/v1/keys/rewrap", &json!({})).await.unwrap();
    let shown = until_rewrapped(&administration).await;
    assert_eq!((&shown["rewrapped"]["done"], &shown["rewrapped"]["failed"]), (&json!(2), &json!([])));
    let of = encrypt_keys(&shown);
    assert_eq!((of[0].2, of[1].2), (0, 2), "{of:?}");
    // Again, from the command line, while it runs: nothing is left to do.
    let again: Value = serde_json::from_str(&ask(&house, &premises, &["rewrap"])).unwrap();
    assert_eq!((&again["rewrapped"]["found"], &again["rewrapped"]["running"]), (&json!(0), &json!(false)));
    let listed = ask(&house, &premises, &["keys"]);
    assert!(listed.contains("withdrawn") && listed.contains(&old[..16]), "{listed}");

    let destroyed: Value = administration.post(&destroy, &json!({})).await.unwrap();
    assert_eq!(encrypt_keys(&destroyed)[0].1, "destroyed");
    let page = read(open).await.read().await.unwrap();
    let contents: Vec<&[u8]> = page.files.iter().map(|file| file.content.as_slice()).collect();
    assert!(contents.contains(&b"what was sent".as_slice()) && contents.contains(&large.as_slice()));
    assert_eq!(read(decided).await.read().await.unwrap().files.len(), 3);
    // The depositor is told, in the organisation's own word.
    let dossier: Value = citizen.server().get(&format!("/v1/dossiers/{open}")).await.unwrap();
    let line = |line: &&Value| line["action"] == "rewrap.outcome" && line["outcome"] == "granted";
    let told = dossier["timeline"].as_array().unwrap().iter().find(line).unwrap();
    assert_eq!(told["actor_role"], "key_manager");
    // Further deposits and a decision go on as before.
    assert_eq!(read(open).await.decide("accepted", "Complet.").await.unwrap()["delivered"], true);
    let status: Value = administration.get("/v1/status").await.unwrap();
    assert_eq!(status["alarms"], json!([]));
}
