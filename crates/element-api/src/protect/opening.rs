//! May this user have a datum's key now? The element asks before it gives one out; the keyfront again, while it uses one.

use std::net::IpAddr;

use super::{Bound, Claims};
use crate::documents::{Datum, DatumStatus};
use crate::wire::{Code, Refusal};

impl Datum {
    /// Whether the user of the call is its owner, or has an authorisation that counts at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// The refusal.
    pub fn may_be_read_by(&self, claims: &Claims, now: u64) -> Result<(), Refusal> {
        let authorised = self.owner == claims.sub
            || self.grants.iter().any(|grant| grant.counts(&claims.sub, &claims.groups, now));
        if authorised {
            Ok(())
        } else {
            Err(Refusal::new(Code::UserNotAuthorised, "the user has no authorisation that counts now"))
        }
    }

    /// Whether the user of the call, which came from `address`, may have its key at `now` (Unix milliseconds). How often it was opened is not
    /// judged here: only the element counts.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_be_opened_by(
        &self,
        claims: &Claims,
        address: Option<IpAddr>,
        now: u64,
    ) -> Result<(), Refusal> {
        self.may_be_read_by(claims, now)?;
        may_be_had(self, now)?;
        self.rules.as_ref().map_or(Ok(()), |rules| rules.admit(address, now)).map_err(kept_off)
    }
}

impl Datum {
    /// Whether the user of the call may agree that another one opens the datum: who could open it now, or owns it.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_be_agreed_to_by(
        &self,
        claims: &Claims,
        address: Option<IpAddr>,
        now: u64,
    ) -> Result<(), Refusal> {
        if self.owner == claims.sub {
            may_be_had(self, now)
        } else {
            self.may_be_opened_by(claims, address, now)
        }
    }

    /// Whether there still is a key: nothing but looking at it is left of an erased datum.
    ///
    /// # Errors
    /// The refusal.
    pub fn is_not_erased(&self) -> Result<(), Refusal> {
        if self.status == DatumStatus::Erased {
            let words = "it was erased, which nobody can undo; the operation erasure gives the certificate";
            return Err(Refusal::new(Code::DatumErased, words));
        }
        Ok(())
    }

    /// Whether nobody deactivated, held or erased it; its times are another matter.
    ///
    /// # Errors
    /// The refusal.
    pub fn is_in_use(&self) -> Result<(), Refusal> {
        self.is_not_erased()?;
        if self.held.is_some() {
            return Err(Refusal::new(
                Code::DatumHeld,
                "administrators or data officers of the organisation hold it, and alone can let it go",
            ));
        }
        if self.status != DatumStatus::Active {
            return Err(Refusal::new(
                Code::DatumInactive,
                "its owner deactivated it, and can activate it again",
            ));
        }
        Ok(())
    }
}

fn may_be_had(datum: &Datum, now: u64) -> Result<(), Refusal> {
    datum.is_in_use()?;
    if datum.has_expired(now) {
        return Err(Refusal::new(Code::DatumExpired, "the key's life is over"));
    }
    if !datum.is_valid(now) {
        return Err(Refusal::new(
            Code::DatumNotValid,
            "its owner gave it a window of time, and it is outside",
        ));
    }
    Ok(())
}

fn kept_off(bound: Bound) -> Refusal {
    match bound {
        Bound::Network => Refusal::new(
            Code::NetworkNotAllowed,
            "the call comes from outside the networks of the datum's rules",
        ),
        Bound::Hours => Refusal::new(Code::OutsideHours, "it is outside the hours of the datum's rules"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::documents::{Grant, GrantStatus};
    use crate::protect::{DatumId, Grantee};
    use crate::{ApplicationId, OrganisationId};

    const NOON: u64 = 1_700_000_000_000;
    const YEAR: u64 = 365 * 24 * 3600 * 1000;

    fn datum() -> Datum {
        Datum {
            v: 1,
            id: DatumId::random(),
            organisation: OrganisationId::random(),
            application: ApplicationId::random(),
            owner: "alice".parse().unwrap(),
            name: String::new(),
            tags: Vec::new(),
            created: NOON - YEAR,
            expires: NOON + YEAR,
            valid_from: None,
            valid_until: None,
            status: DatumStatus::Active,
            grants: Vec::new(),
            rules: None,
            held: None,
            erased: None,
        }
    }

    fn code(datum: &Datum) -> Option<Code> {
        may_be_had(datum, NOON).err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_key_is_had_until_the_instant_it_ends_and_inside_its_window() {
        let at = |change: fn(&mut Datum)| {
            let mut datum = datum();
            change(&mut datum);
            code(&datum)
        };
        assert_eq!(at(|_| {}), None);
        assert_eq!(at(|datum| datum.expires = NOON + 1), None);
        assert_eq!(at(|datum| datum.expires = NOON), Some(Code::DatumExpired));
        assert_eq!(at(|datum| datum.valid_from = Some(NOON)), None);
        assert_eq!(at(|datum| datum.valid_from = Some(NOON + 1)), Some(Code::DatumNotValid));
        assert_eq!(at(|datum| datum.valid_until = Some(NOON + 1)), None);
        assert_eq!(at(|datum| datum.valid_until = Some(NOON)), Some(Code::DatumNotValid));
        assert_eq!(at(|datum| datum.status = DatumStatus::Inactive), Some(Code::DatumInactive));
    }

    #[test]
    fn an_authorisation_counts_in_its_window_for_whom_it_names() {
        let grant = |to| Grant { to, from: Some(NOON), until: Some(NOON + 10), status: GrantStatus::Active };
        let of_user = grant(Grantee::User("bob".parse().unwrap()));
        let of_group = grant(Grantee::Group("staff".parse().unwrap()));
        let (bob, eve) = ("bob".parse().unwrap(), "eve".parse().unwrap());
        let staff = ["staff".parse().unwrap()];
        assert!(of_user.counts(&bob, &[], NOON) && of_user.counts(&bob, &[], NOON + 9));
        assert!(!of_user.counts(&bob, &[], NOON - 1) && !of_user.counts(&bob, &[], NOON + 10));
        assert!(
            !of_user.counts(&eve, &["bob".parse().unwrap()], NOON),
            "a group of a user's name is not the user"
        );
        assert!(of_group.counts(&eve, &staff, NOON) && !of_group.counts(&eve, &[], NOON));
        let ended = Grant { status: GrantStatus::Inactive, ..of_user };
        assert!(!ended.counts(&bob, &[], NOON));
    }
}
