//! Acts of administrators and data officers on data: one passkey's word for what can be undone, two people's for what cannot.

use std::collections::BTreeSet;

use sceau_element_api::documents::{
    ActDecision, Datum, DatumStatus, Decided, Document as _, Does, Erased, HeldBy, ProtectAct,
};
use sceau_element_api::wire::{Code, Refusal, RowKey, Version};
use sceau_element_api::{ApplicationId, Kind, OrganisationId};
use sceau_trace::{Action, Asserted, Attested, Record, sha256};

use super::{
    Verdict, actor_of, approver, demand, describe, not_authorised, passkey_account, record_of, still_holds,
    with_proof,
};
use crate::claim::ProvenClaim;
use crate::document::AnyDocument;
use crate::event::{About, CalledRow, Change, Event};
use crate::protect::{Acted, PreparedAct};
use crate::state::{Account, Authority, State};

/// How far the time that is signed may be from the element's, in milliseconds.
const APART: u64 = 10 * 60 * 1000;
/// Requests of one organisation that wait for a second person.
const WAITING: usize = 100;

/// Judges an act at `now` (Unix milliseconds), who approves having been there for `age` (milliseconds) when it was asked, and returns the events that make it so: its own, then one for each datum that changes.
///
/// # Errors
/// The refusal, when a rule is against it: then nothing of it happens.
pub(crate) fn order(state: &State, now: u64, age: u64, prepared: PreparedAct) -> Result<Vec<Event>, Refusal> {
    let PreparedAct { claim: ProvenClaim { claim, authority }, data } = prepared;
    let AnyDocument::ProtectAct(act) = &claim.document else {
        return Err(Refusal::new(Code::Malformed, "this is no act on data"));
    };
    still_holds(state, &authority)?;
    let current = state.row(&RowKey { kind: claim.kind, id: claim.id.clone() }).map(|row| row.version());
    if current != claim.previous {
        return Err(Refusal::new(Code::StaleVersion, describe(current)));
    }
    let by = passkey_account(state, &authority, "an act on data")?;
    let about = Extent::of(act, &data);
    about.demand_of(by)?;
    is_now(act, by, now)?;
    match &act.decision {
        None => begins(state, (now, age), (act, by, &about), current)?,
        Some(decision) => decides(state, (now, age), (act, decision, &about), &authority)?,
    }
    let mut events = Vec::with_capacity(data.len() + 1);
    let record = record_of(now, &claim, &authority, current, verdict(by, act))?;
    let effects: Vec<_> = data
        .into_iter()
        .filter_map(|datum| effect(state, now, act, (by, &authority), datum).transpose())
        .collect::<Result<_, _>>()?;
    events.push(Event::new(&record, Change::Attested { payload: claim.payload }));
    events.extend(effects);
    Ok(events)
}

/// Whose data an act is about.
struct Extent {
    organisation: OrganisationId,
    applications: BTreeSet<ApplicationId>,
}

impl Extent {
    fn of(act: &ProtectAct, data: &[Acted]) -> Self {
        let applications = data.iter().map(|one| one.held.document.application).collect();
        Self { organisation: act.organisation, applications }
    }

    /// Whether an account is in use, and its role lets it act on all of them.
    fn is_in_remit_of(&self, account: &Account) -> bool {
        account.document.remit().is_some_and(|remit| {
            remit.organisation == self.organisation && self.applications.iter().all(|one| remit.has(*one))
        })
    }

    /// # Errors
    /// `not_authorised`, where it does not.
    fn demand_of(&self, account: &Account) -> Result<(), Refusal> {
        let words = "only administrators and data officers of the organisation act on its data, data officers of some applications on the data of those";
        if self.is_in_remit_of(account) { Ok(()) } else { Err(not_authorised(words)) }
    }
}

/// Whether whoever signs is who the document says, and signs it now.
fn is_now(act: &ProtectAct, account: &Account, now: u64) -> Result<(), Refusal> {
    let (by, time) = act.signed();
    demand(
        by == account.document.account,
        Code::ClaimRefused,
        "the document says that somebody else signs it",
    )?;
    demand(time.abs_diff(now) <= APART, Code::ClaimRefused, "it was not signed about now: look at the clock")
}

/// A first version: at once, or a request.
fn begins(
    state: &State,
    (now, age): (u64, u64),
    (act, by, about): (&ProtectAct, &Account, &Extent),
    current: Option<Version>,
) -> Result<(), Refusal> {
    demand(
        current.is_none(),
        Code::FieldFixed,
        "an act never changes: a request is approved or withdrawn, once",
    )?;
    if !act.is_request() {
        return Ok(());
    }
    let mut others = state.accounts().filter(|account| about.is_in_remit_of(account));
    let another = others.any(|it| it.active_credentials > 0 && approver::could(state, it, by, now, age));
    let hours = age.div_ceil(3600 * 1000);
    let words = format!(
        "erasing needs two people, and nobody else could approve, who may act on these data, was there {hours} hours ago and is not of the same making: have another invited and wait, or let the application erase"
    );
    demand(another, Code::ApproverMissing, &words)?;
    let room = state.acts().of(act.organisation) < WAITING;
    demand(room, Code::Busy, "100 requests wait for a second person already: withdraw some")
}

/// A last version: what a second person, or whoever takes it back, says of a request.
fn decides(
    state: &State,
    (now, age): (u64, u64),
    (act, decision, about): (&ProtectAct, &ActDecision, &Extent),
    authority: &Authority,
) -> Result<(), Refusal> {
    let ended = || {
        Refusal::new(Code::ActEnded, "it was approved, withdrawn or never made, or its seven days are over")
    };
    let asked = state.acts().get(act.act).filter(|asked| now < asked.document.ends()).ok_or_else(ended)?;
    let same = ProtectAct { decision: None, ..act.clone() } == asked.document;
    demand(same, Code::FieldFixed, "a request is approved or withdrawn as it is")?;
    demand(decision.request == asked.hash, Code::HashMismatch, "it is about another request")?;
    if decision.is == Decided::Withdrawn {
        return Ok(());
    }
    let Authority::Passkey { credential, account, .. } = authority else {
        return Err(Refusal::new(Code::ProofRequired, "an approval needs a passkey"));
    };
    let another = *account != asked.document.by && *credential != asked.credential;
    demand(another, Code::SamePerson, "who asked for it cannot approve it: another person must")?;
    // Who asked counts as one of the two still: an account that was suspended meanwhile does not.
    let by = state
        .account(asked.document.by)
        .filter(|_| state.credential(&asked.credential).is_some_and(|it| it.is_active()));
    let by = by.filter(|by| about.is_in_remit_of(by));
    let by = by.ok_or_else(|| {
        Refusal::new(Code::ActEnded, "who asked for it may not any more: withdraw it, and ask anew")
    })?;
    let approver = state.account(*account).zip(state.credential(credential));
    let approver =
        approver.ok_or_else(|| Refusal::new(Code::CredentialUnknown, "enrol the passkey first"))?;
    approver::judge(state, asked, by, approver, age)
}

fn verdict(by: &Account, act: &ProtectAct) -> Verdict {
    let verdict = Verdict::by(actor_of(by))
        .organisation(act.organisation)
        .detail("does", act.does.as_str())
        .detail("count", act.data.len());
    match &act.decision {
        None => verdict,
        Some(decision) => verdict.subject("requested_by", act.by).detail("decision", decision.is.as_str()),
    }
}

/// What becomes of a datum; none where it is so already, or nothing happens yet.
fn effect(
    state: &State,
    now: u64,
    act: &ProtectAct,
    (by, authority): (&Account, &Authority),
    Acted { held, ending }: Acted,
) -> Result<Option<Event>, Refusal> {
    let row = RowKey { kind: Kind::Datum, id: held.document.row() };
    let current = state.row(&row).map(|row| row.version());
    demand(current == Some(held.version), Code::StaleVersion, "a datum changed meanwhile: sign again")?;
    let Some((action, next)) = next(state, now, act, &held.document)? else { return Ok(None) };
    let payload = next.to_bytes();
    let payload = payload.map_err(|error| Refusal::new(Code::DocumentMalformed, error.to_string()))?;
    let attested = Attested {
        hash: sha256(&payload),
        id: next.id.to_string(),
        kind: Kind::Datum.to_string(),
        previous: Some(held.version.hash),
        version: held.version.version + 1,
    };
    let mut builder = Record::builder(now, actor_of(by), Asserted::Passkey, action)
        .granted()
        .attested(attested)
        .organisation(act.organisation.to_string())
        .subject("datum", next.id.to_string())
        .subject("application", next.application.to_string())
        .detail(ProtectAct::DETAIL, act.act.to_string());
    if let Some((ending, erased)) = ending.zip(next.erased) {
        builder = ending.told(builder, erased.epoch, now);
    }
    let record = with_proof(builder, authority)
        .build()
        .map_err(|error| Refusal::new(Code::RecordMalformed, error.to_string()))?;
    let about = About { datum: next.id, previous: state.last_access(next.id) };
    let salt = if next.status == DatumStatus::Erased { Vec::new() } else { held.salt };
    Ok(Some(Event::new(&record, Change::Acted { about, row: CalledRow { payload, salt } })))
}

/// The next version of a datum, and what its record calls that.
fn next(
    state: &State,
    now: u64,
    act: &ProtectAct,
    datum: &Datum,
) -> Result<Option<(Action, Datum)>, Refusal> {
    let approved = act.decision.as_ref().is_some_and(|decision| decision.is == Decided::Approved);
    if datum.status == DatumStatus::Erased {
        // Its owner may have erased it while the request waited: then there is nothing left to do.
        let words = format!("{} was erased: leave it out", datum.id);
        return if act.decision.is_some() { Ok(None) } else { Err(Refusal::new(Code::DatumErased, words)) };
    }
    let held = Some(HeldBy { time: now, act: act.act });
    Ok(match act.does {
        Does::Hold if datum.held.is_none() => Some((Action::DATUM_HOLD, Datum { held, ..datum.clone() })),
        Does::Release if datum.held.is_some() => {
            Some((Action::DATUM_RELEASE, Datum { held: None, ..datum.clone() }))
        }
        Does::Erase if approved => {
            let epochs = state.epochs(act.organisation);
            let epochs =
                epochs.ok_or_else(|| Refusal::new(Code::Unavailable, "the organisation has no keys"))?;
            let erased = Erased { time: now, epoch: epochs.current(), act: Some(act.act) };
            Some((Action::DATUM_ERASE, datum.erased(erased)))
        }
        _ => None,
    })
}
