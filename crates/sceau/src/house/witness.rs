//! The key manager as the element's witness: the last checkpoint of the platform's log that it verified is kept beside the element, which then
//! refuses to start from an older or another state.
//!
//! On one machine this guards against an old copy of the element's folder alone. On several, each organisation keeps
//! `/trace/witnessed` of its key manager, and the operator gives those notes to the element as `--witness-file`.

use sceau_client::{ClientError, Server, Trust};
use sceau_hsm::{certificates, durable};

use super::Layout;
use crate::failure::Failure;

/// Carries what the key manager at `address` has verified to the element's witness file. Nothing is carried while the key manager has
/// verified nothing yet.
pub(super) async fn carry(layout: &Layout, address: &str) -> Result<(), Failure> {
    let authority = certificates::read_certificate(&layout.key_manager().join("authority.pem"))
        .map_err(|error| Failure::role("authority", &error))?;
    let trust = Trust { anchors_pem: Some(authority.to_pem().into_bytes()), identity_pem: None };
    let note = match Server::new(address, &trust)?.get_bytes("/trace/witnessed").await {
        Err(ClientError::Refused { status: 404, .. }) => return Ok(()),
        answer => answer?,
    };
    durable::write_public(&layout.witnessed(), &note).map_err(|error| Failure::role("witness file", &error))
}
