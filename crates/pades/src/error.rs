//! Why a document is not signed, or not looked at. Whether a signature holds is the report's to say.

use thiserror::Error;

/// What is wrong. The words say who is at fault; [`PdfError::code`] is stable.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PdfError {
    /// Not a PDF.
    #[error("it is not a PDF: it does not begin with %PDF-")]
    NotAPdf,
    /// The document breaks the format.
    #[error("the PDF is damaged: {what}{}; `qpdf in.pdf out.pdf` mends many, before anybody signs them", at_byte(*.at))]
    Damaged {
        /// What is wrong.
        what: &'static str,
        /// Where, in bytes from its beginning; none where that cannot be told.
        at: Option<u64>,
    },
    /// More than is ever looked at.
    #[error("the PDF is not looked at: it has too much of something: {0}")]
    TooMuch(&'static str),
    /// Encrypted.
    #[error(
        "the PDF is encrypted: signing or judging it takes one without a password (save it without one first)"
    )]
    Encrypted,
    /// A form in XFA.
    #[error("the PDF is an XFA form, which shows what is not in its pages: print it into a PDF first")]
    Xfa,
    /// Something of the format that is not read here.
    #[error("the PDF is not taken: {0}")]
    NotTaken(&'static str),
    /// Whoever certified the document forbids it.
    #[error("whoever certified this document {0}")]
    Certified(&'static str),
    /// There is no such page.
    #[error("there is no page {asked}: the document has {pages}")]
    NoPage {
        /// Counted from 1.
        asked: u32,
        /// How many there are.
        pages: u32,
    },
    /// A rectangle that is not on its page, or is no rectangle.
    #[error("the rectangle is not on the page, which is {width} by {height} points")]
    NotOnPage {
        /// Of the page as it is shown, in points.
        width: u32,
        /// The same.
        height: u32,
    },
    /// A text does not fit into the rectangle in letters that can be read.
    #[error("the text does not fit into the rectangle: make it larger, or say less")]
    TooSmall,
    /// A character that the font of visible signatures does not have.
    #[error(
        "the character {0:?} cannot be written into a visible signature: its font has the letters of Western Europe only"
    )]
    Character(char),
    /// A name that no field can have.
    #[error(
        "the name of a new field is not empty, has no point, and is not longer than {most} bytes: {name:?}"
    )]
    FieldName {
        /// What was asked for.
        name: String,
        /// In bytes.
        most: usize,
    },
    /// A field of this name is there and is not an empty signature.
    #[error("the document has a field {0:?} already, which is not a signature that waits")]
    Field(String),
    /// No signature waits, or several do.
    #[error("no signature waits in this document at its end: prepare it first, and change nothing behind it")]
    NothingWaits,
    /// The signature does not fit into the place that was kept for it.
    #[error(
        "the signature needs {needed} bytes, and {kept} were kept for it: prepare the document with the same certificates"
    )]
    PlaceTooSmall {
        /// How long it is.
        needed: usize,
        /// What there is.
        kept: usize,
    },
    /// The document cannot be read or written.
    #[error("the document cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}

impl PdfError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAPdf => "pdf.not_a_pdf",
            Self::Damaged { .. } => "pdf.damaged",
            Self::TooMuch(_) => "pdf.too_much",
            Self::Encrypted => "pdf.encrypted",
            Self::Xfa => "pdf.xfa",
            Self::NotTaken(_) => "pdf.not_taken",
            Self::Certified(_) => "pdf.certified",
            Self::NoPage { .. } => "pdf.no_page",
            Self::NotOnPage { .. } => "pdf.not_on_page",
            Self::TooSmall => "pdf.too_small",
            Self::Character(_) => "pdf.character",
            Self::FieldName { .. } => "pdf.field_name",
            Self::Field(_) => "pdf.field",
            Self::NothingWaits => "pdf.nothing_waits",
            Self::PlaceTooSmall { .. } => "pdf.place_too_small",
            Self::Io(_) => "pdf.io",
        }
    }

    pub(crate) fn damaged(what: &'static str, at: impl Into<Option<u64>>) -> Self {
        Self::Damaged { what, at: at.into() }
    }
}

fn at_byte(at: Option<u64>) -> String {
    at.map(|at| format!(" (byte {at})")).unwrap_or_default()
}
