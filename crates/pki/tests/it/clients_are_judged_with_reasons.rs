//! Each way in which a client certificate can be wrong has its own verdict.

use rustls::pki_types::CertificateDer;
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, CertificateRole, ClientIdentity, ClientJudge, ClientProfile,
    Issued, Refusal, RoleNames, ServerProfile,
};

use crate::outside::{DAY, NOW, Odd, odd};

const CLIENT: &str =
    "extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n";
const SUB_CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

fn authority() -> Authority {
    Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap()
}

fn judge(authority: &Authority) -> ClientJudge {
    let anchors = Anchors::new([authority.certificate().clone()]).unwrap();
    ClientJudge::new(anchors, RoleNames::default())
}

fn client(authority: &Authority, role: CertificateRole) -> Issued {
    authority.issue_client(&ClientProfile::new("Camille", role), NOW).unwrap()
}

fn verdict(judge: &ClientJudge, certificate: &CertificateDer<'_>, now: u64) -> &'static str {
    match judge.judge(Some(std::slice::from_ref(certificate)), now) {
        Ok(_) => "accepted",
        Err(refusal) => refusal.code(),
    }
}

#[test]
fn a_good_certificate_is_accepted_with_its_identity_and_role() {
    let authority = authority();
    let issued = client(&authority, CertificateRole::CaseOfficer);
    let chain = [issued.certificate().der().clone()];
    let verified = judge(&authority).judge(Some(&chain), NOW).unwrap();
    assert_eq!(verified.role(), CertificateRole::CaseOfficer);
    assert_eq!(verified.fingerprint(), issued.fingerprint());
    assert_eq!(verified.identity().subject.to_string(), "CN=Camille,OU=case-officer");
    assert_eq!(*verified.identity(), ClientIdentity::read(&chain[0]).unwrap());
}

#[test]
fn the_two_roles_are_told_apart() {
    let authority = authority();
    for (role, other) in [
        (CertificateRole::CaseOfficer, CertificateRole::Administrator),
        (CertificateRole::Administrator, CertificateRole::CaseOfficer),
    ] {
        let chain = [client(&authority, role).certificate().der().clone()];
        let verified = judge(&authority).judge(Some(&chain), NOW).unwrap();
        assert_eq!(verified.clone().with_role(role).unwrap(), verified);
        let refused = verified.with_role(other).unwrap_err();
        assert_eq!(refused, Refusal::WrongRole { wanted: other, held: role });
        assert_eq!(refused.code(), "certificate_wrong_role");
    }
}

#[test]
fn missing_and_unreadable_ones_are_named_so() {
    let judge = judge(&authority());
    assert_eq!(judge.judge(None, NOW), Err(Refusal::Missing));
    assert_eq!(judge.judge(Some(&[]), NOW), Err(Refusal::Missing));
    assert_eq!(verdict(&judge, &CertificateDer::from(vec![0x30, 0]), NOW), "certificate_malformed");
}

#[test]
fn dates_are_judged_at_the_given_moment_and_after_trust() {
    let (ours, theirs) = (authority(), Authority::create(&AuthorityProfile::of("Autre"), NOW).unwrap());
    let judge = judge(&ours);
    let (own, foreign) =
        (client(&ours, CertificateRole::CaseOfficer), client(&theirs, CertificateRole::CaseOfficer));
    let end = own.certificate().not_after();
    for (now, expected) in [
        (NOW - DAY, "certificate_not_yet_valid"),
        (NOW, "accepted"),
        (end, "accepted"),
        (end + 1000, "certificate_expired"),
        (end + 10_000 * DAY, "certificate_expired"), // the authority's certificate too
    ] {
        assert_eq!(verdict(&judge, own.certificate().der(), now), expected, "{now}");
        assert_eq!(verdict(&judge, foreign.certificate().der(), now), "certificate_untrusted", "{now}");
    }
}

#[test]
fn an_authority_of_the_same_name_is_not_the_same() {
    let (ours, impostor) = (authority(), authority());
    assert_eq!(ours.certificate().subject(), impostor.certificate().subject());
    let issued = client(&impostor, CertificateRole::Administrator);
    let refused = verdict(&judge(&ours), issued.certificate().der(), NOW);
    assert!(["certificate_untrusted", "certificate_bad_signature"].contains(&refused), "{refused}");
}

#[test]
fn what_is_not_made_for_clients_is_of_the_wrong_purpose() {
    let authority = authority();
    let judge = judge(&authority);
    let server = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), NOW).unwrap();
    assert_eq!(verdict(&judge, server.certificate().der(), NOW), "certificate_wrong_purpose");
    assert_eq!(verdict(&judge, authority.certificate().der(), NOW), "certificate_wrong_purpose");
    for (extensions, expected) in [
        (CLIENT, "accepted"),
        ("keyUsage=critical,digitalSignature\n", "certificate_wrong_purpose"),
        ("extendedKeyUsage=clientAuth\nkeyUsage=critical,keyAgreement\n", "certificate_wrong_purpose"),
        ("extendedKeyUsage=emailProtection\n", "certificate_wrong_purpose"),
        ("extendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:TRUE\n", "certificate_wrong_purpose"),
        (
            "extendedKeyUsage=clientAuth\n1.2.3.4=critical,ASN1:UTF8String:x\n",
            "certificate_unknown_critical_extension",
        ),
    ] {
        let made = odd(&authority, "/OU=case-officer/CN=Camille", extensions);
        assert_eq!(verdict(&judge, made.certificate.der(), NOW), expected, "{extensions}");
    }
}

#[test]
fn a_role_is_one_exact_unit() {
    let authority = authority();
    let judge = judge(&authority);
    for (subject, expected) in [
        ("/OU=0002 187512751/OU=case-officer/CN=Camille", "accepted"),
        ("/OU=case-officer/OU=0002 187512751/CN=Camille", "accepted"),
        ("/OU=case-officer/OU=administrator/CN=Camille", "certificate_no_role"),
        ("/OU=Case-Officer/CN=Camille", "certificate_no_role"),
        ("/OU=case-officer /CN=Camille", "certificate_no_role"),
        ("/O=case-officer/CN=administrator", "certificate_no_role"),
        ("/CN=Camille", "certificate_no_role"),
    ] {
        let made = odd(&authority, subject, CLIENT);
        assert_eq!(verdict(&judge, made.certificate.der(), NOW), expected, "{subject}");
    }
}

#[test]
fn an_organisation_may_have_words_of_its_own_for_roles() {
    let authority = authority();
    let anchors = Anchors::new([authority.certificate().clone()]).unwrap();
    let roles = RoleNames::new([("Service instructeur".to_owned(), CertificateRole::CaseOfficer)]);
    let judge = ClientJudge::new(anchors, roles);
    let made = odd(&authority, "/OU=Service instructeur/CN=Camille", CLIENT);
    assert_eq!(verdict(&judge, made.certificate.der(), NOW), "accepted");
    let embedded = client(&authority, CertificateRole::CaseOfficer);
    assert_eq!(verdict(&judge, embedded.certificate().der(), NOW), "certificate_no_role");
}

#[test]
fn chains_go_through_intermediates_as_far_as_path_lengths_allow() {
    for (path_length, expected) in [(1, "accepted"), (0, "certificate_untrusted")] {
        let root =
            Authority::create(&AuthorityProfile { path_length, ..AuthorityProfile::of("Racine") }, NOW)
                .unwrap();
        let Odd { certificate, key } = odd(&root, "/O=Essai/CN=Sous-autorité", SUB_CA);
        let below = Authority::load(&certificate.to_pem(), key).unwrap();
        let issued = client(&below, CertificateRole::CaseOfficer);
        let chain: Vec<_> = issued.chain().iter().map(|c| c.der().clone()).collect();
        assert_eq!(chain.len(), 2);
        let judge = judge(&root);
        let code = judge.judge(Some(&chain), NOW).map_or_else(|refusal| refusal.code(), |_| "accepted");
        assert_eq!(code, expected);
        assert_eq!(verdict(&judge, &chain[0], NOW), "certificate_untrusted", "without its intermediate");
    }
}

#[test]
fn an_anchor_that_has_expired_vouches_for_nobody() {
    let short =
        Authority::create(&AuthorityProfile { days: 10, ..AuthorityProfile::of("Essai") }, NOW).unwrap();
    let made = odd(&short, "/OU=case-officer/CN=Camille", CLIENT);
    for (now, expected) in [
        (short.certificate().not_before() - 1000, "certificate_not_yet_valid"),
        (NOW, "accepted"),
        (short.certificate().not_after(), "accepted"),
        (short.certificate().not_after() + 1000, "certificate_expired"),
    ] {
        assert!((made.certificate.not_before()..made.certificate.not_after()).contains(&now));
        assert_eq!(verdict(&judge(&short), made.certificate.der(), now), expected);
    }
}

#[test]
fn an_altered_certificate_is_never_accepted() {
    let authority = authority();
    let judge = judge(&authority);
    let right = client(&authority, CertificateRole::CaseOfficer).certificate().der().to_vec();
    assert_eq!(verdict(&judge, &CertificateDer::from(right.clone()), NOW), "accepted");
    for at in 0..right.len() {
        let mut altered = right.clone();
        altered[at] ^= 1 << (at % 8);
        assert_ne!(verdict(&judge, &CertificateDer::from(altered), NOW), "accepted", "byte {at}");
        assert_ne!(
            verdict(&judge, &CertificateDer::from(right[..at].to_vec()), NOW),
            "accepted",
            "cut at {at}"
        );
    }
    let longer = CertificateDer::from([&right[..], &[0]].concat());
    assert_eq!(verdict(&judge, &longer, NOW), "certificate_malformed");
}

#[test]
fn anchors_are_authorities() {
    let authority = authority();
    let leaf = client(&authority, CertificateRole::CaseOfficer);
    assert_eq!(Anchors::new([]).unwrap_err().code(), "pki_no_anchor");
    assert_eq!(Anchors::from_pem(&leaf.chain_pem(), "x").unwrap_err().code(), "pki_not_an_authority");
    assert_eq!(Anchors::from_pem("", "x").unwrap_err().code(), "pki_not_a_certificate");
    let two = format!(
        "{}{}",
        authority.certificate().to_pem(),
        Authority::create(&AuthorityProfile::of("B"), NOW).unwrap().certificate().to_pem()
    );
    assert_eq!(Anchors::from_pem(&two, "x").unwrap().certificates().len(), 2);
}
