//! Objects that no row names: what a kill left between writing a part and its row, or between a row and its object.
//!
//! An upload writes its object and then, at once, the row. One that is a day old and has no row will never have one.

use sceau_store::{SHELVES, params};

use crate::fault::Fault;
use crate::{Dossiers, statements};

/// How old an object must be before it is asked for. No upload takes a day.
const ORPHAN_MS: u64 = 86_400_000;
/// The most that kills leave, where a tenth of what rows name is not more: each leaves what was being uploaded in that moment. More means that
/// this is not the objects' database, and whoever brings the right one back must find them.
const KILLS_LEAVE: usize = 100;

impl Dossiers {
    /// Removes objects that no row names and that are more than a day old, half-written ones included; says how many.
    ///
    /// # Errors
    /// When the objects or the database fail; what was removed until then stays removed.
    pub async fn sweep_orphans(&self) -> Result<usize, Fault> {
        let before = self.clock.now_ms().saturating_sub(ORPHAN_MS);
        let (mut named, mut orphans) = (0, Vec::new());
        for shelf in SHELVES {
            for object in self.objects.older_than(shelf, before).await? {
                match self.database.fetch_optional(statements::OBJECT, params![&object]).await? {
                    Some(_) => named += 1,
                    None => orphans.push(object),
                }
            }
        }
        if orphans.len() > KILLS_LEAVE.max(named / 10) {
            tracing::error!(
                orphans = orphans.len(),
                named,
                "most objects have no row: the database is a new one, or older than the objects; nothing is removed, bring back the right one"
            );
            return Ok(0);
        }
        for object in &orphans {
            self.objects.delete(object).await?;
        }
        if !orphans.is_empty() {
            tracing::info!(removed = orphans.len(), "objects that no row names are removed");
        }
        Ok(orphans.len())
    }
}
