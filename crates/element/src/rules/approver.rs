//! Who may be the second of two people. The platform hands out invitations, so that one administrator of it could be two people of an organisation at
//! once: whoever approves must have been there, with that passkey, well before anything was asked, and be of nobody's making who takes part. Nor are two
//! whom one administrator of the organisation enrolled two people: that one might be both.

use sceau_element_api::AccountId;
use sceau_element_api::documents::CredentialStatus;
use sceau_element_api::wire::{Code, Refusal};

use super::demand;
use crate::state::{Account, Asked, Credential, State};

/// For how long who approves must have been there when it was asked, in milliseconds, unless said otherwise: a day, in which those who read the log or
/// the list of accounts may see who came.
pub const APPROVER_AGE: u64 = 24 * 3600 * 1000;

/// Whether an account may approve what another asks at `time`: there for `age` (both in milliseconds), neither vouching for the other.
pub(super) fn could(state: &State, account: &Account, by: &Account, time: u64, age: u64) -> bool {
    account.document.account != by.document.account
        && are_two(state, account, by)
        && is_old(account.since, time, age)
}

/// Holds who approves to the request, as it was recorded.
///
/// # Errors
/// `same_person`, with what is against it.
pub(super) fn judge(
    state: &State,
    asked: &Asked,
    by: &Account,
    (account, passkey): (&Account, &Credential),
    age: u64,
) -> Result<(), Refusal> {
    let words = "one of the two enrolled the other, or one administrator of the organisation enrolled both: another person must approve";
    demand(are_two(state, account, by), Code::SamePerson, words)?;
    let active = passkey.document.status == CredentialStatus::Active;
    let old = is_old(account.since, asked.time, age) && is_old(passkey.since, asked.time, age);
    let hours = age.div_ceil(3600 * 1000);
    let words = format!(
        "account, role and passkey of who approves must have been there for {hours} hours when it was asked: another person must approve, or ask anew later"
    );
    demand(active && old, Code::SamePerson, &words)
}

fn are_two(state: &State, one: &Account, other: &Account) -> bool {
    let made = |made: &Account, by: &Account| made.vouched.contains(&by.document.account);
    let is_of_organisation =
        |by: &AccountId| state.account(*by).is_some_and(|by| by.document.organisation.is_some());
    let mut of_both = one.vouched.iter().filter(|by| other.vouched.contains(by));
    !made(one, other) && !made(other, one) && !of_both.any(is_of_organisation)
}

fn is_old(since: u64, time: u64, age: u64) -> bool {
    since.saturating_add(age) <= time
}
