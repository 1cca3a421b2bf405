//! What keeps a flood out: requests by source, refusals in the trace, and one act at a time on a dossier.

use std::sync::Arc;

use sceau_accounts::{Refusals, Source};
use sceau_element_api::DossierId;
use sceau_element_api::wire::RecordDraft;
use sceau_store::{RateLimiter, Rule, Turn};
use sceau_trace::{Action, Actor, ActorKind};

use crate::{Dossiers, Fault};

/// Public reads that cost an evidence file or some hundred records: three hundred at once, then fifty a second.
pub(crate) const PUBLIC_READS: Rule = Rule { burst: 300, every_ms: 20 };
/// Tiles: who verifies a log of a million entries fetches four thousand.
pub(crate) const TILES: Rule = Rule { burst: 4_000, every_ms: 5 };
/// Tickets that are exchanged, good or not: an office behind one address.
pub(crate) const EXCHANGES: Rule = Rule { burst: 60, every_ms: 500 };
/// Whatever one citizen asks of MOB's host, each of which may be a record of the log: sixty at once, then two a second.
pub(crate) const OF_A_CITIZEN: Rule = Rule { burst: 60, every_ms: 500 };
/// Whatever the connectors of one organisation ask, each of which may be a row and a record: a thousand at once, then two hundred a second.
pub(crate) const OF_CONNECTORS: Rule = Rule { burst: 1_000, every_ms: 5 };
/// Whatever a mobility service asks of MOB's host: it subscribes for many, and each request may be a row and a record.
pub(crate) const OF_A_SERVICE: Rule = Rule { burst: 300, every_ms: 50 };
/// Whatever all machines and people of one funder ask there.
pub(crate) const OF_A_FUNDER: Rule = Rule { burst: 1_000, every_ms: 20 };
/// Whatever one machine asks there, whoever it says that it is: a token that somebody invents costs a query.
pub(crate) const OF_A_SOURCE: Rule = Rule { burst: 2_000, every_ms: 5 };
/// Subscriptions that mobility services begin with one address for letters, each of which is at most two letters.
pub(crate) const TO_AN_ADDRESS: Rule = Rule::per_hour(20, 20);
/// Replies of one company that are refused, each of which is a row, a record and an answer. One more is read before it waits.
pub(crate) const REFUSED_REPLIES: Rule = Rule { burst: 100, every_ms: 2_000 };
/// Refusals of strangers, and incidents, that enter the trace, all together.
const RECORDED: Rule = Rule { burst: 50, every_ms: 1_000 };

const BUCKETS: usize = 20_000;

/// The state of the guards, shared by clones of the room. Buckets are of this process: they keep a flood from this machine, and n processes
/// let n times as much in.
#[derive(Debug)]
pub(crate) struct Guard {
    limiter: RateLimiter,
    refusals: Refusals,
}

impl Guard {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { limiter: RateLimiter::new(BUCKETS), refusals: Refusals::new(RECORDED) })
    }
}

impl Dossiers {
    /// Waits for the turn to submit, decide, withdraw or settle a dossier, which one request has at a time among all of the platform's
    /// processes. The element's compare-and-swap is what makes two at once safe; this keeps them from refusing each other.
    pub(crate) async fn turn(&self, dossier: DossierId) -> Result<Turn, Fault> {
        Ok(self.database.turn(&format!("dossier {dossier}")).await?)
    }

    /// Takes one token of `rule` for the machine that asks.
    pub(crate) fn throttle(&self, what: &str, source: Source, rule: Rule) -> Result<(), Fault> {
        let taken = self.guard.limiter.take(format!("{what} {source}").as_str(), rule, self.clock.now_ms());
        taken.map_err(|retry_ms| Fault::TooMany { retry_ms })
    }

    /// Takes one token of `rule` for whoever was recognised as `who`.
    pub(crate) fn throttle_known(&self, who: &str, rule: Rule) -> Result<(), Fault> {
        let taken = self.guard.limiter.take(who, rule, self.clock.now_ms());
        taken.map_err(|retry_ms| Fault::TooMany { retry_ms })
    }

    /// Records that a row or an object is not what was attested; any other fault is left alone.
    pub async fn note_tampering(&self, fault: &Fault) {
        let Fault::Tampered { kind, id } = fault else { return };
        tracing::error!(kind, id, "a row of the database is not what was attested");
        let mut draft = RecordDraft::new(Actor::new(ActorKind::Platform, "dossiers"), Action::ACCESS)
            .refused(sceau_accounts::Code::Tampered.as_str())
            .detail("row", *kind);
        if !id.is_empty() {
            draft = draft.subject(*kind, id);
        }
        self.record_refusal(draft).await;
    }

    /// Appends a refusal, at a bounded rate.
    pub(crate) async fn record_refusal(&self, draft: RecordDraft) {
        let append = |draft| self.element().append(draft);
        self.guard.refusals.record(draft, self.clock.now_ms(), append).await;
    }
}
