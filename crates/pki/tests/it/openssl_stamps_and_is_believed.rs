//! `openssl ts` as the authority of time stamps (RFC 3161), and as the judge of our requests.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_pki::{Anchors, StampRefusal, StampRequest, TimeStamp};
use tempfile::TempDir;

use crate::outside::{run, text, try_run};

const IMPRINT: [u8; 32] = [7; 32];
const NONCE: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// An authority: its key, what its certificate is for, and how it signs.
struct Stage(TempDir);

impl Stage {
    fn set(key: &str, usage: &str, signer_digest: &str, certificate_hash: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let openssl = |words: &str| run(at, "openssl", &words.split_whitespace().collect::<Vec<_>>());
        fs::write(at.join("usage"), format!("extendedKeyUsage={usage}\nkeyUsage=digitalSignature\n"))
            .unwrap();
        openssl(&format!("req -x509 -newkey {EC} -nodes -keyout ca.key -out ca.pem -subj /CN=Root -days 30"));
        openssl(&format!("req -newkey {key} -nodes -keyout tsa.key -out tsa.csr -subj /CN=Clock"));
        openssl(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 20 -extfile usage",
        );
        fs::write(at.join("serial"), "01\n").unwrap();
        let configuration = format!(
            "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = tsa.pem\ncerts = ca.pem\nsigner_key = tsa.key\n\
             signer_digest = {signer_digest}\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\n\
             clock_precision_digits = 3\ness_cert_id_alg = {certificate_hash}\n"
        );
        fs::write(at.join("ts.cnf"), configuration).unwrap();
        Self(folder)
    }

    fn usual() -> Self {
        Self::set(EC, "critical,timeStamping", "sha256", "sha256")
    }

    fn anchors(&self) -> Anchors {
        Anchors::from_pem(&fs::read_to_string(self.0.path().join("ca.pem")).unwrap(), "ca.pem").unwrap()
    }

    /// The response of this authority to a request.
    fn answer(&self, request: &StampRequest) -> Vec<u8> {
        let at = self.0.path();
        fs::write(at.join("request"), request.to_der()).unwrap();
        run(
            at,
            "openssl",
            &"ts -reply -config ts.cnf -queryfile request -out response".split(' ').collect::<Vec<_>>(),
        );
        fs::read(at.join("response")).unwrap()
    }
}

#[test]
fn what_openssl_stamps_is_believed_now_and_later() {
    for (key, digest, hash) in [
        (EC, "sha256", "sha256"),
        (EC, "sha256", "sha1"),
        ("rsa:2048", "sha256", "sha256"),
        ("rsa:3072", "sha512", "sha384"),
    ] {
        let stage = Stage::set(key, "critical,timeStamping", digest, hash);
        let request = StampRequest::new(IMPRINT, NONCE);
        let response = stage.answer(&request);
        let stamp = request.judge(&response, &stage.anchors(), now()).unwrap();
        assert!(stamp.time.abs_diff(now()) < 60_000);
        assert_eq!((stamp.signer.to_string().as_str(), stamp.serial.as_str()), ("CN=Clock", "02"));
        assert_eq!(TimeStamp::verify(&stamp.token, &IMPRINT, &stage.anchors()).unwrap(), stamp);
        let judge = "ts -verify -queryfile request -in response -CAfile ca.pem";
        let said = try_run(stage.0.path(), "openssl", &judge.split(' ').collect::<Vec<_>>());
        assert!(said.status.success(), "{} {}", text(&said.stdout), text(&said.stderr));
    }
}

#[test]
fn another_request_or_another_time_is_refused() {
    let stage = Stage::usual();
    let request = StampRequest::new(IMPRINT, NONCE);
    let response = stage.answer(&request);
    let judge = |request: &StampRequest, at| request.judge(&response, &stage.anchors(), at).unwrap_err();
    assert_eq!(judge(&StampRequest::new(IMPRINT, [9; 16]), now()), StampRefusal::AnotherNonce);
    assert_eq!(judge(&StampRequest::new([8; 32], NONCE), now()), StampRefusal::AnotherImprint);
    assert_eq!(judge(&request, now() + 3_600_000), StampRefusal::NotNow);
    assert_eq!(judge(&request, now() - 3_600_000), StampRefusal::NotNow);
    let elsewhere = Stage::usual().anchors();
    assert_eq!(request.judge(&response, &elsewhere, now()).unwrap_err(), StampRefusal::Unauthorised);
    let token = request.judge(&response, &stage.anchors(), now()).unwrap().token;
    let other = TimeStamp::verify(&token, &[8; 32], &stage.anchors()).unwrap_err();
    assert_eq!(other, StampRefusal::AnotherImprint);
}

/// OpenSSL makes no time stamp with such a certificate, but signs what a time stamp says as any other message (CAdES, RFC 5126).
#[test]
fn a_certificate_for_more_than_time_stamps_makes_none() {
    let stage = Stage::usual();
    let at = stage.0.path();
    let openssl = |words: &str| run(at, "openssl", &words.split_whitespace().collect::<Vec<_>>());
    let own = "extendedKeyUsage=critical,timeStamping";
    let others = [
        "extendedKeyUsage=timeStamping",
        "extendedKeyUsage=critical,timeStamping,codeSigning",
        "extendedKeyUsage=critical,timeStamping,1.2.3.4",
        "extendedKeyUsage=critical,codeSigning",
        "keyUsage=digitalSignature",
    ];
    // Before the time stamp: what is signed must not be older than who signs it.
    for (nth, usage) in [own].iter().chain(&others).enumerate() {
        fs::write(at.join("usage"), format!("{usage}\n")).unwrap();
        openssl(&format!(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {nth}.pem -days 20 -extfile usage"
        ));
    }
    let request = StampRequest::new(IMPRINT, NONCE);
    let token = request.judge(&stage.answer(&request), &stage.anchors(), now()).unwrap().token;
    fs::write(at.join("token"), token).unwrap();
    openssl("cms -verify -noverify -inform DER -in token -out content");
    let signed_by = |nth: usize| {
        openssl(&format!(
            "cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -signer {nth}.pem -inkey tsa.key \
             -in content -outform DER -out token"
        ));
        let token = fs::read(at.join("token")).unwrap();
        TimeStamp::verify(&token, &IMPRINT, &stage.anchors()).map(|stamp| stamp.serial)
    };
    assert_eq!(signed_by(0), Ok("02".to_owned()));
    for (nth, usage) in others.iter().enumerate() {
        assert_eq!(signed_by(nth + 1), Err(StampRefusal::Unauthorised), "{usage}");
    }
}

#[test]
fn an_authority_that_gives_none_is_told_apart() {
    let stage = Stage::usual();
    let at = stage.0.path();
    let configuration = fs::read_to_string(at.join("ts.cnf")).unwrap();
    fs::write(at.join("ts.cnf"), configuration.replace("digests = sha256", "digests = sha512")).unwrap();
    let request = StampRequest::new(IMPRINT, NONCE);
    let response = stage.answer(&request);
    let refused = request.judge(&response, &stage.anchors(), now()).unwrap_err();
    assert_eq!(refused, StampRefusal::NotGranted { status: 2 });
}

#[test]
fn no_changed_byte_says_something_else() {
    let stage = Stage::usual();
    let request = StampRequest::new(IMPRINT, NONCE);
    let anchors = stage.anchors();
    let token = request.judge(&stage.answer(&request), &anchors, now()).unwrap();
    let mut refused = 0;
    for at in 0..token.token.len() {
        let mut changed = token.token.clone();
        changed[at] ^= 1;
        match TimeStamp::verify(&changed, &IMPRINT, &anchors) {
            // What is not signed: versions, certificates that nobody needs.
            Ok(stamp) => assert_eq!(
                (stamp.time, &stamp.signer, &stamp.serial),
                (token.time, &token.signer, &token.serial)
            ),
            Err(_) => refused += 1,
        }
        assert!(TimeStamp::verify(&token.token[..at], &IMPRINT, &anchors).is_err(), "cut at {at}");
    }
    assert!(refused * 2 > token.token.len(), "{refused} of {}", token.token.len());
}
