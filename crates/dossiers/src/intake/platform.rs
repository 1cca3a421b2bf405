//! What the intake asks of the platform, and what it believes of the answer: nothing without a proof under the log's key.

use sceau_client::trust::{OfferedKey, TrustedKey, attested};
use sceau_client::{ClientError, Scheme, Server};
use sceau_crypto::{FileId, KeyId, Typ};
use sceau_element_api::documents::{
    Document as _, DossierPhase, DossierState, Found, IntakeWord, Parsed, SchemeDocument, SealedFile,
};
use sceau_element_api::{Base64Url, DossierId, Kind, OrganisationId, SchemeId};
use sceau_trace::Hash;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::word::{Redemption, sign};
use super::{Intake, deposit::Deposit};

#[derive(Deserialize)]
struct Session {
    token: String,
    expires: u64,
    dossier: Base64Url,
    evidence: Value,
    scheme: Scheme,
    recipient: OfferedKey,
}

/// What a page means, as it verified it itself: the platform, which gives it the grant, could otherwise have its files sealed into another dossier.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    dossier: DossierId,
    organisation: OrganisationId,
    scheme: SchemeId,
    form_hash: Hash,
    key_id: KeyId,
}

/// A dossier whose form and recipient are proven.
pub(super) struct Proven {
    pub(super) dossier: DossierId,
    pub(super) server: Server,
    pub(super) form: Parsed<SchemeDocument>,
    pub(super) recipient: TrustedKey,
    pub(super) expires: u64,
    /// The organisation asked for more: the answers are with it already.
    pub(super) more: bool,
}

impl Intake {
    /// Exchanges a grant, and verifies dossier, form and recipient's key as a depositor's machine would.
    pub(super) async fn redeem(&self, grant: String, meant: &Meant) -> Result<Proven, Refusal> {
        let (settings, server) = (&self.0.settings, &self.0.server);
        let signed = sign(&settings.key, Typ::IntakeRedemption, &Redemption { grant });
        let session: Session = server
            .post("/v1/intake/sessions", &json!({"signed": signed}))
            .await
            .map_err(|error| told(&error, Refusal::UnknownDeposit))?;
        let now = settings.clock.now_ms();
        let unproven = |error: ClientError| {
            // One that is away says nothing, and nothing wrong.
            if error.is_passing() {
                return told(&error, Refusal::PlatformAway);
            }
            tracing::error!(%error, "the platform said of a dossier what its log does not prove");
            Refusal::NotProven
        };
        let dossier = DossierState::parse(&session.dossier).map_err(|_| Refusal::NotProven)?;
        let id = dossier.document.dossier;
        let key = &settings.log_key;
        attested(&session.evidence, key, Kind::Dossier, &id.into(), dossier.hash).map_err(unproven)?;
        let form = session.scheme.published(server, key).await.map_err(unproven)?;
        let organisation = dossier.document.organisation;
        let agrees = form.document.scheme == dossier.document.scheme
            && form.document.organisation == organisation
            && form.document.trusted_intake() == Some(settings.key.verifying_key());
        if !agrees {
            return Err(Refusal::NotProven);
        }
        let recipient = session.recipient.verify(organisation, key, now).map_err(unproven)?;
        let same = meant.dossier == id
            && meant.organisation == organisation
            && meant.scheme == form.document.scheme
            && meant.form_hash == form.hash
            && meant.key_id == recipient.key.key_id();
        if !same {
            tracing::error!("the platform gave a grant for another dossier, form or key than the page means");
            return Err(Refusal::AnotherDossier);
        }
        let server = server.with_bearer(session.token);
        let more = dossier.document.phase == DossierPhase::MoreInformation;
        Ok(Proven { dossier: id, server, form, recipient, expires: session.expires, more })
    }

    /// Says under the intake's key that a file is clean: the word, for the manifest.
    pub(super) async fn say_clean(&self, deposit: &Deposit, file: &SealedFile) -> Result<String, Refusal> {
        let SealedFile { file_id, envelope_hash, size, parts } = *file;
        self.say(deposit, file_id, Found::Clean { envelope_hash, size, parts }).await
    }

    /// Withdraws a file, and has it on record why where it was judged. The platform removes what it has of it; where it cannot be told, no
    /// manifest can name the file all the same.
    pub(super) async fn say_refused(&self, deposit: &Deposit, file: FileId, refusal: Refusal) {
        let found = if refusal.is_of_the_file() {
            Found::Refused { code: refusal.as_str().to_owned() }
        } else {
            Found::Withdrawn {}
        };
        if let Err(refusal) = self.say(deposit, file, found).await.map(drop) {
            tracing::warn!(code = refusal.as_str(), "a withdrawn file could not be reported to the platform");
        }
    }

    async fn say(&self, deposit: &Deposit, file: FileId, found: Found) -> Result<String, Refusal> {
        let word = IntakeWord { dossier: deposit.dossier, file, found };
        let signed = sign(&self.0.settings.key, Typ::IntakeWord, &word);
        let path = format!("/v1/intake/files/{file}/word");
        let said: Result<(), _> = deposit.server.post(&path, &json!({"signed": signed})).await;
        said.map(|()| signed).map_err(|error| told(&error, Refusal::PlatformAway))
    }
}

/// Sends bytes of a sealed file; three attempts, for a platform that restarts.
pub(super) async fn put(deposit: &Deposit, path: &str, bytes: bytes::Bytes) -> Result<(), Refusal> {
    let digest = sceau_crypto::sha256(&bytes);
    let mut left = 3;
    loop {
        match deposit.server.put_bytes(path, bytes.clone(), &digest).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_passing() && left > 1 => {
                left -= 1;
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
            Err(error) => return Err(told(&error, Refusal::PlatformAway)),
        }
    }
}

fn told(error: &ClientError, refusal: Refusal) -> Refusal {
    tracing::warn!(%error, "the platform was not reached, or did not take what the intake sent");
    if error.is_passing() { Refusal::PlatformAway } else { refusal }
}
