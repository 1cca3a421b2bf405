//! What is sealed in a context opens there, in its direction and under its number, for the element alone; and is its signer's.

use sceau_crypto::{KeyId, Typ, XWingPrivateKey};
use sceau_element_api::keyring::ContextOffer;
use sceau_element_api::wire::Code;
use sceau_element_api::{Nonce, PolicyId};
use sceau_keyring::{
    Answer, Ask, Channel, ChannelError, ContextId, Message, Statement, file_of, sign_jws, verify_jws,
};

use crate::Key;

fn offer(key: &XWingPrivateKey) -> ContextOffer {
    let nonce = Nonce(sceau_crypto::random());
    let channel = key.recipient_key().public().to_vec().into();
    ContextOffer { id: ContextId::of(&nonce).into(), nonce, ends: 1, channel }
}

/// The element's side of an offer.
fn element(key: &XWingPrivateKey, offer: &ContextOffer, wrapped: &[u8]) -> Option<Channel> {
    let id = ContextId::of(&offer.nonce);
    key.unwrap_cek(&file_of(&id, &offer.nonce), wrapped).ok().map(|cek| Channel::of(id, &cek))
}

#[test]
fn sealed_up_and_down_it_opens_once_at_its_place() {
    let key = XWingPrivateKey::generate().unwrap();
    let offered = offer(&key);
    let (terminal, wrapped) = Channel::begin(&offered, Some(key.recipient_key().key_id())).unwrap();
    let element = element(&key, &offered, &wrapped).unwrap();

    let up = terminal.seal_up(1, "a.b.c");
    assert_eq!(*element.open_up(1, &up).unwrap(), "a.b.c");
    assert_eq!(element.open_up(2, &up), Err(ChannelError::Sealed), "under another number");
    let down = element.seal_down(1, &Answer::Delivered { index: 7 });
    assert_eq!(terminal.open_down(1, &down), Ok(Answer::Delivered { index: 7 }));
    assert_eq!(terminal.open_down(1, &up), Err(ChannelError::Sealed), "reflected");
    for bit in [0, 8 * 20, 8 * up.len() - 1] {
        let mut turned = up.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        assert!(element.open_up(1, &turned).is_err(), "bit {bit}");
    }
    // The key that was wrapped for one nonce is of no other context.
    assert!(self::element(&key, &offer(&key), &wrapped).is_none());
}

#[test]
fn another_element_is_not_spoken_to() {
    let (key, other) = (XWingPrivateKey::generate().unwrap(), XWingPrivateKey::generate().unwrap());
    let other: KeyId = other.recipient_key().key_id();
    let mut offered = offer(&key);
    assert_eq!(Channel::begin(&offered, Some(other)).unwrap_err(), ChannelError::OtherElement);
    offered.nonce = Nonce([0; 32]);
    assert_eq!(Channel::begin(&offered, None).unwrap_err(), ChannelError::Offer);
}

#[test]
fn a_message_is_its_signers_and_no_other_statement() {
    let (key, other) = (Key::generate(), Key::generate());
    let ask = Ask::Fabricate { policy: PolicyId::random() };
    let context = ContextId([1; 16]).into();
    let message = Message {
        v: 1,
        aud: "log".to_owned(),
        channel: KeyId::from_bytes([3; 32]),
        context,
        seq: 1,
        time: 2,
        image: None,
        ask,
    };
    let jws = message.sign(&key).unwrap();
    assert_eq!(Message::verify(&jws, &key.spki).unwrap(), message);
    assert_eq!(Message::verify(&jws, &other.spki).unwrap_err().code, Code::ProofInvalid);
    assert_eq!(verify_jws(&jws, Typ::KeyringSad, &key.spki).unwrap_err().code, Code::ProofInvalid);
    let policy = sign_jws(Typ::KeyringPolicy, &key, &message.to_bytes().unwrap()).unwrap();
    assert_eq!(Message::verify(&policy, &key.spki).unwrap_err().code, Code::ProofInvalid);
    for at in [0, jws.len() / 2, jws.len() - 2] {
        let mut turned = jws.clone().into_bytes();
        turned[at] = if turned[at] == b'A' { b'B' } else { b'A' };
        assert!(Message::verify(&String::from_utf8(turned).unwrap(), &key.spki).is_err(), "character {at}");
    }
    let mut unknown: serde_json::Value = serde_json::from_slice(&message.to_bytes().unwrap()).unwrap();
    unknown["ask"]["more"] = 1.into();
    let unknown = sign_jws(Typ::KeyringAsk, &key, unknown.to_string().as_bytes()).unwrap();
    assert_eq!(Message::verify(&unknown, &key.spki).unwrap_err().code, Code::Malformed);
}
