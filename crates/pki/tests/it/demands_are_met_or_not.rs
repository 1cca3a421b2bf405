//! Policies and types that certificates of OpenSSL carry, asked for; and how many authorities may stand between.

use std::{fs, path::Path};

use rustls::pki_types::CertificateDer;
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, Certificate, CertificateType, ChainJudge, DEPTH_MAX, Demands,
    NotAType, Refusal, Unmet,
};

use crate::outside::{DAY, NOW, odd, run};

const OURS: &str = "1.2.250.1.71.1.2.50";
const TYPE: &str = "1.2.250.1.71.1.2.99";

fn of(policies: &[&str], types: &[CertificateType]) -> Demands {
    Demands::new(policies.iter().map(|text| text.parse().unwrap()).collect(), types.to_vec())
}

fn text(value: &str) -> CertificateType {
    CertificateType::read(TYPE, Some(value), None, None).unwrap()
}

fn made(extensions: &[&str]) -> Vec<CertificateDer<'static>> {
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW - DAY).unwrap();
    let one = |words: &&str| odd(&authority, "/CN=x", words).certificate.der().clone();
    extensions.iter().map(one).collect()
}

#[test]
fn a_policy_counts_where_the_leaf_names_it_and_no_authority_above_is_limited_to_others() {
    let none = "extendedKeyUsage=clientAuth\n";
    let policies = |named: &str| format!("certificatePolicies={named}\n");
    let (own, other) = (policies(OURS), policies("1.2.250.1.71.1.2.51"));
    let (both, any) = (policies("1.2.250.1.71.1.2.51,1.2.250.1.71.1.2.50"), policies("2.5.29.32.0"));
    for (way, is_met) in [
        (vec![own.as_str()], true),
        (vec![&both], true),
        (vec![&other], false),
        (vec![none], false),
        (vec![&any], false),
        (vec![&own, none], true),
        (vec![&own, &any], true),
        (vec![&own, &both, &any], true),
        (vec![&own, &other], false),
        (vec![&own, &any, &other], false),
        (vec![none, &own], false),
    ] {
        let expected = if is_met { Ok(()) } else { Err(Unmet::Policy) };
        assert_eq!(of(&["1.2.3.4", OURS], &[]).check(&made(&way)), expected, "{way:?}");
    }
    assert_eq!(of(&[OURS], &[]).check(&[]), Err(Unmet::Policy));
    assert_eq!(Demands::default().check(&[]), Ok(()));
}

#[test]
fn a_type_is_the_whole_content_of_its_extension() {
    let demanded = [text("AUTH_CLI")];
    for (extension, is_met) in [
        ("ASN1:UTF8String:AUTH_CLI", true),
        ("ASN1:IA5STRING:AUTH_CLI", true),
        ("ASN1:BMPSTRING:AUTH_CLI", true),
        ("ASN1:UTF8String:AUTH_CLI2", false),
        ("ASN1:UTF8String:auth_cli", false),
        ("ASN1:OCTETSTRING:AUTH_CLI", false),
        ("DER:0c08415554485f434c49", true),
        ("DER:0c08415554485f434c4900", false),
        ("DER:0c8108415554485f434c49", false),
        ("DER:415554485f434c49", false),
    ] {
        let way = made(&[&format!("{TYPE}={extension}\n")]);
        let met = of(&[], &demanded).check(&way);
        assert_eq!(met, if is_met { Ok(()) } else { Err(Unmet::Type) }, "{extension}");
    }
    // Netscape's, a string of bits; and a number in one's own.
    let netscape = CertificateType::read("2.16.840.1.113730.1.1", None, None, Some("03:02:07:80")).unwrap();
    for (words, is_met) in [("nsCertType=client\n", true), ("nsCertType=server\n", false), ("", false)] {
        let way = made(&[&format!("extendedKeyUsage=clientAuth\n{words}")]);
        assert_eq!(of(&[], std::slice::from_ref(&netscape)).check(&way).is_ok(), is_met, "{words}");
    }
    let number = CertificateType::read(TYPE, None, Some("1.2.250.1.71.1.2.7"), None).unwrap();
    assert_eq!(of(&[], &[number]).check(&made(&[&format!("{TYPE}=ASN1:OID:1.2.250.1.71.1.2.7\n")])), Ok(()));
    // Each demand stands for itself.
    let way = made(&[&format!("certificatePolicies={OURS}\n{TYPE}=ASN1:UTF8String:other\n")]);
    assert_eq!(of(&[OURS], &demanded).check(&way), Err(Unmet::Type));
    assert_eq!(of(&[OURS], &[text("AUTH_CLI"), text("other")]).check(&way), Ok(()));
}

#[test]
fn what_cannot_be_demanded_is_refused() {
    let read = CertificateType::read;
    assert_eq!(read("type", Some("a"), None, None), Err(NotAType::Extension));
    assert_eq!(read(TYPE, None, None, None), Err(NotAType::Value));
    assert_eq!(read(TYPE, Some("a"), None, Some("00")), Err(NotAType::Value));
    assert_eq!(read(TYPE, None, Some("1"), None), Err(NotAType::Oid));
    assert_eq!(read(TYPE, None, None, Some("0")), Err(NotAType::Der));
}

/// A leaf, so many authorities above it, and their root, by OpenSSL.
fn long_chain(folder: &Path, authorities: usize) -> Vec<Certificate> {
    let words = |words: &str| run(folder, "openssl", &words.split_whitespace().collect::<Vec<_>>());
    fs::write(folder.join("ca"), "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n").unwrap();
    fs::write(folder.join("leaf"), "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n").unwrap();
    for at in (0..=authorities + 1).rev() {
        words(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=n{at} -keyout {at}.key -out {at}.csr"
        ));
        let kind = if at == 0 { "leaf" } else { "ca" };
        let by = if at > authorities {
            format!("-signkey {at}.key")
        } else {
            format!("-CA {above}.pem -CAkey {above}.key -CAcreateserial", above = at + 1)
        };
        words(&format!("x509 -req -in {at}.csr {by} -days 30 -extfile {kind} -out {at}.pem"));
    }
    let read = |at| fs::read_to_string(folder.join(format!("{at}.pem"))).unwrap();
    (0..=authorities + 1).map(|at| Certificate::all_from_pem(&read(at), "it").unwrap().remove(0)).collect()
}

#[test]
fn so_many_authorities_and_no_more_may_stand_between() {
    for authorities in [0, 1, 2, DEPTH_MAX, DEPTH_MAX + 1] {
        let folder = tempfile::tempdir().unwrap();
        let chain = long_chain(folder.path(), authorities);
        let now = chain[0].not_before();
        let anchors = Anchors::new([chain[authorities + 1].clone()]).unwrap();
        let shown: Vec<_> = chain[..=authorities].iter().map(|it| it.der().clone()).collect();
        for depth in [0, 1, 2, DEPTH_MAX, 10, usize::MAX] {
            let judge = ChainJudge::new(anchors.clone()).within(depth);
            let judged = judge.judge(Some(&shown), now).map(|_| ());
            let expected = if authorities > DEPTH_MAX {
                // The last one was not even looked at.
                Err(Refusal::Untrusted)
            } else if authorities > depth {
                Err(Refusal::TooDeep)
            } else {
                Ok(())
            };
            assert_eq!(judged, expected, "{authorities} between, {depth} taken");
            // As OpenSSL counts, which is how nginx does (ssl_verify_depth).
            if depth <= 10 && authorities <= DEPTH_MAX {
                let above: String = chain[1..=authorities].iter().map(Certificate::to_pem).collect();
                fs::write(folder.path().join("above"), above).unwrap();
                let untrusted = if authorities > 0 { "-untrusted above" } else { "" };
                let words = format!(
                    "verify -CAfile {root}.pem {untrusted} -verify_depth {depth} 0.pem",
                    root = authorities + 1
                );
                let said = crate::outside::try_run(
                    folder.path(),
                    "openssl",
                    &words.split_whitespace().collect::<Vec<_>>(),
                );
                assert_eq!(said.status.success(), expected.is_ok(), "{authorities} between, {depth} taken");
            }
        }
        // Where an authority of the gate's own stands there too, all are looked at, and there are too many.
        if authorities > DEPTH_MAX {
            let judge = ChainJudge::new(anchors).with_intermediates(&chain[1..=authorities]);
            assert_eq!(judge.judge(Some(&shown), now).map(|_| ()), Err(Refusal::TooDeep));
        }
    }
}

/// Authorities of one name under different keys: all orders of them would be ways, so that five are looked at.
#[test]
fn authorities_of_one_name_do_not_multiply_the_ways() {
    let folder = tempfile::tempdir().unwrap();
    let chain = long_chain(folder.path(), 1);
    let (leaf, authority) = (chain[0].der().clone(), chain[1].der().clone());
    let judge = ChainJudge::new(Anchors::new([chain[2].clone()]).unwrap());
    let same: Vec<_> =
        (0..5).map(|_| long_chain(tempfile::tempdir().unwrap().path(), 1)[1].clone()).collect();
    assert!(same.iter().all(|it| it.subject() == chain[1].subject()));
    let other = long_chain(tempfile::tempdir().unwrap().path(), 2)[3].clone();
    // Made last.
    let now = other.not_before();
    for (before, expected) in [
        (&same[..4], Ok(())),
        (&same, Err(Refusal::BadSignature)),
        (&[other.clone(), other.clone(), other.clone(), other.clone(), other][..], Ok(())),
    ] {
        let mut shown = vec![leaf.clone()];
        shown.extend(before.iter().map(|it| it.der().clone()));
        shown.push(authority.clone());
        let judged = judge.judge(Some(&shown), now).map(|_| ());
        assert_eq!(judged, expected, "{} before it", before.len());
    }
}
