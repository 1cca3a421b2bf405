//! `sceau verify`: what the signatures of a PDF are worth, in words.

use std::path::PathBuf;

use sceau_element_api::protect::is_plain;
use sceau_pades::{
    Addition, Chain, Document, Integrity, Report, SignatureReport, StampReport, Terms, Verdict, verify,
};
use sceau_pki::{Anchors, RevocationLists};
use serde_json::{Value, json};

use super::{now, open, told};
use crate::command::input::read_small;
use crate::command::trace::words::moment;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau verify signed.pdf --anchors roots.pem --stamp-anchors tsa.pem
  sceau verify signed.pdf --json

It ends with 0 where every signature holds, somebody trusted vouches for each signer, and nothing was added behind it; else with 5. What was added is told, and nobody vouches that readers show the same: the version that was signed ends at the byte that is named. Read what is not known: it is said, and does not change that.";

/// Which document, and whom to trust.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyOptions {
    /// The PDF
    #[arg(value_name = "PDF")]
    file: PathBuf,
    /// Certificates (PEM) of the roots that you trust to say who somebody is
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// Certificates (PEM) of the roots that you trust to vouch for time stamps
    #[arg(long, value_name = "FILE")]
    stamp_anchors: Option<PathBuf>,
    /// A revocation list, beside those in the document; once for each
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Judges, and says what it found.
pub(crate) fn run(options: &VerifyOptions) -> Result<(), Failure> {
    let label = options.file.display().to_string();
    let mut lists = RevocationLists::default();
    for path in &options.crl {
        let read = RevocationLists::read(
            &read_small(path, 64 << 20, "a revocation list")?,
            &path.display().to_string(),
        );
        lists = lists.and(read.map_err(|error| Failure::new(Exit::Usage, error.code(), error.to_string()))?);
    }
    let terms = Terms {
        anchors: anchors(options.anchors.as_ref(), "--anchors")?,
        stamp_anchors: anchors(options.stamp_anchors.as_ref(), "--stamp-anchors")?,
        lists,
        now: now(),
    };
    let file = open(&options.file)?;
    let document = Document::open(&file).map_err(|error| told(&error, &label))?;
    let report = verify(&document, &terms).map_err(|error| told(&error, &label))?;
    if options.json {
        say::json(&json!({"signatures": report.signatures.iter().map(as_json).collect::<Vec<_>>()}))?;
    } else {
        let all: Vec<String> = report.signatures.iter().map(|one| words(one).join("\n")).collect();
        say::result(&all.join("\n\n"))?;
    }
    ended(&report, &label)
}

fn anchors(path: Option<&PathBuf>, option: &str) -> Result<Option<Anchors>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let text = read_small(path, 1 << 20, "certificates")?;
    let read = Anchors::from_pem(&String::from_utf8_lossy(&text), &path.display().to_string());
    read.map(Some).map_err(|error| Failure::new(Exit::Usage, "certificate", format!("{option}: {error}")))
}

fn ended(report: &Report, label: &str) -> Result<(), Failure> {
    let (code, words) = match report.verdict() {
        Some(Verdict::Holds) => return Ok(()),
        None => ("pdf_signature.none", "it has no signature"),
        Some(Verdict::Untrusted) => ("pdf_signature.untrusted", "nobody who is trusted vouches for a signer"),
        Some(Verdict::AddedTo) => {
            ("pdf_signature.added_to", "something was added behind a signature: what was signed ends before")
        }
        Some(Verdict::ChangedSince) => {
            ("pdf_signature.changed_since", "what is shown may not be what was signed")
        }
        Some(Verdict::Unjudged) if waits_for_anchors(report) => (
            "pdf_signature.unjudged",
            "it has a time stamp of the document: name who vouches for it (--stamp-anchors)",
        ),
        Some(Verdict::Unjudged) => {
            ("pdf_signature.unjudged", "a signature is of a kind that is not judged here")
        }
        Some(Verdict::False) => ("pdf_signature.false", "a signature does not hold"),
    };
    Err(Failure::new(Exit::Proof, code, format!("{label}: {words}")))
}

/// Whether all that is not judged are time stamps of which nobody was asked.
fn waits_for_anchors(report: &Report) -> bool {
    let mut unjudged = report.signatures.iter().filter(|one| one.integrity == Integrity::Unjudged);
    unjudged.all(|one| one.is_stamp && matches!(one.stamp, StampReport::Unasked))
}

fn headline(one: &SignatureReport) -> &'static str {
    match (one.integrity, one.vouched) {
        (Integrity::Whole, true) => "HOLDS",
        (Integrity::Whole, false) => "HOLDS, BUT NOBODY TRUSTED VOUCHES FOR ITS SIGNER",
        (Integrity::AddedTo, true) => {
            "HOLDS FOR WHAT WAS SIGNED, AND WAS ADDED TO: read the version that was signed"
        }
        (Integrity::AddedTo, false) => {
            "HOLDS FOR WHAT WAS SIGNED, WAS ADDED TO, AND NOBODY TRUSTED VOUCHES FOR ITS SIGNER"
        }
        (Integrity::ChangedSince, _) => "CHANGED SINCE: what is shown may not be what was signed",
        (Integrity::Unjudged, _) => "NOT JUDGED",
        (Integrity::False, _) => "FALSE",
    }
}

fn words(one: &SignatureReport) -> Vec<String> {
    let kind = if one.is_stamp { "Time stamp of the document" } else { "Signature" };
    let mut lines = vec![format!("{kind} {:?}: {}", short(&one.field), headline(one))];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<10} {}", plain(&text)));
    if let Some(refusal) = one.refusal {
        line("Why", refusal.to_string());
    }
    match &one.coverage {
        Err(why) => line("Covers", (*why).to_owned()),
        Ok(coverage) => {
            let (covers, found) = if coverage.is_whole {
                ("the whole document".to_owned(), "Found")
            } else {
                (format!("the document as it was when it ended at byte {}", coverage.until), "Added")
            };
            line("Covers", covers);
            for addition in &coverage.added {
                line(found, added(addition));
            }
            if coverage.more > 0 {
                line(found, format!("and {} more, on which the verdict is too", coverage.more));
            }
        }
    }
    if let Some(signer) = &one.signer {
        line("Signer", signer.clone());
        line("Made by", one.algorithm.to_owned());
    }
    line("Vouched", vouched(&one.chain));
    line("Stamped", stamped(&one.stamp));
    for (what, text) in &one.says {
        line("It says", format!("{what}: {text}"));
    }
    for unknown in unknown(one) {
        line("Not known", unknown.to_owned());
    }
    lines
}

/// A name, as far as anybody reads it.
fn short(name: &str) -> String {
    name.chars().take(200).collect()
}

/// What a document says, on one line and in one direction: it neither moves the cursor nor writes lines of this program.
fn plain(text: &str) -> String {
    let seen = |c: char| !c.is_control() && is_plain(c.encode_utf8(&mut [0; 4]));
    text.chars().map(|c| if c == ' ' || seen(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

fn added(addition: &Addition) -> String {
    match addition {
        Addition::Signature { field, page } => {
            let field = short(field);
            match page {
                None => format!("the signature {field:?}, which is not shown"),
                Some(0) => format!("the signature {field:?}, which is shown on some page"),
                Some(page) => format!(
                    "the signature {field:?}, which is shown on page {page}: look whether it hides anything"
                ),
            }
        }
        Addition::Blank => "white space behind the end".to_owned(),
        Addition::Evidence => "certificates, lists or answers to judge signatures by".to_owned(),
        Addition::Metadata => "other words on title, author or dates".to_owned(),
        Addition::Other(words) => format!("! {words}"),
    }
}

fn vouched(chain: &Chain) -> String {
    match chain {
        Chain::Unasked => "nobody was asked (--anchors)".to_owned(),
        Chain::Refused(refusal) => format!("no: {refusal}"),
        Chain::Vouched { by, at, stamped } => {
            let when = if *stamped { "as of its time stamp" } else { "as of now" };
            format!("by {}, {when} ({})", by.anchor.subject(), moment(*at))
        }
    }
}

fn stamped(stamp: &StampReport) -> String {
    match stamp {
        StampReport::None => "no: when it was signed is the signer's word".to_owned(),
        StampReport::Unasked => "there is one, which was not judged (--stamp-anchors)".to_owned(),
        StampReport::Holds(stamp) => format!("on {}, by {}", moment(stamp.time), stamp.signer),
        StampReport::Refused(refusal) => format!("no: {refusal}"),
    }
}

fn unknown(one: &SignatureReport) -> Vec<&'static str> {
    let mut all = Vec::new();
    match &one.chain {
        Chain::Unasked => all.push("who the signer is"),
        Chain::Vouched { by, .. } if !by.unrevoked => {
            all.push("whether the signer's certificate was revoked")
        }
        _ => {}
    }
    if one.signer.is_some() && !one.bound && !one.is_stamp {
        all.push("which certificate of its key the signer meant: the signature does not name it");
    }
    if matches!(one.stamp, StampReport::Holds(_)) {
        all.push("whether the certificate of the time-stamping authority was revoked");
    }
    all
}

fn as_json(one: &SignatureReport) -> Value {
    let coverage = match &one.coverage {
        Err(why) => json!({"error": why}),
        Ok(coverage) => json!({
            "until": coverage.until,
            "whole": coverage.is_whole,
            "added": coverage.added.iter().map(|it| json!({"harmless": it.is_harmless(), "what": added(it)})).collect::<Vec<_>>(),
            "more": coverage.more,
        }),
    };
    let chain = match &one.chain {
        Chain::Unasked => json!({"vouched": null}),
        Chain::Refused(refusal) => json!({"vouched": false, "code": refusal.code()}),
        Chain::Vouched { by, at, stamped } => json!({
            "vouched": true, "anchor": by.anchor.subject().to_string(), "at": at, "stamped": stamped, "unrevoked": by.unrevoked,
        }),
    };
    let stamp = match &one.stamp {
        StampReport::None => Value::Null,
        StampReport::Unasked => json!({"holds": null}),
        StampReport::Refused(refusal) => json!({"holds": false, "code": refusal.code()}),
        StampReport::Holds(stamp) => {
            json!({"holds": true, "time": stamp.time, "signer": stamp.signer.to_string()})
        }
    };
    json!({
        "field": one.field,
        "kind": if one.is_stamp { "time_stamp" } else { "signature" },
        "verdict": one.verdict().code(),
        "integrity": one.integrity.code(),
        "vouched": one.vouched,
        "why": one.refusal.map(|refusal| refusal.code()),
        "coverage": coverage,
        "signer": one.signer,
        "algorithm": one.algorithm,
        "chain": chain,
        "stamp": stamp,
        "says": one.says.iter().map(|(what, text)| json!({"what": what, "text": text})).collect::<Vec<_>>(),
        "not_known": unknown(one),
    })
}
