//! `[observe]`, as it is written and as it is meant.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use hyper::{Uri, http::uri::Scheme};
use serde::Deserialize;

use super::{
    access_log::AccessLog,
    exporter::{self, Exporter},
    ledger::Ledger,
    trail::Told,
};
use crate::{door::At, error::Error, files::may_be_written};

/// How long the end of a gate may wait for what is told of it.
const FAREWELL: Duration = Duration::from_secs(3);
/// Of a socket: its owner's and its group's.
const MODE: u32 = 0o660;

/// As the file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObserveTable {
    address: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    access_log: Option<PathBuf>,
    #[serde(default)]
    queries: bool,
    traces: Option<String>,
}

/// What is to be seen, and where.
#[derive(Debug)]
pub(crate) struct Observing {
    pub(crate) at: Option<At>,
    /// By which names it may be asked, besides `localhost` and addresses.
    pub(crate) names: Vec<String>,
    access_log: Option<PathBuf>,
    queries: bool,
    collector: Option<Uri>,
    sinks: OnceLock<Sinks>,
}

/// Where requests that ended are told.
#[derive(Debug, Default)]
struct Sinks {
    access_log: Option<AccessLog>,
    exporter: Option<Exporter>,
}

impl Observing {
    pub(crate) fn read(folder: &Path, table: &ObserveTable) -> Result<Self, Error> {
        let at = table.address.as_deref().map(|text| at(folder, text)).transpose()?;
        if let Some(At::Tcp(address)) = at
            && !address.ip().is_loopback()
            && table.names.is_empty()
        {
            let reason = "others can look from there: write a loopback address, or `names` by which they ask";
            return Err(Error::setting("observe, address", reason));
        }
        let log = table.access_log.as_deref();
        let access_log = log.map(|path| if path == Path::new("-") { path.into() } else { folder.join(path) });
        let collector = table.traces.as_deref().map(collector).transpose()?;
        let (names, queries) = (table.names.clone(), table.queries);
        Ok(Self { at, names, access_log, queries, collector, sinks: OnceLock::new() })
    }

    /// The same as before where nothing of it changed: what waits to be written stays in its queue.
    pub(crate) fn after(self, before: Option<&Arc<Self>>) -> Arc<Self> {
        let is_same = |before: &&Arc<Self>| {
            let of = |it: &Self| {
                (it.at.clone(), it.names.clone(), it.access_log.clone(), it.queries, it.collector.clone())
            };
            of(before) == of(&self)
        };
        before.filter(is_same).map_or_else(|| Arc::new(self), Arc::clone)
    }

    /// Opens what requests are told to.
    ///
    /// # Errors
    /// [`Error::File`] of a log that cannot be written.
    pub(crate) fn arm(&self, ledger: &Ledger) -> Result<(), Error> {
        if self.sinks.get().is_some() {
            return Ok(());
        }
        let log = self.access_log.as_deref().map(|path| {
            let opened = AccessLog::open(path, self.queries, Arc::clone(&ledger.lost_lines));
            opened.map_err(|cause| of_log(path, cause))
        });
        let exporter = self.collector.clone().map(|uri| Exporter::start(uri, Arc::clone(&ledger.spans)));
        drop(self.sinks.set(Sinks { access_log: log.transpose()?, exporter }));
        Ok(())
    }

    /// Looks whether [`Self::arm`] could open the log, and opens nothing.
    ///
    /// # Errors
    /// As [`Self::arm`].
    pub(crate) fn rehearse(&self) -> Result<(), Error> {
        match self.access_log.as_deref().filter(|path| *path != Path::new("-")) {
            Some(path) => may_be_written(path).map_err(|cause| of_log(path, cause)),
            None => Ok(()),
        }
    }

    /// Whether requests are part of traces.
    pub(crate) fn traces(&self) -> bool {
        self.collector.is_some()
    }

    /// Whether requests are told at all, or only counted.
    pub(crate) fn tells(&self) -> bool {
        self.access_log.is_some() || self.collector.is_some()
    }

    /// Tells of a request that ended; never waits.
    pub(crate) fn tell(&self, told: Told) {
        let Some(sinks) = self.sinks.get() else { return };
        let told = Arc::new(told);
        if let Some(log) = &sinks.access_log {
            log.note(Arc::clone(&told));
        }
        if let Some(exporter) = sinks.exporter.as_ref().filter(|_| told.span.is_some_and(|span| span.sampled))
        {
            exporter.note(told);
        }
    }

    /// The last requests are told: waits for that, within bounds.
    pub(crate) async fn finish(&self) {
        let Some(sinks) = self.sinks.get() else { return };
        let flushed = async {
            if let Some(log) = &sinks.access_log {
                log.flush().await;
            }
            if let Some(exporter) = &sinks.exporter {
                exporter.flush().await;
            }
        };
        drop(tokio::time::timeout(FAREWELL, flushed).await);
    }

    /// Whoever keeps logs moved the file away.
    pub(crate) fn reopen(&self) {
        if let Some(log) = self.sinks.get().and_then(|sinks| sinks.access_log.as_ref()) {
            log.reopen();
        }
    }
}

fn of_log(path: &Path, cause: io::Error) -> Error {
    Error::File { setting: "observe, access_log".to_owned(), path: path.display().to_string(), cause }
}

fn at(folder: &Path, text: &str) -> Result<At, Error> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(At::Unix(folder.join(path), MODE));
    }
    let address = text.parse().map(At::Tcp);
    address.map_err(|_| Error::setting("observe, address", "write it 127.0.0.1:9464 or unix:/path"))
}

fn collector(text: &str) -> Result<Uri, Error> {
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.scheme() == Some(&Scheme::HTTP));
    let uri = uri.filter(|uri| uri.query().is_none() && !text.contains('@'));
    let traces = uri.and_then(|_| format!("{}{}", text.trim_end_matches('/'), exporter::PATH).parse().ok());
    traces.ok_or_else(|| Error::setting("observe, traces", "write it http://127.0.0.1:4318"))
}
