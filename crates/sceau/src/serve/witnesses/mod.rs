//! Who watches over the platform's log: the section `[trace]` of the settings, and the loop that asks witnesses to cosign its checkpoints.

mod ask;
mod collector;

pub(super) use collector::Collector;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_trace::Policy;
use serde::Deserialize;

use crate::failure::{Exit, Failure};

/// Nobody, unless it names a policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TraceSettings {
    /// Which witnesses are asked, where, and how many of them must have cosigned (C2SP tlog-policy).
    policy_file: Option<PathBuf>,
    /// Authorities (PEM) of the witnesses' servers, in the place of the system's.
    ca_file: Option<PathBuf>,
    /// How long a new checkpoint may wait before witnesses are asked.
    every_seconds: u64,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self { policy_file: None, ca_file: None, every_seconds: 5 }
    }
}

impl TraceSettings {
    /// The paths that are written in it.
    pub(crate) fn paths(&self) -> [(&'static str, Option<&Path>); 2] {
        [("trace.policy_file", self.policy_file.as_deref()), ("trace.ca_file", self.ca_file.as_deref())]
    }

    /// What can be judged without asking anybody.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(1..=86_400).contains(&self.every_seconds) {
            return Err("trace.every_seconds is 1 to 86400".to_owned());
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
