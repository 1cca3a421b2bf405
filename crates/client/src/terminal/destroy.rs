//! The end of a keyring, by its holder: read, agreed to with the PIN, done; then the terminal forgets what it kept.

use sceau_element_api::keyring::{KeyringPhase, RequestKind};
use sceau_keyring::{Happening, Pin};

use super::own::OwnAsk;
use super::sign::{ToApprove, use_for};
use super::state::{Since, look};
use super::storage::Storage;
use crate::ClientError;
use crate::keyring::Carries;

/// A keyring is no more.
#[derive(Debug)]
pub struct Destroyed {
    /// The element's word on it (JWS); none where it was destroyed before, and the terminal did not know.
    pub proof: Option<String>,
    /// Index of the record; none where it was destroyed before, and that stands behind what is looked through.
    pub index: Option<u64>,
}

/// Ends the keyring, for good, and empties the terminal's folder. `approve` shows what it is given, and gives the PIN where the holder agrees.
///
/// # Errors
/// As [`super::sign`].
pub async fn destroy<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Destroyed, E> {
    let (kept, device, _) = storage.load()?;
    let state = look(storage, carrier, (&kept, &device), Since::Ever).await?;
    if state.standing.phase == KeyringPhase::Destroyed {
        // A keyring that is no more is still looked at, and each look is in its history.
        let destroys = |one: &&Happening| one.refused.is_none() && one.action == "keyring.destroy";
        let index = state.standing.done.iter().find(destroys).map(|one| one.index);
        storage.forget()?;
        return Ok(Destroyed { proof: None, index });
    }
    let asks =
        OwnAsk { kind: RequestKind::Destroy, words: "Destroy this keyring, for good.", terminal: None };
    let (request, asked) = kept.asks(&device, &asks)?;
    let (_, used) = use_for(storage, carrier, &request, asked, approve).await?;
    storage.forget()?;
    Ok(Destroyed { proof: Some(used.proof), index: Some(used.index) })
}
