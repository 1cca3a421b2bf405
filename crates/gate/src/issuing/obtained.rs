//! A certificate that the gate gets by itself: for which names, from whom, the one in use, and where the next stands.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use rustls::pki_types::ServerName;
use sceau_pki::{Anchors, Fingerprint, Name, Oid, PrivateKey, judge_issued};
use tokio::sync::Notify;

use super::{
    acme::{Acme, Challenges},
    exchange::Exchange,
    pace,
    settings::{AcmeTable, CaTable},
    standing::Standing,
    store::{Current, Store},
    trouble::Trouble,
};
use crate::{
    clock::{now, written},
    error::Error,
    files::{certificates, given_folder},
    observe::{Codes, Dated},
};

/// A certificate holds at most so many names with every public authority.
const NAMES: usize = 100;

/// What listeners of the same names and the same issuer have in common.
#[derive(Debug)]
pub(crate) struct Obtained {
    /// `acme.letsencrypt` or `ca.house`.
    pub(crate) issuer: String,
    pub(crate) names: Vec<String>,
    /// Of everything that the file says of it.
    origin: Fingerprint,
    source: Source,
    anchors: Option<Anchors>,
    store: Store,
    current: RwLock<Option<Arc<Current>>>,
    standing: Mutex<Standing>,
    /// `issued`, and the codes of failures.
    pub(crate) outcomes: Codes,
    /// Somebody wants another try.
    pub(super) again: Notify,
}

#[derive(Debug)]
enum Source {
    Acme(Box<Acme>),
    Exchange(Exchange),
}

/// What an authority gave for a key.
pub(super) struct Answered {
    pub(super) key: PrivateKey,
    /// PEM, leaf first.
    pub(super) chain: String,
}

/// Why there is no answer, and when the authority may be asked again where it says so (Unix milliseconds).
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    pub(super) held: Option<u64>,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, held: None }
    }
}

/// Reads what listeners want, each once, keeping what a reading before had.
pub(crate) struct Gathering<'a> {
    folder: &'a Path,
    acme: &'a BTreeMap<String, AcmeTable>,
    ca: &'a BTreeMap<String, CaTable>,
    before: &'a [Arc<Obtained>],
    pub(crate) all: Vec<Arc<Obtained>>,
}

impl<'a> Gathering<'a> {
    pub(crate) fn new(
        folder: &'a Path,
        (acme, ca): (&'a BTreeMap<String, AcmeTable>, &'a BTreeMap<String, CaTable>),
        before: &'a [Arc<Obtained>],
    ) -> Self {
        Self { folder, acme, ca, before, all: Vec::new() }
    }

    /// For these names, from `acme` or `ca`, as a listener at `place` says.
    ///
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn of(
        &mut self,
        place: &str,
        (acme, ca): (Option<&str>, Option<&str>),
        names: &[String],
    ) -> Result<Arc<Obtained>, Error> {
        let names = names_of(place, names)?;
        let found = match (acme, ca) {
            (Some(name), None) => self.acme(place, name, names)?,
            (None, Some(name)) => self.ca(place, name, names)?,
            _ => {
                let reason = "a listener's certificate is of one issuer: write `acme` or `ca`";
                return Err(Error::setting(place, reason));
            }
        };
        let same = |one: &&Arc<Obtained>| {
            one.origin == found.origin && one.names == found.names && one.issuer == found.issuer
        };
        let known = self.all.iter().find(same).or_else(|| self.before.iter().find(same)).cloned();
        let found = known.unwrap_or_else(|| Arc::new(found));
        if !self.all.iter().any(|one| Arc::ptr_eq(one, &found)) {
            self.all.push(Arc::clone(&found));
        }
        Ok(found)
    }

    fn acme(&self, place: &str, name: &str, names: Vec<String>) -> Result<Obtained, Error> {
        let unknown = || Error::setting(format!("{place}, acme"), "there is no table [acme.…] of this name");
        let table = self.acme.get(name).ok_or_else(unknown)?;
        let source = Source::Acme(Box::new(Acme::read(self.folder, name, table)?));
        let anchors = (table.anchors.as_deref(), table.state.as_deref());
        let files = [table.authority.as_ref(), table.external_account.as_ref().map(|it| &it.key)];
        let files = files.into_iter().flatten().chain(table.anchors.iter().flatten());
        self.obtained(format!("acme.{name}"), names, source, anchors, &format!("{table:?}"), files)
    }

    fn ca(&self, place: &str, name: &str, names: Vec<String>) -> Result<Obtained, Error> {
        let unknown = || Error::setting(format!("{place}, ca"), "there is no table [ca.…] of this name");
        let table = self.ca.get(name).ok_or_else(unknown)?;
        let source = Source::Exchange(Exchange::new(self.folder.join(&table.folder)));
        let anchors = (table.anchors.as_deref(), table.state.as_deref());
        let files = table.anchors.iter().flatten();
        self.obtained(format!("ca.{name}"), names, source, anchors, &format!("{table:?}"), files)
    }

    fn obtained<'f>(
        &self,
        issuer: String,
        names: Vec<String>,
        source: Source,
        (anchors, state): (Option<&[PathBuf]>, Option<&Path>),
        table: &str,
        files: impl Iterator<Item = &'f PathBuf>,
    ) -> Result<Obtained, Error> {
        if !is_plain(&issuer) {
            let reason = "name the table with letters, digits, hyphens and underscores: a folder is named so";
            return Err(Error::setting(issuer, reason));
        }
        let place = format!("{issuer}, anchors");
        let anchors = anchors.map(|paths| {
            let all = certificates(self.folder, paths, &place)?;
            Anchors::new(all).map_err(Error::pki(&place))
        });
        let mut all = table.as_bytes().to_vec();
        for path in files {
            all.extend(std::fs::read(self.folder.join(path)).unwrap_or_default());
        }
        let store = Store::new(&state_folder(self.folder, state), &issuer, &names);
        let current = store.current().map(Arc::new);
        Ok(Obtained {
            issuer,
            names,
            origin: Fingerprint::of(&all),
            source,
            anchors: anchors.transpose()?,
            standing: Mutex::new(store.standing()),
            store,
            current: RwLock::new(current),
            outcomes: Codes::default(),
            again: Notify::new(),
        })
    }
}

impl Obtained {
    /// The one in use.
    pub(crate) fn current(&self) -> Option<Arc<Current>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.locked().clone()
    }

    /// Looks whether what is asked and kept could be written, and writes nothing.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(crate) fn rehearse(&self) -> Result<(), Error> {
        let asked = match &self.source {
            Source::Acme(_) => Ok(()),
            Source::Exchange(exchange) => exchange.rehearse(),
        };
        asked.and_then(|()| self.store.rehearse()).map_err(|(path, cause)| Error::File {
            setting: self.issuer.clone(),
            path: path.display().to_string(),
            cause,
        })
    }

    /// Its chain, as a setting at `place` names it.
    pub(crate) fn dated(&self, place: &str) -> Vec<Dated> {
        let Some(current) = self.current() else { return Vec::new() };
        let chain = std::iter::once(current.certificate()).chain(&current.issuers);
        chain.map(|certificate| Dated::of(place, certificate)).collect()
    }

    /// For whoever looks at the configuration.
    pub(crate) fn told(&self) -> serde_json::Value {
        let (current, standing) = (self.current(), self.standing());
        serde_json::json!({
            "issuer": self.issuer,
            "names": self.names,
            "kept": self.path(),
            "ends": current.map(|current| written(current.certificate().not_after())),
            "renewal": standing.renew_at.map(written),
            "failures": standing.failures,
            "code": standing.code,
        })
    }

    /// Where the certificate is kept, with its key.
    fn path(&self) -> PathBuf {
        self.store.certificate_path()
    }

    /// What an authority may look at, where it is asked by ACME.
    pub(crate) fn challenges(&self) -> Option<&Challenges> {
        match &self.source {
            Source::Acme(acme) => Some(&acme.challenges),
            Source::Exchange(_) => None,
        }
    }

    /// Where challenges of plain HTTP are answered.
    pub(crate) fn http(&self) -> Option<std::net::SocketAddr> {
        match &self.source {
            Source::Acme(acme) => acme.http,
            Source::Exchange(_) => None,
        }
    }

    /// Whether only one may ask at a time.
    pub(super) fn takes_turns(&self) -> bool {
        matches!(self.source, Source::Acme(_))
    }

    fn from(&self) -> String {
        match &self.source {
            Source::Acme(acme) => acme.directory().to_owned(),
            Source::Exchange(exchange) => exchange.folder().display().to_string(),
        }
    }

    /// When to ask next (Unix milliseconds): another issuer than that of the certificate in use is asked at once.
    pub(super) fn due(&self) -> u64 {
        let standing = self.locked();
        standing.due(self.current().is_some() && standing.from == self.from())
    }

    pub(super) fn hurry(&self) {
        self.locked().hurry();
    }

    /// Follows what the authority proposes (RFC 9773); gives how long to wait before it is asked for that again, in milliseconds.
    pub(super) async fn take_advice(&self) -> u64 {
        const DAY: u64 = 24 * super::HOUR;
        let (Source::Acme(acme), Some(current)) = (&self.source, self.current()) else { return DAY };
        let Some((window, again)) = Box::pin(acme.advice(&self.store, &current)).await else { return DAY };
        let mut standing = self.locked();
        let end = current.certificate().not_after();
        // A moment that was drawn in this window stays, or each question would draw another.
        if !standing.renew_at.is_some_and(|at| (window.0..=window.1).contains(&at)) {
            standing.renew_at = Some(pace::within(window, end, pace::chance()));
        }
        standing.is_advised = true;
        drop(self.store.note(&standing));
        again.clamp(super::HOUR, DAY)
    }

    /// Asks for a certificate, checks it, and takes it into use; the one before is, until then.
    pub(super) async fn renew(&self) -> Result<(), Failure> {
        // First: whoever ends amid it does not ask again at once, and nobody asks who could not keep the answer.
        let replaces = {
            let mut standing = self.locked();
            standing.begin(now());
            self.store.note(&standing)?;
            standing.is_advised && standing.from == self.from()
        };
        let before = self.current().filter(|_| replaces);
        let Answered { key, chain } = match &self.source {
            Source::Acme(acme) => Box::pin(acme.issue(&self.store, &self.names, before.as_deref())).await?,
            Source::Exchange(exchange) => Box::pin(exchange.issue(&self.store, &self.names)).await?,
        };
        let public = key.public_key_info().map_err(Trouble::from)?;
        judge_issued(&chain, &public, &self.names, self.anchors.as_ref(), now()).map_err(Trouble::from)?;
        let current = self.store.keep(&key.to_pem(), &chain)?;
        let renew_from = pace::soonest(current.certificate().not_after(), now());
        let renew_at = pace::renewal(current.certificate(), pace::chance());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(current));
        let mut standing = self.locked();
        standing.succeeded(&self.from(), (renew_from, renew_at), now());
        drop(self.store.note(&standing));
        Ok(())
    }

    pub(super) fn failed(&self, failure: &Failure) -> Standing {
        let mut standing = self.locked();
        standing.failed(&failure.trouble, failure.held, now(), pace::chance());
        drop(self.store.note(&standing));
        standing.clone()
    }

    fn locked(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lower-case DNS names, each once; the first fits into a subject.
fn names_of(place: &str, names: &[String]) -> Result<Vec<String>, Error> {
    let at = || format!("{place}, names");
    let is_name = |name: &String| {
        matches!(ServerName::try_from(name.as_str()), Ok(ServerName::DnsName(_))) && !name.ends_with('.')
    };
    if names.is_empty() || names.len() > NAMES {
        return Err(Error::setting(at(), "say for which names (1 to 100) the certificate is to be"));
    }
    if !names.iter().all(is_name) {
        let reason = "DNS names alone, without a wildcard: an authority looks at each of them";
        return Err(Error::setting(at(), reason));
    }
    let mut all: Vec<String> = Vec::new();
    for name in names.iter().map(|name| name.to_ascii_lowercase()) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    match all.iter().position(|name| name.len() <= 64) {
        Some(short) => {
            all.swap(0, short);
            Ok(all)
        }
        None => Err(Error::setting(at(), "one of them at least has 64 letters or fewer")),
    }
}

/// The first name.
pub(super) fn subject(names: &[String]) -> Name {
    Name::default().with(Oid::COMMON_NAME, names.first().map(String::as_str).unwrap_or_default())
}

fn is_plain(name: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    name.len() <= 64 && name.bytes().all(plain) && !name.contains("..")
}

/// The one that is named, else systemd's, else `state` beside the file.
fn state_folder(folder: &Path, named: Option<&Path>) -> PathBuf {
    let given = || given_folder("STATE_DIRECTORY").map(|given| given.join("certificates"));
    named.map(|named| folder.join(named)).or_else(given).unwrap_or_else(|| folder.join("state"))
}
