//! Acts on data: carried to the element, and listed. What waits for a second person is the element's word: no row of the database keeps it from being seen.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use sceau_element_api::documents::{Datum, Decided, Document as _, ProtectAct, Remit};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::{Attest, AttestedRow, RowKey, Version};
use sceau_element_api::{ActId, ApplicationId, Base64Url, Kind, OrganisationId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Console, ConsoleFault};
use crate::carried::to_its_end;
use crate::registration::{Registration, Unregistered};
use crate::rows::{ActCursor, ListedAct, RowsError};

/// Acts of one page, beside those that wait.
const PAGE: usize = 25;
/// Data that the element is asked for at once.
const AT_ONCE: usize = 8;

/// A datum as the element has it.
struct CurrentDatum {
    application: ApplicationId,
    row: AttestedRow,
    kept: KeptRow,
}

/// A page of the acts on an organisation's data.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Acts {
    /// On the first page, what waits for a second person, the last asked first.
    pub waiting: Vec<ActView>,
    /// The others, the last signed first.
    pub past: Vec<ActView>,
    /// Give it as `after` for what was signed earlier; null where that is all. A page may be short, or empty, and have one.
    pub next: Option<String>,
}

/// Which page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActsPage {
    /// Where the page before ended: its `next`.
    pub after: Option<String>,
}

impl ActsPage {
    fn cursor(&self) -> Option<ActCursor> {
        self.after.as_ref().map_or_else(|| Some(ActCursor::start()), |after| ActCursor::parse(after))
    }
}

/// An act as the element attested it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActView {
    /// The act.
    #[schema(value_type = String)]
    pub act: ActId,
    /// The exact bytes of its document, base64url.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// Which version this is: what an approval names as `previous`.
    #[schema(value_type = Object)]
    pub version: Version,
    /// Log index of the entry that attests it.
    pub index: u64,
    /// What became of it.
    pub state: ActState,
    /// Until when a request may be approved, in Unix milliseconds.
    pub ends: Option<u64>,
    /// What the platform calls the accounts that signed, by their ids: its word, and for those alone who are of the organisation.
    #[schema(value_type = Object)]
    pub people: BTreeMap<String, String>,
    /// Whether the database has something else. What is shown is what the element attested.
    pub altered: bool,
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActState {
    /// It took effect when it was signed.
    Done,
    /// It waits for a second person.
    Requested,
    /// A second person approved it, and it took effect.
    Approved,
    /// It was taken back.
    Withdrawn,
    /// Nobody approved it in time.
    Ended,
}

impl ActState {
    fn of(act: &ProtectAct, now: u64) -> Self {
        match &act.decision {
            Some(decision) if decision.is == Decided::Approved => Self::Approved,
            Some(_) => Self::Withdrawn,
            None if !act.is_request() => Self::Done,
            None if now < act.ends() => Self::Requested,
            None => Self::Ended,
        }
    }
}

impl Console {
    /// A page of the acts on data within a remit, each as the element attested it: first those that wait, which the element knows, then those that the database lists.
    ///
    /// # Errors
    /// When the place is no page's `next`, or the database or the element does not answer.
    pub async fn acts(&self, remit: &Remit, page: &ActsPage) -> Result<Acts, ConsoleFault> {
        let malformed = || ConsoleFault::malformed("after is what a page before gave as next");
        let after = page.cursor().ok_or_else(malformed)?;
        let mut waiting = if page.after.is_none() { self.waiting(remit).await? } else { Vec::new() };
        let listed = self.rows.acts(remit.organisation, &after, PAGE).await?;
        let next = listed.last().filter(|_| listed.len() == PAGE).map(|last| last.cursor().to_string());
        let mut past = self.attested(remit, listed).await?;
        past.retain(|view| view.state != ActState::Requested);
        self.name(remit.organisation, &mut waiting).await;
        self.name(remit.organisation, &mut past).await;
        Ok(Acts { waiting, past, next })
    }

    /// The requests that may be approved. Which applications' data one is about is the element's word too.
    async fn waiting(&self, remit: &Remit) -> Result<Vec<ActView>, ConsoleFault> {
        let mut views = Vec::new();
        let waiting = self.element.waiting_acts(remit.organisation).await?;
        self.asked.retain(remit.organisation, &waiting);
        for id in waiting {
            let Some((row, kept)) = self.element.kept(Kind::ProtectAct, id).await? else { continue };
            let act = ProtectAct::parse(&kept.payload).map_err(|_| RowsError::Document)?.document;
            if !self.is_in_remit(remit, &act).await? {
                continue;
            }
            let listed = self.rows.act(id).await?;
            let altered = listed.is_none_or(|listed| listed.payload != kept.payload.0);
            views.extend(self.view(remit.organisation, row, kept.payload, altered));
        }
        views.retain(|view| view.state == ActState::Requested);
        Ok(views)
    }

    /// Whether a request is about data within a remit alone, as the element has them. It is asked once for each request: a key in an HSM is waited for, for each datum.
    async fn is_in_remit(&self, remit: &Remit, act: &ProtectAct) -> Result<bool, ConsoleFault> {
        if remit.applications.is_none() {
            return Ok(true);
        }
        let within = |applications: &BTreeSet<ApplicationId>| applications.iter().all(|it| remit.has(*it));
        if let Some(known) = self.asked.applications(act.act) {
            return Ok(within(&known));
        }
        let mut applications = BTreeSet::new();
        for datum in self.data_of(act).await {
            let Some(datum) = datum? else { return Ok(false) };
            applications.insert(datum.application);
        }
        let is_within = within(&applications);
        self.asked.learn(act, applications);
        Ok(is_within)
    }

    /// The data of an act as the element has them now, in their order, some asked for at once; none where there is no such datum.
    async fn data_of(&self, act: &ProtectAct) -> Vec<Result<Option<CurrentDatum>, ConsoleFault>> {
        let current = async |id: DatumId| {
            let Some((row, kept)) = self.element.kept(Kind::Datum, id).await? else { return Ok(None) };
            let application =
                Datum::parse(&kept.payload).map_err(|_| RowsError::Document)?.document.application;
            Ok(Some(CurrentDatum { application, row, kept }))
        };
        futures::stream::iter(act.data.iter().copied()).map(current).buffered(AT_ONCE).collect().await
    }

    /// What the database lists, as the element attested it. What nobody attested is no act: who edits the database could list any.
    async fn attested(&self, remit: &Remit, listed: Vec<ListedAct>) -> Result<Vec<ActView>, ConsoleFault> {
        let listed: Vec<_> = listed.into_iter().filter(|one| one.is_of(remit)).collect();
        let keys = listed.iter().map(|one| RowKey { kind: Kind::ProtectAct, id: one.act.into() });
        let attested = self.element.current_many(keys.collect()).await?;
        let mut views = Vec::with_capacity(listed.len());
        for (one, row) in listed.into_iter().zip(attested) {
            let Some(row) = row else { continue };
            if sceau_trace::sha256(&one.payload) == row.hash {
                views.extend(self.view(remit.organisation, row, one.payload.into(), false));
            } else if let Some((row, kept)) = self.element.kept(Kind::ProtectAct, one.act).await? {
                tracing::warn!(index = row.index, "the database has another version of an act on data");
                views.extend(self.view(remit.organisation, row, kept.payload, true));
            }
        }
        Ok(views)
    }

    /// Says who signed, as far as the platform knows: each is asked for once.
    async fn name(&self, organisation: OrganisationId, views: &mut [ActView]) {
        let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
        for view in views {
            let Ok(parsed) = ProtectAct::parse(&view.payload) else { continue };
            let act = parsed.document;
            for id in std::iter::once(act.by).chain(act.decision.map(|decision| decision.by)) {
                let account = id.to_string();
                if !known.contains_key(&account) {
                    let found = self.accounts.account(id).await.ok().flatten();
                    let name = found.filter(|it| it.organisation == Some(organisation)).map(|it| it.name);
                    known.insert(account.clone(), name);
                }
                view.people.extend(known.get(&account).cloned().flatten().map(|name| (account, name)));
            }
        }
    }

    /// What is shown of an act, if it is the organisation's.
    fn view(
        &self,
        organisation: OrganisationId,
        row: AttestedRow,
        payload: Base64Url,
        altered: bool,
    ) -> Option<ActView> {
        let act = ProtectAct::parse(&payload).ok()?.document;
        let state = ActState::of(&act, self.clock.now_ms());
        let ends = (state == ActState::Requested).then(|| act.ends());
        let (version, index) = (row.version(), row.index);
        let view =
            ActView { act: act.act, payload, version, index, state, ends, people: BTreeMap::new(), altered };
        (act.organisation == organisation).then_some(view)
    }

    /// Has the element attest an act, and brings what it changed into the database: to its end, also where the caller goes away.
    ///
    /// # Errors
    /// When the element refuses or does not answer. A database that does not take it is told in the log alone: it is done all the same.
    pub async fn act(&self, signed: Registration) -> Result<AttestedRow, ConsoleFault> {
        let console = self.clone();
        let carried = async move { console.carry_act(signed).await };
        to_its_end("an act", carried).await.map_err(|_| ConsoleFault::from(RowsError::Stopped))?
    }

    async fn carry_act(&self, signed: Registration) -> Result<AttestedRow, ConsoleFault> {
        let Registration { payload, previous, proof } = signed;
        let act = ProtectAct::parse(&payload).map_err(Unregistered::Document)?.document;
        let kept = payload.clone();
        let attest = Attest { kind: Kind::ProtectAct, id: act.row(), previous, payload, proof };
        let row = self.element.attest(attest).await?;
        let data = self.data_of(&act).await;
        if let Err(error) = self.rows.keep_act(&row, &kept, &applications_of(&data)).await {
            tracing::error!(%error, "an act is done, and the database does not list it");
        }
        let withdrawn = act.decision.as_ref().is_some_and(|decision| decision.is == Decided::Withdrawn);
        if !act.is_request() && !withdrawn {
            self.bring(data).await;
        }
        Ok(row)
    }

    /// Brings data into the database as the element has them. What does not come is brought when it is first asked for.
    async fn bring(&self, data: Vec<Result<Option<CurrentDatum>, ConsoleFault>>) {
        for datum in data {
            let brought = match datum {
                Ok(Some(CurrentDatum { row, kept, .. })) => {
                    self.rows.keep_datum(&row, &kept).await.map_err(ConsoleFault::from)
                }
                Ok(None) => Ok(()),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = brought {
                tracing::error!(problem = %fault.problem(), "a datum changed, and the database does not have it");
            }
        }
    }
}

/// Of which applications data are: none where the element does not say it of one, and officers of some applications are not shown what was done.
fn applications_of(data: &[Result<Option<CurrentDatum>, ConsoleFault>]) -> Vec<ApplicationId> {
    let known = data.iter().map(|datum| Some(datum.as_ref().ok()?.as_ref()?.application));
    let applications: Option<BTreeSet<_>> = known.collect();
    applications.unwrap_or_default().into_iter().collect()
}
