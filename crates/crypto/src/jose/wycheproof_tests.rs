//! Project Wycheproof's statements and sets of keys (`vectors/jose-wycheproof-statements.json`): each is read as one of a signer's set, and where
//! the set has one key, by that key alone.
#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    #[serde(rename = "source")]
    _source: String,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    file: String,
    comment: String,
    keys: Vec<Value>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Test {
    tc_id: u32,
    comment: String,
    jws: String,
    result: Judged,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Judged {
    Valid,
    Invalid,
}

/// Where this judges otherwise than the vectors. Of `json_web_signature`: the RFC's examples under keys that name another algorithm than
/// the message does, which RFC 7517 section 4.4 lets a key say it is not for.
const REFUSED_THOUGH_VALID: [u32; 4] = [346, 347, 350, 351];
/// Of `json_web_key`: a key of a generator known to be weak. A key is not searched for a weakness of the one who made it.
const TAKEN_THOUGH_INVALID: [u32; 1] = [7];

fn group_of(file: &str) -> impl Iterator<Item = Group> {
    let json = include_str!("../../vectors/jose-wycheproof-statements.json");
    let vectors: Vectors = serde_json::from_str(json).unwrap();
    vectors.groups.into_iter().filter(move |group| group.file == file)
}

/// Whether it verifies, by a set and by one key.
fn verifies(keys: &[Value], jws: &str) -> bool {
    let Ok(statement) = Statement::parse(jws) else { return false };
    let set = json!({ "keys": keys }).to_string();
    let by_set = KeySet::parse(set.as_bytes()).is_ok_and(|set| set.verify(&statement).is_ok());
    if let [key] = keys {
        let key = PublicJwk::parse(key.to_string().as_bytes());
        assert_eq!(key.is_ok_and(|key| key.verify(&statement).is_ok()), by_set, "{jws}");
    }
    by_set
}

/// How many verify, are refused and judged invalid, and are refused as what is not taken here though they are valid.
fn count(file: &str, refused: &[u32], taken: &[u32]) -> [usize; 3] {
    let mut counts = [0; 3];
    for Group { comment: group, keys, tests, .. } in group_of(file) {
        for Test { tc_id, comment, jws, result } in tests {
            let shared = keys.iter().any(|key| key["kty"] == "oct");
            let expected = match result {
                Judged::Valid => !shared && !refused.contains(&tc_id),
                Judged::Invalid => taken.contains(&tc_id),
            };
            let verified = verifies(&keys, &jws);
            assert_eq!(verified, expected, "{tc_id}: {group}, {comment}");
            let kind = if verified { 0 } else { 1 + usize::from(result == Judged::Valid) };
            counts[kind] += 1;
        }
    }
    counts
}

#[test]
fn json_web_signature() {
    // Of the valid ones that are refused, four are listed above; the others are signed with a shared secret.
    assert_eq!(count("json_web_signature", &REFUSED_THOUGH_VALID, &[]), [4, 76, 14]);
}

#[test]
fn json_web_key() {
    assert_eq!(count("json_web_key", &[], &TAKEN_THOUGH_INVALID), [2, 20, 4]);
}
