//! Responders (OCSP, RFC 6960): what they say of callers' certificates, asked once and remembered as long as it holds; and of the gate's own, which is
//! handed out with it.

mod answers;
mod call;
mod inquiry;
mod kept;
mod pace;
mod settings;
mod staple;

pub(crate) use answers::Answers;
pub(crate) use call::{Manner, Nonce};
pub(crate) use inquiry::Inquiry;
pub(crate) use kept::Kept;
pub(crate) use settings::OcspTable;
pub(crate) use staple::{Stapler, recall, server};

#[cfg(test)]
mod tests;
