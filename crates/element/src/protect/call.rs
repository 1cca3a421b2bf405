//! From a call to one whose signature verified: read what names its keys, look these up, verify, read the rest.

use std::net::IpAddr;
use std::sync::Arc;

use sceau_crypto::Typ;
use sceau_crypto::jose::{Algorithm, KeySet, Statement};
use sceau_element_api::documents::ApplicationStatus;
use sceau_element_api::protect::{AskedOfDatum, Claims, ClaimsError, issuer};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_element_api::{ApplicationId, OrganisationId};

use crate::state::State;

/// An application as a call finds it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The keys that calls verify under.
    pub keys: Arc<KeySet>,
    /// The version of the application that says so.
    pub version: Version,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// The number of the organisation's keys.
    pub tenant: u32,
    /// The present epoch of these.
    pub epoch: u32,
}

/// A call that the application signed, for this element, about now.
#[derive(Debug)]
pub struct ProvenCall {
    /// What it says.
    pub claims: Claims,
    /// The key that signed it.
    pub kid: String,
    /// Whose it is.
    pub caller: Caller,
    /// Where it came from, in the word of whoever carried it.
    pub address: Option<IpAddr>,
    /// SHA-256 of it, as it was signed.
    pub digest: [u8; 32],
}

impl Caller {
    /// Finds an application that is in use.
    #[must_use]
    pub fn find(state: &State, id: ApplicationId) -> Option<Self> {
        let application = state.application(id)?;
        let document = &application.document;
        let tenant = state.tenant(document.organisation)?;
        let keys = application.keys.clone().filter(|_| document.status == ApplicationStatus::Active)?;
        let epoch = state.epochs(document.organisation)?.current();
        Some(Self { keys, version: application.version, organisation: document.organisation, tenant, epoch })
    }
}

impl ProvenCall {
    /// Verifies a call at `now` (Unix milliseconds); `find` looks up the application that it says it is of, and `audience` is the log's name.
    ///
    /// # Errors
    /// When it is not signed by a key in use of the application, or not for here and now.
    pub fn prove(
        asked: &AskedOfDatum,
        audience: &str,
        now: u64,
        find: impl FnOnce(ApplicationId) -> Option<Caller>,
    ) -> Result<Self, Refusal> {
        let invalid = |words: &str| Refusal::new(Code::ProofInvalid, words);
        let statement = Statement::parse(&asked.call).map_err(|error| invalid(&error.to_string()))?;
        if statement.typ().as_deref() != Some(Typ::ProtectCall.as_str()) {
            return Err(invalid("the header's typ is not sceau-protect-call"));
        }
        let accepted = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256];
        if !accepted.contains(&statement.algorithm()) {
            return Err(invalid("calls are signed by ES256, EdDSA, PS256 or RS256"));
        }
        let kid = statement.kid().ok_or_else(|| invalid("the header names no key: kid"))?.to_owned();
        let malformed = || Refusal::new(Code::Malformed, ClaimsError::Malformed.to_string());
        let application = issuer(&asked.call).ok_or_else(malformed)?;
        let unknown =
            || Refusal::new(Code::ApplicationUnknown, "no application in use is registered by this iss");
        let caller = find(application).ok_or_else(unknown)?;
        let payload = caller.keys.verify(&statement).map_err(|error| invalid(&error.to_string()))?;
        let claims = Claims::parse(&payload).map_err(refused)?;
        if claims.iss != application {
            return Err(malformed());
        }
        claims.check_time_and_audience(audience, now).map_err(refused)?;
        let digest = sceau_crypto::sha256(asked.call.as_bytes());
        Ok(Self { claims, kid, caller, address: asked.address, digest })
    }
}

fn refused(error: ClaimsError) -> Refusal {
    let code = match error {
        ClaimsError::Audience => Code::CallElsewhere,
        ClaimsError::Expired => Code::CallExpired,
        ClaimsError::Future => Code::CallEarly,
        _ => Code::Malformed,
    };
    Refusal::new(code, error.to_string())
}
