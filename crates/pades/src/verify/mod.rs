//! What the signatures of a document are worth: which bytes each covers, what was added behind it, who signed, who vouches for that, and what is not known.

mod changes;
mod found;
mod one;
mod walk;

use sceau_pki::{Anchors, CmsRefusal, Refusal, RevocationLists, StampRefusal, TimeStamp, Vouching};

use crate::{
    document::Document,
    error::PdfError,
    form::{Form, Signed},
    source::Source,
    validation::Evidence,
};

/// The most signatures that are judged.
const MOST: usize = 64;

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
    /// What all of this comes to.
    pub verdict: Verdict,
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

/// What a signature is worth. In this order the worse comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It holds for the whole document, and all that was asked was answered well.
    Holds,
    /// It holds, and nobody who is trusted vouches for its signer.
    Untrusted,
    /// It holds for what was signed. Something was added behind it: of what kind is told, and whether readers show the same is not vouched for.
    AddedTo,
    /// It holds for what was signed, and what is shown now is something else, or may be.
    ChangedSince,
    /// It is of a kind, or by an algorithm, that is not judged here.
    Unjudged,
    /// It does not hold.
    False,
}

impl Verdict {
    /// In one word, for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Untrusted => "untrusted",
            Self::AddedTo => "added_to",
            Self::ChangedSince => "changed_since",
            Self::Unjudged => "unjudged",
            Self::False => "false",
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
    Unjudged,
    /// It holds.
    Holds(Box<TimeStamp>),
    /// It does not hold.
    Refused(StampRefusal),
}

impl Report {
    /// The worst of all verdicts; none where nobody signed: a time stamp is nobody's signature.
    pub fn verdict(&self) -> Option<Verdict> {
        self.signatures.iter().find(|signature| !signature.is_stamp)?;
        self.signatures.iter().map(|signature| signature.verdict).max()
    }
}

/// Judges every signature of a document.
///
/// # Errors
/// [`PdfError`]: the document cannot be looked at at all.
pub fn verify<S: Source>(document: &Document<S>, terms: &Terms) -> Result<Report, PdfError> {
    let (_, catalog) = document.catalog()?;
    let (fields, _) = Form::of(document, &catalog)?.signatures(document)?;
    let evidence = Evidence::kept(document)?;
    let mut signatures = Vec::new();
    for field in fields {
        let Some(signed) = field.value.map_or(Ok(None), |value| Signed::at(document, value))? else {
            continue;
        };
        if signatures.len() == MOST {
            return Err(PdfError::TooMuch("signatures"));
        }
        signatures.push(one::judge(document, &field.name, &signed, terms, &evidence)?);
    }
    Ok(Report { signatures })
}
