//! Which certificates listeners want from issuers, read from the file: each once, keeping what a reading before had.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::pki_types::ServerName;
use sceau_pki::{Anchors, Fingerprint};

use super::{
    acme::Acme,
    exchange::Exchange,
    obtained::{Obtained, Said},
    settings::{AcmeTable, CaTable},
    source::Source,
    store::Store,
};
use crate::{
    error::Error,
    files::{certificates, given_folder},
    keys,
};

/// A certificate holds at most so many names with every public authority.
const NAMES: usize = 100;

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
        let state = state_folder(self.folder, state);
        // A key is made there.
        keys::refuse_git(&format!("{issuer}, state"), &state)?;
        let store = Store::new(&state, &issuer, &names);
        let (origin, anchors) = (Fingerprint::of(&all), anchors.transpose()?);
        Ok(Obtained::new(Said { issuer, names, origin, source, anchors }, store))
    }
}

/// Lower-case DNS names, each once; the first fits into a subject.
///
/// # Errors
/// [`Error::Setting`]: none or more than a hundred, one that is no DNS name, or all too long for a subject.
pub(crate) fn names_of(place: &str, names: &[String]) -> Result<Vec<String>, Error> {
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

fn is_plain(name: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    name.len() <= 64 && name.bytes().all(plain) && !name.contains("..")
}

/// The one that is named, else systemd's, else `state` beside the file.
fn state_folder(folder: &Path, named: Option<&Path>) -> PathBuf {
    let given = || given_folder("STATE_DIRECTORY").map(|given| given.join("certificates"));
    named.map(|named| folder.join(named)).or_else(given).unwrap_or_else(|| folder.join("state"))
}
