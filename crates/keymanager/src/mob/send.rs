//! A version's way to MOB: a token from its identity provider, then the public half with when it ends and, where keys leave, where the private one is.

use std::path::Path;

use sceau_client::{ClientError, Server, Trust};
use sceau_hsm::durable::{check_secret, read_secret};
use sceau_store::DeliveryError;
use sceau_trace::Action;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{Letter, MobSettings, PUBLICATION};
use crate::error::Error;
use crate::manager::KeyManager;
use crate::transit::{NamedKey, rfc3339};

/// The longest secret, in bytes.
const SECRET: usize = 4096;

/// `PUT /v1/funders/{funderId}/encryption_key`, as its existing clients send it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EncryptionKey {
    id: String,
    version: u32,
    public_key: String,
    expiration_date: String,
    last_update_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_access: Option<PrivateKeyAccess>,
}

#[derive(Serialize)]
struct PrivateKeyAccess {
    #[serde(rename = "loginURL")]
    login: String,
    #[serde(rename = "getKeyURL")]
    key: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl KeyManager {
    /// Publishes a version to a funder, unless it has it or a later one takes its place. Nothing is given up: whatever MOB answers is tried again.
    pub(crate) async fn deliver_mob_key(&self, letter: Letter) -> Result<(), DeliveryError> {
        self.publish_mob_key(&letter).await.map_err(|error| {
            let (version, funder) = (letter.version, &letter.funder);
            tracing::warn!(version, funder, %error, "a key did not reach MOB; it will be tried again");
            DeliveryError::Later(error.code().to_owned())
        })
    }

    async fn publish_mob_key(&self, Letter { version, funder }: &Letter) -> Result<(), Error> {
        let Some(settings) = &self.settings().mob else { return Ok(()) };
        let key = self.kept_key(&settings.key).await?.filter(|key| key.latest == *version);
        let published = self.publication().await?.of(*version).cloned();
        let (Some(key), Some(published)) = (key, published) else { return Ok(()) };
        if published.is_taken(funder) || !settings.funders.contains(funder) {
            return Ok(());
        }
        let body = self.encryption_key(settings, &key, published.id.clone())?;
        let about = || {
            let draft = self.record_of_mob_key(Action::KEY_PUBLISH, &settings.key, *version);
            draft.detail("funder", funder.as_str()).detail("id", published.id.as_str())
        };
        match put(settings, funder, &body).await {
            Ok(()) => {
                self.journal().append(about().granted()).await?;
                self.note_mob(*version, |published, now| {
                    published.funders.insert(funder.clone(), Some(now));
                    published.refused = None;
                })
                .await
            }
            Err(error) => {
                if let Error::Platform(ClientError::Refused { status, .. }) = &error
                    && published.refused != Some(*status)
                {
                    // Once for each answer: it is tried again for as long as it takes.
                    let refused = about().refused("mob_refused").detail("status", status.to_string());
                    self.journal().append(refused).await?;
                    self.note_mob(*version, |published, _| published.refused = Some(*status)).await?;
                }
                Err(error)
            }
        }
    }

    fn encryption_key(
        &self,
        settings: &MobSettings,
        key: &NamedKey,
        id: String,
    ) -> Result<EncryptionKey, Error> {
        let made = super::latest_made(key).unwrap_or_default();
        let public = key.version(key.latest).ok().and_then(|key| key.public().ok().flatten());
        let exports = self.settings().transit.as_ref().is_some_and(|transit| transit.export);
        let access = || PrivateKeyAccess {
            login: format!("{}/v1/auth/cert/login", self.address()),
            key: format!(
                "{}/v1/transit/export/encryption-key/{}/{}",
                self.address(),
                settings.key,
                key.latest
            ),
        };
        Ok(EncryptionKey {
            id,
            version: key.latest,
            public_key: public.ok_or(Error::Tampered("a Transit key"))?,
            expiration_date: rfc3339(settings.expiry(made)),
            last_update_date: rfc3339(self.now()),
            private_key_access: exports.then(access),
        })
    }

    async fn note_mob(
        &self,
        version: u32,
        note: impl FnOnce(&mut super::Published, u64),
    ) -> Result<(), Error> {
        let _alone = self.changing_people().await;
        let mut publication = self.publication().await?;
        if let Some(published) = publication.of_mut(version) {
            note(published, self.now());
        }
        self.shelve(PUBLICATION, &publication).await
    }
}

async fn put(settings: &MobSettings, funder: &str, body: &EncryptionKey) -> Result<(), Error> {
    let anchors_pem = settings.anchors.as_deref().map(anchors).transpose()?;
    let trust = Trust { anchors_pem, ..Trust::default() };
    let provider = Server::new(&settings.token_url, &trust)?;
    let path = Url::parse(&settings.token_url).map(|url| url.path().to_owned());
    let path = path.map_err(|_| ClientError::Address(settings.token_url.clone()))?;
    let secret = secret(settings)?;
    let credentials = (settings.client_id.as_str(), secret.as_str());
    let fields = [("grant_type", "client_credentials")];
    let token: Token = provider.post_form(&path, credentials, &fields).await?;
    let api = Server::new(&settings.api, &trust)?;
    api.set_bearer(Some(token.access_token));
    // 204 reads as null.
    api.put::<_, serde_json::Value>(&format!("/v1/funders/{funder}/encryption_key"), body).await?;
    Ok(())
}

fn anchors(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |cause| Error::Io { what: format!("reading {}", path.display()), cause };
    std::fs::read(path).map_err(failed)
}

/// Read at each use: whoever replaces the file needs no restart.
fn secret(settings: &MobSettings) -> Result<Zeroizing<String>, Error> {
    let path = &settings.client_secret_file;
    check_secret(path)?;
    let bytes = read_secret(path, SECRET)?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| sceau_hsm::Error::Damaged(path.clone()))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
