//! What an operation says of itself: which datum it is about, and what its key is for.

use super::{ContentProfile, Create, DatumId, Open, Operation, SessionKey};

impl Operation {
    /// What the data key that it asks for is to be encrypted to; none where it asks for none.
    #[must_use]
    pub fn session(&self) -> Option<&SessionKey> {
        match self {
            Self::Create(create) => create.session.as_ref(),
            Self::Open(open) => open.session.as_ref(),
            _ => None,
        }
    }

    /// How the content is kept that its data key is for; none for an envelope.
    #[must_use]
    pub fn profile(&self) -> Option<ContentProfile> {
        match self {
            Self::Create(create) => create.profile,
            Self::Open(open) => open.content.as_ref().map(|_| ContentProfile::CbcRs256),
            _ => None,
        }
    }

    /// Has the data key encrypted to this one, where one is asked for and no session is named.
    pub fn for_lack_of_session(&mut self, key: Option<SessionKey>) {
        let (Self::Create(Create { session, .. }) | Self::Open(Open { session, .. })) = self else { return };
        *session = session.take().or(key);
    }

    /// The datum that it is about; none for a new one.
    #[must_use]
    pub fn datum(&self) -> Option<DatumId> {
        match self {
            Self::Create(_) => None,
            Self::Open(open) => Some(open.datum),
            Self::Grant(grant) => Some(grant.datum),
            Self::Activate(of) | Self::Deactivate(of) | Self::Describe(of) => Some(of.datum),
            Self::Erase(of) | Self::Erasure(of) => Some(of.datum),
            Self::Revoke(of) | Self::ActivateGrant(of) | Self::DeactivateGrant(of) | Self::Agree(of) => {
                Some(of.datum)
            }
            Self::Accesses(of) => Some(of.datum),
            Self::SetRules(of) => Some(of.datum),
            Self::SetValidity(of) => Some(of.datum),
        }
    }
}
