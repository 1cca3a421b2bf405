//! The parsers of a connector, on noise and on good input with bytes changed: none panics, and what a journal says is said again by the one that
//! takes its place.

use proptest::prelude::*;
use sceau_client::connector::parsers;

const JOURNAL: &str = r#"{"step":"received","delivery":{"id":"d.1","position":1,"kind":"submitted","dossier":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11","scheme":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c12","manifest_hash":"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d","time":1}}
{"step":"handing","id":"d.1","folder":"f.1"}
{"step":"received","delivery":{"id":"d.2","position":2,"kind":"accepted","dossier":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11","scheme":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c12","manifest_hash":"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d","time":2}}
{"step":"aside","id":"d.2","code":"infected","detail":"x"}
{"step":"settled","manifest":"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"}
{"step":"done","id":"d.1"}
{"step":"again","id":"d.2"}
{"step":"decided","folder":"f.1","found":"00"}
{"step":"gone","folder":"f.1"}
{"step":"through","position":7}
{"step":"heard","dossier":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11","log_index":9}
{"step":"heeding","after":4}
{"step":"replaced","manifest":"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d","by":8}
"#;
const PAGE: &str = r#"{"deliveries":[{"id":"d.1","position":1,"kind":"submitted","dossier":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c11","scheme":"6f1c1e0e-6f0b-4a55-9d1b-0f6f4e8b6c12","manifest_hash":"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d","time":1}],"cursor":1,"acknowledged":0}"#;
const DECISION: &str = r#"{"decision": "accepted", "reason": "Complet."}"#;
const ANSWERS: &str = r#"{"income":18500,"name":"a \"b\"","$documents":{"f":"proof"}}"#;

fn read_all(bytes: &[u8], position: u64) {
    let (deliveries, _) = parsers::page(bytes, position);
    for (delivery, follows) in deliveries.iter().zip(position.saturating_add(1)..) {
        assert_eq!(delivery.position, follows);
    }
    if let Some((standing, anew)) = parsers::journal(bytes) {
        assert_eq!(parsers::journal(&anew).unwrap().0, standing);
    }
    parsers::decision(bytes);
    parsers::sealed_answers(bytes);
}

#[test]
fn good_input_is_read() {
    assert_eq!(parsers::page(PAGE.as_bytes(), 0).0.len(), 1);
    let (standing, _) = parsers::journal(JOURNAL.as_bytes()).unwrap();
    assert_eq!((standing.position, standing.open.len(), standing.settled.len()), (7, 1, 1));
    assert!(parsers::decision(DECISION.as_bytes()));
    assert_eq!(parsers::sealed_answers(ANSWERS.as_bytes()).unwrap().len(), 3);
}

proptest! {
    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), position: u64) {
        read_all(&bytes, position);
    }

    #[test]
    fn changed_input_never_panics(seed in 0..4_usize, changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6)) {
        let mut bytes = [JOURNAL, PAGE, DECISION, ANSWERS][seed].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        read_all(&bytes, 0);
    }

    /// Lines that are left out, said twice or in another order: the journal after it is written anew still says the same.
    #[test]
    fn any_order_of_steps_is_said_again(order in proptest::collection::vec(0..13_usize, 0..30)) {
        let lines: Vec<&str> = JOURNAL.lines().collect();
        let text: String = order.into_iter().map(|at| format!("{}\n", lines[at])).collect();
        read_all(text.as_bytes(), 0);
        prop_assert!(parsers::journal(text.as_bytes()).is_some());
    }
}
