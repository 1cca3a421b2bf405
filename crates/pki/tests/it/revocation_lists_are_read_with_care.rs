//! Revocation lists as OpenSSL writes them, whole and damaged, of every kind: what cannot be used is refused with its reason.

use std::fs;

use proptest::prelude::*;
use sceau_pki::{Authority, AuthorityProfile, ListRefusal, Older, RevocationList};

use crate::offered::{a_change_is_seen, the_list_in_use_never_goes_back};
use crate::outside::{DAY, NOW, run};

fn authority() -> Authority {
    Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap()
}

/// A list of `authority` with this number and these serial numbers (hexadecimal), of 2026-11-19 to 2026-11-26, with these extensions besides.
fn list(authority: &Authority, number: &str, serials: &[String], extensions: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let line = |serial: &String| {
        format!("R\t271101000000Z\t261119000000Z,keyCompromise\t{serial}\tunknown\t/CN=x{serial}\n")
    };
    write("index", &serials.iter().map(line).collect::<String>());
    write("index.attr", "unique_subject = no\n");
    write("number", &format!("{number}\n"));
    write("ca.pem", &authority.certificate().to_pem());
    write("ca.key", &authority.key().to_pem());
    let settings = "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n[e]\n\
                    authorityKeyIdentifier=keyid\n";
    write("ca.cnf", &format!("{settings}{extensions}"));
    let words = "ca -config ca.cnf -gencrl -cert ca.pem -keyfile ca.key -out list.pem -crl_lastupdate 20261119000000Z \
                 -crl_nextupdate 20261126000000Z";
    run(folder.path(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
    run(folder.path(), "openssl", &["crl", "-in", "list.pem", "-out", "list", "-outform", "DER"]);
    fs::read(folder.path().join("list")).unwrap()
}

fn serial(number: u64) -> String {
    format!("{number:016X}")
}

#[test]
fn a_long_list_names_each_of_its_numbers_and_no_other() {
    let ours = authority();
    let serials: Vec<_> = (1..=20_000).map(|n| serial(n * 3)).collect();
    let list = RevocationList::read(&list(&ours, "2A", &serials, "")).unwrap();
    assert_eq!((list.len(), list.number().as_str()), (20_000, "2a"));
    assert_eq!(list.issuer(), ours.certificate().subject());
    for n in [3_u64, 30_000, 60_000] {
        assert!(list.names(&n.to_be_bytes()), "{n}");
        assert!(!list.names(&(n + 1).to_be_bytes()), "{n}");
    }
    assert!(list.is_current(NOW) && !list.is_current(NOW + 7 * DAY) && !list.is_current(NOW - 7 * DAY));
}

#[test]
fn the_issuer_signed_it_and_nobody_else() {
    let (ours, other) = (authority(), authority());
    let list = RevocationList::read(&list(&ours, "01", &[], "")).unwrap();
    let key = |authority: &Authority| authority.certificate().public_key_info();
    // Asked for the wrong key first: an authority may have kept its name and changed its key.
    assert!(!list.is_signed_by(&key(&other)) && list.is_signed_by(&key(&ours)));
    assert!(!list.is_signed_by(&key(&other)) && list.is_signed_by(&key(&ours)), "as it was said before");
}

#[test]
fn an_altered_octet_is_a_false_signature_or_no_list() {
    let ours = authority();
    let good = list(&ours, "01", &[serial(7)], "");
    let key = ours.certificate().public_key_info();
    assert!(RevocationList::read(&good).unwrap().is_signed_by(&key));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(!RevocationList::read(&bad).is_ok_and(|list| list.is_signed_by(&key)), "octet {at}");
    }
    for end in 0..good.len() {
        assert_eq!(RevocationList::read(&good[..end]).unwrap_err(), ListRefusal::Malformed, "cut at {end}");
    }
    assert_eq!(RevocationList::read(&[&good[..], &[0]].concat()).unwrap_err(), ListRefusal::Malformed);
}

#[test]
fn a_list_with_a_lower_number_takes_no_place() {
    let ours = authority();
    let read = |number: &str| RevocationList::read(&list(&ours, number, &[], "")).unwrap();
    let [low, high, higher] = [read("09"), read("0A"), read("0100")];
    assert_eq!(low.replaces(&high), Err(Older));
    assert_eq!(high.replaces(&higher), Err(Older));
    assert_eq!(high.replaces(&low).and(higher.replaces(&high)).and(high.replaces(&high)), Ok(()));
}

#[test]
fn what_is_not_a_complete_list_is_refused() {
    let ours = authority();
    let refused = |extensions: &str| RevocationList::read(&list(&ours, "01", &[], extensions)).unwrap_err();
    let point = |parts: &str| format!("issuingDistributionPoint=critical,@p\n[p]\n{parts}\n");
    assert_eq!(refused(&point("indirectCRL=TRUE")), ListRefusal::Partial);
    assert_eq!(refused(&point("onlysomereasons=keyCompromise")), ListRefusal::Partial);
    assert_eq!(refused(&point("onlyAA=TRUE")), ListRefusal::Partial);
    assert_eq!(refused("2.5.29.27=critical,DER:020101\n"), ListRefusal::Partial);
    assert_eq!(refused("1.2.3.4=critical,DER:0500\n"), ListRefusal::UnknownCriticalExtension);
    let accepted = |extensions: &str| RevocationList::read(&list(&ours, "01", &[], extensions)).is_ok();
    assert!(accepted("1.2.3.4=DER:0500\n"), "what is not critical may be ignored");
    assert!(accepted(&point("onlyuser=TRUE")) && accepted(&point("fullname=URI:http://localhost/une.crl")));
}

proptest! {
    #[test]
    fn whatever_was_changed_is_seen(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        a_change_is_seen(&bytes);
    }

    #[test]
    fn whatever_is_offered_the_list_in_use_never_goes_back(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        the_list_in_use_never_goes_back(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(RevocationList::read(&bytes).is_err());
    }
}
