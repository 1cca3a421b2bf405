//! Time stamps of the log's checkpoints (RFC 3161): asked for, verified before anything is kept, and put into evidence that is given out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::CONTENT_TYPE;
use sceau_dossiers::Cosigned;
use sceau_element_api::Client;
use sceau_hsm::durable;
use sceau_pki::{Anchors, Certificate, StampRequest, TimeStamp};
use sceau_store::Clock;
use sceau_trace::{SignedCheckpoint, VerifiedCheckpoint, VerifierKey};
use serde::{Deserialize, Serialize};
use url::Url;

use super::outside::{Trouble, Unread, http, read_within};
use super::{TraceSettings, Turn};
use crate::failure::{Exit, Failure};

/// What the last checkpoint that was stamped is kept as, in the platform's folder.
const FILE: &str = "stamped";
/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_secs(60);
/// How long an authority may take, and the longest answer that is read, in bytes.
const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST: usize = 64 << 10;
const HOUR: u64 = 3600 * 1000;

/// The table `[trace.stamps]`: what an authority says is verified before it is kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StampSettings {
    /// An authority of time stamps (RFC 3161).
    authority: Url,
    /// Certificates (PEM) of the roots that vouch for it.
    pub(super) anchors: PathBuf,
    /// How often it is asked.
    #[serde(default = "a_day")]
    pub(super) every_hours: u64,
}

fn a_day() -> u64 {
    24
}

/// Has an authority stamp the log's checkpoints, from time to time.
pub(crate) struct Stamper {
    element: Client,
    log: VerifierKey,
    http: reqwest::Client,
    authority: Url,
    anchors: Anchors,
    every: u64,
    clock: Arc<dyn Clock>,
    file: PathBuf,
    shown: Cosigned,
    /// When the last one was stamped, and of what size (Unix milliseconds).
    last: Option<(u64, u64)>,
    trouble: Trouble,
}

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    checkpoint: String,
    token: String,
}

impl Stamper {
    /// One that begins with what is kept in `data`; none where the settings name no authority.
    ///
    /// # Errors
    /// An address or anchors that cannot be used.
    pub(crate) fn open(
        settings: &TraceSettings,
        data: &Path,
        element: Client,
        log_key: &str,
        shown: Cosigned,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failure> {
        let Some(StampSettings { authority, anchors: path, every_hours }) = &settings.stamps else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))?;
        let anchors = Anchors::from_pem(&text, &path.display().to_string());
        let anchors = anchors.map_err(|error| {
            Failure::new(Exit::Usage, "settings", format!("trace.stamps.anchors: {error}"))
        })?;
        // The certificates anew: whatever else stands in that file is nobody's business.
        shown.show_stamp_anchors(&anchors.certificates().iter().map(Certificate::to_pem).collect::<String>());
        let log = VerifierKey::parse(log_key).map_err(|error| Failure::role("element", &error))?;
        let mut stamper = Self {
            element,
            log,
            http: http(settings)?,
            authority: authority.clone(),
            anchors,
            every: every_hours.saturating_mul(HOUR),
            clock,
            file: data.join(FILE),
            shown,
            last: None,
            trouble: Trouble::default(),
        };
        stamper.recall();
        Ok(Some(stamper))
    }

    /// The last checkpoint that witnesses cosigned, or the newest. A log that did not grow is not stamped anew.
    async fn stamp(&mut self, now: u64) -> Result<(), String> {
        let checkpoint = match self.shown.latest() {
            Some(cosigned) => (*cosigned).clone(),
            None => {
                let note = self.element.checkpoint().await.map_err(|error| error.to_string())?;
                let signed = SignedCheckpoint::parse(&note).and_then(|note| note.verify(&self.log));
                signed.map_err(|error| error.to_string())?
            }
        };
        if self.last.is_some_and(|(_, size)| size == checkpoint.size()) {
            return Ok(());
        }
        let imprint = checkpoint.imprint(&self.log).map_err(|error| error.to_string())?;
        let request = StampRequest::new(*imprint.as_bytes(), sceau_crypto::random::<16>());
        let answer = self.ask(request.to_der()).await?;
        // Before anything is kept: nonce, hash, signature, the authority's certificate, and a time of now.
        let stamp = request.judge(&answer, &self.anchors, now).map_err(|error| error.to_string())?;
        self.keep(&checkpoint, &stamp);
        Ok(())
    }

    async fn ask(&self, query: Vec<u8>) -> Result<Vec<u8>, String> {
        let words = |error: Unread| error.to_string();
        let sent = self.http.post(self.authority.clone()).timeout(PATIENCE);
        let sent = sent.header(CONTENT_TYPE, "application/timestamp-query").body(query);
        let answer = sent.send().await.map_err(|error| words(error.into()))?;
        match answer.status().as_u16() {
            200 => read_within(answer, LONGEST).await.map_err(words),
            status => Err(format!("it answers {status}")),
        }
    }

    fn keep(&mut self, checkpoint: &VerifiedCheckpoint, stamp: &TimeStamp) {
        let token = STANDARD.encode(&stamp.token);
        let kept = Kept { checkpoint: checkpoint.note().to_string(), token: token.clone() };
        let written = serde_json::to_vec(&kept).map_err(|error| error.to_string());
        let written = written
            .and_then(|bytes| durable::write_public(&self.file, &bytes).map_err(|error| error.to_string()));
        if let Err(error) = written {
            tracing::warn!("the time stamp of the log's checkpoint is not kept: {error}");
        }
        self.shown.show_stamped(checkpoint.clone(), token);
        self.last = Some((stamp.time, checkpoint.size()));
    }

    /// What was kept, if it still holds.
    fn recall(&mut self) {
        let Ok(bytes) = std::fs::read(&self.file) else { return };
        match self.kept(&bytes) {
            Some((checkpoint, token, stamp)) => {
                self.last = Some((stamp.time, checkpoint.size()));
                self.shown.show_stamped(checkpoint, token);
            }
            None => {
                tracing::warn!(file = %self.file.display(), "the time stamp that was kept is not of this log, or does not hold under trace.stamps.anchors")
            }
        }
    }

    fn kept(&self, bytes: &[u8]) -> Option<(VerifiedCheckpoint, String, TimeStamp)> {
        let kept: Kept = serde_json::from_slice(bytes).ok()?;
        let checkpoint = SignedCheckpoint::parse(&kept.checkpoint).and_then(|note| note.verify(&self.log));
        let checkpoint = checkpoint.ok()?;
        let imprint = checkpoint.imprint(&self.log).ok()?;
        let token = STANDARD.decode(&kept.token).ok()?;
        let stamp = TimeStamp::verify(&token, imprint.as_bytes(), &self.anchors).ok()?;
        Some((checkpoint, kept.token, stamp))
    }
}

impl Turn for Stamper {
    fn every(&self) -> Duration {
        LOOK
    }

    async fn turn(&mut self) {
        let now = self.clock.now_ms();
        if self.last.is_some_and(|(time, _)| now < time.saturating_add(self.every)) {
            return;
        }
        let trouble = self.stamp(now).await.err();
        let authority = &self.authority;
        let worse = |now: &str| tracing::warn!(%authority, "the log's checkpoint is not stamped: {now}");
        self.trouble.told(trouble, worse, || tracing::info!(%authority, "checkpoints are stamped again"));
    }
}
