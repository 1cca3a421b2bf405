//! How the keys of an element of a test are kept.

use std::path::Path;
use std::sync::Arc;

use sceau_element::{EpochTerms, RetainMonths, STUCK_AFTER, SignerError};
use sceau_hsm::Provider;
use sceau_trace::VerifierKey;

/// Opens the keystore of a folder.
pub(crate) type Keystore = Arc<dyn Fn(&Path) -> Result<Arc<dyn Provider>, SignerError> + Send + Sync>;

/// How keys that protect data are kept.
#[derive(Clone)]
pub(crate) struct Keeping {
    pub(crate) tenants: u32,
    /// Whether calls may come encrypted by RSA-OAEP with SHA-1.
    pub(crate) rsa_oaep: bool,
    pub(crate) terms: EpochTerms,
    /// The keystore that belongs to an element's folder.
    pub(crate) keystore: Keystore,
    /// The security officer's certificate, where keyrings are served.
    pub(crate) officer: Option<Vec<u8>>,
    /// Told of each signature of the log, before it is made.
    pub(crate) signing: Arc<dyn Fn() + Send + Sync>,
    /// By so many milliseconds the element's clock is ahead.
    pub(crate) ahead: u64,
    /// For how long it is kept who asked.
    pub(crate) retain: RetainMonths,
    /// Keys of the logs that the element looks at.
    pub(crate) peers: Vec<VerifierKey>,
    /// For how many milliseconds who approves must have been there.
    pub(crate) approver_age: u64,
    /// After how many milliseconds callers are told that the writer hangs.
    pub(crate) stuck_after: u64,
}

impl Keeping {
    /// In files; of epochs that are left, nothing is kept.
    pub(crate) fn in_files(tenants: u32) -> Self {
        let terms = EpochTerms { overlap: 0, ..EpochTerms::default() };
        let retain = RetainMonths::default();
        Self {
            tenants,
            rsa_oaep: false,
            terms,
            keystore: Arc::new(in_files),
            officer: None,
            signing: Arc::new(|| ()),
            ahead: 0,
            retain,
            peers: Vec::new(),
            approver_age: 0,
            stuck_after: STUCK_AFTER,
        }
    }
}

pub(crate) fn in_files(folder: &Path) -> Result<Arc<dyn Provider>, SignerError> {
    let credential = folder.join("credential");
    if !credential.exists() {
        sceau_hsm::write_new_credential(&credential)?;
    }
    let unlock = sceau_hsm::Unlock::Credential(credential);
    Ok(Arc::new(sceau_hsm::SoftwareKeystore::open_or_create(&folder.join("keys"), &unlock)?))
}
