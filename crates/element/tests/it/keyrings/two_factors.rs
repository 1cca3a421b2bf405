//! A second activation factor: proven beside the code, three wrong ones block, and who has no code counts nothing.

use sceau_element_api::Kind;
use sceau_element_api::keyring::{KeyringPolicy, SecondFactor};
use sceau_element_api::wire::Code;
use sceau_keyring::{Activate, Answer, Ask, Delivery, Package, Pin, SecondCode};

use super::stage::{Key, PIN, Stage, Talk, Terminal, asked_to_activate, policy, refused};
use crate::house::shown;

async fn stage() -> Stage {
    Stage::begin_with(KeyringPolicy { second_factor: SecondFactor::Required, ..policy() }).await
}

/// The same package, with another second factor.
fn guessed(package: &Package) -> Package {
    let jws = serde_json::to_value(package).unwrap();
    Package { second: Some(SecondCode::draw()), ..serde_json::from_value(jws).unwrap() }
}

/// How an activation with these factors, altered by this, is answered; the message and its answer come once more.
async fn tried(stage: &Stage, package: &Package, alter: impl FnOnce(&mut Activate)) -> Code {
    let (device, mut talk) = (Key::device(), Talk::begin(stage.client()).await);
    let (_, register) = Pin::parse(PIN).unwrap().register().unwrap();
    let mut asked = asked_to_activate(&device, &talk, package, &register);
    alter(&mut asked);
    let message = talk.message(&device, Ask::Activate(asked));
    let first = talk.carried(message.clone()).await;
    talk.seq -= 1;
    if let Ok(again) = stage.client().keyring(message).await {
        let again = talk.channel.open_down(1, &again.sealed).unwrap();
        assert_eq!(refused(&again), refused(&first), "the same bytes count once");
    }
    refused(&first)
}

/// Which version of the keyring is on record: it has another one once it is blocked.
async fn version(stage: &Stage, package: &Package) -> u64 {
    stage.client().current(Kind::Keyring, package.keyring).await.unwrap().unwrap().version
}

#[tokio::test]
async fn a_keyring_of_two_factors_is_activated_by_both() {
    let stage = stage().await;
    let package = stage.delivered().await;
    assert_eq!(package.invitation().second_factor, SecondFactor::Required);
    let (mut terminal, answer) = Terminal::activate(stage.client(), &package).await;
    assert!(matches!(answer, Answer::Activated(_)), "{answer:?}");
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn three_wrong_second_factors_block_and_no_restart_heals() {
    let stage = stage().await;
    let package = stage.delivered().await;
    for _ in 0..2 {
        assert_eq!(tried(&stage, &guessed(&package), |_| ()).await, Code::FactorInvalid);
        let last = stage.client().hello().await.unwrap().size - 1;
        let record = shown(stage.client(), last).await;
        assert_eq!((record.action().as_str(), record.code()), ("keyring.activate", "factor_invalid"));
    }
    let stage = stage.restart().await;
    assert_eq!(version(&stage, &package).await, 2, "made and delivered");
    assert_eq!(tried(&stage, &guessed(&package), |_| ()).await, Code::FactorInvalid);
    assert_eq!(version(&stage, &package).await, 3);
    let last = stage.client().hello().await.unwrap().size - 1;
    assert_eq!(shown(stage.client(), last).await.action().as_str(), "keyring.block");
    // Not by the right ones either, nor after a restart.
    assert_eq!(tried(&stage, &package, |_| ()).await, Code::KeyringBlocked);
    let stage = stage.restart().await;
    assert_eq!(tried(&stage, &package, |_| ()).await, Code::KeyringBlocked);
}

#[tokio::test]
async fn two_wrong_ones_block_nothing() {
    let stage = stage().await;
    let package = stage.delivered().await;
    for _ in 0..2 {
        assert_eq!(tried(&stage, &guessed(&package), |_| ()).await, Code::FactorInvalid);
    }
    let (_, answer) = Terminal::activate(stage.client(), &package).await;
    assert!(matches!(answer, Answer::Activated(_)), "{answer:?}");
}

#[tokio::test]
async fn who_has_no_code_counts_nothing() {
    let stage = stage().await;
    let (package, other) = (stage.delivered().await, stage.delivered().await);
    for _ in 0..4 {
        // Another code, with the right second factor and a wrong one; the right code with none, which guesses nothing.
        let stolen = Package { keyring: package.keyring, ..guessed(&other) };
        assert_eq!(tried(&stage, &stolen, |_| ()).await, Code::FactorInvalid);
        assert_eq!(tried(&stage, &package, |asked| asked.second = None).await, Code::FactorInvalid);
        // Both proofs, under another device's key.
        let device = Key::device();
        let (_, register) = Pin::parse(PIN).unwrap().register().unwrap();
        let mut talk = Talk::begin(stage.client()).await;
        let asked = asked_to_activate(&Key::device(), &talk, &package, &register);
        let asked = Activate { device: device.spki.clone().into(), ..asked };
        assert_eq!(refused(&talk.ask(&device, Ask::Activate(asked)).await), Code::FactorInvalid);
    }
    let (_, answer) = Terminal::activate(stage.client(), &package).await;
    assert!(matches!(answer, Answer::Activated(_)), "{answer:?}");
}

#[tokio::test]
async fn an_activation_that_was_begun_before_the_block_ends_in_nothing() {
    let stage = stage().await;
    let package = stage.delivered().await;
    let begun = Terminal::activating(stage.client(), &package).await;
    for _ in 0..3 {
        assert_eq!(tried(&stage, &guessed(&package), |_| ()).await, Code::FactorInvalid);
    }
    let (_, answer) = begun.confirm().await;
    assert_eq!(refused(&answer), Code::KeyringBlocked);
}

#[tokio::test]
async fn two_factors_are_delivered_by_two_channels() {
    let stage = stage().await;
    let (package, jws) = stage.fabricate().await;
    let good = stage.delivery(&package, &jws);
    for channels in [vec!["hand"], vec!["sms", "sms"], vec!["sms", "SMS"], vec!["hand", "sms", "post"]] {
        let channels = channels.into_iter().map(str::to_owned).collect();
        let delivery = Delivery { channels, ..good.clone() };
        assert_eq!(refused(&stage.deliver(&delivery).await), Code::DocumentMalformed);
    }
    let alone = sceau_keyring::Factors { code: &package.code, second: None };
    let half = Delivery { factors: sceau_keyring::factors_hash(&alone), ..good.clone() };
    assert_eq!(refused(&stage.deliver(&half).await), Code::FactorInvalid);
    assert!(matches!(stage.deliver(&good).await, Answer::Delivered { .. }));
}
