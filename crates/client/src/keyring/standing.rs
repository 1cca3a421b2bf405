//! Where a keyring stands, and stopping it, from the side of its registration authority and of support.

use sceau_element_api::keyring::{DestroyReason, KeyringsAbout, ResumeReason, SuspendReason};
use sceau_element_api::{KeyringId, TerminalId};
use sceau_keyring::{
    Answer, Ask, Destroy, Dissociate, LookAt, Resume, Signs, Standing, Stopped, Suspend, channel_id,
};

use super::{Carries, Conversation};
use crate::ClientError;

/// Who acts, on which element, by which way. `element` is what the element's administrator gave: were it asked of who carries messages, that one could answer.
pub struct Actor<'a, C> {
    /// The way.
    pub carrier: &'a C,
    /// The element.
    pub element: &'a KeyringsAbout,
    /// The actor's key.
    pub key: &'a dyn Signs,
}

impl<C> std::fmt::Debug for Actor<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("element", &self.element.origin).finish_non_exhaustive()
    }
}

impl<'a, C: Carries> Actor<'a, C> {
    async fn open(&self) -> Result<Conversation<'a, C>, ClientError> {
        Conversation::open(self.carrier, &self.element.origin, channel_id(&self.element.channel)?).await
    }
}

/// Where a keyring stands, and what was done with it last: before the entry `before`, where one is given. It is on record that this was read.
///
/// # Errors
/// [`ClientError::Refused`] with the element's code; [`ClientError::Unproven`]; [`ClientError::Signs`]; as [`crate::Server::post`].
pub async fn look(
    actor: &Actor<'_, impl Carries>,
    keyring: KeyringId,
    before: Option<u64>,
) -> Result<Standing, ClientError> {
    seen(&mut actor.open().await?, actor.key, keyring, before).await
}

/// Stops a keyring, until its registration authority lets it go on.
///
/// # Errors
/// As [`look`].
pub async fn suspend(
    actor: &Actor<'_, impl Carries>,
    keyring: KeyringId,
    reason: SuspendReason,
) -> Result<Stopped, ClientError> {
    let ask = Ask::Suspend(Suspend { keyring, terminal: None, reason });
    stopped(actor.open().await?.ask(actor.key, ask).await?)
}

/// Lets a suspended keyring go on, as it is seen right before: a stop that comes in between stands.
///
/// # Errors
/// As [`look`].
pub async fn resume(
    actor: &Actor<'_, impl Carries>,
    keyring: KeyringId,
    reason: ResumeReason,
) -> Result<Stopped, ClientError> {
    let mut conversation = actor.open().await?;
    let version = seen(&mut conversation, actor.key, keyring, None).await?.hash;
    stopped(conversation.ask(actor.key, Ask::Resume(Resume { keyring, version, reason })).await?)
}

/// Ends a keyring, for good.
///
/// # Errors
/// As [`look`].
pub async fn destroy(
    actor: &Actor<'_, impl Carries>,
    keyring: KeyringId,
    reason: DestroyReason,
) -> Result<Stopped, ClientError> {
    let mut conversation = actor.open().await?;
    let version = seen(&mut conversation, actor.key, keyring, None).await?.hash;
    stopped(conversation.ask(actor.key, Ask::Destroy(Destroy { keyring, version, reason })).await?)
}

/// Agrees, as support, that a terminal is taken off its keyring, as its holder asked and as it is seen right before. Gives the index of the record.
///
/// # Errors
/// As [`look`].
pub async fn dissociate(
    actor: &Actor<'_, impl Carries>,
    keyring: KeyringId,
    terminal: TerminalId,
) -> Result<u64, ClientError> {
    let mut conversation = actor.open().await?;
    let version = seen(&mut conversation, actor.key, keyring, None).await?.hash;
    let ask = Ask::Dissociate(Dissociate { keyring, terminal, version });
    match conversation.ask(actor.key, ask).await? {
        Answer::Recorded { index } => Ok(index),
        _ => Err(ClientError::Answer),
    }
}

async fn seen(
    conversation: &mut Conversation<'_, impl Carries>,
    key: &dyn Signs,
    keyring: KeyringId,
    before: Option<u64>,
) -> Result<Standing, ClientError> {
    let ask = Ask::Look(LookAt { before, ..LookAt::newest(keyring, None) });
    match conversation.ask(key, ask).await? {
        Answer::Standing(standing) => Ok(*standing),
        _ => Err(ClientError::Answer),
    }
}

fn stopped(answer: Answer) -> Result<Stopped, ClientError> {
    match answer {
        Answer::Stopped(stopped) => Ok(stopped),
        _ => Err(ClientError::Answer),
    }
}
