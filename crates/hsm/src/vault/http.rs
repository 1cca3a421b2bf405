//! HTTPS to the Vault, for callers that wait: one thread of its own does the work, with a time-out on each call.

use std::sync::mpsc;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Method};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::Error;

/// The longest answer, in bytes.
const LONGEST: usize = 1 << 20;

/// What is wrong with the Vault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// An address, authority or identity that is none.
    #[error("the Vault's {0}")]
    Settings(&'static str),
    /// It does not answer.
    #[error("the Vault does not answer: {0}; nothing is done without it")]
    Unreachable(String),
    /// It is sealed, or not ready.
    #[error("the Vault is sealed or not ready ({0}): unseal it; nothing is done without it")]
    Sealed(u16),
    /// The login is refused.
    #[error("the Vault refuses the login: {0}")]
    Login(String),
    /// The token may not do this.
    #[error("the Vault's policy does not let this key manager use {0}")]
    Denied(String),
    /// It refuses what was asked.
    #[error("the Vault refuses ({status}): {words}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        words: String,
    },
    /// The key there is not what this keystore makes: another type, one that may be exported, or one that was imported.
    #[error(
        "the Vault's key {0} is of another type, exportable or imported: this keystore did not make it; name another prefix"
    )]
    Foreign(String),
    /// The answer has not the form of a Vault's.
    #[error("the answer is not a Vault's: check address and mount")]
    Answer,
}

impl VaultError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings(_) => "hsm_vault_settings",
            Self::Unreachable(_) => "hsm_vault_unreachable",
            Self::Sealed(_) => "hsm_vault_sealed",
            Self::Login(_) => "hsm_vault_login",
            Self::Denied(_) => "hsm_vault_denied",
            Self::Refused { .. } => "hsm_vault_refused",
            Self::Foreign(_) => "hsm_vault_foreign_key",
            Self::Answer => "hsm_vault_answer",
        }
    }

    /// Whether the same may work later without anybody changing a setting.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Sealed(_))
    }
}

/// An answer: a status and a JSON document, null where there is none.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// What it says is wrong: bounded, without what steers a terminal.
    pub(super) fn words(&self) -> String {
        let errors = self.body.get("errors").and_then(Value::as_array);
        let texts = errors.into_iter().flatten().filter_map(Value::as_str);
        let text = texts.collect::<Vec<_>>().join("; ");
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
    }
}

struct Job {
    method: &'static str,
    path: String,
    token: Option<Zeroizing<String>>,
    body: Option<Zeroizing<Vec<u8>>>,
    done: mpsc::SyncSender<Result<Answer, VaultError>>,
}

/// The connection. Its thread ends with it.
pub(super) struct Http {
    jobs: tokio::sync::mpsc::UnboundedSender<Job>,
    timeout: Duration,
}

impl Http {
    pub(super) fn start(
        address: &str,
        authorities: &[u8],
        identity: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let bad = |what| Error::from(VaultError::Settings(what));
        let origin = address.trim_end_matches('/').to_owned();
        if !origin.starts_with("https://") {
            return Err(bad("address is https://host:port"));
        }
        let anchors = Certificate::from_pem_bundle(authorities).ok().filter(|all| !all.is_empty());
        let anchors = anchors.ok_or_else(|| bad("authorities are not certificates in PEM"))?;
        let mut builder = Client::builder()
            .tls_certs_only(anchors)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout)
            .timeout(timeout);
        if let Some(pem) = identity {
            let identity = Identity::from_pem(pem)
                .map_err(|_| bad("identity is not a certificate and its key in PEM"))?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(|_| bad("connection cannot be made"))?;
        let (jobs, mut waiting) = tokio::sync::mpsc::unbounded_channel::<Job>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| bad("connection cannot be made"))?;
        let work = move || {
            runtime.block_on(async move {
                while let Some(job) = waiting.recv().await {
                    let (client, origin) = (client.clone(), origin.clone());
                    tokio::spawn(async move {
                        let answer = ask(&client, &origin, &job).await;
                        // Who asked may have given up.
                        drop(job.done.send(answer));
                    });
                }
            });
        };
        std::thread::Builder::new()
            .name("vault".to_owned())
            .spawn(work)
            .map_err(|_| bad("connection cannot be made"))?;
        Ok(Self { jobs, timeout })
    }

    pub(super) fn call(
        &self,
        method: &'static str,
        path: &str,
        token: Option<&Zeroizing<String>>,
        body: Option<&Value>,
    ) -> Result<Answer, Error> {
        let away = |why: &str| Error::from(VaultError::Unreachable(why.to_owned()));
        let body = body.map(|body| Zeroizing::new(body.to_string().into_bytes()));
        let (done, answer) = mpsc::sync_channel(1);
        let job = Job { method, path: path.to_owned(), token: token.cloned(), body, done };
        self.jobs.send(job).map_err(|_| away("its connection ended"))?;
        let answer = wait(&answer, self.timeout * 3).map_err(|_| away("no answer in time"))??;
        match answer.status {
            // Sealed, not initialised, a standby that forwards nothing (Vault's sys/health).
            501 | 503 | 472 | 473 => Err(VaultError::Sealed(answer.status).into()),
            _ => Ok(answer),
        }
    }
}

/// Waits; a thread that works for many lets another one take its place meanwhile. The call has its own time-out, connection included; this
/// one is for a thread that died.
fn wait<T>(answer: &mpsc::Receiver<T>, most: Duration) -> Result<T, mpsc::RecvTimeoutError> {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(|| answer.recv_timeout(most))
        }
        _ => answer.recv_timeout(most),
    }
}

async fn ask(client: &Client, origin: &str, job: &Job) -> Result<Answer, VaultError> {
    let away = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        VaultError::Unreachable(cause.to_string())
    };
    let method = Method::from_bytes(job.method.as_bytes()).map_err(|_| VaultError::Answer)?;
    let mut request =
        client.request(method, format!("{origin}/v1/{}", job.path)).header("x-vault-request", "true");
    if let Some(token) = &job.token {
        request = request.header("x-vault-token", token.as_str());
    }
    if let Some(body) = &job.body {
        request = request.header("content-type", "application/json").body(body.to_vec());
    }
    let mut response = request.send().await.map_err(away)?;
    let status = response.status().as_u16();
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err(VaultError::Answer);
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.is_empty() {
        return Ok(Answer { status, body: Value::Null });
    }
    let body = serde_json::from_slice(&bytes).map_err(|_| VaultError::Answer)?;
    Ok(Answer { status, body })
}
