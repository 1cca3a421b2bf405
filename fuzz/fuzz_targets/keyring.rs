//! Messages and statements of keyrings, and OPAQUE's of PINs: what anybody may send before a signature is believed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_crypto::Secret;
use sceau_element_api::{KeyringId, TerminalId};
use sceau_keyring::{
    Capture, Code, ContextId, Delivery, Message, Names, OpaqueServer, Package, Request, Sad, Statement, TransactionProof, description,
    label, open_inner, unverified_kid,
};

fn read<S: Statement + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(statement) = S::parse(bytes) {
        let written = statement.to_bytes().expect("what was read is written");
        assert_eq!(S::parse(&written).expect("what was written is read"), statement);
    }
}

fuzz_target!(|bytes: &[u8]| {
    read::<Message>(bytes);
    read::<Package>(bytes);
    read::<Delivery>(bytes);
    read::<Request>(bytes);
    read::<Sad>(bytes);
    read::<TransactionProof>(bytes);
    assert!(open_inner(&Secret::random(), &ContextId([0; 16]), bytes).is_err(), "nobody sealed");
    let _ = Capture::from_ppm(bytes).is_ok();
    let server = OpaqueServer::draw();
    let names = Names::of(KeyringId::random(), TerminalId::random(), "log");
    let _ = (server.registration(&names, bytes).is_ok(), server.record(bytes).is_ok());
    assert!(server.begin(&names, bytes, bytes).is_err(), "no record is as long as a first message");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = (unverified_kid(text), Code::parse(text).is_ok(), label(text));
    if description(text).is_ok() {
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "what is shown hides nothing");
    }
});
