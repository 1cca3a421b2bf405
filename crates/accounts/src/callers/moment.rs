//! What judges callers at this moment, of the files as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sceau_hsm::{Files, KeptLists, Make};
use sceau_pki::{
    Anchors, CallerJudge, Certificate, ChainJudge, Fingerprint, TlsIdentity, server_config_asking,
};
use sceau_store::Clock;
use tokio_rustls::rustls::ServerConfig;

use super::{CallerSettings, Demand, ReadSettings};

/// Everything that a request is judged by.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) judge: CallerJudge,
    pub(super) demand: Demand,
    /// Of connections that begin now: it names the anchors to those who choose among several certificates.
    pub(super) config: Option<Arc<ServerConfig>>,
}

/// Why callers cannot be judged by what the files say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The settings.
    #[error("{0}")]
    Settings(String),
    /// A file.
    #[error("{path}: {cause}")]
    File {
        /// It.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What is in it.
    #[error("{0}")]
    Certificates(#[from] sceau_pki::Error),
    /// The issuer that is asked for is not one certificate.
    #[error("{0}: one certificate is needed, of the authority that issues clients")]
    Issuer(PathBuf),
    /// A list.
    #[error(transparent)]
    Lists(#[from] sceau_hsm::Error),
}

/// What a listener shows: the same configuration as long as it names the same authorities, so that sessions are resumed.
struct Shown {
    identity: TlsIdentity,
    last: Mutex<Option<(Vec<Fingerprint>, Arc<ServerConfig>)>>,
}

impl Shown {
    fn config(
        &self,
        chain: &ChainJudge,
        named: &[&Vec<Certificate>],
    ) -> Result<Arc<ServerConfig>, sceau_pki::Error> {
        let named: Vec<_> = named.iter().copied().flatten().map(Certificate::fingerprint).collect();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = last.as_ref().filter(|(before, _)| *before == named) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(server_config_asking(&self.identity, &[chain.anchors()])?);
        *last = Some((named, Arc::clone(&config)));
        Ok(config)
    }
}

/// Makes the moments, one after the other: a list that was in use stays until a newer one of its kind is there.
pub(super) fn maker(
    settings: ReadSettings,
    identity: Option<TlsIdentity>,
    clock: Arc<dyn Clock>,
) -> Make<Moment, Unusable> {
    let kept = KeptLists::default();
    let shown = identity.map(|identity| Shown { identity, last: Mutex::default() });
    Box::new(move |files| {
        let CallerSettings { anchors, intermediates, issuer, lists, names, demand } =
            settings(files).map_err(Unusable::Settings)?;
        let trusted = certificates(files, &anchors)?;
        let between = certificates(files, &intermediates)?;
        let issuer =
            issuer.map(|path| only(certificates(files, std::slice::from_ref(&path))?, path)).transpose()?;
        let anchors = Anchors::new(trusted.iter().cloned())?;
        let mut chain = ChainJudge::new(anchors).with_intermediates(&between);
        if let Some(issuer) = issuer {
            chain = chain.issued_by(issuer.subject().clone());
        }
        let config = shown.as_ref().map(|shown| shown.config(&chain, &[&trusted, &between])).transpose()?;
        if !lists.is_empty() {
            let told = |error: &sceau_hsm::Error| {
                tracing::warn!(%error, "a revocation list cannot be used; the one before stays in force");
            };
            let authorities = [trusted, between].concat();
            chain = chain.asking(kept.newest(files, &lists, authorities, clock.now_ms(), told)?);
        }
        let judge = CallerJudge::new(chain);
        let judge = names.into_iter().fold(judge, CallerJudge::permitting);
        Ok(Moment { judge, demand, config })
    })
}

fn certificates(files: &mut Files, paths: &[PathBuf]) -> Result<Vec<Certificate>, Unusable> {
    let mut all = Vec::new();
    for path in paths {
        let text = String::from_utf8_lossy(&read(files, path)?).into_owned();
        all.extend(Certificate::all_from_pem(&text, &path.display().to_string())?);
    }
    Ok(all)
}

fn only(found: Vec<Certificate>, path: PathBuf) -> Result<Certificate, Unusable> {
    <[Certificate; 1]>::try_from(found).map(|[one]| one).map_err(|_| Unusable::Issuer(path))
}

fn read(files: &mut Files, path: &Path) -> Result<Vec<u8>, Unusable> {
    files.note(path);
    fs::read(path).map_err(|cause| Unusable::File { path: path.to_owned(), cause })
}
