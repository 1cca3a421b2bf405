//! Calls that are tokens, on their way to the writer and back.

use std::net::IpAddr;
use std::sync::Arc;

use sceau_element_api::Kind;
use sceau_element_api::protect::{AskedByToken, AskedOfDatum, Operation};
use sceau_element_api::wire::{Code, Refusal, Response, RowKey};
use sceau_trace::Action;

use super::{Service, refused};
use crate::decide::Command;
use crate::protect::{AnswerTerms, Caller, Opened, PreparedCall, Profile, ProvenCall};

impl Service {
    /// Opens such a call, where it is encrypted, and answers it. Whoever encrypts rubbish to the element's public key has the keystore work on it before anything
    /// is known of them: that has turns of its own, which no other call waits for, nor the connection that brings them.
    pub(super) async fn take_token(
        &self,
        asked: AskedByToken,
        answer: impl FnOnce(Response) + Send + 'static,
    ) {
        let AskedByToken { call, address } = asked;
        if !Opened::is_encrypted(&call) {
            let work = move |service: &Self| service.protect_by_token(service.open(&call), address, answer);
            return self.work(work).await;
        }
        let service = self.clone();
        tokio::spawn(async move {
            let fault =
                || Err(Refusal::new(Code::Unavailable, "the call could not be opened: ask again later"));
            let opened =
                service.opening(true, move |service| service.open(&call)).await.unwrap_or_else(fault);
            service.work(move |service| service.protect_by_token(opened, address, answer)).await;
        });
    }

    fn open(&self, call: &str) -> Result<Opened, Refusal> {
        let tokens = self.data_keys()?.tokens();
        let keys: Vec<_> = tokens.opening().iter().map(|key| (key, key.name())).collect();
        self.using_keys(|| Opened::of(call, &keys))
    }

    /// Answers such a call; on a thread that may wait.
    fn protect_by_token(
        &self,
        opened: Result<Opened, Refusal>,
        address: Option<IpAddr>,
        answer: impl FnOnce(Response) + Send + 'static,
    ) {
        let (prepared, terms) = match opened.and_then(|opened| self.prepare_by_token(&opened, address)) {
            Ok(prepared) => prepared,
            Err(refusal) => {
                let command = Command::Refuse { action: Action::DATUM_CALL, row: None, refusal };
                return self.order_blocking(command, answer);
            }
        };
        let (view, clock, proves) = (Arc::clone(&self.view), self.clock, prepared.call.claims.prove);
        let runtime = tokio::runtime::Handle::current();
        let sign = move |told: Response| {
            let outcome = match told {
                Response::Called(mut called) => {
                    if proves {
                        called.proof = view.bare_evidence(called.index).ok();
                    }
                    Ok(*called)
                }
                Response::Refused(refusal) => Err(refusal),
                _ => Err(Refusal::new(Code::Unavailable, "nothing was answered: sign another call")),
            };
            let seen = view.pulse().using(clock.now().uptime);
            let signed = terms.sign(clock.now().unix, outcome);
            drop(seen);
            answer(signed.map_or_else(Response::Refused, |signed| Response::Signed(Box::new(signed))));
        };
        // Not on the writer's thread, which tells that the record is durable.
        self.order_blocking(Command::Call(Box::new(prepared)), move |told| {
            drop(runtime.spawn_blocking(move || sign(told)));
        });
    }

    fn prepare_by_token(
        &self,
        opened: &Opened,
        address: Option<IpAddr>,
    ) -> Result<(PreparedCall, AnswerTerms), Refusal> {
        let keys = self.data_keys()?;
        let tokens = keys.tokens();
        let now = self.clock.now().unix;
        let find = |id| self.view.with_state(|state| Caller::find(state, id));
        let name = self.view.key().name();
        let mut asked = AskedOfDatum { call: opened.call.to_string(), address, row: None };
        let call = ProvenCall::prove(Profile::Token, &asked, name, now, find)?;
        let (mut terms, can) = AnswerTerms::of(&call, opened.was_encrypted, name, tokens);
        let row = call.claims.op.datum().map(|id| RowKey { kind: Kind::Datum, id: id.into() });
        let kept = row.map(|row| self.view.kept(&row)).transpose().map_err(refused)?.flatten();
        let (current, row) = kept.unzip();
        if matches!(call.claims.op, Operation::Describe(_)) {
            terms.described = row.as_ref().map(|row| row.payload.clone());
        }
        asked.row = row;
        let prepared = || PreparedCall::new(call, &asked, current, keys, now).answerable(can);
        Ok((self.finished(self.using_keys(prepared)), terms))
    }

    /// The public keys of such calls and answers, and of contents.
    ///
    /// # Errors
    /// Where the element protects no data.
    pub fn published_keys(&self) -> Result<String, Refusal> {
        Ok(self.keys()?.jwks())
    }
}
