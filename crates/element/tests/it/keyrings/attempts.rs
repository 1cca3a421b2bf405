//! PINs: three wrong ones block, unfinished attempts cool down, and who has no bound terminal moves no counter.

use sceau_element::{
    By, Command, Core, KeyringAct, LogSigner, Moment, NonceAuthority, Outcome, PreparedKeyring, RequestFact,
    recover,
};
use sceau_element_api::keyring::RequestKind;
use sceau_element_api::wire::Code;
use sceau_keyring::{Answer, Ask, Login, Pin, Use, thumbprint};
use sceau_trace::sha256;

use super::stage::{Key, PIN, Stage, Talk, nobody, now, refused};
use crate::house::signer;

const WRONG: &str = "111222";

#[tokio::test]
async fn three_wrong_pins_block_and_no_restart_heals() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    for _ in 0..3 {
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        let mut attempt = terminal.attempt(&stage, request, WRONG).await.unwrap();
        assert!(attempt.proven.is_none());
        assert!(matches!(attempt.talk.ask(&terminal.device, Ask::Failed {}).await, Answer::Noted {}));
    }
    let again = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, again).await.unwrap_err(), Code::KeyringBlocked);
    let stage = stage.restart().await;
    let again = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, again).await.unwrap_err(), Code::KeyringBlocked);
}

#[tokio::test]
async fn a_key_whose_certificate_has_ended_is_not_tried() {
    let mut stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let year = 366 * 24 * 3600 * 1000;
    stage.later(year).await;
    let mut request = stage.request(terminal.place.keyring, &[b"x"]);
    (request.time, request.ends) = (request.time + year, request.ends + year);
    assert_eq!(terminal.attempt(&stage, request, PIN).await.err(), Some(Code::KeyringPhase));
    // No attempt was begun: the next one does not wait.
    stage.later(0).await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn a_right_pin_after_two_wrong_ones_begins_the_count_anew() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    for _ in 0..2 {
        for _ in 0..2 {
            let request = stage.request(terminal.place.keyring, &[b"x"]);
            let mut attempt = terminal.attempt(&stage, request, WRONG).await.unwrap();
            attempt.talk.ask(&terminal.device, Ask::Failed {}).await;
        }
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        terminal.sign(&stage, request).await.unwrap();
    }
}

#[tokio::test]
async fn attempts_without_an_end_cool_down_over_restarts_and_block_nobody() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    // A thief who sees that the PIN is wrong, and says nothing.
    terminal.attempt(&stage, request, WRONG).await.unwrap();
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.attempt(&stage, request, PIN).await.err(), Some(Code::KeyringCooling));
    let mut stage = stage.restart().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.attempt(&stage, request, PIN).await.err(), Some(Code::KeyringCooling));
    stage.later(31_000).await;
    for _ in 0..2 {
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        terminal.sign(&stage, request).await.unwrap();
    }
}

#[tokio::test]
async fn a_stranger_moves_no_counter() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    let stranger = Key::device();
    for of in [terminal.place.terminal, nobody()] {
        for _ in 0..4 {
            let (mut talk, pin) = (Talk::begin(stage.client()).await, Pin::parse(PIN).unwrap());
            let (_, ke1) = pin.login().unwrap();
            let request = stage.asked(&stage.request(terminal.place.keyring, &[b"x"]));
            let (keyring, ke1) = (terminal.place.keyring, ke1.as_slice().into());
            let ask = Ask::Login(Login { keyring, terminal: of, request, ke1, expecting: None });
            assert_eq!(refused(&talk.ask(&stranger, ask).await), Code::ActorUnknown);
        }
    }
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    terminal.sign(&stage, request).await.unwrap();
}

#[tokio::test]
async fn a_wrong_proof_of_the_pin_counts_as_a_wrong_pin() {
    let stage = Stage::begin().await;
    let mut terminal = stage.activated().await;
    for _ in 0..3 {
        let request = stage.request(terminal.place.keyring, &[b"x"]);
        let mut attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
        let ask = Ask::Use(Use { ke3: vec![1; 64].into(), inner: vec![1; 80].into(), face: None });
        assert_eq!(refused(&attempt.talk.ask(&terminal.device, ask).await), Code::PinInvalid);
    }
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    assert_eq!(terminal.sign(&stage, request).await.unwrap_err(), Code::KeyringBlocked);
}

/// The request ended, or its provider was taken out, between the look at the consent and the turn of the use.
#[tokio::test]
async fn a_right_pin_whose_use_is_refused_in_its_turn_ends_the_attempt() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    let request = stage.request(terminal.place.keyring, &[b"x"]);
    let attempt = terminal.attempt(&stage, request, PIN).await.unwrap();
    let (keyring, provider) = (terminal.place.keyring, stage.provider_id);
    let (id, hash) = (attempt.request.request, sha256(attempt.jws.as_bytes()));
    // The last caller goes: the element ends.
    drop(attempt);
    let (folder, seed) = stage.element.stop().await;
    let (mut core, key) = (Core::new(NonceAuthority::new()), signer(seed).journal_key());
    recover(&folder.path().join("state/journal"), |events, _| {
        for (event, _) in events {
            core.replay(&event.replay(&*key).unwrap()).unwrap();
        }
        Ok(())
    })
    .unwrap();
    let known = core.state().keyrings().keyring(keyring).unwrap();
    assert_eq!(known.attempts(None).open, 1);
    let request = RequestFact {
        kind: RequestKind::Sign,
        id,
        hash,
        provider,
        signer: thumbprint(&stage.provider.spki).unwrap(),
        ends: 1,
    };
    let opened = known.terminal(terminal.place.terminal).unwrap().boxed;
    let told = vec![("attempt", sha256(b"what it began with").to_string())];
    let (version, boxed) = (known.version, vec![7; 80]);
    let act = KeyringAct::Use { request, version, opened, boxed, face: false, told };
    let by = By::Terminal(terminal.place.terminal, thumbprint(&terminal.device.spki).unwrap());
    let command = Command::Keyring(Box::new(PreparedKeyring { keyring, by, act }));
    let step = core.execute(Moment { unix: now(), uptime: 1 }, command);
    assert!(matches!(&step.outcome, Outcome::Refused(refusal) if refusal.code == Code::RequestInvalid));
    assert_eq!(step.events.len(), 1, "it is on record");
    let known = core.state().keyrings().keyring(keyring).unwrap();
    assert_eq!((known.attempts(None).open, known.failed), (0, 0), "the next one waits for nothing");
}
