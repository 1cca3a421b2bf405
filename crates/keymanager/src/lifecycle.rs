//! The life of keys: made, stated by the root, published, acknowledged, replaced, destroyed.
//!
//! A new key takes over at once when the platform acknowledges it: the element counts the newest statement of a use as current, and the
//! platform seals new dossiers to it. The old one stays valid until its expiry, for drafts begun before; the lead time is thus how long both are
//! valid, and no clock finds a moment with none. Statements begin five minutes early, for depositors whose clocks are behind.

use sceau_client::ClientError;
use sceau_crypto::{KeyId, Typ, jws};
use sceau_element_api::Base64Url;
use sceau_element_api::documents::{Document as _, KeyStatement, KeySuite, KeyUse};
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{KeyKind, KeyLabel, KeyRef, Operations as _};
use sceau_store::params;
use sceau_trace::{Action, sha256};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::deliver::NOT_THE_PLATFORM;
use crate::error::Error;
use crate::keyring::{ManagedKey, Plan, Why, plan, suite};
use crate::link::Link;
use crate::manager::KeyManager;
use crate::schema::statements;
use crate::watch::Missing;

/// How much earlier than it is made a key becomes valid.
const BACKDATED_MS: u64 = 5 * 60 * 1000;

impl KeyManager {
    /// Brings the keys of both uses to what the policy asks for now.
    pub(crate) async fn tend_keys(&self, link: &Link) -> Result<(), Error> {
        // The signing key first: records about the other one are signed with it.
        for key_use in [KeyUse::Sign, KeyUse::Encrypt] {
            match plan(key_use, &self.keyring(), self.settings(), self.now()) {
                Plan::Rest => {}
                Plan::Publish => self.publish_newest(link, key_use).await?,
                Plan::Make(why) => {
                    if why == Why::Root {
                        // The platform may have taken what the old root stated last without our hearing of it: the next serial depends on it.
                        let told = self.publish_newest(link, key_use).await;
                        told.or_else(|error| if is_refusal(&error) { Ok(()) } else { Err(error) })?;
                    }
                    self.make_key(link, key_use, why).await?;
                    self.publish_newest(link, key_use).await?;
                }
            }
        }
        Ok(())
    }

    /// Replaces the recipient key now, whatever its age: an administrator fears that it is known, or drills.
    ///
    /// # Errors
    /// [`Error::NotConnected`]; those of the platform. What was made and not acknowledged is published by a later [`KeyManager::tick`].
    pub async fn rotate(&self) -> Result<(), Error> {
        let _alone = self.alone().await;
        let link = self.link().ok_or(Error::NotConnected)?;
        self.tend_keys(&link).await?;
        self.make_key(&link, KeyUse::Encrypt, Why::Asked).await?;
        self.publish_newest(&link, KeyUse::Encrypt).await
    }

    /// Withdraws both keys in use and puts new ones in their place, now: somebody may know them. The platform takes nothing more that is sealed to the
    /// old one, drafts that were begun before included, and nothing more that the old one signed. What was deposited stays readable here.
    ///
    /// # Errors
    /// [`Error::NotConnected`]; those of the platform. What was made and not acknowledged is published by a later [`KeyManager::tick`].
    pub async fn withdraw_keys(&self, reason: WithdrawalReason) -> Result<(), Error> {
        let _alone = self.alone().await;
        let link = self.link().ok_or(Error::NotConnected)?;
        self.tend_keys(&link).await?;
        let draft = self.own_record(Action::KEY_WITHDRAW).detail("reason", reason.as_str());
        self.journal().append(draft).await?;
        // The signing key first: records about the other one are signed with it.
        for key_use in [KeyUse::Sign, KeyUse::Encrypt] {
            self.make_key(&link, key_use, Why::Withdrawn).await?;
            self.publish_newest(&link, key_use).await?;
        }
        let draft = self.own_record(Action::KEY_WITHDRAW).granted().detail("reason", reason.as_str());
        self.journal().append(draft).await?;
        Ok(())
    }

    /// Makes a key and has the root state it; both are on disk when this returns.
    async fn make_key(&self, link: &Link, key_use: KeyUse, why: Why) -> Result<(), Error> {
        let now = self.now();
        let ring = self.keyring();
        let before = ring.last(key_use);
        let serial = before.map_or(1, |before| before.statement.serial + 1);
        let suite = suite(key_use, self.settings());
        let kind = kind(suite);
        // The same label after a crash: the key that was made then is taken up.
        let label = KeyLabel::new(&format!("{}-{serial}-{}", key_use.as_str(), suite_label(suite)))?;
        let keys = self.keys();
        let private = self.generate(kind, label).await?;
        let (key_id, public_key) = match kind {
            KeyKind::Ed25519 => {
                let public = keys.verifying_key(&private)?;
                (KeyId::from_bytes(*public.fingerprint().as_bytes()), public.as_bytes().to_vec())
            }
            _ => {
                let public = keys.recipient_key(&private)?;
                (public.key_id(), public.public().to_vec())
            }
        };
        let roots = self.roots();
        let root = roots.in_force();
        let statement = KeyStatement {
            v: 1,
            organisation: link.organisation,
            key_use,
            suite,
            key_id,
            public_key: Base64Url(public_key),
            not_before: now.saturating_sub(BACKDATED_MS),
            not_after: now.saturating_add(self.settings().period_ms),
            predecessor: before.map(|before| before.statement.key_id),
            serial,
            key_manager: self.address().to_owned(),
            root_key: Base64Url(keys.verifying_key(&root.key)?.as_bytes().to_vec()),
            withdraws_predecessor: why == Why::Withdrawn && before.is_some(),
        };
        let jws = keys.sign_jws(&root.key, Typ::KeyStatement, &statement.to_bytes()?)?;
        self.keep_key(&statement, &jws, private.uri().to_string(), why).await
    }

    /// An RSA key takes a while: others are served meanwhile.
    async fn generate(&self, kind: KeyKind, label: KeyLabel) -> Result<KeyRef, Error> {
        let (keys, now) = (self.shared_keys(), self.now());
        let made = tokio::task::spawn_blocking(move || keys.find_or_generate(kind, &label, now)).await;
        made.map_err(|cause| Error::Io {
            what: "making a key".to_owned(),
            cause: std::io::Error::other(cause),
        })?
        .map_err(Error::from)
    }

    async fn keep_key(
        &self,
        statement: &KeyStatement,
        jws: &str,
        uri: String,
        why: Why,
    ) -> Result<(), Error> {
        let payload = jws::unverified_payload(jws).map_err(|_| Error::Tampered("a key's statement"))?;
        let draft = self.record_of_key(Action::KEY_MAKE, statement).granted().detail("reason", why.as_str());
        let mut append = self.journal().begin().await?;
        append.record(draft.detail("statement", sha256(&payload).to_string())).await?;
        // A statement that expired before the platform took it gives its serial to this one.
        let never = params![statement.key_use.as_str(), statement.serial];
        append.transaction().execute(statements::FORGET_KEY, never).await?;
        let id = statement.key_id.to_string();
        let values = params![id, statement.key_use.as_str(), statement.serial, uri, jws];
        append.transaction().execute(statements::INSERT_KEY, values).await?;
        append.commit().await?;
        self.reload_keyring().await
    }

    /// Publishes the newest key of a use and keeps the proven acknowledgement.
    async fn publish_newest(&self, link: &Link, key_use: KeyUse) -> Result<(), Error> {
        let ring = self.keyring();
        let Some(key) = ring.newest(key_use).filter(|key| key.index.is_none()) else { return Ok(()) };
        let published = link.publish(key).await;
        let draft = self.record_of_key(Action::KEY_PUBLISH, &key.statement);
        match published {
            Ok(index) => self.acknowledged(key, index, draft.granted()).await,
            Err(error @ Error::Acknowledgement(_)) => {
                // Somebody answers in the platform's name: worth a record, where an unreachable platform is not.
                self.journal().append(draft.refused(error.code())).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn acknowledged(&self, key: &ManagedKey, index: u64, draft: RecordDraft) -> Result<(), Error> {
        let mut append = self.journal().begin().await?;
        append.record(draft.detail("log_index", index.to_string())).await?;
        let values = params![key.statement.key_id.to_string(), index, self.now()];
        append.transaction().execute(statements::KEY_ACKNOWLEDGED, values).await?;
        append.commit().await?;
        self.reload_keyring().await
    }

    /// Takes up the statements that another copy of this key manager made after the backup that this one is of, and that the log was seen to hold: the
    /// next key follows them. Returns the recipient keys among them; what is sealed to these cannot be opened.
    pub(crate) async fn adopt_lost_keys(&self, link: &Link, missing: &Missing) -> Result<Vec<KeyId>, Error> {
        #[derive(Deserialize)]
        struct Shown {
            statement_jws: String,
        }
        let (roots, mut lost) = (self.roots(), Vec::new());
        for shown in link.machine.published_keys().await? {
            let Ok(Shown { statement_jws: jws }) = serde_json::from_value(shown) else { continue };
            let verified = roots.fingerprints().find_map(|root| KeyStatement::verify(&jws, root).ok());
            let Some(verified) = verified else { continue };
            let hash = verified.hash().to_string();
            let Some((_, index)) = missing.stated.iter().find(|(stated, _)| *stated == hash) else {
                continue;
            };
            let statement = verified.into_document();
            self.keep_lost_key(&statement, &jws, *index).await?;
            if statement.key_use == KeyUse::Encrypt {
                lost.push(statement.key_id);
            }
        }
        self.reload_keyring().await?;
        Ok(lost)
    }

    async fn keep_lost_key(&self, statement: &KeyStatement, jws: &str, index: u64) -> Result<(), Error> {
        let (key_use, serial) = (statement.key_use.as_str(), statement.serial);
        let mut append = self.journal().begin().await?;
        append.record(self.record_of_key(Action::KEY_MAKE, statement).refused("key_lost")).await?;
        append.transaction().execute(statements::FORGET_KEY, params![key_use, serial]).await?;
        let uri = format!("software:lost-{key_use}-{serial}");
        let values = params![statement.key_id.to_string(), key_use, serial, uri, jws, index, self.now()];
        append.transaction().execute(statements::INSERT_LOST_KEY, values).await?;
        append.commit().await
    }

    pub(crate) fn record_of_key(&self, action: Action, statement: &KeyStatement) -> RecordDraft {
        self.own_record(action)
            .subject("key", statement.key_id)
            .detail("serial", statement.serial.to_string())
            .detail("use", statement.key_use.as_str())
    }
}

/// Why keys are withdrawn: a word of a short list, for the log is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalReason {
    /// Somebody knows the keys.
    Compromised,
    /// Somebody may know them.
    Suspected,
    /// A machine, a disk or a backup that holds them is lost.
    Lost,
    /// Somebody who had access left.
    Departure,
}

impl WithdrawalReason {
    /// The word, as in JSON and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Suspected => "suspected",
            Self::Lost => "lost",
            Self::Departure => "departure",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Compromised, Self::Suspected, Self::Lost, Self::Departure];
        all.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Whether the platform answered, and will never take it. Credentials can be mended.
fn is_refusal(error: &Error) -> bool {
    let mends = [NOT_THE_PLATFORM, "invalid_client"];
    matches!(error, Error::Platform(ClientError::Refused { status: 400..=499, code, .. }) if !mends.contains(&code.as_str()))
}

fn kind(suite: KeySuite) -> KeyKind {
    match suite {
        KeySuite::Ed25519 => KeyKind::Ed25519,
        KeySuite::RsaOaep256 => KeyKind::RsaOaep256,
        KeySuite::XWing => KeyKind::HpkeXWing,
    }
}

fn suite_label(suite: KeySuite) -> &'static str {
    match suite {
        KeySuite::Ed25519 => "ed25519",
        KeySuite::RsaOaep256 => "rsa",
        KeySuite::XWing => "xwing",
    }
}
