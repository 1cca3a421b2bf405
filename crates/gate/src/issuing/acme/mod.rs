//! One authority that speaks ACME (RFC 8555): whom to believe there, the account, and a certificate by an order.

mod challenges;
mod client;
mod order;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use instant_acme::{Account, AccountCredentials, CertificateIdentifier, ExternalAccountKey, NewAccount};
use rustls::ClientConfig;
use sceau_hsm::durable;
use sceau_pki::{Anchors, CertificateRequest, KeyAlgorithm, PrivateKey, client_config};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

pub(crate) use challenges::Challenges;
use client::Client;

use super::{
    settings::{AcmeTable, ChallengeKind},
    source::{Answered, Failure, subject},
    store::{Current, Store},
    trouble::Trouble,
};
use crate::{error::Error, files::certificates, upstream::of_the_system};

/// For all of one certificate: authorities take seconds, and some minutes.
const WITHIN: Duration = Duration::from_secs(10 * 60);
const KEY: usize = 4 << 10;

/// An authority.
#[derive(Debug)]
pub(crate) struct Acme {
    directory: String,
    tls: Arc<ClientConfig>,
    contact: Vec<String>,
    kind: ChallengeKind,
    external: Option<External>,
    /// Where challenges of plain HTTP are answered.
    pub(crate) http: Option<SocketAddr>,
    pub(crate) challenges: Challenges,
}

struct External {
    id: String,
    key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "External({}, redacted)", self.id)
    }
}

/// An account, and what it was told last.
#[derive(Serialize, Deserialize)]
struct Kept {
    contact: Vec<String>,
    credentials: Value,
}

impl Acme {
    /// Reads a table and the files that it names.
    ///
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(folder: &Path, name: &str, table: &AcmeTable) -> Result<Self, Error> {
        let at = |setting: &str| format!("acme.{name}, {setting}");
        if !table.directory.starts_with("https://") || table.directory.parse::<hyper::Uri>().is_err() {
            return Err(Error::setting(at("directory"), "an authority's directory begins with https://"));
        }
        if !table.terms_agreed {
            let reason = "read the authority's terms of service; where you agree, write terms_agreed = true";
            return Err(Error::setting(at("terms_agreed"), reason));
        }
        if table.contact.iter().any(|contact| !contact.starts_with("mailto:")) {
            return Err(Error::setting(at("contact"), "write each as \"mailto:somebody@example.org\""));
        }
        match (table.challenge, table.http) {
            (ChallengeKind::Http, None) => {
                let reason = "http-01 is answered in plain HTTP: say where, for instance \"0.0.0.0:80\"";
                return Err(Error::setting(at("http"), reason));
            }
            (ChallengeKind::TlsAlpn, Some(_)) => {
                return Err(Error::setting(at("http"), "only with challenge = \"http-01\""));
            }
            _ => {}
        }
        let believed = match &table.authority {
            Some(path) => certificates(folder, std::slice::from_ref(path), &at("authority"))?,
            None => of_the_system(),
        };
        let believed = Anchors::new(believed).map_err(Error::pki(&at("authority")))?;
        let mut tls = client_config(&believed, None).map_err(Error::pki(&at("authority")))?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let external = table.external_account.as_ref().map(|table| {
            let key = external_key(&folder.join(&table.key), &at("external_account.key"))?;
            Ok::<_, Error>(External { id: table.id.clone(), key })
        });
        Ok(Self {
            directory: table.directory.clone(),
            tls: Arc::new(tls),
            contact: table.contact.clone(),
            kind: table.challenge,
            external: external.transpose()?,
            http: table.http,
            challenges: Challenges::default(),
        })
    }

    pub(crate) fn directory(&self) -> &str {
        &self.directory
    }

    /// Asks for a certificate, with a key that is made for it; `replaces` where the authority said that it wants to hear that (RFC 9773 §5).
    pub(super) async fn issue(
        &self,
        store: &Store,
        names: &[String],
        replaces: Option<&Current>,
    ) -> Result<Answered, Failure> {
        let heard = Arc::new(AtomicU64::new(0));
        let issuing = Box::pin(self.ask(store, names, replaces, Arc::clone(&heard)));
        let answered = match tokio::time::timeout(WITHIN, issuing).await {
            Ok(answered) => answered,
            Err(_) => Err(Trouble::TooSlow),
        };
        answered.map_err(|trouble| {
            if matches!(trouble, Trouble::AccountUnknown) {
                store.forget_account(&self.directory);
            }
            let held = heard.load(Ordering::Relaxed);
            Failure { trouble, held: (held > 0).then_some(held) }
        })
    }

    async fn ask(
        &self,
        store: &Store,
        names: &[String],
        replaces: Option<&Current>,
        heard: Arc<AtomicU64>,
    ) -> Result<Answered, Trouble> {
        let account = Box::pin(self.account(store, heard)).await?;
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
        let request = CertificateRequest::make(&subject(names), names, &key)?;
        let replaced = replaces.and_then(identifier);
        let wanted = order::Wanted { names, kind: self.kind, request: request.der(), replaced };
        let chain = Box::pin(order::order(&account, wanted, &self.challenges)).await?;
        Ok(Answered { key, chain })
    }

    /// The window in which the authority wants this certificate renewed (RFC 9773), and how long to wait before asking again, in milliseconds; none where it
    /// says nothing.
    pub(super) async fn advice(&self, store: &Store, current: &Current) -> Option<((u64, u64), u64)> {
        store.account(&self.directory)?;
        let account = Box::pin(self.account(store, Arc::default())).await.ok()?;
        let (info, again) = account.renewal_info(&identifier(current)?).await.ok()?;
        let millis = |at: time::OffsetDateTime| u64::try_from(at.unix_timestamp()).ok()?.checked_mul(1000);
        let (start, end) = (millis(info.suggested_window.start)?, millis(info.suggested_window.end)?);
        Some(((start, end), u64::try_from(again.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The account that was kept, else another.
    async fn account(&self, store: &Store, heard: Arc<AtomicU64>) -> Result<Account, Trouble> {
        let client = Client::new(Arc::clone(&self.tls), heard);
        let builder = Account::builder_with_http(Box::new(client));
        let kept = store.account(&self.directory);
        let kept = kept.and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let credentials =
            kept.as_ref().and_then(|kept| AccountCredentials::deserialize(&kept.credentials).ok());
        let contact: Vec<&str> = self.contact.iter().map(String::as_str).collect();
        let (Some(kept), Some(credentials)) = (kept, credentials) else {
            let wanted =
                NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
            let external = self
                .external
                .as_ref()
                .map(|external| ExternalAccountKey::new(external.id.clone(), &external.key));
            let made = builder.create(&wanted, self.directory.clone(), external.as_ref()).await;
            let (account, credentials) = made.map_err(Trouble::of)?;
            let credentials = serde_json::to_value(credentials);
            let credentials = credentials.map_err(|error| Trouble::State(error.to_string()))?;
            self.keep(store, credentials)?;
            tracing::info!(
                directory = self.directory,
                account = account.id(),
                "an account is made with the authority"
            );
            return Ok(account);
        };
        let account = builder.from_credentials(credentials).await.map_err(Trouble::of)?;
        if kept.contact != self.contact {
            account.update_contacts(&contact).await.map_err(Trouble::of)?;
            self.keep(store, kept.credentials)?;
        }
        Ok(account)
    }

    fn keep(&self, store: &Store, credentials: Value) -> Result<(), Trouble> {
        let kept = Kept { contact: self.contact.clone(), credentials };
        let text = serde_json::to_vec(&kept).map_err(|error| Trouble::State(error.to_string()))?;
        store.keep_account(&self.directory, &Zeroizing::new(text))
    }
}

/// base64url, as authorities hand it out, in a file that its owner alone may read.
fn external_key(path: &Path, place: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let secret = |cause| Error::Secret { setting: place.to_owned(), cause };
    durable::check_secret(path).map_err(secret)?;
    let text = durable::read_secret(path, KEY).map_err(secret)?;
    let text = std::str::from_utf8(&text).unwrap_or_default().trim().trim_end_matches('=');
    let key = BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|key| !key.is_empty());
    key.map(Zeroizing::new).ok_or_else(|| {
        Error::setting(place, "the file holds the key that the authority gave, in base64url and nothing else")
    })
}

fn identifier(current: &Current) -> Option<CertificateIdentifier<'static>> {
    let identifier = CertificateIdentifier::try_from(current.certificate().der()).ok()?;
    Some(identifier.into_owned())
}
