//! `kill -9` in the middle of readings and decisions, again and again: what was acknowledged is in the trace and reaches the platform, once.

use std::process::Stdio;
use std::sync::Arc;

use sceau_keymanager::{KeyManager, Settings};
use sceau_store::ManualClock;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::support::world::{AssertWell as _, Stopped, unlock};
use crate::support::{Browser, START, SealedDossier, World};

const FOLDER: &str = "SCEAU_TEST_KEY_MANAGER";
const PORT: &str = "SCEAU_TEST_PORT";

/// The process that is killed: this test binary, running this alone.
#[tokio::test]
#[ignore = "the other test starts it"]
async fn process() {
    let folder = std::path::PathBuf::from(std::env::var(FOLDER).expect("started by the other test"));
    let clock = Arc::new(ManualClock::at(START));
    let manager =
        KeyManager::open(&folder.join("data"), &unlock(&folder), Settings::default(), clock).await.unwrap();
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    println!("\nready");
    manager.serve(listener, std::future::pending()).await.unwrap();
}

async fn start(stopped: &Stopped) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill_minus_nine_loses_nothing::process", "--ignored", "--nocapture"])
        .env(FOLDER, stopped.folder.path())
        .env(PORT, stopped.port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().expect("it begins to serve") != "ready" {}
    // Whatever it writes later has somewhere to go.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

/// Asks for eight readings at once, kills after `answers` of them, and gives the positions that were acknowledged.
async fn read_and_kill(
    stopped: &Stopped,
    officer: &Browser,
    dossier: &SealedDossier,
    answers: usize,
) -> Vec<u64> {
    let mut child = start(stopped).await;
    let mut asked = JoinSet::new();
    for _ in 0..8 {
        let (officer, request) = (officer.clone(), dossier.request());
        asked.spawn(async move { officer.try_post("/v1/unwrap", &request).await });
    }
    let mut acknowledged = Vec::new();
    while let Some(answer) = asked.join_next().await {
        acknowledged.extend(answer.unwrap().map(|answer| answer.json()["record_index"].as_u64().unwrap()));
        if acknowledged.len() == answers {
            child.kill().await.unwrap();
        }
    }
    child.kill().await.unwrap();
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_is_there() {
    let world = World::connected().await;
    let (officer, _) = world.officer().await;
    let dossier = SealedDossier::deposit(&world);
    let undecided: Vec<SealedDossier> = (0..3).map(|_| SealedDossier::deposit(&world)).collect();
    let stopped = world.stop();
    drop(stopped.open(Settings::default()).await.unwrap());

    let mut acknowledged = Vec::new();
    for answers in [1, 2, 4, 7] {
        acknowledged.extend(read_and_kill(&stopped, &officer, &dossier, answers).await);
    }
    // Decisions, the platform away: kept by the process that dies right after its answer.
    stopped.platform.misbehave(crate::support::Bad::Away);
    for dossier in &undecided {
        let mut child = start(&stopped).await;
        let answer = officer.post("/v1/decisions", &dossier.decision("accepted", "Complet.")).await;
        assert_eq!(answer.json()["delivered"], false);
        child.kill().await.unwrap();
    }
    stopped.platform.misbehave(None);

    let world = stopped.start(Settings::default()).await;
    let shown = world.administrator().await.get("/v1/records").await.json();
    assert!(acknowledged.len() >= 14, "{acknowledged:?}");
    for index in &acknowledged {
        let record = shown.as_array().unwrap().iter().find(|each| each["index"] == *index).unwrap();
        assert_eq!(
            (&record["record"]["action"], &record["record"]["outcome"]),
            (&"unwrap.outcome".into(), &"granted".into())
        );
    }
    let mut distinct = acknowledged.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), acknowledged.len(), "no position was given twice");
    world.clock.advance(60_000);
    world.manager.tick().await.assert_well();
    let inside = world.platform.lock();
    assert_eq!(inside.decisions.len(), 3);
    let outcomes =
        inside.records.iter().filter(|record| record.action().as_str() == "unwrap.outcome").count();
    assert!(outcomes >= acknowledged.len());
}
