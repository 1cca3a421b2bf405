//! An answer is the element's if its log has it: whoever holds the log's key finds another one out.

use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::{AnswerParts, Called, UnprovenAnswer};
use serde_json::{Value, json};

use super::caller::Protected;
use super::erasure::{log_key, of};
use crate::house::shown;

/// What somebody changes of an answer on its way.
type Alteration = Box<dyn Fn(&mut Had)>;

/// What a caller has of an answer.
struct Had {
    call: [u8; 32],
    called: Called,
    document: Option<[u8; 32]>,
}

impl Had {
    fn verify(&self, by: &super::Caller, key: &sceau_trace::VerifierKey) -> Result<(), UnprovenAnswer> {
        let accesses = self.called.accesses.as_ref().map(|it| serde_json::to_string(it).unwrap());
        let erasure = self.called.erasure.as_ref().map(|it| serde_json::to_string(it).unwrap());
        let parts = AnswerParts {
            call: &self.call,
            datum: &self.called.datum,
            wrapped_key: self.called.wrapped_key.as_ref().map(|it| it.0.as_slice()),
            data_key: self.called.data_key.as_deref(),
            document: self.document.as_ref(),
            accesses: accesses.as_deref(),
            erasure: erasure.as_deref(),
        };
        parts.verify(self.called.proof.as_ref(), (by.document.application, self.called.index), key)
    }
}

async fn ask(house: &mut Protected, op: Value) -> Had {
    let client = house.element.client.clone();
    let mut claims = house.application.claims("alice", op);
    claims["prove"] = json!(true);
    let call = house.application.sign(&claims);
    let digest = sceau_crypto::sha256(call.as_bytes());
    let described = claims["op"].get("describe").is_some();
    let called = house.application.bring(&client, call).await.unwrap();
    let kept = house.application.rows.get(&called.datum).filter(|_| described || called.changed.is_some());
    let document = kept.map(|row| sceau_crypto::sha256(&row.payload));
    Had { call: digest, called, document }
}

#[tokio::test]
async fn every_answer_is_in_the_log_and_no_other_passes_for_it() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let key = log_key(&client).await;
    let op = house.application.create();
    let created = ask(&mut house, op).await;
    let opening = house.application.opening(&created.called);
    let grant = json!({"grant": {"datum": created.called.datum, "grant": {"to": {"user": "bob"}}}});
    let mut all = vec![created];
    for op in [opening.clone(), opening, grant] {
        let had = ask(&mut house, op).await;
        all.push(had);
    }
    for name in ["describe", "accesses", "deactivate", "erase", "erasure"] {
        let op = of(name, &all[0].called);
        let had = ask(&mut house, op).await;
        all.push(had);
    }
    for had in &all {
        had.verify(&house.application, &key).unwrap();
        let proof = had.called.proof.as_ref().unwrap();
        assert!(proof.openings().is_empty(), "a proof names nobody");
        assert!(shown(&client, had.called.index).await.detail().contains_key("answer"));
    }
    assert!(all[4].document.is_some() && all[5].called.accesses.is_some());
    assert!(all[8].called.erasure.is_some());

    // One opening's key or call for the other's; an access left out; another document; no proof, or another's.
    let other_key = all[2].called.data_key.clone();
    let (other_call, other_proof) = (all[2].call, all[2].called.proof.clone());
    let altered: [(usize, Alteration, UnprovenAnswer); 7] = [
        (1, Box::new(move |had| had.called.data_key.clone_from(&other_key)), UnprovenAnswer::Other),
        (1, Box::new(move |had| had.call = other_call), UnprovenAnswer::Other),
        (1, Box::new(move |had| had.called.proof.clone_from(&other_proof)), UnprovenAnswer::Other),
        (1, Box::new(|had| had.called.index -= 1), UnprovenAnswer::Other),
        (1, Box::new(|had| had.called.proof = None), UnprovenAnswer::Missing),
        (4, Box::new(|had| had.document = Some([1; 32])), UnprovenAnswer::Other),
        (
            5,
            Box::new(|had| drop(had.called.accesses.as_mut().unwrap().list.remove(1))),
            UnprovenAnswer::Other,
        ),
    ];
    for (at, alter, why) in altered {
        let Had { call, called, document } = &all[at];
        let mut had = Had { call: *call, called: called.clone(), document: *document };
        alter(&mut had);
        assert_eq!(had.verify(&house.application, &key), Err(why));
    }
    let op = house.application.create();
    let plain = house.application.ask(&client, "alice", op).await.unwrap();
    assert!(plain.proof.is_none(), "nobody asked for it");
    let (_, row) = plain.changed.unwrap();
    assert_eq!(Datum::parse(&row.payload).unwrap().document.id, plain.datum);
}
