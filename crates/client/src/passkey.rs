//! A passkey held by a program: what a browser's authenticator does, for clients that have no browser.
//!
//! W3C Web Authentication Level 3: registration (§6.5, attestation "none") and assertion (§6.3.3), ES256 only.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::ClientError;

/// Authenticator data flags: user present, user verified, attested credential data included (§6.1).
const UP: u8 = 0x01;
const UV: u8 = 0x04;
const AT: u8 = 0x40;

/// A P-256 passkey kept by this process. `Debug` shows its credential id only.
pub struct SoftwarePasskey {
    key: EcdsaKeyPair,
    credential_id: Vec<u8>,
    user_handle: Vec<u8>,
    rp_id: String,
    origin: String,
}

/// A passkey as it is kept in a file of mode 0600.
#[derive(Serialize, Deserialize)]
pub struct StoredPasskey {
    credential_id: String,
    user_handle: String,
    private_key: String,
    rp_id: String,
    origin: String,
}

impl Drop for StoredPasskey {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

impl std::fmt::Debug for SoftwarePasskey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftwarePasskey({})", B64.encode(&self.credential_id))
    }
}

/// The answer of `navigator.credentials.create`, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationResponse {
    /// Credential id, base64url.
    pub id: String,
    /// The same, as browsers send it.
    #[serde(rename = "rawId")]
    pub raw_id: String,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Client data and attestation.
    pub response: RegistrationBody,
}

/// Client data and attestation object, base64url.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationBody {
    /// JSON of the client data.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// CBOR of the attestation object.
    #[serde(rename = "attestationObject")]
    pub attestation_object: String,
}

/// The answer of `navigator.credentials.get`, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssertionResponse {
    /// Credential id, base64url.
    pub id: String,
    /// The same, as browsers send it.
    #[serde(rename = "rawId")]
    pub raw_id: String,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Client data, authenticator data and signature.
    pub response: AssertionBody,
}

/// What was signed and the signature, base64url.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssertionBody {
    /// JSON of the client data.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// Authenticator data (37 bytes).
    #[serde(rename = "authenticatorData")]
    pub authenticator_data: String,
    /// ECDSA signature, DER.
    pub signature: String,
    /// The user handle given at registration.
    #[serde(rename = "userHandle")]
    pub user_handle: Option<String>,
}

impl SoftwarePasskey {
    /// Makes a passkey for `rp_id` as seen from `origin`, with the user handle of the creation options. Its key is ECDSA over P-256 (ES256).
    ///
    /// # Errors
    /// [`ClientError::Passkey`] when no key can be made.
    pub fn create(rp_id: &str, origin: &str, user_handle: &[u8]) -> Result<Self, ClientError> {
        let key =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| ClientError::Passkey)?;
        let credential_id = sceau_crypto::random::<32>().to_vec();
        Ok(Self {
            key,
            credential_id,
            user_handle: user_handle.to_vec(),
            rp_id: rp_id.to_owned(),
            origin: origin.to_owned(),
        })
    }

    /// Takes back a passkey that [`Self::store`] gave.
    ///
    /// # Errors
    /// [`ClientError::Passkey`] for what is none.
    pub fn load(stored: &StoredPasskey) -> Result<Self, ClientError> {
        let decode = |text: &str| B64.decode(text).map_err(|_| ClientError::Passkey);
        let pkcs8 = Zeroizing::new(decode(&stored.private_key)?);
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
            .map_err(|_| ClientError::Passkey)?;
        Ok(Self {
            key,
            credential_id: decode(&stored.credential_id)?,
            user_handle: decode(&stored.user_handle)?,
            rp_id: stored.rp_id.clone(),
            origin: stored.origin.clone(),
        })
    }

    /// The passkey with its private key, for a file that only its owner reads.
    ///
    /// # Errors
    /// [`ClientError::Passkey`] when the key cannot be written as PKCS #8.
    pub fn store(&self) -> Result<StoredPasskey, ClientError> {
        let pkcs8 = self.key.to_pkcs8v1().map_err(|_| ClientError::Passkey)?;
        Ok(StoredPasskey {
            credential_id: B64.encode(&self.credential_id),
            user_handle: B64.encode(&self.user_handle),
            private_key: B64.encode(pkcs8.as_ref()),
            rp_id: self.rp_id.clone(),
            origin: self.origin.clone(),
        })
    }

    /// The credential id.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The user handle that it was made with: the text of the account's id.
    pub(crate) fn user_handle(&self) -> &[u8] {
        &self.user_handle
    }

    /// Answers creation options whose challenge is `challenge` (base64url, as the server wrote it): Web Authentication Level 3, section 5.1.3.
    ///
    /// # Errors
    /// [`ClientError::Passkey`] when the key cannot be shown.
    pub fn register(&self, challenge: &str) -> Result<RegistrationResponse, ClientError> {
        let client_data = self.client_data("webauthn.create", challenge);
        let mut data = self.authenticator_data(UP | UV | AT);
        data.extend_from_slice(&[0; 16]); // AAGUID: none is claimed
        let id_length = u16::try_from(self.credential_id.len()).map_err(|_| ClientError::Passkey)?;
        data.extend_from_slice(&id_length.to_be_bytes());
        data.extend_from_slice(&self.credential_id);
        data.extend_from_slice(&self.cose_key()?);
        let attestation = cbor_attestation(&data);
        let id = B64.encode(&self.credential_id);
        Ok(RegistrationResponse {
            raw_id: id.clone(),
            id,
            kind: "public-key".to_owned(),
            response: RegistrationBody {
                client_data_json: B64.encode(client_data),
                attestation_object: B64.encode(attestation),
            },
        })
    }

    /// Signs `challenge` (base64url, as the server wrote it): Web Authentication Level 3, section 5.1.4.
    ///
    /// # Errors
    /// [`ClientError::Passkey`] when it cannot be signed.
    pub fn assert(&self, challenge: &str) -> Result<AssertionResponse, ClientError> {
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.authenticator_data(UP | UV);
        let mut signed = data.clone();
        signed.extend_from_slice(&sceau_crypto::sha256(client_data.as_bytes()));
        let signature = self.key.sign(&SystemRandom::new(), &signed).map_err(|_| ClientError::Passkey)?;
        let id = B64.encode(&self.credential_id);
        Ok(AssertionResponse {
            raw_id: id.clone(),
            id,
            kind: "public-key".to_owned(),
            response: AssertionBody {
                client_data_json: B64.encode(client_data),
                authenticator_data: B64.encode(data),
                signature: B64.encode(signature.as_ref()),
                user_handle: Some(B64.encode(&self.user_handle)),
            },
        })
    }

    fn client_data(&self, kind: &str, challenge: &str) -> String {
        serde_json::json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
    }

    /// rpIdHash ‖ flags ‖ counter. Synchronised passkeys keep the counter at zero (§6.1.1).
    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = sceau_crypto::sha256(self.rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend_from_slice(&[0; 4]);
        data
    }

    /// The public key as COSE_Key, in the canonical CTAP2 order of its map (RFC 9052 §7, RFC 9053 §7.1.1).
    fn cose_key(&self) -> Result<Vec<u8>, ClientError> {
        let point = self.key.public_key().as_ref();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
            return Err(ClientError::Passkey);
        };
        // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend_from_slice(x);
        cose.extend_from_slice(&[0x22, 0x58, 0x20]);
        cose.extend_from_slice(y);
        Ok(cose)
    }
}

/// `{"fmt": "none", "attStmt": {}, "authData": data}` (§8.7), data of at most 65,535 bytes.
fn cbor_attestation(data: &[u8]) -> Vec<u8> {
    let mut cbor = vec![0xa3, 0x63];
    cbor.extend_from_slice(b"fmt");
    cbor.push(0x64);
    cbor.extend_from_slice(b"none");
    cbor.push(0x67);
    cbor.extend_from_slice(b"attStmt");
    cbor.push(0xa0);
    cbor.push(0x68);
    cbor.extend_from_slice(b"authData");
    cbor.push(0x59);
    cbor.extend_from_slice(&(data.len() as u16).to_be_bytes());
    cbor.extend_from_slice(data);
    cbor
}
