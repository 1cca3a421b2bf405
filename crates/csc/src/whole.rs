//! Documents that are signed as a whole: their holder is asked once they are there, and the application comes for them.

use sceau_crypto::{random, sha256};
use sceau_element_api::KeyringRequestId;
use serde_json::{Value, json};

use crate::CscError;
use crate::credentials::Credential;
use crate::documents::{self, Done, Work};
use crate::hashes::later;
use crate::input::Input;
use crate::kept::{drawn, name};
use crate::service::{KEPT_FOR, Service, full};
use crate::tokens::Bearer;

/// How often the host is asked for one call at most, in ms.
const PAUSE: u64 = 300;

/// Documents whose holder is asked.
pub(crate) struct Signing {
    credential: Credential,
    request: KeyringRequestId,
    works: Vec<Work>,
    /// When the host was asked last.
    asked: u64,
    facts: bool,
}

impl Service {
    /// Signs documents (section 11.11). What a holder signs of a document is known once it is there, so it is this call that asks them: it has no SAD, and is not waited for.
    pub(crate) async fn sign_documents(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        let credential = self.usable(bearer, input)?;
        if input.get("SAD").is_some() {
            return Err(CscError::parameter("SAD"));
        }
        if later(input)?.is_none() {
            return Err(CscError::parameter("operationMode"));
        }
        let facts = input.flag("returnValidationInfo")?;
        let (from, wanted, now) = (credential.clone(), input.clone(), self.now());
        // A document is read, and written with a place in it.
        let works = tokio::task::spawn_blocking(move || documents::read(&wanted, &from, now)).await;
        let works = works.map_err(|_| CscError::server())??;
        if works.len() > self.0.plan.most {
            return Err(CscError::invalid("Numbers of signatures is too high"));
        }
        if self.0.stamps.is_none() && works.iter().any(|work| work.stamped) {
            return Err(CscError::parameter("conformance_level"));
        }
        let hashes: Vec<_> = works.iter().map(Work::hash).collect();
        let (request, ends) =
            self.asked(bearer, &credential, input, &vec![None; hashes.len()], &hashes).await?;
        let signing = Signing { credential, request, works, asked: 0, facts };
        let (id, at) = drawn();
        self.0.works.put(at, &bearer.client, signing, ends + KEPT_FOR, self.now()).map_err(|_| full())?;
        Ok(json!({"responseID": id}))
    }

    /// What became of a call that was not waited for (section 11.12): given out once.
    pub(crate) async fn poll(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        if input.get("userID").is_some() {
            return Err(CscError::invalid("userID parameter SHALL be null"));
        }
        let (at, client, now) = (name(input.text("requestID")?), &bearer.client, self.now());
        let unknown = || CscError::parameter("requestID");
        if let Some(answer) = self.0.answers.take(&at, client, now) {
            return Ok(answer);
        }
        let asked = self.0.works.with(&at, client, now, |it| {
            let soon = now < it.asked + PAUSE;
            it.asked = if soon { it.asked } else { now };
            (it.request, it.credential.keyring, soon)
        });
        let (request, keyring, soon) =
            asked.filter(|(_, it, _)| *it == bearer.keyring).ok_or_else(unknown)?;
        if soon {
            return Err(CscError::accepted());
        }
        let signatures = match self.heard(request, keyring).await {
            Ok(None) => return Err(CscError::accepted()),
            Ok(Some(signatures)) => signatures,
            Err(refused) => {
                if refused.words().0 == "access_denied" {
                    self.0.works.take(&at, client, now);
                }
                return Err(refused);
            }
        };
        let stamped = |it: &mut Signing| it.works.iter().map(|work| work.stamped).collect::<Vec<_>>();
        let stamped = self.0.works.with(&at, client, now, stamped).ok_or_else(unknown)?;
        // Before the documents are taken: where the authority is away for a moment, the application comes again.
        let mut stamps = Vec::new();
        for (stamped, signature) in stamped.into_iter().zip(&signatures) {
            stamps.push(if stamped { Some(self.stamp(signature).await?) } else { None });
        }
        let signing = self.0.works.take(&at, client, now).ok_or_else(unknown)?;
        completed(signing, &signatures, &stamps)
    }

    async fn stamp(&self, signature: &[u8]) -> Result<Vec<u8>, CscError> {
        let away = || CscError::later("The authority of time stamps gave none");
        let stamps = self.0.stamps.as_ref().ok_or_else(away)?;
        stamps.stamp(sha256(signature), random::<16>()).await.map_err(|error| {
            tracing::warn!(%error, "the authority of time stamps gave none");
            away()
        })
    }
}

fn completed(
    signing: Signing,
    signatures: &[Vec<u8>],
    stamps: &[Option<Vec<u8>>],
) -> Result<Value, CscError> {
    let (mut whole, mut detached) = (Vec::new(), Vec::new());
    for ((work, signature), stamp) in signing.works.into_iter().zip(signatures).zip(stamps) {
        if !work.is_signed_by(signature) {
            tracing::error!("a signature is not by the certificate that is kept for its keyring");
            return Err(CscError::server());
        }
        match work.complete(&signing.credential, signature, stamp.as_deref())? {
            Done::Document(one) => whole.push(one),
            Done::Signature(one) => detached.push(one),
        }
    }
    let mut answer = serde_json::Map::new();
    if !whole.is_empty() {
        answer.insert("DocumentWithSignature".to_owned(), whole.into());
    }
    if !detached.is_empty() {
        answer.insert("SignatureObject".to_owned(), detached.into());
    }
    if signing.facts {
        // All that it is judged by is in the signature: the element's authority publishes no lists.
        answer.insert("validationInfo".to_owned(), json!({"ocsp": [], "crl": [], "certificates": []}));
    }
    Ok(answer.into())
}
