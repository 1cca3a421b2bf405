//! When the certificates that a file names end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sceau_pki::Certificate;

use crate::{
    error::Error,
    files::certificates,
    guard::Guard,
    settings::{Settings, TlsTable},
};

/// A certificate, and what it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dated {
    /// Which setting names it: `listener 1, certificate` or `clients.x, anchors`.
    pub(crate) setting: String,
    pub(crate) subject: String,
    pub(crate) serial: String,
    /// Unix milliseconds.
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
}

/// Those of the gate's own, and those of authorities that it knows, in the order of the file.
pub(crate) fn dated(folder: &Path, settings: &Settings, guards: &[Arc<Guard>]) -> Result<Vec<Dated>, Error> {
    let mut named: Vec<(String, &[PathBuf])> = Vec::new();
    for (at, listener) in settings.listener.iter().enumerate() {
        let setting = format!("listener {}", at + 1);
        named.push((format!("{setting}, certificate"), listener.certificate.as_slice()));
        for (at, route) in listener.route.iter().enumerate() {
            named.extend(of_tls(&format!("{setting}, route {}", at + 1), route.tls.as_ref()));
        }
    }
    for (at, outgoing) in settings.outgoing.iter().enumerate() {
        named.extend(of_tls(&format!("outgoing {}", at + 1), outgoing.tls.as_ref()));
    }
    let mut all = Vec::new();
    for (setting, paths) in named {
        let read = certificates(folder, paths, &setting)?;
        all.extend(read.iter().map(|certificate| Dated::of(&setting, certificate)));
    }
    for guard in guards {
        for (certificate, is_anchor) in guard.authorities() {
            let setting = if is_anchor { "anchors" } else { "intermediates" };
            all.push(Dated::of(&format!("clients.{}, {setting}", guard.name()), certificate));
        }
    }
    Ok(all)
}

/// What is shown to services and partners, and whom they must be of.
fn of_tls<'a>(table: &str, tls: Option<&'a TlsTable>) -> Vec<(String, &'a [PathBuf])> {
    let Some(tls) = tls else { return Vec::new() };
    let both = [("certificate", &tls.certificate), ("authority", &tls.authority)];
    let named = both.into_iter().filter_map(|(setting, path)| Some((setting, path.as_ref()?)));
    named.map(|(setting, path)| (format!("{table}, tls.{setting}"), std::slice::from_ref(path))).collect()
}

impl Dated {
    pub(crate) fn of(setting: &str, certificate: &Certificate) -> Self {
        Self {
            setting: setting.to_owned(),
            subject: certificate.subject().to_string(),
            serial: certificate.serial(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }

    /// Whole days that are left at `now` (Unix milliseconds); below nought where it ended.
    pub(crate) fn days_left(&self, now: u64) -> i64 {
        const DAY: i64 = 86_400_000;
        let [end, now] = [self.not_after, now].map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        end.saturating_sub(now).div_euclid(DAY)
    }
}
