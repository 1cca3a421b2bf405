//! Which profile: one that the program brings along, by its name, or a file.

use std::path::Path;

use sceau_pki::{ClientNaming, Environment, Profile};

use super::fault;
use crate::command::input::read_small;
use crate::failure::Failure;

/// A profile is a page or two.
const LONGEST: u64 = 1 << 20;

/// Reads the profile of this name, or of this path: what has a slash or ends in `.toml` is a path.
pub(super) fn named(text: &str) -> Result<Profile, Failure> {
    if !text.contains('/') && !text.ends_with(".toml") {
        return Profile::shipped(text).ok_or_else(|| {
            let known: Vec<_> = Profile::shipped_names().collect();
            let words = format!(
                "there is no profile {text:?}: there is {}, or give a file, ./mine.toml",
                known.join(", ")
            );
            fault::usage("no_such_profile", words)
        });
    }
    let bytes = read_small(Path::new(text), LONGEST, "a profile")?;
    Profile::read(&String::from_utf8_lossy(&bytes)).map_err(|error| fault::profile(&error, text))
}

/// The names of the publisher's own certificate for an environment, `test` as well as `recette`.
pub(super) fn naming(profile: &Profile, env: &str, editor: &str) -> Result<ClientNaming, Failure> {
    let naming = profile.client(env).ok_or_else(|| {
        let ids: Vec<_> = profile.clients.iter().map(|client| client.id.as_str()).collect();
        let words = format!(
            "the profile {} has no certificate for {env:?}: --env takes {}",
            profile.name,
            ids.join(", ")
        );
        fault::usage("no_such_environment", words)
    })?;
    naming.of(editor).map_err(|error| fault::profile(&error, &profile.name))
}

/// The environment of the platform, `recette`.
pub(super) fn environment<'a>(profile: &'a Profile, env: &str) -> Result<&'a Environment, Failure> {
    profile.environment(env).ok_or_else(|| {
        let ids: Vec<_> = profile.environments.iter().map(|one| one.id.as_str()).collect();
        let words = format!(
            "the profile {} has no environment {env:?}: --env takes {}",
            profile.name,
            ids.join(", ")
        );
        fault::usage("no_such_environment", words)
    })
}
