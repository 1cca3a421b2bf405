//! One examination: an antivirus first, then the record of the intent, then the key and the ciphertext, at a pace that holds up nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sceau_element_api::wire::RecordDraft;
use sceau_store::Verdict;
use sceau_trace::Action;
use zeroize::Zeroizing;

use super::{About, Ended, ScannerSettings, Scans, process};
use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::release::{Failure, Permitted};

/// How long an examination may take, from the first byte.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// One document on its way to a verdict.
pub(super) struct Examination {
    pub(super) manager: KeyManager,
    pub(super) permitted: Arc<Permitted>,
    pub(super) token: Zeroizing<String>,
    pub(super) draft: RecordDraft,
    pub(super) about: About,
    pub(super) settings: ScannerSettings,
}

impl Examination {
    pub(super) async fn run(&self) -> Ended {
        tokio::time::timeout(LONGEST, self.examine()).await.unwrap_or(Err(Denial::ScannerFailed))
    }

    /// The antivirus first, then the record of the intent, then the key: without an antivirus no key is used.
    async fn examine(&self) -> Ended {
        let scans = self.manager.scans();
        let _place = scans.place(self.about.0).await.map_err(|_| Denial::ScannerFailed)?;
        let (process, antivirus) = self.start(scans).await?;
        let draft = match &antivirus {
            Some(antivirus) => self.draft.clone().detail("antivirus", antivirus.as_str()),
            None => self.draft.clone(),
        };
        let journal = self.manager.journal();
        journal.append(draft.clone()).await.map_err(broken)?;
        let ended = self.stream(process).await;
        // What was found is not said here: everyone reads the details. The page says it, and an exception keeps it sealed.
        let draft = RecordDraft { action: Action::SCAN_OUTCOME, ..draft };
        let outcome = match &ended {
            Ok(Verdict::Clean) => draft.granted().detail("verdict", "clean"),
            Ok(Verdict::Infected { .. }) => draft.granted().detail("verdict", "infected"),
            Err(denial) => draft.refused(denial.code()),
        };
        journal.append(outcome).await.map_err(broken)?;
        if let Ok(verdict) = &ended {
            scans.keep(self.about, verdict.clone(), antivirus, self.manager.now());
        }
        ended
    }

    /// A process that is confined, or that the organisation lets work without.
    async fn start(&self, scans: &Scans) -> Result<(process::Process, Option<String>), Denial> {
        let process::Started { process, antivirus, confined } = process::start(&self.settings).await?;
        scans.unconfined.store(!confined, Ordering::Relaxed);
        if confined {
            return Ok((process, antivirus));
        }
        if !self.settings.allow_unconfined {
            tracing::error!(
                "the scanning process could not be confined: nothing is examined; see allow_unconfined"
            );
            return Err(Denial::ScannerUnconfined);
        }
        tracing::warn!("the scanning process runs without its filter of system calls, as the policy allows");
        Ok((process, antivirus))
    }

    async fn stream(&self, mut process: process::Process) -> Ended {
        let Permitted { file, header, .. } = &*self.permitted;
        let link = self.manager.link().ok_or(Denial::NotConnected)?;
        let cek = self.manager.open_stanza(&self.permitted).map_err(|failure| match failure {
            Failure::Denied(denial) => denial,
            Failure::Broken(error) => broken(error),
        })?;
        let mut fed = process.begin(&cek, header.as_bytes(), file.parts).await;
        drop(cek);
        let session = link.machine.server().with_bearer(self.token.to_string());
        let mut hasher = header.hasher();
        // The platform's own time only: a slow antivirus is not its fault.
        let mut patience = self.settings.patience_for(file.size);
        for index in 0..file.parts {
            let path = format!("/v1/reading/{}/files/{}/parts/{index}", self.about.0, file.file_id);
            let asked = Instant::now();
            let part = tokio::time::timeout(patience, session.get_bytes(&path)).await;
            let part = part.map_err(|_| Denial::PlatformTooSlow)?.map_err(of_platform)?;
            patience = patience.saturating_sub(asked.elapsed());
            hasher.part(&part);
            // What it says when it stops taking bytes is read below.
            if fed.is_ok() {
                fed = process.feed(&part).await;
            }
        }
        if hasher.finish().as_bytes() != file.envelope_hash.as_bytes() {
            return Err(Denial::DocumentAltered);
        }
        let (verdict, size) = process.verdict().await?;
        if fed.is_err() || size != file.size {
            return Err(Denial::DocumentAltered);
        }
        Ok(verdict)
    }
}

fn broken(error: crate::Error) -> Denial {
    tracing::error!(%error, "an examination could not go on");
    Denial::ScannerFailed
}

/// The page's session has ended, or the platform is away.
fn of_platform(error: sceau_client::ClientError) -> Denial {
    match error {
        sceau_client::ClientError::Refused { code, .. } => Denial::Platform(code),
        _ => Denial::PlatformAway,
    }
}
