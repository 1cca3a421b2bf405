//! What is done is on record twice: its intent before, its outcome after. A process that is killed in between leaves the outcome in the
//! transaction that did it; it is said later, by whoever comes.

use sceau_element_api::wire::RecordDraft;
use sceau_store::{Transaction, params};

use super::refusal::{Answer, Code};
use super::{MobHost, statements};

/// After so long nobody is at it any more.
const LEFT_MS: u64 = 60_000;

/// What is being done, its intent on record.
#[derive(Debug)]
pub(super) struct Act {
    id: String,
    draft: RecordDraft,
}

impl Act {
    /// Keeps what the log will say, in the transaction that does it.
    pub(super) async fn keep(&self, transaction: &mut Transaction, now: u64) -> Answer<()> {
        let draft = serde_json::to_string(&self.draft.clone().granted()).map_err(|_| Code::Internal)?;
        transaction.execute(statements::KEEP_OUTCOME, params![self.id.as_str(), draft, now]).await?;
        Ok(())
    }
}

impl MobHost {
    /// Records what is about to be done.
    pub(super) async fn intend(&self, draft: RecordDraft) -> Answer<Act> {
        self.dossiers().element().append(draft.clone()).await?;
        let id = sceau_element_api::DossierId::random().to_string();
        Ok(Act { id, draft })
    }

    /// Records how it ended.
    pub(super) async fn conclude<T>(&self, act: Act, done: Answer<T>) -> Answer<T> {
        let Act { id, draft } = act;
        match &done {
            Ok(_) => self.say(&id, draft.granted()).await?,
            Err(refusal) => {
                let refused = draft.refused(refusal.code().as_str());
                self.dossiers().element().append(refused).await?;
            }
        }
        done
    }

    /// Says what processes that were killed left unsaid.
    pub(super) async fn say_what_was_left(&self) -> Answer<()> {
        let before = self.now().saturating_sub(LEFT_MS);
        for row in self.database().fetch_all(statements::OUTCOMES, params![before]).await? {
            let (id, draft): (String, String) = (row.get("id")?, row.get("draft")?);
            let draft = serde_json::from_str(&draft).map_err(|_| Code::Tampered)?;
            self.say(&id, draft).await?;
        }
        Ok(())
    }

    async fn say(&self, id: &str, draft: RecordDraft) -> Answer<()> {
        self.dossiers().element().append(draft).await?;
        self.database().execute(statements::FORGET_OUTCOME, params![id]).await?;
        Ok(())
    }
}
