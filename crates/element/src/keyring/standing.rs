//! Where a keyring stands and what was done with it, for who may know.

use std::sync::Arc;

use sceau_element_api::keyring::ActorRole;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringId, TerminalId};
use sceau_keyring::{Answer, Attempts, FAILURES, Happening, LookAt, MOST_HAPPENINGS, Standing, Tries, Waits};
use sceau_trace::{Hash, Outcome, Record};

use super::context::Stage;
use super::contexts::Whose;
use super::conversation::{Desk, Next, Turn, unknown};
use super::secrets::unusable;
use super::shares::Behalf;
use super::{By, KeyringAct, PreparedKeyring};
use crate::state::KeyringFact;
use crate::view::ReadError;

impl Desk {
    /// Who looks at a keyring, or stops it: a terminal of it, or an actor of its organisation, in the quality that the officer gave it. Whether it may is judged in
    /// its turn.
    pub(super) fn asker(
        &self,
        turn: &mut Turn,
        keyring: KeyringId,
        terminal: Option<TerminalId>,
    ) -> Result<By, Refusal> {
        let signer = turn.context.signer;
        let bound = |known: &KeyringFact| {
            let terminal = known.terminal(terminal?)?;
            (terminal.thumbprint == signer).then_some(terminal.terminal)
        };
        let (organisation, bound) = self
            .with(|state| {
                let known = state.keyrings().keyring(keyring)?;
                Some((known.policy.document.organisation, bound(known)))
            })
            .ok_or_else(unknown)?;
        if terminal.is_some() {
            let terminal = bound.ok_or_else(unknown)?;
            self.known(turn, Whose::Terminal(signer), self.behalf_of(keyring)?)?;
            return Ok(turn.by_terminal(terminal));
        }
        let actor = self.actor(turn, organisation)?;
        let behalf = Behalf { organisation, actor: actor.actor.id };
        self.known(turn, Whose::Actor(signer), behalf)?;
        match actor.actor.role {
            ActorRole::RegistrationAuthority => Ok(By::Authority(Arc::clone(&actor))),
            ActorRole::Support => Ok(By::Support(Arc::clone(&actor))),
            ActorRole::ServiceProvider => Err(unknown()),
        }
    }

    pub(super) fn look(&self, turn: &mut Turn, asked: &LookAt) -> Result<Next, Refusal> {
        let by = self.asker(turn, asked.keyring, asked.terminal)?;
        let standing = Answer::Standing(Box::new(self.standing(turn, asked)?));
        match by {
            // The holder's own: it is no access of anybody's.
            By::Terminal(..) => Ok(Next::Say(standing, Stage::Actor)),
            by => {
                let prepared = PreparedKeyring { keyring: asked.keyring, by, act: KeyringAct::Read };
                Ok(Next::Order(Box::new(prepared), Box::new(move |_| (standing, Stage::Actor))))
            }
        }
    }

    fn standing(&self, turn: &mut Turn, asked: &LookAt) -> Result<Standing, Refusal> {
        let keyring = asked.keyring;
        let now = self.now().unix;
        let known = self.with(|state| {
            let known = state.keyrings().keyring(keyring)?;
            let most = known.policy.document.unfinished_most;
            let tries = tries(&known.attempts(asked.terminal), most, now);
            Some((known.row, known.stands(), known.since, known.version, tries))
        });
        let (row, phase, since, version, tries) = known.ok_or_else(unknown)?;
        let (document, _) = self.keyring_in(turn, keyring, row)?;
        let done = self.view.done_with(keyring, asked.before, asked.after, MOST_HAPPENINGS);
        let (done, next) = done.map_err(|error| match error {
            ReadError::NotFound => Refusal::new(Code::NotFound, "no such entry is about this keyring"),
            error => unusable(error),
        })?;
        Ok(Standing {
            keyring,
            phase,
            version: version.version,
            hash: version.hash,
            since,
            made: document.made,
            activated: document.activated,
            suspended: document.suspended,
            blocked: document.blocked,
            tries,
            terminals: document.terminals,
            roaming: document.roaming,
            former: document.former,
            done: done.iter().map(|(index, record)| happening(*index, record)).collect(),
            next,
            time: now,
        })
    }
}

fn tries(attempts: &Attempts, most: Option<u8>, now: u64) -> Tries {
    let cools_until = match attempts.may(now, most) {
        Err(Waits::Cooling { until }) => Some(until),
        _ => None,
    };
    let (wrong, unfinished) = (attempts.failed, attempts.open);
    Tries { wrong, left: FAILURES.saturating_sub(wrong), unfinished, cools_until }
}

/// What a record says of a keyring's life.
fn happening(index: u64, record: &Record) -> Happening {
    let subject = |kind: &str| {
        let found = record.subjects().iter().find(|subject| subject.kind == kind);
        found.map(|subject| subject.id.as_str())
    };
    let detail = |name: &str| record.detail().get(name).map(String::as_str);
    let refused = (record.outcome() == Outcome::Refused).then(|| record.code().to_owned());
    Happening {
        index,
        time: record.time(),
        action: record.action().as_str().to_owned(),
        by: record.actor().kind.as_str().to_owned(),
        refused,
        reason: detail("reason").map(str::to_owned),
        terminal: subject("terminal").and_then(|id| id.parse().ok()),
        other: subject("other_terminal").and_then(|id| id.parse().ok()),
        provider: subject("service_provider").and_then(|id| id.parse().ok()),
        request: subject("request").and_then(|id| id.parse().ok()),
        count: detail("count").and_then(|count| count.parse().ok()),
        attempt: detail("attempt").and_then(|hash| hash.parse::<Hash>().ok()),
    }
}
