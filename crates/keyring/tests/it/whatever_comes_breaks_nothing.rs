//! Statements and sealed bytes come from anybody: what is not one is refused, and what is read is what was written. The fuzz target `keyring` asks the same.

use proptest::prelude::*;
use sceau_crypto::{KeyId, Secret};
use sceau_element_api::{Base64Url, KeyringId, KeyringRequestId, PolicyId, TerminalId};
use sceau_keyring::{
    Ask, Code, ContextId, Delivery, Login, Message, OpaqueServer, Package, Request, Sad, Statement,
    TransactionProof, description, label, open_inner, unverified_kid,
};

fn refused_or_read(bytes: &[u8]) {
    let _ = (Message::parse(bytes).is_ok(), Package::parse(bytes).is_ok(), Delivery::parse(bytes).is_ok());
    let _ =
        (Request::parse(bytes).is_ok(), Sad::parse(bytes).is_ok(), TransactionProof::parse(bytes).is_ok());
    let text = String::from_utf8_lossy(bytes);
    let _ = (unverified_kid(&text), Code::parse(&text).is_ok(), description(&text), label(&text));
    assert!(open_inner(&Secret::random(), &ContextId([0; 16]), bytes).is_err());
    assert!(Message::verify(&text, bytes).is_err());
}

fn login() -> Vec<u8> {
    let ask = Ask::Login(Login {
        keyring: KeyringId::random(),
        terminal: TerminalId::random(),
        request: KeyringRequestId::random().to_string(),
        ke1: Base64Url(vec![1; 96]),
        expecting: None,
    });
    let context = Base64Url(vec![2; 16]);
    let channel = KeyId::from_bytes([4; 32]);
    Message { v: 1, aud: PolicyId::random().to_string(), channel, context, seq: 2, time: 3, image: None, ask }
        .to_bytes()
        .unwrap()
        .to_vec()
}

proptest! {
    #[test]
    fn of_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        refused_or_read(&bytes);
    }

    #[test]
    fn of_a_message_with_turned_bytes(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = login();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        refused_or_read(&bytes);
        if let Ok(read) = Message::parse(&bytes) {
            prop_assert_eq!(Message::parse(&read.to_bytes().unwrap()).unwrap(), read);
        }
    }

    #[test]
    fn of_messages_of_the_pins_protocol(bytes in proptest::collection::vec(any::<u8>(), 0..330)) {
        let server = OpaqueServer::draw();
        let names = sceau_keyring::Names::of(KeyringId::random(), TerminalId::random(), "log");
        let _ = (server.registration(&names, &bytes).is_ok(), server.record(&bytes).is_ok());
        // Neither is as long as the other: what stands behind a message is not passed over.
        prop_assert!(server.begin(&names, &bytes, &bytes).is_err());
        prop_assert!(bytes.len() == 128 || OpaqueServer::from_bytes(&bytes).is_err());
    }
}
