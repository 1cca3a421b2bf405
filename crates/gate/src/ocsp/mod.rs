//! Responders (OCSP, RFC 6960): what they say of callers' certificates, asked once and remembered as long as it holds.

mod answers;
mod call;
mod inquiry;
mod settings;

pub(crate) use answers::Answers;
pub(crate) use call::{Manner, Nonce};
pub(crate) use inquiry::Inquiry;
pub(crate) use settings::OcspTable;

#[cfg(test)]
mod tests;
