//! The keys of months. Each seals the data keys that the element draws, one for each month that it lives in, and these seal what is forgotten: a token is
//! asked once for each of them, and not for each record.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sceau_crypto::{BlobError, Label, SealedBlob, Secret, SecretBytes};
use sceau_element_api::protect::Kept;
use sceau_hsm::pkcs11::TokenError;
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, Operations, Provider, Together};

use super::{JournalMonths, Month, RetainMonths};
use crate::clock::Clock;
use crate::event::{EventError, put, take};
use crate::sealing::{JournalKey, PATIENCE, SealingError, patiently, try_seal};
use crate::signer::SignerError;

/// Keys are made for so many months that come: the process makes none while it serves.
const PREPARED: u32 = 3;
/// Data keys that are remembered opened.
const REMEMBERED: usize = 1024;
const LABEL: &str = "personal-";
const DAY: u64 = 24 * 3600 * 1000;

/// The keys of months in a provider.
pub struct PersonalKeys {
    provider: Arc<dyn Provider>,
    retain: RetainMonths,
    patience: Duration,
    clock: Clock,
    /// Every key that there is.
    keys: BTreeMap<Month, KeyRef>,
    /// Those that the provider cannot use: a token has them no more.
    gone: BTreeSet<Month>,
    /// Those that were destroyed: what comes back of them, out of an old keystore, opens and seals nothing.
    ended: BTreeSet<Month>,
    present: Mutex<Option<Present>>,
    opened: Mutex<HashMap<Vec<u8>, Arc<Secret<32>>>>,
    /// The day on which it was last said what is to be done.
    told: AtomicU64,
}

/// The data key that seals now.
struct Present {
    month: Month,
    key: Arc<Secret<32>>,
    sealed: Vec<u8>,
}

impl PersonalKeys {
    /// Finds the keys of months; and where data are protected here (`prepares`), makes those of this month and of some that come. `months` are those that the
    /// journal speaks of.
    ///
    /// # Errors
    /// [`SignerError::Protection`] where the key of a month that is not past, and that did not end, is missing: another opens nothing of it; what the provider says.
    pub fn open(
        provider: Arc<dyn Provider>,
        retain: RetainMonths,
        months: &JournalMonths,
        prepares: bool,
        clock: Clock,
    ) -> Result<Self, SignerError> {
        let mut keys = Self {
            provider,
            retain,
            patience: PATIENCE,
            clock,
            keys: BTreeMap::new(),
            gone: BTreeSet::new(),
            ended: months.ended.clone(),
            present: Mutex::default(),
            opened: Mutex::default(),
            told: AtomicU64::new(0),
        };
        keys.find(&months.used).map_err(SignerError::Protection)?;
        if prepares {
            keys.prepare();
        }
        Ok(keys)
    }

    /// Waiting for so long for a token that is away.
    #[must_use]
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn find(&mut self, used: &BTreeSet<Month>) -> Result<(), Error> {
        for entry in self.provider.list()? {
            let label = entry.key.label().as_str();
            if let Some(month) = label.strip_prefix(LABEL).and_then(Month::parse) {
                match try_seal(&*self.provider, &entry.key) {
                    Ok(()) => {}
                    Err(Error::NotFound(_) | Error::Token(TokenError::NoKey(_))) => {
                        self.gone.insert(month);
                    }
                    Err(error) => return Err(error),
                }
                self.keys.insert(month, entry.key);
            }
        }
        let now = self.month();
        // Neither a clock that was set back nor longer terms bring back what was destroyed: who waits for it never serves again.
        let mut kept = used.iter().filter(|month| !self.ended.contains(month));
        let missing = kept.find(|month| !self.retain.is_past(**month, now) && !self.has(**month));
        match missing {
            Some(month) => {
                Err(Error::NotFound(format!("{}:{}", self.provider.scheme(), label(*month)?).parse()?))
            }
            None => Ok(()),
        }
    }

    /// Makes the keys that are missing. Where the provider makes none, others are served all the same: [`Self::has_now`].
    fn prepare(&mut self) {
        let now = self.month();
        for month in (0..=PREPARED).map(|months| now.later(months)) {
            if self.has(month) || self.ended.contains(&month) {
                continue;
            }
            let made = label(month).and_then(|label| {
                self.provider.find_or_generate(KeyKind::Aes256Gcm, &label, self.clock.now().unix)
            });
            match made.and_then(|key| try_seal(&*self.provider, &key).map(|()| key)) {
                Ok(key) => drop(self.keys.insert(month, key)),
                Err(error) => tracing::error!(
                    %month, %error,
                    "the key under which it is sealed who asks in that month cannot be made: no call about data is served then"
                ),
            }
        }
    }

    /// The months whose keys there are, or entries of them.
    pub(crate) fn months(&self) -> Vec<Month> {
        self.keys.keys().copied().collect()
    }

    /// This month.
    pub(crate) fn month(&self) -> Month {
        Month::of(self.clock.now().unix)
    }

    /// Whether what was recorded in a month is not kept any more, in so many months from now.
    pub(crate) fn is_past(&self, month: Month, in_months: u32) -> bool {
        self.retain.is_past(month, self.month().later(in_months))
    }

    /// Whether the keys are elsewhere than the state: a copy of the state that is started uses, and could destroy, the same.
    pub(crate) fn are_shared(&self) -> bool {
        self.provider.backing_up().is_none()
    }

    /// Whether calls of now can be recorded: there is a key for this month; or, where that one was destroyed and the clock then set back, for another one.
    pub(crate) fn has_now(&self) -> bool {
        let now = self.month();
        self.has(now) || (self.ended.contains(&now) && self.keys.keys().any(|month| self.has(*month)))
    }

    fn has(&self, month: Month) -> bool {
        self.keys.contains_key(&month) && !self.gone.contains(&month) && !self.ended.contains(&month)
    }

    /// How a month's key is kept.
    pub(crate) fn kept(&self, month: Month) -> Result<Kept, Error> {
        if !self.are_shared() {
            return Ok(Kept::Files);
        }
        let copies = self.keys.get(&month).map(|key| self.provider.may_have_copies(key)).transpose()?;
        Ok(if copies == Some(false) { Kept::Token } else { Kept::Either })
    }

    /// Destroys the key of a month.
    pub(crate) fn destroy(&mut self, month: Month) -> Result<(), Error> {
        if let Some(key) = self.keys.get(&month) {
            self.provider.destroy(key)?;
        }
        self.keys.remove(&month);
        self.gone.remove(&month);
        Ok(())
    }

    /// Tells, once a day, that the element is to be started anew: keys are made and destroyed at starts alone.
    pub(crate) fn tell(&self) {
        let (now, today) = (self.month(), self.clock.now().unix / DAY);
        let last = self.keys.keys().rev().find(|month| self.has(**month)).copied();
        let ends = last.is_none_or(|last| now.later(1) >= last);
        let overdue = self.keys.keys().find(|month| self.retain.is_past(**month, now));
        if !(ends || overdue.is_some()) || self.told.swap(today, Ordering::Relaxed) == today {
            return;
        }
        if ends {
            let last = last.map(|last| last.to_string()).unwrap_or_default();
            tracing::warn!(
                last,
                "START THE ELEMENT ANEW: keys under which it is sealed who asks are prepared to the end of that month, and no call about data is served after it"
            );
        }
        if let Some(month) = overdue {
            tracing::warn!(
                %month,
                "who asked in that month is not shown any more, and its key is there still: start the element anew, which destroys it where it can, and says why where not"
            );
        }
    }

    /// `month (4) ‖ length (4) ‖ data key, sealed under the month's key ‖ what is sealed under the data key`
    fn seal(&self, time: u64, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        // A batch may end in the month after the one in which its calls were let in.
        let due = Month::of(time);
        let usable = self.keys.range(..=due).rev().map(|(month, _)| *month).find(|month| self.has(*month));
        let month =
            usable.or_else(|| self.keys.keys().copied().find(|month| self.has(*month))).unwrap_or(due);
        let mut present = lock(&self.present);
        if present.as_ref().is_none_or(|present| present.month != month) {
            *present = Some(self.draw(month)?);
        }
        let mut out = month.number().to_be_bytes().to_vec();
        if let Some(Present { key, sealed, .. }) = present.as_ref() {
            put(&mut out, sealed);
            out.extend_from_slice(SealedBlob::seal(key, Label::StateAtRest, context, secret).as_bytes());
        }
        Ok(out)
    }

    fn draw(&self, month: Month) -> Result<Present, SealingError> {
        let key = self.keys.get(&month).filter(|_| self.has(month)).ok_or(SealingError::NoMonth(month))?;
        let drawn = Arc::new(Secret::<32>::random());
        let sealed = patiently(self.patience, || self.provider.seal(key, &of(month), drawn.expose()))?;
        self.remember(&sealed, &drawn);
        Ok(Present { month, key: drawn, sealed })
    }

    fn open_part(&self, context: &[u8], part: &[u8]) -> Result<Option<SecretBytes>, SealingError> {
        let (month, mut rest) = split(part).ok_or(BlobError::Malformed)?;
        let key = self.keys.get(&month).filter(|_| self.has(month) && !self.is_past(month, 0));
        let Some(key) = key else { return Ok(None) };
        let sealed = take(&mut rest).map_err(|_: EventError| BlobError::Malformed)?;
        let known = lock(&self.opened).get(sealed).cloned();
        let data_key = match known {
            Some(data_key) => data_key,
            None => {
                let opened = self.provider.open(key, &of(month), sealed)?;
                let opened = Secret::from_slice(opened.expose()).map_err(|_| BlobError::Malformed)?;
                let opened = Arc::new(opened);
                self.remember(sealed, &opened);
                opened
            }
        };
        Ok(Some(SealedBlob::from_bytes(rest.to_vec())?.open(&data_key, Label::StateAtRest, context)?))
    }

    fn remember(&self, sealed: &[u8], key: &Arc<Secret<32>>) {
        let mut opened = lock(&self.opened);
        if opened.len() >= REMEMBERED {
            opened.clear();
        }
        opened.insert(sealed.to_vec(), Arc::clone(key));
    }
}

impl std::fmt::Debug for PersonalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonalKeys({} months)", self.keys.len())
    }
}

/// The key of the journal, beside those of months.
pub(crate) struct Retaining {
    pub(crate) journal: Arc<dyn JournalKey>,
    pub(crate) personal: Arc<PersonalKeys>,
}

impl JournalKey for Retaining {
    fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.journal.seal(context, secret)
    }

    fn seal_together(
        &self,
        context: &[u8],
        secret: &[u8],
        together: &Together,
    ) -> Result<Vec<u8>, SealingError> {
        self.journal.seal_together(context, secret, together)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealingError> {
        self.journal.open(context, sealed)
    }

    fn seal_personal(
        &self,
        time: u64,
        context: &[u8],
        secret: &[u8],
    ) -> Result<Option<Vec<u8>>, SealingError> {
        self.personal.seal(time, context, secret).map(Some)
    }

    fn open_personal(&self, context: &[u8], sealed: &[u8]) -> Result<Option<SecretBytes>, SealingError> {
        self.personal.open_part(context, sealed)
    }
}

/// The month of a sealed part, and what follows.
pub(crate) fn split(part: &[u8]) -> Option<(Month, &[u8])> {
    let (number, rest) = part.split_first_chunk::<4>()?;
    Some((Month::from_number(u32::from_be_bytes(*number)), rest))
}

fn label(month: Month) -> Result<KeyLabel, Error> {
    KeyLabel::new(&format!("{LABEL}{month}"))
}

/// Which secret it is: a data key of this month.
fn of(month: Month) -> Vec<u8> {
    [b"personal".as_slice(), &month.number().to_be_bytes()].concat()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
