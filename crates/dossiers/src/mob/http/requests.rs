//! Subscriptions: begun and changed by whom they are of, read by them and by their funder.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sceau_element_api::documents::SchemeDocument;
use sceau_element_api::{DossierId, SchemeId};
use sceau_store::params;
use sceau_trace::Action;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::callers::{Depositor, Reader};
use super::forms::{NewSubscription, Person, changes, specific};
use super::refusal::{Answer, Code};
use super::rows::{Request, Status};
use super::{MobHost, record, statements};
use crate::guard::TO_AN_ADDRESS;

/// The most drafts of one citizen.
const DRAFTS: u64 = 20;

/// `POST /v1/subscriptions`.
pub(super) async fn create(
    State(host): State<MobHost>,
    caller: Depositor,
    body: Bytes,
) -> Answer<(StatusCode, Json<Value>)> {
    let id = host.create(&caller, &body).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

/// `PATCH /v1/subscriptions/{id}`.
pub(super) async fn change(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Depositor,
    body: Bytes,
) -> Answer<StatusCode> {
    let own = host.own_draft(&caller, &id).await?;
    let fields = changes(&body)?;
    let scheme = host.incentive(own.scheme).await?;
    let mut answers = own.answers;
    answers.extend(specific(&scheme, fields, false)?);
    let values = params![id, Value::from(answers).to_string(), host.now(), own.answers_text];
    match host.database().execute(statements::CHANGE_ANSWERS, values).await? {
        1 => Ok(StatusCode::NO_CONTENT),
        // Sent, or changed by another request, meanwhile.
        _ => Err(Code::BadStatus.into()),
    }
}

/// `GET /v1/subscriptions/{id}`.
pub(super) async fn one(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Reader,
) -> Answer<Json<Value>> {
    let request = host.readable(&caller, &id, Action::DOSSIER_VIEW).await?;
    if request.status == Status::Draft {
        return Err(Code::Denied.into());
    }
    let draft = record(caller.actor(), Action::DOSSIER_VIEW, &id, request.funder);
    host.dossiers().element().append(draft.granted()).await?;
    Ok(Json(host.view(&request).await?))
}

impl MobHost {
    /// Begins a subscription: the id.
    pub(super) async fn create(&self, caller: &Depositor, body: &[u8]) -> Answer<String> {
        let NewSubscription { incentive, person, fields } = NewSubscription::parse(body)?;
        let scheme: SchemeId = incentive.parse().map_err(|_| Code::NoIncentive)?;
        let form = self.incentive(scheme).await?;
        let funder = self.funder(form.organisation).ok_or(Code::NoIncentive)?;
        let person = caller.person(person)?;
        let answers = specific(&form, fields, true)?;
        self.bound(caller, &person).await?;
        let id = DossierId::random().to_string();
        let draft =
            record(caller.actor(), Action::DEPOSIT_BEGIN, &id, form.organisation).subject("scheme", scheme);
        let kept = serde_json::to_string(&person).map_err(|_| Code::Internal)?;
        let company = funder.company.as_ref().map(|company| company.as_str().to_owned());
        let values = params![
            id.as_str(),
            caller.owner(),
            form.organisation.to_string(),
            scheme.to_string(),
            company,
            person.id,
            kept,
            Value::from(answers).to_string(),
            self.now(),
            person.last_name.to_lowercase()
        ];
        let act = self.intend(draft).await?;
        let done = async {
            let mut transaction = self.begin().await?;
            transaction.execute(statements::INSERT_REQUEST, values).await?;
            act.keep(&mut transaction, self.now()).await?;
            Ok(transaction.commit().await?)
        };
        let done = done.await;
        self.conclude(act, done).await?;
        Ok(id)
    }

    /// That no flood of drafts or letters comes of one more.
    async fn bound(&self, caller: &Depositor, person: &Person) -> Answer<()> {
        let count = async |statement, values: &[sceau_store::Value]| -> Answer<u64> {
            Ok(self.database().fetch_one(statement, values).await?.get("n")?)
        };
        let of_citizen = count(statements::DRAFTS, params![caller.owner(), person.id.as_str()]).await?;
        let of_owner = count(statements::DRAFTS_OF_OWNER, params![caller.owner()]).await?;
        if of_citizen >= DRAFTS || of_owner >= caller.most_drafts() {
            return Err(Code::Drafts.into());
        }
        // The provider of identities says where a citizen's letters go. A mobility service says it itself.
        if let Depositor::Maas(_) = caller {
            let address = format!("mob address {}", person.email.to_lowercase());
            self.dossiers().throttle_known(&address, TO_AN_ADDRESS)?;
        }
        Ok(())
    }

    /// The form of an incentive that may be asked for here: of a funder of this profile, which trusts this host with its citizens' files, as
    /// the log says that its administrator published.
    pub(super) async fn incentive(&self, scheme: SchemeId) -> Answer<SchemeDocument> {
        let row = self.dossiers().rows.current::<SchemeDocument>(scheme).await?;
        let form = row.ok_or(Code::NoIncentive)?.document;
        self.funder(form.organisation).ok_or(Code::NoIncentive)?;
        let trusted = form.trusted_intake().is_some_and(|key| key == self.settings().key.verifying_key());
        if trusted { Ok(form) } else { Err(Code::Denied.into()) }
    }

    /// A draft of the caller's own; another's is recorded as refused.
    pub(super) async fn own_draft(&self, caller: &Depositor, id: &str) -> Answer<Request> {
        let request = self.request(id).await?;
        if request.owner != caller.owner() {
            let draft = record(caller.actor(), Action::DEPOSIT_COMPLETE, id, request.funder);
            return Err(self.refused(draft, Code::Denied.into()).await);
        }
        if request.status == Status::Draft { Ok(request) } else { Err(Code::BadStatus.into()) }
    }

    /// A subscription that is the caller's, either way; another's is recorded as refused.
    pub(super) async fn readable(&self, caller: &Reader, id: &str, action: Action) -> Answer<Request> {
        let request = self.request(id).await?;
        let own = match caller {
            Reader::Depositor(depositor) => request.owner == depositor.owner(),
            Reader::Funder(funder) => request.funder == funder.organisation,
        };
        if own {
            return Ok(request);
        }
        let draft = record(caller.actor(), action, id, request.funder);
        Err(self.refused(draft, Code::Denied.into()).await)
    }

    pub(super) fn incentive_type(&self, request: &Request) -> &'static str {
        if request.company.is_some() { "AideEmployeur" } else { "AideTerritoire" }
    }

    /// A subscription as MOB answers it, with our manifest beside.
    pub(super) async fn view(&self, request: &Request) -> Answer<Value> {
        let scheme = self.dossiers().rows.current::<SchemeDocument>(request.scheme).await?;
        let title = scheme.map(|row| row.document.title.fr).unwrap_or_default();
        let name = self.dossiers().enrolled(request.funder).await?.document.name;
        let Decided { outcome, updated, record } = self.outcome(request).await?;
        let person = &request.person;
        let attachments: Vec<Value> = self
            .attachments(&request.id)
            .await?
            .iter()
            .map(|file| {
                json!({
                    "originalName": file.name, "uploadDate": text_time(file.uploaded),
                    "proofType": file.proof_type, "mimeType": file.media_type,
                })
            })
            .collect();
        let mut view = json!({
            "id": request.id, "incentiveId": request.scheme.to_string(), "funderName": name,
            "incentiveType": self.incentive_type(request), "incentiveTitle": title, "incentiveTransportList": [],
            "citizenId": person.id, "lastName": person.last_name, "firstName": person.first_name,
            "email": person.email, "birthdate": person.birthdate, "status": request.status.as_str(),
            "createdAt": text_time(request.created), "updatedAt": text_time(updated),
            "funderId": request.funder.to_string(), "specificFields": request.answers, "isCitizenDeleted": false,
        });
        let Value::Object(fields) = &mut view else { return Ok(view) };
        if let Some(email) = &person.enterprise_email {
            fields.insert("enterpriseEmail".to_owned(), email.as_str().into());
        }
        if !attachments.is_empty() {
            fields.insert("attachments".to_owned(), attachments.into());
        }
        if let Some(sealed) = &request.sealed {
            fields.extend(object(&sealed.encryption));
            if let Some(access) = &sealed.private_key_access {
                fields.insert("privateKeyAccess".to_owned(), object(access).into());
            }
        }
        if let Some(manifest) = &request.manifest {
            fields.insert("manifest".to_owned(), manifest.as_str().into());
        }
        if let Some(index) = record {
            fields.insert("decisionRecord".to_owned(), index.into());
        }
        if let Some(outcome) = outcome {
            let name = if request.status == Status::Validated {
                "subscriptionValidation"
            } else {
                "subscriptionRejection"
            };
            fields.insert(name.to_owned(), outcome);
        }
        Ok(view)
    }

    /// What was decided, and when something last changed.
    async fn outcome(&self, request: &Request) -> Answer<Decided> {
        let here = Decided { outcome: request.outcome.clone(), updated: request.updated, record: None };
        if here.outcome.is_some() || !matches!(request.status, Status::Validated | Status::Rejected) {
            return Ok(here);
        }
        // The company decided over the bus.
        let Some(row) = self.dossiers().subscriptions().decision(&request.id).await? else { return Ok(here) };
        let (Some(reply), updated, record) = (row.reply, row.received, row.log_index) else {
            return Ok(here);
        };
        let mut outcome = object(&reply.outcome);
        outcome.remove("status");
        Ok(Decided { outcome: Some(outcome.into()), updated, record })
    }
}

/// How a request was decided, if it was.
struct Decided {
    outcome: Option<Value>,
    /// When something last changed, in Unix milliseconds.
    updated: u64,
    /// Where the element's log has a company's decision over the bus.
    record: Option<u64>,
}

fn object(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// As JavaScript writes a date: `2026-11-21T08:00:00.000Z`.
pub(super) fn text_time(ms: u64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .unwrap_or_default()
}
