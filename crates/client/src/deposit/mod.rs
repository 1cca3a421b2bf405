//! A deposit from a program: the same steps as the citizen's page.

mod draft;
mod parcel;
mod sending;

use std::collections::BTreeMap;
use std::time::Duration;

use sceau_crypto::FileId;
use sceau_element_api::documents::{
    AnswerValue, Answers, Document as _, Manifest, Parsed, SchemeDocument, SealedAnswers, SealedFile,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::{Base64Url, DossierId, Kind, Nonce, OrganisationId, SchemeId};
use sceau_trace::{Asserted, VerifierKey};
use serde::Deserialize;
use serde_json::json;

use crate::trust::{Attestation, OfferedKey, TrustedKey, attested, verify};
use crate::{ClientError, Person, Server};

pub use draft::Draft;
pub use parcel::{Document, Parcel};
use sending::{Teller, patiently};

/// What to deposit.
#[derive(Debug, Clone, Copy)]
pub struct Deposit<'a> {
    /// The answers to the scheme's questions.
    pub answers: &'a BTreeMap<String, AnswerValue>,
    /// The documents.
    pub parcels: &'a [Parcel],
    /// For how long a platform that is away is waited for, each time.
    pub patience: Duration,
    /// Now, in Unix milliseconds.
    pub now: u64,
}

/// A scheme as the platform publishes it.
#[derive(Debug, Clone, Deserialize)]
pub struct Scheme {
    /// The scheme.
    pub id: SchemeId,
    /// The exact bytes of its document.
    pub payload: Base64Url,
    /// Log index of its attestation.
    pub index: u64,
}

/// A dossier that was sent.
#[derive(Debug, Clone)]
pub struct Deposited {
    /// The dossier.
    pub dossier: DossierId,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The key that it is sealed to.
    pub recipient: TrustedKey,
    /// The verified receipt: the attestation of the manifest in the log.
    pub receipt: Attestation,
    /// The receipt as it came, an evidence file.
    pub evidence: serde_json::Value,
}

#[derive(Deserialize)]
struct Begun {
    id: DossierId,
    recipient: OfferedKey,
    evidence: serde_json::Value,
}

#[derive(Deserialize)]
struct Arrived {
    parts: Vec<u32>,
}

#[derive(Deserialize)]
struct NonceOnly {
    nonce: Nonce,
}

#[derive(Deserialize)]
struct Receipt {
    receipt: serde_json::Value,
}

impl Scheme {
    /// The form as its organisation published it: the log holds these bytes. A platform that altered the form could have a sensitive
    /// answer sent in clear, or a deposit sealed for another organisation.
    ///
    /// # Errors
    /// [`ClientError::Unproven`] when no administrator published it.
    pub async fn published(
        &self,
        server: &Server,
        log_key: &VerifierKey,
    ) -> Result<Parsed<SchemeDocument>, ClientError> {
        let form = SchemeDocument::parse(&self.payload).map_err(|_| ClientError::Answer)?;
        let evidence = server.get(&format!("/v1/trace/evidence/{}", self.index)).await?;
        let log = attested(&evidence, log_key, Kind::Scheme, &self.id.into(), form.hash)?;
        if log.asserted() != Asserted::Passkey || form.document.scheme != self.id {
            return Err(ClientError::Unproven("no administrator published this form".to_owned()));
        }
        Ok(form)
    }
}

impl Person {
    /// The schemes on offer.
    ///
    /// # Errors
    /// When the platform does not answer.
    pub async fn schemes(&self) -> Result<Vec<Scheme>, ClientError> {
        self.server.get("/v1/schemes").await
    }

    /// Deposits `documents`, which are in memory: [`Person::deposit_parcels`] without patience and without a draft.
    ///
    /// # Errors
    /// When a proof does not hold, or the platform refuses.
    pub async fn deposit(
        &self,
        scheme: &Scheme,
        answers: &BTreeMap<String, AnswerValue>,
        documents: &[Document],
        now: u64,
        step: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<Deposited, ClientError> {
        let parcels: Vec<Parcel> = documents.iter().cloned().map(Parcel::from).collect();
        let deposit = Deposit { answers, parcels: &parcels, patience: Duration::ZERO, now };
        self.deposit_parcels(scheme, &deposit, None, step).await
    }

    /// Deposits for `scheme`, in constant memory: verifies form and recipient's key, seals, sends, signs the manifest, verifies the
    /// receipt. Goes on with `draft`, where one was begun. `step` hears of each step that was done.
    ///
    /// # Errors
    /// When a proof does not hold, the platform refuses, or it stays away for longer than the patience.
    pub async fn deposit_parcels(
        &self,
        scheme: &Scheme,
        deposit: &Deposit<'_>,
        draft: Option<Draft>,
        step: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<Deposited, ClientError> {
        let form = scheme.published(&self.server, &self.log_key).await?;
        let mut draft = match draft {
            Some(draft) => draft,
            None => self.begin(scheme.id, form.document.organisation).await?,
        };
        let recipient = draft.recipient.verify(form.document.organisation, &self.log_key, deposit.now)?;
        let teller = Teller::new(step);
        teller.tell(Step::Kept(&draft));
        teller.tell(Step::RecipientVerified(&recipient));
        let manifest = match &draft.manifest {
            Some(manifest) => manifest.0.clone(),
            None => {
                let manifest = self.send_all(&form, &recipient, deposit, &mut draft, &teller).await?;
                draft.manifest = Some(Base64Url(manifest.clone()));
                teller.tell(Step::Kept(&draft));
                manifest
            }
        };
        let evidence = patiently(&teller, deposit.patience, || self.submit(draft.dossier, &manifest)).await?;
        let hash = sceau_trace::sha256(&manifest);
        let receipt = attested(&evidence, &self.log_key, Kind::Manifest, &draft.dossier.into(), hash)?;
        teller.tell(Step::ReceiptVerified(&receipt));
        Ok(Deposited { dossier: draft.dossier, manifest, recipient, receipt, evidence })
    }

    /// Parts of files of `draft` that were cut: they take room until the deposit is made.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn left_of(&self, draft: &Draft) -> Result<u64, ClientError> {
        let mut parts = 0;
        for file in &draft.under_way {
            let path = format!("/v1/dossiers/{}/files/{file}", draft.dossier);
            parts += self.server.get::<Arrived>(&path).await?.parts.len() as u64;
        }
        Ok(parts)
    }

    /// Withdraws a deposit that was begun and not sent; the platform then removes its files.
    ///
    /// # Errors
    /// When the platform refuses: it was sent, or is not there.
    pub async fn withdraw(&self, dossier: DossierId) -> Result<(), ClientError> {
        self.server.post(&format!("/v1/dossiers/{dossier}/withdraw"), &json!({})).await
    }

    /// The id of a dossier is the platform's to give, and what is sealed for it opens for whoever that dossier is assigned to: it must
    /// be this person's own, as the log says.
    async fn begin(&self, scheme: SchemeId, organisation: OrganisationId) -> Result<Draft, ClientError> {
        let begun: Begun = self.server.post("/v1/dossiers", &json!({"scheme": scheme})).await?;
        let log = verify(&begun.evidence, &self.log_key)?;
        if !log.begins(begun.id, self.own_account()?, scheme, organisation) {
            return Err(ClientError::Unproven("the dossier that the platform began is another’s".to_owned()));
        }
        let (arrived, under_way) = (BTreeMap::new(), Vec::new());
        Ok(Draft {
            dossier: begun.id,
            scheme,
            recipient: begun.recipient,
            arrived,
            under_way,
            manifest: None,
        })
    }

    /// Seals and sends what has not arrived, and makes the manifest of it all.
    async fn send_all(
        &self,
        form: &Parsed<SchemeDocument>,
        recipient: &TrustedKey,
        deposit: &Deposit<'_>,
        draft: &mut Draft,
        teller: &Teller<'_>,
    ) -> Result<Vec<u8>, ClientError> {
        let (key, patience) = (&recipient.key, deposit.patience);
        for (place, parcel) in deposit.parcels.iter().enumerate() {
            if draft.arrived.contains_key(&place) {
                continue;
            }
            let file = FileId::of_dossier(&draft.dossier.to_string());
            draft.under_way.push(file);
            teller.tell(Step::Kept(draft));
            let sealed =
                sending::send(&self.server, teller, patience, (draft.dossier, file), key, parcel).await?;
            teller.tell(Step::FileSent { name: &parcel.name, sealed: &sealed });
            draft.under_way.retain(|other| *other != file);
            draft.arrived.insert(place, sealed);
            teller.tell(Step::Kept(draft));
        }
        let mut files: Vec<SealedFile> = draft.arrived.values().cloned().collect();
        let (public, secret) = split(&form.document, deposit, draft);
        let mut sealed = None;
        if let Some(content) = secret {
            let (name, media_type) = ("answers.json".to_owned(), "application/json".to_owned());
            let parcel = Parcel::from(Document { name, media_type, content });
            let file = FileId::of_dossier(&draft.dossier.to_string());
            let sent =
                sending::send(&self.server, teller, patience, (draft.dossier, file), key, &parcel).await?;
            sealed = Some(SealedAnswers { envelope_hash: sent.envelope_hash });
            files.push(sent);
        }
        let manifest = Manifest {
            v: 1,
            dossier: draft.dossier,
            organisation: form.document.organisation,
            scheme: draft.scheme,
            form_hash: form.hash,
            answers: Answers { public, sealed },
            files,
            key_id: key.key_id(),
            created: deposit.now,
            words: Vec::new(),
        };
        manifest.to_bytes().map_err(|error| ClientError::Envelope(error.to_string()))
    }

    async fn submit(&self, dossier: DossierId, manifest: &[u8]) -> Result<serde_json::Value, ClientError> {
        let path = format!("/v1/dossiers/{dossier}");
        let proof = if self.passkey().is_some() {
            let prepared: NonceOnly =
                self.server.post(&format!("{path}/manifest/prepare"), &json!({})).await?;
            self.prove(Kind::Manifest, manifest, prepared.nonce)?
        } else {
            Proof::PlatformAsserted
        };
        let body = json!({"manifest": Base64Url(manifest.to_vec()), "proof": proof});
        let answer: Receipt = self.server.post(&format!("{path}/submit"), &body).await?;
        Ok(answer.receipt)
    }
}

/// The answers that stay in the manifest, and those that become one more sealed file: what is sensitive, and which file is which
/// document, where several are asked for.
fn split(
    form: &SchemeDocument,
    deposit: &Deposit<'_>,
    draft: &Draft,
) -> (BTreeMap<String, AnswerValue>, Option<Vec<u8>>) {
    let sensitive = |name: &String| form.form.iter().any(|field| field.name == *name && field.sensitive);
    let (secret, public): (BTreeMap<_, _>, BTreeMap<_, _>) =
        deposit.answers.clone().into_iter().partition(|(name, _)| sensitive(name));
    let mut secret: serde_json::Map<_, _> =
        secret.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let slots: serde_json::Map<_, _> = draft
        .arrived
        .iter()
        .filter_map(|(place, file)| {
            let slot = deposit.parcels.get(*place)?.slot.as_ref()?;
            Some((file.file_id.to_string(), json!(slot)))
        })
        .collect();
    if form.documents.len() > 1 && !slots.is_empty() {
        // "$documents" cannot be the name of a question, whose names are a-z, 0-9, - and _.
        secret.insert("$documents".to_owned(), slots.into());
    }
    let sealed = (!secret.is_empty()).then(|| serde_json::Value::from(secret).to_string().into_bytes());
    (public, sealed)
}

/// A step of a deposit.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// What to keep, in order to go on after this program was stopped. Told again at each change.
    Kept(&'a Draft),
    /// So much of a file has arrived.
    Progress {
        /// Its name, here only.
        name: &'a str,
        /// Plaintext bytes.
        bytes: u64,
    },
    /// The platform is away; another attempt follows.
    Waiting {
        /// What happened.
        error: &'a ClientError,
        /// Until the next attempt.
        seconds: u64,
    },
    /// The recipient's key verified: root, statement, log.
    RecipientVerified(&'a TrustedKey),
    /// A file was sealed and sent.
    FileSent {
        /// Its name, here only.
        name: &'a str,
        /// What the manifest says of it.
        sealed: &'a SealedFile,
    },
    /// The receipt verified.
    ReceiptVerified(&'a Attestation),
}
