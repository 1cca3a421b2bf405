//! The log as somebody with every right may read it, and what a key manager's own trace must have in common with it.

use std::collections::BTreeSet;

use sceau_element_api::Client;
use sceau_trace::{Asserted, Outcome, Record, SignedCheckpoint, VerifierKey};
use serde_json::{Value, json};

use crate::{House, Premises, opened_trace};

/// Every record, with the ids that only evidence shows.
#[derive(Debug)]
pub struct Log(pub Vec<Record>);

impl Log {
    /// Reads it, each record verified.
    pub async fn read(house: &House) -> Self {
        Self(opened_trace(house).await)
    }

    /// How often a document of a kind was attested for a row.
    pub fn attested(&self, kind: &str, id: &str) -> usize {
        let it = |record: &&Record| record.attested().is_some_and(|row| row.kind == kind && row.id == id);
        self.0.iter().filter(it).count()
    }

    /// How often something was done to a dossier.
    pub fn times(&self, action: &str, outcome: Outcome, dossier: &str) -> usize {
        let it = |record: &&Record| {
            let about = record.subjects().iter().any(|subject| subject.id == dossier);
            about && record.action().as_str() == action && record.outcome() == outcome
        };
        self.0.iter().filter(it).count()
    }

    /// Where the records of a dossier's timeline are: its openings, its manifests, its decisions.
    pub fn of_timeline(&self, dossier: &str) -> BTreeSet<u64> {
        let belongs = |record: &Record| {
            let opening = record.action().as_str().starts_with("unwrap.");
            let about = record.subjects().iter().any(|subject| subject.id == dossier);
            let signed = ["manifest", "decision"];
            let row = |row: &sceau_trace::Attested| signed.contains(&row.kind.as_str()) && row.id == dossier;
            (opening && about) || record.attested().is_some_and(row)
        };
        (0..).zip(&self.0).filter(|(_, record)| belongs(record)).map(|(at, _)| at).collect()
    }

    /// Every record of the key manager is in the log, once, and it raises no alarm about what the log says in its name.
    pub async fn agrees_with(&self, premises: &Premises) {
        let administration = premises.administration();
        let status: Value = administration.get("/v1/status").await.expect("its administrator may");
        assert_eq!(status["alarms"], json!([]));
        let own = status["records"].as_u64().expect("a number");
        let signed = |record: &Record| {
            let hash = record.detail().get("signed_hash").cloned();
            hash.filter(|_| record.asserted() == Asserted::Organisation)
        };
        let delivered: Vec<String> = self.0.iter().filter_map(signed).collect();
        let distinct: BTreeSet<&String> = delivered.iter().collect();
        assert_eq!((delivered.len() as u64, distinct.len() as u64), (own, own));
    }
}

/// Whether the log of now is the one of a checkpoint before, and more.
pub async fn log_extends(house: &House, before: &str, log_key: &VerifierKey) {
    let element = Client::new(house.socket());
    let verified = |note: &str| {
        SignedCheckpoint::parse(note).expect("a note").verify(log_key).expect("signed by the log")
    };
    let now = element.checkpoint().await.expect("the element answers");
    let (before, now) = (verified(before), verified(&now));
    let proof = element.consistency_proof(before.size(), now.size()).await.expect("of two that it made");
    assert!(before.size() < now.size());
    now.extends(&before, &proof).expect("nothing of before is missing or changed");
}
