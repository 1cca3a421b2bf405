//! The room's behaviours. `every_provider` runs over all providers; the rest is about the software keystore's files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests state what must hold

mod addresses_of_keys_are_read_whole;
mod certificates_at_rest;
mod every_provider;
mod holders_keys_in_tokens;
mod keys_move_into_tokens;
mod keys_stay_in_a_vault;
mod keys_stay_in_tokens;
mod keystore_files_are_bound_to_what_they_say;
mod keystores_in_tokens;
mod keystores_open_for_their_owner_only;
mod secrets_are_written_into_nothing_that_was_there;
mod token_stage;
mod tokens_on_bad_days;
mod vault_stage;

use std::path::Path;

use sceau_hsm::{KeyLabel, Passphrase, SoftwareKeystore, Unlock, write_new_credential};

/// 2026-11-20 12:00 UTC.
const NOW: u64 = 1_795_176_000_000;

fn label(text: &str) -> KeyLabel {
    KeyLabel::new(text).unwrap()
}

fn credential(folder: &Path) -> Unlock {
    let path = folder.join("credential");
    if !path.exists() {
        write_new_credential(&path).unwrap();
    }
    Unlock::Credential(path)
}

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Passphrase::new(text).unwrap())
}

/// A keystore under a credential, in a folder of its own.
fn keystore(folder: &Path) -> SoftwareKeystore {
    SoftwareKeystore::open_or_create(&folder.join("keystore"), &credential(folder)).unwrap()
}
