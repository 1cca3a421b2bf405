//! Purchase metadata: kept for whoever sent them until a subscription uses them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sceau_element_api::{DossierId, SchemeId};
use sceau_store::params;
use serde_json::{Value, json};

use super::callers::Depositor;
use super::invoice::{Invoice, Metadata};
use super::refusal::{Answer, Code};
use super::rows::Request;
use super::{MobHost, statements};

/// `POST /v1/subscriptions/metadata`.
pub(super) async fn create(
    State(host): State<MobHost>,
    caller: Depositor,
    body: Bytes,
) -> Answer<(StatusCode, Json<Value>)> {
    let metadata = Metadata::parse(&body)?;
    let scheme: SchemeId = metadata.incentive_id.parse().map_err(|_| Code::NoIncentive)?;
    host.incentive(scheme).await?;
    let unused = host.database().fetch_one(statements::UNUSED_METADATA, params![caller.owner()]).await?;
    if unused.get::<u64>("n")? >= caller.most_metadata() {
        return Err(Code::Drafts.into());
    }
    let id = DossierId::random().to_string();
    let document = serde_json::to_string(&metadata).map_err(|_| Code::Internal)?;
    let values = params![id.as_str(), caller.owner(), scheme.to_string(), document, host.now()];
    host.database().execute(statements::INSERT_METADATA, values).await?;
    let site = host.settings().page.as_deref().unwrap_or(&host.settings().url);
    let url = format!("{site}/subscriptions/new?incentiveId={scheme}&metadataId={id}");
    Ok((StatusCode::CREATED, Json(json!({"subscriptionURL": url, "metadataId": id}))))
}

/// `GET /v1/subscriptions/metadata/{metadataId}`.
pub(super) async fn one(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Depositor,
) -> Answer<Json<Value>> {
    let (metadata, owner) = host.metadata(&id).await?;
    if owner != caller.owner() {
        return Err(Code::Denied.into());
    }
    let files: Vec<Value> = metadata
        .attachment_metadata
        .invoices
        .iter()
        .map(|invoice| json!({"fileName": invoice.file_name()}))
        .collect();
    let citizen = owner.split_once(':').map(|(_, id)| id).unwrap_or_default();
    Ok(Json(json!({
        "incentiveId": metadata.incentive_id, "citizenId": citizen, "attachmentMetadata": files,
    })))
}

impl MobHost {
    async fn metadata(&self, id: &str) -> Answer<(Metadata, String)> {
        let row = self.database().fetch_optional(statements::METADATA, params![id]).await?;
        let row = row.ok_or(Code::NoMetadata)?;
        let metadata = serde_json::from_str(&row.get::<String>("document")?).map_err(|_| Code::Tampered)?;
        Ok((metadata, row.get("owner")?))
    }

    /// The invoices that go with a subscription of the same owner and incentive.
    pub(super) async fn invoices(&self, request: &Request, id: &str) -> Answer<Vec<Invoice>> {
        let (metadata, owner) = self.metadata(id).await?;
        if owner != request.owner {
            return Err(Code::Denied.into());
        }
        if metadata.incentive_id != request.scheme.to_string() {
            return Err(Code::MetadataMismatch.into());
        }
        Ok(metadata.attachment_metadata.invoices)
    }
}
