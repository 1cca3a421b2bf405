//! Refusals on their way into the trace, at a bounded rate: a flood of them must not fill the log.

use std::sync::atomic::{AtomicU64, Ordering};

use sceau_element_api::CallError;
use sceau_element_api::wire::RecordDraft;

use sceau_store::{RateLimiter, Rule};

/// Lets a bounded number of refusals into the trace and counts the others. The next that enters says how many were left out.
#[derive(Debug)]
pub struct Refusals {
    /// Of its own, so that no flood of other keys makes room in it.
    limiter: RateLimiter,
    rule: Rule,
    left_out: AtomicU64,
}

impl Refusals {
    /// As many as `rule` allows, all together.
    pub fn new(rule: Rule) -> Self {
        Self { limiter: RateLimiter::new(1), rule, left_out: AtomicU64::new(0) }
    }

    /// Hands a refusal to `append`, or counts it. What cannot be recorded is refused all the same.
    pub async fn record<F>(&self, draft: RecordDraft, now_ms: u64, append: impl FnOnce(RecordDraft) -> F)
    where
        F: Future<Output = Result<u64, CallError>>,
    {
        if self.limiter.take("", self.rule, now_ms).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let missed = self.left_out.swap(0, Ordering::Relaxed);
        let draft = if missed == 0 { draft } else { draft.detail("left_out_before", missed.to_string()) };
        if let Err(error) = append(draft).await {
            // Those that it spoke for are still untold, and so is it.
            self.left_out.fetch_add(missed + 1, Ordering::Relaxed);
            tracing::error!(%error, "a refusal could not be recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use sceau_trace::{Action, Actor, ActorKind};

    use super::*;

    /// What the record says of those left out, where it is appended.
    async fn told(refusals: &Refusals, now_ms: u64, answer: Result<u64, CallError>) -> Option<String> {
        let actor = Actor::new(ActorKind::Platform, "accounts");
        let draft = RecordDraft::new(actor, Action::LOGIN).refused("credentials_refused");
        let mut told = None;
        let append = |draft: RecordDraft| {
            let json = serde_json::to_value(draft).unwrap_or_default();
            told = Some(json["detail"]["left_out_before"].as_str().unwrap_or("none").to_owned());
            std::future::ready(answer)
        };
        refusals.record(draft, now_ms, append).await;
        told
    }

    #[tokio::test]
    async fn those_left_out_are_counted_until_a_record_has_said_so() {
        let refusals = Refusals::new(Rule { burst: 1, every_ms: 1_000 });
        assert_eq!(told(&refusals, 0, Ok(0)).await.as_deref(), Some("none"));
        for _ in 0..3 {
            assert_eq!(told(&refusals, 10, Ok(0)).await, None);
        }
        assert_eq!(told(&refusals, 1_000, Err(CallError::Mismatch)).await.as_deref(), Some("3"));
        assert_eq!(told(&refusals, 2_000, Ok(1)).await.as_deref(), Some("4"), "the one that failed as well");
        assert_eq!(told(&refusals, 3_000, Ok(2)).await.as_deref(), Some("none"));
    }
}
