//! Questions and answers of public responders and of their odd relatives (`cryptography-vectors` 50.0.2, its folder x509/ocsp): what RFC 6960 allows is read,
//! and refused for whom it speaks of; what it does not is called malformed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, OcspFailure, OcspQuestion, OcspRefusal,
    OcspRequest, OcspTerms,
};

use crate::outside::NOW;

fn files(questions: bool) -> Vec<(&'static str, Vec<u8>)> {
    let lines = include_str!("../ocsp/foreign.txt").lines().filter_map(|line| line.split_once(' '));
    let all = lines.filter(|(name, _)| name.contains("req") == questions);
    all.map(|(name, der)| (name, BASE64_STANDARD.decode(der).unwrap())).collect()
}

fn question() -> OcspQuestion {
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let client = authority.issue_client(&ClientProfile::new("a", CertificateRole::Connector), NOW).unwrap();
    OcspQuestion::new(client.certificate(), authority.certificate()).unwrap()
}

#[test]
fn answers_are_read_and_none_is_believed_for_another_issuer() {
    let question = question();
    let answers = files(false);
    assert_eq!(answers.len(), 17);
    for (name, der) in answers {
        let refusal = question.judge(&der, OcspTerms::default(), NOW).unwrap_err();
        let expected = match name {
            "resp-unauthorized" => refusal == OcspRefusal::Failed(OcspFailure::Unauthorised),
            "resp-unknown-response-status"
            | "resp-successful-no-response-bytes"
            | "resp-response-type-unknown-oid"
            | "resp-invalid-version" => refusal == OcspRefusal::Malformed,
            _ => matches!(
                refusal,
                OcspRefusal::UnknownSigner | OcspRefusal::FalseSignature | OcspRefusal::Unauthorised
            ),
        };
        assert!(expected, "{name}: {refusal:?}");
    }
}

#[test]
fn questions_are_read() {
    let questions = files(true);
    assert_eq!(questions.len(), 11);
    for (name, der) in questions {
        let read = OcspRequest::read(&der);
        let is_odd = ["req-invalid-version", "req-duplicate-ext"].contains(&name);
        assert_eq!(read.is_ok(), !is_odd, "{name}");
        assert_eq!(read.is_ok_and(|read| read.has_nonce()), name == "req-ext-nonce", "{name}");
    }
}

proptest! {
    #[test]
    fn a_damaged_question_is_answered_or_refused_without_harm(which in 0_usize..11, at in 0_usize..256, by in 1_u8..=255, cut in 0_usize..256) {
        let (_, mut der) = files(true).swap_remove(which);
        let at = at % der.len();
        der[at] ^= by;
        der.truncate(der.len().saturating_sub(cut % 8));
        drop(OcspRequest::read(&der));
    }
}
