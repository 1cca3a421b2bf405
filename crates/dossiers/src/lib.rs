//! Dossiers: an organisation publishes schemes, a citizen deposits sealed files, case officers read on their key manager's page
//! and decide, and everyone sees each access with its proof.
//!
//! This room keeps ciphertext and metadata. It never holds a key that opens a document, never sees a document in clear, and never
//! takes a row of its own database for true: what matters is attested by the element and checked at each use.

mod admissible;
mod code;
mod decisions;
mod deliveries;
mod deposits;
mod evidence;
mod fault;
mod guard;
mod http;
pub mod intake;
mod keys;
mod letters;
pub mod mob;
mod organisations;
pub mod parsers;
mod postman;
mod reading;
mod recover;
mod rewrap;
mod rows;
mod scanned;
mod schemes;
mod settle;
mod space;
mod state;
mod sweep;
mod tiles;
mod uploads;
mod views;

pub mod statements;

use std::sync::Arc;

use sceau_element_api::Client;
use sceau_store::{Clock, Database, Migration, Objects, Outbox};

use guard::Guard;

pub use code::Code;
pub use decisions::KeyInUse;
pub use deliveries::{
    Cause, ConnectorView, DeadLetter, DeliveriesView, Delivery, DeliveryKind, Discard, DiscardReason,
    NewConnector, OutOfReach, Page, Reach, Resolver, TopicView, WEBHOOKS, WaitingWebhooks, WebhookForm,
    WebhookView,
};
pub use deposits::Begun;
pub use fault::Fault;
pub use http::{Platform, api};
pub use keys::PublishedKey;
pub use letters::{Letter, Text};
pub use organisations::{OrganisationForm, OrganisationRow, OrganisationView, RootForm};
pub use reading::{Bundle, DecisionProof, FileView, Reader, ReaderView, Reading, ReadingToken, Ticket};
pub use rewrap::{NewHeader, NewHeaders, SealedDossier};
pub use rows::{Row, Rows};
pub use scanned::{Grant, IntakeDesk, IntakeSession};
pub use schemes::{SchemeForm, SchemeView};
pub use settle::Posted;
pub use space::{DraftSpace, Upload};
pub use uploads::Arrived;
pub use views::{DecisionView, DossierView, EventView, FileSummary, Summary};

/// The tables of this room.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "dossiers/0001-tables", sql: include_str!("../migrations/0001.sql") },
    Migration { name: "dossiers/0002-draft-space", sql: include_str!("../migrations/0002.sql") },
    Migration { name: "dossiers/scanned-intake-1", sql: include_str!("../migrations/scanned-intake.sql") },
    Migration { name: "dossiers/deliveries-1", sql: include_str!("../migrations/deliveries.sql") },
    Migration { name: "dossiers/deliveries-2", sql: include_str!("../migrations/webhooks.sql") },
    Migration { name: "dossiers/mob-1", sql: include_str!("../migrations/mob.sql") },
    Migration { name: "dossiers/mob-http-1", sql: include_str!("../migrations/mob-http.sql") },
    Migration { name: "dossiers/mob-http-2", sql: include_str!("../migrations/mob-outcomes.sql") },
    Migration { name: "dossiers/mob-records", sql: include_str!("../migrations/mob-records.sql") },
];

/// The topic of letters in the outbox.
pub const LETTERS: &str = "letter";

/// The room with the parts that it works on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dossiers {
    rows: Rows,
    database: Database,
    objects: Objects,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    origin: Arc<str>,
    guard: Arc<Guard>,
    space: DraftSpace,
    intake: Option<IntakeDesk>,
    /// MOB's host, where there is one.
    mob: Option<IntakeDesk>,
    /// Wakes who waits for the feed.
    news: Arc<tokio::sync::Notify>,
    /// How far webhooks go.
    reach: Reach,
    receivers: Arc<deliveries::Receivers>,
}

impl Dossiers {
    /// Assembles the room. `origin` is the platform's own, for links in letters.
    pub fn new(
        database: Database,
        objects: Objects,
        outbox: Outbox,
        element: Client,
        clock: Arc<dyn Clock>,
        origin: &str,
    ) -> Self {
        let rows = Rows::new(database.clone(), element, Arc::clone(&clock));
        Self {
            rows,
            database,
            objects,
            outbox,
            clock,
            origin: origin.into(),
            guard: Guard::new(),
            space: DraftSpace::default(),
            intake: None,
            mob: None,
            news: Arc::default(),
            reach: Reach::default(),
            receivers: Arc::default(),
        }
    }

    /// Says how far webhooks go.
    #[must_use]
    pub fn with_reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The element that attests this room's rows.
    pub fn element(&self) -> &Client {
        self.rows.element()
    }
}
