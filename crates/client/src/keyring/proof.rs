//! The element's word on a use of a keyring, verified by whoever has it and the request: without the element, and without any network.

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_keyring::{Request, Statement as _, TransactionProof};

use crate::ClientError;

/// What a proof says, and of what, if it is the word of this element on this request. Both are given as their JWS. Who made the request is not looked at: it is known
/// by its hash, which the proof names.
///
/// # Errors
/// [`ClientError::Unproven`].
pub fn transaction(
    proof: &str,
    request: &str,
    element: &KeyringsAbout,
) -> Result<(TransactionProof, Request), ClientError> {
    let unproven = |what: &str| ClientError::Unproven(format!("the proof of the transaction: {what}"));
    let word =
        PublicJwk::parse(element.word.as_bytes()).map_err(|_| unproven("the element's key is not one"))?;
    let proof = TransactionProof::verify_by(proof, &word).map_err(|refusal| unproven(&refusal.detail))?;
    let asked = Request::unverified(request).filter(|asked| asked.check().is_ok());
    let asked = asked.ok_or_else(|| unproven("what it is held against is no request"))?;
    if !proof.is_of(&asked, request) || asked.aud != element.origin {
        return Err(unproven("it is of another request"));
    }
    Ok((proof, asked))
}
