//! Two processes of one platform on one PostgreSQL serve the same people: nothing is lost and nothing is done twice, when requests go to either,
//! when the server of the database crashes, and when one of the two is killed while it holds a turn or has claimed a letter.

use futures::future::join_all;
use sceau_element_api::DossierId;
use sceau_element_api::documents::{Manifest, Outcome};
use sceau_tests::{
    Balancer, Door, Draft, House, Program, Records, Running, Side, Stage, attests, free_port, is_write,
    now_ms, struck,
};
use serde_json::Value;
use tokio::net::TcpListener;

/// A stage on PostgreSQL behind a balancer that gives requests to the platform only.
async fn shared_stage(name: &str) -> (Stage, Balancer) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let house = House::start_on_postgresql(name, listener.local_addr().unwrap().port());
    let balancer = Balancer::open(listener, [house.port()]);
    (Stage::in_house(house).await, balancer)
}

/// A second process, which calls the element through `door`, if there is one.
fn second(stage: &mut Stage, door: Option<&std::path::Path>) -> (Running, u16) {
    let port = free_port();
    stage.house.door = door.map(ToOwned::to_owned);
    let running = stage.house.another_platform_with("sceau-second", port, &["--threads", "1"]);
    stage.house.door = None;
    (running, port)
}

async fn ready(stage: &Stage) -> (DossierId, Manifest) {
    let draft = Draft::begin(stage).await;
    let (document, answers) = draft.send_all(b"what two processes keep").await;
    (draft.id, draft.manifest(&document, &answers))
}

/// How many granted records of an action the log has of a dossier.
async fn granted(stage: &Stage, action: &str, dossier: DossierId) -> usize {
    let dossier = dossier.to_string();
    let records = stage.trace().await;
    let these = records.iter().filter(|record| {
        record.action().as_str() == action
            && record.outcome() == sceau_trace::Outcome::Granted
            && record.subjects().iter().any(|subject| subject.id == dossier)
    });
    these.count()
}

fn about(letters: &[String], words: &str) -> usize {
    letters.iter().filter(|letter| letter.replace("=\r\n", "").contains(words)).count()
}

const DEPOSITED: &str = "has been deposited and sealed";
const WAITING: &str = "/organisation";
const ACCEPTED: &str = "has accepted your request";

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_a_reading_and_a_decision_go_to_either_process() {
    const DEPOSITS: usize = 6;
    let (mut stage, balancer) = shared_stage("two-platforms").await;
    let (_second, port) = second(&mut stage, None);
    balancer.turn_to([stage.house.port(), port]);

    // Sign-ins begin in one process and end in the other, and so does each deposit.
    let latecomer = stage.house.citizen("lea@example.org").await;
    latecomer.server().get::<Value>("/v1/me").await.unwrap();
    let (_, officer) =
        stage.house.staff(&stage.administrator, stage.organisation.enrolled.organisation).await;
    officer.server().get::<Value>("/v1/me").await.unwrap();
    let sent = join_all((0..DEPOSITS).map(async |_| {
        let (id, manifest) = ready(&stage).await;
        let draft = Draft::resume(&stage, id).await;
        // Whoever is impatient sends it twice, and reaches both.
        let (left, right) = tokio::join!(draft.submit(&manifest), draft.submit(&manifest));
        let (left, right) = (left.unwrap(), right.unwrap());
        assert_eq!(left["index"], right["index"]);
        sceau_client::trust::verify(&left, stage.citizen.log_key()).unwrap();
        (id, manifest)
    }));
    let sent = sent.await;

    let decisions = sent.iter().map(async |(id, manifest)| {
        let reading = stage.reading(*id).await;
        let bundle: Value = reading.get(&format!("/v1/reading/{id}/bundle")).await.unwrap();
        assert_eq!(bundle["state"], "submitted");
        let decision = stage.decision(&serde_json::to_vec(manifest).unwrap(), Outcome::Accepted, now_ms());
        let machine = &stage.organisation.machine;
        let (left, right) =
            tokio::join!(machine.deliver_decision(&decision), machine.deliver_decision(&decision));
        assert_eq!(left.unwrap()["index"], right.unwrap()["index"]);
    });
    join_all(decisions).await;

    for (id, _) in &sent {
        for (action, count) in [("deposit.complete", 1), ("decision", 1), ("ticket.exchange", 1)] {
            assert_eq!(granted(&stage, action, *id).await, count, "{action}");
        }
        let view: Value = stage.citizen.server().get(&format!("/v1/dossiers/{id}")).await.unwrap();
        assert_eq!(view["state"], "accepted");
    }
    let letters = stage.house.letters().await;
    for words in [DEPOSITED, WAITING, ACCEPTED] {
        assert_eq!(about(&letters, words), DEPOSITS, "{words}");
    }
    assert!(balancer.answered(port) > 5 * DEPOSITS, "the second took its part");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_crashes_in_the_middle_of_a_deposit() {
    let (mut stage, _balancer) = shared_stage("database-crash").await;
    let mut server = stage.house.servers.postgresql.take().unwrap();
    let settings = stage.house.scratch.join("platform.toml");
    let doctor = Program::sceau("doctor").args(["--json", "--config"]).arg(settings).run().text();
    assert!(doctor.contains("PostgreSQL 1") && doctor.contains("answers at"), "{doctor}");
    let draft = Draft::begin(&stage).await;
    let (document, answers) = (draft.seal(&[7; 1_500_000]), draft.seal(br#"{"income":18500}"#));
    draft.send(&answers).await.unwrap();
    draft.send_header(&document).await.unwrap();
    let mut restart = || {
        server.crash().unwrap();
        server.go_on().unwrap();
    };
    restart();
    draft.send_part(&document, 0).await.unwrap();
    restart();
    assert_eq!(draft.arrived(&document).await, [0], "what was acknowledged is there");
    draft.send_part(&document, 1).await.unwrap();
    let manifest = draft.manifest(&document, &answers);

    // It crashes while the submission is under way, wherever that is, and is away for a while.
    let id = draft.id;
    let submitted = draft.submit(&manifest);
    let crashed = tokio::task::spawn_blocking(move || {
        server.crash().unwrap();
        server.go_on().unwrap();
        server
    });
    let (submitted, server) = tokio::join!(submitted, crashed);
    let server = server.unwrap();
    if let Err(error) = &submitted {
        assert_eq!(error.code(), Some("database_unavailable"), "who cannot be answered is told why");
    }
    let receipt = draft.submit(&manifest).await.unwrap();
    sceau_client::trust::verify(&receipt, stage.citizen.log_key()).unwrap();
    if let Ok(first) = submitted {
        assert_eq!(first["index"], receipt["index"]);
    }
    assert_eq!(draft.state().await, "submitted");
    stage.house.servers.postgresql = Some(server);
    assert_eq!(granted(&stage, "deposit.complete", id).await, 1);
    let letters = stage.house.letters().await;
    assert_eq!((about(&letters, DEPOSITED), about(&letters, WAITING)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_in_its_turn_leaves_it_to_the_other() {
    let (mut stage, balancer) = shared_stage("killed-in-turn").await;
    let path = stage.house.scratch.join("run").join("door.sock");
    let door = Door::open(&path, stage.house.socket());
    let (dying, port) = second(&mut stage, Some(&path));
    let (id, manifest) = ready(&stage).await;
    let draft = Draft::resume(&stage, id).await;

    balancer.turn_to([port]);
    let hold = door.hold(|side, asked| side == Side::After && attests(asked, "manifest"));
    let other = balancer.clone();
    let (answer, fell) = struck(hold, draft.submit(&manifest), async |_| {
        // It has the turn, and the element's word that nobody else has heard.
        other.turn_to([stage.house.port()]);
        dying.kill();
    })
    .await;
    assert!(fell && answer.is_err());
    let receipt = draft.submit(&manifest).await.unwrap();
    sceau_client::trust::verify(&receipt, stage.citizen.log_key()).unwrap();
    assert_eq!(draft.state().await, "submitted");
    assert_eq!(granted(&stage, "deposit.complete", id).await, 1);
    let letters = stage.house.letters().await;
    assert_eq!((about(&letters, DEPOSITED), about(&letters, WAITING)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_with_a_letter_leaves_it_to_the_other() {
    let (mut stage, balancer) = shared_stage("killed-with-letter").await;
    let path = stage.house.scratch.join("run").join("door.sock");
    let door = Door::open(&path, stage.house.socket());
    let (dying, port) = second(&mut stage, Some(&path));
    let (first, manifest) = ready(&stage).await;

    // Once the state is attested, nobody but who delivers asks for the depositor's account: for the address.
    let mut settled = false;
    let mut hold = door.hold(move |side, asked| {
        settled |= side == Side::After && attests(asked, "dossier") && is_write(asked);
        settled
            && side == Side::Before
            && asked.pointer("/current/kind").is_some_and(|kind| kind == "account")
    });
    balancer.turn_to([port]);
    let draft = Draft::resume(&stage, first).await;
    {
        let submit = std::pin::pin!(draft.submit(&manifest));
        // Its answer may wait behind the question that is held: one connection carries both.
        tokio::select! {
            () = hold.reached() => {}
            answer = submit => {
                answer.unwrap();
                hold.reached().await;
            }
        }
    }
    let records = Records::open(&stage.house).await;
    let claimed = "SELECT count(*) AS v FROM outbox WHERE claimed_until > 0";
    assert!(records.value::<u64>(claimed, &[]).await >= 1, "the letter is claimed");
    dying.kill();
    drop(hold);

    // As if the time of the claim had passed; the next deposit then wakes who delivers.
    balancer.turn_to([stage.house.port()]);
    records.edit("UPDATE outbox SET claimed_until = 1 WHERE claimed_until > 0", &[]).await;
    let (second, manifest) = ready(&stage).await;
    Draft::resume(&stage, second).await.submit(&manifest).await.unwrap();
    let letters = stage.house.letters().await;
    assert_eq!((about(&letters, DEPOSITED), about(&letters, WAITING)), (2, 2), "each letter once");
}
