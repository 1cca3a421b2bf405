//! MOB's HTTP interface, on a host of its own: funders publish keys, mobility services subscribe for citizens, files are scanned and
//! sealed in the profile `mob-2022` as they stream, funders fetch and decide.
//!
//! The process sees files in clear for a moment and never writes them anywhere; key and IV of a subscription live as long as the one
//! request that sends its files. Whoever asks is a type ([`callers`]); whose a thing is, is asked at each read and decision.

mod attachments;
mod callers;
mod check;
mod download;
mod fields;
mod forms;
mod invoice;
mod keys;
mod lists;
mod metadata;
mod outcomes;
pub mod parsers;
mod refusal;
mod requests;
mod rows;
mod serve;
mod steps;
mod upkeep;
mod upload;
mod walk;

use std::sync::Arc;

use sceau_accounts::Accounts;
use sceau_accounts::oidc::AccessTokens;
use sceau_crypto::SigningKey;
use sceau_element_api::OrganisationId;
use sceau_element_api::wire::RecordDraft;
use sceau_store::bus::Company;
use sceau_store::{Antivirus, Database, Glance, Places, Transaction};
use sceau_trace::{Action, Actor};
use tokio::sync::Semaphore;

use crate::Dossiers;
use crate::intake::Slowest;
use refusal::Answer;

pub use forms::{EncryptionKey, MobForm, PrivateKeyAccess};
pub use refusal::Code as MobCode;
pub use rows::statements;
pub use serve::serve;

/// What MOB's host is told.
#[derive(Debug)]
pub struct MobSettings {
    /// The funders that use this profile; no other does.
    pub funders: Vec<MobFunder>,
    /// Where this host is reached, without a final `/`: in the messages, where files are fetched.
    pub url: String,
    /// The key that signs manifests.
    pub key: SigningKey,
    /// The antivirus.
    pub antivirus: Antivirus,
    /// Uploads received at once, of one caller a quarter of them; more are asked to come back.
    pub at_once: usize,
    /// How slow a sender may be.
    pub slowest: Slowest,
    /// Verifies tokens of a provider of identities, beside the platform's own.
    pub tokens: Option<AccessTokens>,
    /// The one page of another origin that may call from a browser, `https://host[:port]`.
    pub page: Option<String>,
}

/// A funder that uses this profile.
#[derive(Debug, Clone)]
pub struct MobFunder {
    /// The organisation.
    pub organisation: OrganisationId,
    /// As the bus names it, where its own system decides there.
    pub company: Option<Company>,
    /// Its group at the provider of identities, `/entreprises/simulation-sirh`: in `membership` of its machines' and people's tokens.
    pub group: Option<String>,
}

/// MOB's host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MobHost(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dossiers: Dossiers,
    accounts: Accounts,
    settings: MobSettings,
    uploads: Semaphore,
    of_callers: Places<String>,
    glance: Glance<check::Standing>,
}

impl MobHost {
    /// A host on the platform's records.
    pub fn new(dossiers: Dossiers, accounts: Accounts, settings: MobSettings) -> Self {
        let uploads = Semaphore::new(settings.at_once);
        let of_callers = Places::new(settings.at_once.div_ceil(4));
        Self(Arc::new(Inner { dossiers, accounts, settings, uploads, of_callers, glance: Glance::default() }))
    }

    fn dossiers(&self) -> &Dossiers {
        &self.0.dossiers
    }

    fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    fn settings(&self) -> &MobSettings {
        &self.0.settings
    }

    fn database(&self) -> &Database {
        &self.0.dossiers.database
    }

    async fn begin(&self) -> Answer<Transaction> {
        Ok(self.database().begin().await?)
    }

    fn now(&self) -> u64 {
        self.0.dossiers.clock.now_ms()
    }

    /// What the operator said of a funder; nothing for one that does not use this profile.
    fn funder(&self, organisation: OrganisationId) -> Option<&MobFunder> {
        self.settings().funders.iter().find(|funder| funder.organisation == organisation)
    }

    /// Records a refusal that nothing was done for.
    async fn refused(&self, draft: RecordDraft, refusal: refusal::Refusal) -> refusal::Refusal {
        self.dossiers().record_refusal(draft.refused(refusal.code().as_str())).await;
        refusal
    }
}

/// A record about a subscription.
fn record(actor: Actor, action: Action, subscription: &str, funder: OrganisationId) -> RecordDraft {
    RecordDraft::new(actor, action).subject("dossier", subscription).organisation(funder)
}
