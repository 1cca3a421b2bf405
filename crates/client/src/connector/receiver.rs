//! The platform as a connector sees it: the feed, and a dossier whose manifest is proven.

use sceau_crypto::Cek;
use sceau_crypto::envelope::{OpenedHeader, UnverifiedHeader};
use sceau_element_api::documents::{Decision, Document as _, Manifest, SchemeDocument, SealedFile};
use sceau_element_api::{Base64Url, DossierId, Kind};
use sceau_trace::{Asserted, Hash};
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::Target;
use super::feed::Page;
use super::trouble::Trouble;
use crate::machine::Machine;
use crate::reading::scanned_as_asked;
use crate::trust::{Attestation, attested};
use crate::{ClientError, Server};

/// The platform's word, which the key manager passes on, that a reading session has ended.
const READING_OVER: &str = "reading_expired";

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
    form: Base64Url,
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
    decision_proof: Option<DecisionProof>,
}

#[derive(Deserialize)]
struct DecisionProof {
    payload: Base64Url,
    evidence: Value,
}

/// A decision that the log shows on the organisation's own word.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) decision: Decision,
    pub(super) payload: Vec<u8>,
    pub(super) evidence: Value,
    pub(super) attestation: Attestation,
}

/// A manifest for the organisation that its key manager read in the log.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LoggedManifest {
    pub(super) manifest: Hash,
    pub(super) log_index: u64,
}

/// A decision of the organisation that its key manager signed and read in the log.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LoggedDecision {
    pub(super) dossier: DossierId,
    pub(super) manifest: Hash,
    pub(super) log_index: u64,
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
        Ok(())
    }

    /// The manifests after log index `after` that wait for the organisation's answer, as its key manager read them in the log.
    pub(super) async fn logged_manifests(&self, after: u64) -> Result<Vec<LoggedManifest>, ClientError> {
        self.key_manager.get(&format!("/v1/connector/manifests?after={after}")).await
    }

    /// The decisions after log index `after`, as the key manager that signed them read them in the log.
    pub(super) async fn logged_decisions(&self, after: u64) -> Result<Vec<LoggedDecision>, ClientError> {
        self.key_manager.get(&format!("/v1/connector/decided?after={after}")).await
    }

    /// The dossier as it stands, its manifest proven.
    pub(super) async fn dossier(&self, target: &Target, id: DossierId) -> Result<Dossier, Trouble> {
        let (session, bundle) = self.bundle(target, id).await?;
        let parsed = Manifest::parse(&bundle.manifest)
            .map_err(|error| Trouble::aside("manifest_malformed", error.to_string()))?;
        let evidence = &bundle.manifest_evidence;
        let attestation = attested(evidence, &target.log_key, Kind::Manifest, &id.into(), parsed.hash)?;
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
            form: bundle.scheme,
            files: bundle.files,
            session,
        })
    }

    /// What the organisation decided on a dossier, proven; none where the platform shows no decision.
    pub(super) async fn decided(&self, target: &Target, id: DossierId) -> Result<Option<Decided>, Trouble> {
        let (_, bundle) = self.bundle(target, id).await?;
        let Some(DecisionProof { payload, evidence }) = bundle.decision_proof else { return Ok(None) };
        let parsed = Decision::parse(&payload)
            .map_err(|error| Trouble::aside("decision_malformed", error.to_string()))?;
        let attestation = attested(&evidence, &target.log_key, Kind::Decision, &id.into(), parsed.hash)?;
        let decision = parsed.document;
        let ours = decision.dossier == id && decision.organisation == target.organisation;
        if !ours || attestation.asserted() != Asserted::Organisation {
            let words = "the log does not say that the organisation took this decision on this dossier";
            return Err(ClientError::Unproven(words.to_owned()).into());
        }
        Ok(Some(Decided { decision, payload: payload.0, evidence, attestation }))
    }

    async fn bundle(&self, target: &Target, id: DossierId) -> Result<(Server, Bundle), ClientError> {
        let session = self.session(target, id).await?;
        let bundle = session.get(&format!("/v1/reading/{id}/bundle")).await?;
        Ok((session, bundle))
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

    /// Has the content key of a file unwrapped, and proves the header with it. A session that ended before the key manager could examine the file is
    /// begun anew.
    pub(super) async fn unwrap(
        &self,
        target: &Target,
        dossier: &mut Dossier,
        named: &SealedFile,
    ) -> Result<OpenedHeader, Trouble> {
        match self.unwrap_once(dossier, named).await {
            Err(trouble) if trouble.code() == READING_OVER => {
                dossier.session = self.session(target, dossier.manifest.dossier).await?;
                self.unwrap_once(dossier, named).await
            }
            answer => answer,
        }
    }

    async fn unwrap_once(&self, dossier: &Dossier, named: &SealedFile) -> Result<OpenedHeader, Trouble> {
        let view = dossier.files.iter().find(|file| file.file_id == named.file_id);
        let view = view.ok_or_else(|| {
            Trouble::aside(
                "file_missing",
                "the platform does not give the header of a file that the manifest names",
            )
        })?;
        let body = json!({
            "dossier": dossier.manifest.dossier, "file_id": named.file_id, "header": view.header,
            "manifest": Base64Url(dossier.manifest_bytes.clone()), "manifest_evidence": dossier.evidence,
            "scheme": dossier.form, "reading": dossier.session.bearer(),
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
