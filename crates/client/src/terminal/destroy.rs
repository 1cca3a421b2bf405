//! The end of a keyring, by its holder: read, agreed to with the PIN, done; then the terminal forgets what it kept.

use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{KeyringPhase, KeyringPolicy, RequestKind};
use sceau_element_api::{KeyringActorId, KeyringRequestId};
use sceau_keyring::{ItemHash, Pin, Request, Signs as _, Statement as _, thumbprint};
use sceau_trace::Hash;

use super::refused;
use super::sign::{ToApprove, use_for};
use super::state::{Others, look};
use super::storage::{Kept, Storage};
use crate::ClientError;
use crate::keyring::{Carries, FileKey, now};

/// How long the holder has to read and type, in ms.
const LASTS: u64 = 300_000;

/// A keyring is no more.
#[derive(Debug)]
pub struct Destroyed {
    /// The element's word on it (JWS); none where it was destroyed before, and the terminal did not know.
    pub proof: Option<String>,
    /// Index of the record.
    pub index: u64,
}

/// Ends the keyring, for good, and empties the terminal's folder. `approve` shows what it is given, and gives the PIN where the holder agrees.
///
/// # Errors
/// As [`super::sign`].
pub async fn destroy(
    storage: &Storage,
    carrier: &impl Carries,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, ClientError>,
) -> Result<Destroyed, ClientError> {
    let (kept, device, _) = storage.load()?;
    let state = look(storage, carrier, &kept, &device).await?;
    if state.standing.phase == KeyringPhase::Destroyed {
        let last = state.standing.done.first();
        let index = last.map(|last| last.index).unwrap_or_default();
        storage.forget()?;
        return Ok(Destroyed { proof: None, index });
    }
    let (request, asked) = kept.end(&device)?;
    let (_, used) = use_for(storage, carrier, &request, asked, approve).await?;
    storage.forget()?;
    Ok(Destroyed { proof: Some(used.proof), index: used.index })
}

impl Kept {
    /// What the holder asks of their own keyring, signed by the terminal.
    fn end(&self, device: &FileKey) -> Result<(String, ToApprove), ClientError> {
        let damaged = |_| refused("terminal_damaged", "what the terminal keeps cannot be read");
        let policy = KeyringPolicy::parse(&self.policy).map_err(damaged)?.document;
        let time = now();
        let request = Request {
            v: 1,
            request: KeyringRequestId::random(),
            provider: KeyringActorId::of_holder(self.keyring),
            keyring: self.keyring,
            kind: RequestKind::Destroy,
            description: "Destroy this keyring, for good.".to_owned(),
            items: Vec::new(),
            hash: ItemHash::Sha256,
            algorithm: None,
            aud: self.origin.clone(),
            time,
            ends: time.saturating_add(LASTS),
            nonce: None,
        };
        let key = Hash::new(thumbprint(device.spki()).ok_or(ClientError::Answer)?);
        let jws = request.sign(device)?;
        let certificates = self.certificates();
        let asked = ToApprove {
            provider: policy.name,
            request,
            told: Vec::new(),
            certificates,
            others: Others::default(),
            key,
        };
        Ok((jws, asked))
    }
}
