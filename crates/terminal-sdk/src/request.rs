//! A request, from reading to answer: agreed to only once the shell said that each part of it was shown.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, TryLockError};

use sceau_client::terminal::{Agreed as Answered, Reading, ToApprove, Visitor, read};
use sceau_element_api::KeyringRequestId;
use sceau_element_api::keyring::{RequestKind, SubjectField};
use sceau_keyring::{Outcome, ReportReason as Why};

use crate::error::{TerminalError, local};
use crate::keypad::Keypad;
use crate::terminal::Inner;
use crate::warnings::Warnings;

/// All that a holder reads before agreeing, in its provider's words. It was held to the rules of what reads as one thing alone: no text of it is shortened, joined or drawn as markup.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ShownRequest {
    /// Its id.
    pub request: String,
    /// What it asks for.
    pub kind: Kind,
    /// Who asks, by the name that the security officer registered.
    pub provider: String,
    /// What they say: up to 60 lines. Each line break is one.
    pub description: String,
    /// What would be signed, each under its name: up to 100.
    pub items: Vec<ShownItem>,
    /// What the provider would be told of the holder, besides the keyring.
    pub told: Vec<Disclosed>,
    /// Until when it is good, Unix ms.
    pub ends: u64,
    /// What to say before anything else, where there is anything.
    pub warnings: Warnings,
    /// The holder's certificate, then those above it, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Its parts: each is shown whole, then named to [`Request::seen`].
    pub parts: Vec<Part>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Kind {
    /// Signatures of its items.
    Sign,
    /// Who the holder is; nothing is signed by the holder's key.
    Authenticate,
}

/// One thing that would be signed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ShownItem {
    /// Its name, in the provider's words.
    pub label: String,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// What a provider is told of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Disclosed {
    /// The name.
    CommonName,
    /// Given name.
    GivenName,
    /// Surname.
    Surname,
    /// What tells them from others of the same name.
    SerialNumber,
    /// Country.
    Country,
}

/// A part of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum Part {
    /// The warnings.
    Warnings,
    /// Who asks, the whole description, and what would be told.
    Words,
    /// One item, by its place from 0.
    Item {
        /// Which.
        index: u32,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Agreed {
    /// One for each item, in their order: ECDSA-Sig-Value (DER), or PKCS #1 v1.5. None where it asked who the holder is.
    pub signatures: Vec<Vec<u8>>,
    /// The holder's certificate, then those above it, DER.
    pub certificates: Vec<Vec<u8>>,
    /// The element's word on it (JWS), which anybody verifies.
    pub proof: String,
    /// Index of the record.
    pub index: u64,
    /// Where it is now, for the provider.
    pub delivery: Delivery,
}

/// Where what was agreed to is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Delivery {
    /// The host has it.
    HandedOver,
    /// It is kept here: [`crate::Terminal::pending`] brings it.
    Kept,
    /// Neither host nor storage took it: what is given is all that there is, and the shell keeps it.
    Nowhere,
}

/// Why a holder reports a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ReportReason {
    /// They have nothing to do with who asks.
    Stranger,
    /// It is not what was agreed.
    Misleading,
    /// It is asked again and again.
    Insistent,
}

/// A request that its holder reads. Nothing is answered until they do.
#[derive(Debug, uniffi::Object)]
pub struct Request {
    inner: Arc<Inner>,
    id: KeyringRequestId,
    reading: Reading,
    shown: ShownRequest,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    seen: BTreeSet<Part>,
    answered: bool,
}

impl Request {
    /// Fetches it from the host, and judges it.
    pub(crate) fn fetch(inner: &Arc<Inner>, id: KeyringRequestId) -> Result<Self, TerminalError> {
        let Inner { storage, host, .. } = &**inner;
        let reading = inner.wait(async {
            let jws = Visitor::to(storage, host)?.fetch(id).await?;
            read(storage, host, &jws).await
        })?;
        let shown = ShownRequest::of(reading.asked())?;
        // Its id is in what its provider signed: the host may give another one than it was asked for.
        if reading.asked().request.request != id {
            return Err(local(
                "request_invalid",
                "the host gave another request than the one that was asked for",
            ));
        }
        Ok(Self { inner: Arc::clone(inner), id, reading, shown, progress: Mutex::default() })
    }

    /// While nothing was answered yet, and by nobody else at the same moment.
    fn open(&self) -> Result<std::sync::MutexGuard<'_, Progress>, TerminalError> {
        let progress = match self.progress.try_lock() {
            Ok(progress) => progress,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(local("terminal_busy", "it is being answered now")),
        };
        if progress.answered {
            Err(local("request_answered", "it was answered already"))
        } else {
            Ok(progress)
        }
    }
}

#[uniffi::export]
impl Request {
    /// All that the holder reads.
    #[must_use]
    pub fn shown(&self) -> ShownRequest {
        self.shown.clone()
    }

    /// A part of it was shown whole: its last line stood on the screen.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `request_answered`, `terminal_busy`.
    pub fn seen(&self, part: Part) -> Result<(), TerminalError> {
        self.open()?.seen.insert(part);
        Ok(())
    }

    /// What was not shown yet.
    ///
    /// # Errors
    /// As [`Request::seen`].
    pub fn unread(&self) -> Result<Vec<Part>, TerminalError> {
        let progress = self.open()?;
        Ok(self.shown.parts.iter().filter(|part| !progress.seen.contains(part)).copied().collect())
    }

    /// The holder read all of it, agrees, and typed the PIN. A wrong PIN leaves it open, and counts.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `request_unread`, `pin_not_taken`, `pin_invalid`; [`TerminalError::Refused`]; [`TerminalError::Unproven`]; [`TerminalError::Away`].
    pub fn approve(&self, pin: &Keypad) -> Result<Agreed, TerminalError> {
        let keypad = pin.take();
        let mut progress = self.open()?;
        let unread = self.shown.parts.iter().filter(|part| !progress.seen.contains(part)).count();
        if unread > 0 {
            let words =
                format!("{unread} of its parts were not shown yet: nobody agrees to what they cannot read");
            return Err(local("request_unread", words));
        }
        let pin = keypad.pin().map_err(|why| local("pin_not_taken", why.to_string()))?;
        let Inner { storage, host, .. } = &*self.inner;
        let agreed = self.inner.wait(self.reading.agree(storage, host, &pin))?;
        progress.answered = true;
        drop(progress);
        // The use is spent: what comes of it is kept before anything else can fail.
        let outcome = Outcome::from(&agreed);
        let kept = storage.keep_undelivered(self.id, &outcome);
        let handed = self.inner.wait(async { Visitor::to(storage, host)?.hand_over(self.id, outcome).await });
        let delivery = match (handed, kept) {
            (Ok(()), _) => Delivery::HandedOver,
            (Err(_), Ok(())) => Delivery::Kept,
            (Err(_), Err(_)) => Delivery::Nowhere,
        };
        Ok(Agreed::of(agreed, delivery))
    }

    /// The holder does not agree.
    ///
    /// # Errors
    /// [`TerminalError::Host`]; [`TerminalError::Away`].
    pub fn reject(&self) -> Result<(), TerminalError> {
        let mut progress = self.open()?;
        let Inner { storage, host, .. } = &*self.inner;
        self.inner.wait(async { Visitor::to(storage, host)?.reject(self.id).await })?;
        progress.answered = true;
        Ok(())
    }

    /// The holder does not agree, and should not have been asked: the registration authority and support see it.
    ///
    /// # Errors
    /// As [`Request::reject`].
    pub fn report(&self, why: ReportReason) -> Result<(), TerminalError> {
        let mut progress = self.open()?;
        let Inner { storage, host, .. } = &*self.inner;
        self.inner.wait(async { Visitor::to(storage, host)?.report(self.id, why.into()).await })?;
        progress.answered = true;
        Ok(())
    }
}

impl ShownRequest {
    fn of(asked: &ToApprove) -> Result<Self, TerminalError> {
        let request = &asked.request;
        let kind = match request.kind {
            RequestKind::Sign => Kind::Sign,
            RequestKind::Authenticate => Kind::Authenticate,
            _ => return Err(local("request_kind", "no provider asks for this")),
        };
        let item = |item: &sceau_keyring::Item| ShownItem {
            label: item.label.clone(),
            sha256: hex::encode(&item.hash.0),
        };
        let warnings = Warnings::of(&asked.others, &asked.added);
        let of_items = (0_u32..).zip(&request.items).map(|(index, _)| Part::Item { index });
        let parts = warnings.warns().then_some(Part::Warnings).into_iter();
        let parts = parts.chain([Part::Words]).chain(of_items).collect();
        Ok(Self {
            request: request.request.to_string(),
            kind,
            provider: asked.provider.clone(),
            description: request.description.clone(),
            items: request.items.iter().map(item).collect(),
            told: asked.told.iter().map(|field| Disclosed::from(*field)).collect(),
            ends: request.ends,
            warnings,
            certificates: asked.certificates.iter().map(|der| der.0.clone()).collect(),
            parts,
        })
    }
}

impl Agreed {
    fn of(agreed: Answered, delivery: Delivery) -> Self {
        let bytes = |all: Vec<sceau_element_api::Base64Url>| all.into_iter().map(|one| one.0).collect();
        match agreed {
            Answered::Signed(signed) => Self {
                signatures: bytes(signed.signatures),
                certificates: bytes(signed.certificates),
                proof: signed.proof,
                index: signed.index,
                delivery,
            },
            Answered::Authenticated(told) => Self {
                signatures: Vec::new(),
                certificates: Vec::new(),
                proof: told.proof,
                index: told.index,
                delivery,
            },
        }
    }
}

impl From<SubjectField> for Disclosed {
    fn from(field: SubjectField) -> Self {
        match field {
            SubjectField::CommonName => Self::CommonName,
            SubjectField::GivenName => Self::GivenName,
            SubjectField::Surname => Self::Surname,
            SubjectField::SerialNumber => Self::SerialNumber,
            SubjectField::Country => Self::Country,
        }
    }
}

impl From<ReportReason> for Why {
    fn from(why: ReportReason) -> Self {
        match why {
            ReportReason::Stranger => Self::Stranger,
            ReportReason::Misleading => Self::Misleading,
            ReportReason::Insistent => Self::Insistent,
        }
    }
}
