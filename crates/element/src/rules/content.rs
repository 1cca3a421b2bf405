//! Contents that are signed: for a datum that is in use, of an application that is. Pure.

use sceau_element_api::documents::Datum;
use sceau_element_api::wire::{AttestedRow, Code, Refusal, RowKey};
use sceau_element_api::{ApplicationId, Base64Url, Kind, OrganisationId, protect::DatumId};
use sceau_trace::{Action, Asserted, Record};

use super::{demand, element};
use crate::event::{About, Change, Event};
use crate::protect::Caller;
use crate::state::State;

/// The subject of a signature's record: SHA-256 of the content, in base64url.
const CONTENT: &str = "content";

/// A content that the keystore signed.
#[derive(Debug, Clone)]
pub struct SignedContent {
    /// Its datum.
    pub datum: DatumId,
    /// What it was judged on.
    pub judged: AttestedRow,
    /// The datum's application.
    pub application: ApplicationId,
    /// Whose data they are.
    pub organisation: OrganisationId,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
}

impl SignedContent {
    /// The datum's row.
    #[must_use]
    pub fn row(&self) -> RowKey {
        RowKey { kind: Kind::Datum, id: self.datum.into() }
    }
}

/// Whether a content of this datum may be signed, whose permit was brought.
///
/// # Errors
/// Where the datum, or its application, is not in use, or the life of its key is over.
pub(crate) fn may_be_signed(datum: &Datum, application: Option<&Caller>, now: u64) -> Result<(), Refusal> {
    datum.is_in_use()?;
    demand(!datum.has_expired(now), Code::DatumExpired, "the key's life is over")?;
    is_in_use(application)
}

fn is_in_use(application: Option<&Caller>) -> Result<(), Refusal> {
    let words = "the application of the datum is not in use any more";
    demand(application.is_some(), Code::ApplicationUnknown, words)
}

/// The event of such a signature at `now` (Unix milliseconds), which the element makes of itself: no call asked for it.
///
/// # Errors
/// Where what it was judged on has changed meanwhile; [`Code::RecordMalformed`].
pub(crate) fn order(state: &State, now: u64, signed: &SignedContent) -> Result<Event, Refusal> {
    let current = state.row(&signed.row());
    let words = "the datum changed meanwhile: ask again";
    demand(current == Some(signed.judged), Code::StaleVersion, words)?;
    is_in_use(Caller::find(state, signed.application).as_ref())?;
    let record = Record::builder(now, element(), Asserted::Element, Action::DATUM_SIGN)
        .organisation(signed.organisation.to_string())
        .subject("datum", signed.datum.to_string())
        .subject("application", signed.application.to_string())
        .subject(CONTENT, Base64Url::from(signed.sha256.as_slice()).encode())
        .granted()
        .build();
    let record = record.map_err(|error| Refusal::new(Code::RecordMalformed, error.to_string()))?;
    let about = About { datum: signed.datum, previous: state.last_access(signed.datum) };
    Ok(Event::new(&record, Change::Signed { about }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_element_api::documents::DatumStatus;

    #[test]
    fn no_content_is_signed_once_the_keys_life_is_over_nor_without_its_application() {
        let datum = Datum {
            v: 1,
            id: DatumId::random(),
            organisation: OrganisationId::random(),
            application: ApplicationId::random(),
            owner: "alice".parse().unwrap(),
            name: String::new(),
            tags: Vec::new(),
            created: 1_000,
            expires: 2_000,
            valid_from: None,
            valid_until: None,
            status: DatumStatus::Active,
            grants: Vec::new(),
            rules: None,
            held: None,
            erased: None,
        };
        let refused = |now| may_be_signed(&datum, None, now).unwrap_err().code;
        assert_eq!(refused(1_999), Code::ApplicationUnknown);
        assert_eq!(refused(2_000), Code::DatumExpired);
    }
}
