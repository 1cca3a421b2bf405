#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use sceau_keyring::bad_requests;

use super::super::stage::{NOW, Stage};
use super::*;
use crate::keyring::FileKey;

#[test]
fn a_terminal_judges_a_request_as_each_door_does() {
    let stage = Stage::new();
    let shown = stage.kept.judge(&stage.good().sign(&stage.provider).unwrap(), NOW).unwrap();
    assert_eq!((shown.provider.as_str(), shown.request.items.len()), ("Notaires", 1));
    for bad in bad_requests() {
        let mut request = stage.good();
        (bad.turn)(&mut request, &stage.policy);
        let (code, detail) = stage.refused(&request, &stage.provider);
        assert_eq!((code, detail.as_str()), (bad.code.as_str(), bad.words), "{}", bad.name);
    }
}

#[test]
fn what_nobody_registered_signed_or_was_altered_is_not_shown() {
    let stage = Stage::new();
    let (stranger, _) = FileKey::generate().unwrap();
    assert_eq!(stage.refused(&stage.good(), &stranger).0, "actor_unknown");
    let signed = stage.good().sign(&stage.provider).unwrap();
    let other = stage.good().sign(&stage.provider).unwrap();
    let (head, signature) = (signed.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    let refused = stage.kept.judge(&format!("{head}.{signature}"), NOW).unwrap_err();
    assert!(matches!(&refused, ClientError::Keyring { code: "proof_invalid", .. }), "{refused:?}");
}
