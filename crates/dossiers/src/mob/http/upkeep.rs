//! What was left alone is forgotten: drafts with their files, and metadata that nobody used.

use std::time::Duration;

use sceau_store::{ObjectName, params};

use super::refusal::Answer;
use super::{MobHost, statements};

/// For how long a draft may be left alone: as those of the platform.
const ALONE_MS: u64 = 30 * 86_400_000;
/// How often it is looked for.
const AGAIN: Duration = Duration::from_secs(600);

impl MobHost {
    /// Forgets now and then until it is dropped.
    pub(super) async fn keep_tidy(&self) {
        let mut turns = tokio::time::interval(AGAIN);
        loop {
            turns.tick().await;
            let said = self.say_what_was_left().await;
            let forgotten = self.forget(self.now().saturating_sub(ALONE_MS)).await;
            if said.is_err() || forgotten.is_err() {
                tracing::warn!("what was left cannot be tidied now; it is tried again later");
            }
        }
    }

    /// Forgets drafts and metadata that nobody touched since `before`, in Unix milliseconds. Nothing that was sent is ever touched.
    async fn forget(&self, before: u64) -> Answer<()> {
        for row in self.database().fetch_all(statements::OLD_DRAFTS, params![before]).await? {
            let id: String = row.get("id")?;
            let objects = self.database().fetch_all(statements::PARTS_OF_DRAFT, params![id.as_str()]).await?;
            let mut transaction = self.begin().await?;
            for statement in [statements::FORGET_PARTS, statements::FORGET_ATTACHMENTS] {
                transaction.execute(statement, params![id.as_str()]).await?;
            }
            let gone = transaction.execute(statements::FORGET_DRAFT, params![id.as_str()]).await? == 1;
            transaction.commit().await?;
            // After the rows: an object that no row names is the sweep's, a row without its object would be an incident.
            for row in objects.iter().filter(|_| gone) {
                self.dossiers().objects.delete(&row.get::<ObjectName>("object")?).await?;
            }
        }
        self.database().execute(statements::FORGET_OLD_METADATA, params![before]).await?;
        Ok(())
    }
}
