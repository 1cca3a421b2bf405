//! Where a keyring stands, and what was done with it: for its terminal, its authority and support, and for nobody else.

use sceau_element_api::KeyringId;
use sceau_element_api::keyring::KeyringPhase;
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Ask, Happening, LookAt, MOST_HAPPENINGS};
use sceau_trace::{ActorKind, Asserted};

use super::stage::{Key, PIN, Stage, Talk, Terminal, nobody, refused};

fn look(keyring: KeyringId) -> Ask {
    Ask::Look(LookAt::newest(keyring, None))
}

fn actions(done: &[Happening]) -> Vec<&str> {
    done.iter().map(|one| one.action.as_str()).collect()
}

#[tokio::test]
async fn what_was_done_is_told_and_who_looked() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    terminal.fails(&stage).await;
    let request = stage.request(terminal.place.keyring, &[b"one", b"two"]);
    let asked = request.request;
    terminal.sign(&stage, request).await.unwrap();

    let Answer::Standing(seen) = stage.asks(&stage.support, look(terminal.place.keyring)).await else {
        panic!("support is told");
    };
    assert_eq!(
        (seen.phase, seen.version, seen.tries.wrong, seen.tries.left),
        (KeyringPhase::Active, 3, 0, 3)
    );
    assert_eq!(seen.terminals[0].terminal, terminal.place.terminal);
    let all = [
        "keyring.sign",
        "keyring.attempt",
        "keyring.fail",
        "keyring.attempt",
        "keyring.activate",
        "keyring.deliver",
        "keyring.make",
    ];
    assert_eq!(actions(&seen.done), all);
    let signed = &seen.done[0];
    assert_eq!(
        (signed.provider, signed.request, signed.count),
        (Some(stage.provider_id), Some(asked), Some(2))
    );
    assert_eq!(signed.attempt, seen.done[1].attempt, "a use is of its attempt");
    assert!(signed.attempt.is_some() && signed.attempt != seen.done[2].attempt);
    assert_eq!(seen.done[3].provider, Some(stage.provider_id));
    // Nobody's name, and no certificate, is in it.
    let text = serde_json::to_string(&seen).unwrap();
    assert!(!text.contains("Curie") && !text.contains("dossier-17"), "{text}");

    // The holder sees that support looked; and that it did so is on record as its own act.
    let seen = terminal.standing(&stage).await;
    assert_eq!((seen.done[0].action.as_str(), seen.done[0].by.as_str()), ("keyring.read", "support"));
    let record = crate::house::shown(stage.client(), seen.done[0].index).await;
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Support, Asserted::Actor));
    // The holder's own look leaves none.
    let again = terminal.standing(&stage).await;
    assert_eq!(again.done[0].index, seen.done[0].index);
    // What is told is the journal's: a restart forgets none of it.
    let stage = stage.restart().await;
    assert_eq!(terminal.standing(&stage).await.done, again.done);
}

#[tokio::test]
async fn history_is_told_by_pages_that_nobody_mixes() {
    let stage = Stage::begin().await;
    let (mut terminal, other) = (stage.activated().await, stage.activated().await);
    for _ in 0..MOST_HAPPENINGS / 2 {
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        terminal.sign(&stage, request).await.unwrap();
    }
    let first = terminal.standing(&stage).await;
    assert_eq!((first.done.len(), first.next), (MOST_HAPPENINGS, first.done.last().map(|one| one.index)));
    let page = |before| {
        let terminal_id = Some(terminal.place.terminal);
        Ask::Look(LookAt { before, ..LookAt::newest(terminal.place.keyring, terminal_id) })
    };
    let Answer::Standing(rest) = terminal.asks(&stage, page(first.next)).await else { panic!() };
    assert_eq!(actions(&rest.done), ["keyring.activate", "keyring.deliver", "keyring.make"]);
    assert_eq!(rest.next, None);
    // An entry of another keyring, and one of none, are no place to go on from.
    let others = other.standing(&stage).await.done[0].index;
    for before in [others, 0, 1_000_000] {
        assert_eq!(refused(&terminal.asks(&stage, page(Some(before))).await), Code::NotFound);
    }
}

#[tokio::test]
async fn history_after_what_is_known_is_told_alone() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let place = (terminal.place.keyring, Some(terminal.place.terminal));
    let told = async |terminal: &Terminal, before, after| {
        let ask = Ask::Look(LookAt { before, after, ..LookAt::newest(place.0, place.1) });
        let Answer::Standing(seen) = terminal.asks(&stage, ask).await else { panic!("it is told") };
        (seen.done.iter().map(|one| one.index).collect::<Vec<_>>(), seen.next)
    };
    let known = terminal.standing(&stage).await.done[0].index;
    assert_eq!(told(&terminal, None, Some(known)).await, (vec![], None), "nothing happened since");
    assert_eq!(
        told(&terminal, None, Some(u64::MAX)).await,
        (vec![], None),
        "nor after what is not there yet"
    );
    for _ in 0..=MOST_HAPPENINGS / 2 {
        let request = stage.request(place.0, &[b"x"]);
        terminal.sign(&stage, request).await.unwrap();
    }
    // A page, and what is left of the part that is new: the entry that is known, and those before it, are on none.
    let (first, next) = told(&terminal, None, Some(known)).await;
    assert_eq!((first.len(), next), (MOST_HAPPENINGS, first.last().copied()));
    let (rest, end) = told(&terminal, next, Some(known)).await;
    assert_eq!((rest.len(), end), (2, None));
    assert!(rest.iter().all(|index| *index > known));
    // A terminal that looked through the last use but one is told of one use: its attempt, and its end.
    assert_eq!(told(&terminal, None, first.get(2).copied()).await, (first[..2].to_vec(), None));
    // What it says of before and after may leave nothing.
    assert_eq!(told(&terminal, Some(first[1]), Some(first[1])).await, (vec![], None));
}

#[tokio::test]
async fn nobody_else_is_told() {
    let stage = Stage::begin().await;
    let (terminal, other) = (stage.activated().await, stage.activated().await);
    let keyring = terminal.place.keyring;
    let as_terminal = |id| Ask::Look(LookAt::newest(keyring, Some(id)));
    for (by, code) in [
        (&stage.other_registrar, Code::NotAuthorised),
        (&stage.provider, Code::ActorUnknown),
        (&stage.officer, Code::ActorUnknown),
        (&Key::device(), Code::ActorUnknown),
        (&other.device, Code::ActorUnknown),
    ] {
        assert_eq!(refused(&stage.asks(by, look(keyring)).await), code);
        assert_eq!(refused(&stage.asks(by, as_terminal(terminal.place.terminal)).await), Code::ActorUnknown);
    }
    assert_eq!(refused(&terminal.asks(&stage, as_terminal(nobody())).await), Code::ActorUnknown);
    assert_eq!(refused(&terminal.asks(&stage, as_terminal(other.place.terminal)).await), Code::ActorUnknown);
    // In an exchange that it began about its own keyring, too.
    let mut talk = Talk::begin(stage.client()).await;
    assert!(matches!(
        talk.ask(&terminal.device, as_terminal(terminal.place.terminal)).await,
        Answer::Standing(_)
    ));
    let theirs = Ask::Look(LookAt::newest(other.place.keyring, Some(other.place.terminal)));
    assert_eq!(refused(&talk.ask(&terminal.device, theirs).await), Code::ActorUnknown);
    // No refusal moved anything of the keyring's.
    assert_eq!(terminal.standing(&stage).await.done.len(), 3);
}

#[tokio::test]
async fn what_a_copy_tries_is_told_as_not_the_terminals_own() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    // The same key and place: what a copy has.
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let mut stolen = terminal.attempt(&stage, request, "111222").await.unwrap();
    stolen.talk.ask(&terminal.device, Ask::Failed {}).await;
    let seen = terminal.standing(&stage).await;
    assert_eq!((seen.tries.wrong, seen.tries.left), (1, 2));
    assert_eq!(seen.done[0].attempt, Some(Happening::attempt_of(&stolen.ke1)));
    // After the holder's own use it still stands there, though no counter tells of it.
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
    let seen = terminal.standing(&stage).await;
    assert_eq!(seen.tries.wrong, 0);
    assert_eq!(seen.done[2].attempt, Some(Happening::attempt_of(&stolen.ke1)));
    // One that nobody ends is told, and until when it makes others wait.
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.attempt(&stage, request, PIN).await.unwrap();
    let seen = terminal.standing(&stage).await;
    assert_eq!(seen.tries.unfinished, 1);
    let wait = seen.tries.cools_until.unwrap() - seen.time;
    assert!((1..=30_000).contains(&wait), "{wait}");
}
