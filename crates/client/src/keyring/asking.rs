//! What a service provider does at a host of keyrings: leaves a request there, and asks what became of it.

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::KeyringRequestId;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_keyring::{
    Asked, Outcome, Request, RequestState, Signs, Statement as _, TransactionProof, Waiting, places,
};

use crate::{ClientError, Server};

/// What became of a request.
#[derive(Debug)]
pub enum Became {
    /// The holder did not answer yet.
    Pending,
    /// The holder agreed: what the element signed, and its word on it, verified.
    Signed(Box<(Outcome, TransactionProof)>),
    /// The holder did not agree.
    Rejected,
    /// It ended without an answer.
    Expired,
}

/// Leaves a signed request at the host, for its holder's terminals. The same again is left once.
///
/// # Errors
/// [`ClientError::Refused`] with the host's code; as [`Server::post`].
pub async fn leave(host: &Server, jws: String) -> Result<Waiting, ClientError> {
    host.post_text(places::REQUESTS, "application/jose", jws).await
}

/// Asks what became of a request; the answer waits for news for up to so many seconds. The host is believed of no signature: `provider` signed the request that it gives
/// back, and `element` is what its administrator gave.
///
/// # Errors
/// [`ClientError::Unproven`] where an outcome is not the element's word on this provider's request; as [`leave`].
pub async fn became(
    host: &Server,
    provider: &(dyn Signs + Sync),
    element: &KeyringsAbout,
    request: KeyringRequestId,
    wait: u64,
) -> Result<Became, ClientError> {
    let path = format!("{}/{request}?wait={wait}", places::REQUESTS);
    let told: Asked<Outcome> = host.get(&path).await?;
    let unproven = |why: &str| ClientError::Unproven(format!("what the host says of the request: {why}"));
    match (told.state, told.outcome) {
        (RequestState::Pending, _) => Ok(Became::Pending),
        (RequestState::Rejected, _) => Ok(Became::Rejected),
        (RequestState::Expired, _) => Ok(Became::Expired),
        (RequestState::Signed, None) => Err(ClientError::Answer),
        (RequestState::Signed, Some(outcome)) => {
            let asked =
                Request::verify(&told.jws, provider.spki()).map_err(|refusal| unproven(&refusal.detail))?;
            if asked.request != request {
                return Err(unproven("it is another request of yours"));
            }
            let word = PublicJwk::parse(element.word.as_bytes()).map_err(|_| ClientError::Answer)?;
            let proof = outcome.proves(&told.jws, &asked, &word);
            let proof = proof.map_err(|refusal| unproven(&refusal.detail))?;
            Ok(Became::Signed(Box::new((outcome, proof))))
        }
    }
}
