//! A terminal is taken off its keyring: by its holder with the PIN, on itself or another one; where the policy says so, once support agrees.

use sceau_element_api::TerminalId;
use sceau_element_api::keyring::{Dissociation, KeyringPolicy, Left, RequestKind};
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Ask, Dissociate, Request};
use sceau_trace::{ActorKind, Asserted};

use super::comes::{copies, joined, own};
use super::stage::{PIN, Stage, Terminal, refused};

const DAY: u64 = 24 * 3600 * 1000;

fn takes_off(stage: &Stage, on: &Terminal, gone: TerminalId) -> Request {
    Request { terminal: Some(gone), ..own(stage, on, RequestKind::Dissociate) }
}

async fn off(stage: &Stage, on: &mut Terminal, gone: TerminalId) -> Result<u64, Code> {
    let request = takes_off(stage, on, gone);
    on.does(stage, request, PIN).await.map(|used| used.index)
}

async fn signs(stage: &Stage, terminal: &mut Terminal) -> Result<(), Code> {
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(stage, request).await.map(|_| ())
}

#[tokio::test]
async fn one_terminal_takes_the_other_off_which_does_nothing_any_more() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let mut second = joined(&stage, &mut first).await;
    let stolen = second.place.terminal;
    // What it has under way ends with it.
    let request = stage.request(first.place.keyring, &[b"x"]);
    let mut attempt = second.attempt(&stage, request, PIN).await.unwrap();
    let index = off(&stage, &mut first, stolen).await.unwrap();
    let record = crate::house::shown(stage.client(), index).await;
    assert_eq!(record.action().as_str(), "keyring.dissociate");
    assert_eq!((record.actor().kind, record.asserted()), (ActorKind::Holder, Asserted::Terminal));
    let sad = sceau_keyring::Statement::sign(&second.consent(&stage, &attempt), &second.device).unwrap();
    let (ask, _) = second.uses(&attempt, &sad);
    let under_way = refused(&attempt.talk.ask(&second.device, ask).await);
    assert!(matches!(under_way, Code::SadInvalid | Code::ActorUnknown | Code::StaleVersion), "{under_way:?}");
    assert_eq!(signs(&stage, &mut second).await, Err(Code::TerminalDissociated));
    drop(attempt);
    let stage = stage.restart().await;
    assert_eq!(signs(&stage, &mut second).await, Err(Code::TerminalDissociated));
    signs(&stage, &mut first).await.unwrap();
    let seen = first.standing(&stage).await;
    assert_eq!(
        (seen.terminals.len(), seen.former[0].terminal, seen.former[0].left),
        (1, stolen, Left::Dissociated)
    );
    // With the key of another one it is not even told that.
    second.device = super::stage::Key::device();
    assert_eq!(signs(&stage, &mut second).await, Err(Code::ActorUnknown));
}

#[tokio::test]
async fn a_terminal_takes_itself_off_and_the_last_one_does_not() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let mut second = joined(&stage, &mut first).await;
    let (one, two) = (first.place.terminal, second.place.terminal);
    off(&stage, &mut first, one).await.unwrap();
    assert_eq!(signs(&stage, &mut first).await, Err(Code::TerminalDissociated));
    signs(&stage, &mut second).await.unwrap();
    assert_eq!(off(&stage, &mut second, two).await, Err(Code::KeyringPhase));
    assert_eq!(off(&stage, &mut second, one).await, Err(Code::NotFound));
    assert_eq!(off(&stage, &mut second, TerminalId::random()).await, Err(Code::NotFound));
    signs(&stage, &mut second).await.unwrap();
}

#[tokio::test]
async fn nobody_takes_one_off_without_the_pin_and_a_wrong_one_counts() {
    let stage = Stage::begin_with(copies()).await;
    let mut first = stage.activated().await;
    let mut second = joined(&stage, &mut first).await;
    let request = takes_off(&stage, &first, second.place.terminal);
    assert_eq!(first.does(&stage, request, "111222").await.unwrap_err(), Code::PinInvalid);
    assert_eq!(second.standing(&stage).await.tries.left, 2);
    // Nor does support alone, where the policy asks it of the holder.
    let version = stage.standing(first.place.keyring).await.hash;
    let agree = Dissociate { keyring: first.place.keyring, terminal: second.place.terminal, version };
    assert_eq!(refused(&stage.asks(&stage.support, Ask::Dissociate(agree)).await), Code::KeyringPhase);
    signs(&stage, &mut second).await.unwrap();
}

#[tokio::test]
async fn where_support_has_to_agree_both_say_so_and_both_are_on_record() {
    let policy = KeyringPolicy { dissociation: Dissociation::HolderAndSupport, ..copies() };
    let mut stage = Stage::begin_with(policy).await;
    let mut first = stage.activated().await;
    let mut second = joined(&stage, &mut first).await;
    let third = joined(&stage, &mut first).await;
    let (keyring, gone) = (first.place.keyring, second.place.terminal);
    let agree = |version| Ask::Dissociate(Dissociate { keyring, terminal: gone, version });
    // Nobody asked.
    let version = stage.standing(keyring).await.hash;
    assert_eq!(refused(&stage.asks(&stage.support, agree(version)).await), Code::KeyringPhase);
    let asked = off(&stage, &mut first, gone).await.unwrap();
    assert_eq!(crate::house::shown(stage.client(), asked).await.action().as_str(), "keyring.part");
    // Until support agrees it is one.
    signs(&stage, &mut second).await.unwrap();
    assert!(second.standing(&stage).await.terminals.iter().any(|one| one.parting.is_some()));
    assert_eq!(refused(&stage.asks(&stage.support, agree(version)).await), Code::StaleVersion);
    let version = stage.standing(keyring).await.hash;
    for other in [&stage.registrar, &stage.other_registrar, &stage.provider, &stage.officer, &first.device] {
        assert_eq!(refused(&stage.asks(other, agree(version)).await), Code::ActorUnknown);
    }
    let Answer::Recorded { index } = stage.asks(&stage.support, agree(version)).await else { panic!() };
    let record = crate::house::shown(stage.client(), index).await;
    assert_eq!((record.action().as_str(), record.actor().kind), ("keyring.dissociate", ActorKind::Support));
    assert_eq!(signs(&stage, &mut second).await, Err(Code::TerminalDissociated));
    signs(&stage, &mut first).await.unwrap();
    // What was asked once is not agreed to after a week.
    off(&stage, &mut first, third.place.terminal).await.unwrap();
    stage.later(7 * DAY).await;
    let version = stage.standing(keyring).await.hash;
    let late = Dissociate { keyring, terminal: third.place.terminal, version };
    assert_eq!(refused(&stage.asks(&stage.support, Ask::Dissociate(late)).await), Code::KeyringPhase);
}
