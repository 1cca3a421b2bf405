//! From a call to one whose signature verified: read what names its keys, look these up, verify, read the rest.

use std::net::IpAddr;
use std::sync::Arc;

use sceau_crypto::Typ;
use sceau_crypto::jose::jwe::KeyAlgorithm;
use sceau_crypto::jose::{Algorithm, KeySet, Statement};
use sceau_element_api::documents::{ApplicationDocument, ApplicationStatus, UserProvider};
use sceau_element_api::protect::{
    AskedOfData, AskedOfDatum, Batch, Claims, ClaimsError, LONGEST_BATCH, LONGEST_CALL, SessionKey, issuer,
};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_element_api::{ApplicationId, OrganisationId};

use super::user::{UserProof, user_proof};
use crate::state::State;

/// How an application signs calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As calls of ours, by any algorithm of a registered key.
    Sceau,
    /// As tokens (RFC 7519) by RSA, which are answered by tokens.
    Token,
}

impl Profile {
    fn typ(self) -> &'static str {
        match self {
            Self::Sceau => Typ::ProtectCall.as_str(),
            Self::Token => "jwt",
        }
    }

    fn algorithms(self) -> (&'static [Algorithm], &'static str) {
        let all = &[Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256];
        match self {
            Self::Sceau => (all, "calls are signed by ES256, EdDSA, PS256 or RS256"),
            Self::Token => (&[Algorithm::Rs256], "calls that are tokens are signed by RS256"),
        }
    }

    /// How data keys are encrypted to a session key.
    pub(crate) fn sessions(self) -> &'static [KeyAlgorithm] {
        const TOKEN: &[KeyAlgorithm] = &[
            KeyAlgorithm::RsaOaep256,
            KeyAlgorithm::EcdhEs,
            KeyAlgorithm::EcdhEsA256Kw,
            KeyAlgorithm::DangerRsaOaepSha1,
        ];
        match self {
            Self::Sceau => KeyAlgorithm::HOUSE,
            Self::Token => TOKEN,
        }
    }
}

/// An application as a call finds it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The keys that calls verify under.
    pub keys: Arc<KeySet>,
    /// The keys that its users' ID tokens verify under; none where it asserts its users.
    pub provider_keys: Option<Arc<KeySet>>,
    /// What was attested of it.
    pub document: Arc<ApplicationDocument>,
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
    /// What it says, without the ID token that it came with.
    pub claims: Claims,
    /// How it is known who the user is; a refusal of the application's own, on record as any other.
    pub user: Result<UserProof, Refusal>,
    /// How it was signed.
    pub profile: Profile,
    /// The key that signed it.
    pub kid: String,
    /// Whose it is.
    pub caller: Caller,
    /// Where it came from, in the word of whoever carried it.
    pub address: Option<IpAddr>,
    /// SHA-256 of it, as it was signed.
    pub digest: [u8; 32],
    /// Its place in the batch that it is of.
    pub item: Option<usize>,
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
        let (version, organisation) = (application.version, document.organisation);
        let provider_keys = application.provider_keys.clone();
        Some(Self {
            keys,
            provider_keys,
            document: Arc::clone(document),
            version,
            organisation,
            tenant,
            epoch,
        })
    }
}

impl Caller {
    /// Who proves its users, and by which keys. Without these nobody is taken at the application's word instead.
    fn provider(&self) -> Result<Option<(&UserProvider, &KeySet)>, Refusal> {
        let Some(provider) = &self.document.provider else { return Ok(None) };
        let unread = || Refusal::new(Code::Unavailable, "the provider's keys cannot be read");
        self.provider_keys.as_deref().map(|keys| Some((provider, keys))).ok_or_else(unread)
    }

    /// The registered key that answers are encrypted to, as a call would name it.
    fn registered_session(&self) -> Option<SessionKey> {
        let key = self.document.encryption_key()?;
        Some(SessionKey { alg: key.alg.clone(), jwk: key.jwk.clone() })
    }
}

/// What an application in use signed, as it says, and which it is; what it asks is not read.
pub(super) struct Signed {
    /// What it says.
    pub(super) payload: Vec<u8>,
    /// The key that signed it.
    pub(super) kid: String,
    /// Who says it, in its own words and by its key.
    pub(super) application: ApplicationId,
    /// The same, as the state has it.
    pub(super) caller: Caller,
}

impl Signed {
    /// Verifies a statement of at most `longest` characters, which says that it is of `application`; `find` looks that up.
    ///
    /// # Errors
    /// When it is not signed by a key in use of the application, as calls of this profile are.
    pub(super) fn verify(
        profile: Profile,
        (text, longest): (&str, usize),
        application: Option<ApplicationId>,
        find: impl FnOnce(ApplicationId) -> Option<Caller>,
    ) -> Result<Self, Refusal> {
        let invalid = |words: &str| Refusal::new(Code::ProofInvalid, words);
        let statement =
            Statement::parse_within(text, longest).map_err(|error| invalid(&error.to_string()))?;
        if statement.typ().as_deref() != Some(profile.typ()) {
            return Err(invalid(&format!("the header's typ is not {}", profile.typ())));
        }
        let (accepted, words) = profile.algorithms();
        if !accepted.contains(&statement.algorithm()) {
            return Err(invalid(words));
        }
        let kid = statement.kid().ok_or_else(|| invalid("the header names no key: kid"))?.to_owned();
        let application = application.ok_or_else(malformed)?;
        let unknown =
            || Refusal::new(Code::ApplicationUnknown, "no application in use is registered by this iss");
        let caller = find(application).ok_or_else(unknown)?;
        let payload = caller.keys.verify(&statement).map_err(|error| invalid(&error.to_string()))?;
        Ok(Self { payload, kid, application, caller })
    }
}

impl ProvenCall {
    /// Verifies a call at `now` (Unix milliseconds); `find` looks up the application that it says it is of, and `audience` is the log's name.
    ///
    /// # Errors
    /// When it is not signed by a key in use of the application, or not for here and now.
    pub fn prove(
        profile: Profile,
        asked: &AskedOfDatum,
        audience: &str,
        now: u64,
        find: impl FnOnce(ApplicationId) -> Option<Caller>,
    ) -> Result<Self, Refusal> {
        let signed = Signed::verify(profile, (&asked.call, LONGEST_CALL), issuer(&asked.call), find)?;
        let Signed { payload, kid, application, caller } = signed;
        let mut claims = Claims::parse(&payload).map_err(refused)?;
        if claims.iss != application {
            return Err(malformed());
        }
        match profile {
            Profile::Sceau if claims.encrypt => {
                return Err(Refusal::new(
                    Code::Malformed,
                    "encrypt is for calls that are answered by tokens",
                ));
            }
            Profile::Sceau => {}
            Profile::Token => claims.op.for_lack_of_session(caller.registered_session()),
        }
        claims.check_time_and_audience(audience, now).map_err(refused)?;
        let user = user_proof(&claims, caller.provider()?, now);
        claims.id_token = None;
        let digest = sceau_crypto::sha256(asked.call.as_bytes());
        Ok(Self { claims, user, profile, kid, caller, address: asked.address, digest, item: None })
    }

    /// Verifies a batch likewise: a call for each of its data, in its order, and at least one.
    ///
    /// # Errors
    /// As [`ProvenCall::prove`], of all of them.
    pub fn prove_many(
        asked: &AskedOfData,
        audience: &str,
        now: u64,
        find: impl FnOnce(ApplicationId) -> Option<Caller>,
    ) -> Result<Vec<Self>, Refusal> {
        if asked.call.len() > LONGEST_BATCH {
            return Err(Refusal::new(
                Code::TooLarge,
                "a batch has at most 256 KiB: bring fewer data at once",
            ));
        }
        let profile = Profile::Sceau;
        let issuer = Batch::issuer(&asked.call);
        let signed = Signed::verify(profile, (&asked.call, LONGEST_BATCH), issuer, find)?;
        let Signed { payload, kid, application, caller } = signed;
        let Batch { id_token, mut calls } = Batch::parse(&payload).map_err(refused)?;
        let first = calls.first_mut().filter(|first| first.iss == application).ok_or_else(malformed)?;
        first.check_time_and_audience(audience, now).map_err(refused)?;
        first.id_token = id_token;
        let user = user_proof(first, caller.provider()?, now);
        first.id_token = None;
        let digest = sceau_crypto::sha256(asked.call.as_bytes());
        let call = |(at, claims)| {
            let (user, kid, caller) = (user.clone(), kid.clone(), caller.clone());
            Self { claims, user, profile, kid, caller, address: asked.address, digest, item: Some(at) }
        };
        Ok(calls.into_iter().enumerate().map(call).collect())
    }
}

fn malformed() -> Refusal {
    Refusal::new(Code::Malformed, ClaimsError::Malformed.to_string())
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
