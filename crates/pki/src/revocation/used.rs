//! Lists in use, and whether others may take their place.

use std::sync::Arc;

use super::{RevocationList, RevocationLists};
use crate::certificate::Certificate;

/// The lists that a judge asks while it runs.
#[derive(Clone, Debug)]
pub struct UsedLists {
    /// Who may have signed them.
    authorities: Vec<Certificate>,
    lists: RevocationLists,
}

/// What came of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Lists changed.
    New,
    /// They are those in use.
    Same,
}

/// Why a list that was offered is not used. Those in use stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwelcome {
    /// No authority that is known here has the name of its issuer.
    #[error("its issuer is none of the anchors and intermediates: {0}")]
    UnknownIssuer(String),
    /// The authority of this name did not sign it.
    #[error("its signature is false")]
    FalseSignature,
    /// It begins later than now.
    #[error("it was made in the future: check the clocks")]
    Future,
    /// Its number or its time is lower than that of the one in use.
    #[error("it is older than the one in use, by its number or its time")]
    Older,
}

impl Unwelcome {
    /// The stable code, for the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownIssuer(_) => "list_unknown_issuer",
            Self::FalseSignature => "list_false_signature",
            Self::Future => "list_future",
            Self::Older => "list_older",
        }
    }
}

impl UsedLists {
    /// None yet, and these authorities are believed.
    pub fn of(authorities: Vec<Certificate>) -> Self {
        Self { authorities, lists: RevocationLists::default() }
    }

    /// Those in use.
    pub fn lists(&self) -> &RevocationLists {
        &self.lists
    }

    /// Takes lists at `now` (Unix milliseconds) where each of them is signed by an authority that is known, does not lie in the future, and is not
    /// older than the one of its kind in use. One of another kind stays: who may offer lists may not thereby silence it.
    ///
    /// # Errors
    /// [`Unwelcome`]: nothing changes.
    pub fn take(&mut self, offered: &RevocationLists, now: u64) -> Result<Taken, Unwelcome> {
        offered.iter().try_for_each(|list| self.permit(list, now))?;
        let mut next: Vec<_> = self.lists.iter().cloned().collect();
        let mut taken = Taken::Same;
        for list in offered.iter() {
            match next.iter_mut().find(|other| list.is_of_the_same(other)) {
                Some(other) => {
                    list.replaces(other).map_err(|_| Unwelcome::Older)?;
                    if other.fingerprint() != list.fingerprint() {
                        taken = Taken::New;
                        *other = Arc::clone(list);
                    }
                }
                None => {
                    taken = Taken::New;
                    next.push(Arc::clone(list));
                }
            }
        }
        self.lists = next.into_iter().collect();
        Ok(taken)
    }

    fn permit(&self, list: &RevocationList, now: u64) -> Result<(), Unwelcome> {
        let mut issuers = self.authorities.iter().filter(|it| it.subject() == list.issuer()).peekable();
        if issuers.peek().is_none() {
            return Err(Unwelcome::UnknownIssuer(list.issuer().to_string()));
        }
        if !issuers.any(|issuer| list.is_signed_by(&issuer.public_key_info())) {
            return Err(Unwelcome::FalseSignature);
        }
        if list.this_update() > now { Err(Unwelcome::Future) } else { Ok(()) }
    }
}
