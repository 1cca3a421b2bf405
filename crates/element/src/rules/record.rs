//! Records that others write: the platform's drafts, and what key managers signed.

use sceau_crypto::{Fingerprint, Typ, VerifyingKey, jws};
use sceau_element_api::documents::KeyUse;
use sceau_element_api::wire::{Code, RecordDraft, Refusal};
use sceau_element_api::{AccountId, OrganisationId};
use sceau_trace::{ActorKind, Asserted, Commitment, Hash, Outcome, Record, sha256};

use super::{demand, is_staff_of};
use crate::event::{Change, Event};
use crate::state::State;

/// How long records signed with a replaced key are still taken in: those that were on their way.
const GRACE: u64 = 7 * 24 * 3600 * 1000;

/// The record of a platform's draft, stamped at `now` as platform-asserted.
///
/// # Errors
/// When the draft speaks for the element or for an organisation's key manager, or may not be logged.
pub(crate) fn draft_record(draft: RecordDraft, now: u64) -> Result<Event, Refusal> {
    match draft.actor.kind {
        ActorKind::Citizen
        | ActorKind::CaseOfficer
        | ActorKind::Supervisor
        | ActorKind::OrganisationAdmin
        | ActorKind::DataOfficer
        | ActorKind::PlatformAdmin
        | ActorKind::Client
        | ActorKind::Platform => {}
        _ => {
            let detail = "the platform speaks neither for the element nor for a key manager";
            return Err(Refusal::new(Code::ClaimRefused, detail));
        }
    }
    let record = draft.into_record(now, Asserted::Platform).map_err(malformed)?;
    ids_are_clear(&record)?;
    Ok(Event::new(&record, Change::Recorded))
}

/// Commitments are the element's to make: one that comes from outside could never be opened.
fn ids_are_clear(record: &Record) -> Result<(), Refusal> {
    let ids = record.subjects().iter().map(|subject| &subject.id).chain([&record.actor().id]);
    let clear = ids.into_iter().all(|id| Commitment::parse(id).is_none());
    demand(clear, Code::ClaimRefused, "a record comes with its ids in clear; the log hides them itself")
}

/// The organisation that signs a record, and the key that it signs with.
#[derive(Debug, Clone, Copy)]
pub struct RecordSigner {
    organisation: OrganisationId,
    key: VerifyingKey,
}

impl RecordSigner {
    /// Finds the key that the JWS says it was signed with, if records signed with it are taken in at `now`.
    ///
    /// # Errors
    /// When no organisation signs with it, or not any more.
    pub fn find(state: &State, jws: &str, now: u64) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(Code::KeyUnknown, "no organisation signs records with this key now");
        let kid =
            jws::unverified_kid(jws).map_err(|error| Refusal::new(Code::ProofInvalid, error.to_string()))?;
        let organisation = state.signer(&kid).ok_or_else(unknown)?;
        let chain = state.keys(organisation, KeyUse::Sign).ok_or_else(unknown)?;
        let in_grace = now < chain.current.attested.saturating_add(GRACE);
        let current = Some(&chain.current).filter(|key| key.is_valid_at(now));
        let previous = chain.previous.as_ref().filter(|_| in_grace);
        // What a root stated ends with it, without grace.
        let candidates = [current, previous].into_iter().flatten().filter(|key| !state.has_ended(key.id));
        let mut keys = candidates.filter_map(|key| key.signing);
        let key = keys.find(|key| key.fingerprint() == kid).ok_or_else(unknown)?;
        Ok(Self { organisation, key })
    }
}

/// A record that a key manager signed, verified.
#[derive(Debug)]
pub struct SignedRecord {
    /// The organisation that signed it.
    pub organisation: OrganisationId,
    /// SHA-256 of the signed bytes, by which a second delivery is known.
    pub digest: Hash,
    signer: Fingerprint,
    record: Record,
}

/// Verifies a JWS of typ `sceau-record` and reads the record in it.
///
/// # Errors
/// When the signature does not verify, or the record claims what a key manager may not claim.
pub fn read_signed(jws: &str, keys: &RecordSigner) -> Result<SignedRecord, Refusal> {
    let invalid = |error: jws::JwsError| Refusal::new(Code::ProofInvalid, error.to_string());
    let payload = jws::verify(jws, Typ::Record, &keys.key).map_err(invalid)?;
    let record = Record::parse(&payload).map_err(malformed)?;
    ids_are_clear(&record)?;
    let own = record.organisation().is_none_or(|id| id == keys.organisation.to_string());
    demand(own, Code::ClaimRefused, "the record is about another organisation")?;
    let speaks_for = matches!(
        record.actor().kind,
        ActorKind::CaseOfficer
            | ActorKind::Supervisor
            | ActorKind::OrganisationAdmin
            | ActorKind::KeyManager
            | ActorKind::Client
    );
    demand(
        speaks_for,
        Code::ClaimRefused,
        "a key manager speaks for its organisation's people and machines only",
    )?;
    let plain = record.asserted() == Asserted::Organisation && record.attested().is_none();
    demand(
        plain,
        Code::ClaimRefused,
        "a key manager's record is asserted by the organisation and attests nothing",
    )?;
    Ok(SignedRecord {
        organisation: keys.organisation,
        digest: sha256(&payload),
        signer: keys.key.fingerprint(),
        record,
    })
}

impl SignedRecord {
    /// Whether the organisation may speak for the actor: not for the people of another one.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn check_actor(&self, state: &State) -> Result<(), Refusal> {
        let account = self.record.actor().id.parse::<AccountId>().ok();
        let person = account.filter(|_| self.record.actor().kind != ActorKind::KeyManager);
        let own = person.is_none_or(|account| is_staff_of(state, account, self.organisation));
        demand(own, Code::ClaimRefused, "the record speaks for somebody of another organisation")
    }

    /// The event that takes it in at `now`: its own fields, with when it was signed and the hash of what was signed.
    ///
    /// # Errors
    /// When there is no room for these.
    pub fn into_event(self, now: u64) -> Result<Event, Refusal> {
        let signed = &self.record;
        let mut builder =
            Record::builder(now, signed.actor().clone(), Asserted::Organisation, signed.action().clone());
        builder = match signed.outcome() {
            Outcome::Intent => builder,
            Outcome::Granted => builder.granted(),
            Outcome::Refused => builder.refused(signed.code()),
        };
        for subject in signed.subjects() {
            builder = builder.subject(subject.kind.clone(), subject.id.clone());
        }
        for (name, value) in signed.detail() {
            builder = builder.detail(name.clone(), value.clone());
        }
        let record = builder
            .organisation(self.organisation.to_string())
            .detail("signed_hash", self.digest.to_string())
            .detail("signed_time", signed.time().to_string())
            .detail("signer", self.signer.to_string())
            .build()
            .map_err(malformed)?;
        let change = Change::Delivered { organisation: self.organisation, record: self.digest };
        Ok(Event::new(&record, change))
    }
}

fn malformed(error: sceau_trace::RecordError) -> Refusal {
    Refusal::new(Code::RecordMalformed, error.to_string())
}
