//! Sending a subscription, and deciding it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sceau_crypto::mob::{MobFile, MobManifest};
use sceau_store::bus::Company;
use sceau_store::params;
use sceau_trace::Action;
use serde_json::{Map, Value, json};

use super::callers::{Depositor, Funder, Reader};
use super::fields::json as parsed;
use super::refusal::{Answer, Code, Refusal};
use super::rows::{Attachment, Request, Status};
use super::{MobHost, record, statements};
use crate::Fault;
use crate::mob::letters::{Step, post};
use crate::mob::{Outcome, Reply, ReplyError, SubscriptionMessage, ToProcess};

/// `POST /v1/subscriptions/{id}/verify`.
pub(super) async fn verify(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Depositor,
) -> Answer<Json<Value>> {
    host.send(&caller, &id).await?;
    Ok(Json(json!({"id": id, "status": Status::ToProcess.as_str()})))
}

/// `POST /v1/subscriptions/{id}/validate`.
pub(super) async fn validate(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Funder,
    body: Bytes,
) -> Answer<StatusCode> {
    host.decide(&caller, &id, Status::Validated, &body).await
}

/// `POST /v1/subscriptions/{id}/reject`.
pub(super) async fn reject(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Funder,
    body: Bytes,
) -> Answer<StatusCode> {
    host.decide(&caller, &id, Status::Rejected, &body).await
}

impl MobHost {
    /// Sends a draft: it waits for its decision, and the company's message is left with it, both or neither.
    pub(super) async fn send(&self, caller: &Depositor, id: &str) -> Answer<()> {
        let request = self.own_draft(caller, id).await?;
        self.incentive(request.scheme).await?;
        let draft = record(caller.actor(), Action::DEPOSIT_COMPLETE, id, request.funder);
        let act = self.intend(draft).await?;
        let done = async {
            let attachments = self.attachments(id).await?;
            // What was sealed here is what goes out: rows that say anything else were altered since.
            if self.manifest(&request, &attachments)? != request.manifest {
                let fault = Fault::Tampered { kind: "manifest", id: id.to_owned() };
                self.dossiers().note_tampering(&fault).await;
                return Err(Code::Tampered.into());
            }
            let mut transaction = self.begin().await?;
            let values = params![id, self.now()];
            if transaction.execute(statements::SEND, values).await? != 1 {
                return Err(Code::BadStatus.into());
            }
            if let Some(company) = company(&request)? {
                let message = self.message(&request, &attachments);
                self.dossiers().subscriptions().announce(&mut transaction, &company, &message).await?;
            }
            post(&self.dossiers().outbox, &mut transaction, id, Step::Sent).await?;
            act.keep(&mut transaction, self.now()).await?;
            Ok(transaction.commit().await?)
        };
        let done = done.await;
        self.conclude(act, done).await
    }

    /// The signed list of what the rows say was sealed; none without files.
    fn manifest(&self, request: &Request, attachments: &[Attachment]) -> Answer<Option<String>> {
        let Some(sealed) = &request.sealed else { return Ok(None) };
        let files = attachments.iter().map(|file| {
            let sealed_size = file.size / 16 * 16 + 16;
            Ok(MobFile {
                name: file.name.clone(),
                size: file.size,
                parts: u32::try_from(sealed_size.div_ceil(sceau_crypto::mob::PART as u64))
                    .map_err(|_| Code::Tampered)?,
                hash: file.hash.parse().map_err(|_| Code::Tampered)?,
            })
        });
        let manifest = MobManifest {
            v: 1,
            subscription: request.id.clone(),
            key: sealed.key,
            encryption: sealed.encryption.clone(),
            files: files.collect::<Answer<_>>()?,
        };
        Ok(Some(manifest.sign(&self.settings().key).map_err(|_| Code::Tampered)?))
    }

    fn message(&self, request: &Request, attachments: &[Attachment]) -> SubscriptionMessage {
        let person = &request.person;
        let specific = if request.answers.is_empty() {
            String::new()
        } else {
            Value::from(request.answers.clone()).to_string()
        };
        SubscriptionMessage {
            last_name: person.last_name.clone(),
            first_name: person.first_name.clone(),
            birthdate: person.birthdate.clone(),
            citizen_id: person.id.clone(),
            incentive_id: request.scheme.to_string(),
            subscription_id: request.id.clone(),
            email: person.enterprise_email.clone().unwrap_or_default(),
            status: ToProcess::ToProcess,
            community_name: String::new(),
            specific_fields: specific,
            attachments: attachments.iter().map(|file| self.address(&request.id, &file.name)).collect(),
            error: None,
            encryption: request.sealed.as_ref().map(|sealed| sealed.encryption.clone()),
        }
    }

    /// Where a file is fetched.
    fn address(&self, id: &str, name: &str) -> String {
        let mut url = format!("{}/v1/subscriptions/{id}/attachments/", self.settings().url);
        for byte in name.bytes() {
            // RFC 3986, section 2.3.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
        url
    }

    /// Takes a funder's decision on a subscription of its own, once.
    async fn decide(&self, caller: &Funder, id: &str, status: Status, body: &[u8]) -> Answer<StatusCode> {
        let request = self.readable(&Reader::Funder(caller.clone()), id, Action::DECISION).await?;
        let draft = record(caller.actor(), Action::DECISION, id, request.funder);
        if request.status != Status::ToProcess {
            return Err(self.refused(draft, Code::BadStatus.into()).await);
        }
        let outcome = outcome(&request, status, body, self.now())?;
        let draft =
            draft.detail("decision", if status == Status::Validated { "accepted" } else { "refused" });
        let act = self.intend(draft).await?;
        let done = async {
            let mut transaction = self.begin().await?;
            let values = params![id, status.as_str(), outcome.to_string(), self.now()];
            let mut decided = transaction.execute(statements::DECIDE, values).await? == 1;
            if let Some(company) = &request.company {
                let values = params![id, company.as_str(), status.as_str()];
                let statement = crate::mob::subscription_statements::DECIDE_SUBSCRIPTION;
                decided &= transaction.execute(statement, values).await? == 1;
            }
            if !decided {
                return Err(Code::BadStatus.into());
            }
            let step = if status == Status::Validated { Step::Validated } else { Step::Rejected };
            post(&self.dossiers().outbox, &mut transaction, id, step).await?;
            act.keep(&mut transaction, self.now()).await?;
            Ok(transaction.commit().await?)
        };
        let done = done.await;
        self.conclude(act, done).await?;
        Ok(StatusCode::NO_CONTENT)
    }
}

fn company(request: &Request) -> Answer<Option<Company>> {
    request.company.as_ref().map(|name| name.parse().map_err(|_| Code::Tampered.into())).transpose()
}

/// The decision of a body, under the rules that replies of the bus have.
fn outcome(request: &Request, status: Status, body: &[u8], now: u64) -> Answer<Value> {
    let mut reply: Map<String, Value> = parsed(body)?;
    reply.insert("citizenId".to_owned(), request.person.id.as_str().into());
    reply.insert("subscriptionId".to_owned(), request.id.as_str().into());
    reply.insert("status".to_owned(), status.as_str().into());
    let reply = Reply::parse(Value::from(reply).to_string().as_bytes(), now).map_err(refusal)?;
    let outcome = match &reply.outcome {
        Outcome::Validated(validation) => serde_json::to_value(validation),
        Outcome::Rejected(rejection) => serde_json::to_value(rejection),
        Outcome::Failed => return Err(Code::Invalid.into()),
    };
    outcome.map_err(|_| Code::Internal.into())
}

fn refusal(error: ReplyError) -> Refusal {
    Refusal::because(Code::Invalid, format!("{}: {}", error.property, error.message))
}
