//! Requests of providers: judged at the door, kept until some time after they end, settled once by a terminal of the keyring.
//!
//! Nothing that is said here is believed by anybody: the terminal verifies the provider's signature, the element both, and the provider the element's word.

use sceau_element_api::keyring::{Keyring, KeyringPhase, KeyringPolicy};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId, TerminalId};
use sceau_keyring::{MOST_ITEMS, Outcome, ReportReason, Request, Statement as _};
use sceau_store::{Row, StoreError, params};
use serde::Serialize;

use crate::code::Code as Own;
use crate::nonces::LASTS;
use crate::notice::Notices;
use crate::refusal::Refused;
use crate::rows::{Acting, Rows, RowsError, stored};
use crate::schema::statements;

/// Requests of a provider that wait for one holder.
pub const MOST_OF_PROVIDER: u64 = 4;
/// Requests that wait for one holder.
pub const MOST_OF_KEYRING: u64 = 16;
/// Requests of a provider that wait.
const MOST_EVERYWHERE: u64 = 10_000;
/// Requests of a provider to one holder within an hour, answered or not.
pub const MOST_OF_HOUR: u64 = 30;
const HOUR: u64 = 3_600_000;
/// The longest that any request is good, in seconds.
const LONGEST_SECONDS: u32 = 600;
/// How long a request, and what became of it, is kept after it ends, in milliseconds.
const KEPT: u64 = 24 * HOUR;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The holder did not answer yet.
    Pending,
    /// The holder agreed, and the element signed.
    Signed,
    /// The holder did not agree.
    Rejected,
    /// It ended without an answer.
    Expired,
}

/// A request that waits, as its holder's terminals are told: an id, and until when.
#[derive(Debug, Serialize)]
pub struct Waiting {
    /// The request.
    pub request: KeyringRequestId,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

/// A request as it is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: KeyringRequestId,
    pub(crate) keyring: KeyringId,
    pub(crate) provider: KeyringActorId,
    pub(crate) organisation: String,
    pub(crate) policy: String,
    pub(crate) jws: String,
    pub(crate) ends: u64,
    state: String,
    terminal: Option<String>,
    outcome: Option<String>,
}

impl Kept {
    fn read(row: &Row) -> Result<Option<Self>, StoreError> {
        let [id, keyring, provider]: [String; 3] =
            [row.get("id")?, row.get("keyring")?, row.get("provider")?];
        let (Ok(id), Ok(keyring), Ok(provider)) = (id.parse(), keyring.parse(), provider.parse()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            keyring,
            provider,
            organisation: row.get("organisation")?,
            policy: row.get("policy")?,
            jws: stored(row, "jws")?,
            ends: row.get("ends")?,
            state: row.get("state")?,
            terminal: row.get("terminal")?,
            outcome: row.get("outcome")?,
        }))
    }

    /// Whether this one asked it: an id of an actor is of its organisation, and another may have the same.
    pub(crate) fn is_of(&self, by: &Acting) -> bool {
        by.actor.id == self.provider && by.organisation.to_string() == self.organisation
    }

    /// What became of it at `now`.
    pub(crate) fn state(&self, now: u64) -> State {
        match self.state.as_str() {
            "signed" => State::Signed,
            "rejected" => State::Rejected,
            _ if now < self.ends => State::Pending,
            _ => State::Expired,
        }
    }

    /// What the terminal deposited.
    pub(crate) fn outcome(&self) -> Option<&str> {
        self.outcome.as_deref()
    }
}

/// A request, with who asks.
pub(crate) struct Judged {
    pub(crate) request: Request,
    organisation: String,
    policy: String,
    jws: String,
}

/// Judges a request at the door, as terminal and element do again: by the one of `acting` who signed it, over the keyring that it names and the policy that this follows.
pub(crate) async fn judge(
    rows: &Rows,
    acting: &[Acting],
    jws: String,
    origin: &str,
    now: u64,
) -> Result<Judged, Refused> {
    let unknown =
        || Refusal::new(Code::ActorUnknown, "the request is not of the provider whose certificate this is");
    let mut refused = Refused::from(unknown());
    for by in acting {
        let request = match Request::verify(&jws, &by.spki) {
            Ok(request) if request.provider == by.actor.id => request,
            Ok(_) => continue,
            Err(refusal) => {
                refused = refusal.into();
                continue;
            }
        };
        let Some((keyring, policy)) = asked_of(rows, &request, by).await? else {
            refused = Refusal::new(Code::KeyringUnknown, "there is no such keyring of your policies").into();
            continue;
        };
        request.may_be_asked(&by.actor, &policy, origin, now)?;
        let (organisation, policy) = (keyring.organisation.to_string(), keyring.policy.to_string());
        return Ok(Judged { request, organisation, policy, jws });
    }
    Err(refused)
}

/// The keyring that is asked and its policy. Of another organisation, or of a policy that this provider does not ask, it is as if there were none: where one stands is told to nobody else.
async fn asked_of(
    rows: &Rows,
    request: &Request,
    by: &Acting,
) -> Result<Option<(Keyring, KeyringPolicy)>, Refused> {
    let asks = |keyring: &Keyring| {
        keyring.organisation == by.organisation && by.actor.policies.contains(&keyring.policy)
    };
    let Some(keyring) = rows.keyring(request.keyring).await?.filter(asks) else { return Ok(None) };
    if keyring.phase != KeyringPhase::Active {
        let words = "the keyring is not in use now: its holder cannot answer";
        return Err(Refusal::new(Code::KeyringPhase, words).into());
    }
    let Some((mut policy, hash)) = rows.policy(keyring.policy).await? else { return Ok(None) };
    if hash != keyring.policy_hash {
        // It follows a version that is not here any more: what may differ in that one is for terminal and element to judge.
        policy.batch_most = u16::try_from(MOST_ITEMS).unwrap_or(u16::MAX);
        policy.request_seconds = LONGEST_SECONDS;
        policy.algorithm = keyring.key.as_ref().map(|key| key.algorithm).or(policy.algorithm);
    }
    Ok(Some((keyring, policy)))
}

impl Rows {
    /// Keeps a request, which waits from then on; false where it is there already, as it is.
    pub(crate) async fn deposit(
        &self,
        judged: &Judged,
        notices: &Notices,
        now: u64,
    ) -> Result<bool, Refused> {
        let Judged { request, organisation, policy, jws } = judged;
        let [id, keyring, provider] =
            [request.request.to_string(), request.keyring.to_string(), request.provider.to_string()];
        // Alone among transactions: what is counted stays so until it is kept.
        let mut all = self.database.begin().await?;
        if let Some(row) = all.fetch_optional(statements::REQUEST, params![&id]).await? {
            let same = Kept::read(&row)?.is_some_and(|kept| kept.jws == *jws);
            return if same { Ok(false) } else { Err(Own::RequestOther.into()) };
        }
        let of_provider =
            all.fetch_one(statements::WAITING_OF, params![&provider, &keyring, now, organisation]).await?;
        if of_provider.get::<u64>("here")? >= MOST_OF_PROVIDER
            || of_provider.get::<u64>("everywhere")? >= MOST_EVERYWHERE
        {
            return Err(Own::RequestsWait.into());
        }
        let of_keyring = all.fetch_one(statements::WAITING_FOR, params![&keyring, now]).await?;
        if of_keyring.get::<u64>("n")? >= MOST_OF_KEYRING {
            return Err(Own::HolderBusy.into());
        }
        let since = now.saturating_sub(HOUR);
        let asked =
            all.fetch_one(statements::ASKED_SINCE, params![&keyring, &provider, since, organisation]).await?;
        if asked.get::<u64>("n")? >= MOST_OF_HOUR {
            return Err(Own::AskedOften.into());
        }
        let values = params![&id, &keyring, organisation, policy, &provider, jws, now, request.ends];
        all.execute(statements::DEPOSIT, values).await?;
        notices.leave(&mut all, request.request, request.keyring).await?;
        all.commit().await?;
        Ok(true)
    }

    /// A request that is kept.
    pub(crate) async fn request(&self, id: KeyringRequestId) -> Result<Option<Kept>, RowsError> {
        let row = self.database.fetch_optional(statements::REQUEST, params![id.to_string()]).await?;
        Ok(row.map(|row| Kept::read(&row)).transpose()?.flatten())
    }

    /// What waits for a holder, the first one first.
    pub(crate) async fn waiting(&self, keyring: KeyringId, now: u64) -> Result<Vec<Waiting>, RowsError> {
        let values = params![keyring.to_string(), now, MOST_OF_KEYRING];
        let rows = self.database.fetch_all(statements::PENDING, values).await?;
        let mut waiting = Vec::new();
        for row in rows {
            let id: String = row.get("id")?;
            if let Ok(request) = id.parse() {
                waiting.push(Waiting { request, ends: row.get("ends")? });
            }
        }
        Ok(waiting)
    }

    /// Forgets requests that ended a day ago, and nonces that did.
    pub(crate) async fn forget_ended(&self, now: u64) -> Result<(), RowsError> {
        let database = &self.database;
        database.execute(statements::FORGET_REQUESTS, params![now.saturating_sub(KEPT)]).await?;
        database.execute(statements::FORGET_VISITS, params![now.saturating_sub(LASTS)]).await?;
        Ok(())
    }

    /// Settles a request, once; but what the element signed takes the place of a *no*, which needs no PIN. The same answer of the same terminal again is as good.
    pub(crate) async fn settle(
        &self,
        kept: &Kept,
        terminal: TerminalId,
        answer: &Settled,
        now: u64,
    ) -> Result<(), Refused> {
        let outcome = match answer {
            Settled::Signed(outcome) => {
                Some(serde_json::to_string(outcome).map_err(|_| Refused::malformed("an outcome"))?)
            }
            _ => None,
        };
        let (id, terminal) = (kept.id.to_string(), terminal.to_string());
        let mut all = self.database.begin().await?;
        let values = params![&id, answer.state(), now, &terminal, outcome];
        let settled = all.execute(statements::SETTLE, values).await?;
        let again = kept.state == answer.state() && kept.terminal.as_deref() == Some(&terminal);
        if settled == 0 && !again {
            return Err(Own::RequestSettled.into());
        }
        if let Settled::Reported(why) = answer {
            let hash = Request::hash_of(&kept.jws);
            let (keyring, provider) = (kept.keyring.to_string(), kept.provider.to_string());
            let values = params![
                &id,
                keyring,
                &kept.organisation,
                &kept.policy,
                provider,
                hash.as_bytes(),
                why.as_str(),
                now
            ];
            all.execute(statements::REPORT, values).await?;
        }
        Ok(all.commit().await?)
    }
}

/// A terminal's answer.
pub(crate) enum Settled {
    /// The holder agreed.
    Signed(Box<Outcome>),
    /// Did not.
    Rejected,
    /// And should not have been asked.
    Reported(ReportReason),
}

impl Settled {
    fn state(&self) -> &'static str {
        match self {
            Self::Signed(_) => "signed",
            Self::Rejected | Self::Reported(_) => "rejected",
        }
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
