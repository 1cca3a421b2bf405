//! `openssl ocsp` asks our responder and believes it; we ask `openssl ocsp` and believe that.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, Issued, OcspFailure, OcspHash, OcspNonce,
    OcspQuestion, OcspRefusal, OcspRequest, OcspStatus, OcspTerms, RevocationReason,
};
use tempfile::TempDir;

use crate::outside::{run, text, try_run};

/// OpenSSL judges by the clock on the wall.
fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

struct Stage {
    authority: Authority,
    client: Issued,
    folder: TempDir,
}

impl Stage {
    fn set() -> Self {
        let authority = Authority::create(&AuthorityProfile::of("Essai"), now()).unwrap();
        let client =
            authority.issue_client(&ClientProfile::new("a", CertificateRole::Connector), now()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &authority.certificate().to_pem());
        write("ca.key", &authority.key().to_pem());
        write("client.pem", &client.certificate().to_pem());
        Self { authority, client, folder }
    }

    fn question(&self) -> OcspQuestion {
        OcspQuestion::new(self.client.certificate(), self.authority.certificate()).unwrap()
    }

    /// OpenSSL asks with these words, and we answer this; what it then says.
    fn answered(&self, words: &str, status: OcspStatus) -> String {
        let at = self.folder.path();
        let ask = |words: &str| run(at, "openssl", &words.split_whitespace().collect::<Vec<_>>());
        ask(&format!("ocsp -issuer ca.pem {words} -reqout request"));
        let request = OcspRequest::read(&fs::read(at.join("request")).unwrap()).unwrap();
        let responder = self.authority.ocsp_responder(7, now()).unwrap();
        let serial = self.client.certificate().serial();
        let known = |asked: &[u8]| if hex::encode(asked) == serial { status } else { OcspStatus::Unknown };
        let response = responder.answer(&request, known, now(), now() + 3_600_000).unwrap();
        fs::write(at.join("response"), response).unwrap();
        let judge = "ocsp -issuer ca.pem -reqin request -respin response -CAfile ca.pem -resp_text";
        let output = try_run(at, "openssl", &judge.split_whitespace().collect::<Vec<_>>());
        text(&output.stdout) + &text(&output.stderr)
    }
}

#[test]
fn openssl_believes_our_responder() {
    let stage = Stage::set();
    for words in ["-cert client.pem", "-sha256 -cert client.pem", "-cert client.pem -no_nonce"] {
        let said = stage.answered(words, OcspStatus::Good);
        assert!(said.contains("Response verify OK") && said.contains("Cert Status: good"), "{words}: {said}");
        assert_eq!(said.contains("OCSP Nonce"), !words.contains("no_nonce"), "{words}: {said}");
        assert!(!said.contains("Nonce Verify error") && !said.contains("WARNING"), "{words}: {said}");
    }
    let at = now() - 86_400_000;
    let taken = OcspStatus::Revoked { at, reason: RevocationReason::KeyCompromise };
    let said = stage.answered("-cert client.pem", taken);
    assert!(
        said.contains("Cert Status: revoked") && said.contains("Revocation Reason: keyCompromise"),
        "{said}"
    );
    assert!(stage.answered("-cert client.pem", OcspStatus::Unknown).contains("Cert Status: unknown"));
    // Two certificates in one question, of which we know one.
    let said = stage.answered("-cert client.pem -serial 0x1234", OcspStatus::Good);
    assert!(said.contains("Cert Status: good") && said.contains("Cert Status: unknown"), "{said}");
}

#[test]
fn we_believe_openssl_and_its_nonce() {
    let stage = Stage::set();
    let at = stage.folder.path();
    let serial = stage.client.certificate().serial().to_uppercase();
    fs::write(at.join("index"), format!("V\t391101000000Z\t\t{serial}\tunknown\t/CN=a\n")).unwrap();
    for hash in [OcspHash::Sha1, OcspHash::Sha256] {
        let nonce = OcspNonce::random().unwrap();
        let asked = stage.question().named_by(hash).with_nonce(nonce);
        fs::write(at.join("request"), asked.to_der()).unwrap();
        let words = "ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request -respout response -ndays 1";
        run(at, "openssl", &words.split_whitespace().collect::<Vec<_>>());
        let response = fs::read(at.join("response")).unwrap();
        let demanding = OcspTerms { nonce_demanded: true, ..OcspTerms::default() };
        let answer = asked.judge(&response, demanding, now()).unwrap();
        assert!(answer.has_our_nonce && answer.status == OcspStatus::Good, "{hash:?}");
        let again = stage.question().with_nonce(OcspNonce::random().unwrap());
        assert_eq!(again.judge(&response, demanding, now()), Err(OcspRefusal::AnotherNonce));
    }
}

#[test]
fn we_believe_ourselves_and_no_responder_of_another_authority() {
    let (ours, theirs) = (Stage::set(), Stage::set());
    let answer = |stage: &Stage, asked: &OcspQuestion| {
        let request = OcspRequest::read(&asked.to_der()).unwrap();
        let responder = stage.authority.ocsp_responder(1, now()).unwrap();
        responder.answer(&request, |_| OcspStatus::Good, now(), now() + 60_000).unwrap()
    };
    let asked = ours.question().with_nonce(OcspNonce::random().unwrap());
    let judged = |response: &[u8]| asked.judge(response, OcspTerms::default(), now());
    assert!(judged(&answer(&ours, &asked)).unwrap().has_our_nonce);
    assert_eq!(judged(&answer(&theirs, &asked)), Err(OcspRefusal::Failed(OcspFailure::Unauthorised)));
    assert_eq!(judged(&answer(&theirs, &theirs.question())), Err(OcspRefusal::Unauthorised));
}

#[test]
fn a_question_that_is_none_is_told_so() {
    for bytes in [&b""[..], b"GET / HTTP/1.1", &[0x30, 0], &[0x30, 2, 0x30, 0], &[0x30, 4, 0x30, 2, 0x30, 0]]
    {
        assert_eq!(OcspRequest::read(bytes).unwrap_err(), OcspFailure::MalformedRequest, "{bytes:?}");
    }
    let mut long = Stage::set().question().to_der();
    long.resize(1 << 20, 0);
    assert_eq!(OcspRequest::read(&long).unwrap_err(), OcspFailure::MalformedRequest);
}
