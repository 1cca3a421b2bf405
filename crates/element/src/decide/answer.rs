//! What a call is told, once its record is durable.

use sceau_element_api::protect::{Called, KeptRow};
use sceau_element_api::wire::AttestedRow;

use super::Outcome;
use crate::protect::{PreparedCall, UserProof};

pub(super) fn of(prepared: PreparedCall, index: u64, row: Option<AttestedRow>) -> Outcome {
    let PreparedCall { call, verdict, .. } = prepared;
    let granted = match verdict {
        Err(refusal) => return Outcome::Refused(refusal),
        Ok(granted) => granted,
    };
    let kept = granted.row.map(|row| KeptRow { payload: row.payload.into(), salt: row.salt.into() });
    let proven_by = match call.user {
        Ok(UserProof::Proven { issuer }) => Some(issuer),
        Ok(UserProof::Asserted) | Err(_) => None,
    };
    Outcome::Called(Box::new(Called {
        index,
        datum: granted.datum,
        changed: row.zip(kept),
        wrapped_key: granted.wrapped_key.map(Into::into),
        data_key: granted.data_key,
        proven_by,
        accesses: granted.accesses,
        erasure: granted.erasure,
        proof: None,
    }))
}
