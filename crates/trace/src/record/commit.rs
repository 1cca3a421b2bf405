//! Which fields of a record name a person or a person's thing, and how they enter the log: as commitments.

use super::{ActorKind, Record, WireRecord};
use crate::{Commitment, CommitmentKey, FieldPath, Opening, OpeningError, Openings};

impl Record {
    /// The form that enters a log which others may read, and what opens it: every id of a person or of a person's thing
    /// (an account, a passkey, a dossier, a file…) becomes a commitment under a key of its own. `random` gives each key.
    /// What already is a commitment stays.
    pub fn commit(&self, mut random: impl FnMut() -> [u8; 32]) -> (Record, Openings) {
        let mut wire = self.wire.clone();
        let mut openings = Openings::default();
        for path in personal_fields(&wire) {
            let Some(id) = wire.field_mut(path) else { continue };
            if Commitment::parse(id).is_some() {
                continue;
            }
            let key = CommitmentKey::new(random());
            let committed = Commitment::make(&key, path, id).to_string();
            openings.insert(path, Opening { key, value: std::mem::replace(id, committed) });
        }
        // Valid as before: a commitment is a token, and at the most the rules allow the record stays below 32 KiB.
        (Record { wire }, openings)
    }

    /// The record with the opened values in the place of their commitments. What has no opening stays a commitment.
    ///
    /// # Errors
    /// When an opening does not fit its commitment, or opens what is none.
    pub fn reveal(&self, openings: &Openings) -> Result<Record, OpeningError> {
        let mut wire = self.wire.clone();
        for (path, opening) in openings.iter() {
            let field = wire.field_mut(path).ok_or(OpeningError::Superfluous(path))?;
            let commitment = Commitment::parse(field).ok_or(OpeningError::Superfluous(path))?;
            if !commitment.opens_with(path, opening) {
                return Err(OpeningError::Wrong(path));
            }
            field.clone_from(&opening.value);
        }
        Ok(Record { wire })
    }
}

impl WireRecord {
    fn field_mut(&mut self, path: FieldPath) -> Option<&mut String> {
        match path {
            FieldPath::Actor => Some(&mut self.actor.id),
            FieldPath::Attested => self.attested.as_mut().map(|attested| &mut attested.id),
            FieldPath::Subject(at) => self.subjects.get_mut(usize::from(at)).map(|subject| &mut subject.id),
        }
    }
}

fn personal_fields(wire: &WireRecord) -> Vec<FieldPath> {
    let mut paths = Vec::new();
    if is_person(wire.actor.kind) {
        paths.push(FieldPath::Actor);
    }
    if wire.attested.as_ref().is_some_and(|attested| !is_public(&attested.kind)) {
        paths.push(FieldPath::Attested);
    }
    let subjects = (0..=u8::MAX).zip(&wire.subjects).filter(|(_, subject)| !is_public(&subject.kind));
    paths.extend(subjects.map(|(at, _)| FieldPath::Subject(at)));
    paths
}

const fn is_person(kind: ActorKind) -> bool {
    match kind {
        ActorKind::Citizen
        | ActorKind::CaseOfficer
        | ActorKind::Supervisor
        | ActorKind::OrganisationAdmin
        | ActorKind::DataOfficer
        | ActorKind::PlatformAdmin
        | ActorKind::Holder => true,
        ActorKind::Client
        | ActorKind::KeyManager
        | ActorKind::Application
        | ActorKind::Officer
        | ActorKind::RegistrationAuthority
        | ActorKind::Support
        | ActorKind::Platform
        | ActorKind::Element => false,
    }
}

/// Things of organisations and machines. Whatever is not listed may be a person's.
fn is_public(kind: &str) -> bool {
    matches!(
        kind,
        "organisation"
            | "scheme"
            | "key-statement"
            | "funder-key"
            | "statement"
            | "key"
            | "policy"
            | "keyring-policy"
            | "keyring-access"
            | "keyring-officer"
            | "client"
            | "application"
            | "key_manager"
            | "platform"
            | "element"
    )
}
