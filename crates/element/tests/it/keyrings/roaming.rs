//! A keyring comes to another terminal: with the PIN on both, a code that is good once and for minutes, and the same short code on both.

use sceau_element_api::keyring::{
    Dissociation, KeyringPhase, KeyringPolicy, Left, RequestKind, ResumeReason, SuspendReason,
};
use sceau_element_api::wire::Code;
use sceau_element_api::{CallError, KeyringActorId};
use sceau_keyring::{Answer, Ask, LookAt, Request, Resume, RoamingStage, Suspend};
use sceau_trace::{ActorKind, Asserted};

use super::comes::{Comer, copies, joined, moves, own};
use super::stage::{PIN, Stage, Talk, Terminal, publish, refused};

const MINUTE: u64 = 60_000;

async fn signs(stage: &Stage, terminal: &mut Terminal) {
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(stage, request).await.unwrap();
}

#[tokio::test]
async fn a_second_terminal_comes_and_each_signs_by_a_secret_of_its_own() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let record = crate::house::shown(stage.client(), shown.index).await;
    assert_eq!(record.action().as_str(), "keyring.roam");
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Holder, Asserted::Terminal));
    assert_eq!(first.roaming(&stage).await.unwrap().stage, RoamingStage::Expected);

    let comer = Comer::with(&shown.code);
    comer.comes(&stage).await.unwrap();
    let seen = first.roaming(&stage).await.unwrap();
    assert_eq!((seen.stage, seen.terminal), (RoamingStage::Came, Some(shown.terminal)));
    assert_eq!(seen.thumbprint.unwrap().0, comer.print());
    assert!(seen.admitted.is_none());
    assert!(matches!(first.admits(&stage, &comer).await, Answer::Recorded { .. }));

    let mut second = comer.terminal(&first, shown.terminal);
    let told = second.roaming(&stage).await.unwrap();
    assert_eq!(told.stage, RoamingStage::Admitted);
    assert_eq!(told.admitted.unwrap().identity.common_name, "Marie Curie");
    let request = own(&stage, &second, RequestKind::Join);
    let used = second.does(&stage, request, PIN).await.unwrap();
    let record = crate::house::shown(stage.client(), used.index).await;
    assert_eq!(record.action().as_str(), "keyring.join");

    for _ in 0..2 {
        signs(&stage, &mut first).await;
        signs(&stage, &mut second).await;
    }
    let stage = stage.restart().await;
    signs(&stage, &mut second).await;
    signs(&stage, &mut first).await;
    let seen = first.standing(&stage).await;
    assert_eq!((seen.terminals.len(), seen.roaming.is_none()), (2, true));
    assert!(seen.terminals.iter().all(|terminal| !terminal.provisional));
    assert_eq!(first.roaming(&stage).await.unwrap().stage, RoamingStage::Over);
    // The code was used: it is no code any more.
    assert_eq!(Comer::with(&shown.code).comes(&stage).await, Err(Code::RoamingInvalid));
}

#[tokio::test]
async fn two_terminals_sign_at_the_same_moment() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let mut second = joined(&stage, &mut first).await;
    // Both attempts are under way when the first one ends.
    let keyring = first.place.keyring;
    let (one, two) = (stage.request(keyring, &[b"one"]), stage.request(keyring, &[b"two"]));
    let (one, two) = tokio::join!(first.sign(&stage, one), second.sign(&stage, two));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.signatures, two.signatures);
    signs(&stage, &mut first).await;
    signs(&stage, &mut second).await;
    // What one begins and does not end keeps the other one waiting for nothing.
    let request = stage.request(keyring, &[b"x"]);
    drop(first.attempt(&stage, request, "111222").await.unwrap());
    let request = stage.request(keyring, &[b"x"]);
    assert_eq!(first.attempt(&stage, request, PIN).await.err(), Some(Code::KeyringCooling));
    signs(&stage, &mut second).await;
    assert_eq!(
        (first.standing(&stage).await.tries.unfinished, second.standing(&stage).await.tries.unfinished),
        (1, 0)
    );
}

#[tokio::test]
async fn neither_terminal_opens_the_others_part() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let mut second = joined(&stage, &mut first).await;
    let own = std::mem::replace(&mut second.secret, first.secret.duplicate());
    let request = stage.request(first.place.keyring, &[b"x"]);
    assert_eq!(second.sign(&stage, request).await.unwrap_err(), Code::SecretStale);
    second.secret = own;
    signs(&stage, &mut second).await;
    // Nor in the other's name.
    second.place.terminal = first.place.terminal;
    let request = stage.request(first.place.keyring, &[b"x"]);
    assert_eq!(second.attempt(&stage, request, PIN).await.err(), Some(Code::ActorUnknown));
}

#[tokio::test]
async fn a_keyring_that_moves_leaves_its_terminal_in_the_same_step() {
    let stage = Stage::begin_with(moves()).await;
    let mut first = stage.activated().await;
    let keyring = first.place.keyring;
    let mut second = joined(&stage, &mut first).await;
    signs(&stage, &mut second).await;
    let request = stage.request(keyring, &[b"x"]);
    assert_eq!(first.attempt(&stage, request, PIN).await.err(), Some(Code::TerminalDissociated));
    assert_eq!(first.roaming(&stage).await.err(), Some(Code::TerminalDissociated));
    let suspend = Suspend { keyring, terminal: Some(first.place.terminal), reason: SuspendReason::Lost };
    assert_eq!(refused(&first.asks(&stage, Ask::Suspend(suspend)).await), Code::TerminalDissociated);
    let stage = stage.restart().await;
    let seen = second.standing(&stage).await;
    assert_eq!((seen.terminals.len(), seen.former.len()), (1, 1));
    assert_eq!((seen.former[0].terminal, seen.former[0].left), (first.place.terminal, Left::Moved));
    // And back again.
    let mut third = joined(&stage, &mut second).await;
    signs(&stage, &mut third).await;
    assert_eq!(third.standing(&stage).await.former.len(), 2);
}

#[tokio::test]
async fn the_code_alone_tells_nothing_and_tries_nothing() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let comer = Comer::with(&shown.code);
    comer.comes(&stage).await.unwrap();
    let keyring = first.place.keyring;
    let thief = comer.terminal(&first, shown.terminal);
    let seen = thief.roaming(&stage).await.unwrap();
    assert_eq!((seen.stage, seen.admitted.is_none()), (RoamingStage::Came, true));
    let joins = own(&stage, &thief, RequestKind::Join);
    assert_eq!(thief.tries(&stage, joins, "111222").await.err(), Some(Code::ActorUnknown));
    let look = LookAt::newest(keyring, Some(thief.place.terminal));
    let suspend = Suspend { keyring, terminal: Some(thief.place.terminal), reason: SuspendReason::Lost };
    let at = thief.at();
    for ask in [Ask::Look(look), Ask::Suspend(suspend), Ask::Withdraw(at)] {
        assert_eq!(refused(&thief.asks(&stage, ask).await), Code::ActorUnknown);
    }
    // Nor does it admit itself.
    let itself =
        Comer { device: super::stage::Key::device(), keys: sceau_keyring::RoamingKeys::of(&shown.code) };
    assert_eq!(refused(&thief.admits(&stage, &itself).await), Code::ActorUnknown);
    let tries = first.standing(&stage).await.tries;
    assert_eq!(
        (tries.wrong, tries.unfinished),
        (0, 0),
        "nothing was counted: nobody blocks a keyring by its code"
    );
    signs(&stage, &mut first).await;
}

#[tokio::test]
async fn once_admitted_it_tries_for_that_alone_and_wrong_pins_count_with_the_others() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    first.fails(&stage).await;
    // The right PIN of the one that shows the code begins the count anew.
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let comer = Comer::with(&shown.code);
    comer.comes(&stage).await.unwrap();
    first.admits(&stage, &comer).await;
    let mut second = comer.terminal(&first, shown.terminal);
    let request = stage.request(first.place.keyring, &[b"x"]);
    assert_eq!(second.attempt(&stage, request, PIN).await.err(), Some(Code::ActorUnknown));
    let destroys = Request {
        kind: RequestKind::Destroy,
        provider: KeyringActorId::of_holder(first.place.keyring),
        ..own(&stage, &second, RequestKind::Join)
    };
    assert_eq!(second.tries(&stage, destroys, PIN).await.err(), Some(Code::ActorUnknown));
    for _ in 0..2 {
        let request = own(&stage, &second, RequestKind::Join);
        assert_eq!(second.does(&stage, request, "111222").await.unwrap_err(), Code::PinInvalid);
    }
    assert_eq!(first.standing(&stage).await.tries.left, 1);
    first.fails(&stage).await;
    assert_eq!(first.standing(&stage).await.phase, KeyringPhase::Blocked);
    let request = own(&stage, &second, RequestKind::Join);
    assert_eq!(
        second.does(&stage, request, PIN).await.unwrap_err(),
        Code::ActorUnknown,
        "nor does it come any more"
    );
}

#[tokio::test]
async fn a_bound_terminal_joins_nothing_and_no_name_is_taken_twice() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let request = own(&stage, &first, RequestKind::Join);
    assert_eq!(first.does(&stage, request, PIN).await.unwrap_err(), Code::ActorUnknown);
    let named = first.place.terminal;
    assert_eq!(first.lets_come_as(&stage, PIN, named).await.err(), Some(Code::RequestInvalid));
    let second = joined(&stage, &mut first).await;
    let named = second.place.terminal;
    assert_eq!(first.lets_come_as(&stage, PIN, named).await.err(), Some(Code::RequestInvalid));
    let _third = joined(&stage, &mut first).await;
    assert_eq!(
        first.lets_come(&stage, PIN).await.err(),
        Some(Code::KeyringPhase),
        "three are what the policy allows"
    );
}

#[tokio::test]
async fn two_that_come_with_one_code_come_both_to_nothing_and_the_source_sees_it() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let (thief, holder) = (Comer::with(&shown.code), Comer::with(&shown.code));
    thief.comes(&stage).await.unwrap();
    // Its own answer was lost: it is the same one.
    thief.comes(&stage).await.unwrap();
    assert_eq!(holder.comes(&stage).await, Err(Code::RoamingTaken));
    assert_eq!(first.roaming(&stage).await.unwrap().stage, RoamingStage::Over);
    assert_eq!(refused(&first.admits(&stage, &thief).await), Code::RoamingInvalid);
    let seen = first.standing(&stage).await;
    assert_eq!(
        (seen.done[0].action.as_str(), seen.done[0].reason.as_deref(), seen.done[0].by.as_str()),
        ("keyring.withdraw", Some("taken"), "element")
    );
    assert_eq!(seen.terminals.len(), 1);
    assert_eq!(thief.comes(&stage).await, Err(Code::RoamingInvalid));
    signs(&stage, &mut first).await;
}

#[tokio::test]
async fn at_the_same_moment_one_of_two_comes() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let (one, two) = (Comer::with(&shown.code), Comer::with(&shown.code));
    let (a, b) = tokio::join!(one.comes(&stage), two.comes(&stage));
    assert!(a.is_ok() != b.is_ok() || (a.is_ok() && b == Err(Code::RoamingTaken)), "{a:?} {b:?}");
    assert!([a, b].contains(&Err(Code::RoamingTaken)));
}

#[tokio::test]
async fn a_code_ends_by_time_by_its_holder_by_another_one_and_by_a_stop() {
    let mut stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let keyring = first.place.keyring;
    // By its holder.
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let answer = first.asks(&stage, Ask::Withdraw(first.at())).await;
    assert!(matches!(answer, Answer::Recorded { .. }), "{answer:?}");
    assert_eq!(Comer::with(&shown.code).comes(&stage).await, Err(Code::RoamingInvalid));
    assert_eq!(refused(&first.asks(&stage, Ask::Withdraw(first.at())).await), Code::RoamingInvalid);
    // By the next one, which counts.
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let next = first.lets_come(&stage, PIN).await.unwrap();
    assert_eq!(Comer::with(&shown.code).comes(&stage).await, Err(Code::RoamingInvalid));
    let comer = Comer::with(&next.code);
    comer.comes(&stage).await.unwrap();
    first.admits(&stage, &comer).await;
    // By a stop, also of one that was admitted; what lets the keyring go on brings none back.
    let suspend = Suspend { keyring, terminal: Some(first.place.terminal), reason: SuspendReason::Suspected };
    first.asks(&stage, Ask::Suspend(suspend)).await;
    assert_eq!(Comer::with(&next.code).comes(&stage).await, Err(Code::RoamingInvalid));
    let version = stage.standing(keyring).await.hash;
    let resume = Resume { keyring, version, reason: ResumeReason::Unfounded };
    stage.asks(&stage.registrar, Ask::Resume(resume)).await;
    let mut second = comer.terminal(&first, next.terminal);
    let request = own(&stage, &second, RequestKind::Join);
    assert_eq!(second.does(&stage, request, PIN).await.unwrap_err(), Code::ActorUnknown);
    signs(&stage, &mut first).await;
    // By time.
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    stage.later(5 * MINUTE).await;
    assert_eq!(Comer::with(&shown.code).comes(&stage).await, Err(Code::RoamingInvalid));
}

#[tokio::test]
async fn one_that_was_admitted_and_takes_too_long_is_none() {
    let mut stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let comer = Comer::with(&shown.code);
    comer.comes(&stage).await.unwrap();
    first.admits(&stage, &comer).await;
    let mut second = comer.terminal(&first, shown.terminal);
    stage.later(5 * MINUTE).await;
    let request = own(&stage, &second, RequestKind::Join);
    assert_eq!(second.does(&stage, request, PIN).await.unwrap_err(), Code::ActorUnknown);
    let told = second.roaming(&stage).await.unwrap();
    assert_eq!((told.stage, told.admitted.is_none()), (RoamingStage::Over, true));
}

#[tokio::test]
async fn the_same_arrival_twice_is_one() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let comer = Comer::with(&shown.code);
    let mut talk = Talk::begin(stage.client()).await;
    let message = talk.message(&comer.device, Ask::Arrive(comer.arrives(&talk)));
    let Answer::Arrived(once) = talk.carried(message.clone()).await else { panic!() };
    let size = stage.client().hello().await.unwrap().size;
    let again = stage.client().keyring(message).await.unwrap();
    let Answer::Arrived(again) = talk.channel.open_down(1, &again.sealed).unwrap() else { panic!() };
    assert_eq!(once, again);
    assert_eq!(stage.client().hello().await.unwrap().size, size);
    // In another context the proof is none: it is of its nonce, and of its key.
    let mut other = Talk::begin(stage.client()).await;
    let ask = Ask::Arrive(comer.arrives(&talk));
    assert_eq!(refused(&other.ask(&comer.device, ask).await), Code::RoamingInvalid);
    let thief = super::stage::Key::device();
    let mut other = Talk::begin(stage.client()).await;
    let stolen = sceau_keyring::Arrive { device: thief.spki.clone().into(), ..comer.arrives(&other) };
    assert_eq!(refused(&other.ask(&thief, Ask::Arrive(stolen)).await), Code::RoamingInvalid);
}

#[tokio::test]
async fn who_learned_a_code_leads_nobody_to_a_keyring_of_their_own() {
    let stage = Stage::begin_with(copies()).await;
    let (mut first, mut thief) = (stage.activated().await, stage.activated().await);
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let learned = sceau_keyring::RoamingCode::parse(&shown.code.shown()).unwrap();
    let named = sceau_element_api::TerminalId::random();
    let refused = thief.lets_come_by(&stage, PIN, named, learned).await.err();
    assert_eq!(refused, Some(Code::RequestInvalid));
    let comer = Comer::with(&shown.code);
    comer.comes(&stage).await.unwrap();
    assert_eq!(first.roaming(&stage).await.unwrap().stage, RoamingStage::Came);
}

#[tokio::test]
async fn a_policy_that_lets_none_come_lets_none_come_and_counts_no_attempt() {
    let stage = Stage::begin().await;
    let mut first = stage.activated().await;
    assert_eq!(first.lets_come(&stage, PIN).await.err(), Some(Code::KeyringPhase));
    assert_eq!(first.standing(&stage).await.tries.unfinished, 0);
}

/// Its minutes are minutes: who has the terminal that showed the code, or a copy of it, gives no more of them by saying the same again, and makes no version of each time.
#[tokio::test]
async fn what_was_admitted_is_admitted_once() {
    let mut stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let comer = Comer::with(&shown.code);
    comer.comes(&stage).await.unwrap();
    let Answer::Recorded { index } = first.admits(&stage, &comer).await else { panic!() };
    let (ends, version) = (first.roaming(&stage).await.unwrap().ends, first.standing(&stage).await.version);
    stage.later(4 * MINUTE).await;
    for _ in 0..20 {
        let again = first.admits(&stage, &comer).await;
        assert!(matches!(again, Answer::Recorded { index: told } if told == index), "{again:?}");
    }
    let seen = (first.roaming(&stage).await.unwrap().ends, first.standing(&stage).await.version);
    assert_eq!(seen, (ends, version));
    stage.later(5 * MINUTE).await;
    assert_eq!(refused(&first.admits(&stage, &comer).await), Code::RoamingInvalid);
}

/// Who took a picture of the code says so as often as may be: the holder's terminal still ends the code, and is told.
#[tokio::test]
async fn who_comes_again_and_again_hides_no_second_one() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let shown = first.lets_come(&stage, PIN).await.unwrap();
    let (thief, holder) = (Comer::with(&shown.code), Comer::with(&shown.code));
    let mut ended = Ok(());
    for _ in 0..80 {
        ended = thief.comes(&stage).await;
    }
    assert_eq!(ended, Err(Code::Busy), "so many exchanges are those of one keyring's comers");
    assert_eq!(holder.comes(&stage).await, Err(Code::RoamingTaken));
    assert_eq!(first.roaming(&stage).await.unwrap().stage, RoamingStage::Over);
}

#[tokio::test]
async fn no_policy_has_a_keyring_move_where_support_must_agree_that_a_terminal_is_taken_off() {
    let stage = Stage::begin_with(copies()).await;
    let both = KeyringPolicy { dissociation: Dissociation::HolderAndSupport, ..moves() };
    let refused = publish(stage.client(), &stage.officer, &both, None).await.unwrap_err();
    assert!(
        matches!(&refused, CallError::Refused(refusal) if refusal.code == Code::DocumentMalformed),
        "{refused:?}"
    );
}
