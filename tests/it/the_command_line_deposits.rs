//! `sceau deposit`: what goes in comes out, a cut connection is waited for, and a run that was given up goes on where it stopped.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sceau_client::Server;
use sceau_element_api::DossierId;
use sceau_element_api::documents::{Document as _, Manifest};
use sceau_tests::{Finished, House, Program, Stage};
use serde_json::{Value, json};

const EMAIL: &str = "camille@example.org";
const PASSWORD: &str = "quatre mots et un chat";

/// The line between a depositor and the platform: it carries so many more bytes, then cuts whatever comes, so many times.
#[derive(Clone)]
struct Line {
    bytes: Arc<AtomicI64>,
    cuts: Arc<AtomicI64>,
}

impl Line {
    /// A line to the platform of a house that it starts; it carries everything at first.
    fn to_a_new_house(name: &str) -> (Self, House) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let house = House::start_behind(name, listener.local_addr().unwrap().port());
        let line = Self { bytes: Arc::new(i64::MAX.into()), cuts: Arc::new(0.into()) };
        let (carrier, platform) = (line.clone(), house.address().replace("http://", ""));
        std::thread::spawn(move || {
            for depositor in listener.incoming() {
                let platform = TcpStream::connect(&platform).unwrap();
                carrier.carry(depositor.unwrap(), platform);
            }
        });
        (line, house)
    }

    /// Cuts after `bytes`, and `cuts` times altogether before it carries everything again.
    fn cut_after(&self, bytes: i64, cuts: i64) {
        self.cuts.store(cuts, Ordering::SeqCst);
        self.bytes.store(bytes, Ordering::SeqCst);
    }

    fn carry(&self, mut depositor: TcpStream, mut platform: TcpStream) {
        let (mut answers, mut reader) = (platform.try_clone().unwrap(), depositor.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut answers, &mut depositor));
        let line = self.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 16_384];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let left = line.bytes.fetch_sub(read as i64, Ordering::SeqCst) - read as i64;
                if left < 0 {
                    if line.cuts.fetch_sub(1, Ordering::SeqCst) <= 1 {
                        line.bytes.store(i64::MAX, Ordering::SeqCst);
                    }
                    break;
                }
                if platform.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            let _ = (platform.shutdown(Shutdown::Both), reader.shutdown(Shutdown::Both));
        });
    }
}

/// A citizen's desk: files, a password in a file, a home folder.
struct Desk<'a> {
    stage: &'a Stage,
}

impl<'a> Desk<'a> {
    async fn of(stage: &'a Stage) -> Self {
        let form = json!({"email": EMAIL, "name": "Camille", "password": PASSWORD});
        let _: Value = stage.nobody().post("/v1/passwords/register", &form).await.unwrap();
        let password = stage.house.scratch.write("password", PASSWORD);
        let only_me = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(password, only_me).unwrap();
        Self { stage }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.stage.house.scratch.join(name)
    }

    fn deposit(&self, words: &[&str]) -> Finished {
        let home = self.stage.house.scratch.path();
        Program::sceau("deposit")
            .args(["--platform", &self.stage.house.origin, "--scheme", &self.stage.scheme.id.to_string()])
            .args(["--email", EMAIL, "--password-file", "password", "--receipt", "receipt.evidence"])
            .args(["--answer", "price=3200", "--answer", "income=18500"])
            .args(words)
            .within(home)
            .env("XDG_STATE_HOME", home)
            .run()
    }

    /// The content of each file of a dossier but the answers, as its organisation opens them; and the answers.
    async fn opened(&self, dossier: DossierId) -> (Vec<Vec<u8>>, Value) {
        let page = self.stage.reading(dossier).await;
        let bundle: Value = page.get(&format!("/v1/reading/{dossier}/bundle")).await.unwrap();
        let manifest = sceau_element_api::Base64Url::decode(bundle["manifest"].as_str().unwrap()).unwrap();
        let manifest = Manifest::parse(&manifest).unwrap().document;
        let (mut files, mut answers) = (Vec::new(), Value::Null);
        for (place, named) in manifest.files.iter().enumerate() {
            let header = bundle["files"][place]["header"].as_str().unwrap();
            let mut envelope = sceau_element_api::Base64Url::decode(header).unwrap().0;
            for index in 0..named.parts {
                let path = format!("/v1/reading/{dossier}/files/{}/parts/{index}", named.file_id);
                envelope.extend_from_slice(&page.get_bytes(&path).await.unwrap());
            }
            let mut content = Vec::new();
            let key = &self.stage.organisation.recipient;
            let options = sceau_crypto::stream::StreamOptions::new();
            let opened = sceau_crypto::stream::open_stream(envelope.as_slice(), &mut content, key, options);
            if opened.unwrap().metadata.name() == "answers.json" {
                answers = serde_json::from_slice(&content).unwrap();
            } else {
                files.push(content);
            }
        }
        (files, answers)
    }
}

fn content(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|i| (i % 251) as u8).collect()
}

fn told(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|_| panic!("{}", finished.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out_and_leaves_a_receipt() {
    let stage = Stage::set("command-line").await;
    let desk = Desk::of(&stage).await;
    let (large, empty) = (content(3_000_000), Vec::new());
    stage.house.scratch.write("film.mp4", &large);
    stage.house.scratch.write("vide.txt", &empty);
    let done = told(&desk.deposit(&["--json", "--document", "identity=film.mp4", "vide.txt"]).success());
    assert_eq!((&done["asserted"], &done["files"][0]["parts"]), (&json!("platform"), &json!(3)));
    let dossier = done["dossier"].as_str().unwrap().parse().unwrap();
    let (files, answers) = desk.opened(dossier).await;
    assert!(files == [large, empty]);
    assert_eq!(answers, json!({"income": 18500}));
    let log_key = stage.citizen.log_key().to_string();
    let receipt =
        Program::sceau("trace").args(["verify", "receipt.evidence", "--json", "--log-key", &log_key]);
    let receipt = told(&receipt.within(stage.house.scratch.path()).run().success());
    assert_eq!(receipt["record"]["attested"]["hash"], done["manifest_hash"]);
    assert!(!desk.path("sceau-deposit.json").exists(), "nothing is left to go on with");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_is_waited_for() {
    let (line, house) = Line::to_a_new_house("waited-for");
    let stage = Stage::in_house(house).await;
    let desk = Desk::of(&stage).await;
    let large = content(3_000_000);
    stage.house.scratch.write("film.mp4", &large);
    line.cut_after(1_500_000, 2);
    let done = desk.deposit(&["--json", "film.mp4"]).success();
    assert!(done.stderr.contains("trying again in"), "{}", done.stderr);
    let (files, _) = desk.opened(told(&done)["dossier"].as_str().unwrap().parse().unwrap()).await;
    assert!(files == [large]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_was_given_up_goes_on_where_it_stopped() {
    let (line, house) = Line::to_a_new_house("given-up");
    let stage = Stage::in_house(house).await;
    let desk = Desk::of(&stage).await;
    let [first, second] = [content(1_200_000), content(2_400_000)];
    stage.house.scratch.write("first.bin", &first);
    stage.house.scratch.write("second.bin", &second);
    line.cut_after(2_200_000, 1_000_000);
    let cut = desk.deposit(&["--wait", "0", "first.bin", "second.bin"]);
    assert_eq!(cut.code, Some(1), "{}", cut.stderr);
    assert!(cut.stderr.contains("the same command goes on where it stopped"), "{}", cut.stderr);
    let text = std::fs::read_to_string(desk.path("sceau-deposit.json")).unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains("18500"), "neither password nor answers are kept");
    let kept: Value = serde_json::from_str(&text).unwrap();
    line.cut_after(i64::MAX, 0);
    // Another deposit does not take its place unasked.
    let other = desk.deposit(&["--json", "second.bin"]);
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("state_of_another"), "{}", other.stderr);
    let done = told(&desk.deposit(&["--json", "first.bin", "second.bin"]).success());
    assert_eq!(done["dossier"], kept["draft"]["dossier"]);
    assert_eq!(done["files"][0]["file_id"], kept["draft"]["arrived"]["0"]["file_id"]);
    let (files, _) = desk.opened(done["dossier"].as_str().unwrap().parse().unwrap()).await;
    assert!(files == [first, second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_for_good_is_withdrawn() {
    let (line, house) = Line::to_a_new_house("anew");
    let stage = Stage::in_house(house).await;
    let desk = Desk::of(&stage).await;
    stage.house.scratch.write("film.mp4", content(2_400_000));
    stage.house.scratch.write("a.pdf", "a");
    line.cut_after(1_500_000, 1_000_000);
    assert_eq!(desk.deposit(&["--wait", "0", "film.mp4"]).code, Some(1));
    let kept: Value =
        serde_json::from_slice(&std::fs::read(desk.path("sceau-deposit.json")).unwrap()).unwrap();
    line.cut_after(i64::MAX, 0);
    let done = told(&desk.deposit(&["--json", "--anew", "a.pdf"]).success());
    let mine: Vec<Value> = signed_in(&stage).await.get("/v1/dossiers").await.unwrap();
    let state = |id: &Value| mine.iter().find(|dossier| dossier["id"] == *id).map(|d| d["state"].clone());
    assert_ne!(done["dossier"], kept["draft"]["dossier"]);
    assert_eq!(state(&done["dossier"]), Some(json!("submitted")), "{mine:?}");
    assert_eq!(state(&kept["draft"]["dossier"]).unwrap_or(json!("withdrawn")), json!("withdrawn"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deposited_is_said_before_anything_is_sent() {
    let stage = Stage::set("said-before").await;
    let desk = Desk::of(&stage).await;
    stage.house.scratch.write("a.pdf", "a");
    let refused = |words: &[&str], code: i32, stable: &str| {
        let ran = desk.deposit(&[&["--json"], words].concat());
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let last: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
        assert_eq!(last["code"], stable, "{}", ran.stderr);
    };
    refused(&[], 2, "document_missing");
    refused(&["missing.pdf"], 2, "no_such_file");
    refused(&["--document", "invoice=a.pdf"], 2, "document_unknown");
    refused(&["--answer", "colour=red", "a.pdf"], 2, "answer_unknown");
    stage.house.scratch.write("password", "un autre mot de passe");
    refused(&["a.pdf"], 4, "credentials_refused");
    // The first deposit remembered it.
    stage.house.scratch.write("sceau/known-logs.json", json!({&stage.house.origin: other_log()}).to_string());
    refused(&["a.pdf"], 5, "unproven");
    let mine: Vec<Value> = signed_in(&stage).await.get("/v1/dossiers").await.unwrap();
    assert!(mine.is_empty());
}

fn other_log() -> String {
    let public = *sceau_crypto::SigningKey::generate().verifying_key().as_bytes();
    let key =
        sceau_trace::VerifierKey::new("test.sceau.localhost/log", sceau_trace::KeyKind::Ed25519, public);
    key.unwrap().to_string()
}

async fn signed_in(stage: &Stage) -> Server {
    let server = stage.nobody();
    let form = json!({"email": EMAIL, "password": PASSWORD});
    let _: Value = server.post("/v1/passwords/login", &form).await.unwrap();
    server
}
