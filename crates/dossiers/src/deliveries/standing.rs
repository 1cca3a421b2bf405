//! What a person sees of everything that the platform delivers (letters, webhooks, messages of the bus), and what they may do with what it
//! gave up: have it tried again, or discard it for a reason. Both are recorded. Nothing here shows what a message says or to whom.

use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, OrganisationId, Role};
use sceau_store::{Message, Standing};
use sceau_trace::{Action, Actor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::{Dossiers, deliveries};

/// Dead letters of one answer, the oldest first.
const SHOWN: u32 = 500;

/// How all deliveries stand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveriesView {
    /// What waits, by topic.
    pub topics: Vec<TopicView>,
    /// How many were given up.
    pub dead: u64,
    /// These, 500 at most, the oldest first.
    pub dead_letters: Vec<DeadLetter>,
}

/// How the messages of a topic stand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TopicView {
    /// `letter`, `webhook`, `mob_letter`, `mob_bus` or `mob_reply`.
    pub topic: String,
    /// Messages to be delivered.
    pub waiting: u64,
    /// Those that were tried in vain for ten minutes and more.
    pub late: u64,
    /// When the oldest of these was enqueued, in Unix milliseconds.
    pub oldest: Option<u64>,
    /// Why it was not delivered the last time.
    pub cause: Option<Cause>,
    /// The same in the words of whoever failed.
    pub reason: Option<String>,
    /// How many were given up.
    pub dead: u64,
}

/// A message that was given up.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeadLetter {
    /// By which it is tried again or discarded.
    pub id: String,
    /// As [`TopicView::topic`].
    pub topic: String,
    /// The company whose queue it is of or for.
    pub company: Option<String>,
    /// The organisation that it concerns.
    pub organisation: Option<String>,
    /// When it was enqueued, in Unix milliseconds.
    pub created: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was given up.
    pub cause: Cause,
    /// The same in the words of whoever failed.
    pub reason: Option<String>,
}

/// Why a message was not delivered, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nobody takes anything there now; it is tried again until somebody does.
    Away,
    /// It was not wanted, time and again.
    Unwanted,
    /// It will never be taken as it is.
    Refused,
    /// It could not be settled here.
    Unsettled,
}

/// Why a person discards a message. No free text: it enters the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscardReason {
    /// Whoever it was for knows by another way.
    HandledElsewhere,
    /// Nobody waits for it any more.
    NoLongerWanted,
    /// It can never be delivered.
    CannotBeDelivered,
    /// It was a test.
    Test,
}

/// A message to discard, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    /// Why.
    pub reason: DiscardReason,
}

/// What the payloads of all topics may say of whom they concern.
#[derive(Default, Deserialize)]
struct Concerned {
    company: Option<String>,
    organisation: Option<String>,
}

impl Cause {
    /// Of a reason as the outbox writes it ([`sceau_store::DeliveryError`]).
    fn of(reason: Option<&str>) -> Self {
        match reason.and_then(|reason| reason.split_once(": ")).map(|(kind, _)| kind) {
            Some("away") => Self::Away,
            Some("later") => Self::Unwanted,
            Some("refused") => Self::Refused,
            _ => Self::Unsettled,
        }
    }
}

impl DiscardReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::HandledElsewhere => "handled_elsewhere",
            Self::NoLongerWanted => "no_longer_wanted",
            Self::CannotBeDelivered => "cannot_be_delivered",
            Self::Test => "test",
        }
    }
}

impl From<Standing> for TopicView {
    fn from(standing: Standing) -> Self {
        let Standing { topic, waiting, late, oldest, reason, dead } = standing;
        let cause = oldest.map(|_| Cause::of(reason.as_deref()));
        Self { topic, waiting, late, oldest, cause, reason: reason.as_deref().map(words), dead }
    }
}

impl From<Message> for DeadLetter {
    fn from(message: Message) -> Self {
        let Concerned { company, organisation } = serde_json::from_str(&message.payload).unwrap_or_default();
        let Message { id, topic, created, attempts, reason, .. } = message;
        let cause = Cause::of(reason.as_deref());
        let reason = reason.as_deref().map(words);
        Self { id, topic, company, organisation, created, attempts, cause, reason }
    }
}

/// A reason without its kind, which [`Cause`] says.
fn words(reason: &str) -> String {
    let kinds = ["away: ", "later: ", "refused: "];
    kinds.iter().find_map(|kind| reason.strip_prefix(kind)).unwrap_or(reason).to_owned()
}

/// Who acts on a message, and of which organisation's they may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hand {
    pub(super) account: AccountId,
    /// None for the platform's administrator.
    pub(super) organisation: Option<OrganisationId>,
}

impl Hand {
    fn draft(self, message: &Message, act: &'static str) -> RecordDraft {
        let role = self.organisation.map_or(Role::PlatformAdmin, |_| Role::OrganisationAdmin);
        let actor = Actor::new(role.into(), self.account.to_string());
        let draft = RecordDraft::new(actor, Action::DELIVERY_CHANGE)
            .subject("message", &message.id)
            .detail("act", act)
            .detail("topic", &message.topic);
        match self.organisation {
            Some(organisation) => draft.organisation(organisation),
            None => draft,
        }
    }
}

impl Dossiers {
    /// How all deliveries stand.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries_view(&self) -> Result<DeliveriesView, Fault> {
        let topics: Vec<TopicView> = self.outbox.standing().await?.into_iter().map(Into::into).collect();
        let dead = self.outbox.dead_letters(SHOWN).await?;
        Ok(DeliveriesView {
            dead: topics.iter().map(|topic| topic.dead).sum(),
            topics,
            dead_letters: dead.into_iter().map(Into::into).collect(),
        })
    }

    /// Whether nothing was given up, and nothing waits for longer than it should.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries_are_well(&self) -> Result<bool, Fault> {
        Ok(self.outbox.standing().await?.iter().all(|topic| topic.late == 0 && topic.dead == 0))
    }

    /// Has a message that was given up tried again, on the word of the platform's administrator.
    ///
    /// # Errors
    /// When there is none of this id, or the record cannot be kept.
    pub async fn replay(&self, admin: AccountId, id: &str) -> Result<(), Fault> {
        self.handle(Hand { account: admin, organisation: None }, id, None).await
    }

    /// Discards a message that was given up, on the word of the platform's administrator.
    ///
    /// # Errors
    /// When there is none of this id, or the record cannot be kept.
    pub async fn discard(&self, admin: AccountId, id: &str, reason: DiscardReason) -> Result<(), Fault> {
        self.handle(Hand { account: admin, organisation: None }, id, Some(reason)).await
    }

    /// Tries again, or discards for a reason. The intent is durable before, the outcome after.
    pub(super) async fn handle(
        &self,
        hand: Hand,
        id: &str,
        discard: Option<DiscardReason>,
    ) -> Result<(), Fault> {
        let message = self.outbox.dead_letter(id).await?.ok_or_else(Fault::not_found)?;
        if hand.organisation.is_some_and(|organisation| !deliveries::is_webhook_of(&message, organisation)) {
            return Err(Fault::not_found());
        }
        let draft = match discard {
            None => hand.draft(&message, "replay"),
            Some(reason) => hand.draft(&message, "discard").detail("reason", reason.as_str()),
        };
        self.element().append(draft.clone()).await?;
        let done = match discard {
            None => self.outbox.revive(id).await?,
            Some(_) => self.outbox.discard(id).await?,
        };
        if !done {
            // Somebody else was quicker.
            self.record_refusal(draft.refused(Code::NotFound.as_str())).await;
            return Err(Fault::not_found());
        }
        self.element().append(draft.granted()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_read_from_what_the_outbox_writes() {
        use sceau_store::DeliveryError;
        let cause = |error: DeliveryError| Cause::of(Some(&error.to_string()));
        assert_eq!(cause(DeliveryError::Away("a: b".into())), Cause::Away);
        assert_eq!(cause(DeliveryError::Later("a".into())), Cause::Unwanted);
        assert_eq!(cause(DeliveryError::Refused("a".into())), Cause::Refused);
        assert_eq!(Cause::of(Some("this reply could not be settled")), Cause::Unsettled);
        assert_eq!(Cause::of(None), Cause::Unsettled);
        assert_eq!(words("away: refused: x"), "refused: x");
    }
}
