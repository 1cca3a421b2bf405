//! `vectors/evidence.json`: evidence files, good and bad, with what a verifier must say. The browser's verifier reads the
//! same file. After a wanted change: `UPDATE_VECTORS=1 cargo test -p sceau-trace vectors`.

mod openings;

use crate::support::{TestSigner, committed, record, sorted};
use sceau_trace::*;
use serde_json::{Map, Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/evidence.json");

#[test]
fn the_vectors_file_is_up_to_date() {
    let made = serde_json::to_string_pretty(&sorted(vectors())).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(PATH, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PATH).unwrap(), made, "see the top of this file");
}

#[test]
fn each_vector_gets_its_verdict() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 30);
    for case in cases {
        let pinned = case["log_key"].as_str().map(|key| key.parse::<VerifierKey>().unwrap());
        let verdict = Evidence::parse(case["file"].as_str().unwrap().as_bytes())
            .and_then(|evidence| evidence.verify(pinned.as_ref()));
        let code = verdict.as_ref().map_or_else(EvidenceError::code, |_| "ok");
        assert_eq!(code, case["expected"], "{}", case["name"]);
        if let Ok(verified) = verdict {
            assert_eq!(json!(verified.index), case["index"], "{}", case["name"]);
            assert_eq!(json!(verified.size), case["size"], "{}", case["name"]);
            assert_eq!(json!(verified.key_pinned), case["key_pinned"], "{}", case["name"]);
            if let Some(opened) = case.get("record") {
                assert_eq!(&json!(verified.record), opened, "{}", case["name"]);
            }
        }
    }
}

fn vectors() -> Value {
    let mut cases = Cases::default();
    valid(&mut cases);
    malformed_files(&mut cases);
    altered_records(&mut cases);
    altered_proofs(&mut cases);
    altered_checkpoints(&mut cases);
    other_keys(&mut cases);
    openings::openings(&mut cases);
    json!({
        "about": "Evidence files and the verdict on each: `ok`, or the code of the first failing check, in the order: \
                  file, embedded key, pinned key, record, checkpoint, signature, inclusion, openings. Where \
                  the file opens commitments, `record` is what must come out.",
        "cases": cases.0,
    })
}

#[derive(Default)]
struct Cases(Vec<Value>);

impl Cases {
    fn good(&mut self, name: &str, file: String, pinned: bool, index: u64, size: u64) {
        let key = pinned.then(|| TestSigner::log().key);
        self.0.push(json!({
            "name": name, "file": file, "log_key": key, "expected": "ok",
            "index": index, "size": size, "key_pinned": pinned,
        }));
    }

    fn bad(&mut self, name: &str, expected: &str, file: impl Into<String>) {
        self.bad_under(name, expected, file, Some(TestSigner::log().key));
    }

    fn bad_under(&mut self, name: &str, expected: &str, file: impl Into<String>, key: Option<VerifierKey>) {
        let file = file.into();
        self.0.push(json!({ "name": name, "file": file, "log_key": key, "expected": expected }));
    }

    /// A good file whose commitments are opened, or some of them.
    fn opened(&mut self, name: &str, file: &Evidence) {
        self.good(name, text(file), true, file.index(), 11);
        let record = sorted(json!(file.verify(None).unwrap().record));
        self.0.last_mut().unwrap()["record"] = record;
    }

    /// A good file with a change in its openings.
    fn reopened(&mut self, name: &str, expected: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut value: Value = serde_json::from_str(&text(&committed_evidence(5))).unwrap();
        change(value["openings"].as_object_mut().unwrap());
        self.bad(name, expected, sorted(value).to_string());
    }

    /// A good file with one change in its JSON.
    fn changed(&mut self, name: &str, expected: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut value: Value = serde_json::from_str(&text(&evidence(5, 11))).unwrap();
        change(value.as_object_mut().unwrap());
        self.bad(name, expected, sorted(value).to_string());
    }

    /// A good file with one change in its checkpoint.
    fn rewritten(&mut self, name: &str, expected: &str, change: impl FnOnce(&str) -> String) {
        self.changed(name, expected, |file| {
            let checkpoint = change(file["checkpoint"].as_str().unwrap());
            file.insert("checkpoint".into(), checkpoint.into());
        });
    }
}

/// A log of `size` records, of which entry `index` is `entry`, and the evidence for it, unchecked.
fn evidence_of(
    entry: &[u8],
    index: u64,
    size: u64,
    checkpoint: impl FnOnce(Checkpoint) -> Checkpoint,
) -> Value {
    let mut leaves: Vec<Hash> = (0..size).map(|n| record(n).leaf_hash()).collect();
    leaves[index as usize] = leaf_hash(entry);
    let tree: LogTree = leaves.into_iter().collect();
    let log = TestSigner::log();
    let signed = log.checkpoint(&checkpoint(Checkpoint::new(log.key.name(), size, tree.root()).unwrap()));
    json!({
        "v": 1, "format": "sceau-evidence", "record": base64url(entry), "index": index,
        "proof": inclusion_proof(size, index, &tree).unwrap(),
        "checkpoint": signed.note().to_string(), "log_key": log.key, "attachments": {},
    })
}

fn evidence(index: u64, size: u64) -> Evidence {
    let leaves: LogTree = (0..size).map(|n| record(n).leaf_hash()).collect();
    let log = TestSigner::log();
    let signed = log.checkpoint(&Checkpoint::new(log.key.name(), size, leaves.root()).unwrap());
    let proof = inclusion_proof(size, index, &leaves).unwrap();
    Evidence::build(&record(index).to_bytes(), index, proof, &signed, &log.key).unwrap()
}

/// The evidence of a committed record in a log of 11, with its openings.
fn committed_evidence(index: u64) -> Evidence {
    let (record, openings) = committed(index);
    let file = evidence_of(&record.to_bytes(), index, 11, |checkpoint| checkpoint);
    Evidence::parse(file.to_string().as_bytes()).unwrap().with_openings(openings).unwrap()
}

fn text(evidence: &Evidence) -> String {
    String::from_utf8(evidence.to_bytes()).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

fn valid(cases: &mut Cases) {
    cases.good("entry 5 of 11, key pinned", text(&evidence(5, 11)), true, 5, 11);
    cases.good("entry 5 of 11, embedded key only", text(&evidence(5, 11)), false, 5, 11);
    cases.good("the only entry: an empty proof", text(&evidence(0, 1)), true, 0, 1);
    cases.good("the last entry of an unbalanced tree", text(&evidence(256, 257)), true, 256, 257);
    let attached = evidence(3, 8).attach("manifest", json!({ "v": 1 })).attach("decision", json!("a.b.c"));
    cases.good("attachments", text(&attached), true, 3, 8);
    let full = Record::builder(
        1_795_132_800_000,
        Actor::new(ActorKind::KeyManager, "9b1c2f0e-3d0a-4a53-8a44-6c1f3d1a2b3c"),
        Asserted::Organisation,
        Action::parse("key.rotate_later").unwrap(),
    )
    .refused("unwrap.no_assignment")
    .organisation("9b1c2f0e-3d0a-4a53-8a44-6c1f3d1a2b3c")
    .subject("dossier", "5f0f6c3e-0000-4000-8000-000000000001")
    .subject("file", "00112233445566778899aabbccddeeff")
    .detail("count", "12")
    .detail("origin", "https://cles.localhost:8443")
    .attested(Attested {
        kind: "decision".into(),
        id: "5f0f6c3e-0000-4000-8000-000000000001".into(),
        version: 2,
        hash: sha256(b"new"),
        previous: Some(sha256(b"old")),
    })
    .build()
    .unwrap();
    let file = evidence_of(&full.to_bytes(), 2, 6, |checkpoint| {
        checkpoint.with_map_root(sha256(b"map")).unwrap().with_extension("another line").unwrap()
    });
    cases.good(
        "every field of a record; a map root and an unknown extension",
        sorted(file).to_string(),
        true,
        2,
        6,
    );
    let mut file = serde_json::from_str::<Value>(&text(&evidence(5, 11))).unwrap();
    let other = TestSigner::new("witness.example/w1", KeyKind::Ed25519, 9).key;
    let line = NoteSignature::new(&other, vec![7; 72]);
    file["checkpoint"] = format!("{}{line}\n", file["checkpoint"].as_str().unwrap()).into();
    cases.good("an unknown signature line beside the log's", sorted(file).to_string(), true, 5, 11);
}

fn malformed_files(cases: &mut Cases) {
    cases.bad("empty", "evidence.malformed", "");
    cases.bad("not JSON", "evidence.malformed", "hello");
    cases.bad("something after the end", "evidence.malformed", text(&evidence(5, 11)) + "x");
    cases.changed("another format", "evidence.malformed", |file| {
        file.insert("format".into(), "sceau-other".into());
    });
    cases.changed("a later version", "evidence.unknown_version", |file| {
        file.insert("v".into(), 2.into());
    });
    cases.changed("an unknown field", "evidence.malformed", |file| {
        file.insert("extra".into(), true.into());
    });
    cases.changed("no proof", "evidence.malformed", |file| {
        file.remove("proof");
    });
    cases.changed("a negative index", "evidence.malformed", |file| {
        file.insert("index".into(), (-1).into());
    });
    cases.changed("an index that is not whole", "evidence.malformed", |file| {
        file.insert("index".into(), 5.5.into());
    });
    cases.changed("a proof hash in upper case", "evidence.malformed", |file| {
        file["proof"][0] = file["proof"][0].as_str().unwrap().to_uppercase().into();
    });
    cases.changed("a proof hash of 31 bytes", "evidence.malformed", |file| {
        file["proof"][0] = file["proof"][0].as_str().unwrap()[2..].into();
    });
    cases.changed("a record in padded base64", "evidence.malformed", |file| {
        file.insert("record".into(), format!("{}==", file["record"].as_str().unwrap()).into());
    });
}

fn altered_records(cases: &mut Cases) {
    let honest = String::from_utf8(record(5).to_bytes()).unwrap();
    let logged = |from: &str, to: &str| {
        assert!(honest.contains(from));
        sorted(evidence_of(honest.replace(from, to).as_bytes(), 5, 11, |checkpoint| checkpoint)).to_string()
    };
    cases.changed("another record in its place", "proof.root_mismatch", |file| {
        file.insert("record".into(), base64url(&record(6).to_bytes()).into());
    });
    cases.changed("an actor of another kind in the record", "proof.root_mismatch", |file| {
        file.insert("record".into(), base64url(honest.replace("citizen", "supervisor").as_bytes()).into());
    });
    cases.bad(
        "logged, but with white space",
        "record.not_canonical",
        logged("{\"action\":", "{ \"action\":"),
    );
    let swapped = logged("\"time\":1795132800005,\"v\":1}", "\"v\":1,\"time\":1795132800005}");
    cases.bad("logged, but with keys in another order", "record.not_canonical", swapped);
    cases.bad("logged, but with a key missing", "record.not_canonical", logged("\"attested\":null,", ""));
    cases.bad("logged, of a later version", "record.unknown_version", logged("\"v\":1}", "\"v\":2}"));
    cases.bad("logged, with an unknown field", "record.malformed", logged("\"v\":1}", "\"v\":1,\"x\":1}"));
    cases.bad("logged, with an unknown outcome", "record.malformed", logged("\"intent\"", "\"maybe\""));
    cases.bad("logged, not JSON", "record.malformed", logged("{\"action\"", "\"action\""));
    cases.bad("logged, with an e-mail address", "record.field", logged("{},", "{\"who\":\"a@b.example\"},"));
    cases.bad("logged, with a name in words", "record.field", logged("{},", "{\"who\":\"Jeanne Dupont\"},"));
    cases.bad("logged, with a network address", "record.field", logged("{},", "{\"from\":\"192.0.2.7\"},"));
    cases.bad(
        "logged, with a code though not refused",
        "record.field",
        logged("\"code\":\"\"", "\"code\":\"x\""),
    );
    cases.bad("logged, refused without a code", "record.field", logged("\"intent\"", "\"refused\""));
    cases.bad(
        "logged, with an action in capitals",
        "record.malformed",
        logged("deposit.begin", "Deposit.begin"),
    );
    cases.bad(
        "logged, with a time beyond 2^53",
        "record.field",
        logged(":1795132800005", ":9007199254740992"),
    );
}

fn altered_proofs(cases: &mut Cases) {
    cases.changed("one bit of the proof", "proof.root_mismatch", |file| {
        let mut bytes: [u8; 32] =
            hex::decode(file["proof"][2].as_str().unwrap()).unwrap().try_into().unwrap();
        bytes[31] ^= 1;
        file["proof"][2] = hex::encode(bytes).into();
    });
    cases.changed("one hash missing", "proof.wrong_length", |file| {
        file["proof"].as_array_mut().unwrap().pop();
    });
    cases.changed("one hash too many", "proof.wrong_length", |file| {
        let last = file["proof"][0].clone();
        file["proof"].as_array_mut().unwrap().push(last);
    });
    cases.changed("the neighbour's index", "proof.root_mismatch", |file| {
        file.insert("index".into(), 4.into());
    });
    cases.changed("an index beyond the tree", "proof.out_of_range", |file| {
        file.insert("index".into(), 11.into());
    });
}

fn altered_checkpoints(cases: &mut Cases) {
    cases.rewritten("another size", "note.bad_signature", |note| note.replacen("\n11\n", "\n12\n", 1));
    cases.rewritten("a size with a leading zero", "checkpoint.malformed", |note| {
        note.replacen("\n11\n", "\n011\n", 1)
    });
    cases.rewritten("a size with a sign", "checkpoint.malformed", |note| {
        note.replacen("\n11\n", "\n+11\n", 1)
    });
    cases.rewritten("an extension line added", "note.bad_signature", |note| {
        note.replacen("\n\n", "\nx\n\n", 1)
    });
    cases.rewritten("a map root of 3 bytes", "checkpoint.malformed", |note| {
        note.replacen("\n\n", "\nmap-root AAAA\n\n", 1)
    });
    cases.rewritten("two map roots", "checkpoint.malformed", |note| {
        let line = format!("map-root {}=", "A".repeat(43));
        note.replacen("\n\n", &format!("\n{line}\n{line}\n\n"), 1)
    });
    cases.rewritten("no signature", "note.malformed", |note| {
        note.split_once("\n\n").unwrap().0.to_owned() + "\n"
    });
    cases.rewritten("a carriage return", "note.malformed", |note| note.replacen("\n11\n", "\n11\r\n", 1));
    cases.rewritten("the last line not ended", "note.malformed", |note| note.trim_end().to_owned());
    cases.rewritten("the same signature twice", "note.duplicate_signature", |note| {
        format!("{note}{}\n", note.lines().last().unwrap())
    });
    cases.rewritten("a signature line with a hyphen for a dash", "note.malformed", |note| {
        note.replace('\u{2014}', "-")
    });
    cases.rewritten("one letter of the signature", "note.bad_signature", |note| {
        let at = note.len() - 20;
        let other = if &note[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &note[..at], &note[at + 1..])
    });
    cases.rewritten("another origin", "checkpoint.wrong_origin", |note| {
        note.replacen("sceau.example/trace\n", "sceau.example/other\n", 1)
    });
}

fn other_keys(cases: &mut Cases) {
    let file = text(&evidence(5, 11));
    let log = TestSigner::log().key;
    let same_name = TestSigner::new(log.name(), KeyKind::Ed25519, 2).key;
    cases.bad_under(
        "another log's key is pinned",
        "evidence.other_log",
        file.clone(),
        Some(same_name.clone()),
    );
    let swapped = file.replace(&log.to_string(), &same_name.to_string());
    cases.bad_under("an impostor's key embedded", "evidence.other_log", swapped.clone(), Some(log.clone()));
    cases.bad_under("an impostor's key embedded, none pinned", "note.not_signed", swapped, None);
    let mut id = log.to_string();
    id.replace_range(log.name().len() + 1..log.name().len() + 9, "00000000");
    let renamed = file.replace(&log.to_string(), &id);
    cases.bad_under("the embedded key under another id", "note.bad_key", renamed, None);
    let cosigner = VerifierKey::new(log.name(), KeyKind::Cosignature, *log.public()).unwrap();
    let witness = file.replace(&log.to_string(), &cosigner.to_string());
    cases.bad_under("a witness's key is not a log's", "note.bad_key", witness, None);
}
