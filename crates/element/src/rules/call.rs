//! Calls of applications in their turn: is it still as when they were judged, and did they not come before?

use sceau_element_api::protect::{ANSWER, Grantee, Operation};
use sceau_element_api::wire::{Code, Refusal, RowKey};
use sceau_element_api::{Base64Url, Kind};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Attested, Record, RecordBuilder, sha256};

use super::demand;
use crate::event::{About, CalledRow, Change, Event};
use crate::protect::{Granted, PreparedCall, ProvenCall, Second, UserProof};
use crate::state::{Between, CallKey, State};

/// The subject of a call's record: the provider that proved who the user is, in base64url; not there of a user whom the application asserts.
pub(crate) const ISSUER: &str = "issuer";
/// The detail of an agreement's record: until when it is good, in Unix milliseconds.
pub(crate) const UNTIL: &str = "until";
/// The detail of an agreement's record: the index of the one between the same two whose place it takes.
pub(crate) const REPLACES: &str = "replaces";
/// The detail of an opening's record: the index of the agreement that it used up.
pub(crate) const AGREEMENT: &str = "agreement";

/// That a call, or a batch, is taken at `now` (Unix milliseconds): what it is known again by.
///
/// # Errors
/// When it came before, has ended, or its application changed since it was judged. It leaves no record of the application's.
pub(crate) fn taken(state: &State, now: u64, call: &ProvenCall) -> Result<CallKey, Refusal> {
    let claims = &call.claims;
    let key = CallKey::new(claims.iss, &claims.jti, claims.ends());
    // By the time up to which calls were forgotten, too: a clock that stepped back while the process was down lets none be replayed.
    let now_or_later = now.max(state.calls().time());
    demand(claims.ends() > now_or_later, Code::CallExpired, "the call has ended: sign another")?;
    demand(!state.calls().knows(&key), Code::CallReplayed, "sign another call, with another jti")?;
    demand(
        state.calls().has_room(claims.iss),
        Code::Busy,
        "too many calls that have not ended: wait a minute",
    )?;
    let same = state.application(claims.iss).is_some_and(|known| known.version == call.caller.version);
    demand(same, Code::StaleVersion, "the application changed meanwhile: ask again")?;
    Ok(key)
}

/// The event of a call that is [`taken`], or of one datum of a batch: that it was granted, or refused by name of the application.
///
/// # Errors
/// Where it leaves no record of the application's: what it was judged on has changed meanwhile.
pub(crate) fn order(
    state: &State,
    now: u64,
    key: CallKey,
    prepared: &PreparedCall,
) -> Result<Event, Refusal> {
    let PreparedCall { call, verdict, .. } = prepared;
    let claims = &call.claims;
    let record = match verdict {
        // The fault of whoever keeps the rows or the keys: the call is not used up, and may come again.
        Err(refusal) if matches!(refusal.code, Code::RowAltered | Code::Unavailable) => {
            return Err(refusal.clone());
        }
        Err(refusal) => record(call, now, claims.op.datum(), Err(refusal.code)),
        Ok(granted) => {
            let row = RowKey { kind: Kind::Datum, id: granted.datum.into() };
            let current = state.row(&row).map(|row| row.version());
            demand(current == granted.judged, Code::StaleVersion, "the datum changed meanwhile: ask again")?;
            let replaced = agreed(state, call, granted, now)?;
            record(call, now, Some(granted.datum), Ok((granted, replaced)))
        }
    }?;
    let row = verdict.as_ref().ok().and_then(|granted| granted.row.clone());
    Ok(Event::new(&record, Change::Called { call: key, about: about(state, prepared), row }))
}

/// The index of the agreement whose place one that is granted takes: between the same two there is one.
fn agreed(state: &State, call: &ProvenCall, granted: &Granted, now: u64) -> Result<Option<u64>, Refusal> {
    let (Operation::Agree(of), Some(_)) = (&call.claims.op, granted.agrees_until) else { return Ok(None) };
    let between = Between { by: call.claims.sub.clone(), to: of.to.name().clone() };
    let all = state.agreements();
    let replaced = all.before(granted.datum, &between, now);
    let room = replaced.is_some() || all.has_room(call.claims.iss, granted.datum, &between.by, now);
    demand(room, Code::Busy, "too many agreements wait, by this user, of this datum or of this application")?;
    Ok(replaced)
}

/// The place of its record among those about its datum.
fn about(state: &State, prepared: &PreparedCall) -> Option<About> {
    let datum = prepared.datum()?;
    Some(About { datum, previous: state.last_access(datum) })
}

fn attested(granted: &Granted, row: &CalledRow) -> Attested {
    Attested {
        hash: sha256(&row.payload),
        id: granted.datum.to_string(),
        kind: Kind::Datum.to_string(),
        previous: granted.judged.map(|judged| judged.hash),
        version: granted.judged.map_or(1, |judged| judged.version + 1),
    }
}

fn record(
    call: &ProvenCall,
    now: u64,
    datum: Option<sceau_element_api::protect::DatumId>,
    outcome: Result<(&Granted, Option<u64>), Code>,
) -> Result<Record, Refusal> {
    let replaced = outcome.as_ref().ok().and_then(|(_, replaced)| *replaced);
    let outcome = outcome.map(|(granted, _)| granted);
    let claims = &call.claims;
    let actor = Actor::new(ActorKind::Application, claims.iss.to_string());
    let mut builder = Record::builder(now, actor, Asserted::Application, action_of(&claims.op))
        .organisation(call.caller.organisation.to_string())
        .detail("signer", call.kid.clone());
    builder = match outcome {
        Ok(Granted { answer: Some(answer), .. }) => builder.granted().detail(ANSWER, answer.to_string()),
        Ok(_) => builder.granted(),
        Err(code) => builder.refused(code.as_str()),
    };
    if let Some(ending) = outcome.ok().and_then(|granted| granted.ending) {
        builder = ending.told(builder, call.caller.epoch, now);
    }
    if let Ok(granted) = outcome {
        let until = granted.agrees_until.map(|until| (UNTIL, until));
        let agreement = match granted.second {
            Second::Agreed(index) => Some((AGREEMENT, index)),
            Second::NotAsked | Second::Asked => None,
        };
        let said = until.into_iter().chain(agreement).chain(replaced.map(|index| (REPLACES, index)));
        builder = said.fold(builder, |builder, (name, value)| builder.detail(name, value.to_string()));
    }
    if let Some((granted, row)) = outcome.ok().and_then(|granted| Some((granted, granted.row.as_ref()?))) {
        builder = builder.attested(attested(granted, row));
    }
    if let Some(datum) = datum {
        builder = builder.subject("datum", datum.to_string());
    }
    builder = builder.subject("user", claims.sub.token());
    if let Ok(UserProof::Proven { issuer }) = &call.user {
        // No person's, but it says whose application this is: committed as the rest.
        builder = builder.subject(ISSUER, Base64Url::from(issuer.as_bytes()).encode());
    }
    if let Some(grantee) = grantee(&claims.op) {
        builder = builder.subject(format!("granted_{}", grantee.kind()), grantee.name().token());
    }
    with_address(builder, call)
        .build()
        .map_err(|error| Refusal::new(Code::RecordMalformed, error.to_string()))
}

/// An address is no token of a record's, and personal: base64url of its text, to be committed.
fn with_address(builder: RecordBuilder, call: &ProvenCall) -> RecordBuilder {
    match call.address {
        Some(address) => builder.subject("address", Base64Url::from(address.to_string().as_bytes()).encode()),
        None => builder,
    }
}

fn grantee(op: &Operation) -> Option<&Grantee> {
    match op {
        Operation::Grant(grant) => Some(&grant.grant.to),
        Operation::Revoke(of)
        | Operation::ActivateGrant(of)
        | Operation::DeactivateGrant(of)
        | Operation::Agree(of) => Some(&of.to),
        _ => None,
    }
}

/// The action of a call's record.
pub(crate) fn action_of(op: &Operation) -> Action {
    match op {
        Operation::Create(_) => Action::DATUM_CREATE,
        Operation::Open(_) => Action::DATUM_OPEN,
        Operation::Activate(_) => Action::DATUM_ACTIVATE,
        Operation::Deactivate(_) => Action::DATUM_DEACTIVATE,
        Operation::Grant(_) => Action::DATUM_GRANT,
        Operation::Revoke(_) => Action::DATUM_REVOKE,
        Operation::ActivateGrant(_) => Action::DATUM_GRANT_ACTIVATE,
        Operation::DeactivateGrant(_) => Action::DATUM_GRANT_DEACTIVATE,
        Operation::Agree(_) => Action::DATUM_AGREE,
        Operation::Describe(_) => Action::DATUM_DESCRIBE,
        Operation::Accesses(_) => Action::DATUM_ACCESSES,
        Operation::SetRules(_) => Action::DATUM_RULES,
        Operation::SetValidity(_) => Action::DATUM_VALIDITY,
        Operation::Erase(_) => Action::DATUM_ERASE,
        Operation::Erasure(_) => Action::DATUM_ERASURE,
    }
}
