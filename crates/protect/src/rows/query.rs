//! What is searched for among the data of an organisation: read from a query, and judged of each datum. No I/O.

use std::collections::BTreeSet;

use sceau_element_api::ApplicationId;
use sceau_element_api::documents::{Datum, DatumStatus, Remit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::along::{Cursor, Way};
use crate::terms::{Term, folded, words};

/// Words of one search: the database is asked how many data have each.
const MOST_WORDS: usize = 100;

/// Whether a datum's key is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatumState {
    /// It is, to whom may have it.
    Active,
    /// Its owner stopped it.
    Inactive,
    /// It has ended.
    Expired,
    /// It was erased, for good.
    Erased,
    /// Administrators or data officers of the organisation stopped it.
    Held,
}

/// What a query asks for; what is left out is not asked. Times are Unix milliseconds.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Whole words of the name, in any order.
    pub name: Option<String>,
    /// The owner, or a user or group with an authorisation: the whole name, as the application gives it.
    pub person: Option<String>,
    /// A tag, whole.
    pub tag: Option<String>,
    /// The application that protects it.
    #[param(value_type = Option<String>)]
    pub application: Option<ApplicationId>,
    /// `active`, `inactive`, `expired`, `erased` or `held`.
    #[param(value_type = Option<String>)]
    pub state: Option<DatumState>,
    /// Begun then or later.
    pub created_from: Option<u64>,
    /// Begun before.
    pub created_until: Option<u64>,
    /// Its key ends then or later.
    pub expires_from: Option<u64>,
    /// Its key ends before.
    pub expires_until: Option<u64>,
    /// About which so many calls or more were refused: 1 or more.
    pub refusals: Option<u64>,
    /// About which a call was refused then or later.
    pub refused_from: Option<u64>,
    /// Where the page before ended: its `next`.
    pub after: Option<String>,
}

/// A query that cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchFault {
    /// `after` is no page's `next`.
    After,
    /// A name without a letter or digit.
    Name,
    /// More words than a search takes.
    Words,
}

impl SearchFault {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::After => "after is what a page before gave as next",
            Self::Name => "name has no letter and no digit to search for",
            Self::Words => "name has more than 100 different words: search for fewer",
        }
    }
}

/// A search among the data within a remit, at one moment.
#[derive(Debug)]
pub(super) struct Asked {
    remit: Remit,
    now: u64,
    words: BTreeSet<String>,
    person: Option<String>,
    tag: Option<String>,
    search: Search,
}

impl Asked {
    /// Reads a query.
    ///
    /// # Errors
    /// [`SearchFault::Name`], [`SearchFault::Words`].
    pub(super) fn of(search: &Search, remit: &Remit, now: u64) -> Result<Self, SearchFault> {
        let said = |text: &Option<String>| text.as_deref().map(folded).filter(|text| !text.is_empty());
        let name = said(&search.name);
        let words: BTreeSet<String> = name.as_deref().map(words).into_iter().flatten().collect();
        if name.is_some() && words.is_empty() {
            return Err(SearchFault::Name);
        }
        if words.len() > MOST_WORDS {
            return Err(SearchFault::Words);
        }
        let (person, tag) = (said(&search.person), said(&search.tag));
        Ok(Self { remit: remit.clone(), now, words, person, tag, search: search.clone() })
    }

    /// The terms that each datum that is found has.
    pub(super) fn terms(&self) -> Vec<Term> {
        let organisation = self.remit.organisation;
        let mut terms: Vec<Term> = self.words.iter().map(|word| Term::word(organisation, word)).collect();
        terms.extend(self.person.as_deref().map(|name| Term::person(organisation, name)));
        terms.extend(self.tag.as_deref().map(|tag| Term::tag(organisation, tag)));
        match self.search.state {
            Some(DatumState::Inactive) => terms.push(Term::inactive(organisation)),
            Some(DatumState::Erased) => terms.push(Term::erased(organisation)),
            Some(DatumState::Held) => terms.push(Term::held(organisation)),
            Some(DatumState::Active | DatumState::Expired) | None => {}
        }
        terms
    }

    /// The order in which to look, given the rarest of its terms; and whether every datum on this way is one that is searched for.
    pub(super) fn way(&self, rarest: Option<Term>) -> (Way, bool) {
        let Search { state, created_from, created_until, .. } = self.search;
        // Of one application alone, its way is the shortest.
        let only = self.remit.applications.as_deref().filter(|mine| mine.len() == 1);
        let application = self.search.application.or(only.and_then(<[_]>::first).copied());
        let all = self.remit.applications.is_none();
        let (from, until) = (created_from.unwrap_or(0), created_until.unwrap_or(u64::MAX));
        if self.refused().is_some() {
            let organisation = self.remit.organisation;
            // Few of all data are such.
            return (Way::Refused { organisation, from, until }, false);
        }
        if let Some(term) = rarest {
            return (Way::Term { term, from, until }, false);
        }
        if let Some(application) = application {
            let way = Way::Application { application, from, until };
            return (way, self.remit.has(application) && state.is_none() && self.expiry().is_none());
        }
        if let Some((soonest, latest)) = self.expiry() {
            let whole = all && state.is_none_or(|state| state == DatumState::Expired);
            let way = Way::Expiry { organisation: self.remit.organisation, from: soonest, until: latest };
            return (way, whole && created_from.is_none() && created_until.is_none());
        }
        (Way::Organisation { organisation: self.remit.organisation, from, until }, all && state.is_none())
    }

    /// Where to go on.
    ///
    /// # Errors
    /// [`SearchFault::After`].
    pub(super) fn after(&self) -> Result<Option<Cursor>, SearchFault> {
        let after = self.search.after.as_deref();
        after.map(|text| Cursor::parse(text).ok_or(SearchFault::After)).transpose()
    }

    /// Whether a datum is one that is searched for.
    pub(super) fn finds(&self, datum: &Datum) -> bool {
        let Search { application, state, created_from, created_until, .. } = &self.search;
        let named = || {
            let of_name: Vec<String> = words(&datum.name).collect();
            self.words.iter().all(|word| of_name.contains(word))
        };
        let (soonest, latest) = self.expiry().unwrap_or((0, u64::MAX));
        datum.organisation == self.remit.organisation
            && self.remit.has(datum.application)
            && application.is_none_or(|application| datum.application == application)
            && state.is_none_or(|state| DatumState::of(datum, self.now) == state)
            && created_from.is_none_or(|from| datum.created >= from)
            && created_until.is_none_or(|until| datum.created < until)
            && (soonest..latest).contains(&datum.expires)
            && self.tag.as_ref().is_none_or(|tag| datum.tags.iter().any(|of| folded(of) == *tag))
            && self.person.as_ref().is_none_or(|person| concerns(datum, person))
            && named()
    }

    /// Whether as many calls about a datum were refused as are asked for, and the last of them when that is.
    pub(super) fn counts(&self, refusals: u64, last: u64) -> bool {
        self.refused().is_none_or(|(least, since)| refusals >= least && last >= since)
    }

    /// How many refused calls, and since when, where that is asked for.
    fn refused(&self) -> Option<(u64, u64)> {
        let Search { refusals, refused_from, .. } = self.search;
        refusals.or(refused_from)?;
        Some((refusals.unwrap_or(1).max(1), refused_from.unwrap_or(0)))
    }

    /// From when to when keys end, where that is asked for.
    fn expiry(&self) -> Option<(u64, u64)> {
        let Search { state, expires_from, expires_until, .. } = self.search;
        let ended = (state == Some(DatumState::Expired)).then_some(self.now.saturating_add(1));
        expires_from.or(expires_until).or(ended)?;
        let until = expires_until.unwrap_or(u64::MAX).min(ended.unwrap_or(u64::MAX));
        Some((expires_from.unwrap_or(0), until))
    }
}

fn concerns(datum: &Datum, person: &str) -> bool {
    let granted = datum.grants.iter().map(|grant| grant.to.name());
    std::iter::once(&datum.owner).chain(granted).any(|name| folded(name.as_str()) == person)
}

impl DatumState {
    /// Of a datum at `now`.
    pub(crate) fn of(datum: &Datum, now: u64) -> Self {
        match datum.status {
            DatumStatus::Erased => Self::Erased,
            _ if datum.held.is_some() => Self::Held,
            DatumStatus::Inactive => Self::Inactive,
            DatumStatus::Active if datum.has_expired(now) => Self::Expired,
            DatumStatus::Active => Self::Active,
        }
    }
}
