//! Another terminal comes to this one's keyring: the holder agrees with the PIN, this terminal shows a code, and then compares a short code with the one that came.

use std::time::Duration;

use sceau_element_api::keyring::RequestKind;
use sceau_element_api::{Base64Url, TerminalId};
use sceau_keyring::{
    Admit, Answer, Ask, ExpectedTerminal, Expecting, MOST_MESSAGES, Names, Pin, Place, Registering,
    RoamingAt, RoamingCode, RoamingKeys, RoamingStage, RoamingState, ShortCode, short_code, unlock_of,
};

use super::expected::Comes;
use super::keeps::DeviceKey;
use super::own::OwnAsk;
use super::refused;
use super::sign::{Doing, ToApprove, use_with};
use super::state::{Since, look, names};
use super::storage::{Kept, Storage};
use crate::ClientError;
use crate::keyring::{Carries, Conversation};

/// Between two questions how far it is.
const ASKS_EVERY: Duration = Duration::from_secs(2);

/// Another terminal may come.
#[derive(Debug)]
pub struct MayCome {
    /// What it is told: shown where nobody else sees it.
    pub code: RoamingCode,
    /// The name that it will have.
    pub terminal: TerminalId,
    /// Index of the record.
    pub index: u64,
}

/// A terminal came with the code.
#[derive(Debug)]
pub struct Came {
    /// What it shows, if it is the holder's.
    pub shown: ShortCode,
    thumbprint: Base64Url,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is one of the keyring, beside this one.
    Joined,
    /// The keyring moved to it: this folder is empty now.
    Moved,
    /// It did not come, or its holder did not type the PIN in time.
    Nothing,
}

/// The terminal that is to come, while the PIN is proven.
pub(super) struct Coming {
    terminal: TerminalId,
    keys: RoamingKeys,
}

impl Coming {
    /// Begins to register the same PIN under its name.
    pub(super) fn register(&self, pin: &Pin) -> Result<(Registering, Expecting), ClientError> {
        let begun = pin.register().map_err(|error| ClientError::Unproven(error.to_string()))?;
        Ok((begun.0, Expecting { terminal: self.terminal, register: begun.1.as_slice().into() }))
    }

    /// Ends that: what the element keeps for it.
    pub(super) fn registered(
        &self,
        kept: &Kept,
        pin: &Pin,
        registering: Registering,
        answer: &[u8],
    ) -> Result<ExpectedTerminal, ClientError> {
        let names = Names::of(kept.keyring, self.terminal, &kept.origin);
        let registered = registering.finish(pin, answer, &names);
        let (upload, export) = registered.map_err(|error| ClientError::Unproven(error.to_string()))?;
        let key = kept.key.0.as_slice().try_into().map_err(|_| ClientError::Answer)?;
        let place = Place { keyring: kept.keyring, terminal: self.terminal, key };
        Ok(ExpectedTerminal {
            terminal: self.terminal,
            upload: upload.as_slice().into(),
            proof: self.keys.proof.expose().duplicate().into(),
            unlock: unlock_of(&export, &self.keys.secret, &place),
        })
    }
}

/// Has the holder agree that one other terminal may come. One that was to come before does not any more.
///
/// # Errors
/// As [`super::sign`].
pub async fn let_come<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
) -> Result<MayCome, E> {
    let (kept, device, _) = storage.load()?;
    let words = "Let one other terminal come to this keyring, with a code and the PIN.";
    let asks = OwnAsk { kind: RequestKind::Roam, words, terminal: None };
    let (request, asked) = kept.asks(&device, &asks)?;
    let code = RoamingCode::draw();
    let coming = Coming { terminal: TerminalId::random(), keys: RoamingKeys::of(&code) };
    let doing = Doing { request_jws: &request, coming: Some(&coming), camera: None };
    let (_, used) = use_with(storage, carrier, doing, asked, approve).await?;
    let Coming { terminal, keys } = coming;
    storage.keep_comes(&Comes { terminal, short: keys.short })?;
    Ok(MayCome { code, terminal, index: used.index })
}

/// Waits until a terminal came with the code that this one showed.
///
/// # Errors
/// [`ClientError::Keyring`] `roaming_over` where nobody may come any more: the code was not used in time, or two terminals came with it; as [`super::state`].
pub async fn await_coming(storage: &Storage, carrier: &impl Carries) -> Result<Came, ClientError> {
    let (kept, device, _) = storage.load()?;
    let comes = storage.comes()?;
    let mut asking = Asking::of(carrier, &kept, &device);
    let state = asking.until(|state| state.stage != RoamingStage::Expected).await?;
    let thumbprint = state.thumbprint.filter(|_| state.terminal == Some(comes.terminal));
    let Some(thumbprint) = thumbprint.filter(|_| state.stage != RoamingStage::Over) else {
        storage.forget_comes()?;
        return Err(why_over(storage, carrier, &kept, &device).await?);
    };
    let print: [u8; 32] = thumbprint.0.as_slice().try_into().map_err(|_| ClientError::Answer)?;
    let shown = short_code(&comes.short, &print).ok_or(ClientError::Answer)?;
    Ok(Came { shown, thumbprint })
}

/// Says that the terminal that came shows the same short code. Gives the index of the record.
///
/// # Errors
/// As [`super::state`].
pub async fn admit(storage: &Storage, carrier: &impl Carries, came: &Came) -> Result<u64, ClientError> {
    let (kept, device, _) = storage.load()?;
    let (keyring, terminal, thumbprint) = (kept.keyring, kept.terminal, came.thumbprint.clone());
    recorded(carrier, &kept, &device, Ask::Admit(Admit { keyring, terminal, thumbprint })).await
}

/// Takes the code back. Gives the index of the record.
///
/// # Errors
/// As [`super::state`].
pub async fn withdraw(storage: &Storage, carrier: &impl Carries) -> Result<u64, ClientError> {
    let (kept, device, _) = storage.load()?;
    let at = RoamingAt { keyring: kept.keyring, terminal: kept.terminal };
    let index = recorded(carrier, &kept, &device, Ask::Withdraw(at)).await?;
    storage.forget_comes()?;
    Ok(index)
}

/// Waits until the terminal that was admitted is one of the keyring, or its time is over.
///
/// # Errors
/// As [`super::state`].
pub async fn await_joined(storage: &Storage, carrier: &impl Carries) -> Result<Became, ClientError> {
    let (kept, device, _) = storage.load()?;
    let comes = storage.comes()?;
    let mut asking = Asking::of(carrier, &kept, &device);
    match asking.until(|state| state.stage == RoamingStage::Over).await {
        Ok(_) => {}
        Err(error) if error.code() == Some("terminal_dissociated") => {
            storage.forget()?;
            return Ok(Became::Moved);
        }
        Err(error) => return Err(error),
    }
    storage.forget_comes()?;
    let seen = look(storage, carrier, (&kept, &device), Since::Ever).await?;
    let mut known = names(&seen.standing);
    if !known.contains(&comes.terminal) {
        return Ok(Became::Nothing);
    }
    // This one is no news at the next use; what others tried meanwhile, and who else came, is.
    known.retain(|one| !seen.added.iter().any(|new| new.terminal == *one) || *one == comes.terminal);
    storage.keep_known(known)?;
    Ok(Became::Joined)
}

async fn recorded(
    carrier: &impl Carries,
    kept: &Kept,
    device: &DeviceKey,
    ask: Ask,
) -> Result<u64, ClientError> {
    let conversation = Conversation::open(carrier, &kept.origin, kept.channel).await?;
    match conversation.within(kept.image).ask(device, ask).await? {
        Answer::Recorded { index } => Ok(index),
        _ => Err(ClientError::Answer),
    }
}

/// Why nobody may come any more, for the holder: two with one code is not the same as too late.
async fn why_over(
    storage: &Storage,
    carrier: &impl Carries,
    kept: &Kept,
    device: &DeviceKey,
) -> Result<ClientError, ClientError> {
    let seen = look(storage, carrier, (kept, device), Since::Ever).await?.standing;
    let since_shown = seen.done.iter().take_while(|done| done.action != "keyring.roam");
    let mut taken = since_shown.filter(|done| done.action == "keyring.withdraw");
    let words = if taken.any(|done| done.reason.as_deref() == Some("taken")) {
        "TWO terminals came with this code: somebody else has it. Neither got anywhere, and it is of no use any more. Show the next one where nobody sees it"
    } else {
        "no terminal may come any more: nobody came in time, or the code was taken back; show another one"
    };
    Ok(refused("roaming_over", words))
}

/// Questions how far it is, in as few exchanges as they fit in.
pub(super) struct Asking<'a, C> {
    carrier: &'a C,
    kept: &'a Kept,
    device: &'a DeviceKey,
    open: Option<(Conversation<'a, C>, u64)>,
}

impl<'a, C: Carries> Asking<'a, C> {
    pub(super) fn of(carrier: &'a C, kept: &'a Kept, device: &'a DeviceKey) -> Self {
        Self { carrier, kept, device, open: None }
    }

    /// How far it is, once that holds.
    pub(super) async fn until(
        &mut self,
        holds: impl Fn(&RoamingState) -> bool,
    ) -> Result<RoamingState, ClientError> {
        loop {
            let state = self.now().await?;
            if holds(&state) {
                return Ok(state);
            }
            self.carrier.pause(ASKS_EVERY).await;
        }
    }

    async fn now(&mut self) -> Result<RoamingState, ClientError> {
        let (mut conversation, asked) = match self.open.take() {
            Some((conversation, asked)) if asked < MOST_MESSAGES => (conversation, asked),
            _ => {
                let open = Conversation::open(self.carrier, &self.kept.origin, self.kept.channel).await?;
                (open.within(self.kept.image), 0)
            }
        };
        let at = RoamingAt { keyring: self.kept.keyring, terminal: self.kept.terminal };
        let answer = conversation.ask(self.device, Ask::Roaming(at)).await?;
        let Answer::Roaming(state) = answer else { return Err(ClientError::Answer) };
        self.open = Some((conversation, asked + 1));
        Ok(*state)
    }
}
