//! The room with the parts that it works on.

use std::sync::Arc;

use sceau_element_api::Client;
use sceau_store::{Clock, Database, Objects, Outbox};
use tokio::sync::{Notify, OnceCell};

use crate::cosigned::Cosigned;
use crate::deliveries::{Reach, Receivers};
use crate::guard::Guard;
use crate::rows::Rows;
use crate::scanned::{GrantKey, IntakeDesk};
use crate::space::DraftSpace;

/// Dossiers, with everything that they hang on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dossiers {
    pub(crate) rows: Rows,
    pub(crate) database: Database,
    pub(crate) objects: Objects,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) origin: Arc<str>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) space: DraftSpace,
    pub(crate) intake: Option<IntakeDesk>,
    /// MOB's host, where there is one.
    pub(crate) mob: Option<IntakeDesk>,
    /// Wakes who waits for the feed.
    pub(crate) news: Arc<Notify>,
    /// How far webhooks go.
    pub(crate) reach: Reach,
    pub(crate) receivers: Arc<Receivers>,
    /// By which grants of the intake are known before they are looked up.
    pub(crate) grants: Arc<OnceCell<GrantKey>>,
    /// What witnesses cosigned of the log.
    pub(crate) cosigned: Cosigned,
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
            grants: Arc::default(),
            cosigned: Cosigned::default(),
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
