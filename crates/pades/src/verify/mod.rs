//! What the signatures of a document are worth: which bytes each covers, what was added behind it, who signed, who vouches for that, and what is not known.

mod changes;
mod found;
mod one;

use sceau_pki::{Anchors, CmsRefusal, Refusal, RevocationLists, StampRefusal, TimeStamp, Vouching};

use crate::{
    document::Document,
    error::PdfError,
    form::{self, Value},
    ground,
    source::Source,
    validation::{Evidence, SIGNATURES},
};

/// By what signatures are judged.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Who is trusted to say who somebody is; none: nobody is asked.
    pub anchors: Option<Anchors>,
    /// Who is trusted to vouch for time stamps; none: they are not judged.
    pub stamp_anchors: Option<Anchors>,
    /// Lists of revoked certificates, beside those that the document keeps.
    pub lists: RevocationLists,
    /// Now, in Unix milliseconds.
    pub now: u64,
}

/// On all signatures of a document.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order of the form.
    pub signatures: Vec<SignatureReport>,
}

/// On one signature.
#[derive(Clone, Debug)]
pub struct SignatureReport {
    /// The field that it stands in.
    pub field: String,
    /// Whether it is a time stamp of the document and nobody's signature.
    pub is_stamp: bool,
    /// Whether the document is as it was signed.
    pub integrity: Integrity,
    /// Whether somebody who is trusted vouches for whoever signed, and nothing speaks against that: another question.
    pub vouched: bool,
    /// What it covers; why it covers nothing that can be told.
    pub coverage: Result<Coverage, &'static str>,
    /// Why the signature itself does not hold.
    pub refusal: Option<CmsRefusal>,
    /// The subject of the certificate whose key signed, where it did.
    pub signer: Option<String>,
    /// Whether the signature covers which certificate that is.
    pub bound: bool,
    /// What it is made by.
    pub algorithm: &'static str,
    /// Who vouches for the signer.
    pub chain: Chain,
    /// Its time stamp.
    pub stamp: StampReport,
    /// What the signer says: the time, a name, a reason, a place. Nobody vouches for it.
    pub says: Vec<(&'static str, String)>,
}

/// Whether a document is as it was signed. In this order the worse comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integrity {
    /// All of it.
    Whole,
    /// What was signed is. Something was added behind it: of what kind is told, and whether readers show the same is not vouched for.
    AddedTo,
    /// What was signed is, and what is shown may be something else.
    ChangedSince,
    /// Of a kind that is not judged here, or by nobody who was named.
    Unjudged,
    /// It is not, or the signature is none.
    False,
}

impl Integrity {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::AddedTo => "added_to",
            Self::ChangedSince => "changed_since",
            Self::Unjudged => "unjudged",
            Self::False => "false",
        }
    }
}

/// What a signature comes to: both answers in one. In this order the worse comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It holds for the whole document, and all that was asked was answered well.
    Holds,
    /// It holds for what was signed, and something was added behind it.
    AddedTo,
    /// It holds for what was signed, and nobody who is trusted vouches for its signer.
    Untrusted,
    /// What is shown may not be what was signed.
    ChangedSince,
    /// Of a kind that is not judged here, or by nobody who was named.
    Unjudged,
    /// It does not hold.
    False,
}

impl Verdict {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::AddedTo => "added_to",
            Self::Untrusted => "untrusted",
            Self::ChangedSince => "changed_since",
            Self::Unjudged => "unjudged",
            Self::False => "false",
        }
    }
}

impl SignatureReport {
    /// What all of this comes to.
    pub fn verdict(&self) -> Verdict {
        match (self.integrity, self.vouched) {
            (Integrity::Whole, true) => Verdict::Holds,
            (Integrity::AddedTo, true) => Verdict::AddedTo,
            (Integrity::Whole | Integrity::AddedTo, false) => Verdict::Untrusted,
            (Integrity::ChangedSince, _) => Verdict::ChangedSince,
            (Integrity::Unjudged, _) => Verdict::Unjudged,
            (Integrity::False, _) => Verdict::False,
        }
    }
}

/// Which bytes are covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Where they end.
    pub until: u64,
    /// Whether that is where the document ends.
    pub is_whole: bool,
    /// What was added behind them; where that is much, the worst of it.
    pub added: Vec<Addition>,
    /// How many more additions there are, which are not told. The verdict is on them too.
    pub more: usize,
}

/// Something that was added behind a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// A signature, or a field for one, and the page on which it is shown, if it is.
    Signature {
        /// Its field.
        field: String,
        /// Counted from 1.
        page: Option<u32>,
    },
    /// What signatures are judged by later: certificates, lists, answers.
    Evidence,
    /// What is said of the document: its title, its author, its dates.
    Metadata,
    /// White space behind the end.
    Blank,
    /// Anything else: what is shown may not be what was signed.
    Other(String),
}

impl Addition {
    /// Whether it is of a kind that leaves what was signed as it was. Documents are made to look so: nothing is vouched for by it.
    pub fn is_harmless(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// Who vouches for a signer.
#[derive(Clone, Debug)]
pub enum Chain {
    /// Nobody was asked.
    Unasked,
    /// An authority that is trusted, as of this moment (Unix milliseconds).
    Vouched {
        /// By whom, and whether revocation is known.
        by: Box<Vouching>,
        /// Of the time stamp where one holds, else now.
        at: u64,
        /// Whether a time stamp says so.
        stamped: bool,
    },
    /// Nobody, for this reason.
    Refused(Refusal),
}

/// A time stamp of a signature.
#[derive(Clone, Debug)]
pub enum StampReport {
    /// There is none.
    None,
    /// There is one, and nobody was named who vouches for its authority.
    Unasked,
    /// It holds.
    Holds(Box<TimeStamp>),
    /// It does not hold.
    Refused(StampRefusal),
}

impl Report {
    /// The worst of all verdicts; none where nobody signed: a time stamp is nobody's signature.
    pub fn verdict(&self) -> Option<Verdict> {
        self.signatures.iter().find(|signature| !signature.is_stamp)?;
        self.signatures.iter().map(SignatureReport::verdict).max()
    }
}

/// Judges every signature of a document.
///
/// # Errors
/// [`PdfError`]: the document cannot be looked at at all.
pub fn verify<S: Source>(document: &Document<S>, terms: &Terms) -> Result<Report, PdfError> {
    let evidence = Evidence::kept(document)?;
    let reaching = ground::reaching(document)?;
    let all = one::Judging { document, terms, evidence: &evidence, reaching: &reaching };
    let mut signatures = Vec::new();
    for field in form::signatures(document)? {
        let report = match field.signed(document)? {
            Value::Empty => continue,
            Value::Signed(signed) => all.judge(&field.name, &signed)?,
            Value::Unreadable => one::unreadable(&field.name),
        };
        if signatures.len() == SIGNATURES {
            return Err(PdfError::TooMuch("signatures"));
        }
        signatures.push(report);
    }
    Ok(Report { signatures })
}
