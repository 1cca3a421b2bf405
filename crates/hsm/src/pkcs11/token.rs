//! A token while it is used: its sessions, the login, and how it comes back after it was away.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLockReadGuard, Weak},
    time::{Duration, Instant},
};

use cryptoki::{
    error::{Error as Cryptoki, RvError},
    mechanism::MechanismType,
    session::{Session, UserType},
    slot::Slot,
};

use super::{
    error::{TokenError, is_lost, is_short, words},
    module::Module,
    pin::{Pin, Place},
    uri::Pkcs11Uri,
};

/// Sessions at the same time: each signs for one caller.
const SESSIONS: usize = 16;
/// Callers that wait for one; more are turned away at once, since each holds a thread.
const WAITING: usize = 64;
/// How long a caller waits for a free session.
const PATIENCE: Duration = Duration::from_secs(5);
/// After the token did not answer, callers are told so at once for this long.
const PAUSE: Duration = Duration::from_millis(500);

/// A token. One of these stands for it in the whole process, whoever has keys in it.
pub(crate) struct Token {
    uri: Pkcs11Uri,
    module: Arc<Module>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// Which life of the sessions this is: handles of an earlier one mean nothing.
    life: u64,
    slot: Option<Slot>,
    idle: Vec<Session>,
    /// How many sessions of this life are lent.
    lent: usize,
    /// How many it bears, where that is fewer than [`SESSIONS`].
    most: Option<usize>,
    waiting: usize,
    /// Somebody opens one.
    is_opening: bool,
    away: Option<(Instant, TokenError)>,
}

impl State {
    /// Ends this life: what was lent in it is closed when it is given back. The others are the caller's to close, without the lock.
    #[must_use]
    fn end(&mut self) -> Vec<Session> {
        self.life += 1;
        self.lent = 0;
        self.slot = None;
        self.most = None;
        self.away = None;
        std::mem::take(&mut self.idle)
    }
}

static OPEN: Mutex<BTreeMap<Pkcs11Uri, Weak<Token>>> = Mutex::new(BTreeMap::new());

impl Token {
    /// The token of an address.
    ///
    /// # Errors
    /// [`TokenError::Module`]. Whether the token is there, the first use says.
    pub(crate) fn of(uri: &Pkcs11Uri) -> Result<Arc<Self>, TokenError> {
        let uri = uri.without_key();
        let module = Module::at(uri.module())?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, token| token.strong_count() > 0);
        if let Some(token) = open.get(&uri).and_then(Weak::upgrade) {
            return Ok(token);
        }
        let (state, freed) = (Mutex::default(), Condvar::new());
        let token = Arc::new(Self { uri: uri.clone(), module, state, freed });
        open.insert(uri, Arc::downgrade(&token));
        Ok(token)
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// Does something in a session that is logged in; `life` says which handles are still good. Where sessions turn out to be lost, new ones are
    /// opened and it is done again, once: so `act` must be something that may be done twice.
    ///
    /// # Errors
    /// Those of finding the token and logging in; [`TokenError::Away`], [`TokenError::Refused`]; those of `act`.
    pub(crate) fn within<T>(
        &self,
        mut act: impl FnMut(&Session, u64) -> Result<T, Fault>,
    ) -> Result<T, TokenError> {
        match self.twice(&mut act) {
            // A token that is busy is at work for others, who have their sessions.
            Err(error @ TokenError::Busy { .. }) => Err(error),
            Err(error) if error.is_passing() || matches!(error, TokenError::Module { .. }) => {
                // Some modules see a token that came back only when they are started anew.
                if self.module.restart(|| self.forget_all()) { self.twice(&mut act) } else { Err(error) }
            }
            done => done,
        }
    }

    fn twice<T>(&self, act: &mut impl FnMut(&Session, u64) -> Result<T, Fault>) -> Result<T, TokenError> {
        let _running = self.module.running();
        match self.once(act) {
            Err(Fault::Module(error)) if is_lost(&error) => match self.once(act) {
                Err(Fault::Module(error)) if is_lost(&error) => Err(self.fall(&error)),
                done => self.told(done),
            },
            done => self.told(done),
        }
    }

    fn told<T>(&self, done: Result<T, Fault>) -> Result<T, TokenError> {
        done.map_err(|fault| match fault {
            Fault::Module(error) | Fault::Left(error) => self.refused(&error),
            Fault::Said(error) => error,
        })
    }

    fn once<T>(&self, act: &mut impl FnMut(&Session, u64) -> Result<T, Fault>) -> Result<T, Fault> {
        let (session, life) = self.take()?;
        let done = act(&session, life);
        match &done {
            Err(Fault::Module(error)) if is_lost(error) => self.lose(session, life),
            Err(Fault::Left(_)) => self.close(session, life),
            _ => self.give_back(session, life),
        }
        done
    }

    /// A session that may write, for making and destroying keys; not one of the pool. Nothing else is asked of the token on this thread while it is held.
    pub(crate) fn writing(&self) -> Result<(RwLockReadGuard<'_, Instant>, Session), TokenError> {
        // Logs in, and says what is wrong.
        self.within(|_, _| Ok(()))?;
        let running = self.module.running();
        let slot = self.module.find(&self.uri)?;
        let session = self.module.context().open_rw_session(slot);
        Ok((running, session.map_err(|error| self.refused(&error))?))
    }

    /// What the token says that it can.
    pub(crate) fn mechanisms(&self) -> Result<Vec<MechanismType>, TokenError> {
        // Logs in, and says what is wrong.
        self.within(|_, _| Ok(()))?;
        let _running = self.module.running();
        let slot = self.module.find(&self.uri)?;
        self.module.context().get_mechanism_list(slot).map_err(|error| self.refused(&error))
    }

    /// Ends the sessions of all tokens of the module, unless another one has some: then it says so, and ends none.
    fn forget_all(&self) -> bool {
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let all = open.values().filter_map(Weak::upgrade);
        let all: Vec<_> = all.filter(|token| token.uri.module() == self.uri.module()).collect();
        drop(open);
        if all.iter().any(|token| token.uri != self.uri && !token.state().idle.is_empty()) {
            return true;
        }
        for token in all {
            let ended = token.state().end();
            drop(ended);
        }
        false
    }

    pub(crate) fn refused(&self, error: &Cryptoki) -> TokenError {
        let (address, why) = (self.uri.short(), words(error));
        if is_short(error) { TokenError::Busy { address, why } } else { TokenError::Refused { address, why } }
    }

    fn take(&self) -> Result<(Session, u64), TokenError> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some((at, error)) = &state.away {
                if at.elapsed() < PAUSE {
                    return Err(error.clone());
                }
                state.away = None;
            }
            if let Some(session) = state.idle.pop() {
                state.lent += 1;
                return Ok((session, state.life));
            }
            if state.lent < state.most.unwrap_or(SESSIONS) && !state.is_opening {
                if let Some(lent) = self.open_from(state)? {
                    return Ok(lent);
                }
                state = self.state();
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.waiting >= WAITING {
                let why = "all its sessions are in use, and too many callers wait or waited for five seconds";
                return Err(TokenError::Busy { address: self.uri.short(), why: why.to_owned() });
            }
            state.waiting += 1;
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }

    /// Opens a session, one caller at a time and without the lock: nobody but callers that wait, for so long, hangs with a token that hangs. None where
    /// sessions were lost meanwhile, or the token bears no more of them.
    fn open_from(&self, mut state: MutexGuard<'_, State>) -> Result<Option<(Session, u64)>, TokenError> {
        state.is_opening = true;
        let (life, slot) = (state.life, state.slot);
        drop(state);
        let opened = self.open(slot);
        let mut state = self.state();
        state.is_opening = false;
        self.freed.notify_all();
        match opened {
            Ok((session, slot)) if state.life == life => {
                state.slot = Some(slot);
                state.lent += 1;
                Ok(Some((session, life)))
            }
            Ok((session, _)) => {
                drop(state);
                drop(session);
                Ok(None)
            }
            Err(TokenError::Busy { .. }) if state.lent > 0 => {
                state.most = Some(state.lent);
                Ok(None)
            }
            Err(error) => {
                state.slot = None;
                if error.is_passing() || matches!(error, TokenError::Module { .. }) {
                    state.away = Some((Instant::now(), error.clone()));
                }
                Err(error)
            }
        }
    }

    fn open(&self, known: Option<Slot>) -> Result<(Session, Slot), TokenError> {
        let slot = match known {
            Some(slot) => slot,
            None => self.module.find(&self.uri)?,
        };
        let session = match self.module.context().open_ro_session(slot) {
            Err(error) if is_short(&error) => return Err(self.refused(&error)),
            opened => opened.map_err(|error| self.away(&error))?,
        };
        if known.is_none() {
            self.log_in(&session, slot)?;
        }
        Ok((session, slot))
    }

    /// All sessions of a process share one login (PKCS#11 v2.40 §5.6).
    fn log_in(&self, session: &Session, slot: Slot) -> Result<(), TokenError> {
        let token = self.module.context().get_token_info(slot).map_err(|error| self.away(&error))?;
        if !token.login_required() {
            return Ok(());
        }
        if self.uri.pin().is_none() && token.protected_authentication_path() {
            return self.logged_in(session.login(UserType::User, None));
        }
        let (pin, place) = (Pin::of(&self.uri)?, Place::of(self.uri.module(), &token));
        if place.refused(&pin) {
            return Err(TokenError::PinRefused(self.uri.short()));
        }
        let done = self.logged_in(session.login(UserType::User, Some(&pin.auth())));
        match &done {
            Ok(()) => place.accepts(),
            Err(TokenError::PinRefused(_)) => place.refuses(&pin),
            Err(_) => {}
        }
        done
    }

    fn logged_in(&self, answer: Result<(), Cryptoki>) -> Result<(), TokenError> {
        match answer {
            Ok(()) | Err(Cryptoki::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Cryptoki::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                Err(TokenError::PinRefused(self.uri.short()))
            }
            Err(Cryptoki::Pkcs11(RvError::PinLocked, _)) => Err(TokenError::PinLocked(self.uri.short())),
            Err(error) => Err(self.away(&error)),
        }
    }

    fn give_back(&self, session: Session, life: u64) {
        let mut state = self.state();
        if state.life == life {
            state.lent = state.lent.saturating_sub(1);
            state.idle.push(session);
            self.freed.notify_one();
        }
    }

    /// Closes one session, and what is in it goes with it (PKCS#11 v2.40 §5.6, C_CloseSession).
    fn close(&self, session: Session, life: u64) {
        drop(session);
        let mut state = self.state();
        if state.life == life {
            state.lent = state.lent.saturating_sub(1);
            self.freed.notify_one();
        }
    }

    /// Ends this life of the sessions, unless another caller did.
    fn lose(&self, session: Session, life: u64) {
        let mut state = self.state();
        let mut ended = vec![session];
        if state.life == life {
            ended.extend(state.end());
            self.freed.notify_all();
        }
        drop(state);
        drop(ended);
    }

    /// Says that it does not answer, to others too for a moment.
    fn fall(&self, error: &Cryptoki) -> TokenError {
        let away = self.away(error);
        self.state().away = Some((Instant::now(), away.clone()));
        away
    }

    fn away(&self, error: &Cryptoki) -> TokenError {
        TokenError::Away { address: self.uri.short(), why: words(error) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.uri.short())
    }
}

/// Why something in a session was not done.
pub(crate) enum Fault {
    /// The module's word.
    Module(Cryptoki),
    /// Ours: the sessions are good.
    Said(TokenError),
    /// The module's word too, on which a session is left with something that is not to stay: it is closed.
    Left(Cryptoki),
}

impl From<Cryptoki> for Fault {
    fn from(error: Cryptoki) -> Self {
        Self::Module(error)
    }
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        Self::Said(error)
    }
}
