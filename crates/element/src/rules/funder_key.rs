//! Funders' keys at MOB's host: in the platform's word, each publication after the one before.

use sceau_element_api::documents::{Document as _, FunderKey};
use sceau_element_api::wire::{Code, Refusal, RowKey};

use super::{Verdict, demand, platform};
use crate::state::{Authority, State};

pub(super) fn judge(state: &State, authority: &Authority, document: &FunderKey) -> Result<Verdict, Refusal> {
    demand(*authority == Authority::Platform, Code::ProofRequired, "a funder's key is the platform's word")?;
    let known = state.organisation(document.organisation).is_some();
    demand(known, Code::OrganisationUnknown, "enrol the organisation first")?;
    let at = RowKey { kind: FunderKey::KIND, id: document.row() };
    let next = state.row(&at).map_or(1, |row| row.version + 1);
    demand(document.serial == next, Code::SerialMismatch, &format!("serial {next} comes next"))?;
    Ok(Verdict::by(platform())
        .organisation(document.organisation)
        .subject("key", document.key)
        .detail("profile", "mob-2022")
        .detail("serial", document.serial))
}
