//! Requests on their way to the core and answers on their way back. What costs time, JSON and signatures, is done here, on the
//! connection's own task; the writer only decides.

mod contents;
mod keyring;
mod lines;
mod many;
mod peers;
mod reads;
mod socket;
mod stuck;
mod token;
mod turns;

pub use socket::{Peers, serve};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sceau_element_api::Kind;
use sceau_element_api::protect::{AskedOfDatum, CalledMany, DatumId, Happened, MOST_ACCESSES};
use sceau_element_api::wire::{Attest, Code, Hello, RecordDraft, Refusal, Request, Response, RowKey};
use sceau_trace::{Action, VerifierKey};
use tokio::sync::mpsc;

use self::turns::Turns;
use crate::claim::{Claim, ProvenClaim, WebIdentity};
use crate::clock::Clock;
use crate::decide::{Command, NonceAuthority, Outcome};
use crate::keyring::Desk;
use crate::protect::{Caller, DatumKeys, PreparedAct, PreparedCall, Profile, ProvenCall};
use crate::pulse::STUCK_AFTER;
use crate::retention::PersonalKeys;
use crate::rules::{RecordSigner, action_of, read_signed};
use crate::state::Epochs;
use crate::view::{ReadError, View};
use crate::writer::Order;

/// What answers requests. Clones are the same service.
#[derive(Clone)]
pub struct Service {
    view: Arc<View>,
    orders: mpsc::Sender<Order>,
    nonces: NonceAuthority,
    clock: Clock,
    web: Arc<WebIdentity>,
    keys: Option<Arc<DatumKeys>>,
    personal: Option<Arc<PersonalKeys>>,
    desk: Option<Arc<Desk>>,
    peers: Arc<[VerifierKey]>,
    /// What is worked on at once.
    turns: Turns,
    /// That an erasure waits for too long.
    told: Arc<AtomicBool>,
    /// For how long the writer may be at one batch, or a use of keys under way, in milliseconds.
    bound: u64,
}

impl Service {
    pub(crate) fn new(
        view: Arc<View>,
        orders: mpsc::Sender<Order>,
        nonces: NonceAuthority,
        clock: Clock,
        web: WebIdentity,
        keys: Option<Arc<DatumKeys>>,
        personal: Option<Arc<PersonalKeys>>,
    ) -> Self {
        let (turns, told, bound) = (Turns::default(), Arc::default(), STUCK_AFTER);
        let web = Arc::new(web);
        let (desk, peers) = (None, Arc::from([]));
        Self { view, orders, nonces, clock, web, keys, personal, desk, peers, turns, told, bound }
    }

    /// Looking at the logs of these keys, too.
    pub(crate) fn seeing(self, peers: Vec<VerifierKey>) -> Self {
        Self { peers: peers.into(), ..self }
    }

    /// What readers see.
    #[must_use]
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Answers a request: `answer` is called once, at once for reads, when durable for the rest.
    pub async fn handle(&self, request: Request, answer: impl FnOnce(Response) + Send + 'static) {
        if let Some(refusal) = self.not_now(&request) {
            return answer(Response::Refused(refusal));
        }
        match request {
            Request::Attest(attest) if attest.kind == Kind::ProtectAct => {
                self.work(move |service| service.order_blocking(service.act(attest), answer)).await;
            }
            Request::Attest(attest) => self.order(self.attest(attest), answer).await,
            Request::Append(draft) => {
                self.order(Command::Append(Box::<RecordDraft>::new(draft)), answer).await
            }
            Request::AppendSigned { jws } => self.order(self.deliver(&jws), answer).await,
            Request::SeeCheckpoint(body) => self.see(&body, answer).await,
            Request::Protect(asked) => {
                let call = move |service: &Self| {
                    let command = service.protect(&asked);
                    match &command {
                        Command::Call(prepared) if prepared.call.claims.prove => {
                            service.order_blocking(command, service.proving(answer));
                        }
                        _ => service.order_blocking(command, answer),
                    }
                };
                self.work(call).await;
            }
            Request::ProtectMany(asked) => self.take_many(asked, answer),
            Request::SignContent(content) => self.take_content(content, answer),
            Request::Keyring(message) => self.take_keyring(message, answer),
            Request::BringCertificate(brought) => {
                self.work(move |service| service.bring_certificate(&brought, answer)).await;
            }
            Request::TraceLines { .. } | Request::VerifyTraceLines(_) => {
                // A key in an HSM is waited for, for each line.
                self.work_long(move |service| answer(service.read(&request))).await;
            }
            Request::ProtectByToken(asked) => self.take_token(asked, answer).await,
            Request::Entries { .. }
            | Request::EvidenceFor { .. }
            | Request::Kept(_)
            | Request::AwaitedCertificates { .. }
            | Request::Erasure(_)
            | Request::Accesses { .. }
            | Request::RefusedCalls { .. } => {
                // These read the journal, which may have to come from the disk.
                let service = self.clone();
                tokio::task::spawn_blocking(move || answer(service.read(&request)));
            }
            request => answer(self.read(&request)),
        }
    }

    /// Lets due counters be written; the caller says when.
    pub async fn tick(&self) {
        self.tell_overdue();
        if let Some(personal) = &self.personal {
            personal.tell();
        }
        self.order(Command::Tick, |_| ()).await;
    }

    /// Tells once that an erasure waits for longer than certificates state: keys go at starts alone.
    fn tell_overdue(&self) {
        let Some(within) = self.keys.as_ref().and_then(|keys| keys.within()) else { return };
        let now = self.clock.now().unix;
        let overdue = self.view.with_state(|state| {
            let first = |id| state.epochs(id).and_then(Epochs::waiting);
            let late = |it: &Happened| it.time.saturating_add(within) < now;
            state.protecting().into_iter().find(|id| first(*id).as_ref().is_some_and(late))
        });
        if let Some(organisation) = overdue
            && !self.told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %organisation,
                "data were erased, and the key that opens copies of them is there for longer than certificates state: start the element anew, which destroys it where it can, and says why where not"
            );
        }
    }

    fn order_blocking(&self, command: Command, answer: impl FnOnce(Response) + Send + 'static) {
        let answer = Box::new(|outcome| answer(response(outcome)));
        if let Err(unsent) = self.orders.blocking_send(Order { command, answer }) {
            (unsent.0.answer)(Outcome::Refused(stopping()));
        }
    }

    /// Adds the log's proof to the answer to a call: not on the writer's thread, which tells that the record is durable.
    fn proving<A: FnOnce(Response) + Send + 'static>(
        &self,
        answer: A,
    ) -> impl FnOnce(Response) + Send + 'static + use<A> {
        let (view, runtime) = (Arc::clone(&self.view), tokio::runtime::Handle::current());
        let prove = move |mut response| {
            if let Response::Called(called) = &mut response {
                // An answer without its proof is refused by whoever asked for it.
                called.proof = view.bare_evidence(called.index).ok();
            }
            answer(response);
        };
        move |response| drop(runtime.spawn_blocking(move || prove(response)))
    }

    /// Verifies a call, judges it and makes what it gets; the writer has the last word.
    fn protect(&self, asked: &AskedOfDatum) -> Command {
        match self.prepare(asked) {
            Ok(prepared) => Command::Call(Box::new(prepared)),
            Err(refusal) => Command::Refuse { action: Action::DATUM_CALL, row: None, refusal },
        }
    }

    fn prepare(&self, asked: &AskedOfDatum) -> Result<PreparedCall, Refusal> {
        let keys = self.data_keys()?;
        let now = self.clock.now().unix;
        let find = |id| self.view.with_state(|state| Caller::find(state, id));
        let call = ProvenCall::prove(Profile::Sceau, asked, self.view.key().name(), now, find)?;
        let row = call.claims.op.datum().map(|id| RowKey { kind: Kind::Datum, id: id.into() });
        let current = row.and_then(|row| self.view.with_state(|state| state.row(&row)));
        Ok(self.finished(self.using_keys(|| PreparedCall::new(call, asked, current, keys, now))))
    }

    /// Calls are served only where who made them can be forgotten.
    fn may_record(&self) -> Result<(), Refusal> {
        if self.personal.as_ref().is_none_or(|personal| personal.has_now()) {
            return Ok(());
        }
        let words = "the element has no key for the records of this month: its operator is to start it anew";
        Err(Refusal::new(Code::Unavailable, words))
    }

    /// The keys that protect data.
    fn keys(&self) -> Result<&Arc<DatumKeys>, Refusal> {
        let none = || Refusal::new(Code::KindNotServed, "this element protects no data");
        self.keys.as_ref().ok_or_else(none)
    }

    /// The same, where calls can be recorded under the key of their month.
    fn data_keys(&self) -> Result<&Arc<DatumKeys>, Refusal> {
        let keys = self.keys()?;
        self.may_record()?;
        Ok(keys)
    }

    /// With what the journal says, where that is asked for.
    fn finished(&self, prepared: PreparedCall) -> PreparedCall {
        let told = prepared.telling(|of| {
            let found = self.view.accesses(of.datum, of.before, of.most.unwrap_or(MOST_ACCESSES));
            found.map_err(|error| match error {
                ReadError::NotFound => Refusal::new(Code::NotFound, "before is no call about this datum"),
                error => refused(error),
            })
        });
        told.certified(|datum| self.view.erasure(datum).map_err(refused)).settled()
    }

    async fn order(&self, command: Command, answer: impl FnOnce(Response) + Send + 'static) {
        let answer = Box::new(|outcome| answer(response(outcome)));
        if let Err(unsent) = self.orders.send(Order { command, answer }).await {
            (unsent.0.answer)(Outcome::Refused(stopping()));
        }
    }

    fn attest(&self, attest: Attest) -> Command {
        let row = RowKey { kind: attest.kind, id: attest.id.clone() };
        match self.prove(attest) {
            Ok(proven) => Command::Attest(Box::new(proven)),
            Err(refusal) => Command::Refuse { action: action_of(row.kind, 1), row: Some(row), refusal },
        }
    }

    fn prove(&self, attest: Attest) -> Result<ProvenClaim, Refusal> {
        let claim = Claim::read(attest)?;
        claim.document.is_for(self.view.key().name())?;
        let key = self.view.with_state(|state| claim.proof_key(state))?;
        claim.prove(&key, &self.web)
    }

    /// Verifies an act on data, and finds these in the journal; the writer has the last word.
    fn act(&self, attest: Attest) -> Command {
        let row = RowKey { kind: attest.kind, id: attest.id.clone() };
        match self.prove(attest).and_then(|claim| self.acted(claim)) {
            Ok(prepared) => Command::Act(Box::new(prepared)),
            Err(refusal) => Command::Refuse { action: Action::DATUM_ACT, row: Some(row), refusal },
        }
    }

    fn acted(&self, claim: ProvenClaim) -> Result<PreparedAct, Refusal> {
        let not_served =
            || Refusal::new(Code::KindNotServed, "this element protects no data of the organisation");
        let keys = self.keys.as_ref().ok_or_else(not_served)?;
        let tenant = claim.organisation().and_then(|id| self.view.with_state(|state| state.tenant(id)));
        let (tenant, find) = (tenant.ok_or_else(not_served)?, |id: DatumId| {
            self.view.kept(&RowKey { kind: Kind::Datum, id: id.into() }).map_err(refused)
        });
        self.using_keys(|| PreparedAct::new(claim, (keys, tenant), find))
    }

    fn deliver(&self, jws: &str) -> Command {
        let now = self.clock.now().unix;
        let signer = self.view.with_state(|state| RecordSigner::find(state, jws, now));
        match signer.and_then(|signer| read_signed(jws, &signer)) {
            Ok(record) => Command::Deliver(Box::new(record)),
            Err(refusal) => Command::Refuse { action: Action::ATTEST, row: None, refusal },
        }
    }

    /// Who this element is.
    #[must_use]
    pub fn hello(&self) -> Hello {
        Hello {
            protocol: 1,
            origin: self.view.key().name().to_owned(),
            log_key: self.view.key().to_string(),
            rp_id: self.web.rp_id.clone(),
            size: self.view.size(),
            has_platform_admin: self.view.with_state(crate::state::State::has_platform_admin),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

fn response(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Attested(row) => Response::Attested(row),
        Outcome::Appended { index } => Response::Appended { index },
        Outcome::Called(called) => Response::Called(called),
        Outcome::CalledMany(items) => {
            Response::CalledMany(Box::new(CalledMany { items, restored: Vec::new() }))
        }
        Outcome::Refused(refusal) => Response::Refused(refusal),
        Outcome::Silent => Response::Refused(Refusal::new(Code::Unavailable, "nothing was recorded")),
    }
}

fn stopping() -> Refusal {
    Refusal::new(Code::Unavailable, "the element is stopping: ask again later")
}

fn refused(error: ReadError) -> Refusal {
    match error {
        ReadError::NotFound => Refusal::new(Code::NotFound, error.to_string()),
        ReadError::Journal(_) | ReadError::Event(_) | ReadError::Proof(_) => {
            tracing::error!(%error, "a read failed");
            Refusal::new(Code::Unavailable, error.to_string())
        }
    }
}
