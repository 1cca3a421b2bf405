//! What stands now of what the security officer signed: believed by the log, and not by who carries it.

use sceau_element_api::RowId;
use sceau_element_api::documents::Document;
use sceau_element_api::keyring::{CurrentDocument, KeyringsAbout};
use sceau_element_api::wire::AttestedRow;
use sceau_keyring::places;
use sceau_trace::{Evidence, VerifierKey, sha256};

use crate::{ClientError, Server};

/// The current version of a document that the officer signed: its row, for who signs the next one over it, and its exact bytes. That the log of this element attests it is
/// verified; that no later version is there is the host's word, and the element refuses what is signed over another one than the last.
///
/// # Errors
/// [`ClientError::Refused`] with `not_found` where there is none; [`ClientError::Unproven`] where the log does not have it; as [`Server::get`].
pub async fn current<D: Document>(
    server: &Server,
    element: &KeyringsAbout,
    id: impl Into<RowId>,
) -> Result<(AttestedRow, D, Vec<u8>), ClientError> {
    let (kind, id) = (D::KIND, id.into());
    let found: CurrentDocument = server.get(&format!("{}/{kind}/{id}/proven", places::DOCUMENTS)).await?;
    let unproven = |what: &str| ClientError::Unproven(format!("the current version: {what}"));
    let key: VerifierKey = element
        .log
        .parse()
        .map_err(|_| unproven("--element names no key of the log: have it printed anew"))?;
    let evidence =
        Evidence::parse(found.evidence.as_bytes()).map_err(|error| unproven(&error.to_string()))?;
    let verified = evidence.verify(Some(&key)).map_err(|error| unproven(&error.to_string()))?;
    let attests = verified.record.attested().is_some_and(|attested| {
        attested.kind == kind.as_str()
            && attested.id == id.as_str()
            && attested.version == found.row.version
            && attested.hash == found.row.hash
    });
    if !attests || verified.index != found.row.index || sha256(&found.payload) != found.row.hash {
        return Err(unproven("the log has another one under this index"));
    }
    let document = D::parse(&found.payload).map_err(|error| unproven(&error.to_string()))?.document;
    Ok((found.row, document, found.payload.0))
}
