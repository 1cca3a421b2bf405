//! x509-limbo (C2SP, corner cases of RFC 5280 and of the Web's PKI) through the verdict code of the gate.
//!
//! The suite's chains are rebuilt here from what it says of each case: who signs whom, what is wrong, and whether the chain must hold. Its servers are our
//! clients: where it asks for serverAuth, clientAuth stands here, and what it asks of a host's name is left out. Its cases of revocation lists, of hosts'
//! names and of live sites are not here. OpenSSL judges each chain too, and says of each certificate what it reads in it.

mod constraints;
mod der;
mod made;
mod more;
mod rfc5280;
mod web;
mod why;

use std::{collections::BTreeSet, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::pki_types::CertificateDer;
use sceau_pki::{Anchors, CallerJudge, Certificate, ChainJudge};
use time::OffsetDateTime;

use self::made::Made;
use crate::outside::{NOW, run, text, try_run};

/// What the suite says of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suite {
    Holds,
    Fails,
}
use Suite::{Fails, Holds};

/// What a client shows, to whom, when.
struct Chain {
    trusted: Vec<Made>,
    /// Behind the leaf.
    sent: Vec<Made>,
    leaf: Made,
    /// Unix milliseconds.
    now: u64,
}

impl Chain {
    fn of(trusted: &Made, sent: &[&Made], leaf: &Made) -> Self {
        let sent = sent.iter().map(|&made| made.clone()).collect();
        Self { trusted: vec![trusted.clone()], sent, leaf: leaf.clone(), now: NOW }
    }

    fn trusting(mut self, other: &Made) -> Self {
        self.trusted.push(other.clone());
        self
    }

    fn at(self, moment: OffsetDateTime) -> Self {
        let now = u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap();
        Self { now, ..self }
    }

    /// `accepted`, `anchor` where what is trusted is refused before anybody comes, or the refusal's code.
    fn verdict(&self) -> &'static str {
        let trusted = self.trusted.iter().map(|made| Certificate::from_der(&made.der, "an anchor"));
        let Ok(Ok(anchors)) = trusted.collect::<Result<Vec<_>, _>>().map(Anchors::new) else {
            return "anchor";
        };
        let shown = [&self.leaf].into_iter().chain(&self.sent);
        let shown: Vec<_> = shown.map(|made| CertificateDer::from(made.der.clone())).collect();
        let judge = CallerJudge::new(ChainJudge::new(anchors));
        judge.judge(Some(&shown), self.now).map_or_else(|refusal| refusal.code(), |_| "accepted")
    }
}

/// One case of the suite.
struct Case {
    id: &'static str,
    what: &'static str,
    suite: Suite,
    /// As [`Chain::verdict`].
    ours: &'static str,
    /// Why we differ from the suite.
    why: &'static str,
    /// `OK`, or what OpenSSL says, strictly asked.
    openssl: &'static str,
    /// What OpenSSL reads in the certificates, that makes the case.
    shows: &'static str,
    chain: fn() -> Chain,
}

/// A case where we agree with the suite, as OpenSSL does.
const fn case(id: &'static str, suite: Suite, what: &'static str, chain: fn() -> Chain) -> Case {
    let ours = match suite {
        Holds => "accepted",
        Fails => "certificate_untrusted",
    };
    Case { id, what, suite, ours, why: "", openssl: "OK", shows: "", chain }
}

impl Case {
    /// What we say of a chain that fails, where it is not that nobody who is trusted vouches for it.
    const fn ours(self, ours: &'static str) -> Self {
        Self { ours, ..self }
    }

    const fn differs(self, ours: &'static str, why: &'static str) -> Self {
        Self { ours, why, ..self }
    }

    const fn openssl(self, openssl: &'static str) -> Self {
        Self { openssl, ..self }
    }

    const fn shows(self, shows: &'static str) -> Self {
        Self { shows, ..self }
    }
}

fn pem(certificates: &[Made]) -> String {
    let pem = |made: &Made| {
        let body = BASE64_STANDARD.encode(&made.der);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(text).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    certificates.iter().map(pem).collect()
}

/// OpenSSL's word on a chain: every certificate that is trusted may end it, whoever signed it.
fn openssl_judges(folder: &Path, chain: &Chain) -> String {
    fs::write(folder.join("trusted"), pem(&chain.trusted)).unwrap();
    fs::write(folder.join("sent"), pem(&chain.sent)).unwrap();
    fs::write(folder.join("leaf"), pem(std::slice::from_ref(&chain.leaf))).unwrap();
    let seconds = (chain.now / 1000).to_string();
    let verify = "verify -x509_strict -partial_chain -purpose sslclient -no-CAfile -no-CApath -no-CAstore -trusted trusted";
    let mut arguments: Vec<_> = verify.split_whitespace().chain(["-attime", &seconds]).collect();
    if !chain.sent.is_empty() {
        arguments.extend(["-untrusted", "sent"]);
    }
    arguments.push("leaf");
    let output = try_run(folder, "openssl", &arguments);
    let said = text(&output.stderr);
    match said.lines().find_map(|line| line.split_once("lookup: ")) {
        _ if output.status.success() => "OK".to_owned(),
        Some((_, why)) => why.to_owned(),
        None => "unreadable".to_owned(),
    }
}

/// What OpenSSL reads in the chain's certificates, blanks evened out.
fn openssl_reads(folder: &Path, chain: &Chain) -> String {
    let all = [&*chain.trusted, &*chain.sent, std::slice::from_ref(&chain.leaf)].concat();
    fs::write(folder.join("all"), pem(&all)).unwrap();
    let read = run(folder, "openssl", &["storeutl", "-certs", "-noout", "-text", "all"]);
    read.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is told of all this.
const PAGE: &str = include_str!("../../../../../docs/chains.md");

fn cases() -> impl Iterator<Item = &'static Case> {
    [rfc5280::CASES, constraints::CASES, more::CASES, web::CASES].into_iter().flatten()
}

#[test]
fn each_chain_is_judged_as_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut agree, mut stricter, mut laxer) = (Vec::new(), 0, 0, 0);
    let (mut openssl_and_suite, mut openssl_and_we) = (0, 0);
    for case in cases() {
        let chain = (case.chain)();
        let (ours, openssl) = (chain.verdict(), openssl_judges(folder.path(), &chain));
        if (ours, &*openssl) != (case.ours, case.openssl) {
            wrong.push(format!("{}: {ours:?}, OpenSSL {openssl:?}: {}", case.id, case.what));
        }
        let reads = if case.shows.is_empty() { String::new() } else { openssl_reads(folder.path(), &chain) };
        if !reads.contains(case.shows) {
            wrong.push(format!("{}: OpenSSL does not read {:?} in\n{reads}", case.id, case.shows));
        }
        match (case.suite, ours == "accepted") {
            (Holds, true) | (Fails, false) => agree += 1,
            (Holds, false) => stricter += 1,
            (Fails, true) => laxer += 1,
        }
        openssl_and_suite += usize::from((case.suite == Holds) == (openssl == "OK"));
        openssl_and_we += usize::from((ours == "accepted") == (openssl == "OK"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((agree, stricter, laxer), (92, 8, 34));
    assert_eq!((openssl_and_suite, openssl_and_we), (90, 106));
    let said = [
        format!("| {} | {agree} | {stricter} | {laxer} |", cases().count()),
        format!(
            "it says what the suite says of {openssl_and_suite} of them, and what is said here of {openssl_and_we}."
        ),
    ];
    let page = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    said.iter().for_each(|said| assert!(page.contains(said), "docs/chains.md: {said}"));
}

#[test]
fn the_page_tells_each_difference_with_its_reason() {
    let differing = cases().filter(|case| !case.why.is_empty());
    let told = differing.map(|case| {
        let suite = if case.suite == Holds { "holds" } else { "fails" };
        format!("| `{}` | {} | {suite} | `{}` | {} |", case.id, case.what, case.ours, case.why)
    });
    let page = PAGE.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(page.collect::<Vec<_>>().join("\n"), told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn who_differs_from_the_suite_says_why_and_nobody_else() {
    for case in cases() {
        let agrees = (case.suite == Holds) == (case.ours == "accepted");
        assert_eq!(agrees, case.why.is_empty(), "{}", case.id);
    }
    let names: BTreeSet<_> = cases().map(|case| case.id).collect();
    assert_eq!(names.len(), cases().count(), "a case is there twice");
}
