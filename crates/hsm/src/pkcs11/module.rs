//! The libraries that speak for tokens: each is loaded once into this process, when the first key that names it is, and never before.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error as Cryptoki, RvError},
    slot::{Slot, TokenInfo},
};

use super::{
    error::{TokenError, is_lost, words},
    uri::Pkcs11Uri,
};

/// A loaded module. PKCS#11 has one context for each module and process (v2.40 §5.4): all tokens share it.
#[derive(Debug)]
pub(crate) struct Module {
    path: PathBuf,
    context: Pkcs11,
    /// Read by whoever has a session; written while the module is started anew, which ends all sessions. Taken before any other lock.
    running: RwLock<Instant>,
    /// Held while keys are made: looking for a name and taking it are two calls.
    pub(crate) making: Mutex<()>,
}

/// A module is not started anew more often.
const AGAIN: Duration = Duration::from_secs(1);

static LOADED: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

impl Module {
    /// The module at this path; loaded by the first who asks.
    ///
    /// # Errors
    /// [`TokenError::Module`].
    pub(crate) fn at(path: &Path) -> Result<Arc<Self>, TokenError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(path) {
            return Ok(Arc::clone(module));
        }
        let failed = |error: &Cryptoki| TokenError::Module { module: path.to_owned(), why: words(error) };
        let context = Pkcs11::new(path).map_err(|error| failed(&error))?;
        begin(&context).map_err(|error| failed(&error))?;
        let (running, making) = (RwLock::new(Instant::now()), Mutex::new(()));
        let module = Arc::new(Self { path: path.to_owned(), context, running, making });
        loaded.insert(path.to_owned(), Arc::clone(&module));
        Ok(module)
    }

    pub(crate) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    /// Keeps the module from being started anew: held for as long as there is a session.
    pub(crate) fn running(&self) -> RwLockReadGuard<'_, Instant> {
        self.running.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the module anew, since some (SoftHSM) see a token that came back in no other way. Not where `is_in_use` says that another token has
    /// sessions, nor again within a second. Nobody of this thread may hold [`Self::running`].
    pub(crate) fn restart(&self, is_in_use: impl FnOnce() -> bool) -> bool {
        // Whoever hangs in the module holds off nobody but this.
        let Ok(mut since) = self.running.try_write() else { return false };
        if since.elapsed() < AGAIN || is_in_use() {
            return false;
        }
        *since = Instant::now();
        // One that is not running is begun, whatever ended it.
        drop(self.context.clone().finalize());
        begin(&self.context).is_ok()
    }

    /// The tokens that are there, those that were never initialised too. Asking makes the module look again (§5.5).
    pub(crate) fn tokens(&self) -> Result<Vec<(Slot, TokenInfo)>, TokenError> {
        let failed = |error: &Cryptoki| TokenError::Module { module: self.path.clone(), why: words(error) };
        self.shown().map_err(|error| failed(&error))
    }

    fn shown(&self) -> Result<Vec<(Slot, TokenInfo)>, Cryptoki> {
        let slots = self.context.get_slots_with_token()?;
        // One that is pulled out between the two calls is not there.
        Ok(slots
            .into_iter()
            .filter_map(|slot| Some((slot, self.context.get_token_info(slot).ok()?)))
            .collect())
    }

    /// The one token that an address means.
    ///
    /// # Errors
    /// [`TokenError::NoToken`], [`TokenError::SeveralTokens`]; [`TokenError::Away`] where the module lost what it stands on since it was loaded, as SoftHSM does when it is
    /// started anew while the folder of its tokens is away.
    pub(crate) fn find(&self, uri: &Pkcs11Uri) -> Result<Slot, TokenError> {
        let shown = self.shown().map_err(|error| match words(&error) {
            why if is_lost(&error) => TokenError::Away { address: uri.short(), why },
            why => TokenError::Module { module: self.path.clone(), why },
        })?;
        let tokens: Vec<_> = shown.into_iter().filter(|(_, token)| token.token_initialized()).collect();
        let mut meant = tokens.iter().filter(|(slot, token)| self.is_meant(uri, *slot, token));
        match (meant.next(), meant.next()) {
            (Some((slot, _)), None) => Ok(*slot),
            (Some(_), Some(_)) => Err(TokenError::SeveralTokens(uri.without_key().short())),
            (None, _) => {
                let labels: Vec<_> = tokens.iter().map(|(_, token)| format!("{:?}", token.label())).collect();
                let shown = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
                let wanted = uri.without_key().short();
                Err(TokenError::NoToken { wanted, module: self.path.clone(), shown })
            }
        }
    }

    fn is_meant(&self, uri: &Pkcs11Uri, slot: Slot, token: &TokenInfo) -> bool {
        let said = |attribute: &str, found: &str| uri.text(attribute).is_none_or(|wanted| wanted == found);
        let of_token = said("token", token.label())
            && said("manufacturer", token.manufacturer_id())
            && said("serial", token.serial_number())
            && said("model", token.model())
            && uri.slot_id().is_none_or(|wanted| wanted == slot.id());
        of_token && self.slot_is_meant(uri, slot) && self.library_is_meant(uri)
    }

    fn slot_is_meant(&self, uri: &Pkcs11Uri, slot: Slot) -> bool {
        let (description, maker) = (uri.text("slot-description"), uri.text("slot-manufacturer"));
        if description.is_none() && maker.is_none() {
            return true;
        }
        self.context.get_slot_info(slot).is_ok_and(|info| {
            description.is_none_or(|wanted| wanted == info.slot_description())
                && maker.is_none_or(|wanted| wanted == info.manufacturer_id())
        })
    }

    fn library_is_meant(&self, uri: &Pkcs11Uri) -> bool {
        let (description, maker) = (uri.text("library-description"), uri.text("library-manufacturer"));
        let version = uri.text("library-version");
        if description.is_none() && maker.is_none() && version.is_none() {
            return true;
        }
        self.context.get_library_info().is_ok_and(|info| {
            let found = info.library_version();
            let exact = format!("{}.{}", found.major(), found.minor());
            // "2" is any 2.x (RFC 7512 §2.3).
            let is_version = |wanted: &str| {
                wanted == exact || (!wanted.contains('.') && wanted == found.major().to_string())
            };
            description.is_none_or(|wanted| wanted == info.library_description())
                && maker.is_none_or(|wanted| wanted == info.manufacturer_id())
                && version.is_none_or(is_version)
        })
    }
}

/// Threads call it at the same time: it locks with the system's means (§5.4).
fn begin(context: &Pkcs11) -> Result<(), Cryptoki> {
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Cryptoki::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(error),
    }
}
