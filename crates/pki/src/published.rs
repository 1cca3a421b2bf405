//! Chains of x509-limbo as they were published (C2SP, Apache-2.0; `vectors/x509-limbo.txt`), through the code that looks for a way. They are servers':
//! their names are not asked for here. `tests/it/limbo` builds more of the suite anew, for clients.
#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::pki_types::CertificateDer;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    chain::DEPTH_MAX,
    path::{self, Holder, Question},
};

/// A case on a line: its id, what the suite says of it, the moment, anchors, authorities sent, leaf.
const CASES: &str = include_str!("../vectors/x509-limbo.txt");
/// A moment for those that name none: most are valid until 2969.
const MOMENT: &str = "2026-11-22T00:00:00Z";
/// Where we say otherwise, for the reason that docs/chains.md gives.
const OTHERWISE: &[&str] = &[
    "pathlen::validation-ignores-pathlen-in-leaf",
    "pathlen::self-issued-certs-pathlen",
    "pathlen::max-chain-depth-1-self-issued",
    "rfc5280::ee-empty-issuer",
    "rfc5280::cross-signed-root-missing-aki",
    "rfc5280::intermediate-missing-aki",
    "rfc5280::leaf-missing-aki",
    "rfc5280::missing-ski",
    "rfc5280::root-non-critical-basic-constraints",
    "rfc5280::leaf-ku-keycertsign",
    "rfc5280::ca-nameconstraints-permitted-dn-match",
    "rfc5280::ca-nameconstraints-permitted-self-issued",
    "rfc5280::san-noncritical-with-empty-subject",
    "rfc5280::serial-number-too-long",
    "rfc5280::serial-number-zero",
];

struct Case<'a> {
    id: &'a str,
    holds: bool,
    now: u64,
    trusted: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    leaf: Vec<u8>,
}

impl<'a> Case<'a> {
    fn of(line: &'a str) -> Self {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap();
        let all = |text: &str| text.split(',').filter(|one| !one.is_empty()).map(octets).collect();
        let (id, said, moment) = (next(), next(), next());
        assert!(matches!(said, "SUCCESS" | "FAILURE"), "{id}");
        let moment = if moment == "-" { MOMENT } else { moment };
        let now = OffsetDateTime::parse(moment, &Rfc3339).unwrap().unix_timestamp() * 1000;
        let (trusted, sent, leaf) = (all(next()), all(next()), octets(next()));
        Self { id, holds: said == "SUCCESS", now: now.try_into().unwrap(), trusted, sent, leaf }
    }

    /// `holds`, or why not.
    fn verdict(&self) -> &'static str {
        let anchors = self.trusted.iter().map(|der| Certificate::from_der(der, "an anchor"));
        let Ok(Ok(anchors)) = anchors.collect::<Result<Vec<_>, _>>().map(Anchors::new) else {
            return "anchor";
        };
        let Ok(leaf) = Certificate::from_der(&self.leaf, "a leaf") else { return "leaf" };
        let sent: Vec<_> = self.sent.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let (now, holder) = (self.now, Holder::Server);
        // Cases of a depth name it.
        let named = self.id.strip_prefix("pathlen::max-chain-depth-").and_then(|id| id.get(..1));
        let depth = named.map_or(DEPTH_MAX, |depth| depth.parse().unwrap());
        let question =
            Question { anchors: &anchors, lists: None, now, grace: 0, online: None, holder, depth };
        path::verify(question, &leaf, &sent).map_or_else(|refusal| refusal.code(), |_| "holds")
    }
}

fn octets(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

fn cases() -> impl Iterator<Item = Case<'static>> {
    CASES.lines().filter(|line| !line.starts_with('#')).map(Case::of)
}

#[test]
fn each_chain_as_it_was_published_is_judged_as_its_suite_says_or_otherwise_for_a_reason() {
    let page = include_str!("../../../docs/chains.md");
    let mut wrong = Vec::new();
    let (mut holding, mut failing) = (0, 0);
    for case in cases() {
        let said = case.verdict();
        let (differs, listed) = (case.holds != (said == "holds"), OTHERWISE.contains(&case.id));
        let told = page.contains(&format!("`{}`", case.id));
        if differs != listed || (differs && !told) {
            wrong
                .push(format!("{}: {said:?}; the suite: holds {}; on the page: {told}", case.id, case.holds));
        }
        *if case.holds { &mut holding } else { &mut failing } += 1;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases().count(), wrong.join("\n"));
    let otherwise = OTHERWISE.len();
    let said =
        format!("{holding} that hold and {failing} that fail, {otherwise} of them judged otherwise here");
    assert!(page.contains(&said), "docs/chains.md: {said}");
}
