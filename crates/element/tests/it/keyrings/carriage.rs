//! What a platform that carries messages may try: again, in another order, elsewhere, from others.

use sceau_crypto::KeyId;
use sceau_element_api::keyring::SealedMessage;
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Ask, Delivery, Message, Pin, Statement, channel_id};

use super::stage::{Key, PIN, Stage, Talk, Terminal, asked_to_activate, refused};

/// Why the element does not open a message.
async fn turned_away(talk: &Talk, message: SealedMessage) -> Code {
    talk.client.keyring(message).await.unwrap_err().refusal().unwrap().code
}

#[tokio::test]
async fn the_same_bytes_have_the_same_answer_and_no_second_record() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    let sad = terminal.consent(&stage, &attempt).sign(&terminal.device).unwrap();
    let (ask, _) = terminal.uses(&attempt, &sad);
    let message = attempt.talk.message(&terminal.device, ask);
    let first = stage.client().keyring(message.clone()).await.unwrap();
    let size = stage.client().hello().await.unwrap().size;
    let second = stage.client().keyring(message.clone()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(stage.client().hello().await.unwrap().size, size, "no second signature is on record");
    // As the next one it is not taken, nor is another one after the use.
    let next = SealedMessage { seq: 3, ..message.clone() };
    assert_eq!(turned_away(&attempt.talk, next).await, Code::ContextUnknown);
    attempt.talk.seq = 3;
    let again = attempt.talk.message(&terminal.device, Ask::Failed {});
    assert_eq!(turned_away(&attempt.talk, again).await, Code::ContextUnknown);
    // The process that knew the context is gone, and the context with it.
    drop(attempt);
    let stage = stage.restart().await;
    let gone = stage.client().keyring(message).await.unwrap_err();
    assert_eq!(gone.refusal().unwrap().code, Code::ContextUnknown);
}

#[tokio::test]
async fn a_message_is_of_its_place_and_its_element() {
    let stage = Stage::begin().await;
    let mut talk = Talk::begin(stage.client()).await;
    let ask = || Ask::Fabricate { policy: stage.policy.policy };
    let good = talk.message(&stage.registrar, ask());
    let second = Talk::begin(stage.client()).await;
    let mut altered = good.clone();
    *altered.sealed.0.last_mut().unwrap() ^= 1;
    let tries = [
        ("another number", SealedMessage { seq: 2, ..good.clone() }, Code::ContextUnknown),
        ("altered", altered, Code::ProofInvalid),
        ("without its first part", SealedMessage { first: None, ..good.clone() }, Code::ContextUnknown),
        (
            "by another name",
            SealedMessage { context: second.offer.id.clone(), ..good.clone() },
            Code::ContextUnknown,
        ),
        (
            "in another context",
            SealedMessage { sealed: good.sealed.clone(), ..second.message(&stage.registrar, ask()) },
            Code::ProofInvalid,
        ),
    ];
    for (what, message, code) in tries {
        assert_eq!(turned_away(&talk, message).await, code, "{what}");
    }
    // Signed for another element, context or number, and sealed here.
    let fields = [
        ("aud", serde_json::json!("other.test/log"), Code::CallElsewhere),
        ("channel", serde_json::json!(KeyId::from_bytes([7; 32])), Code::CallElsewhere),
        ("context", serde_json::json!("AAAAAAAAAAAAAAAAAAAAAA"), Code::ProofInvalid),
        ("seq", serde_json::json!(2), Code::ProofInvalid),
    ];
    for (field, value, code) in fields {
        let mut talk = Talk::begin(stage.client()).await;
        let mut message = serde_json::json!({
            "v": 1, "aud": crate::house::ORIGIN, "channel": channel_id(&talk.offer.channel).unwrap(),
            "context": talk.offer.id, "seq": 1, "time": 1, "ask": ask(),
        });
        message[field] = value;
        let message: Message = serde_json::from_value(message).unwrap();
        let sealed = talk.sealed(&message.sign(&stage.registrar).unwrap());
        assert_eq!(refused(&talk.carried(sealed).await), code, "{field}");
    }
    // And as it was made, it is taken.
    assert!(matches!(talk.carried(good).await, Answer::Fabricated { .. }));
}

#[tokio::test]
async fn another_signer_does_not_go_on_in_a_context() {
    let stage = Stage::begin().await;
    let mut talk = Talk::begin(stage.client()).await;
    let ask = || Ask::Fabricate { policy: stage.policy.policy };
    talk.ask(&stage.registrar, ask()).await;
    assert_eq!(refused(&talk.ask(&stage.provider, ask()).await), Code::ProofInvalid);
}

#[tokio::test]
async fn who_is_no_registration_authority_makes_nothing() {
    let stage = Stage::begin().await;
    for by in [&stage.provider, &stage.officer, &Key::certified("stranger")] {
        let mut talk = Talk::begin(stage.client()).await;
        let answer = talk.ask(by, Ask::Fabricate { policy: stage.policy.policy }).await;
        assert_eq!(refused(&answer), Code::ActorUnknown);
    }
}

#[tokio::test]
async fn a_delivery_is_of_its_own_factors_and_once() {
    let stage = Stage::begin().await;
    let ((one, one_jws), (other, _)) = (stage.fabricate().await, stage.fabricate().await);
    let good = stage.delivery(&one, &one_jws);
    let foreign = Delivery { factors: stage.delivery(&other, "").factors, ..good.clone() };
    assert_eq!(refused(&stage.deliver(&foreign).await), Code::FactorInvalid);
    let moved = Delivery { keyring: other.keyring, ..good.clone() };
    assert_eq!(refused(&stage.deliver(&moved).await), Code::FactorInvalid);
    let mut policy = one.policy;
    policy.version = 2;
    assert_eq!(refused(&stage.deliver(&Delivery { policy, ..good.clone() }).await), Code::HashMismatch);
    assert!(matches!(stage.deliver(&good).await, Answer::Delivered { .. }));
    assert_eq!(refused(&stage.deliver(&good).await), Code::KeyringPhase);
}

#[tokio::test]
async fn a_wrong_code_activates_nothing_and_blocks_nobody() {
    let stage = Stage::begin().await;
    let (package, other) = (stage.delivered().await, stage.delivered().await);
    let (_, register) = Pin::parse(PIN).unwrap().register().unwrap();
    for _ in 0..6 {
        let (device, mut talk) = (Key::device(), Talk::begin(stage.client()).await);
        let mut asked = asked_to_activate(&device, &talk, &other, &register);
        asked.keyring = package.keyring;
        assert_eq!(refused(&talk.ask(&device, Ask::Activate(asked)).await), Code::FactorInvalid);
    }
    // The proof of the code is for one device: who takes it over has another.
    let (device, thief, mut talk) = (Key::device(), Key::device(), Talk::begin(stage.client()).await);
    let mut asked = asked_to_activate(&device, &talk, &package, &register);
    asked.device = thief.spki.clone().into();
    assert_eq!(refused(&talk.ask(&thief, Ask::Activate(asked)).await), Code::FactorInvalid);
    let (_, answer) = Terminal::activate(stage.client(), &package).await;
    assert!(matches!(answer, Answer::Activated(_)));
}
