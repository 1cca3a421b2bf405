//! `sceau terminal`: a keyring's terminal on this machine. Its code came with the package of this program, and never from a platform.

mod activate;
mod authenticate;
mod code_picture;
mod destroy;
mod dissociate;
mod face;
mod handed;
mod join;
mod keypad;
mod pending;
mod roam;
mod show;
mod sign;
mod state;
mod warn;

use crate::failure::Failure;

/// What a holder does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TerminalCommand {
    /// Make this machine the terminal of a keyring: read whose it is, and choose a PIN
    Activate(activate::ActivateOptions),
    /// Read what a service provider asks, agree with the PIN, and have it signed
    Sign(Box<sign::SignOptions>),
    /// Read which service provider asks who you are, agree with the PIN, and have it told
    Authenticate(authenticate::AuthenticateOptions),
    /// Enrol your face, where the policy asks for it besides the PIN
    Face(face::FaceOptions),
    /// Say which requests wait at the host
    Pending(pending::PendingOptions),
    /// Say no to a request that waits
    Reject(pending::RejectOptions),
    /// Say no to a request that waits, and that you should not have been asked
    Report(pending::ReportOptions),
    /// See where the keyring stands, and what was done with it
    State(state::StateOptions),
    /// Stop the keyring: a terminal was lost, or somebody else may have used it
    Suspend(state::SuspendOptions),
    /// Let another terminal come to the keyring: agree with the PIN, and be shown a code
    Roam(roam::RoamOptions),
    /// Compare the short code of the terminal that came, where the window that showed the code was closed
    Confirm(roam::ConfirmOptions),
    /// Take the code back with which another terminal may come
    Withdraw(roam::WithdrawOptions),
    /// Make this machine one more terminal of a keyring, with the code that another one shows
    Join(join::JoinOptions),
    /// Take a terminal off the keyring, with the PIN
    Dissociate(dissociate::DissociateOptions),
    /// End the keyring, for good, with the PIN
    Destroy(destroy::DestroyOptions),
}

impl TerminalCommand {
    /// Whether a failure is asked for as JSON.
    pub(super) fn json(&self) -> bool {
        match self {
            Self::Activate(options) => options.json,
            Self::Sign(options) => options.json,
            Self::Authenticate(options) => options.json,
            Self::Face(options) => options.json,
            Self::Pending(options) => options.visit.json,
            Self::Reject(options) => options.visit.json,
            Self::Report(options) => options.visit.json,
            Self::State(options) => options.json,
            Self::Suspend(options) => options.json,
            Self::Roam(options) => options.json,
            Self::Confirm(options) => options.json,
            Self::Withdraw(options) => options.json,
            Self::Join(options) => options.json,
            Self::Dissociate(options) => options.json,
            Self::Destroy(options) => options.json,
        }
    }

    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Activate(options) => activate::run(options),
            Self::Sign(options) => sign::run(options),
            Self::Authenticate(options) => authenticate::run(options),
            Self::Face(options) => face::run(options),
            Self::Pending(options) => pending::list(options),
            Self::Reject(options) => pending::reject(options),
            Self::Report(options) => pending::report(options),
            Self::State(options) => state::run(options),
            Self::Suspend(options) => state::suspend(options),
            Self::Roam(options) => roam::run(options),
            Self::Confirm(options) => roam::confirm(options),
            Self::Withdraw(options) => roam::take_back(options),
            Self::Join(options) => join::run(options),
            Self::Dissociate(options) => dissociate::run(options),
            Self::Destroy(options) => destroy::run(options),
        }
    }
}
