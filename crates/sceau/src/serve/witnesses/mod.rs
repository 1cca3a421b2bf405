//! Who watches over the platform's log: the section `[trace]` of the settings, and the turns in which witnesses cosign its checkpoints, an authority stamps
//! them, and other logs' are brought to the element.

mod ask;
mod collector;
mod outside;
mod peers;
mod stamps;

pub(super) use collector::Collector;
pub(super) use peers::Peers;
pub(super) use stamps::Stamper;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_trace::Policy;
use serde::Deserialize;

use crate::failure::{Exit, Failure};

/// What is done over and over.
pub(super) trait Turn: Send {
    /// How long to wait before it is done again.
    fn every(&self) -> Duration;

    /// Does it once.
    fn turn(&mut self) -> impl Future<Output = ()> + Send;
}

/// Does it until told to stop.
pub(super) async fn at_turns(mut doing: impl Turn, mut stopped: tokio::sync::watch::Receiver<bool>) {
    let mut turns = tokio::time::interval(doing.every());
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            _ = turns.tick() => {}
        }
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = doing.turn() => {}
        }
    }
}

/// Witnesses, an authority of time stamps, other logs: each asked where the section names it, and else nobody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TraceSettings {
    /// Which witnesses are asked, where, and how many of them must have cosigned (C2SP tlog-policy).
    policy_file: Option<PathBuf>,
    /// Authorities (PEM) of the witnesses' servers, in the place of the system's.
    ca_file: Option<PathBuf>,
    /// Where the last checkpoint that met the policy is kept for the element, which reads it at its start (`--witness-file`).
    witness_file: Option<PathBuf>,
    /// How long a new checkpoint may wait before witnesses are asked.
    every_seconds: u64,
    /// Who stamps checkpoints; nobody without it.
    stamps: Option<stamps::StampSettings>,
    /// The logs of other elements, which this platform's records that it saw.
    peers: Vec<peers::PeerSettings>,
    /// How often these are looked at.
    peers_every_seconds: u64,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            policy_file: None,
            ca_file: None,
            witness_file: None,
            every_seconds: 5,
            stamps: None,
            peers: Vec::new(),
            peers_every_seconds: 300,
        }
    }
}

impl TraceSettings {
    /// The paths that are written in it.
    pub(crate) fn paths(&self) -> [(&'static str, Option<&Path>); 4] {
        [
            ("trace.policy_file", self.policy_file.as_deref()),
            ("trace.ca_file", self.ca_file.as_deref()),
            ("trace.witness_file", self.witness_file.as_deref()),
            ("trace.stamps.anchors", self.stamps.as_ref().map(|stamps| &*stamps.anchors)),
        ]
    }

    /// What can be judged without asking anybody.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(1..=86_400).contains(&self.every_seconds) {
            return Err("trace.every_seconds is 1 to 86400".to_owned());
        }
        if self.stamps.as_ref().is_some_and(|stamps| !(1..=8760).contains(&stamps.every_hours)) {
            return Err("trace.stamps.every_hours is 1 to 8760".to_owned());
        }
        if !(1..=86_400).contains(&self.peers_every_seconds) {
            return Err("trace.peers_every_seconds is 1 to 86400".to_owned());
        }
        Ok(())
    }

    fn every(&self) -> Duration {
        Duration::from_secs(self.every_seconds)
    }

    /// The policy, where there is one; each of its witnesses has an address.
    fn policy(&self) -> Result<Option<Policy>, Failure> {
        let Some(path) = &self.policy_file else { return Ok(None) };
        let unusable = |why: String| {
            Failure::new(
                Exit::Usage,
                "policy",
                format!("the policy {} cannot be used: {why}", path.display()),
            )
        };
        let text = std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))?;
        let policy = Policy::parse(&text).map_err(|error| unusable(error.to_string()))?;
        match policy.witnesses().iter().find(|witness| witness.url.is_none()) {
            Some(witness) => Err(unusable(format!("it says no address for the witness {}", witness.name))),
            None => Ok(Some(policy)),
        }
    }
}
