//! `sceau protect`, `unprotect`, `grant`, `revoke`, `rules`, `renew`, `agree`, `erase`, `accesses`: files under keys that an application asks the element for.

mod agree;
mod application;
mod contents;
pub(super) mod erase;
mod files;
mod owner;
mod provider_keys;
mod renew;
mod rules;

pub(super) use agree::{AgreeOptions, agree};
pub(super) use erase::{EraseOptions, erase};
pub(super) use files::{ProtectOptions, UnprotectOptions, protect, unprotect};
pub(super) use owner::{AccessesOptions, GrantOptions, RevokeOptions, accesses, grant, revoke};
pub(super) use provider_keys::{ProviderKeysOptions, provider_keys};
pub(super) use renew::{RenewOptions, renew};
pub(super) use rules::{RulesOptions, rules};

use std::future::Future;
use std::path::{Path, PathBuf};

use sceau_client::protect::{Application, User};
use sceau_element_api::protect::{Grantee, IdToken, UserId};

use crate::failure::{Exit, Failure};

/// Which application calls, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct CallerOptions {
    /// The application: a file that names its keyfront, audience, id and key
    #[arg(long, value_name = "FILE")]
    application: PathBuf,
    /// The user that the application acts for, in its own words
    #[arg(long, value_name = "NAME")]
    user: UserId,
    /// A group that the user is of; once for each
    #[arg(long, value_name = "GROUP")]
    in_group: Vec<UserId>,
    /// The user's ID token, where a provider of identities proves who the application's users are
    #[arg(long, value_name = "FILE")]
    id_token: Option<PathBuf>,
}

/// Somebody who may open, or may no more.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct GranteeOptions {
    /// A user of the application
    #[arg(long, value_name = "NAME")]
    to_user: Option<UserId>,
    /// Whoever the application says is of this group
    #[arg(long, value_name = "GROUP")]
    to_group: Option<UserId>,
}

impl CallerOptions {
    fn read(&self) -> Result<(Application, User), Failure> {
        let id_token = self.id_token.as_deref().map(id_token).transpose()?;
        let user = User { name: self.user.clone(), groups: self.in_group.clone(), id_token };
        Ok((application::read(&self.application)?, user))
    }
}

impl GranteeOptions {
    fn grantee(&self) -> Result<Grantee, Failure> {
        let user = self.to_user.clone().map(Grantee::User);
        let named = user.or_else(|| self.to_group.clone().map(Grantee::Group));
        named.ok_or_else(|| {
            Failure::new(Exit::Usage, "no_grantee", "name a user or a group: --to-user or --to-group")
        })
    }
}

/// An ID token in a file: in the arguments of a program, others of the machine would read it.
fn id_token(path: &Path) -> Result<IdToken, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| Failure::file("read the ID token in", path, &cause))?;
    text.trim().parse().map_err(|error| {
        Failure::new(Exit::Usage, "id_token_malformed", format!("{}: {error} expected", path.display()))
    })
}

/// Waits for calls, which are all that takes a runtime here.
fn wait_for<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| Failure::system("start the runtime", &cause))?.block_on(call).map_err(refused)
}

/// A refusal of the element is seldom the system's fault: who may not have a key has the wrong one, a file's key of another datum makes the file damaged, and what
/// the settings of the application or the options say is theirs.
fn refused(mut failure: Failure) -> Failure {
    let exit = match failure.code.as_str() {
        "user_not_authorised"
        | "network_not_allowed"
        | "outside_hours"
        | "reads_spent"
        | "second_person_needed"
        | "datum_inactive"
        | "datum_held"
        | "datum_expired"
        | "datum_not_valid"
        | "datum_erased"
        | "user_unproven"
        | "user_mismatch"
        | "id_token_invalid"
        | "id_token_expired" => Exit::Key,
        "datum_unknown" | "wrapped_key_invalid" | "content_invalid" => Exit::Input,
        "application_unknown"
        | "provider_key_unknown"
        | "proof_invalid"
        | "call_elsewhere"
        | "grant_unknown"
        | "document_malformed"
        | "malformed"
        | "too_large" => Exit::Usage,
        _ => failure.exit,
    };
    failure.exit = exit;
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use sceau_element_api::wire::Code;

    #[test]
    fn a_refusal_ends_as_whose_fault_it_is() {
        let exit = |code: Code| refused(Failure::new(Exit::System, code.as_str(), "no")).exit;
        assert_eq!(exit(Code::UserNotAuthorised), Exit::Key);
        assert_eq!(exit(Code::DatumErased), Exit::Key);
        assert_eq!(exit(Code::WrappedKeyInvalid), Exit::Input);
        assert_eq!(exit(Code::ApplicationUnknown), Exit::Usage);
        assert_eq!(exit(Code::CallElsewhere), Exit::Usage);
        for ours in [Code::Busy, Code::Unavailable, Code::CallEarly, Code::CallExpired, Code::NoTenantLeft] {
            assert_eq!(exit(ours), Exit::System, "{ours}");
        }
        assert_eq!(refused(Failure::new(Exit::Proof, "unproven", "no")).exit, Exit::Proof);
    }
}
