//! How the keystore logs in, and the token that it works with.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::http::{Answer, Http, VaultError};
use crate::{durable, error::Error};

/// The longest secret, certificate or bundle of authorities, in bytes.
const LONGEST: usize = 256 * 1024;

/// The longest that a token is used without another login, in seconds, whatever the Vault says.
const LONGEST_LEASE: u64 = 24 * 3600;

/// Where the Vault is, and who this keystore is to it.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// `https://host:port`.
    pub address: String,
    /// Authorities of its certificate, in PEM: nothing else is trusted.
    pub authorities: PathBuf,
    /// Path of the Transit engine, for instance `transit`.
    pub mount: String,
    /// What the names of this keystore's keys begin with.
    pub prefix: String,
    /// Who uses keys.
    pub login: VaultLogin,
    /// Who makes and destroys them, where that is somebody else.
    pub maker: Option<VaultLogin>,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
}

/// A login.
#[derive(Debug, Clone)]
pub enum VaultLogin {
    /// By certificate, over mutual TLS.
    Certificate {
        /// Certificate chain and key, in PEM, readable by this user only.
        identity: PathBuf,
        /// Name of the role, where one is to be named.
        role: Option<String>,
    },
    /// By AppRole.
    AppRole {
        /// The role's id.
        role_id: String,
        /// File with the secret id, readable by this user only; read at each login.
        secret_id: PathBuf,
    },
}

/// One login, and its token while it holds.
pub(super) struct Session {
    http: Http,
    login: VaultLogin,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
pub(super) struct Token {
    text: Zeroizing<String>,
    /// When another is asked for: at two thirds of its time.
    renew: Instant,
}

impl Session {
    pub(super) fn new(settings: &VaultSettings, login: &VaultLogin) -> Result<Self, Error> {
        let authorities = read(&settings.authorities, false)?;
        let identity = match login {
            VaultLogin::Certificate { identity, .. } => Some(read(identity, true)?),
            VaultLogin::AppRole { .. } => None,
        };
        let timeout = Duration::from_millis(settings.timeout_ms);
        let http =
            Http::start(&settings.address, &authorities, identity.as_deref().map(Vec::as_slice), timeout)?;
        Ok(Self { http, login: login.clone(), token: Mutex::new(None) })
    }

    /// Calls with a token; one that ended meanwhile is asked for anew, once.
    pub(super) fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Error> {
        let held = self.token()?;
        let answer = self.http.call(method, path, Some(&held.text), body)?;
        if answer.status != 403 {
            return Ok(answer);
        }
        self.forget(&held);
        let fresh = self.token()?;
        let answer = self.http.call(method, path, Some(&fresh.text), body)?;
        if answer.status == 403 { Err(VaultError::Denied(path.to_owned()).into()) } else { Ok(answer) }
    }

    /// Has a token.
    pub(super) fn begin(&self) -> Result<(), Error> {
        self.token().map(drop)
    }

    fn token(&self) -> Result<Token, Error> {
        let mut held = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = held.as_ref().filter(|token| Instant::now() < token.renew) {
            return Ok(token.clone());
        }
        let token = self.log_in()?;
        *held = Some(token.clone());
        Ok(token)
    }

    fn forget(&self, ended: &Token) {
        let mut held = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|token| token.text == ended.text) {
            *held = None;
        }
    }

    fn log_in(&self) -> Result<Token, Error> {
        let (path, body) = match &self.login {
            VaultLogin::Certificate { role: None, .. } => ("auth/cert/login", json!({})),
            VaultLogin::Certificate { role: Some(role), .. } => ("auth/cert/login", json!({"name": role})),
            VaultLogin::AppRole { role_id, secret_id } => {
                let secret = read(secret_id, true)?;
                let secret = std::str::from_utf8(&secret).map_err(|_| Error::Damaged(secret_id.clone()))?;
                ("auth/approle/login", json!({"role_id": role_id, "secret_id": secret.trim()}))
            }
        };
        let answer = self.http.call("POST", path, None, Some(&body))?;
        Token::of(&answer)
    }
}

impl Token {
    /// Of the answer to a login.
    pub(super) fn of(answer: &Answer) -> Result<Self, Error> {
        if answer.status != 200 {
            return Err(VaultError::Login(answer.words()).into());
        }
        let auth = answer.body.get("auth").ok_or(VaultError::Answer)?;
        let text = auth.get("client_token").and_then(Value::as_str).ok_or(VaultError::Answer)?;
        let seconds = auth.get("lease_duration").and_then(Value::as_u64).unwrap_or_default();
        // Zero: without end. It is asked for anew each hour all the same.
        let seconds = if seconds == 0 { 3600 } else { seconds.min(LONGEST_LEASE) };
        let renew = Instant::now() + Duration::from_secs(seconds) * 2 / 3;
        Ok(Self { text: Zeroizing::new(text.to_owned()), renew })
    }
}

fn read(path: &std::path::Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, Error> {
    if secret {
        durable::check_secret(path)?;
    }
    durable::read_secret(path, LONGEST)
}
