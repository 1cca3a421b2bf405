//! `sceau trace verify`: evidence and whole logs, good and forged, from a folder and over HTTP.

use std::fs;

use sceau_crypto::SigningKey;
use sceau_trace::{
    Action, Actor, ActorKind, Asserted, Attested, AttestedRows, Bundle, Checkpoint, CheckpointError,
    Evidence, Hash, KeyKind, LogTree, Record, StateEntry, Tile, VerifiedCheckpoint, VerifierKey,
    inclusion_proof, leaf_hash, sha256,
};

use crate::support::Desk;

/// A log in memory, which may also lie.
struct Log {
    signer: SigningKey,
    key: VerifierKey,
    entries: Vec<Vec<u8>>,
    tree: LogTree,
    rows: AttestedRows,
    scheme: Option<StateEntry>,
}

impl Log {
    fn new() -> Self {
        let signer = SigningKey::generate();
        let public = *signer.verifying_key().as_bytes();
        let key = VerifierKey::new("log.example.org/log", KeyKind::Ed25519, public).unwrap();
        let (tree, rows) = (LogTree::new(), AttestedRows::new());
        Self { signer, key, entries: Vec::new(), tree, rows, scheme: None }
    }

    /// Of `size` records, of which each fourth attests a new version of the same scheme.
    fn of(size: u64) -> Self {
        let mut log = Self::new();
        log.grow(size);
        log
    }

    fn grow(&mut self, size: u64) {
        for number in self.tree.size()..size {
            let record = self.record(number);
            self.append(record.to_bytes());
        }
    }

    fn record(&mut self, number: u64) -> Record {
        let actor = Actor::new(ActorKind::CaseOfficer, "0a1b2c");
        let time = 1_795_183_391_000 + number * 1000;
        if !number.is_multiple_of(4) {
            let builder = Record::builder(time, actor, Asserted::Passkey, Action::DECISION);
            return builder.granted().subject("dossier", format!("d{number}")).build().unwrap();
        }
        let attested = Attested {
            kind: "scheme".into(),
            id: "s1".into(),
            version: self.scheme.map_or(1, |scheme| scheme.version + 1),
            hash: sha256(&number.to_be_bytes()),
            previous: self.scheme.map(|scheme| scheme.hash),
        };
        self.scheme = Some(self.rows.take(&attested).unwrap());
        let builder = Record::builder(time, actor, Asserted::Passkey, Action::SCHEME_PUBLISH);
        builder.granted().attested(attested).build().unwrap()
    }

    fn append(&mut self, entry: Vec<u8>) {
        self.tree.append(leaf_hash(&entry));
        self.entries.push(entry);
    }

    fn checkpoint(&self) -> VerifiedCheckpoint {
        self.checkpoint_with(self.rows.root())
    }

    fn checkpoint_with(&self, map_root: Hash) -> VerifiedCheckpoint {
        let checkpoint = Checkpoint::new(self.key.name(), self.tree.size(), self.tree.root()).unwrap();
        let checkpoint = checkpoint.with_map_root(map_root).unwrap();
        checkpoint.sign(&self.key, |text| Ok::<_, CheckpointError>(self.signer.sign(text))).unwrap()
    }

    fn evidence(&self, index: u64) -> Vec<u8> {
        let entry = &self.entries[usize::try_from(index).unwrap()];
        let proof = inclusion_proof(self.tree.size(), index, &self.tree).unwrap();
        Evidence::build(entry, index, proof, &self.checkpoint(), &self.key).unwrap().to_bytes()
    }

    /// As a folder of tiles.
    fn publish(&self, desk: &Desk, folder: &str) {
        let size = self.tree.size();
        let put = |path: String, bytes: Vec<u8>| {
            let path = desk.path(format!("{folder}/{path}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        put("checkpoint".into(), self.checkpoint().note().to_string().into_bytes());
        for tile in Tile::written(0, size) {
            put(tile.to_string(), tile.bytes(&self.tree).unwrap());
        }
        for bundle in Bundle::written(0, size) {
            let start = usize::try_from(bundle.start()).unwrap();
            let entries = &self.entries[start..start + usize::from(bundle.width())];
            put(bundle.to_string(), bundle.bytes(entries).unwrap());
        }
    }
}

fn code(ran: &crate::support::Ran) -> (i32, String) {
    (ran.code, ran.error_json()["code"].as_str().unwrap().to_owned())
}

#[test]
fn evidence_is_told_in_words_and_says_whether_the_key_was_pinned() {
    let desk = Desk::new();
    let log = Log::of(7);
    desk.write("e", &log.evidence(5));
    desk.write("log.vkey", format!("{}\n", log.key).as_bytes());
    let pinned = desk.run(&["trace", "verify", "e", "--log-key", "@log.vkey"]).ok().text();
    insta::assert_snapshot!("evidence-pinned", pinned);
    let alone = desk.run(&["trace", "verify", "e"]).ok().text();
    assert!(alone.contains("NOT pinned") && alone.contains(&log.key.to_string()), "{alone}");
    assert!(!alone.contains("Verified:"), "{alone}");

    let json = desk.run(&["trace", "verify", "--json", "e", "--log-key", &log.key.to_string()]).ok().json();
    assert_eq!(
        (&json["key_pinned"], &json["index"], &json["log_size"]),
        (&true.into(), &5.into(), &7.into())
    );
    assert_eq!(json["record"]["action"], "decision");
    assert_eq!(desk.run(&["trace", "verify", "--json", "e"]).ok().json()["key_pinned"], false);
}

#[test]
fn forged_evidence_is_refused() {
    let desk = Desk::new();
    let (log, other) = (Log::of(7), Log::of(7));
    let good: serde_json::Value = serde_json::from_slice(&log.evidence(5)).unwrap();
    let key = log.key.to_string();
    let verify = |evidence: &[u8]| {
        desk.write("e", evidence);
        code(&desk.run(&["trace", "verify", "--json", "e", "--log-key", &key]))
    };
    let altered = |field: &str, value: serde_json::Value| {
        let mut evidence = good.clone();
        evidence[field] = value;
        evidence.to_string().into_bytes()
    };
    let theirs: serde_json::Value = serde_json::from_slice(&other.evidence(5)).unwrap();
    let fourth: serde_json::Value = serde_json::from_slice(&log.evidence(4)).unwrap();
    assert_eq!(verify(&other.evidence(5)), (5, "evidence.other_log".into()), "another log's");
    assert_eq!(verify(&altered("record", fourth["record"].clone())), (5, "proof.root_mismatch".into()));
    assert_eq!(verify(&altered("index", 4.into())), (5, "proof.root_mismatch".into()));
    assert_eq!(verify(&altered("index", 7.into())), (5, "proof.out_of_range".into()));
    assert_eq!(verify(&altered("checkpoint", theirs["checkpoint"].clone())), (5, "note.not_signed".into()));
    assert_eq!(verify(&altered("v", 2.into())), (3, "evidence.unknown_version".into()));
    assert_eq!(verify(&log.evidence(5)[..300]), (3, "evidence.malformed".into()));
    assert_eq!(verify(b"hello"), (3, "evidence.malformed".into()));
    desk.run(&["trace", "verify", "e", "--log-key", "nonsense"]).failed(2, "--log-key");
    desk.run(&["trace", "verify", "e", "--save", "c"]).failed(2, "whole logs");
}

#[test]
fn a_whole_log_is_verified_and_extends_what_was_saved() {
    let desk = Desk::new();
    let mut log = Log::of(300);
    let key = log.key.to_string();
    log.publish(&desk, "log");
    desk.run(&["trace", "verify", "log", "--log-key", &key, "--save", "seen"]).ok();
    desk.run(&["trace", "verify", "log", "--log-key", &key, "--save", "seen"])
        .failed(2, "give it with --since");
    log.grow(70_000);
    log.publish(&desk, "log");
    let both = ["trace", "verify", "log", "--log-key", &key, "--since", "seen", "--save", "seen", "--json"];
    let json = desk.run(&both).ok().json();
    assert_eq!(
        (&json["size"], &json["since"], &json["key_pinned"]),
        (&70_000.into(), &300.into(), &true.into())
    );
    assert_eq!(desk.run(&both).ok().json()["since"], 70_000, "the saved one was replaced");
    let words = desk.run(&["trace", "verify", "log", "--log-key", &key, "--since", "seen"]).ok().text();
    assert!(words.contains("The log is whole: 70,000 entries") && words.contains("Verified:"), "{words}");
    desk.run(&["trace", "verify", "log"]).failed(2, "give the key with --log-key");
}

#[test]
fn an_empty_log_is_whole() {
    let desk = Desk::new();
    let log = Log::new();
    log.publish(&desk, "log");
    desk.run(&["trace", "verify", "log", "--log-key", &log.key.to_string()]).ok();
}

#[test]
fn full_tiles_stand_for_partial_ones_that_were_deleted() {
    let desk = Desk::new();
    let mut log = Log::of(300);
    log.publish(&desk, "log");
    let older = desk.read("log/checkpoint");
    log.grow(600);
    log.publish(&desk, "log");
    fs::remove_dir_all(desk.path("log/tile/0/001.p")).unwrap();
    fs::remove_dir_all(desk.path("log/tile/entries/001.p")).unwrap();
    desk.write("log/checkpoint", &older);
    desk.run(&["trace", "verify", "log", "--log-key", &log.key.to_string()]).ok();
}

#[test]
fn a_log_that_lies_is_caught() {
    let desk = Desk::new();
    let log = Log::of(300);
    let key = log.key.to_string();
    let verify = || code(&desk.run(&["trace", "verify", "--json", "log", "--log-key", &key]));
    let spoil = |path: &str, at: usize| {
        log.publish(&desk, "log");
        let mut bytes = desk.read(path);
        bytes[at] ^= 1;
        desk.write(path, &bytes);
    };
    spoil("log/tile/entries/000", 100);
    assert_eq!(verify(), (5, "proof.root_mismatch".into()), "an entry was changed");
    spoil("log/tile/entries/001.p/44", 1);
    assert_eq!(verify(), (5, "tile.wrong_length".into()), "an entry's length was changed");
    spoil("log/tile/0/000", 40);
    assert_eq!(verify(), (5, "tile.mismatch".into()), "a tile was changed");
    log.publish(&desk, "log");
    fs::remove_file(desk.path("log/tile/entries/000")).unwrap();
    assert_eq!(verify(), (5, "log_incomplete".into()), "entries are hidden");
    log.publish(&desk, "log");
    fs::remove_file(desk.path("log/tile/1/000.p/1")).unwrap();
    assert_eq!(verify(), (5, "log_incomplete".into()), "a tile is hidden");
    log.publish(&desk, "log");
    fs::remove_file(desk.path("log/checkpoint")).unwrap();
    assert_eq!(verify(), (3, "log_none".into()));

    let other = Log::of(300);
    other.publish(&desk, "log");
    assert_eq!(verify(), (5, "note.not_signed".into()), "another log");
    log.publish(&desk, "log");
    desk.write("log/checkpoint", log.checkpoint_with(Hash::new([1; 32])).note().to_string().as_bytes());
    assert_eq!(verify(), (5, "map.root_mismatch".into()), "a state that the records do not make");
}

#[test]
fn a_row_that_was_rolled_back_is_caught_although_the_log_signed_it() {
    let desk = Desk::new();
    let mut log = Log::of(9);
    let first = Record::parse(&log.entries[0]).unwrap();
    log.append(first.to_bytes());
    log.publish(&desk, "log");
    let ran = desk.run(&["trace", "verify", "--json", "log", "--log-key", &log.key.to_string()]);
    assert_eq!(code(&ran), (5, "map.rolled_back".into()));
}

#[test]
fn a_rewritten_log_is_caught_with_an_older_checkpoint() {
    let desk = Desk::new();
    let mut log = Log::of(300);
    desk.write("seen", log.checkpoint().note().to_string().as_bytes());
    let key = log.key.to_string();
    let verify =
        || code(&desk.run(&["trace", "verify", "--json", "log", "--log-key", &key, "--since", "seen"]));
    // The same key signs another history.
    (log.entries, log.tree) = (Vec::new(), LogTree::new());
    (log.rows, log.scheme) = (AttestedRows::new(), None);
    log.append(log.entries.first().cloned().unwrap_or_else(|| Log::of(2).entries[1].clone()));
    log.publish(&desk, "log");
    assert_eq!(verify(), (5, "checkpoint.not_an_extension".into()), "shorter");
    log.grow(400);
    log.publish(&desk, "log");
    assert_eq!(verify(), (5, "checkpoint.not_an_extension".into()), "longer");
    desk.run(&["trace", "verify", "log", "--log-key", &key]).ok();
    desk.run(&["trace", "verify", "log", "--log-key", &key, "--since", "absent"]).failed(2, "no file absent");
}

#[test]
fn a_server_is_asked_for_the_same_files() {
    let desk = Desk::new();
    let log = Log::of(300);
    log.publish(&desk, "trace");
    let server = Server::start(&desk, &log.key);
    let key = log.key.to_string();
    let log_address = format!("{}/trace", server.address);
    let json = desk
        .run(&["trace", "verify", "--json", &log_address, "--log-key", &key, "--save", "seen"])
        .ok()
        .json();
    assert_eq!((&json["size"], &json["key_pinned"]), (&300.into(), &true.into()));
    assert_eq!(desk.read("seen"), desk.read("trace/checkpoint"));
    // The origin alone will do, and without a key the server's own word is said to be that.
    let text = desk.run(&["trace", "verify", &server.address]).ok().text();
    assert!(text.contains("NOT pinned") && text.contains(&key), "{text}");

    fs::remove_file(desk.path("trace/tile/entries/000")).unwrap();
    let ran = desk.run(&["trace", "verify", "--json", &log_address, "--log-key", &key]);
    assert_eq!(code(&ran), (5, "log_incomplete".into()));
    drop(server);
    desk.run(&["trace", "verify", &log_address, "--log-key", &key]).failed(1, "cannot be reached");
}

/// Serves a desk's folder and `/v1/config` until dropped.
struct Server {
    address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(desk: &Desk, key: &VerifierKey) -> Self {
        use axum::http::{StatusCode, Uri};
        let folder = desk.path("");
        let config = serde_json::json!({ "log_key": key.to_string() }).to_string();
        let files = axum::Router::new().fallback(move |uri: Uri| async move {
            match uri.path() {
                "/v1/config" => Ok(config.into_bytes()),
                path => {
                    fs::read(folder.join(path.trim_start_matches('/'))).map_err(|_| StatusCode::NOT_FOUND)
                }
            }
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, files).await });
        Self { address, _runtime: runtime }
    }
}
