//! Who may pass a route: certificate, name and address, judged anew at each request.
//!
//! It must never let through whom it did not judge, nor forget to ask what is still open: [`Passed`] alone goes on.

mod admission;
mod denial;
mod draft;
mod rules;
mod unlisted;
mod verdicts;
mod wanted;

use std::{
    io,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use sceau_pki::{Anchors, Certificate, ChainJudge, Heard, Name, Refusal, RevocationLists};

use crate::{
    clock,
    error::Error,
    fail_open::{FailOpen, GoesOn, Passing},
    files::may_be_written,
    lists::{DISK, Feed, Loading, Points, Stale},
    observe::{GuardTally, Ledger, NamedClient},
    ocsp::Inquiry,
    shown::Shown,
};
use admission::Judged;
pub(crate) use admission::{Admitted, Passed};
pub(crate) use denial::Denial;
pub(crate) use draft::Draft;
pub(crate) use rules::{Addresses, Permit, Rules};
use verdicts::{Verdict, Verdicts};
pub(crate) use wanted::Wanted;

/// Who may pass.
#[derive(Debug)]
pub(crate) struct Guard {
    name: String,
    chain: ChainJudge,
    rules: Rules,
    /// Where lists come from; without any, no list is asked.
    feeds: Vec<Arc<Feed>>,
    /// Where certificates say that lists are, where these are followed: then lists are asked.
    points: Option<Points>,
    fail_open: Option<FailOpen>,
    /// Whom it asks about callers' certificates besides.
    inquiry: Option<Inquiry>,
    state: RwLock<Arc<State>>,
    /// Its anchors and intermediates.
    authorities: Vec<Certificate>,
    tally: Arc<GuardTally>,
    clients: Vec<NamedClient>,
}

/// The lists of one moment, and the verdicts that rest on them.
#[derive(Debug)]
struct State {
    epoch: u64,
    chain: ChainJudge,
    lists: RevocationLists,
    verdicts: Verdicts,
}

impl Guard {
    pub(crate) fn new(
        name: &str,
        chain: ChainJudge,
        rules: Rules,
        (feeds, points): (Vec<Arc<Feed>>, Option<Points>),
        fail_open: Option<FailOpen>,
    ) -> Self {
        let before = epoch(&feeds, points.as_ref());
        let state = RwLock::new(Arc::new(State::of(&chain, &feeds, points.as_ref(), before)));
        let (authorities, tally, clients, inquiry) = Default::default();
        let name = name.to_owned();
        Self { name, chain, rules, feeds, points, fail_open, inquiry, state, authorities, tally, clients }
    }

    /// Who asks responders too.
    pub(crate) fn inquiring(self, inquiry: Option<Inquiry>) -> Self {
        Self { inquiry, ..self }
    }

    /// Who counts in this ledger, and shows these authorities of its.
    pub(crate) fn counting(mut self, authorities: Vec<Certificate>, ledger: &Ledger) -> Self {
        let names = self.rules.names.iter().flatten();
        self.clients = names.map(|permit| NamedClient::of(&self.name, &permit.name, ledger)).collect();
        self.tally = ledger.guards.of(&self.name);
        Self { authorities, ..self }
    }

    /// Makes ready what it needs on a bad day.
    ///
    /// # Errors
    /// The file that cannot be written.
    pub(crate) fn arm(&self) -> Result<(), Error> {
        let armed = self.fail_open.as_ref().map_or(Ok(()), FailOpen::arm);
        armed.map_err(|cause| self.of_journal(cause))
    }

    /// Looks whether [`Self::arm`] could do that, and does nothing.
    ///
    /// # Errors
    /// As [`Self::arm`].
    pub(crate) fn rehearse(&self) -> Result<(), Error> {
        let rehearsed = self.fail_open.as_ref().map_or(Ok(()), |open| may_be_written(open.journal()));
        rehearsed.map_err(|cause| self.of_journal(cause))
    }

    fn of_journal(&self, cause: io::Error) -> Error {
        let path = self.fail_open.as_ref().map(|open| open.journal().display().to_string());
        let setting = format!("clients.{}, fail_open.journal", self.name);
        Error::File { setting, path: path.unwrap_or_default(), cause }
    }

    /// Judges a request of a caller who showed this, from this address, at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// The denial; a responder that is still to be asked is [`Refusal::RevocationUnknown`].
    pub(crate) fn admit(&self, shown: &Shown, from: IpAddr, now: u64) -> Result<Admitted, Denial> {
        asked(self.judged(shown, from, now)?)
    }

    /// As [`Self::admit`], once a responder was asked where that is all that lacks.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub(crate) async fn admit_asking(
        &self,
        shown: &Shown,
        from: IpAddr,
        now: u64,
    ) -> Result<Admitted, Denial> {
        let judged = self.judged_by_all(shown, from, now).await?;
        match (&judged.unasked, &self.inquiry) {
            (None, _) => return Ok(Admitted(judged)),
            (Some(unasked), Some(inquiry)) => inquiry.ask(unasked, &self.state().lists).await,
            (Some(_), None) => {}
        }
        asked(self.judged_by_all(shown, from, clock::now()).await?)
    }

    /// The last step: what passes unchecked leaves its record first.
    ///
    /// # Errors
    /// [`Refusal::RevocationUnknown`] where no record can be left.
    pub(crate) async fn pass(&self, who: Admitted, passing: Passing<'_>) -> Result<Passed, Denial> {
        let is_recorded = match &self.fail_open {
            _ if !who.is_unchecked() => true,
            Some(open) => open.record(&self.name, &who, passing).await,
            None => false,
        };
        if is_recorded { Ok(Passed::of(who)) } else { Err(Denial::Certificate(Refusal::RevocationUnknown)) }
    }

    /// Whether what was let through and is still open may go on: where that is unchecked, it leaves records too.
    pub(crate) fn goes_on(&self, who: &Admitted, goes_on: &GoesOn, passing: Passing<'_>) -> bool {
        if !who.is_unchecked() {
            goes_on.reset();
            return true;
        }
        match &self.fail_open {
            Some(open) => open.record_again(&self.name, who, passing, goes_on),
            None => false,
        }
    }

    /// Counts a verdict on a request at `now` (Unix milliseconds).
    pub(crate) fn count(&self, verdict: Result<&Passed, &Denial>, now: u64) {
        let passed = match verdict {
            Ok(passed) => passed,
            Err(denial) => return self.tally.refused.one(denial.code()),
        };
        self.tally.passed.one();
        if passed.is_unchecked() {
            self.tally.unchecked.one();
        }
        if let Some(client) = passed.tally() {
            client.called(now, passed.identity().not_after);
        }
    }

    /// What is remembered of this certificate, or reached now by the lists in use; from this address.
    fn judged(&self, shown: &Shown, from: IpAddr, now: u64) -> Result<Arc<Judged>, Denial> {
        let state = self.state();
        let (verdict, _) = self.verdict(&state, shown, now);
        self.settled(&state, verdict, (shown, from, now))
    }

    /// As [`Self::judged`], once what the disk keeps of lists that the certificate names is in use, where none spoke before.
    async fn judged_by_all(&self, shown: &Shown, from: IpAddr, now: u64) -> Result<Arc<Judged>, Denial> {
        let state = self.state();
        let (verdict, loading) = self.verdict(&state, shown, now);
        let is_read = loading.is_empty() || Loading::all(loading, DISK).await;
        let judged = self.settled(&state, verdict, (shown, from, now))?;
        // Whom a list on the disk may take back does not pass unchecked because the disk does not answer.
        if !is_read && judged.is_unchecked() && judged.unasked.is_none() {
            return Err(Denial::Certificate(Refusal::RevocationUnknown));
        }
        Ok(judged)
    }

    /// Once more, where no list spoke in that state and another is in use since; then the address.
    fn settled(
        &self,
        state: &Arc<State>,
        mut verdict: Verdict,
        (shown, from, now): (&Shown, IpAddr, u64),
    ) -> Result<Arc<Judged>, Denial> {
        if self.points.is_some() && is_open(&verdict) {
            let learnt = self.state();
            if !Arc::ptr_eq(state, &learnt) {
                (verdict, _) = self.verdict(&learnt, shown, now);
            }
        }
        let judged = verdict?;
        let is_allowed = self.rules.addresses.allow(from) && judged.addresses.allow(from);
        if is_allowed { Ok(judged) } else { Err(Denial::Address) }
    }

    /// The verdict, and what is still being read that could change it: then it is not remembered, since others would pass by it.
    fn verdict(&self, state: &State, shown: &Shown, now: u64) -> (Verdict, Vec<Loading>) {
        if let Some(known) = state.verdicts.known(shown.fingerprint(), now) {
            self.tally.remembered.one();
            return (known, Vec::new());
        }
        self.tally.judged.one();
        let verdict = self.judge(state, shown, now).map(Arc::new);
        let loading = if is_open(&verdict) { self.learn(shown, now) } else { Vec::new() };
        if loading.is_empty() {
            state.verdicts.keep(shown.fingerprint(), now, verdict.clone());
        }
        (verdict, loading)
    }

    /// Follows the lists that the certificates of a caller name, of whom nothing is wrong but that no list speaks: the chain is believed, and the client is one of
    /// ours.
    fn learn(&self, shown: &Shown, now: u64) -> Vec<Loading> {
        let Some(points) = &self.points else { return Vec::new() };
        // This judge asks no list.
        let Ok(vouched) = self.chain.vouch(shown.chain(), now, 0) else { return Vec::new() };
        if self.rules.grant(&vouched.identity.subject, &vouched.path).is_err() {
            return Vec::new();
        }
        let way: Vec<_> =
            vouched.path.iter().filter_map(|der| Certificate::from_der(der, "a chain").ok()).collect();
        let issuers = way.iter().skip(1).chain([&vouched.anchor]);
        let learnt = way.iter().zip(issuers);
        learnt.flat_map(|(certificate, issuer)| points.learn(certificate, issuer, now)).collect()
    }

    /// Begins to fetch the lists that certificates name, and goes on until it is dropped; `at_once` asks each server whatever the hour.
    pub(crate) fn start(&self, at_once: bool) {
        self.points.iter().for_each(|points| points.start(at_once));
    }

    fn judge(&self, state: &State, shown: &Shown, now: u64) -> Result<Judged, Denial> {
        let grace = self.fail_open.as_ref().map_or(0, |open| open.maximum_age);
        let heard = |certificate: &Certificate, issuer: &Certificate| match &self.inquiry {
            Some(inquiry) => inquiry.heard(certificate, issuer, &state.lists, now),
            None => Heard::Nothing { ended: None, again: u64::MAX },
        };
        let online = self.inquiry.as_ref().map(|inquiry| inquiry.online(&heard));
        let vouched =
            state.chain.vouch_online(shown.chain(), now, grace, online).map_err(Denial::Certificate)?;
        let subject = &vouched.identity.subject;
        let granted = self.rules.grant(subject, &vouched.path)?;
        let named = self.clients.iter().find(|client| client.rule.permits(subject));
        let tally = named.map(|client| Arc::clone(&client.tally));
        Ok(Judged::of(vouched, granted, tally))
    }

    /// The state of now: another one where a list changed since.
    fn state(&self) -> Arc<State> {
        let state = Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner));
        let epoch =
            epoch(&self.feeds, self.points.as_ref()) + self.inquiry.as_ref().map_or(0, Inquiry::epoch);
        if state.epoch == epoch {
            return state;
        }
        let next = Arc::new(State::of(&self.chain, &self.feeds, self.points.as_ref(), epoch));
        self.fail_open.iter().for_each(|open| open.rearm(&self.name));
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        next
    }
}

/// What others show of it.
impl Guard {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn tally(&self) -> &GuardTally {
        &self.tally
    }

    /// The clients that the file names.
    pub(crate) fn clients(&self) -> &[NamedClient] {
        &self.clients
    }

    /// Each with whether it is an anchor.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = (&Certificate, bool)> {
        let anchors = self.chain.anchors().certificates();
        self.authorities
            .iter()
            .map(|it| (it, anchors.iter().any(|anchor| anchor.fingerprint() == it.fingerprint())))
    }

    pub(crate) fn anchors(&self) -> &Anchors {
        self.chain.anchors()
    }

    /// Whose certificates it takes; none: those of any authority below its anchors.
    pub(crate) fn required_issuer(&self) -> Option<&Name> {
        self.chain.required_issuer()
    }

    /// How many authorities may stand between a client's certificate and an anchor.
    pub(crate) fn depth(&self) -> usize {
        self.chain.depth()
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Where its lists come from.
    pub(crate) fn feeds(&self) -> Vec<Arc<Feed>> {
        [&self.feeds[..], &self.learnt()].concat()
    }

    /// Those of them that certificates name, where these are followed.
    pub(crate) fn learnt(&self) -> Vec<Arc<Feed>> {
        self.points.as_ref().map(Points::feeds).unwrap_or_default()
    }

    /// At which hosts lists are fetched that certificates name; none: nowhere.
    pub(crate) fn points(&self) -> Option<&Points> {
        self.points.as_ref()
    }

    /// Whom it asks about callers' certificates besides.
    pub(crate) fn inquiry(&self) -> Option<&Inquiry> {
        self.inquiry.as_ref()
    }

    /// Whether a list must speak for each certificate.
    pub(crate) fn asks_lists(&self) -> bool {
        !self.feeds.is_empty() || self.points.is_some()
    }

    /// What it asks and nobody answers at `now` (Unix milliseconds).
    pub(crate) fn stale(&self, now: u64) -> Vec<Stale> {
        let learnt = self.points.iter().flat_map(|points| points.stale(&self.feeds(), now));
        self.feeds.iter().flat_map(|feed| feed.stale(now)).chain(learnt).collect()
    }

    /// How long after its end the last list is believed (milliseconds); none: not at all.
    pub(crate) fn fail_open_age(&self) -> Option<u64> {
        self.fail_open.as_ref().map(|open| open.maximum_age)
    }
}

impl State {
    /// `epoch` is of before: a list that comes in between makes another state, not none.
    fn of(chain: &ChainJudge, feeds: &[Arc<Feed>], points: Option<&Points>, epoch: u64) -> Self {
        let learnt = points.map(Points::feeds).unwrap_or_default();
        let lists = feeds.iter().chain(&learnt).map(|feed| feed.lists()).reduce(RevocationLists::and);
        // Where certificates name theirs, none yet is not that none is asked.
        let lists = lists.or(points.map(|_| RevocationLists::default()));
        let chain = lists.iter().cloned().fold(chain.clone(), ChainJudge::asking);
        Self { epoch, chain, lists: lists.unwrap_or_default(), verdicts: Verdicts::default() }
    }
}

/// Admitted, unless a responder is still to be asked.
fn asked(judged: Arc<Judged>) -> Result<Admitted, Denial> {
    if judged.unasked.is_some() {
        return Err(Denial::Certificate(Refusal::RevocationUnknown));
    }
    Ok(Admitted(judged))
}

/// Whether no current list spoke.
fn is_open(verdict: &Verdict) -> bool {
    match verdict {
        Ok(judged) => judged.is_unchecked(),
        Err(denial) => matches!(denial, Denial::Certificate(Refusal::RevocationUnknown)),
    }
}

fn epoch(feeds: &[Arc<Feed>], points: Option<&Points>) -> u64 {
    feeds.iter().map(|feed| feed.epoch()).sum::<u64>() + points.map_or(0, Points::epoch)
}
