//! A terminal is taken off its keyring, by its holder, on this terminal or another one; where the policy says so, once support agrees.

use sceau_element_api::TerminalId;
use sceau_element_api::keyring::{Dissociation, RequestKind};
use sceau_keyring::Pin;

use super::own::OwnAsk;
use super::sign::{ToApprove, Warned, use_for};
use super::storage::Storage;
use crate::ClientError;
use crate::keyring::Carries;

/// A terminal was taken off, or it was asked for.
#[derive(Debug)]
pub struct Dissociated {
    /// Which one.
    pub terminal: TerminalId,
    /// Whether support has to agree before it is done.
    pub waits: bool,
    /// Whether it was this one: its folder is empty now.
    pub own: bool,
    /// The element's word on it (JWS).
    pub proof: String,
    /// Index of the record.
    pub index: u64,
}

/// Takes a terminal off the keyring; this one, where none is named. `approve` shows what it is given, and gives the PIN where the holder agrees.
///
/// # Errors
/// As [`super::sign`].
pub async fn dissociate<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    terminal: Option<TerminalId>,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Dissociated, E> {
    taken_off(storage, carrier, (terminal, Warned::Joins), approve).await
}

/// The same, by a PIN that was typed before: its holder was shown nothing, and what others did is told by the next use.
///
/// # Errors
/// As [`super::sign`].
pub async fn dissociate_unshown(
    storage: &Storage,
    carrier: &impl Carries,
    terminal: Option<TerminalId>,
    pin: Pin,
) -> Result<Dissociated, ClientError> {
    taken_off(storage, carrier, (terminal, Warned::Nothing), |_| Ok(pin)).await
}

async fn taken_off<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    (terminal, warned): (Option<TerminalId>, Warned),
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<Dissociated, E> {
    let (kept, device, _) = storage.load()?;
    let terminal = terminal.unwrap_or(kept.terminal);
    let waits = kept.policy()?.dissociation == Dissociation::HolderAndSupport;
    let words = format!("Take the terminal {terminal} off this keyring.");
    let asks = OwnAsk { kind: RequestKind::Dissociate, words: &words, terminal: Some(terminal) };
    let (request, mut asked) = kept.asks(&device, &asks)?;
    asked.warned = warned;
    let (kept, used) = use_for(storage, carrier, &request, asked, approve).await?;
    let own = terminal == kept.terminal && !waits;
    if own {
        storage.forget()?;
    }
    Ok(Dissociated { terminal, waits, own, proof: used.proof, index: used.index })
}
