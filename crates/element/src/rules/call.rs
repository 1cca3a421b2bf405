//! Calls of applications in their turn: is it still as when they were judged, and did they not come before?

use sceau_element_api::protect::{ANSWER, Erasure, Grantee, Kept, Operation};
use sceau_element_api::wire::{Code, Refusal, RowKey};
use sceau_element_api::{Base64Url, Kind};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Attested, Record, RecordBuilder, sha256};

use super::demand;
use crate::event::{About, CalledRow, Change, Event};
use crate::protect::{Granted, PreparedCall, ProvenCall};
use crate::state::{CallKey, State};

/// The event of a call at `now` (Unix milliseconds): that it was granted, or refused by name of the application.
///
/// # Errors
/// Where it leaves no record of the application's: it came before, has ended, or what it was judged on has changed meanwhile.
pub(crate) fn order(state: &State, now: u64, prepared: &PreparedCall) -> Result<Event, Refusal> {
    let PreparedCall { call, verdict } = prepared;
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
    let record = match verdict {
        // The fault of whoever keeps the rows or the keys: the call is not used up, and may come again.
        Err(refusal) if matches!(refusal.code, Code::RowAltered | Code::Unavailable) => {
            return Err(refusal.clone());
        }
        Err(refusal) => record(call, now, claims.op.datum(), None, Err(refusal.code)),
        Ok(granted) => {
            let row = RowKey { kind: Kind::Datum, id: granted.datum.into() };
            let current = state.row(&row).map(|row| row.version());
            demand(current == granted.judged, Code::StaleVersion, "the datum changed meanwhile: ask again")?;
            let attested = granted.row.as_ref().map(|row| attested(granted, row));
            record(call, now, Some(granted.datum), attested, Ok(granted))
        }
    }?;
    let row = verdict.as_ref().ok().and_then(|granted| granted.row.clone());
    Ok(Event::new(&record, Change::Called { call: key, about: about(state, prepared), row }))
}

/// The datum that a call is about, if it is its application's: what others tried is not listed with it.
fn about(state: &State, prepared: &PreparedCall) -> Option<About> {
    let datum = match &prepared.verdict {
        Ok(granted) => granted.datum,
        Err(refusal) if refusal.code == Code::DatumUnknown => return None,
        Err(_) => prepared.call.claims.op.datum()?,
    };
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
    attested: Option<Attested>,
    outcome: Result<&Granted, Code>,
) -> Result<Record, Refusal> {
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
        // For the certificate: which key goes with it, by when, and what may be left of it.
        let due = ending.within.map(|within| now.saturating_add(within).to_string());
        builder =
            builder.detail("epoch", call.caller.epoch.to_string()).detail(Kept::DETAIL, ending.kept.as_str());
        builder = due.into_iter().fold(builder, |builder, due| builder.detail(Erasure::DUE, due));
    }
    if let Some(attested) = attested {
        builder = builder.attested(attested);
    }
    if let Some(datum) = datum {
        builder = builder.subject("datum", datum.to_string());
    }
    builder = builder.subject("user", claims.sub.token());
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
        Operation::Revoke(of) | Operation::ActivateGrant(of) | Operation::DeactivateGrant(of) => Some(&of.to),
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
        Operation::Describe(_) => Action::DATUM_DESCRIBE,
        Operation::Accesses(_) => Action::DATUM_ACCESSES,
        Operation::SetRules(_) => Action::DATUM_RULES,
        Operation::Erase(_) => Action::DATUM_ERASE,
        Operation::Erasure(_) => Action::DATUM_ERASURE,
    }
}
