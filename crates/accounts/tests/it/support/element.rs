use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt as _};
use sceau_accounts::Element;
use sceau_element::{Claim, Command, Core, Moment, NonceAuthority, Outcome, WebIdentity};
use sceau_element_api::CallError;
use sceau_element_api::wire::{Attest, Code, Hello, Refusal, Request, Response};
use sceau_store::{Clock, ManualClock};
use sceau_trace::Record;

/// The element's deciding core, called directly. What it appends can be read back.
pub struct InProcessElement {
    core: Mutex<Core>,
    authority: NonceAuthority,
    clock: Arc<ManualClock>,
    records: Mutex<Vec<Record>>,
    /// Set: it answers nothing.
    pub down: AtomicBool,
    /// Set: it does what it is asked, and its answer to an attestation is lost.
    pub loses_answers: AtomicBool,
}

impl InProcessElement {
    pub fn new(clock: Arc<ManualClock>) -> Arc<Self> {
        let authority = NonceAuthority::new();
        Arc::new(Self {
            core: Mutex::new(Core::new(authority.clone())),
            authority,
            clock,
            records: Mutex::default(),
            down: AtomicBool::new(false),
            loses_answers: AtomicBool::new(false),
        })
    }

    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap().clone()
    }

    /// Actions and outcomes of the last `count` records, oldest first: `login granted`, `access refused not_authorised`.
    pub fn last(&self, count: usize) -> Vec<String> {
        let records = self.records();
        let from = records.len().saturating_sub(count);
        let line = |record: &Record| {
            let outcome = serde_json::to_value(record.outcome()).unwrap();
            format!("{} {} {}", record.action(), outcome.as_str().unwrap(), record.code()).trim().to_owned()
        };
        records[from..].iter().map(line).collect()
    }

    fn execute(&self, command: Command) -> Outcome {
        let now = self.clock.now_ms();
        let step = self.core.lock().unwrap().execute(Moment { unix: now, uptime: now }, command);
        self.records.lock().unwrap().extend(step.events.iter().map(|event| event.record().unwrap()));
        step.outcome
    }

    fn attest(&self, attest: Attest) -> Result<Outcome, Refusal> {
        let web = WebIdentity { rp_id: "sceau.localhost".into(), origins: vec![] };
        let claim = Claim::read(attest)?;
        let key = claim.proof_key(self.core.lock().unwrap().state())?;
        Ok(self.execute(Command::Attest(Box::new(claim.prove(&key, &web)?))))
    }

    fn answer(&self, request: Request) -> Result<Response, CallError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(CallError::Broken);
        }
        let row = |key: &_| self.core.lock().unwrap().state().row(key);
        let outcome = match request {
            Request::Hello => return Ok(Response::Hello(self.hello())),
            Request::Nonce => return Ok(Response::Nonce(self.authority.issue(self.clock.now_ms()))),
            Request::Current(key) => return Ok(Response::Current(row(&key))),
            Request::CurrentMany(keys) => return Ok(Response::CurrentMany(keys.iter().map(row).collect())),
            Request::Append(draft) => self.execute(Command::Append(Box::new(draft))),
            Request::Attest(attest) => self.attest(attest).unwrap_or_else(Outcome::Refused),
            _ => Outcome::Refused(Refusal::new(Code::NotFound, "not asked in these tests")),
        };
        match outcome {
            Outcome::Attested(_) if self.loses_answers.load(Ordering::SeqCst) => Err(CallError::Broken),
            Outcome::Attested(row) => Ok(Response::Attested(row)),
            Outcome::Appended { index } => Ok(Response::Appended { index }),
            Outcome::Refused(refusal) => Err(CallError::Refused(refusal)),
            Outcome::Called(_) | Outcome::CalledMany(_) | Outcome::Silent => Err(CallError::Mismatch),
        }
    }

    fn hello(&self) -> Hello {
        let core = self.core.lock().unwrap();
        Hello {
            protocol: 1,
            origin: "test".into(),
            log_key: String::new(),
            rp_id: "sceau.localhost".into(),
            size: core.state().size(),
            has_platform_admin: core.state().has_platform_admin(),
            version: String::new(),
        }
    }
}

impl Element for InProcessElement {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        async move { self.answer(request) }.boxed()
    }
}
