//! The platform's side of scanned intake: a grant for the citizen's page, a session for the intake, and the intake's signed word, without
//! which a manifest names no file.
//!
//! The page carries the grant but cannot use it: only what the intake's key signed is exchanged. The word of the intake decides, never the
//! page's.

use std::sync::Arc;

use sceau_accounts::Source;
use sceau_crypto::{FileId, Secret, Typ, VerifyingKey, jws};
use sceau_element_api::documents::{
    DossierState, Intake, IntakeHost, IntakeWord, Manifest, SchemeDocument, WordFault,
};
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, Base64Url, DossierId, OrganisationId};
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::evidence::everything;
use crate::fault::Fault;
use crate::intake::Redemption;
use crate::keys::PublishedKey;
use crate::settle::Event;
use crate::{Dossiers, SchemeView, Upload, statements};

/// How long a grant may wait to be exchanged.
const GRANT_MS: u64 = 60_000;
/// How long the intake may upload afterwards: what a large dossier over a slow line takes.
const SESSION_MS: u64 = 6 * 3_600_000;

/// The intake of this platform: where pages find it, and the key that its words are signed with.
#[derive(Debug, Clone)]
pub struct IntakeDesk {
    /// Its web origin.
    pub url: String,
    /// Its key.
    pub key: VerifyingKey,
}

impl IntakeDesk {
    fn host(&self) -> IntakeHost {
        IntakeHost { url: self.url.clone(), key: self.key.as_bytes().to_vec().into() }
    }
}

/// A one-use grant: the page carries it to the intake.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Grant {
    /// The grant.
    pub grant: String,
    /// Until when it can be exchanged, in Unix milliseconds.
    pub expires: u64,
}

/// What the intake gets for a grant: everything that it verifies before it makes a key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IntakeSession {
    /// Bearer token, for the files of this dossier alone.
    pub token: String,
    /// Until when, in Unix milliseconds.
    pub expires: u64,
    /// The exact bytes of the dossier's document, base64url: whose it is, and for which scheme.
    #[schema(value_type = String)]
    pub dossier: Base64Url,
    /// The evidence file of its attestation.
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
    /// The scheme.
    pub scheme: SchemeView,
    /// The key to seal to, with its proofs.
    pub recipient: PublishedKey,
}

impl Dossiers {
    /// With an intake that scans.
    #[must_use]
    pub fn with_intake(self, intake: Option<IntakeDesk>) -> Self {
        Self { intake, ..self }
    }

    /// With MOB's host, which is an intake of its own: schemes may name it, and their subscriptions come in there alone.
    #[must_use]
    pub fn with_mob(self, mob: Option<IntakeDesk>) -> Self {
        Self { mob, ..self }
    }

    /// Whether there is a host of MOB's.
    #[must_use]
    pub fn has_mob(&self) -> bool {
        self.mob.is_some()
    }

    /// The intake as an organisation's administrator may name it in a scheme.
    pub(crate) fn intake_host(&self) -> Option<IntakeHost> {
        self.intake.as_ref().map(IntakeDesk::host)
    }

    /// That a scheme with scanned intake names the intake of this platform: at another its deposits could not be taken up.
    pub(crate) fn demand_our_intake(&self, scheme: &SchemeDocument) -> Result<(), Fault> {
        if scheme.intake == Intake::Sealed {
            return Ok(());
        }
        let ours = [&self.intake, &self.mob].into_iter().flatten().map(IntakeDesk::host);
        let ours: Vec<IntakeHost> = ours.collect();
        if ours.is_empty() {
            return Err(Code::NoIntake.into());
        }
        let named = scheme.intake_host.as_ref().is_some_and(|named| ours.contains(named));
        if named { Ok(()) } else { Err(Code::AnotherIntake.into()) }
    }

    /// A grant for a dossier of `citizen` whose scheme says scanned intake.
    ///
    /// # Errors
    /// When the dossier takes no files, or its scheme no scanned intake.
    pub async fn grant_intake(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        source: Source,
    ) -> Result<Grant, Fault> {
        let scheme = self.scheme_of(&self.own_open(citizen, dossier).await?).await?;
        if scheme.intake != Intake::Scanned {
            return Err(Code::SealedOnly.into());
        }
        self.demand_our_intake(&scheme)?;
        let grant = self.grant_key().await?.make();
        let expires = self.clock.now_ms() + GRANT_MS;
        let hash = sceau_crypto::sha256(grant.as_bytes()).to_vec();
        let values = params![hash, dossier.to_string(), citizen.to_string(), source.to_string(), expires];
        self.database.execute(statements::INSERT_GRANT, values).await?;
        Ok(Grant { grant, expires })
    }

    /// Exchanges a grant that the intake signed for, once.
    ///
    /// # Errors
    /// When the intake did not sign it, or it was used or has expired.
    pub async fn redeem_grant(&self, signed: &str) -> Result<IntakeSession, Fault> {
        let redemption: Redemption = self.signed_by_intake(signed, Typ::IntakeRedemption)?;
        // Anybody may bring one to the intake: what somebody invented is not looked up.
        if !self.grant_key().await?.made(&redemption.grant) {
            return Err(Code::GrantInvalid.into());
        }
        let (token, now) = (secret(), self.clock.now_ms());
        let expires = now + SESSION_MS;
        let hash = |text: &str| sceau_crypto::sha256(text.as_bytes()).to_vec();
        let values = params![hash(&redemption.grant), hash(&token), expires, now];
        let mut transaction = self.database.begin().await?;
        let row = transaction.fetch_optional(statements::REDEEM_GRANT, values).await?;
        transaction.commit().await?;
        let row = row.ok_or(Code::GrantInvalid)?;
        let invalid = |_| Fault::from(Code::GrantInvalid);
        let dossier: DossierId = row.get::<String>("dossier")?.parse().map_err(invalid)?;
        let depositor: AccountId = row.get::<String>("citizen")?.parse().map_err(invalid)?;
        let state = self.own(depositor, dossier).await?;
        Ok(IntakeSession {
            token,
            expires,
            evidence: self.evidence_showing(state.attested.index, everything).await?,
            scheme: self.scheme(state.document.scheme).await?,
            recipient: self.key_of(dossier, state.document.organisation).await?,
            dossier: Base64Url(state.payload),
        })
    }

    /// The upload that an intake's token stands for.
    ///
    /// # Errors
    /// When the token is unknown or has expired.
    pub async fn intake_upload(&self, token: &str, file: FileId) -> Result<Upload, Fault> {
        let values = params![sceau_crypto::sha256(token.as_bytes()).to_vec(), self.clock.now_ms()];
        let row = self.database.fetch_optional(statements::INTAKE_SESSION, values).await?;
        let row = row.ok_or(Code::GrantInvalid)?;
        let invalid = || Fault::from(Code::GrantInvalid);
        Ok(Upload {
            citizen: row.get::<String>("citizen")?.parse().map_err(|_| invalid())?,
            dossier: row.get::<String>("dossier")?.parse().map_err(|_| invalid())?,
            source: row.get::<String>("source")?.parse().map_err(|_| invalid())?,
            file,
        })
    }

    /// Takes the intake's signed word on a file: on record first; kept where the file is clean, else the file is removed.
    ///
    /// # Errors
    /// When the intake did not sign it, or it is about another file.
    pub async fn take_word(&self, upload: Upload, signed: &str) -> Result<(), Fault> {
        let word: IntakeWord = self.signed_by_intake(signed, Typ::IntakeWord)?;
        if (word.dossier, word.file) != (upload.dossier, upload.file) {
            return Err(Code::IntakeUnproven.into());
        }
        self.own_open(upload.citizen, upload.dossier).await?;
        let at = params![upload.dossier.to_string(), upload.file.to_string()];
        if self.database.fetch_optional(statements::SCAN, at).await?.is_some() {
            return Ok(()); // The first word stands.
        }
        let clean = word.clean();
        if let Some(file) = &clean {
            self.check_arrived(upload.dossier, file).await?;
        }
        if word.is_verdict() {
            self.record_word(&upload, &word).await?;
        }
        if clean.is_none() {
            return self.drop_file(upload.dossier, &upload.file.to_string()).await;
        }
        let values = params![upload.dossier.to_string(), upload.file.to_string(), signed];
        self.database.execute(statements::INSERT_SCAN, values).await?;
        Ok(())
    }

    async fn record_word(&self, upload: &Upload, word: &IntakeWord) -> Result<(), Fault> {
        let organisation = self.own(upload.citizen, upload.dossier).await?.document.organisation;
        let draft = RecordDraft::new(Actor::new(ActorKind::Platform, "intake"), Action::INTAKE_SCAN)
            .organisation(organisation)
            .subject("dossier", upload.dossier)
            .subject("file", upload.file);
        let draft = match word.code() {
            None => draft.granted(),
            Some(code) => draft.refused(code),
        };
        let index = self.element().append(draft).await?;
        let event = Event {
            index,
            time: self.clock.now_ms(),
            action: Action::INTAKE_SCAN.as_str(),
            outcome: if word.code().is_none() { "granted" } else { "refused" },
            actor_role: ActorKind::Platform.as_str(),
            organisation: None,
        };
        let mut transaction = self.database.begin().await?;
        self.insert_event(&mut transaction, upload.dossier, &event).await?;
        Ok(transaction.commit().await?)
    }

    /// Whether every file of `manifest` has the word that its scheme demands, and that word is on record here. The element asks the same again.
    pub(crate) async fn check_scanned(
        &self,
        manifest: &Manifest,
        scheme: &SchemeDocument,
    ) -> Result<(), Fault> {
        let told = |fault: WordFault| Code::NotScanned.problem().with_detail(fault.to_string());
        manifest
            .check_words(scheme.trusted_intake().as_ref())
            .map_err(|fault| Fault::Refused(told(fault)))?;
        for file in manifest.files.iter().filter(|_| scheme.intake == Intake::Scanned) {
            let at = params![manifest.dossier.to_string(), file.file_id.to_string()];
            self.database.fetch_optional(statements::SCAN, at).await?.ok_or(Code::NotScanned)?;
        }
        Ok(())
    }

    /// That the depositor of a dossier seals its files.
    pub(crate) async fn seals_itself(&self, state: &DossierState) -> Result<(), Fault> {
        match self.scheme_of(state).await?.intake {
            Intake::Sealed => Ok(()),
            Intake::Scanned => Err(Code::ScannedOnly.into()),
        }
    }

    /// The key that a dossier was begun with, with its proofs.
    async fn key_of(&self, dossier: DossierId, organisation: OrganisationId) -> Result<PublishedKey, Fault> {
        let id = self.recipient(dossier).await?;
        let keys = self.stated_keys(organisation).await?;
        let mut key = keys.into_iter().find(|key| key.key_id == id).ok_or(Code::NoRecipientKey)?;
        key.evidence = Some(self.evidence(key.index).await?);
        Ok(key)
    }

    async fn scheme_of(&self, state: &DossierState) -> Result<SchemeDocument, Fault> {
        let scheme = self.rows.current::<SchemeDocument>(state.scheme).await?;
        Ok(scheme.ok_or_else(Fault::not_found)?.document)
    }

    /// The key of this platform, made by whichever process comes first, and read once.
    async fn grant_key(&self) -> Result<&GrantKey, Fault> {
        let read = async || {
            let made = params![sceau_crypto::random::<32>().to_vec()];
            self.database.execute(statements::KEEP_GRANT_KEY, made).await?;
            let row = self.database.fetch_one(statements::GRANT_KEY, &[]).await?;
            let key = Secret::from_slice(&row.get::<Vec<u8>>("key")?).map(|key| GrantKey(Arc::new(key)));
            key.map_err(|_| Fault::Tampered { kind: "grant key", id: String::new() })
        };
        self.grants.get_or_try_init(read).await
    }

    fn signed_by_intake<T: serde::de::DeserializeOwned>(&self, signed: &str, typ: Typ) -> Result<T, Fault> {
        let desk = self.intake.as_ref().ok_or(Code::NoIntake)?;
        let payload = jws::verify(signed, typ, &desk.key).map_err(|_| Code::IntakeUnproven)?;
        serde_json::from_slice(&payload).map_err(|_| Code::IntakeUnproven.into())
    }
}

/// By which a grant is known for one of ours before the database is asked. Whoever has it can make us look, and gets nothing.
#[derive(Debug, Clone)]
pub(crate) struct GrantKey(Arc<Secret<32>>);

impl GrantKey {
    const CONTEXT: &[u8] = b"sceau/intake-grant\0";

    /// base64url of 32 random bytes and their MAC (HMAC-SHA-256, RFC 2104).
    fn make(&self) -> String {
        let random = sceau_crypto::random::<32>();
        let tag = sceau_crypto::hmac(self.0.expose(), &[Self::CONTEXT, &random]);
        Base64Url([random, tag].concat()).encode()
    }

    fn made(&self, grant: &str) -> bool {
        let Ok(Base64Url(bytes)) = Base64Url::decode(grant) else { return false };
        let Some((random, tag)) = bytes.split_first_chunk::<32>() else { return false };
        let tag: Result<&[u8; 32], _> = tag.try_into();
        tag.is_ok_and(|tag| sceau_crypto::hmac_verify(self.0.expose(), &[Self::CONTEXT, random], tag))
    }
}

/// 32 random bytes as text; the database keeps their hash.
fn secret() -> String {
    Base64Url(sceau_crypto::random::<32>().to_vec()).encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_is_looked_up() {
        let [ours, other] = [(), ()].map(|()| GrantKey(Arc::new(Secret::random())));
        let grant = ours.make();
        assert!(ours.made(&grant));
        assert!(!other.made(&grant));
        let mut swapped: Vec<char> = grant.chars().collect();
        swapped.rotate_left(1);
        for invented in
            [secret(), String::new(), "?".to_owned(), swapped.into_iter().collect(), grant[..60].to_owned()]
        {
            assert!(!ours.made(&invented), "{invented}");
        }
    }
}
