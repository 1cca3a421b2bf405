//! A keyring's terminal: the device that its holder reads on, agrees on, and types the PIN on.
//!
//! Its code comes from a package or a store, never from the platform. It believes the element whose key is pinned in the keyring's package, shows what the service
//! provider signed and nothing else, and sends no PIN: what leaves is OPAQUE's. What it keeps without the PIN opens nothing, and goes stale at each use, but at the one after a use whose answer was lost: then both sides go on from what both know.

mod activate;
mod destroy;
mod dissociate;
mod expected;
mod face;
mod folder;
mod join;
mod keeps;
mod keypad;
mod own;
mod read;
mod roam;
mod sign;
#[cfg(test)]
mod stage;
mod state;
mod storage;
mod visit;

#[cfg(test)]
#[path = "lying_element_tests.rs"]
mod lying_element;

pub use activate::{Activation, ToActivate, activate, begin_activation};
pub use destroy::{Destroyed, destroy};
pub use dissociate::{Dissociated, dissociate, dissociate_unshown};
pub use face::{Camera, Enrolled, authenticate_with_face, enrol_face, sign_with_face};
pub use join::{Joined, ToJoin, join};
pub use keeps::{Alone, DeviceKey, Keeps, NewKey};
pub use keypad::Keypad;
pub use read::{Agreed, Reading, read};
pub use roam::{Became, Came, MayCome, admit, await_coming, await_joined, let_come, withdraw};
pub use sign::{Authenticated, Signed, ToApprove, authenticate, sign};
pub use state::{Ended, Other, Others, TerminalState, state, suspend};
pub use storage::Storage;
pub use visit::Visitor;

use crate::ClientError;

fn refused(code: &'static str, detail: impl Into<String>) -> ClientError {
    ClientError::Keyring { code, detail: detail.into() }
}
