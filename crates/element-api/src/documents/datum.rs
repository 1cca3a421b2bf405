//! A datum: what is said of it, and who may have its key. The element writes each version itself, on a call of the application.

use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, version_one};
use crate::protect::{DatumId, Grantee, Rules, UserId, are_tags, is_datum_name};
use crate::{ActId, ApplicationId, Kind, OrganisationId, RowId};

/// Authorisations of one datum; more of them go to a group.
pub(crate) const MOST_GRANTS: usize = 256;

/// A datum. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datum {
    /// Format version, 1.
    pub v: u32,
    /// The datum, and its key.
    pub id: DatumId,
    /// The organisation whose master its key comes from.
    pub organisation: OrganisationId,
    /// The application that protects it.
    pub application: ApplicationId,
    /// Whose it is, in the application's words.
    pub owner: UserId,
    /// What the application calls it; may be empty.
    pub name: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was begun.
    pub created: u64,
    /// When its key ends.
    pub expires: u64,
    /// Nobody has the key before.
    pub valid_from: Option<u64>,
    /// Nobody has the key from then on.
    pub valid_until: Option<u64>,
    /// Whether its key is given out.
    pub status: DatumStatus,
    /// Who besides its owner may have the key.
    pub grants: Vec<Grant>,
    /// What bounds the openings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// That administrators or data officers of the organisation stopped it: its key is given out to nobody, whatever its status says, until one of them lets it go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldBy>,
    /// When it was erased, if it was: its status says so too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erased>,
}

/// That a datum was erased: its salt is gone from the row, and its next copies go with the key of the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// When.
    pub time: u64,
    /// Under the key of which epoch of its organisation the salt was sealed.
    pub epoch: u32,
    /// By which act of two people, administrators or data officers; none where its owner erased it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActId>,
}

/// That a datum is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldBy {
    /// Since when.
    pub time: u64,
    /// By which act.
    pub act: ActId,
}

/// Whether a datum's key is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatumStatus {
    /// It is.
    Active,
    /// Not now.
    Inactive,
    /// Never again.
    Erased,
}

/// An authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// For whom.
    pub to: Grantee,
    /// From when on, if not at once.
    pub from: Option<u64>,
    /// Until when, if it ends.
    pub until: Option<u64>,
    /// Whether it counts.
    pub status: GrantStatus,
}

/// Whether an authorisation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStatus {
    /// It does.
    Active,
    /// Not now.
    Inactive,
}

impl Grant {
    /// Whether it counts at `now` for this user of these groups.
    #[must_use]
    pub fn counts(&self, user: &UserId, groups: &[UserId], now: u64) -> bool {
        let theirs = match &self.to {
            Grantee::User(to) => to == user,
            Grantee::Group(to) => groups.contains(to),
        };
        theirs && self.status == GrantStatus::Active && is_within(self.from, self.until, now)
    }
}

impl Datum {
    /// Whether its key has ended at `now`.
    #[must_use]
    pub fn has_expired(&self, now: u64) -> bool {
        now >= self.expires
    }

    /// Whether `now` is in the datum's window of validity.
    #[must_use]
    pub fn is_valid(&self, now: u64) -> bool {
        is_within(self.valid_from, self.valid_until, now)
    }

    /// What is left of it once it is erased: which it was, of whom, and when. Its owner stays, who alone gets the certificate and the accesses; what it
    /// was called, who else could open it and from where are forgotten.
    #[must_use]
    pub fn erased(&self, erased: Erased) -> Self {
        Self {
            v: self.v,
            id: self.id,
            organisation: self.organisation,
            application: self.application,
            owner: self.owner.clone(),
            name: String::new(),
            tags: Vec::new(),
            created: self.created,
            expires: self.expires,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            status: DatumStatus::Erased,
            grants: Vec::new(),
            rules: None,
            held: self.held,
            erased: Some(erased),
        }
    }

    /// The authorisation for somebody.
    pub fn grant_to(&mut self, to: &Grantee) -> Option<&mut Grant> {
        self.grants.iter_mut().find(|grant| grant.to == *to)
    }
}

fn is_within(from: Option<u64>, until: Option<u64>, now: u64) -> bool {
    from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
}

impl Document for Datum {
    const KIND: Kind = Kind::Datum;

    fn row(&self) -> RowId {
        self.id.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(is_datum_name(&self.name), "name", "at most 200 characters on one line")?;
        field(are_tags(&self.tags), "tags", "at most 32, each of 1 to 64 characters on one line")?;
        field(self.created < self.expires, "expires", "after it was begun")?;
        let ordered = |from: Option<u64>, until| from.is_none_or(|from| until > from);
        let window = self.valid_until.is_none_or(|until| ordered(self.valid_from, until));
        field(window, "valid_until", "after valid_from")?;
        field(self.grants.len() <= MOST_GRANTS, "grants", "at most 256: give more people a group")?;
        for (at, grant) in self.grants.iter().enumerate() {
            let once = self.grants.iter().skip(at + 1).all(|other| other.to != grant.to);
            field(once, "grants.to", "each once")?;
            let window = grant.until.is_none_or(|until| ordered(grant.from, until));
            field(window, "grants.until", "after from")?;
        }
        let rules = self.rules.as_ref().is_none_or(Rules::are_plausible);
        let said = (self.status == DatumStatus::Erased) == self.erased.is_some();
        field(said, "erased", "of an erased datum, and of no other")?;
        field(rules, "rules", "at most 64 networks, and hours that begin and end at different minutes")?;
        Ok(())
    }
}
