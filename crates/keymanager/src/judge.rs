//! Who judges client certificates: authorities and role names are those of the start, revocation lists those that lie in their files now.

use std::sync::Arc;

use sceau_hsm::{Files, Watched, certificates};
use sceau_pki::{Anchors, ClientJudge};

use crate::error::Error;
use crate::settings::Settings;

/// The judge of this moment.
pub(crate) struct Judge(Watched<ClientJudge, Error>);

impl Judge {
    /// Reads the lists that the settings name.
    pub(crate) fn open(anchors: Anchors, settings: &Settings) -> Result<Self, Error> {
        let (names, lists) = (settings.role_names.clone(), settings.client_crls.clone());
        let make = move |files: &mut Files| {
            let judge = ClientJudge::new(anchors.clone(), names.clone());
            if lists.is_empty() {
                return Ok(judge);
            }
            lists.iter().for_each(|path| files.note(path));
            Ok(judge.asking(certificates::read_revocation_lists(&lists)?))
        };
        Watched::open(Box::new(make)).map(Self)
    }

    /// With the lists as they are now. One that cannot be read is no reason to forget the last one, which refuses everybody when it is over.
    pub(crate) fn now(&self) -> Arc<ClientJudge> {
        let (judge, unusable) = self.0.now();
        if let Some(error) = unusable {
            tracing::warn!(%error, "a revocation list cannot be read; the last one stays in force");
        }
        judge
    }
}
