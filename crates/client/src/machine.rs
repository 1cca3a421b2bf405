//! A machine of an organisation: a confidential client with a token that it renews.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::trust::OfferedKey;
use crate::{ClientError, Server, Trust};

/// Client credentials (RFC 6749 §4.4), as the platform gave them once.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    /// Public id.
    pub client_id: String,
    /// Secret.
    #[serde(deserialize_with = "secret")]
    pub client_secret: Zeroizing<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({}, redacted)", self.client_id)
    }
}

/// A key manager's or connector's link to the platform.
#[derive(Debug)]
pub struct Machine {
    server: Server,
    organisation: String,
    credentials: Credentials,
    scope: &'static str,
    /// Whether a token was asked for that still holds.
    signed_in: Mutex<bool>,
}

/// A dossier that still needs its key.
#[derive(Debug, Clone, Deserialize)]
pub struct KeyInUse {
    /// The dossier.
    pub dossier: String,
    /// The key that it is sealed to.
    pub key_id: String,
    /// Its state.
    pub state: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Indices {
    indices: Vec<u64>,
}

#[derive(Deserialize)]
struct DecisionReceipt {
    evidence: Value,
}

impl Machine {
    /// The link of `organisation`'s machine to the platform at `origin`.
    ///
    /// # Errors
    /// When the address is not one.
    pub fn new(
        origin: &str,
        organisation: &str,
        credentials: Credentials,
        trust: &Trust,
    ) -> Result<Self, ClientError> {
        Self::of_scope("key_manager", origin, organisation, credentials, trust)
    }

    /// The link of a machine that may do what `scope` says.
    pub(crate) fn of_scope(
        scope: &'static str,
        origin: &str,
        organisation: &str,
        credentials: Credentials,
        trust: &Trust,
    ) -> Result<Self, ClientError> {
        let server = Server::new(origin, trust)?;
        let signed_in = Mutex::new(false);
        Ok(Self { server, organisation: organisation.to_owned(), credentials, scope, signed_in })
    }

    /// Publishes a key statement; the answer is the platform's acknowledgement, to be verified by the caller.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn publish_key(&self, statement_jws: &str) -> Result<OfferedKey, ClientError> {
        let path = format!("/v1/organisations/{}/key-statements", self.organisation);
        self.with_token(|| async { self.server.put(&path, &json!({"jws": statement_jws})).await }).await
    }

    /// The key statements that the platform shows for this organisation.
    ///
    /// # Errors
    /// When the platform does not answer.
    pub async fn published_keys(&self) -> Result<Vec<Value>, ClientError> {
        self.server.get(&format!("/v1/organisations/{}/key-statements", self.organisation)).await
    }

    /// Delivers signed records; the answer is their log indices.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn deliver_records(&self, jws: &[String]) -> Result<Vec<u64>, ClientError> {
        let path = format!("/v1/organisations/{}/records", self.organisation);
        let answer: Indices =
            self.with_token(|| async { self.server.post(&path, &json!({"jws": jws})).await }).await?;
        Ok(answer.indices)
    }

    /// Delivers a signed decision; the answer is the evidence of its attestation.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn deliver_decision(&self, jws: &str) -> Result<Value, ClientError> {
        let path = format!("/v1/organisations/{}/decisions", self.organisation);
        let answer: DecisionReceipt =
            self.with_token(|| async { self.server.post(&path, &json!({"jws": jws})).await }).await?;
        Ok(answer.evidence)
    }

    /// The dossiers of this organisation with the keys that they are sealed to.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn keys_in_use(&self) -> Result<Vec<KeyInUse>, ClientError> {
        let path = format!("/v1/organisations/{}/open-dossiers", self.organisation);
        self.with_token(|| async { self.server.get(&path).await }).await
    }

    /// The organisation's id.
    pub(crate) fn organisation(&self) -> &str {
        &self.organisation
    }

    /// The platform, for public reads (checkpoint, tiles).
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Calls with a token, asking for a new one when there is none or it was refused.
    pub(crate) async fn with_token<T, F>(&self, call: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        {
            let mut signed_in = self.signed_in.lock().await;
            if !*signed_in {
                self.renew().await?;
                *signed_in = true;
            }
        }
        match call().await {
            Err(ClientError::Refused { status: 401, .. }) => {
                self.renew().await?;
                call().await
            }
            answer => answer,
        }
    }

    async fn renew(&self) -> Result<(), ClientError> {
        let credentials = (self.credentials.client_id.as_str(), self.credentials.client_secret.as_str());
        let fields = [("grant_type", "client_credentials"), ("scope", self.scope)];
        let token: Token = self.server.post_form("/v1/oauth/token", credentials, &fields).await?;
        self.server.set_bearer(Some(token.access_token));
        Ok(())
    }
}

pub(crate) fn secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}
