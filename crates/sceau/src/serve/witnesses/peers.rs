//! The logs of other elements: their checkpoints are brought to this one, which judges and records what it sees.

use std::time::Duration;

use futures::future::join_all;
use sceau_element_api::Client;
use sceau_element_api::wire::PeerLog;
use sceau_trace::{AddCheckpoint, Growth, GrowthStep, Hash, SignedCheckpoint, Tile, VerifierKey};
use serde::Deserialize;
use url::Url;

use super::outside::{Trouble, Unread, http, read_within};
use super::{TraceSettings, Turn};
use crate::failure::{Exit, Failure};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest checkpoint and tile that are read, in bytes.
const LONGEST: usize = 64 * 1024;

/// A log that is looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeerSettings {
    /// Where its checkpoint and tiles are (C2SP tlog-tiles): `https://other.example.org/trace`.
    url: Url,
    /// Its verifier key. The element is told the same, with `--peer-log`.
    key: String,
}

/// Brings what the logs of other elements show.
pub(crate) struct Peers {
    element: Client,
    http: reqwest::Client,
    every: Duration,
    peers: Vec<Peer>,
}

struct Peer {
    url: String,
    key: VerifierKey,
    trouble: Trouble,
}

impl Peers {
    /// None where the settings name no log.
    ///
    /// # Errors
    /// A key that is none.
    pub(crate) fn open(settings: &TraceSettings, element: Client) -> Result<Option<Self>, Failure> {
        let peers = settings.peers.iter().map(Peer::of).collect::<Result<Vec<_>, _>>()?;
        if peers.is_empty() {
            return Ok(None);
        }
        let every = Duration::from_secs(settings.peers_every_seconds);
        Ok(Some(Self { element, http: http(settings)?, every, peers }))
    }
}

impl Peer {
    fn of(settings: &PeerSettings) -> Result<Self, Failure> {
        let key = VerifierKey::parse(&settings.key).map_err(|error| {
            Failure::new(Exit::Usage, "settings", format!("a key of trace.peers: {error}"))
        })?;
        Ok(Self {
            url: settings.url.as_str().trim_end_matches('/').to_owned(),
            key,
            trouble: Trouble::default(),
        })
    }

    async fn bring(&self, element: &Client, http: &reqwest::Client, known: &[PeerLog]) -> Result<(), String> {
        let text = self.key.to_string();
        let of_element = known.iter().find(|peer| peer.key == text);
        let seen =
            of_element.ok_or("the element was not told of it: start it with --peer-log and its key")?;
        let note = self.fetch(http, "checkpoint").await?.ok_or("there is no log: it has no checkpoint")?;
        let note = String::from_utf8(note).map_err(|_| "its checkpoint is not text".to_owned())?;
        let checkpoint = SignedCheckpoint::parse(&note).map_err(|error| error.to_string())?;
        let shown = checkpoint.clone().verify(&self.key).map_err(|error| error.to_string())?;
        if shown.size() == seen.size && Some(shown.root()) == seen.root {
            return Ok(());
        }
        if shown.size() < seen.size {
            let (shown, seen) = (shown.size(), seen.size);
            return Err(format!(
                "it shows {shown} entries, and {seen} were seen: a copy that is late (a cache before it?), or its log went back"
            ));
        }
        // One that forks has no proof: the element says so, and has it on record.
        let proof = if seen.size == 0 || seen.size == shown.size() {
            Vec::new()
        } else {
            self.proof(http, seen.size, shown.size()).await?
        };
        let request = AddCheckpoint { old_size: seen.size, proof, checkpoint };
        element.see_checkpoint(request.to_string()).await.map(drop).map_err(|error| error.to_string())
    }

    /// That the log only grew, from its tiles: whatever they say, the element verifies it.
    async fn proof(&self, http: &reqwest::Client, old: u64, new: u64) -> Result<Vec<Hash>, String> {
        let mut growth = Growth::between(old, new);
        loop {
            match growth.step().map_err(|error| error.to_string())? {
                GrowthStep::Proven(proof) => return Ok(proof),
                GrowthStep::Wants(tile) => growth.take(tile, self.tile(http, &tile).await?),
            }
        }
    }

    async fn tile(&self, http: &reqwest::Client, tile: &Tile) -> Result<Vec<u8>, String> {
        for one in [*tile, tile.full()] {
            if let Some(bytes) = self.fetch(http, &one.to_string()).await? {
                return Ok(bytes);
            }
        }
        Err(format!("{tile} is missing"))
    }

    /// None where the server has no such thing.
    async fn fetch(&self, http: &reqwest::Client, path: &str) -> Result<Option<Vec<u8>>, String> {
        let words = |error: Unread| error.to_string();
        let sent = http.get(format!("{}/{path}", self.url)).timeout(PATIENCE);
        let answer = sent.send().await.map_err(|error| words(error.into()))?;
        match answer.status().as_u16() {
            200 => read_within(answer, LONGEST).await.map(Some).map_err(words),
            404 => Ok(None),
            status => Err(format!("it answers {status}")),
        }
    }

    /// One look, and what the log says of it.
    async fn look(&mut self, element: &Client, http: &reqwest::Client, known: &[PeerLog]) {
        let trouble = self.bring(element, http, known).await.err();
        let log = self.key.name();
        let worse = |now: &str| tracing::warn!(log, "the log of another element is not seen: {now}");
        self.trouble
            .told(trouble, worse, || tracing::info!(log, "the log of the other element is seen again"));
    }
}

impl Turn for Peers {
    fn every(&self) -> Duration {
        self.every
    }

    async fn turn(&mut self) {
        let known = match self.element.peers().await {
            Ok(known) => known,
            Err(error) => return tracing::warn!("no log of another element is looked at: {error}"),
        };
        // All at once: one that is slow keeps no other from being seen.
        let (element, http) = (&self.element, &self.http);
        join_all(self.peers.iter_mut().map(|peer| peer.look(element, http, &known))).await;
    }
}
