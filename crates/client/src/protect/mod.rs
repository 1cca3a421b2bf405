//! An application that protects data: it signs calls, and gets the data keys that it encrypts with itself.
//!
//! Its key speaks for all its users: who is allowed what is judged by the element, for the user that the call names. Data keys come
//! encrypted to a key that is drawn for each call, and an answer to another call is refused.

mod answer;
mod content;
mod content_file;
mod many;

pub use answer::{Changed, Protected};
pub use content::NewContent;
pub use content_file::{ContentError, ContentFile, OpenedContent, SealedContent};
pub use sceau_element_api::protect::{CbcKey, DataKey};

use std::time::{SystemTime, UNIX_EPOCH};

use sceau_crypto::{SigningKey, Typ, jws};
use sceau_element_api::documents::Datum;
use sceau_element_api::protect::{
    Accesses, Authorisation, Claims, ContentProfile, Create, DatumId, Grantee, IdToken, Of, OfAccesses,
    OfGrant, Open, Operation, Rules, Session, ToGrant, ToLast, ToRule, UserId, VerifiedErasure,
};
use sceau_element_api::{ApplicationId, Base64Url};
use sceau_trace::VerifierKey;

use crate::{ClientError, Server};
use answer::Answer;

/// How long a call of ours is good, in seconds: less than the element takes ([`sceau_element_api::protect::LIFETIME`]).
const GOOD_FOR: u64 = 120;

/// A registered application, before its keyfront. Its key is registered by its fingerprint.
#[derive(Debug)]
pub struct Application {
    server: Server,
    id: ApplicationId,
    audience: String,
    key: SigningKey,
    log_key: Option<VerifierKey>,
}

/// For whom the application calls, in its own words.
#[derive(Debug, Clone)]
pub struct User {
    /// Who.
    pub name: UserId,
    /// The groups that they are of.
    pub groups: Vec<UserId>,
    /// What proves who they are, where the application has a provider of identities.
    pub id_token: Option<IdToken>,
}

/// What is said of a new datum. Times are Unix seconds; what is left out is the element's to choose (docs/protect-a-field.md).
#[derive(Debug, Clone, Default)]
pub struct NewDatum {
    /// Whose it is, if not the user's.
    pub owner: Option<UserId>,
    /// What the application calls it.
    pub name: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When its key ends.
    pub expires: Option<u64>,
    /// Nobody has the key before.
    pub valid_from: Option<u64>,
    /// Nobody has the key from then on.
    pub valid_until: Option<u64>,
    /// Who besides its owner may have the key.
    pub grants: Vec<Authorisation>,
    /// What bounds its openings.
    pub rules: Option<Rules>,
}

/// Times of a datum, in Unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validity {
    /// When its key ends, at most ten years ahead.
    pub expires: Option<u64>,
    /// Nobody has the key before.
    pub valid_from: Option<u64>,
    /// Nobody has the key from then on.
    pub valid_until: Option<u64>,
}

impl NewDatum {
    /// As it is asked for, with a key to this session for a content that is kept so.
    fn with(self, session: Option<&Session>, profile: Option<ContentProfile>) -> Create {
        let session = session.map(|session| session.public().clone());
        let Self { owner, name, tags, expires, valid_from, valid_until, grants, rules } = self;
        Create { owner, name, tags, expires, valid_from, valid_until, grants, rules, session, profile }
    }
}

impl Application {
    /// An application by its id, before the keyfront at `server`, whose ready line says the `audience` (the log's name).
    #[must_use]
    pub fn new(server: Server, audience: String, id: ApplicationId, key: SigningKey) -> Self {
        Self { server, id, audience, key, log_key: None }
    }

    /// Holds every answer to the log of this key: one that the log does not prove to be the element's is refused.
    #[must_use]
    pub fn with_log_key(self, log_key: VerifierKey) -> Self {
        Self { log_key: Some(log_key), ..self }
    }

    /// Begins a datum, and gets its first data key.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with its code; [`ClientError::Unproven`] where the key is not this call's; as [`Server::post`].
    pub async fn create(&self, user: &User, datum: NewDatum) -> Result<Protected, ClientError> {
        let drawn = session()?;
        let create = datum.with(Some(&drawn), None);
        let (answer, call) = self.call(user, Operation::Create(create)).await?;
        let key = answer.data_key(&drawn, &call)?;
        let wrapped_key = answer.wrapped_key.ok_or(ClientError::Answer)?.0;
        Ok(Protected { datum: answer.datum, index: answer.index, wrapped_key, key })
    }

    /// Gets a data key again, from what travels with the data.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn open(
        &self,
        user: &User,
        datum: DatumId,
        wrapped_key: &[u8],
    ) -> Result<DataKey, ClientError> {
        let session = session()?;
        let wrapped_key = Base64Url(wrapped_key.to_vec());
        let open = Open { datum, wrapped_key, session: Some(session.public().clone()), content: None };
        let (answer, call) = self.call(user, Operation::Open(open)).await?;
        answer.data_key(&session, &call)
    }

    /// Authorises somebody, in the place of what they had.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn grant(
        &self,
        user: &User,
        datum: DatumId,
        grant: Authorisation,
    ) -> Result<Changed, ClientError> {
        self.change(user, Operation::Grant(ToGrant { datum, grant })).await
    }

    /// Removes somebody's authorisation.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn revoke(&self, user: &User, datum: DatumId, to: Grantee) -> Result<Changed, ClientError> {
        self.change(user, Operation::Revoke(OfGrant { datum, to })).await
    }

    /// Agrees that another user opens a datum, once, where its rules ask for a second person. Gives the index of the record.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn agree(&self, user: &User, datum: DatumId, to: UserId) -> Result<u64, ClientError> {
        let of = OfGrant { datum, to: Grantee::User(to) };
        let (answer, _) = self.call(user, Operation::Agree(of)).await?;
        Ok(answer.index)
    }

    /// Lets somebody's authorisation count, or no more for now.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn set_grant_active(
        &self,
        user: &User,
        datum: DatumId,
        to: Grantee,
        active: bool,
    ) -> Result<Changed, ClientError> {
        let of = OfGrant { datum, to };
        let op = if active { Operation::ActivateGrant(of) } else { Operation::DeactivateGrant(of) };
        self.change(user, op).await
    }

    /// Gives a datum's keys out, or no more for now.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn set_active(
        &self,
        user: &User,
        datum: DatumId,
        active: bool,
    ) -> Result<Changed, ClientError> {
        let of = Of { datum };
        let op = if active { Operation::Activate(of) } else { Operation::Deactivate(of) };
        self.change(user, op).await
    }

    /// Bounds a datum's openings from now on.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn set_rules(&self, user: &User, datum: DatumId, rules: Rules) -> Result<Changed, ClientError> {
        self.change(user, Operation::SetRules(ToRule { datum, rules })).await
    }

    /// Moves when a datum's key ends, and its window of validity, also once they are over. What is none stays as it is.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn set_validity(
        &self,
        user: &User,
        datum: DatumId,
        to: Validity,
    ) -> Result<Changed, ClientError> {
        let Validity { expires, valid_from, valid_until } = to;
        self.change(user, Operation::SetValidity(ToLast { datum, expires, valid_from, valid_until })).await
    }

    /// What is said of a datum.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn describe(&self, user: &User, datum: DatumId) -> Result<Datum, ClientError> {
        let (answer, _) = self.call(user, Operation::Describe(Of { datum })).await?;
        answer.document()?.ok_or(ClientError::Answer)
    }

    /// Erases a datum: nobody gets its key again, and nobody can undo it. Once more is no error.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn erase(&self, user: &User, datum: DatumId) -> Result<Changed, ClientError> {
        self.change(user, Operation::Erase(Of { datum })).await
    }

    /// The certificate that a datum was erased, whose evidence holds: under the log's key where that is known, else under the one that it says.
    ///
    /// # Errors
    /// [`ClientError::Unproven`] where it does not hold; as [`Application::create`].
    pub async fn erasure(&self, user: &User, datum: DatumId) -> Result<VerifiedErasure, ClientError> {
        let (answer, _) = self.call(user, Operation::Erasure(Of { datum })).await?;
        let erasure = answer.erasure()?.filter(|erasure| erasure.datum == datum);
        let verified = erasure.ok_or(ClientError::Answer)?.verify(self.log_key.as_ref());
        verified.map_err(|error| ClientError::Unproven(error.to_string()))
    }

    /// Who asked for what of a datum, the last call first; `before` goes on after [`Accesses::next`].
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn accesses(
        &self,
        user: &User,
        datum: DatumId,
        before: Option<u64>,
    ) -> Result<Accesses, ClientError> {
        let of = OfAccesses { datum, before, most: None };
        let (answer, _) = self.call(user, Operation::Accesses(of)).await?;
        // Each is earlier than the one before: what went round would never end.
        answer.accesses()?.filter(|told| goes_back(told, before)).ok_or(ClientError::Answer)
    }

    async fn change(&self, user: &User, op: Operation) -> Result<Changed, ClientError> {
        let (answer, _) = self.call(user, op).await?;
        Ok(Changed { index: answer.index, document: answer.document()? })
    }

    /// Signs a call and brings it; its answer, and the id that it answers to.
    async fn call(&self, user: &User, op: Operation) -> Result<(Answer, String), ClientError> {
        let now = now();
        let jti = Base64Url(sceau_crypto::random::<24>().to_vec()).encode();
        let claims = Claims {
            iss: self.id,
            aud: self.audience.clone(),
            iat: now,
            exp: now + GOOD_FOR,
            jti: jti.clone(),
            sub: user.name.clone(),
            groups: user.groups.clone(),
            body: None,
            prove: self.log_key.is_some(),
            encrypt: false,
            id_token: user.id_token.clone(),
            op,
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| ClientError::Answer)?;
        let call = jws::sign(&self.key, Typ::ProtectCall, &payload);
        let asked = call.clone();
        let answer: Answer = self.server.post_text("/v1/protect/calls", "application/jose", asked).await?;
        if let Some(log_key) = &self.log_key {
            answer.verify(&call, self.id, log_key)?;
        }
        if answer.is_about(claims.op.datum()) { Ok((answer, jti)) } else { Err(ClientError::Answer) }
    }
}

/// Whether accesses are told from `before` on backwards, and to be gone on with before the last of them.
fn goes_back(told: &Accesses, before: Option<u64>) -> bool {
    let indices = before.into_iter().chain(told.list.iter().map(|access| access.index));
    let last = told.list.last().map(|access| access.index);
    indices.is_sorted_by(|one, next| one > next) && told.next.is_none_or(|next| last == Some(next))
}

/// Unix seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A key for the answer to one call.
fn session() -> Result<Session, ClientError> {
    Session::draw().ok_or(ClientError::Session)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_element_api::protect::Access;

    #[test]
    fn accesses_that_go_round_are_none() {
        let told = |indices: &[u64], next: Option<u64>| {
            let list = indices.iter().map(|index| Access {
                index: *index,
                time: 0,
                action: "datum.open".to_owned(),
                refused: None,
                user: "alice".parse().ok(),
                proven_by: None,
                address: None,
                signer: "one".to_owned(),
                to: None,
                forgotten: false,
                act: None,
            });
            Accesses { list: list.collect(), next }
        };
        assert!(goes_back(&told(&[9, 4, 2], Some(2)), None) && goes_back(&told(&[], None), Some(2)));
        assert!(goes_back(&told(&[4, 2], None), Some(9)));
        for (indices, next, before) in [
            (&[9, 4][..], Some(4), Some(9)),
            (&[4, 9], None, None),
            (&[4, 4], None, None),
            (&[4, 2], Some(9), None),
            (&[], Some(1), None),
        ] {
            assert!(!goes_back(&told(indices, next), before), "{indices:?}");
        }
    }
}
