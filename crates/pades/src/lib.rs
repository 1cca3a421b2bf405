//! Signed PDF documents (PAdES, ETSI EN 319 142-1): what is to be signed of a document, the document with its signature, and what the signatures of a document are worth.
//!
//! This room is pure but for its adapter of files: bytes, keys' signatures and times are passed in. It must never change a byte of what is there (a signature is added behind it), never hold a document in memory,
//! never guess what a damaged document means, and never call a signature good for what it did not look at.

mod certified;
mod dictionary;
mod document;
mod error;
mod filter;
mod form;
mod ground;
mod linearised;
mod object;
mod pages;
mod parse;
mod place;
mod reading;
mod sign;
mod source;
mod update;
mod validation;
mod verify;
mod walk;
mod work;
mod write;
mod xref;

pub use document::Document;
pub use error::PdfError;
pub use place::{ByteRange, Place, unfinished};
pub use sign::{Appearance, Wish, prepare};
pub use source::{Extended, Source};
pub use validation::{Evidence, add_evidence};
pub use verify::{
    Addition, Chain, Coverage, Integrity, Report, SignatureReport, StampReport, Terms, Verdict, verify,
};
