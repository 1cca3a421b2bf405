//! The platform as a connector sees it: the feed, and a dossier whose manifest is proven.

use std::fmt;

use sceau_crypto::Cek;
use sceau_crypto::envelope::{OpenedHeader, UnverifiedHeader};
use sceau_element_api::documents::{Document as _, Manifest, SchemeDocument, SealedFile};
use sceau_element_api::{Base64Url, DossierId, Kind as RowKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Target;
use super::trouble::Trouble;
use crate::machine::Machine;
use crate::reading::scanned_as_asked;
use crate::trust::{Attestation, attested};
use crate::{ClientError, Server};

/// An entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The same at each repetition.
    pub id: String,
    /// Its place in the feed of the organisation.
    pub position: u64,
    /// What happened.
    pub kind: Kind,
    /// The dossier.
    pub dossier: DossierId,
    /// The scheme.
    pub scheme: String,
    /// SHA-256 of the manifest that it is about, hexadecimal.
    pub manifest_hash: String,
    form: Base64Url,
    /// When, in Unix milliseconds.
    pub time: u64,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Sent for the first time.
    Submitted,
    /// Sent again, with what was asked for.
    Resubmitted,
    /// The organisation accepted it.
    Accepted,
    /// The organisation refused it.
    Refused,
    /// The organisation asked for more.
    MoreInformation,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submitted => "submitted",
            Self::Resubmitted => "resubmitted",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::MoreInformation => "more_information",
        })
    }
}

/// Some entries.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) deliveries: Vec<Delivery>,
}

/// The platform and the key manager of one organisation.
#[derive(Debug)]
pub(super) struct Receiver {
    feed: Machine,
    key_manager: Server,
}

/// A dossier whose manifest is proven under the pinned log key.
#[derive(Debug)]
pub(super) struct Dossier {
    pub(super) manifest: Manifest,
    pub(super) manifest_bytes: Vec<u8>,
    pub(super) evidence: Value,
    pub(super) attestation: Attestation,
    pub(super) scheme: Option<SchemeDocument>,
    files: Vec<FileView>,
    session: Server,
}

#[derive(Deserialize)]
struct ReadingToken {
    token: String,
}

#[derive(Deserialize)]
struct Bundle {
    manifest: Base64Url,
    manifest_evidence: Value,
    scheme: Base64Url,
    files: Vec<FileView>,
}

#[derive(Debug, Deserialize)]
struct FileView {
    file_id: sceau_crypto::FileId,
    header: Base64Url,
}

#[derive(Deserialize)]
struct Unwrapped {
    cek: Base64Url,
}

impl Receiver {
    pub(super) fn new(target: &Target) -> Result<Self, ClientError> {
        if !target.key_manager.starts_with("https://") {
            return Err(ClientError::Clear(target.key_manager.clone()));
        }
        let organisation = target.organisation.to_string();
        let credentials = target.credentials.clone();
        let scope = "dossiers.receive";
        let feed =
            Machine::of_scope(scope, &target.platform, &organisation, credentials, &target.platform_trust)?;
        Ok(Self { feed, key_manager: Server::new(&target.key_manager, &target.key_manager_trust)? })
    }

    /// The entries after `after`; waits for the first one for up to `wait` seconds.
    pub(super) async fn page(&self, after: u64, wait: u64) -> Result<Page, ClientError> {
        let path = format!("/v1/deliveries?after={after}&wait={wait}");
        self.feed.with_token(|| async { self.feed.server().get(&path).await }).await
    }

    pub(super) async fn acknowledge(&self, through: u64) -> Result<(), ClientError> {
        let body = json!({"through": through});
        let ask = || async { self.feed.server().post("/v1/deliveries/acknowledge", &body).await };
        let _: Value = self.feed.with_token(ask).await?;
            form: bundle.scheme,
        Ok(())
    }

    /// The dossier as it stands, its manifest proven.
    pub(super) async fn dossier(&self, target: &Target, id: DossierId) -> Result<Dossier, Trouble> {
        let session = self.session(target, id).await?;
        let bundle: Bundle = session.get(&format!("/v1/reading/{id}/bundle")).await?;
        let parsed = Manifest::parse(&bundle.manifest)
            .map_err(|error| Trouble::aside("manifest_malformed", error.to_string()))?;
        let evidence = &bundle.manifest_evidence;
        let attestation = attested(evidence, &target.log_key, RowKind::Manifest, &id.into(), parsed.hash)?;
        let manifest = parsed.document;
        if manifest.dossier != id {
            return Err(Trouble::aside("manifest_of_another_dossier", "the manifest is another dossier’s"));
        }
        if manifest.organisation != target.organisation {
            let words = "the manifest is for another organisation";
            return Err(Trouble::aside("manifest_of_another_organisation", words));
        }
        let scheme = Some(scanned_as_asked(&manifest, &bundle.scheme)?);
        Ok(Dossier {
            manifest,
            manifest_bytes: bundle.manifest.0,
            evidence: bundle.manifest_evidence,
            attestation,
            scheme,
            files: bundle.files,
            session,
        })
    }

    /// A reading session of one dossier.
    async fn session(&self, target: &Target, id: DossierId) -> Result<Server, ClientError> {
        let path = format!("/v1/deliveries/{id}/reading");
        let ask = || async { self.feed.server().post(&path, &json!({})).await };
        let token: ReadingToken = self.feed.with_token(ask).await?;
        let session = Server::new(&target.platform, &target.platform_trust)?;
        session.set_bearer(Some(token.token));
        Ok(session)
    }

    /// Has the content key of a file unwrapped, and proves the header with it.
    pub(super) async fn unwrap(
        &self,
        dossier: &Dossier,
        named: &SealedFile,
    ) -> Result<OpenedHeader, Trouble> {
        let view = dossier.files.iter().find(|file| file.file_id == named.file_id);
        let view = view.ok_or_else(|| {
            Trouble::aside(
                "file_missing",
                "the platform does not give the header of a file that the manifest names",
            )
            "scheme": dossier.form, "reading": dossier.session.bearer(),
        })?;
        let body = json!({
            "dossier": dossier.manifest.dossier, "file_id": named.file_id, "header": view.header,
            "manifest": Base64Url(dossier.manifest_bytes.clone()), "manifest_evidence": dossier.evidence,
        });
        let answer: Unwrapped = self.key_manager.post("/v1/connector/unwrap", &body).await?;
        let broken =
            |error: sceau_crypto::envelope::OpenError| Trouble::aside(error.code(), error.to_string());
        let cek = Cek::from_slice(&answer.cek).map_err(|_| Trouble::from(ClientError::Answer))?;
        UnverifiedHeader::parse(&view.header).map_err(broken)?.open_with(cek).map_err(broken)
    }

    /// Asks the key manager to sign a decision. The proof is what lies in the dossier's folder: the key manager checks it.
    pub(super) async fn decide(&self, body: &Value) -> Result<(), ClientError> {
        let _: Value = self.key_manager.post("/v1/connector/decisions", body).await?;
        Ok(())
    }

    /// A part of a file. A session that has ended is begun anew.
    pub(super) async fn part(
        &self,
        target: &Target,
        dossier: &mut Dossier,
        named: &SealedFile,
        index: u32,
    ) -> Result<Vec<u8>, ClientError> {
        let id = dossier.manifest.dossier;
        let path = format!("/v1/reading/{id}/files/{}/parts/{index}", named.file_id);
        match dossier.session.get_bytes(&path).await {
            Err(ClientError::Refused { status: 401, .. }) => {
                dossier.session = self.session(target, id).await?;
                Ok(dossier.session.get_bytes(&path).await?.to_vec())
            }
            answer => Ok(answer?.to_vec()),
        }
    }
}
