//! OCSP responses by OpenSSL (tests/ocsp, made by its `make.sh`), good, bad and damaged: each that says nothing is refused with its reason.

use std::{fs, path::Path, time::Instant};

use proptest::prelude::*;
use sceau_pki::{
    Certificate, OcspAnswer, OcspFailure, OcspHash, OcspNonce, OcspQuestion, OcspRefusal, OcspSigner,
    OcspStatus, OcspTerms, RevocationLists, RevocationReason,
};

use crate::outside::DAY;

fn read(file: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ocsp").join(file)).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_der(&read(&format!("{name}.der")), name).unwrap()
}

/// When the responses were made, and a minute.
fn then() -> u64 {
    let seconds: u64 = String::from_utf8(read("made")).unwrap().trim().parse().unwrap();
    (seconds + 60) * 1000
}

fn question(name: &str) -> OcspQuestion {
    OcspQuestion::new(&certificate(name), &certificate("issuer")).unwrap()
}

fn lists() -> RevocationLists {
    RevocationLists::read(&read("issuer.crl"), "issuer.crl").unwrap()
}

/// What is said of `leaf`, without lists.
fn judged(response: &str, now: u64) -> Result<OcspAnswer, OcspRefusal> {
    question("leaf").judge(&read(&format!("{response}.der")), OcspTerms::default(), now)
}

#[test]
fn what_a_responder_says_is_believed_until_its_next_word() {
    for response in ["good", "good-by-key", "good-sha256", "good-for-nonce"] {
        let answer = judged(response, then()).unwrap();
        assert_eq!(answer.status, OcspStatus::Good, "{response}");
        assert!(answer.this_update <= then() && answer.until > then() + 6 * DAY, "{response}");
        assert!(
            matches!(answer.signer, OcspSigner::Delegate(name) if name.to_string().contains("OCSP delegate"))
        );
        assert_eq!(judged(response, answer.until - 1), judged(response, then()), "to its last moment");
        assert_eq!(judged(response, answer.until), Err(OcspRefusal::Expired));
    }
    assert_eq!(judged("good-by-issuer", then()).unwrap().signer, OcspSigner::Issuer);
}

#[test]
fn revoked_and_unknown_are_told_apart() {
    let said = |name: &str, response: &str| {
        let answer = question(name).judge(&read(response), OcspTerms::default(), then());
        answer.unwrap().status
    };
    let OcspStatus::Revoked { at, reason } = said("revoked", "of-revoked.der") else {
        panic!("it was revoked")
    };
    assert!(at <= then() && at > then() - 10 * 60_000);
    assert_eq!(reason, RevocationReason::KeyCompromise);
    assert_eq!(said("other", "of-unknown.der"), OcspStatus::Unknown);
    assert_eq!(said("other", "of-other.der"), OcspStatus::Good);
}

#[test]
fn an_answer_of_another_certificate_says_nothing() {
    assert_eq!(judged("of-other", then()), Err(OcspRefusal::AnotherCertificate));
    assert_eq!(judged("of-revoked", then()), Err(OcspRefusal::AnotherCertificate));
    // The same serial number under another issuer is another certificate.
    assert_eq!(
        OcspQuestion::new(&certificate("leaf"), &certificate("stranger")).map(|_| ()).unwrap_err().code(),
        "pki_another_issuer"
    );
}

#[test]
fn who_is_no_responder_of_the_issuer_is_not_believed() {
    for (response, refusal) in [
        ("by-client", OcspRefusal::Unauthorised),
        ("by-enciphering", OcspRefusal::Unauthorised),
        ("by-impostor", OcspRefusal::Unauthorised),
        ("by-ended", OcspRefusal::SignerNotValid),
        ("sha1-signed", OcspRefusal::FalseSignature),
        ("without-signer", OcspRefusal::UnknownSigner),
    ] {
        assert_eq!(judged(response, then()), Err(refusal), "{response}");
    }
}

#[test]
fn a_delegate_that_is_not_exempt_is_looked_for_on_the_list() {
    let judged = |response: &str, lists: Option<&RevocationLists>, now| {
        let terms = OcspTerms { lists, ..OcspTerms::default() };
        question("leaf").judge(&read(response), terms, now).map(|answer| answer.status)
    };
    let lists = lists();
    assert_eq!(judged("checked.der", None, then()), Err(OcspRefusal::SignerUnchecked));
    assert_eq!(
        judged("checked.der", Some(&RevocationLists::default()), then()),
        Err(OcspRefusal::SignerUnchecked)
    );
    assert_eq!(judged("checked.der", Some(&lists), then()), Ok(OcspStatus::Good));
    assert_eq!(judged("taken.der", Some(&lists), then()), Err(OcspRefusal::SignerRevoked));
    assert_eq!(judged("good.der", Some(&lists), then()), Ok(OcspStatus::Good), "an exempt one needs none");
}

#[test]
fn an_answer_that_was_recorded_is_no_answer_to_a_new_question() {
    let asked = question("leaf").with_nonce(OcspNonce::of([7; 32]));
    let judge = |response: &str, nonce_demanded| {
        asked.judge(&read(response), OcspTerms { nonce_demanded, ..OcspTerms::default() }, then())
    };
    assert_eq!(judge("good-for-nonce.der", false), Err(OcspRefusal::AnotherNonce));
    assert_eq!(judge("good.der", true), Err(OcspRefusal::NoNonce));
    assert!(!judge("good.der", false).unwrap().has_our_nonce, "many responders make theirs ahead");
}

#[test]
fn an_answer_holds_for_its_time_only() {
    // OpenSSL made them within a minute before `then`.
    let made = judged("good-by-issuer", then()).unwrap().this_update;
    assert_eq!(judged("good-by-issuer", made - 5 * 60_000 - 1), Err(OcspRefusal::Future));
    assert!(judged("good-by-issuer", made - 5 * 60_000).is_ok(), "clocks differ a little");
    let short = judged("good-without-end", then()).unwrap();
    assert_eq!(
        short.until,
        short.this_update + 5 * 60_000,
        "where no next word is announced, another can be had now"
    );
    assert_eq!(judged("good-without-end", short.until), Err(OcspRefusal::Expired));
}

#[test]
fn what_a_responder_says_instead_of_an_answer_is_told() {
    for (failure, words) in [
        (OcspFailure::TryLater, "tryLater"),
        (OcspFailure::Unauthorised, "unauthorized"),
        (OcspFailure::InternalError, "internalError"),
    ] {
        let refusal = question("leaf").judge(&failure.to_der(), OcspTerms::default(), then()).unwrap_err();
        assert_eq!(refusal, OcspRefusal::Failed(failure));
        assert!(refusal.to_string().contains(words) && refusal.code() == "ocsp_failed");
    }
}

#[test]
fn an_enormous_response_is_refused_at_once() {
    let mut response = read("good.der");
    response.resize(64 << 20, 0);
    let since = Instant::now();
    let refusal = question("leaf").judge(&response, OcspTerms::default(), then());
    assert_eq!(refusal, Err(OcspRefusal::TooLarge));
    assert!(since.elapsed().as_secs() < 1);
}

#[test]
fn the_issuer_is_named_by_either_hash() {
    let [short, long] =
        [OcspHash::Sha1, OcspHash::Sha256].map(|hash| question("leaf").named_by(hash).to_der());
    assert!(short.len() < long.len());
    // As OpenSSL asks, to the byte, but for the nonce that it draws.
    let theirs = read("asked.req");
    let nonce = theirs.windows(4).position(|at| at == [0x06, 0x09, 0x2b, 0x06]).unwrap();
    let mine = question("leaf").to_der();
    assert!(theirs[..nonce].windows(40).any(|at| mine.windows(40).any(|own| own == at)));
}

proptest! {
    #[test]
    fn one_octet_that_is_changed_is_never_believed(at in 0_usize..1024, by in 1_u8..=255) {
        let mut response = read("good.der");
        let at = at % response.len();
        response[at] ^= by;
        // What follows the signature is not signed: a changed delegate must fail by itself.
        let changed = question("leaf").judge(&response, OcspTerms::default(), then());
        prop_assert!(changed.is_err(), "{at}");
    }

    #[test]
    fn any_bytes_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(question("leaf").judge(&bytes, OcspTerms::default(), then()).is_err());
        let mut cut = read("good.der");
        cut.truncate(bytes.len());
        prop_assert!(question("leaf").judge(&cut, OcspTerms::default(), then()).is_err());
    }
}
