//! May this user of this application have that done with this datum? Pure.

use sceau_element_api::documents::{Datum, DatumStatus, Document as _, Erased, Grant, GrantStatus};
use sceau_element_api::protect::{
    Authorisation, Claims, Create, DatumId, Grantee, KeptRow, Operation, Rules, SessionKey, ToLast,
};
use sceau_element_api::wire::{AttestedRow, Code, Refusal, Version};

use super::ProvenCall;

/// A year, in milliseconds: how long a datum's key lasts unless said.
const YEAR: u64 = 365 * 24 * 3600 * 1000;
/// So far ahead the end of a datum's key may be: ten years, with their leap days.
const LONGEST: u64 = 10 * YEAR + 3 * 24 * 3600 * 1000;

/// A datum as the database brought it, which is the current one.
#[derive(Debug)]
pub struct Held {
    /// The datum.
    pub document: Datum,
    /// The salt of its key, sealed.
    pub salt: Vec<u8>,
    /// Its exact bytes' version.
    pub version: Version,
}

/// What is to be done.
#[derive(Debug)]
pub enum Act<'a> {
    /// Begin the datum, and give out a first data key.
    Create(Datum, &'a SessionKey),
    /// Give a data key out again.
    Open {
        /// As it was wrapped.
        wrapped_key: &'a [u8],
        /// To what.
        session: &'a SessionKey,
    },
    /// Let another user open the datum once, until then (Unix milliseconds).
    Agree(u64),
    /// Make this the next version.
    Change(Datum),
    /// Make this the last version, and forget the salt.
    Erase(Datum),
    /// Nothing: it is so already, or was only asked for.
    Nothing,
}

impl Held {
    /// Holds what the database brought to what is `current`.
    ///
    /// # Errors
    /// When there is no such datum of the application, or the database brought another version.
    pub fn of(
        id: DatumId,
        current: Option<AttestedRow>,
        brought: Option<&KeptRow>,
        claims: &Claims,
    ) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(Code::DatumUnknown, "this application has no such datum");
        let current = current.ok_or_else(unknown)?;
        let altered = || {
            let words = "the row that was brought is not the current one: repair it from the element";
            Refusal::new(Code::RowAltered, words)
        };
        let row = brought.ok_or_else(altered)?;
        let parsed = Datum::parse(&row.payload).map_err(|_| altered())?;
        if parsed.hash != current.hash || parsed.document.id != id {
            return Err(altered());
        }
        if parsed.document.application != claims.iss {
            return Err(unknown());
        }
        Ok(Self { document: parsed.document, salt: row.salt.0.clone(), version: current.version() })
    }
}

/// Judges a proven call at `now` (Unix milliseconds).
///
/// # Errors
/// The refusal, when the user may not, or the datum is not to be had now.
pub fn judge<'a>(call: &'a ProvenCall, held: Option<&Held>, now: u64) -> Result<Act<'a>, Refusal> {
    if let Operation::Create(create) = &call.claims.op {
        let session = create.session.as_ref().ok_or_else(no_session)?;
        return begin(call, create, now).map(|datum| Act::Create(datum, session));
    }
    let datum = &held.ok_or_else(|| Refusal::new(Code::DatumUnknown, "no such datum"))?.document;
    let owns = datum.owner == call.claims.sub;
    match &call.claims.op {
        Operation::Open(open) => {
            datum.may_be_opened_by(&call.claims, call.address, now)?;
            let session = open.session.as_ref().ok_or_else(no_session)?;
            Ok(Act::Open { wrapped_key: &open.wrapped_key, session })
        }
        Operation::Agree(of) => agree(call, datum, &of.to, now),
        Operation::Describe(_) => datum.may_be_read_by(&call.claims, now).map(|()| Act::Nothing),
        _ if !owns => Err(Refusal::new(Code::UserNotAuthorised, "only the owner administers a datum")),
        Operation::Accesses(_) | Operation::Create(_) => Ok(Act::Nothing),
        Operation::Erasure(_) if datum.erased.is_none() => {
            Err(Refusal::new(Code::NotFound, "it was not erased: there is nothing to certify"))
        }
        Operation::Erasure(_) => Ok(Act::Nothing),
        // Who asks for the same again gets it.
        Operation::Erase(_) if datum.erased.is_some() => Ok(Act::Nothing),
        Operation::Erase(_) => {
            Ok(Act::Erase(datum.erased(Erased { time: now, epoch: call.caller.epoch, act: None })))
        }
        _ => administer(datum, &call.claims.op, now),
    }
}

/// A second person agrees that somebody opens the datum: somebody else, by the name that the application gives both, whatever groups they are of.
fn agree<'a>(call: &ProvenCall, datum: &Datum, to: &Grantee, now: u64) -> Result<Act<'a>, Refusal> {
    datum.may_be_agreed_to_by(&call.claims, call.address, now)?;
    let rule = datum.rules.as_ref().and_then(|rules| rules.second_person);
    let rule =
        rule.ok_or_else(|| Refusal::new(Code::NotFound, "the datum's rules ask for no second person"))?;
    if *to.name() == call.claims.sub {
        return Err(Refusal::new(
            Code::SamePerson,
            "who opens cannot be the second person: another user must agree",
        ));
    }
    Ok(Act::Agree(now.saturating_add(u64::from(rule.within_minutes) * 60_000)))
}

/// What its owner changes of a datum that there still is.
fn administer<'a>(datum: &Datum, op: &Operation, now: u64) -> Result<Act<'a>, Refusal> {
    datum.is_not_erased()?;
    match op {
        Operation::Activate(_) => Ok(with_status(datum, DatumStatus::Active)),
        Operation::Deactivate(_) => Ok(with_status(datum, DatumStatus::Inactive)),
        Operation::Grant(grant) => {
            let mut next = datum.clone();
            next.grants.retain(|known| known.to != grant.grant.to);
            next.grants.push(given(&grant.grant));
            changed(next)
        }
        Operation::Revoke(of) => {
            let mut next = datum.clone();
            next.grant_to(&of.to).ok_or_else(no_grant)?;
            next.grants.retain(|known| known.to != of.to);
            changed(next)
        }
        Operation::ActivateGrant(of) => with_grant(datum, &of.to, GrantStatus::Active),
        Operation::DeactivateGrant(of) => with_grant(datum, &of.to, GrantStatus::Inactive),
        Operation::SetValidity(of) => changed(bounded(with_validity(datum, of), now)?),
        Operation::SetRules(of) => changed(Datum { rules: kept(Some(&of.rules)), ..datum.clone() }),
        _ => Ok(Act::Nothing),
    }
}

fn begin(call: &ProvenCall, create: &Create, now: u64) -> Result<Datum, Refusal> {
    let datum = Datum {
        v: 1,
        id: DatumId::random(),
        organisation: call.caller.organisation,
        application: call.claims.iss,
        owner: create.owner.clone().unwrap_or_else(|| call.claims.sub.clone()),
        name: create.name.clone(),
        tags: create.tags.clone(),
        created: now,
        expires: create.expires.map_or_else(|| now.saturating_add(YEAR), milliseconds),
        valid_from: create.valid_from.map(milliseconds),
        valid_until: create.valid_until.map(milliseconds),
        status: DatumStatus::Active,
        grants: create.grants.iter().map(given).collect(),
        rules: kept(create.rules.as_ref()),
        held: None,
        erased: None,
    };
    datum.check().map_err(|error| Refusal::new(Code::DocumentMalformed, error.to_string()))?;
    bounded(datum, now)
}

/// The datum at other times; what is not said stays.
fn with_validity(datum: &Datum, to: &ToLast) -> Datum {
    Datum {
        expires: to.expires.map_or(datum.expires, milliseconds),
        valid_from: to.valid_from.map(milliseconds).or(datum.valid_from),
        valid_until: to.valid_until.map(milliseconds).or(datum.valid_until),
        ..datum.clone()
    }
}

/// A datum whose key ends soon enough for somebody to think of it again.
fn bounded(datum: Datum, now: u64) -> Result<Datum, Refusal> {
    if datum.expires > now.saturating_add(LONGEST) {
        let words = "expires: at most ten years ahead; set_validity moves it on, also once it is over";
        return Err(Refusal::new(Code::DocumentMalformed, words));
    }
    Ok(datum)
}

/// The rules as they are kept: none where they bound nothing.
fn kept(rules: Option<&Rules>) -> Option<Rules> {
    rules.filter(|rules| **rules != Rules::default()).cloned()
}

fn with_status<'a>(datum: &Datum, status: DatumStatus) -> Act<'a> {
    if datum.status == status { Act::Nothing } else { Act::Change(Datum { status, ..datum.clone() }) }
}

fn with_grant<'a>(datum: &Datum, to: &Grantee, status: GrantStatus) -> Result<Act<'a>, Refusal> {
    let mut next = datum.clone();
    let grant = next.grant_to(to).ok_or_else(no_grant)?;
    if grant.status == status {
        return Ok(Act::Nothing);
    }
    grant.status = status;
    changed(next)
}

fn changed<'a>(next: Datum) -> Result<Act<'a>, Refusal> {
    next.check().map_err(|error| Refusal::new(Code::DocumentMalformed, error.to_string()))?;
    Ok(Act::Change(next))
}

fn given(asked: &Authorisation) -> Grant {
    let Authorisation { to, from, until } = asked.clone();
    Grant { to, from: from.map(milliseconds), until: until.map(milliseconds), status: GrantStatus::Active }
}

fn no_session() -> Refusal {
    let words = "name the session that the data key is encrypted to, or register a key of use enc";
    Refusal::new(Code::SessionKeyInvalid, words)
}

fn no_grant() -> Refusal {
    Refusal::new(Code::GrantUnknown, "nobody of this name has an authorisation")
}

fn milliseconds(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}
