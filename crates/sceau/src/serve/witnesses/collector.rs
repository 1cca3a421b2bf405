use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use sceau_dossiers::Cosigned;
use sceau_element_api::Client;
use sceau_hsm::durable;
use sceau_store::Clock;
use sceau_trace::{Policy, PolicyError, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};

use super::ask::ask;
use super::outside::{Trouble, http};
use super::{TraceSettings, Turn};
use crate::failure::{Exit, Failure};

/// What the last checkpoint that a quorum cosigned is kept as, in the platform's folder.
const FILE: &str = "cosigned";

/// Asks the witnesses of a policy to cosign the log's checkpoints, and keeps the last one that a quorum cosigned.
pub(crate) struct Collector {
    element: Client,
    log: VerifierKey,
    policy: Policy,
    http: reqwest::Client,
    every: Duration,
    clock: Arc<dyn Clock>,
    file: PathBuf,
    /// The same, for the element.
    witness_file: Option<PathBuf>,
    cosigned: Cosigned,
    /// With the lines that came so far.
    current: Option<VerifiedCheckpoint>,
    witnesses: Vec<Standing>,
}

/// How it stands with one witness.
#[derive(Debug, Default)]
struct Standing {
    /// The size that it saw last, as far as is known.
    size: u64,
    trouble: Trouble,
}

impl Collector {
    /// One that begins with what is kept in `data`; none where the settings name no policy.
    ///
    /// # Errors
    /// A policy that cannot be used, or is of another log.
    pub(crate) fn open(
        settings: &TraceSettings,
        data: &Path,
        element: Client,
        log_key: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failure> {
        let Some(policy) = settings.policy()? else { return Ok(None) };
        let log = VerifierKey::parse(log_key).map_err(|error| Failure::role("element", &error))?;
        if !policy.speaks_of(&log) {
            let words = format!("trace.policy_file names other logs than this platform's: {log}");
            return Err(Failure::new(Exit::Usage, "policy", words));
        }
        let http = http(settings)?;
        let witnesses = policy.witnesses().iter().map(|_| Standing::default()).collect();
        let (every, file) = (settings.every(), data.join(FILE));
        let cosigned = Cosigned::under(policy.to_text());
        let witness_file = settings.witness_file.clone();
        let mut collector = Self {
            element,
            log,
            policy,
            http,
            every,
            clock,
            file,
            witness_file,
            cosigned,
            current: None,
            witnesses,
        };
        collector.recall();
        Ok(Some(collector))
    }

    /// Where what witnesses cosigned is found.
    pub(crate) fn cosigned(&self) -> Cosigned {
        self.cosigned.clone()
    }

    /// What was kept, if it still is this log's and meets the policy; a policy that changed begins anew.
    fn recall(&mut self) {
        let Ok(text) = std::fs::read_to_string(&self.file) else { return };
        let kept = SignedCheckpoint::parse(&text).and_then(|note| note.verify(&self.log));
        match kept.map(|kept| self.policy.judge(&kept).map(|_| kept)) {
            Ok(Ok(kept)) => {
                self.cosigned.show(kept.clone());
                self.current = Some(kept);
            }
            _ => {
                tracing::warn!(file = %self.file.display(), "what witnesses cosigned before is not this log's, or too little for the policy")
            }
        }
    }

    /// The log's last checkpoint, signed by the log alone.
    async fn newest(&self) -> Result<VerifiedCheckpoint, String> {
        let note = self.element.checkpoint().await.map_err(|error| error.to_string())?;
        let verified = SignedCheckpoint::parse(&note).and_then(|note| note.verify(&self.log));
        verified.and_then(|newest| newest.alone(&self.log)).map_err(|error| error.to_string())
    }

    /// Keeps and shows a checkpoint, once it meets the policy.
    fn keep(&self, current: &VerifiedCheckpoint) {
        match self.policy.judge(current) {
            Ok(_) => {}
            Err(error @ PolicyError::NoQuorum { .. }) => return tracing::debug!("{error}"),
            Err(error) => return tracing::warn!("{error}"),
        }
        for file in std::iter::once(&self.file).chain(&self.witness_file) {
            if let Err(error) = durable::write_public(file, current.note().to_string().as_bytes()) {
                tracing::warn!("what witnesses cosigned is not kept: {error}");
            }
        }
        self.cosigned.show(current.clone());
    }
}

impl Turn for Collector {
    fn every(&self) -> Duration {
        self.every
    }

    /// One round: the newest checkpoint, to each witness that has not cosigned it.
    async fn turn(&mut self) {
        let newest = match self.newest().await {
            Ok(newest) => newest,
            Err(why) => return tracing::warn!("witnesses are not asked: {why}"),
        };
        let current = self.current.take().filter(|current| current.note().text() == newest.note().text());
        let mut current = current.unwrap_or_else(|| newest.clone());
        let (http, element, policy) = (&self.http, &self.element, &self.policy);
        let now = self.clock.now_ms() / 1000;
        let asked = policy.witnesses().iter().zip(&mut self.witnesses).enumerate();
        let missing = asked.filter(|(_, (witness, _))| current.note().signature_of(&witness.key).is_err());
        let newest = &newest;
        let answers = join_all(missing.map(async |(number, (witness, standing))| {
            (number, ask(http, element, witness, newest, &mut standing.size, now).await)
        }))
        .await;
        let came = answers.iter().any(|(_, answer)| answer.is_ok());
        for (number, answer) in answers {
            let Some(witness) = self.policy.witnesses().get(number) else { continue };
            let trouble = match answer.map(|line| current.clone().with_cosignature_line(&line, &witness.key))
            {
                Ok(Ok(with)) => {
                    current = with;
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(standing) = self.witnesses.get_mut(number) {
                let witness = &*witness.name;
                let worse = |now: &str| tracing::warn!(witness, "a witness does not cosign: {now}");
                standing
                    .trouble
                    .told(trouble, worse, || tracing::info!(witness, "the witness cosigns again"));
            }
        }
        if came {
            self.keep(&current);
        }
        self.current = Some(current);
    }
}
