//! The terminal: where a shell begins.

use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;

use sceau_client::terminal::{Storage, Visitor, destroy, dissociate_unshown, state, suspend};
use sceau_client::{ClientError, Server, Trust};
use sceau_keyring::Pin;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::activation::Activation;
use crate::error::{TerminalError, local};
use crate::keypad::Keypad;
use crate::request::Request;
use crate::shell::Shell;
use crate::standing::{State, SuspendReason};

/// The host of keyrings that a terminal goes to.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Host {
    /// Scheme, host and port: `https://keyrings.example.org`.
    pub address: String,
    /// Certificates of the authorities that vouch for it, PEM. None: those of the system, but on Android, where they have to be given.
    pub anchors: Option<String>,
}

/// Which keyring this is a terminal of.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OwnNames {
    /// The keyring.
    pub keyring: String,
    /// This terminal.
    pub terminal: String,
}

/// A request that waits: an id alone, as a notification has it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Waiting {
    /// The request.
    pub request: String,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

/// A keyring was stopped or ended, or a terminal taken off.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Ended {
    /// Index of the record; none of a keyring that was destroyed long before.
    pub index: Option<u64>,
    /// The element's word on it (JWS), where it gave one.
    pub proof: Option<String>,
    /// Whether this is no terminal any more: what it kept is gone, its key too.
    pub forgotten: bool,
    /// Whether support has to agree before it is done.
    pub waits: bool,
}

/// A keyring's terminal on this device, or the place for one. One object for each place; several are made for several keyrings.
#[derive(Debug, uniffi::Object)]
pub struct Terminal {
    inner: Arc<Inner>,
}

/// What a terminal and what comes of it share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) storage: Storage,
    pub(crate) host: Server,
    shell: Shell,
    runtime: Runtime,
}

impl Inner {
    /// Waits until it is done.
    pub(crate) fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, TerminalError> {
        if Handle::try_current().is_ok() {
            let words = "a callback called the terminal that called it: let it end first";
            return Err(local("terminal_busy", words));
        }
        Ok(self.runtime.block_on(Box::pin(work))?)
    }

    /// Whether a terminal may be used here now; nothing is asked of the host.
    fn check(&self) -> Result<Option<OwnNames>, TerminalError> {
        use sceau_client::terminal::Keeps as _;
        if !self.storage.is_terminal()? {
            self.shell.check()?;
            return Ok(None);
        }
        let (keyring, terminal) = self.storage.own_names()?;
        Ok(Some(OwnNames { keyring: keyring.to_string(), terminal: terminal.to_string() }))
    }
}

#[uniffi::export]
impl Terminal {
    /// Starts: the environment is looked at, and what was copied from another device is refused. Nothing is asked of the host.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `terminal_changed`, `terminal_tampered`, `terminal_damaged`, `address`, `anchors`; [`TerminalError::Shell`].
    #[uniffi::constructor]
    pub fn new(host: Host, shell: Shell) -> Result<Arc<Self>, TerminalError> {
        if cfg!(target_os = "android") && host.anchors.is_none() {
            return Err(local("anchors", "on Android the host's authorities have to be given"));
        }
        let trust = Trust { anchors_pem: host.anchors.map(String::into_bytes), identity_pem: None };
        let server = Server::new(&host.address, &trust)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|cause| local("server", format!("the system gives no network: {cause}")))?;
        let storage = Storage::of(Arc::new(shell.clone()));
        let inner = Inner { storage, host: server, shell, runtime };
        inner.check()?;
        Ok(Arc::new(Self { inner: Arc::new(inner) }))
    }

    /// Which keyring this is a terminal of; none where none was activated here. The environment is looked at again.
    ///
    /// # Errors
    /// As [`Terminal::new`].
    pub fn names(&self) -> Result<Option<OwnNames>, TerminalError> {
        self.inner.check()
    }

    /// Begins to activate a keyring: `invitation` is its JSON, the code and the second factor are as they were typed.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `terminal_exists`, `code_malformed`, `invitation_malformed`, `second_missing`, `second_unasked`, `keyring_phase`; [`TerminalError::Refused`] where a factor is wrong;
    /// [`TerminalError::Unproven`] where the element has not the factors; [`TerminalError::Away`]; [`TerminalError::Shell`].
    pub fn activate(
        &self,
        invitation: String,
        code: String,
        second: Option<String>,
    ) -> Result<Arc<Activation>, TerminalError> {
        let (code, second) = (zeroize::Zeroizing::new(code), second.map(zeroize::Zeroizing::new));
        let second = second.as_ref().map(|second| second.as_str());
        Activation::begin(&self.inner, &invitation, &code, second).map(Arc::new)
    }

    /// What waits for the holder: ids alone. What a use before could not hand over is handed over first.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `terminal_missing`; [`TerminalError::Host`]; [`TerminalError::Away`].
    pub fn pending(&self) -> Result<Vec<Waiting>, TerminalError> {
        let Inner { storage, host, .. } = &*self.inner;
        let waiting = self.inner.wait(async { Visitor::at(storage, host).await?.waiting().await })?;
        Ok(waiting.into_iter().map(Waiting::from).collect())
    }

    /// The same, once something waits that is none of these; after some seconds as it is. For a shell without notifications.
    ///
    /// # Errors
    /// As [`Terminal::pending`].
    pub fn news(&self, known: Vec<String>) -> Result<Vec<Waiting>, TerminalError> {
        let known = known.iter().map(|id| parsed(id)).collect::<Result<Vec<_>, _>>()?;
        let Inner { storage, host, .. } = &*self.inner;
        let waiting = self.inner.wait(async { Visitor::at(storage, host).await?.news(known).await })?;
        Ok(waiting.into_iter().map(Waiting::from).collect())
    }

    /// Fetches a request that waits, by its id (a notification has it), and judges it: who asks is registered for this, and it reads as one thing alone.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `request_invalid`, `actor_unknown`, `keyring_suspended` and others that say why no PIN can be typed; [`TerminalError::Host`] (`request_unknown`,
    /// `request_settled`); [`TerminalError::Unproven`]; [`TerminalError::Away`].
    pub fn request(&self, id: String) -> Result<Arc<Request>, TerminalError> {
        Request::fetch(&self.inner, parsed(&id)?).map(Arc::new)
    }

    /// Rejects a request that waits without reading it: one that cannot be shown, say.
    ///
    /// # Errors
    /// As [`Request::reject`].
    pub fn reject(&self, id: String) -> Result<(), TerminalError> {
        let id = parsed(&id)?;
        let Inner { storage, host, .. } = &*self.inner;
        self.inner.wait(async { Visitor::to(storage, host)?.reject(id).await })
    }

    /// Where the keyring stands, by the element's word, and what others did with it. No PIN is asked for.
    ///
    /// # Errors
    /// [`TerminalError::Refused`]; [`TerminalError::Unproven`]; [`TerminalError::Away`].
    pub fn state(&self) -> Result<State, TerminalError> {
        let Inner { storage, host, .. } = &*self.inner;
        Ok(State::from(&self.inner.wait(state(storage, host))?))
    }

    /// Stops the keyring at once: no PIN is asked for, and this terminal cannot undo it.
    ///
    /// # Errors
    /// As [`Terminal::state`].
    pub fn suspend(&self, reason: SuspendReason) -> Result<Ended, TerminalError> {
        let Inner { storage, host, .. } = &*self.inner;
        let stopped = self.inner.wait(suspend(storage, host, reason.into()))?;
        Ok(Ended { index: Some(stopped.index), proof: None, forgotten: false, waits: false })
    }

    /// Ends the keyring, for good, and destroys what this terminal kept, its key too. The shell shows [`Terminal::state`] and says that nothing brings it back, then has the PIN typed.
    ///
    /// # Errors
    /// As [`Request::approve`].
    pub fn destroy(&self, pin: &Keypad) -> Result<Ended, TerminalError> {
        let pin = typed(pin)?;
        let Inner { storage, host, .. } = &*self.inner;
        let done = self.inner.wait(destroy(storage, host, |_| Ok(pin)))?;
        Ok(Ended { index: done.index, proof: done.proof, forgotten: true, waits: false })
    }

    /// Takes a terminal off the keyring; this one, where none is named. As [`Terminal::destroy`]. What there is to warn of is not shown by it, and is by the next request.
    ///
    /// # Errors
    /// As [`Request::approve`].
    pub fn dissociate(&self, terminal: Option<String>, pin: &Keypad) -> Result<Ended, TerminalError> {
        let terminal = terminal.map(|id| parsed(&id)).transpose()?;
        let pin = typed(pin)?;
        let Inner { storage, host, .. } = &*self.inner;
        let done = self.inner.wait(dissociate_unshown(storage, host, terminal, pin))?;
        Ok(Ended { index: Some(done.index), proof: Some(done.proof), forgotten: done.own, waits: done.waits })
    }
}

impl From<sceau_keyring::Waiting> for Waiting {
    fn from(one: sceau_keyring::Waiting) -> Self {
        Self { request: one.request.to_string(), ends: one.ends }
    }
}

fn typed(pin: &Keypad) -> Result<Pin, TerminalError> {
    pin.take().pin().map_err(|why| local("pin_not_taken", why.to_string()))
}

fn parsed<T: FromStr>(id: &str) -> Result<T, TerminalError> {
    id.parse().map_err(|_| local("id_malformed", "this is not an id"))
}
