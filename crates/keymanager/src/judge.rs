//! Who judges client certificates: authorities and role names are those of the start, revocation lists the newest that were in their files.

use std::sync::Arc;

use sceau_hsm::{Files, KeptLists, Watched, certificates};
use sceau_pki::{Anchors, ClientJudge};
use sceau_store::Clock;

use crate::error::Error;
use crate::settings::Settings;

/// The judge of this moment.
pub(crate) struct Judge(Watched<ClientJudge, Error>);

impl Judge {
    /// Reads the authorities and lists that the settings name.
    pub(crate) fn open(anchors: Anchors, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let between = certificates::read_certificates(&settings.client_intermediates)?;
        let authorities = [anchors.certificates(), &between].concat();
        let judge = ClientJudge::new(anchors, settings.role_names.clone()).with_intermediates(&between);
        let (lists, kept) = (settings.client_crls.clone(), KeptLists::default());
        let make = move |files: &mut Files| {
            if lists.is_empty() {
                return Ok(judge.clone());
            }
            let newest = kept.newest(files, &lists, authorities.clone(), clock.now_ms(), |error| {
                tracing::warn!(%error, "a revocation list cannot be used; the one before stays in force");
            });
            Ok(judge.clone().asking(newest?))
        };
        Watched::open(Box::new(make)).map(Self)
    }

    /// With the newest lists. One that cannot be used is no reason to forget the one before, which refuses everybody when it is over.
    pub(crate) fn now(&self) -> Arc<ClientJudge> {
        self.0.now().0
    }
}
