//! `vectors/policy.json`: policies of witnesses, each with an evidence file, and what a verifier must say of the two. The browser's verifier and
//! `tests/judges/tlog.py` read the same file. After a wanted change: `UPDATE_VECTORS=1 cargo test -p sceau-trace vectors`.

use crate::support::{ORIGIN, TestSigner, record, sorted};
use sceau_trace::*;
use serde_json::{Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/policy.json");
const TIME: u64 = 1_795_132_860;
const TWO_OF_THREE: &str = "group g 2 town region notary\nquorum g\n";

#[test]
fn the_policies_file_is_up_to_date() {
    let made = serde_json::to_string_pretty(&sorted(vectors())).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(PATH, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PATH).unwrap(), made, "see the top of this file");
}

#[test]
fn each_policy_gets_its_verdict() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 20);
    for case in cases {
        let said = judged(case["policy"].as_str().unwrap(), case["file"].as_str().unwrap());
        assert_eq!(said, case["expected"], "{}", case["name"]);
    }
}

/// What there is to say of a policy and an evidence file that holds.
fn judged(policy: &str, file: &str) -> Value {
    let policy = match Policy::parse(policy) {
        Ok(policy) => policy,
        Err(PolicySyntax { line, .. }) => return json!({ "code": "policy.malformed", "line": line }),
    };
    let evidence = Evidence::parse(file.as_bytes()).unwrap();
    evidence.verify(Some(&TestSigner::log().key)).unwrap();
    let note: Value = serde_json::from_str(file).unwrap();
    let signed = SignedCheckpoint::parse(note["checkpoint"].as_str().unwrap()).unwrap();
    let checkpoint = signed.verify(&TestSigner::log().key).unwrap();
    if !policy.speaks_of(&TestSigner::log().key) {
        return json!({ "code": "policy.other_log" });
    }
    match policy.judge(&checkpoint) {
        Ok(found) => {
            let known = |key: &VerifierKey| policy.witnesses().iter().find(|it| it.key == *key).unwrap();
            let said = found.iter().map(|it| json!({ "name": known(&it.witness).name, "time": it.time }));
            json!({ "code": "ok", "cosigned": said.collect::<Vec<_>>() })
        }
        Err(PolicyError::NoQuorum { found, .. }) => json!({ "code": "policy.no_quorum", "found": found }),
        Err(error) => json!({ "code": error.code() }),
    }
}

fn vectors() -> Value {
    let log = format!("log {}\n", TestSigner::log().key);
    let known = format!("# who watches\n{log}{}", witnesses());
    let mut cases = Vec::new();
    let mut case = |name: &str, policy: String, file: &str| {
        let expected = judged(&policy, file);
        cases.push(json!({ "name": name, "policy": policy, "file": file, "expected": expected }));
    };
    let lines = |seeds: &[u8]| file(&seeds.iter().map(|seed| line(*seed, TIME)).collect::<Vec<_>>());
    let (none, one, two, all) = (lines(&[]), lines(&[21]), lines(&[21, 23]), lines(&[21, 22, 23]));

    case("two of three, all cosigned", format!("{known}{TWO_OF_THREE}"), &all);
    case("two of three, two cosigned", format!("{known}{TWO_OF_THREE}"), &two);
    case("two of three, one cosigned", format!("{known}{TWO_OF_THREE}"), &one);
    case("two of three, nobody cosigned", format!("{known}{TWO_OF_THREE}"), &none);
    case(
        "a cosignature of nobody's that the policy names",
        format!("{known}{TWO_OF_THREE}"),
        &lines(&[21, 29, 23]),
    );
    case("one witness", format!("{known}quorum region\n"), &all);
    case("one witness, who did not", format!("{known}quorum region\n"), &two);
    case("nobody is asked for", format!("{known}quorum none\n"), &none);
    case("no log is named", format!("{}{TWO_OF_THREE}", witnesses()), &two);
    let other = TestSigner::new(ORIGIN, KeyKind::Ed25519, 2).key;
    case("another log of the same name", format!("log {other}\n{}{TWO_OF_THREE}", witnesses()), &all);
    let nested = "group x all town region\ngroup both any x notary\nquorum both";
    case("groups of groups", format!("{known}{nested}"), &two);
    case(
        "tabs, spaces and no last line feed",
        format!("{known}\n group\tg  any town region \n quorum g"),
        &one,
    );
    let old = file(&[line(21, 0), line(22, TIME + 3600), line(23, i64::MAX as u64)]);
    case(
        "each at its own time, however odd",
        format!("{known}group g all town region notary\nquorum g\n"),
        &old,
    );

    for (name, change) in [("the time", 8), ("the signature", 70)] {
        let mut blob = blob(22, TIME);
        blob[change - 4] ^= 1;
        let altered = NoteSignature::new(&witness(22).key, blob).to_string();
        let file = file(&[line(21, TIME), altered, line(23, TIME)]);
        case(
            &format!("a cosignature with {name} altered, where two others suffice"),
            format!("{known}{TWO_OF_THREE}"),
            &file,
        );
    }
    let short = NoteSignature::new(&witness(21).key, vec![0; 7]).to_string();
    case("a cosignature that is too short", format!("{known}{TWO_OF_THREE}"), &file(&[short]));
    let plain = [&TIME.to_be_bytes()[..], &witness(21).sign(text().as_bytes())].concat();
    let plain = NoteSignature::new(&witness(21).key, plain).to_string();
    case(
        "a signature over the checkpoint without its time",
        format!("{known}{TWO_OF_THREE}"),
        &file(&[plain]),
    );

    let key = witness(21).key;
    for (name, more) in [
        ("no quorum", String::new()),
        ("a quorum that is not named before", "quorum g\n".into()),
        ("a second quorum", "quorum town\nquorum region\n".into()),
        ("a group that asks for more than it has", "group g 3 town region\nquorum g\n".into()),
        ("a group that asks for nobody", "group g 0 town region\nquorum g\n".into()),
        ("a number with a zero before it", "group g 01 town region\nquorum g\n".into()),
        ("a member of two groups", "group g any town region\ngroup h any town notary\nquorum h\n".into()),
        ("a member twice", "group g all town town\nquorum g\n".into()),
        ("a quorum that is a member of a group", "group g any town region\nquorum town\n".into()),
        ("a name twice", "group town any region notary\nquorum town\n".into()),
        ("a witness's key twice", format!("witness other {key}\nquorum town\n")),
        ("a log's key twice", format!("{log}quorum town\n")),
        ("a witness's key as a log's", format!("log {key}\nquorum town\n")),
        ("a log's key as a witness's", format!("witness other {}\nquorum town\n", TestSigner::log().key)),
        ("a carriage return", "quorum town\r\n".into()),
        ("another word", "watch town\nquorum town\n".into()),
    ] {
        case(&format!("no policy: {name}"), format!("{known}{more}"), &all);
    }
    json!({
        "about": "Policies of witnesses (C2SP tlog-policy), each with an evidence file that holds under `log_key`, and what must be said of the two: `ok` with \
                  who cosigned and when (unix seconds), or a code, with the number that cosigned or the line that is wrong.",
        "log_key": TestSigner::log().key,
        "cases": cases,
    })
}

fn witness(seed: u8) -> TestSigner {
    TestSigner::new(&format!("witness.example/w{seed}"), KeyKind::Cosignature, seed)
}

fn witnesses() -> String {
    let line =
        |(name, seed): (&str, u8)| format!("witness {name} {} https://{name}.example\n", witness(seed).key);
    [("town", 21), ("region", 22), ("notary", 23)].map(line).concat()
}

fn checkpoint() -> VerifiedCheckpoint {
    let leaves: LogTree = (0..11).map(|n| record(n).leaf_hash()).collect();
    TestSigner::log().checkpoint(&Checkpoint::new(ORIGIN, 11, leaves.root()).unwrap())
}

fn text() -> String {
    checkpoint().note().text().to_owned()
}

fn blob(seed: u8, time: u64) -> Vec<u8> {
    let signature = witness(seed).sign(checkpoint().cosigned_text(time).as_bytes());
    [&time.to_be_bytes()[..], &signature].concat()
}

fn line(seed: u8, time: u64) -> String {
    NoteSignature::new(&witness(seed).key, blob(seed, time)).to_string()
}

/// Entry 5 of 11, under a checkpoint with these lines below its log's.
fn file(lines: &[String]) -> String {
    let leaves: LogTree = (0..11).map(|n| record(n).leaf_hash()).collect();
    let proof = inclusion_proof(11, 5, &leaves).unwrap();
    let checkpoint = checkpoint();
    let evidence =
        Evidence::build(&record(5).to_bytes(), 5, proof, &checkpoint, &TestSigner::log().key).unwrap();
    let mut file: Value = serde_json::from_slice(&evidence.to_bytes()).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    file["checkpoint"] = format!("{}{lines}", checkpoint.note()).into();
    sorted(file).to_string()
}
