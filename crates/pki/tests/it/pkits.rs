//! NIST's Public Key Interoperability Test Suite (PKITS), as the package `cryptography-vectors` 50.0.2 has it, through the gate's verdict code: each of its
//! certificates that its name calls valid or invalid, with all its authorities and all its lists at hand.
//!
//! The twenty others ask under which sets of policies they hold, and we ask for none.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sceau_pki::{
    Anchors, Certificate, CertificateFacts, ChainJudge, Refusal, RevocationList, RevocationLists,
};

use crate::outside::NOW;

const ANCHOR: &str = "TrustAnchorRootCertificate.crt";

/// Valid ones that are refused, by why. Nobody is let in by any of these.
const REFUSED: [(&str, &[&str]); 13] = [
    (
        "an authority's certificate is no client's",
        &["onlyContainsCACertsTest13", "pathLenConstraintTest8", "pathLenConstraintTest14"],
    ),
    ("DSA is not spoken", &["DSAParameterInheritanceTest5", "DSASignaturesTest4"]),
    (
        "dates before 1970, and unique identifiers, are not read",
        &["pre2000UTCnotBeforeDateTest3", "NameUIDsTest6"],
    ),
    (
        "names are compared octet by octet: neither case, nor blanks, nor string types are evened out",
        &[
            "NameChainingCapitalizationTest5",
            "NameChainingWhitespaceTest3",
            "NameChainingWhitespaceTest4",
            "RolloverfromPrintableStringtoUTF8StringTest10",
            "UTF8StringCaseInsensitiveMatchTest11",
        ],
    ),
    (
        "a list counts under the key that signed the certificate, not under another of the same name",
        &[
            "BasicSelfIssuedCRLSigningKeyTest6",
            "BasicSelfIssuedNewWithOldTest3",
            "BasicSelfIssuedNewWithOldTest4",
            "BasicSelfIssuedOldWithNewTest1",
            "SeparateCertificateandCRLKeysTest19",
        ],
    ),
    ("a list with a negative number is not read", &["NegativeSerialNumberTest14"]),
    ("changes of a list are not read: who was on hold stays out", &["deltaCRLTest5"]),
    (
        "indirect lists are not read",
        &[
            "IDPwithindirectCRLTest22",
            "IDPwithindirectCRLTest24",
            "IDPwithindirectCRLTest25",
            "cRLIssuerTest28",
            "cRLIssuerTest29",
            "cRLIssuerTest30",
            "cRLIssuerTest33",
        ],
    ),
    (
        "lists of a place that is no URI are not read",
        &[
            "distributionPointTest1",
            "distributionPointTest4",
            "distributionPointTest5",
            "distributionPointTest7",
        ],
    ),
    ("lists of some reasons are not read", &["onlySomeReasonsTest18", "onlySomeReasonsTest19"]),
    (
        "self-issued authorities count for the path length",
        &["SelfIssuedpathLenConstraintTest15", "SelfIssuedpathLenConstraintTest17"],
    ),
    (
        "constraints on names of directories, mail and URIs are not weighed, and so not met",
        &[
            "DNandRFC822nameConstraintsTest27",
            "DNnameConstraintsTest1",
            "DNnameConstraintsTest4",
            "DNnameConstraintsTest5",
            "DNnameConstraintsTest6",
            "DNnameConstraintsTest11",
            "DNnameConstraintsTest14",
            "DNnameConstraintsTest18",
            "DNnameConstraintsTest19",
            "RFC822nameConstraintsTest21",
            "RFC822nameConstraintsTest23",
            "RFC822nameConstraintsTest25",
            "URInameConstraintsTest34",
            "URInameConstraintsTest36",
        ],
    ),
    (
        "critical constraints on policies are not understood",
        &[
            "PolicyMappingTest1",
            "PolicyMappingTest3",
            "PolicyMappingTest5",
            "PolicyMappingTest6",
            "PolicyMappingTest9",
            "PolicyMappingTest11",
            "PolicyMappingTest12",
            "PolicyMappingTest13",
            "PolicyMappingTest14",
            "SelfIssuedinhibitAnyPolicyTest7",
            "SelfIssuedinhibitAnyPolicyTest9",
            "SelfIssuedinhibitPolicyMappingTest7",
            "SelfIssuedrequireExplicitPolicyTest6",
            "inhibitAnyPolicyTest2",
            "inhibitPolicyMappingTest2",
            "inhibitPolicyMappingTest4",
            "requireExplicitPolicyTest1",
            "requireExplicitPolicyTest2",
            "requireExplicitPolicyTest4",
        ],
    ),
];

/// Invalid ones that pass, by why.
const PASSES: [(&str, &[&str]); 1] = [(
    "changes of a list are not read: who is only among them is out with the next list",
    &["deltaCRLTest4"],
)];

struct Suite {
    /// By file name, DER.
    files: BTreeMap<&'static str, Vec<u8>>,
    judge: ChainJudge,
}

impl Suite {
    fn read() -> Self {
        let lines = include_str!("../pkits/pkits.txt").lines().filter_map(|line| line.split_once(' '));
        let files: BTreeMap<_, _> =
            lines.map(|(name, der)| (name, BASE64_STANDARD.decode(der).unwrap())).collect();
        let certificate = |name: &str| Certificate::from_der(&files[name], name);
        let authorities = files.keys().filter(|name| name.ends_with(".crt") && !name.ends_with("EE.crt"));
        let authorities: Vec<_> = authorities.filter_map(|name| certificate(name).ok()).collect();
        let lists = files.iter().filter(|(name, _)| name.ends_with(".crl"));
        let lists: RevocationLists =
            lists.filter_map(|(_, der)| RevocationList::read(der).ok().map(Arc::new)).collect();
        let anchors = Anchors::new([certificate(ANCHOR).unwrap()]).unwrap();
        let judge = ChainJudge::new(anchors).asking(lists).with_intermediates(&authorities);
        Self { files, judge }
    }

    /// The suite's certificates name no purpose, which we demand at the very end: whoever comes so far has passed.
    fn passes(&self, name: &str) -> bool {
        let der = &self.files[name];
        let shown = [rustls::pki_types::CertificateDer::from(der.clone())];
        match self.judge.judge(Some(&shown), NOW) {
            Ok(_) => true,
            Err(Refusal::WrongPurpose) => {
                let certificate = Certificate::from_der(der, name).unwrap();
                !CertificateFacts::of(&certificate).unwrap().authority
            }
            Err(_) => false,
        }
    }
}

#[test]
fn each_certificate_is_judged_as_the_suite_says_but_for_what_is_listed() {
    let suite = Suite::read();
    let (mut refused, mut passes, mut agree) = (Vec::new(), Vec::new(), 0);
    for name in suite.files.keys().filter_map(|name| name.strip_suffix("EE.crt")) {
        let judged = suite.passes(&format!("{name}EE.crt"));
        match (name.strip_prefix("Valid"), name.strip_prefix("Invalid")) {
            (Some(name), _) if !judged => refused.push(name),
            (_, Some(name)) if judged => passes.push(name),
            (None, None) => {}
            _ => agree += 1,
        }
    }
    let listed = |table: &[(&str, &[&'static str])]| {
        let mut names: Vec<_> = table.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        names.sort_unstable();
        names
    };
    refused.sort_unstable();
    assert_eq!(passes, listed(&PASSES), "these would be let in");
    assert_eq!(refused, listed(&REFUSED), "these would be refused");
    let (all, refused, passes) = (agree + refused.len() + passes.len(), refused.len(), passes.len());
    assert_eq!((agree, refused, passes), (135, 67, 1));
    let said = format!("| {all} | {agree} | {refused} | {passes} |");
    assert!(include_str!("../../../../docs/chains.md").contains(&said), "docs/chains.md: {said}");
}
