//! Activation: the factors are proven on both sides, the holder reads whose the keyring is, and chooses a PIN.

use std::sync::atomic::{AtomicBool, Ordering};

use sceau_crypto::Secret;
use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{KeyringPhase, KeyringPolicy};
use sceau_element_api::wire::Code;
use sceau_keyring::{
    Activate, Activated, Activating, Answer, Ask, Confirm, Factors, Identity, Invitation, Names, Pin, Place,
    Reply, Signs as _, first_proof, is_answer_proof, second_proof, thumbprint, unlock_of,
};
use sceau_trace::{Hash, sha256};

use super::keeps::{Alone, DeviceKey, NewKey};
use super::refused;
use super::storage::{Kept, Secrets, Storage};
use crate::ClientError;
use crate::keyring::{Carries, Conversation};

/// What a holder reads before choosing a PIN.
#[derive(Debug)]
pub struct ToActivate {
    /// Where the keyring stands: `delivered`, if nobody was here before.
    pub phase: KeyringPhase,
    /// Whose it is.
    pub identity: Identity,
    /// What it is for, and the rule of the PIN.
    pub policy: KeyringPolicy,
}

/// An activation whose holder reads whose the keyring is, and has not chosen a PIN yet. Nobody else makes a terminal in its place.
pub struct Activation {
    new: NewKey,
    shown: ToActivate,
    sent: AtomicBool,
    _alone: Alone,
}

impl std::fmt::Debug for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Activation").field("phase", &self.shown.phase).finish_non_exhaustive()
    }
}

/// Activates a keyring on this terminal. `invitation` says which element and policy it is of, and whether there are two factors; `choose` shows what it is given, and gives the PIN that the holder chose.
///
/// # Errors
/// [`ClientError::Unproven`] where the element has not the factors, or is another than the invitation's; [`ClientError::Refused`] with its code;
/// [`ClientError::Keyring`] for a folder in use or a PIN that is not taken; as [`crate::Server::post`]. What `choose` gives, as it gives it.
pub async fn activate<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    invitation: &Invitation,
    factors: &Factors<'_>,
    choose: impl FnOnce(&ToActivate) -> Result<Pin, E>,
) -> Result<Activated, E> {
    let begun = begin_activation(storage, carrier, invitation, factors).await?;
    let pin = choose(begun.shown())?;
    Ok(begun.choose(storage, carrier, (invitation, factors), &pin).await?)
}

/// The first half of [`activate`], for who shows it and asks for the PIN later.
///
/// # Errors
/// As [`activate`].
pub async fn begin_activation(
    storage: &Storage,
    carrier: &impl Carries,
    invitation: &Invitation,
    factors: &Factors<'_>,
) -> Result<Activation, ClientError> {
    let alone = storage.begin()?;
    let new = storage.new_key()?;
    let by = Terminal { carrier, invitation, factors, device: &new.key };
    // A registration is blinded from the PIN, which nobody chose yet: the first context only asks to be shown, with digits that are thrown away.
    let shown = by.begin(&throwaway()?).await?.shown()?;
    storage.may_serve(&shown.policy)?;
    Ok(Activation { new, shown, sent: AtomicBool::new(false), _alone: alone })
}

impl Activation {
    /// What the holder reads.
    #[must_use]
    pub fn shown(&self) -> &ToActivate {
        &self.shown
    }

    /// The second half of [`activate`], with the invitation and the factors of the first one. A PIN that is not taken leaves it as it is; one that was sent is the last one.
    ///
    /// # Errors
    /// As [`activate`]; `terminal_exists` where a PIN was sent before.
    pub async fn choose(
        &self,
        storage: &Storage,
        carrier: &impl Carries,
        (invitation, factors): (&Invitation, &Factors<'_>),
        pin: &Pin,
    ) -> Result<Activated, ClientError> {
        if self.sent.load(Ordering::SeqCst) {
            return Err(sent_before());
        }
        let shown = &self.shown;
        pin.check(&shown.policy.pin).map_err(|why| refused("pin_not_taken", why.to_string()))?;
        let device = &self.new.key;
        let mut begun = Terminal { carrier, invitation, factors, device }.begin(pin).await?;
        let activating = &begun.activating;
        let policy = Hash::new(*sha256(&activating.policy).as_bytes());
        if activating.identity != shown.identity || policy != invitation.policy.hash {
            return Err(ClientError::Unproven("the element showed another holder before".to_owned()));
        }
        let key: [u8; 16] = activating.key.0.as_slice().try_into().map_err(|_| ClientError::Answer)?;
        let place = Place { keyring: invitation.keyring, terminal: activating.terminal, key };
        let names = Names::of(invitation.keyring, activating.terminal, &invitation.origin);
        let registered = begun.registering.finish(pin, &activating.response, &names);
        let (upload, export) = registered.map_err(|error| ClientError::Unproven(error.to_string()))?;
        let current = Secret::random();
        let unlock = unlock_of(&export, &current, &place);
        let image = storage.image()?;
        // Whatever became of the first: who carries it may hand it over later, and what would be written now is in its place.
        if self.sent.swap(true, Ordering::SeqCst) {
            return Err(sent_before());
        }
        storage.keep_key(&self.new)?;
        storage.keep_secrets(&Secrets { current, pending: None })?;
        // All of it before it is sent: where the answer is lost, the keyring is active, and this is its terminal.
        let mut kept = kept_of(invitation, activating, image);
        storage.keep(&kept)?;
        let identity = activating.identity.hash();
        let confirm = Confirm { upload: upload.as_slice().into(), unlock, identity, policy, image };
        let activated = confirmed(storage, begun.conversation.hear(device, Ask::Confirm(confirm)).await?)?;
        kept.certificate.clone_from(&activated.certificate);
        kept.chain.clone_from(&activated.chain);
        storage.keep(&kept)?;
        Ok(activated)
    }
}

fn sent_before() -> ClientError {
    let words = "a PIN was chosen and sent before: the keyring may be active here, which its first use shows";
    refused("terminal_exists", words)
}

/// What a terminal of this activation pins and knows.
fn kept_of(invitation: &Invitation, activating: &Activating, image: Hash) -> Kept {
    Kept {
        v: 1,
        keyring: invitation.keyring,
        terminal: activating.terminal,
        key: activating.key.clone(),
        origin: invitation.origin.clone(),
        channel: invitation.channel,
        word: invitation.word.clone(),
        policy: activating.policy.clone(),
        access: activating.access.clone(),
        certificate: None,
        chain: Vec::new(),
        image,
    }
}

/// That the terminal is bound. Where the element itself says that it is not, the folder is none; what who carries says is believed of nothing: the keyring may be active,
/// and this its only terminal.
fn confirmed(storage: &Storage, answer: Answer) -> Result<Activated, ClientError> {
    match answer {
        Answer::Activated(activated) => Ok(activated),
        Answer::Refused(refusal) => {
            // A busy element did nothing either.
            if refusal.code.http_status() < 500 || refusal.code == Code::Busy {
                storage.forget()?;
            }
            Err(refusal.into())
        }
        _ => Err(ClientError::Answer),
    }
}

/// Digits that no holder chose.
fn throwaway() -> Result<Pin, ClientError> {
    let digits: String =
        sceau_crypto::random::<12>().iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    Pin::parse(&digits).map_err(|why| refused("pin_not_taken", why.to_string()))
}

/// A terminal that has the factors.
struct Terminal<'a, C> {
    carrier: &'a C,
    invitation: &'a Invitation,
    factors: &'a Factors<'a>,
    device: &'a DeviceKey,
}

/// An activation under way: the element has proven that it has the factors too.
struct Begun<'a, C> {
    conversation: Conversation<'a, C>,
    registering: sceau_keyring::Registering,
    activating: Activating,
}

impl<'a, C: Carries> Terminal<'a, C> {
    async fn begin(&self, pin: &Pin) -> Result<Begun<'a, C>, ClientError> {
        let (invitation, factors) = (self.invitation, self.factors);
        let mut conversation =
            Conversation::open(self.carrier, &invitation.origin, invitation.channel).await?;
        let nonce = conversation.nonce();
        let (registering, register) =
            pin.register().map_err(|error| ClientError::Unproven(error.to_string()))?;
        let print = thumbprint(self.device.spki()).ok_or(ClientError::Answer)?;
        let ask = Activate {
            keyring: invitation.keyring,
            device: self.device.spki().into(),
            first: first_proof(factors.code, invitation.keyring, &nonce, &print),
            second: second_proof(factors, invitation.keyring, &nonce, &print),
            register: register.as_slice().into(),
        };
        let answer = conversation.ask(self.device, Ask::Activate(ask)).await?;
        let Answer::Activating(activating) = answer else { return Err(ClientError::Answer) };
        let (identity, policy) = (activating.identity.hash(), sha256(&activating.policy));
        let reply = Reply {
            channel: invitation.channel,
            word: &invitation.word,
            identity: &identity,
            policy: &policy,
            access: &activating.access,
            terminal: activating.terminal,
            key: &activating.key,
            response: &activating.response,
        };
        if !is_answer_proof(&activating.proof, factors, invitation.keyring, &nonce, &reply) {
            let words = "the element does not have the factors, or is not the invitation's, or its answer was altered";
            return Err(ClientError::Unproven(words.to_owned()));
        }
        if policy != invitation.policy.hash {
            return Err(ClientError::Unproven("the policy is not the invitation's".to_owned()));
        }
        Ok(Begun { conversation, registering, activating: *activating })
    }
}

impl<C> Begun<'_, C> {
    fn shown(self) -> Result<ToActivate, ClientError> {
        let policy = KeyringPolicy::parse(&self.activating.policy).map_err(|_| ClientError::Answer)?.document;
        let Activating { phase, identity, .. } = self.activating;
        if phase != KeyringPhase::Delivered {
            let words =
                "the keyring was activated before: if that was not you, tell its registration authority now";
            return Err(refused("keyring_phase", words));
        }
        identity
            .check(&policy.subject)
            .map_err(|why| ClientError::Unproven(format!("the holder's name cannot be shown: {why}")))?;
        Ok(ToActivate { phase, identity, policy })
    }
}
