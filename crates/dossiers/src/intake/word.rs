//! What the intake signs: that it takes up a grant, and its word on each file (`sceau_element_api::documents::IntakeWord`).

use sceau_crypto::{SigningKey, Typ, jws};
use serde::{Deserialize, Serialize};

/// An intake takes up a grant (`sceau-intake-redemption`).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redemption {
    /// The grant, as the page carried it.
    pub(crate) grant: String,
}

/// Signs `statement` as `typ`.
pub(crate) fn sign(key: &SigningKey, typ: Typ, statement: &impl Serialize) -> String {
    // Strings and numbers: writing them cannot fail.
    jws::sign(key, typ, &serde_json::to_vec(statement).unwrap_or_default())
}
