//! Requests of providers: judged at the door, kept until some time after they end, settled once by a terminal of the keyring.
//!
//! Nothing that is said here is believed by anybody: the terminal verifies the provider's signature, the element both, and the provider the element's word.

use sceau_element_api::keyring::{Keyring, KeyringPhase, KeyringPolicy, LONGEST_OPEN};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId, TerminalId};
use sceau_keyring::{
    Asks, Door, MOST_ITEMS, Outcome, ReportReason, Request, RequestState, Statement as _, Waiting,
};
use sceau_store::{Row, StoreError, params};

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
/// How long a request, and what became of it, is kept after it ends, in milliseconds.
const KEPT: u64 = 24 * HOUR;

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
    pub(crate) fn state(&self, now: u64) -> RequestState {
        let is = |state: RequestState| self.state == state.as_str();
        if is(RequestState::Signed) {
            RequestState::Signed
        } else if is(RequestState::Rejected) {
            RequestState::Rejected
        } else if now < self.ends {
            RequestState::Pending
        } else {
            RequestState::Expired
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
    let mut refused = Refused::new(Code::ActorUnknown, Asks::MAY_NOT);
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
        let brought = Door { by: by.asks(), policy: &policy, keyring: keyring.keyring, origin, now };
        request.judge(&brought)?;
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
        policy.request_seconds = LONGEST_OPEN;
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
        if of_provider.get::<u64>("here")? >= MOST_OF_PROVIDER {
            return Err(Own::RequestsWait.into());
        }
        if of_provider.get::<u64>("everywhere")? >= MOST_EVERYWHERE {
            return Err(Own::RequestsMany.into());
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
        let rows = self.database.fetch_few(statements::PENDING, values).await?;
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
        let state = answer.state().as_str();
        let values = params![&id, state, now, &terminal, outcome];
        let settled = all.execute(statements::SETTLE, values).await?;
        let again = kept.state == state && kept.terminal.as_deref() == Some(&terminal);
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
    /// What becomes of the request by it.
    pub(crate) fn state(&self) -> RequestState {
        match self {
            Self::Signed(_) => RequestState::Signed,
            Self::Rejected | Self::Reported(_) => RequestState::Rejected,
        }
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
