//! `sceau keyring suspend`, `resume` and `destroy`.

use sceau_client::keyring::{Actor, FileKey, destroy as ended, resume as resumed, suspend as suspended};
use sceau_client::{ClientError, Server};
use sceau_element_api::KeyringId;
use sceau_element_api::keyring::{DestroyReason, KeyringsAbout, ResumeReason, SuspendReason};
use sceau_keyring::Stopped;
use serde_json::json;

use super::{ActorOptions, PinnedElement, PlatformOptions, wait_for};
use crate::failure::Failure;
use crate::say;

const SUSPEND_EXAMPLES: &str = "\
Examples:
  sceau keyring suspend KEYRING --reason lost --at https://sceau.example.org \\
      --element element.json --certificate ra.pem --key ra.key

Reasons: lost, suspected, requested, entitlement. From then on it signs nothing, and no PIN is tried: its terminal says why. Only the registration authority that made \
it lets it go on; a holder suspends with `sceau terminal suspend`.";

const RESUME_EXAMPLES: &str = "\
Examples:
  sceau keyring resume KEYRING --reason found --at https://sceau.example.org \\
      --element element.json --certificate ra.pem --key ra.key

Reasons: found, unfounded, requested, entitlement. It goes on where it stood.";

const DESTROY_EXAMPLES: &str = "\
Examples:
  sceau keyring destroy KEYRING --reason compromised --at https://sceau.example.org \\
      --element element.json --certificate ra.pem --key ra.key

Reasons: lost, compromised, requested, entitlement, replaced. Nothing brings it back; the log proves when it ended. What stays sealed in the element's journal is \
said in docs/what-is-encrypted.md. A holder destroys theirs with `sceau terminal destroy`.";

/// Which keyring, and by whom.
#[derive(Debug, clap::Args)]
struct StopOptions {
    /// The keyring
    #[arg(value_name = "KEYRING")]
    keyring: KeyringId,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

/// Stop it.
#[derive(Debug, clap::Args)]
#[command(after_help = SUSPEND_EXAMPLES)]
pub(crate) struct SuspendOptions {
    /// Why
    #[arg(long, value_name = "REASON")]
    reason: SuspendReason,
    #[command(flatten)]
    stop: StopOptions,
}

/// Let it go on.
#[derive(Debug, clap::Args)]
#[command(after_help = RESUME_EXAMPLES)]
pub(crate) struct ResumeOptions {
    /// Why
    #[arg(long, value_name = "REASON")]
    reason: ResumeReason,
    #[command(flatten)]
    stop: StopOptions,
}

/// End it.
#[derive(Debug, clap::Args)]
#[command(after_help = DESTROY_EXAMPLES)]
pub(crate) struct DestroyOptions {
    /// Why
    #[arg(long, value_name = "REASON")]
    reason: DestroyReason,
    #[command(flatten)]
    stop: StopOptions,
}

pub(super) fn suspend(options: &SuspendOptions) -> Result<(), Failure> {
    options.stop.act(async |actor, keyring| suspended(actor, keyring, options.reason).await)
}

pub(super) fn resume(options: &ResumeOptions) -> Result<(), Failure> {
    options.stop.act(async |actor, keyring| resumed(actor, keyring, options.reason).await)
}

pub(super) fn destroy(options: &DestroyOptions) -> Result<(), Failure> {
    options.stop.act(async |actor, keyring| ended(actor, keyring, options.reason).await)
}

impl StopOptions {
    fn act(
        &self,
        act: impl AsyncFnOnce(&Actor<'_, Server>, KeyringId) -> Result<Stopped, ClientError>,
    ) -> Result<(), Failure> {
        let (signer, element): (FileKey, KeyringsAbout) = (self.actor.signer()?, self.element.read()?);
        let server = self.platform.server()?;
        let actor = Actor { carrier: &server, element: &element, key: &signer };
        let Stopped { phase, index } = wait_for(act(&actor, self.keyring))?;
        say::json(&json!({"keyring": self.keyring, "phase": phase, "index": index}))
    }
}
