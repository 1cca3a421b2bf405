//! An act of administrators or data officers on data, made ready: its data as the journal has them, so that no database has a say in it.

use sceau_element_api::documents::{Datum, Decided, Document as _, ProtectAct};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::{AttestedRow, Code, Refusal};

use super::{DatumKeys, Ending, Held};
use crate::claim::ProvenClaim;
use crate::document::AnyDocument;

/// A proven act, and what it is about. The rules judge it against the state as it is.
#[derive(Debug)]
pub struct PreparedAct {
    /// The act.
    pub claim: ProvenClaim,
    /// Its data, in its order.
    pub data: Vec<Acted>,
}

/// A datum of an act.
#[derive(Debug)]
pub struct Acted {
    /// The datum.
    pub held: Held,
    /// What the record of its erasure is to state, where it is one.
    pub ending: Option<Ending>,
}

impl PreparedAct {
    /// Finds the data of an act; `keys` are the element's, with the number of those of the act's organisation.
    ///
    /// # Errors
    /// When there is no such datum of the organisation, or its keys cannot be looked at.
    pub fn new(
        claim: ProvenClaim,
        (keys, tenant): (&DatumKeys, u32),
        find: impl Fn(DatumId) -> Result<Option<(AttestedRow, KeptRow)>, Refusal>,
    ) -> Result<Self, Refusal> {
        let AnyDocument::ProtectAct(act) = &claim.claim.document else {
            return Err(Refusal::new(Code::Malformed, "this is no act on data"));
        };
        let erases = act.decision.as_ref().is_some_and(|decision| decision.is == Decided::Approved);
        let acted = |id: &DatumId| {
            let held = Held::found(*id, find(*id)?, act)?;
            let ending = erases.then(|| keys.ending(tenant, held.document.created)).transpose();
            let ending = ending.map_err(|error| {
                tracing::error!(%error, "a key that protects data cannot be looked at");
                Refusal::new(
                    Code::Unavailable,
                    "a key that protects data cannot be looked at: ask again later",
                )
            })?;
            Ok(Acted { held, ending })
        };
        let data = act.data.iter().map(acted).collect::<Result<_, Refusal>>()?;
        Ok(Self { claim, data })
    }
}

impl Held {
    /// A datum of the act's organisation, from the journal.
    fn found(id: DatumId, kept: Option<(AttestedRow, KeptRow)>, act: &ProtectAct) -> Result<Self, Refusal> {
        let unknown =
            || Refusal::new(Code::DatumUnknown, format!("there is no datum {id} of the organisation"));
        let (row, kept) = kept.ok_or_else(unknown)?;
        let document = Datum::parse(&kept.payload).map_err(|_| unknown())?.document;
        if document.organisation != act.organisation {
            return Err(unknown());
        }
        Ok(Self { document, salt: kept.salt.0, version: row.version() })
    }
}
