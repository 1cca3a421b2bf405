//! A person at the platform, with a passkey that this program holds.

use sceau_element_api::documents::Document;
use sceau_element_api::proof::{Proof, login_challenge, passkey_challenge};
use sceau_element_api::{Base64Url, Kind, Nonce};
use sceau_trace::VerifierKey;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::passkey::AssertionResponse;
use crate::{ClientError, Server, SoftwarePasskey, Trust};

/// A signed-in person.
#[derive(Debug)]
pub struct Person {
    pub(crate) server: Server,
    /// None where a password was given.
    passkey: Option<SoftwarePasskey>,
    /// The account's id.
    pub account: String,
    /// The log key that this person trusts.
    pub(crate) log_key: VerifierKey,
}

/// Bytes to prove and the nonce of the proof.
#[derive(Debug, Deserialize)]
pub(crate) struct Prepared {
    pub(crate) payload: Base64Url,
    pub(crate) nonce: Nonce,
}

#[derive(Deserialize)]
struct Me {
    account: Account,
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

#[derive(Deserialize)]
struct Registration {
    registration_id: String,
    public_key: Value,
}

#[derive(Deserialize)]
struct Login {
    login_id: String,
    public_key: Value,
}

impl Person {
    /// Makes an account with a new passkey; with an invitation, of the invited role. The log key is pinned now (trust on first
    /// use) unless the caller knows it already.
    ///
    /// # Errors
    /// When the platform refuses or the log key is not the known one.
    pub async fn register(
        origin: &str,
        email: &str,
        name: &str,
        invitation: Option<&str>,
        known_log_key: Option<&VerifierKey>,
    ) -> Result<Self, ClientError> {
        let server = Server::new(origin, &Trust::default())?;
        let log_key = crate::trust::log_key(&server, known_log_key).await?;
        let mut begin = json!({"email": email, "name": name});
        if let (Some(invitation), Some(fields)) = (invitation, begin.as_object_mut()) {
            fields.insert("invitation".to_owned(), json!(invitation));
        }
        let begun: Registration = server.post("/v1/passkeys/register/begin", &begin).await?;
        let rp_id = text(&begun.public_key, "/rp/id")?;
        let handle =
            Base64Url::decode(text(&begun.public_key, "/user/id")?).map_err(|_| ClientError::Answer)?;
        let passkey = SoftwarePasskey::create(rp_id, &server.origin(), &handle)?;
        let credential = passkey.register(text(&begun.public_key, "/challenge")?)?;
        let finish = json!({"registration_id": begun.registration_id, "credential": credential});
        let _: Value = server.post("/v1/passkeys/register/finish", &finish).await?;
        Self::signed_in(server, Some(passkey), log_key).await
    }

    /// Signs in with a password: a citizen, who can then prove nothing beyond the platform's word.
    ///
    /// # Errors
    /// When the platform refuses or the log key is not the known one.
    pub async fn sign_in_with_password(
        origin: &str,
        trust: &Trust,
        email: &str,
        password: &str,
        known_log_key: Option<&VerifierKey>,
    ) -> Result<Self, ClientError> {
        let server = Server::new(origin, trust)?;
        let log_key = crate::trust::log_key(&server, known_log_key).await?;
        let _: Value =
            server.post("/v1/passwords/login", &json!({"email": email, "password": password})).await?;
        Self::signed_in(server, None, log_key).await
    }

    /// Signs in with a passkey that was kept.
    ///
    /// # Errors
    /// When the platform refuses or the log key is not the known one.
    pub async fn sign_in(
        origin: &str,
        passkey: SoftwarePasskey,
        known_log_key: Option<&VerifierKey>,
    ) -> Result<Self, ClientError> {
        let server = Server::new(origin, &Trust::default())?;
        let log_key = crate::trust::log_key(&server, known_log_key).await?;
        let begun: Login = server.post("/v1/passkeys/login/begin", &json!({})).await?;
        let given =
            Base64Url::decode(text(&begun.public_key, "/challenge")?).map_err(|_| ClientError::Answer)?;
        let credential = passkey.assert(&Base64Url(login_challenge(&given).to_vec()).encode())?;
        let finish = json!({"login_id": begun.login_id, "credential": credential});
        let _: Value = server.post("/v1/passkeys/login/finish", &finish).await?;
        Self::signed_in(server, Some(passkey), log_key).await
    }

    async fn signed_in(
        server: Server,
        passkey: Option<SoftwarePasskey>,
        log_key: VerifierKey,
    ) -> Result<Self, ClientError> {
        let me: Me = server.get("/v1/me").await?;
        Ok(Self { server, passkey, account: me.account.id, log_key })
    }

    /// The passkey, to keep it; none after [`Person::sign_in_with_password`].
    pub fn passkey(&self) -> Option<&SoftwarePasskey> {
        self.passkey.as_ref()
    }

    /// The account, as the passkey has it since it was made; the platform's word where a password was given.
    ///
    /// # Errors
    /// [`ClientError::Unproven`] when the platform now names another account than the passkey's.
    pub(crate) fn own_account(&self) -> Result<&str, ClientError> {
        match &self.passkey {
            Some(passkey) if passkey.user_handle() != self.account.as_bytes() => {
                Err(ClientError::Unproven("the platform names another account than the passkey’s".to_owned()))
            }
            _ => Ok(&self.account),
        }
    }

    /// The server, for calls that this crate does not wrap.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The log key that this person trusts.
    pub fn log_key(&self) -> &VerifierKey {
        &self.log_key
    }

    /// Proves that this person means `payload` as a document of `kind`.
    ///
    /// # Errors
    /// When there is no passkey, or it cannot sign.
    pub fn prove(&self, kind: Kind, payload: &[u8], nonce: Nonce) -> Result<Proof, ClientError> {
        let challenge = Base64Url(passkey_challenge(&nonce, kind, payload).to_vec()).encode();
        proof(&self.passkey().ok_or(ClientError::Passkey)?.assert(&challenge)?, nonce)
    }

    /// The two steps of a write that a passkey proves: ask for the document, hold it to what was `meant`, sign it, send both.
    ///
    /// # Errors
    /// [`ClientError::Unproven`] when the platform prepared something else, and nothing is signed then; when the platform or the element
    /// refuses.
    pub async fn proven_write<D: Document, T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        form: &Value,
        meant: impl FnOnce(&D) -> bool,
    ) -> Result<(T, D), ClientError> {
        let prepared: Prepared = self.server.post(&format!("{path}/prepare"), form).await?;
        let document = D::parse(&prepared.payload).map_err(|_| ClientError::Answer)?.document;
        if !meant(&document) {
            return Err(ClientError::Unproven(format!(
                "the platform prepared another {} than meant",
                D::KIND
            )));
        }
        let proof = self.prove(D::KIND, &prepared.payload, prepared.nonce)?;
        let answer = self.server.post(path, &json!({"payload": prepared.payload, "proof": proof})).await?;
        Ok((answer, document))
    }
}

fn proof(assertion: &AssertionResponse, nonce: Nonce) -> Result<Proof, ClientError> {
    let decode = |text: &str| Base64Url::decode(text).map_err(|_| ClientError::Passkey);
    Ok(Proof::Passkey {
        credential_id: decode(&assertion.id)?,
        authenticator_data: decode(&assertion.response.authenticator_data)?,
        client_data_json: decode(&assertion.response.client_data_json)?,
        signature: decode(&assertion.response.signature)?,
        nonce,
    })
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, ClientError> {
    value.pointer(pointer).and_then(Value::as_str).ok_or(ClientError::Answer)
}
