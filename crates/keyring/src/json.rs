//! The one form in which both sides write what is hashed or sealed.

use serde::Serialize;
use zeroize::Zeroizing;

/// JSON of a message of this protocol: texts, numbers, and lists and structures of them.
pub(crate) fn json_of(message: &impl Serialize) -> Zeroizing<Vec<u8>> {
    #[expect(
        clippy::expect_used,
        reason = "it only fails on a map whose keys are no texts, which no message has"
    )]
    Zeroizing::new(serde_json::to_vec(message).expect("a message is texts and numbers"))
}
