//! Certificates of authorities outside: nothing is signed before there is one, and none is taken that is not the holder's, whoever brings it.

use sceau_element_api::keyring::{
    AwaitedCertificate, BroughtCertificate, CertificateSource, KeyringPhase, KeyringPolicy, PolicyStatus,
    ResumeReason, SuspendReason,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, CallError, KeyringId};
use sceau_keyring::{Answer, Ask, Destroy, Resume, Suspend};
use sceau_pki::CertificateRequest;
use sceau_trace::{ActorKind, Asserted, sha256};

use super::outside::{Issuing, Outside, WELL};
use super::stage::{PIN, Stage, policy, publish};
use super::terminal::Terminal;

const DAY: u64 = 24 * 3600 * 1000;

async fn stage() -> (Stage, Outside) {
    let outside = Outside::begin();
    (Stage::begin_with(outside.policy()).await, outside)
}

/// A keyring that waits for its certificate.
async fn waiting(stage: &Stage) -> Terminal {
    let package = stage.delivered().await;
    let (terminal, answer) = Terminal::activate(stage.client(), &package).await;
    let Answer::Activated(activated) = answer else { panic!("{answer:?}") };
    assert_eq!((activated.phase, activated.certificate), (KeyringPhase::Certifying, None));
    assert!(activated.chain.is_empty());
    terminal
}

async fn awaited(stage: &Stage) -> Vec<AwaitedCertificate> {
    stage.client().awaited_certificates(None).await.unwrap()
}

async fn bring(stage: &Stage, keyring: KeyringId, certificates: Vec<Base64Url>) -> Result<u64, Code> {
    why(stage, keyring, certificates).await.map_err(|refusal| refusal.code)
}

async fn why(stage: &Stage, keyring: KeyringId, certificates: Vec<Base64Url>) -> Result<u64, Refusal> {
    let brought = BroughtCertificate { keyring, certificates };
    stage.client().bring_certificate(brought).await.map_err(|error| match error {
        CallError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn a_keyring_signs_once_the_authority_outside_certified_it() {
    let (stage, outside) = stage().await;
    let mut terminal = waiting(&stage).await;
    let keyring = terminal.place.keyring;
    // It waits over a restart, with the request that its key signed.
    let stage = stage.restart().await;
    let waits = awaited(&stage).await;
    let [one] = waits.as_slice() else { panic!("{waits:?}") };
    assert_eq!((one.keyring, one.url.as_str()), (keyring, "https://est.example.org"));
    assert_eq!(one.label.as_deref(), Some("holders"));
    let request = CertificateRequest::from_der(&one.request, "the request").unwrap();
    assert_eq!(request.subject().to_string(), "CN=Marie Curie");
    assert_eq!(stage.client().awaited_certificates(Some(keyring)).await.unwrap(), []);
    let asked = stage.request(keyring, &[b"x"]);
    assert_eq!(terminal.attempt(&stage, asked, PIN).await.err(), Some(Code::KeyringPhase));
    assert_eq!(terminal.standing(&stage).await.tries.unfinished, 0);

    // In any order, with what was not asked for.
    let leaf = outside.issues(&one.request, &WELL);
    let brought = vec![outside.authority("root"), outside.authority("issuing"), leaf.clone()];
    let index = bring(&stage, keyring, brought.clone()).await.unwrap();
    let record = crate::house::shown(stage.client(), index).await;
    assert_eq!((record.action().as_str(), record.asserted()), ("keyring.certify", Asserted::Element));
    assert_eq!(record.actor().kind, ActorKind::Element);
    assert_eq!(record.detail()["certificate"], sha256(&leaf).to_string());
    assert_eq!(record.detail()["anchor"], sha256(&outside.authority("root")).to_string());
    assert_eq!(awaited(&stage).await, []);
    assert_eq!(stage.standing(keyring).await.phase, KeyringPhase::Active);

    let stage = stage.restart().await;
    let asked = stage.request(keyring, &[b"x"]);
    let used = terminal.sign(&stage, asked).await.unwrap();
    assert_eq!(used.certificate, Some(leaf));
    assert_eq!(used.chain, [outside.authority("issuing")], "up to but without the anchor");
    // The same again changes nothing, nor does another one of the same key.
    for again in [brought, vec![outside.issues(&one.request, &WELL), outside.authority("issuing")]] {
        assert_eq!(bring(&stage, keyring, again).await, Err(Code::KeyringPhase));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_the_holders_is_refused() {
    let (stage, outside) = stage().await;
    let (terminal, other) = (waiting(&stage).await, waiting(&stage).await);
    let keyring = terminal.place.keyring;
    let request = |keyring: KeyringId, all: &[AwaitedCertificate]| {
        all.iter().find(|one| one.keyring == keyring).unwrap().request.clone()
    };
    let all = awaited(&stage).await;
    let (mine, others) = (request(keyring, &all), request(other.place.keyring, &all));
    let issuing = || outside.authority("issuing");
    let odd = |how: Issuing<'_>| vec![outside.issues(&mine, &how), issuing()];
    let usage = |usage: &str| format!("basicConstraints=critical,CA:FALSE\n{usage}\n");
    let subject = |subject| odd(Issuing { more: &["-subj", subject], ..WELL });
    let extended = |extensions: &str| odd(Issuing { extensions, ..WELL });
    let tries = [
        ("about the holder's key", odd(Issuing { more: &["-force_pubkey", "another.pub"], ..WELL })),
        ("about the holder's key", vec![outside.issues(&others, &WELL), issuing()]),
        ("CN is missing", subject("/CN=Pierre Curie")),
        ("CN is missing", subject("/CN=Marie Curie/CN=Pierre Curie")),
        ("CN is missing", subject("/O=Mairie")),
        ("says more of its holder", subject("/CN=Marie Curie/serialNumber=7")),
        (
            "do not vouch",
            vec![outside.issues(&mine, &Issuing { by: "stranger", ..WELL }), outside.authority("stranger")],
        ),
        ("do not vouch", vec![outside.issues(&mine, &WELL)]),
        (
            "one of an authority",
            extended("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign\n"),
        ),
        ("key usage", extended(&usage("keyUsage=critical,keyEncipherment"))),
        ("key usage", extended(&usage("keyUsage=critical,digitalSignature,keyCertSign"))),
        ("key usage", extended(&usage("subjectKeyIdentifier=hash"))),
        ("key usage", extended(&usage("keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth"))),
        (
            "more of its holder",
            extended(&usage("keyUsage=critical,digitalSignature\nsubjectAltName=email:p@example.org")),
        ),
        (
            "more of its holder",
            extended(&usage(
                "keyUsage=critical,digitalSignature\nsubjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:p@example.org",
            )),
        ),
        ("1098 at most", odd(Issuing { days: "1099", ..WELL })),
        ("about the holder's key", Vec::new()),
        ("certificate", vec![b"certificate".to_vec().into()]),
    ];
    let size = stage.client().hello().await.unwrap().size;
    for (words, brought) in tries {
        let refusal = why(&stage, keyring, brought).await.unwrap_err();
        assert_eq!(refusal.code, Code::CertificateInvalid, "{words}");
        assert!(refusal.detail.contains(words), "{words}: {}", refusal.detail);
    }
    let record = crate::house::shown(stage.client(), size).await;
    assert_eq!((record.action().as_str(), record.code()), ("keyring.certify", "certificate_invalid"));
    let many = vec![outside.authority("root"); 25];
    assert_eq!(bring(&stage, keyring, many).await, Err(Code::TooLarge));
    assert_eq!(bring(&stage, KeyringId::random(), odd(WELL)).await, Err(Code::KeyringUnknown));
    // Nothing of it changed anything; where the holder belongs may be said besides, and the longest is taken.
    assert_eq!(awaited(&stage).await.len(), 2);
    let well = Issuing { days: "1098", more: &["-subj", "/C=FR/O=Mairie/OU=Baux/CN=Marie Curie"], ..WELL };
    bring(&stage, keyring, odd(well)).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused() {
    let (mut stage, outside) = stage().await;
    let mut terminal = waiting(&stage).await;
    let keyring = terminal.place.keyring;
    let waits = awaited(&stage).await;
    let brought = vec![outside.issues(&waits.first().unwrap().request, &WELL), outside.authority("issuing")];
    stage.later(366 * DAY).await;
    let refusal = why(&stage, keyring, brought.clone()).await.unwrap_err();
    assert_eq!(refusal.code, Code::CertificateInvalid);
    assert!(refusal.detail.contains("expired"), "{}", refusal.detail);
    stage.later(0).await;
    bring(&stage, keyring, brought).await.unwrap();
    let asked = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, asked).await.unwrap();
}

#[tokio::test]
async fn a_keyring_that_is_stopped_takes_no_certificate_until_it_goes_on() {
    let (mut stage, outside) = stage().await;
    let mut terminal = waiting(&stage).await;
    let keyring = terminal.place.keyring;
    let waits = awaited(&stage).await;
    let brought =
        || vec![outside.issues(&waits.first().unwrap().request, &WELL), outside.authority("issuing")];
    // Its holder's terminal may stop it.
    let ask = Suspend { keyring, terminal: Some(terminal.place.terminal), reason: SuspendReason::Lost };
    let answer = terminal.asks(&stage, Ask::Suspend(ask)).await;
    assert!(matches!(answer, Answer::Stopped(_)), "{answer:?}");
    assert_eq!(awaited(&stage).await, []);
    assert_eq!(bring(&stage, keyring, brought()).await, Err(Code::KeyringSuspended));
    let version = stage.standing(keyring).await.hash;
    let ask = Ask::Resume(Resume { keyring, version, reason: ResumeReason::Found });
    let Answer::Stopped(stopped) = stage.asks(&stage.registrar, ask).await else { panic!() };
    assert_eq!(stopped.phase, KeyringPhase::Certifying);
    assert_eq!(awaited(&stage).await, waits_again(&waits, &stage, keyring).await);

    // Under a policy that was ended no keyring comes into use any more.
    let ended = KeyringPolicy {
        status: PolicyStatus::Ended,
        previous: Some(stage.policy_version.hash),
        ..stage.policy.clone()
    };
    let row = publish(stage.client(), &stage.officer, &ended, Some(stage.policy_version)).await.unwrap();
    assert_eq!(awaited(&stage).await, []);
    assert_eq!(bring(&stage, keyring, brought()).await, Err(Code::PolicyUnknown));
    let again = KeyringPolicy { previous: Some(row.hash), ..stage.policy.clone() };
    publish(stage.client(), &stage.officer, &again, Some(row.version())).await.unwrap();
    stage = stage.restart().await;
    bring(&stage, keyring, brought()).await.unwrap();
    let asked = stage.request(keyring, &[b"x"]);
    terminal.sign(&stage, asked).await.unwrap();

    // What is not activated, or gone, waits for nothing.
    let package = stage.delivered().await;
    assert_eq!(bring(&stage, package.keyring, brought()).await, Err(Code::KeyringPhase));
    let gone = waiting(&stage).await.place.keyring;
    let version = stage.standing(gone).await.hash;
    let reason = sceau_element_api::keyring::DestroyReason::Requested;
    let ask = Ask::Destroy(Destroy { keyring: gone, version, reason });
    assert!(matches!(stage.asks(&stage.registrar, ask).await, Answer::Stopped(_)));
    assert_eq!(bring(&stage, gone, brought()).await, Err(Code::KeyringDestroyed));
    assert_eq!(awaited(&stage).await, []);
}

/// The same as before, since when it goes on.
async fn waits_again(
    before: &[AwaitedCertificate],
    stage: &Stage,
    keyring: KeyringId,
) -> Vec<AwaitedCertificate> {
    let since = stage.standing(keyring).await.since;
    before.iter().map(|one| AwaitedCertificate { since, ..one.clone() }).collect()
}

#[tokio::test]
async fn an_element_of_the_embedded_authority_awaits_none() {
    let stage = Stage::begin().await;
    let terminal = stage.activated().await;
    assert_eq!(awaited(&stage).await, []);
    let brought = vec![terminal.certificate.clone().into()];
    assert_eq!(bring(&stage, terminal.place.keyring, brought).await, Err(Code::KeyringPhase));
}

#[tokio::test]
async fn a_policy_names_an_address_and_authorities() {
    let (stage, outside) = stage().await;
    let CertificateSource::Est { anchors, .. } = outside.policy().authority else { panic!() };
    let est = |url: &str, anchors: &[Base64Url], label: Option<&str>| {
        let (url, label) = (url.to_owned(), label.map(str::to_owned));
        KeyringPolicy {
            authority: CertificateSource::Est { url, anchors: anchors.to_vec(), label },
            ..policy()
        }
    };
    let url = "https://est.example.org";
    let holder = outside.issues(&outside.request_of("another"), &WELL);
    for malformed in [
        est("http://est.example.org", &anchors, None),
        est("https://", &anchors, None),
        est("https://est.example.org/", &anchors, None),
        est("https://user@est.example.org", &anchors, None),
        est("https://est.example.org?a=b", &anchors, None),
        est(url, &[], None),
        est(url, &[vec![1].into()], None),
        est(url, &[holder], None),
        est(url, &anchors, Some("simpleenroll")),
        est(url, &anchors, Some("../x")),
        est(url, &anchors, Some("..")),
        est(url, &anchors, Some("")),
    ] {
        let refused = publish(stage.client(), &stage.officer, &malformed, None).await;
        let code = refused.map_err(|error| error.refusal().map(|refusal| refusal.code));
        assert_eq!(code, Err(Some(Code::DocumentMalformed)), "{:?}", malformed.authority);
    }
    let good = est("https://est.example.org:8443/pki", &anchors, None);
    publish(stage.client(), &stage.officer, &good, None).await.unwrap();
}
