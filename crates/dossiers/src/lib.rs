//! Dossiers: an organisation publishes schemes, a citizen deposits sealed files, case officers read on their key manager's page
//! and decide, and everyone sees each access with its proof.
//!
//! This room keeps ciphertext and metadata. It never holds a key that opens a document, never sees a document in clear, and never
//! takes a row of its own database for true: what matters is attested by the element and checked at each use.

mod admissible;
mod code;
mod cosigned;
mod cross_origin;
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
mod migrations;
pub mod mob;
mod organisations;
pub mod parsers;
mod postman;
mod reading;
mod recover;
mod rewrap;
mod room;
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

pub use code::Code;
pub use cosigned::Cosigned;
pub use decisions::KeyInUse;
pub use deliveries::{
    Cause, ConnectorView, DeadLetter, DeliveriesView, Delivery, DeliveryKind, Discard, DiscardReason,
    NewConnector, OutOfReach, Page, Reach, Resolver, TopicView, WEBHOOKS, WaitingWebhooks, WebhookForm,
    WebhookView,
};
pub use deposits::Begun;
pub use fault::Fault;
pub use http::{Beside, Platform, api};
pub use keys::PublishedKey;
pub use letters::{LETTERS, Letter, Text};
pub use migrations::MIGRATIONS;
pub use organisations::{OrganisationForm, OrganisationRow, OrganisationView, RootForm};
pub use reading::{Bundle, DecisionProof, FileView, Reader, ReaderView, Reading, ReadingToken, Ticket};
pub use rewrap::{NewHeader, NewHeaders, SealedDossier};
pub use room::Dossiers;
pub use rows::{Row, Rows};
pub use scanned::{Grant, IntakeDesk, IntakeSession};
pub use schemes::{SchemeForm, SchemeView};
pub use settle::Posted;
pub use space::{DraftSpace, Upload};
pub use uploads::Arrived;
pub use views::{DecisionView, DossierView, EventView, FileSummary, Summary};
