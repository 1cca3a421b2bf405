//! This machine becomes one more terminal of a keyring: by a code that another terminal shows, a short code that both show, and the PIN.

use sceau_crypto::{KeyId, Secret};
use sceau_element_api::Base64Url;
use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{KeyringPhase, KeyringPolicy, KeyringsAbout, RequestKind};
use sceau_keyring::{
    Admitted, Answer, Arrive, Arrived, Ask, Identity, Pin, RoamingCode, RoamingKeys, RoamingProof,
    RoamingStage, ShortCode, Signs as _, channel_id, short_code, thumbprint,
};
use sceau_trace::Hash;

use super::keeps::DeviceKey;
use super::own::OwnAsk;
use super::refused;
use super::roam::Asking;
use super::sign::{ToApprove, join_with};
use super::storage::{Kept, Secrets, Storage};
use crate::ClientError;
use crate::keyring::{Carries, Conversation};

/// What a holder reads before typing the PIN.
#[derive(Debug)]
pub struct ToJoin {
    /// Whose it is.
    pub identity: Identity,
    /// What it is for.
    pub policy: KeyringPolicy,
    /// What is asked of the element, in this terminal's word.
    pub asked: ToApprove,
}

/// This is a terminal of the keyring now.
#[derive(Debug)]
pub struct Joined {
    /// The element's word on it (JWS).
    pub proof: String,
    /// Index of the record.
    pub index: u64,
    /// The keyring.
    pub keyring: sceau_element_api::KeyringId,
    /// The terminal.
    pub terminal: sceau_element_api::TerminalId,
}

/// Comes to a keyring with a roaming code. `about` is the word of who carries messages, which the code proves or not. `show` is given the short code, for the holder to type on the other
/// terminal; `approve` shows what it is given, and gives the PIN where the holder agrees.
///
/// # Errors
/// [`ClientError::Refused`] with the element's code; [`ClientError::Unproven`] where what answers has not the code; [`ClientError::Keyring`] for a folder in use; what `approve`
/// gives; as [`crate::Server::post`].
pub async fn join<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    about: &KeyringsAbout,
    code: &RoamingCode,
    show: impl FnOnce(&ShortCode) -> Result<(), E>,
    approve: impl FnOnce(&ToJoin) -> Result<Pin, E>,
) -> Result<Joined, E> {
    let _alone = storage.begin()?;
    let new = storage.new_key()?;
    let device = &new.key;
    let keys = RoamingKeys::of(code);
    let print = thumbprint(device.spki()).ok_or(ClientError::Answer)?;
    let channel = channel_id(&about.channel).map_err(ClientError::from)?;
    let coming = Coming { carrier, about, channel, keys: &keys, device, print };
    let image = storage.image()?;
    let arrived = coming.arrive(image).await?;
    let shown = short_code(&keys.short, &print).ok_or(ClientError::Answer)?;
    show(&shown)?;
    let mut kept = Kept {
        v: 1,
        keyring: arrived.keyring,
        terminal: arrived.terminal,
        key: Base64Url(Vec::new()),
        origin: about.origin.clone(),
        channel,
        word: String::new(),
        policy: Base64Url(Vec::new()),
        access: Base64Url(Vec::new()),
        certificate: None,
        chain: Vec::new(),
        image,
    };
    let admitted = coming.admitted(&kept).await?;
    let policy = KeyringPolicy::parse(&admitted.policy).map_err(|_| ClientError::Answer)?.document;
    storage.may_serve(&policy)?;
    admitted
        .identity
        .check(&policy.subject)
        .map_err(|why| ClientError::Unproven(format!("the holder's name cannot be shown: {why}")))?;
    let Admitted { key, identity, policy: of_policy, access, word, certificate, chain } = admitted;
    kept = Kept { key, policy: of_policy, access, word, certificate, chain, ..kept };
    let words = "Make this one more terminal of the keyring.";
    let asks = OwnAsk { kind: RequestKind::Join, words, terminal: None };
    let (request, asked) = kept.asks(device, &asks)?;
    let shown = ToJoin { identity, policy, asked };
    let pin = approve(&shown)?;
    storage.keep_key(&new)?;
    // What opens the part until this use is of the code: it is kept until the use is answered, and turns by it.
    storage.keep_secrets(&Secrets { current: Secret::duplicate(&keys.secret), pending: None })?;
    // All of it before it is sent: where the answer is lost, this is a terminal.
    storage.keep(&kept)?;
    let used = match join_with(storage, carrier, &request, shown.asked, &pin).await {
        Ok(used) => used,
        Err(error) => {
            if is_none(&error) {
                storage.forget()?;
            }
            return Err(error.into());
        }
    };
    Ok(Joined { proof: used.proof, index: used.index, keyring: kept.keyring, terminal: kept.terminal })
}

/// Whether the element itself said that this is no terminal of the keyring, sealed, or the PIN was wrong. Whatever else went wrong, it may be one, and where the keyring moved, the only
/// one: what who carries says is believed of nothing.
fn is_none(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { status, .. } => *status < 500,
        ClientError::Keyring { code, .. } => *code == "pin_invalid",
        _ => false,
    }
}

/// A terminal on its way.
struct Coming<'a, C> {
    carrier: &'a C,
    about: &'a KeyringsAbout,
    channel: KeyId,
    keys: &'a RoamingKeys,
    device: &'a DeviceKey,
    print: [u8; 32],
}

impl<C: Carries> Coming<'_, C> {
    /// Comes with the code. Where another terminal was there first it is said once more, so that the element knows of both, and the code is of no use to either.
    async fn arrive(&self, image: Hash) -> Result<Arrived, ClientError> {
        match self.arrives(image).await {
            Err(error) if error.code() == Some("roaming_taken") => {
                drop(self.arrives(image).await);
                Err(error)
            }
            arrived => arrived,
        }
    }

    async fn arrives(&self, image: Hash) -> Result<Arrived, ClientError> {
        let mut conversation = Conversation::open(self.carrier, &self.about.origin, self.channel).await?;
        let nonce = conversation.nonce();
        let ask = Arrive {
            code: self.keys.proof.place(),
            device: self.device.spki().into(),
            proof: self.keys.proof.of_terminal(&nonce, &self.channel, &self.print),
            image,
        };
        let Answer::Arrived(arrived) = conversation.ask(self.device, Ask::Arrive(ask)).await? else {
            return Err(ClientError::Answer);
        };
        let came = (arrived.keyring, arrived.terminal);
        let expected = self.keys.proof.of_element(&nonce, &self.channel, came);
        if RoamingProof::is(&arrived.proof, &expected) {
            Ok(arrived)
        } else {
            let words = "what answered does not have the code: it is not the element of the other terminal";
            Err(ClientError::Unproven(words.to_owned()))
        }
    }

    /// Waits until the other terminal said that both show the same.
    async fn admitted(&self, kept: &Kept) -> Result<Admitted, ClientError> {
        let over = || {
            let words = "the other terminal did not confirm this one: the code was taken back, or has ended, or another terminal came with it";
            refused("roaming_over", words)
        };
        let mut asking = Asking::of(self.carrier, kept, self.device);
        let decided =
            asking.until(|state| state.stage != RoamingStage::Came || state.phase != KeyringPhase::Active);
        let state = match decided.await {
            // It is none of the keyring any more, not even one that tries.
            Err(error) if error.code() == Some("actor_unknown") => return Err(over()),
            state => state?,
        };
        state.admitted.map(|admitted| *admitted).ok_or_else(over)
    }
}
