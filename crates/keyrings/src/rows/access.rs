//! Who acts, as the security officer registered it. The documents are asked of the database each time; what one says is read once for its bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sceau_element_api::OrganisationId;
use sceau_element_api::keyring::{ActorStatus, KeyringAccess, KeyringActor};
use sceau_keyring::{Asks, Validity, thumbprint};
use sceau_pki::Certificate;
use sceau_store::params;
use sceau_trace::{Hash, sha256};

use super::{Rows, RowsError, read, stored};
use crate::schema::statements;

/// Documents that are remembered; beyond, all are forgotten.
const REMEMBERED: usize = 64;

/// Somebody who acts, as the officer registered it, and where.
#[derive(Debug, Clone)]
pub struct Acting {
    /// Of this organisation.
    pub organisation: OrganisationId,
    /// Who.
    pub actor: KeyringActor,
    /// Its key, a SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    pub(crate) validity: Validity,
}

impl Acting {
    /// As a provider at this door.
    #[must_use]
    pub fn asks(&self) -> Asks<'_> {
        Asks { actor: &self.actor, validity: self.validity }
    }
}

/// An actor of a document, whether or not it acts now.
#[derive(Debug)]
struct Registered {
    acting: Acting,
    thumbprint: [u8; 32],
    from: u64,
    until: u64,
}

/// What documents say, by the hash of their bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadAccess(Arc<Mutex<HashMap<Hash, Arc<[Registered]>>>>);

impl ReadAccess {
    fn of(&self, payload: &[u8]) -> Arc<[Registered]> {
        let hash = sha256(payload);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&hash) {
            return Arc::clone(known);
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let registered: Arc<[Registered]> = registered(payload).into();
        known.insert(hash, Arc::clone(&registered));
        registered
    }
}

/// The actors of a document whose certificates can be read; none of what is no such document.
fn registered(payload: &[u8]) -> Vec<Registered> {
    let Ok(access) = read::<KeyringAccess>(payload) else { return Vec::new() };
    let organisation = access.organisation;
    let of = |actor: KeyringActor| {
        let certificate = Certificate::from_der(&actor.certificate, "an actor's certificate").ok()?;
        let spki = certificate.public_key_info();
        let (from, until) = (certificate.not_before(), certificate.not_after());
        let (thumbprint, validity) = (thumbprint(&spki)?, Validity::Registered { from, until });
        Some(Registered { acting: Acting { organisation, actor, spki, validity }, thumbprint, from, until })
    };
    access.actors.into_iter().filter_map(of).collect()
}

impl Rows {
    /// Who acts by the key of this thumbprint, whose registered certificate is good at `now`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn acting(&self, key: &[u8; 32], now: u64) -> Result<Vec<Acting>, RowsError> {
        let rows = self.database.fetch_few(statements::ACCESS_OF, params![key]).await?;
        let mut acting = Vec::new();
        for row in rows {
            let payload: Vec<u8> = stored(&row, "payload")?;
            let registered = self.access.of(&payload);
            let acts = |one: &&Registered| {
                one.thumbprint == *key
                    && (one.from..=one.until).contains(&now)
                    && one.acting.actor.status == ActorStatus::Active
            };
            acting.extend(registered.iter().filter(acts).map(|one| one.acting.clone()));
        }
        Ok(acting)
    }
}
