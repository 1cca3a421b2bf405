//! Files of a subscription: judged, scanned and sealed as they stream. All of them or none.

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use sceau_crypto::mob::{MobManifest, MobPublicKey, SharedKeyAndIv};
use sceau_store::params;
use sceau_trace::Action;
use serde_json::{Value, json};

use super::callers::Depositor;
use super::forms::Sealed;
use super::outcomes::Act;
use super::refusal::{Answer, Code};
use super::rows::Request;
use super::upload::{LARGEST, MOST_FILES, Upload};
use super::{MobHost, record, statements};

/// What a form may take around its files, in bytes.
const FRAME: u64 = 1 << 20;

/// `POST /v1/subscriptions/{id}/attachments`.
pub(super) async fn receive(
    State(host): State<MobHost>,
    Path(id): Path<String>,
    caller: Depositor,
    request: HttpRequest,
) -> Answer<(StatusCode, Json<Value>)> {
    host.receive(&caller, id, request).await.map(|id| (StatusCode::CREATED, Json(json!({ "id": id }))))
}

impl MobHost {
    /// Takes the files of a draft of the caller's own.
    pub(super) async fn receive(&self, caller: &Depositor, id: String, http: HttpRequest) -> Answer<String> {
        let request = self.own_draft(caller, &id).await?;
        if request.sealed.is_some() {
            return Err(Code::Provided.into());
        }
        // The organisation may have taken its trust back since.
        self.incentive(request.scheme).await?;
        // Before a byte of it is read.
        let boundary = boundary(http.headers())?;
        let draft = record(caller.actor(), Action::INTAKE_SCAN, &id, request.funder);
        let body = http.into_body().into_data_stream();
        let (host, owner) = (self.clone(), caller.owner());
        // A task of its own: a sender that goes away must not leave parts behind.
        let taken = tokio::spawn(async move {
            let _place = host.0.of_callers.take(owner).ok_or(Code::Busy)?;
            let _permit = host.0.uploads.try_acquire().map_err(|_| Code::Busy)?;
            let act = host.intend(draft).await?;
            let done = host.take(&request, &act, body, boundary).await;
            host.conclude(act, done).await
        });
        taken.await.map_err(|_| Code::Internal)??;
        Ok(id)
    }

    async fn take(&self, request: &Request, act: &Act, body: BodyDataStream, boundary: String) -> Answer<()> {
        let current = self.current_key(request.funder).await?;
        let shared = SharedKeyAndIv::create(&current.key, &current.form.id, current.form.version);
        let sealed = Sealed {
            encryption: shared.fields().clone(),
            private_key_access: current.form.private_key_access,
            key: current.key.id(),
        };
        let mut upload = Upload::new(self, shared);
        let kept = self.fill((request, act), (&sealed, &current.key), &mut upload, body, boundary).await;
        if kept.is_err() {
            upload.discard().await;
        }
        kept
    }

    async fn fill(
        &self,
        (request, act): (&Request, &Act),
        (sealed, key): (&Sealed, &MobPublicKey),
        upload: &mut Upload<'_>,
        body: BodyDataStream,
        boundary: String,
    ) -> Answer<()> {
        let metadata = upload.receive(body, boundary).await?;
        if let Some(id) = &metadata {
            for invoice in self.invoices(request, id).await? {
                upload.seal(&invoice.file_name(), "invoice", &invoice.pdf()).await?;
            }
        }
        if upload.files.is_empty() {
            return Err(Code::NoFiles.into());
        }
        // Signed by the process that scanned and sealed them, before anybody else can touch a row.
        let mut manifest = MobManifest::new(&request.id, key, &sealed.encryption);
        for file in &upload.files {
            manifest = manifest.with(&file.name, &file.sealed);
        }
        let manifest = manifest.sign(&self.settings().key).map_err(|_| Code::Internal)?;
        self.keep((request, act), (sealed, manifest), upload, metadata.as_deref()).await
    }

    /// Everything becomes the subscription's in one transaction; before it, no row names what was stored.
    async fn keep(
        &self,
        (request, act): (&Request, &Act),
        (sealed, manifest): (&Sealed, String),
        upload: &Upload<'_>,
        metadata: Option<&str>,
    ) -> Answer<()> {
        let (id, now) = (request.id.as_str(), self.now());
        let text = serde_json::to_string(sealed).map_err(|_| Code::Internal)?;
        let mut transaction = self.begin().await?;
        if transaction.execute(statements::SEAL, params![id, text, now, manifest]).await? != 1 {
            return Err(Code::Provided.into());
        }
        for (place, file) in upload.files.iter().enumerate() {
            let values = params![
                id,
                place as u64,
                file.name.as_str(),
                file.proof_type.as_str(),
                file.media_type.as_str(),
                file.sealed.size,
                file.sealed.hash.to_string(),
                now
            ];
            transaction.execute(statements::INSERT_ATTACHMENT, values).await?;
            for (part, (object, digest)) in file.parts.iter().enumerate() {
                let values = params![id, file.name.as_str(), part as u64, object, digest.to_vec()];
                transaction.execute(statements::INSERT_SEALED_PART, values).await?;
            }
        }
        if let Some(metadata) = metadata
            && transaction
                .execute(statements::FORGET_METADATA, params![metadata, request.owner.as_str()])
                .await?
                != 1
        {
            return Err(Code::NoMetadata.into());
        }
        act.keep(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }
}

/// The boundary of a form, which is not longer than ten files may be.
pub(super) fn boundary(headers: &HeaderMap) -> Answer<String> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let boundary = text(CONTENT_TYPE).and_then(|kind| multer::parse_boundary(kind).ok());
    let boundary = boundary.ok_or(Code::Multipart)?;
    let length: Option<u64> = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > MOST_FILES as u64 * LARGEST + FRAME) {
        return Err(Code::FileSize.into());
    }
    Ok(boundary)
}
