//! A keyring is stopped, goes on, is blocked: by who may, seen by everybody who must, and nobody undoes it but its authority.

use sceau_element_api::keyring::{BlockedFor, KeyringPhase, ResumeReason, StoppedBy, SuspendReason};
use sceau_element_api::wire::Code;
use sceau_element_api::{KeyringId, Kind};
use sceau_keyring::{Answer, Ask, LookAt, Pin, Resume, Statement, Suspend};
use sceau_trace::{ActorKind, Asserted, Hash};

use super::stage::{Key, PIN, Stage, Talk, Terminal, refused};

fn suspend(keyring: KeyringId) -> Ask {
    Ask::Suspend(Suspend { keyring, terminal: None, reason: SuspendReason::Suspected })
}

fn own(terminal: &Terminal) -> Ask {
    let (keyring, terminal) = (terminal.place.keyring, Some(terminal.place.terminal));
    Ask::Suspend(Suspend { keyring, terminal, reason: SuspendReason::Lost })
}

fn resume(keyring: KeyringId, version: Hash) -> Ask {
    Ask::Resume(Resume { keyring, version, reason: ResumeReason::Unfounded })
}

fn stopped(answer: &Answer) -> KeyringPhase {
    let Answer::Stopped(stopped) = answer else { panic!("{answer:?}") };
    stopped.phase
}

/// The document that the platform reads.
async fn row(stage: &Stage, keyring: KeyringId) -> u64 {
    stage.client().current(Kind::Keyring, keyring).await.unwrap().unwrap().version
}

#[tokio::test]
async fn a_suspended_keyring_signs_nothing_and_no_pin_is_counted_until_it_goes_on() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    let answer = stage.asks(&stage.registrar, suspend(keyring)).await;
    assert_eq!(stopped(&answer), KeyringPhase::Suspended);
    let Answer::Stopped(done) = answer else { panic!() };
    let record = crate::house::shown(stage.client(), done.index).await;
    assert_eq!(record.action().as_str(), "keyring.suspend");
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::RegistrationAuthority, Asserted::Actor));
    assert_eq!(record.detail()["reason"], "suspected");
    assert_eq!(row(&stage, keyring).await, 4);

    let stage = stage.restart().await;
    for pin in [PIN, "111222"] {
        let request = stage.request(keyring, &[b"x"]);
        assert_eq!(terminal.attempt(&stage, request, pin).await.err(), Some(Code::KeyringSuspended));
    }
    // Its terminal is told who, why and that it was.
    let seen = terminal.standing(&stage).await;
    let why = seen.suspended.unwrap();
    assert_eq!((seen.phase, seen.tries.wrong, seen.tries.unfinished), (KeyringPhase::Suspended, 0, 0));
    assert_eq!(
        (why.by, why.reason, why.before),
        (StoppedBy::Authority, SuspendReason::Suspected, KeyringPhase::Active)
    );
    assert_eq!(refused(&stage.asks(&stage.registrar, suspend(keyring)).await), Code::KeyringSuspended);

    assert_eq!(
        stopped(&stage.asks(&stage.registrar, resume(keyring, seen.hash)).await),
        KeyringPhase::Active
    );
    let request = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
    // What goes on is not suspended, and is not resumed.
    let seen = stage.standing(keyring).await;
    assert_eq!(refused(&stage.asks(&stage.registrar, resume(keyring, seen.hash)).await), Code::KeyringPhase);
}

#[tokio::test]
async fn holder_and_support_stop_it_and_the_authority_alone_lets_it_go_on() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    for (ask, by, who) in [
        (own(&terminal), &terminal.device, StoppedBy::Holder),
        (suspend(keyring), &stage.support, StoppedBy::Support),
    ] {
        assert_eq!(stopped(&stage.asks(by, ask).await), KeyringPhase::Suspended);
        let seen = terminal.standing(&stage).await;
        assert_eq!(seen.suspended.unwrap().by, who);
        for other in [&terminal.device, &stage.support, &stage.provider, &stage.officer] {
            let refused = refused(&stage.asks(other, resume(keyring, seen.hash)).await);
            assert_eq!(refused, Code::ActorUnknown);
        }
        let other = refused(&stage.asks(&stage.other_registrar, resume(keyring, seen.hash)).await);
        assert_eq!(other, Code::NotAuthorised);
        let answer = stage.asks(&stage.registrar, resume(keyring, seen.hash)).await;
        assert_eq!(stopped(&answer), KeyringPhase::Active);
    }
    let request = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn nobody_else_stops_it_and_each_refusal_is_on_record() {
    let stage = Stage::begin().await;
    let (mut terminal, other) = (stage.activated().await, stage.activated().await);
    let keyring = terminal.place.keyring;
    let before = stage.client().hello().await.unwrap().size;
    let asks = [
        (&stage.other_registrar, suspend(keyring), Code::NotAuthorised),
        (&stage.provider, suspend(keyring), Code::ActorUnknown),
        (&stage.officer, suspend(keyring), Code::ActorUnknown),
        (&Key::device(), own(&terminal), Code::ActorUnknown),
        (&other.device, own(&terminal), Code::ActorUnknown),
        (&other.device, suspend(keyring), Code::ActorUnknown),
    ];
    let many = asks.len() as u64;
    for (at, (by, ask, code)) in asks.into_iter().enumerate() {
        assert_eq!(refused(&stage.asks(by, ask).await), code);
        let record = crate::house::shown(stage.client(), before + at as u64).await;
        assert_eq!((record.action().as_str(), record.code()), ("keyring.suspend", code.as_str()));
    }
    assert_eq!(stage.client().hello().await.unwrap().size, before + many);
    let request = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn what_lets_it_go_on_is_of_one_stop() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    stage.asks(&stage.support, suspend(keyring)).await;
    let first = stage.standing(keyring).await.hash;
    // As who carries it keeps it: the message, and its answer.
    let mut talk = Talk::begin(stage.client()).await;
    let message = talk.message(&stage.registrar, resume(keyring, first));
    assert_eq!(stopped(&talk.carried(message.clone()).await), KeyringPhase::Active);
    // The holder stops it again; the message of before does nothing to that.
    stage.asks(&terminal.device, own(&terminal)).await;
    let again = stage.client().keyring(message).await.unwrap();
    assert_eq!(
        stopped(&talk.channel.open_down(1, &again.sealed).unwrap()),
        KeyringPhase::Active,
        "the same answer"
    );
    assert_eq!(terminal.standing(&stage).await.phase, KeyringPhase::Suspended);
    // Nor does one that names the version of before.
    assert_eq!(refused(&stage.asks(&stage.registrar, resume(keyring, first)).await), Code::StaleVersion);
    assert_eq!(terminal.standing(&stage).await.phase, KeyringPhase::Suspended);
}

#[tokio::test]
async fn a_consent_that_was_under_way_signs_nothing_any_more() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    let request = stage.request(keyring, &[b"x"]);
    let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    stage.asks(&stage.registrar, suspend(keyring)).await;
    let sad = terminal.consent(&stage, &attempt).sign(&terminal.device).unwrap();
    let (ask, _) = terminal.uses(&attempt, &sad);
    assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::KeyringSuspended);
    assert_eq!(stage.standing(keyring).await.done[0].refused.as_deref(), Some("keyring_suspended"));
}

#[tokio::test]
async fn a_terminal_that_runs_elsewhere_is_refused_at_each_message_and_on_record() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    for image in [None, Some(sceau_trace::sha256(b"another machine"))] {
        let look = LookAt::newest(terminal.place.keyring, Some(terminal.place.terminal));
        let pin = Pin::parse(PIN).unwrap();
        let (_, ke1) = pin.login().unwrap();
        let request = stage.asked(&stage.request(terminal.place.keyring, &[b"x"]));
        for ask in [Ask::Look(look), own(&terminal), terminal.login(&request, &ke1)] {
            let mut talk = Talk::begin(stage.client()).await;
            talk.image = image;
            let index = stage.client().hello().await.unwrap().size;
            assert_eq!(refused(&talk.ask(&terminal.device, ask).await), Code::TerminalAltered);
            assert_eq!(crate::house::shown(stage.client(), index).await.code(), "terminal_altered");
        }
    }
    assert_eq!(terminal.standing(&stage).await.tries.unfinished, 0, "and nothing was counted");
    // In the middle of a use, too.
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    let sad = terminal.consent(&stage, &attempt).sign(&terminal.device).unwrap();
    let (ask, _) = terminal.uses(&attempt, &sad);
    attempt.talk.image = None;
    assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::TerminalAltered);
    // The last caller goes: the element ends.
    drop(attempt);
    let mut stage = stage;
    stage.later(31_000).await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn a_letter_that_was_lost_activates_nothing_while_it_is_suspended() {
    let stage = Stage::begin().await;
    let package = stage.delivered().await;
    stage.asks(&stage.registrar, suspend(package.keyring)).await;
    let (device, mut talk) = (Key::device(), Talk::begin(stage.client()).await);
    let (_, register) = sceau_keyring::Pin::parse(PIN).unwrap().register().unwrap();
    let asked = super::stage::asked_to_activate(&device, &talk, &package, &register);
    let answer = talk.ask(&device, Ask::Activate(asked)).await;
    let Answer::Refused(why) = answer else { panic!("{answer:?}") };
    assert_eq!(why.code, Code::KeyringSuspended);
    assert!(!why.detail.contains("else"), "why is told to nobody who has no terminal: {}", why.detail);
    let version = stage.standing(package.keyring).await.hash;
    let answer = stage.asks(&stage.registrar, resume(package.keyring, version)).await;
    assert_eq!(stopped(&answer), KeyringPhase::Delivered);
    let (_, answer) = Terminal::activate(stage.client(), &package).await;
    assert!(matches!(answer, Answer::Activated(_)), "{answer:?}");
    // One that is of nobody yet has nobody to be stopped for.
    let (package, _) = stage.fabricate().await;
    assert_eq!(refused(&stage.asks(&stage.registrar, suspend(package.keyring)).await), Code::KeyringPhase);
}

#[tokio::test]
async fn three_wrong_pins_show_in_the_row_and_in_the_state() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    for _ in 0..2 {
        terminal.fails(&stage).await;
    }
    assert_eq!(row(&stage, keyring).await, 3, "two leave the row as it was");
    terminal.fails(&stage).await;
    assert_eq!(row(&stage, keyring).await, 4);
    let seen = terminal.standing(&stage).await;
    assert_eq!(
        (seen.phase, seen.blocked, seen.tries.left),
        (KeyringPhase::Blocked, Some(BlockedFor::Pin), 0)
    );
    let blocked = &seen.done[0];
    assert_eq!((blocked.action.as_str(), blocked.by.as_str()), ("keyring.block", "element"));
    assert_eq!(seen.done[1].action, "keyring.fail");
    // Neither is it stopped for a while, nor let go on.
    for ask in [suspend(keyring), resume(keyring, seen.hash)] {
        assert_eq!(refused(&stage.asks(&stage.registrar, ask).await), Code::KeyringBlocked);
    }
    let stage = stage.restart().await;
    assert_eq!(terminal.standing(&stage).await.phase, KeyringPhase::Blocked);
}

#[tokio::test]
async fn wrong_pins_of_while_it_was_suspended_count_when_it_goes_on() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let keyring = terminal.place.keyring;
    for _ in 0..2 {
        terminal.fails(&stage).await;
    }
    let request = stage.request(keyring, &[b"x"]);
    let mut attempt = terminal.attempt(&stage, request, "111222").await.unwrap();
    stage.asks(&stage.registrar, suspend(keyring)).await;
    attempt.talk.ask(&terminal.device, Ask::Failed {}).await;
    let seen = stage.standing(keyring).await;
    assert_eq!((seen.phase, seen.tries.wrong), (KeyringPhase::Suspended, 3));
    let answer = stage.asks(&stage.registrar, resume(keyring, seen.hash)).await;
    assert_eq!(stopped(&answer), KeyringPhase::Blocked);
}
