//! Revocation lists as OpenSSL writes them: who is named is refused, and so is everybody where no current list speaks.

use std::fs;

use sceau_pki::{
    Anchors, Authority, AuthorityProfile, CertificateRole, ClientJudge, ClientProfile, Error, Issued,
    RevocationLists, RoleNames,
};

use crate::outside::{DAY, NOW, run};

fn authority(name: &str) -> Authority {
    Authority::create(&AuthorityProfile::of(name), NOW).unwrap()
}

fn client(authority: &Authority, name: &str) -> Issued {
    authority.issue_client(&ClientProfile::new(name, CertificateRole::CaseOfficer), NOW).unwrap()
}

/// A list of `authority` that names these, from 2026-11-19 to 2026-11-26.
fn list(authority: &Authority, revoked: &[&Issued], form: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let line = |issued: &&Issued| {
        let serial = issued.certificate().serial().to_uppercase();
        format!("R\t271101000000Z\t261119000000Z\t{serial}\tunknown\t/CN=somebody\n")
    };
    write("index", &revoked.iter().map(line).collect::<String>());
    write("number", "01\n");
    write("ca.pem", &authority.certificate().to_pem());
    write("ca.key", &authority.key().to_pem());
    write("ca.cnf", "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n");
    let words = "ca -config ca.cnf -gencrl -cert ca.pem -keyfile ca.key -out list.pem -crl_lastupdate 20261119000000Z \
                 -crl_nextupdate 20261126000000Z";
    run(folder.path(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
    let words = format!("crl -in list.pem -out list -outform {form}");
    run(folder.path(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
    fs::read(folder.path().join("list")).unwrap()
}

fn verdict<'a>(
    trusted: &[&Authority],
    lists: impl Into<Option<&'a RevocationLists>>,
    shown: &Issued,
    now: u64,
) -> &'static str {
    let anchors = Anchors::new(trusted.iter().map(|authority| authority.certificate().clone())).unwrap();
    let judge = ClientJudge::new(anchors, RoleNames::default());
    let judge = lists.into().cloned().into_iter().fold(judge, ClientJudge::asking);
    // Whether or not it sends its anchor too.
    let chain: Vec<_> = [shown.certificate(), trusted[0].certificate()].map(|each| each.der().clone()).into();
    let [alone, both] = [&chain[..1], &chain].map(|chain| match judge.judge(Some(chain), now) {
        Ok(_) => "accepted",
        Err(refusal) => refusal.code(),
    });
    assert_eq!(alone, both, "the anchor in the chain changes the reason");
    alone
}

#[test]
fn who_is_named_is_refused_and_the_others_are_not() {
    let ours = authority("Essai");
    let (camille, dominique) = (client(&ours, "Camille"), client(&ours, "Dominique"));
    for form in ["PEM", "DER"] {
        let lists = RevocationLists::read(&list(&ours, &[&camille], form), "a list").unwrap();
        assert_eq!(lists.next_update(), Some(1_795_651_200_000), "2026-11-26");
        assert_eq!(verdict(&[&ours], &lists, &camille, NOW), "certificate_revoked", "{form}");
        assert_eq!(verdict(&[&ours], &lists, &dominique, NOW), "accepted", "{form}");
    }
    assert_eq!(verdict(&[&ours], None, &camille, NOW), "accepted", "nothing is asked");
    let none = RevocationLists::default();
    assert_eq!(verdict(&[&ours], &none, &camille, NOW), "certificate_revocation_unknown", "nobody speaks");
}

#[test]
fn where_no_current_list_speaks_nobody_is_accepted() {
    let (ours, theirs) = (authority("Essai"), authority("Autre"));
    let camille = client(&ours, "Camille");
    let own = RevocationLists::read(&list(&ours, &[], "PEM"), "a list").unwrap();
    let foreign = RevocationLists::read(&list(&theirs, &[], "PEM"), "a list").unwrap();
    let both = [&ours, &theirs];
    assert_eq!(verdict(&both, &foreign, &camille, NOW), "certificate_revocation_unknown", "another issuer's");
    assert_eq!(verdict(&both, &foreign.clone().and(own.clone()), &camille, NOW), "accepted");
    assert_eq!(verdict(&both, &own, &camille, NOW + 7 * DAY), "certificate_revocation_unknown", "an old one");
    let expired = camille.certificate().not_after() + 1000;
    assert_eq!(verdict(&both, &own, &camille, expired), "certificate_expired", "the deeper reason is said");
}

#[test]
fn a_list_of_the_same_name_that_another_key_signed_counts_for_nothing() {
    let (ours, impostor) = (authority("Essai"), authority("Essai"));
    let camille = client(&ours, "Camille");
    let forged = RevocationLists::read(&list(&impostor, &[], "PEM"), "a list").unwrap();
    assert_ne!(verdict(&[&ours], &forged, &camille, NOW), "accepted");
}

#[test]
fn what_is_no_list_is_said_so() {
    for bytes in [
        &b""[..],
        b"hello",
        b"0\x03\x02\x01\x01",
        b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    ] {
        let read = RevocationLists::read(bytes, "/etc/sceau/ac.crl");
        assert!(
            matches!(&read, Err(Error::NotARevocationList { what, .. }) if what == "/etc/sceau/ac.crl"),
            "{read:?}"
        );
    }
}
