//! Parsers of foreign bytes, for who tries them with any: none may panic.

use serde::de::DeserializeOwned;

use crate::backup::archive::unpack;
use crate::{Assignment, Binding, DecisionRequest, ExceptionRequest, Grant, UnwrapRequest};

pub use crate::scanning::parsers::{said as scanner_said, sent as scanner_sent};
pub use crate::transit::parsers::{VaultKey, requests as vault_requests, secret as vault_secret};

/// The archive in a backup, whose note this is: how many files it has and of how many bytes, if it is whole. Nothing is written.
pub fn archive(tar: &[u8], note: &[u8]) -> Option<(u64, u64)> {
    unpack(tar, note, None).ok().map(|unpacked| (unpacked.files, unpacked.bytes))
}

/// How many of the requests of pages, connectors and administrators these bytes can be.
pub fn requests(bytes: &[u8]) -> usize {
    fn is<T: DeserializeOwned>(bytes: &[u8]) -> bool {
        serde_json::from_slice::<T>(bytes).is_ok()
    }
    let read = [
        is::<UnwrapRequest>,
        is::<DecisionRequest>,
        is::<ExceptionRequest>,
        is::<Grant>,
        is::<Binding>,
        is::<Assignment>,
    ];
    read.iter().filter(|read| read(bytes)).count()
}
