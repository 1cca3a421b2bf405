//! The platform's parsers of foreign bytes, for who tries them with any: none may panic.

use axum::http::HeaderMap;
use sceau_crypto::KeyId;
use sceau_element_api::{DossierId, OrganisationId};
use serde::de::DeserializeOwned;

use crate::deliveries::{Discard, NewConnector, WebhookForm};
use crate::rewrap::{NewHeaders, Signed, changes_the_recipient_alone};
use crate::{OrganisationForm, RootForm, SchemeForm};
use sceau_accounts::callers::{self, Presented};

/// Whether a record in a JWS, whoever signed it, says that this dossier was re-wrapped.
pub fn rewrapping(jws: &str, organisation: OrganisationId, dossier: DossierId) -> bool {
    Signed::read(jws, organisation, dossier).is_ok()
}

/// Whether a header may take another's place: another recipient, and nothing else.
pub fn other_recipient(old: &[u8], new: &[u8], key: KeyId) -> bool {
    changes_the_recipient_alone(old, new, key).is_ok()
}

/// How many certificates of a caller a gate forwards in these headers (RFC 9440): none where it says nothing of any, and no number where it is garbled.
pub fn presented(headers: &HeaderMap) -> Option<usize> {
    match callers::presented(headers) {
        Presented::Nothing => Some(0),
        Presented::Chain(chain) => Some(chain.len()),
        Presented::Garbled => None,
    }
}

/// How many of the forms of the platform's pages and machines these bytes are.
pub fn forms(bytes: &[u8]) -> usize {
    fn is<T: DeserializeOwned>(bytes: &[u8]) -> bool {
        serde_json::from_slice::<T>(bytes).is_ok()
    }
    let read = [
        is::<SchemeForm>,
        is::<OrganisationForm>,
        is::<RootForm>,
        is::<NewHeaders>,
        is::<NewConnector>,
        is::<WebhookForm>,
        is::<Discard>,
    ];
    read.iter().filter(|read| read(bytes)).count()
}
