use std::time::{SystemTime, UNIX_EPOCH};

use sceau_hsm::{KeyKind, KeyLabel, Operations as _, Provider as _, SoftwareKeystore, durable};
use sceau_trace::{KeyKind as NoteKind, VerifierKey};
use serde_json::json;

use super::WitnessState;
use crate::failure::{Exit, Failure};
use crate::say;

/// The label of the witness's key in its keystore.
pub(super) const LABEL: &str = "witness";

/// A witness to make.
#[derive(Debug, clap::Args)]
pub(crate) struct InitOptions {
    #[command(flatten)]
    state: WitnessState,
    /// Name of the witness, under which its cosignatures stand: a domain of its operator and a path, without a scheme
    #[arg(long, value_name = "NAME")]
    name: String,
}

/// Makes it.
pub(super) fn run(options: &InitOptions) -> Result<(), Failure> {
    let state = &options.state;
    // Judged before anything is made.
    verifier(&options.name, [0; 32])?;
    let unlock = state.unlock()?;
    durable::secret_folder(&state.data)?;
    let keystore = SoftwareKeystore::create(&state.keystore(), &unlock)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or_default();
    let key = keystore.generate(KeyKind::Ed25519, &KeyLabel::new(LABEL)?, now)?;
    let public = verifier(&options.name, *keystore.verifying_key(&key)?.as_bytes())?;
    durable::secret_folder(&state.logs())?;
    // Last: a folder with this file is a whole witness.
    durable::write_public(&state.public_key(), format!("{public}\n").as_bytes())?;
    say::json(&json!({ "witness": public.name(), "key": public.to_string() }))
}

fn verifier(name: &str, public: [u8; 32]) -> Result<VerifierKey, Failure> {
    VerifierKey::new(name, NoteKind::Cosignature, public)
        .map_err(|error| Failure::new(Exit::Usage, "name", format!("--name: {error}")))
}
