//! A passkey authenticator and its browser, for tests: it makes what WebAuthn says, or what a test asks it to get wrong.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use sceau_crypto::{SigningKey, random, sha256};
use sceau_element_api::proof::{Proof, passkey_challenge};
use sceau_element_api::{Base64Url, Kind, Nonce};

pub(crate) const UP: u8 = 0x01;
pub(crate) const UV: u8 = 0x04;
const ATTESTED: u8 = 0x40;

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(SigningKey),
}

pub(crate) struct Authenticator {
    key: Key,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    pub(crate) flags: u8,
    pub(crate) cross_origin: bool,
}

pub(crate) struct Signed {
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) client_data_json: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Authenticator {
    pub(crate) fn es256() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        Self::with(Key::Es256(pair))
    }

    pub(crate) fn eddsa() -> Self {
        Self::with(Key::EdDsa(SigningKey::generate()))
    }

    fn with(key: Key) -> Self {
        Self {
            key,
            credential_id: random::<16>().to_vec(),
            rp_id: "sceau.localhost".to_owned(),
            origin: "http://sceau.localhost:8080".to_owned(),
            flags: UP | UV,
            cross_origin: false,
        }
    }

    /// The COSE_Key of the passkey.
    pub(crate) fn cose_key(&self) -> Vec<u8> {
        let int = |value: i64| Value::Integer(value.into());
        let members = match &self.key {
            Key::Es256(pair) => {
                let point = pair.public_key().as_ref().to_vec();
                let (x, y) = (point[1..33].to_vec(), point[33..].to_vec());
                vec![
                    (int(1), int(2)),
                    (int(3), int(-7)),
                    (int(-1), int(1)),
                    (int(-2), Value::Bytes(x)),
                    (int(-3), Value::Bytes(y)),
                ]
            }
            Key::EdDsa(key) => vec![
                (int(1), int(1)),
                (int(3), int(-8)),
                (int(-1), int(6)),
                (int(-2), Value::Bytes(key.verifying_key().as_bytes().to_vec())),
            ],
        };
        cbor(&Value::Map(members))
    }

    pub(crate) fn client_data(&self, ceremony: &str, challenge: &[u8]) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let (origin, crossed) = (&self.origin, self.cross_origin);
        format!(
            r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}","crossOrigin":{crossed},"other_keys_can_be_added_here":"do not compare clientDataJSON against a template"}}"#
        )
        .into_bytes()
    }

    /// `clientDataJSON` and `attestationObject` of a registration, attestation "none".
    #[allow(dead_code, reason = "only the tests of registrations register")]
    pub(crate) fn register(&self, challenge: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut data = self.authenticator_data(self.flags | ATTESTED);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&(self.credential_id.len() as u16).to_be_bytes());
        data.extend_from_slice(&self.credential_id);
        data.extend_from_slice(&self.cose_key());
        let text = |text: &str| Value::Text(text.to_owned());
        let object = Value::Map(vec![
            (text("fmt"), text("none")),
            (text("attStmt"), Value::Map(vec![])),
            (text("authData"), Value::Bytes(data)),
        ]);
        (self.client_data("webauthn.create", challenge), cbor(&object))
    }

    pub(crate) fn sign(&self, challenge: &[u8]) -> Signed {
        let authenticator_data = self.authenticator_data(self.flags);
        let client_data_json = self.client_data("webauthn.get", challenge);
        let message = [authenticator_data.as_slice(), &sha256(&client_data_json)].concat();
        let signature = match &self.key {
            Key::Es256(pair) => pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(&message).to_vec(),
        };
        Signed { authenticator_data, client_data_json, signature }
    }

    /// The proof that this passkey asks for `payload`.
    pub(crate) fn prove(&self, nonce: Nonce, kind: Kind, payload: &[u8]) -> Proof {
        let signed = self.sign(&passkey_challenge(&nonce, kind, payload));
        Proof::Passkey {
            credential_id: Base64Url(self.credential_id.clone()),
            authenticator_data: Base64Url(signed.authenticator_data),
            client_data_json: Base64Url(signed.client_data_json),
            signature: Base64Url(signed.signature),
            nonce,
        }
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        [&sha256(self.rp_id.as_bytes()), [flags].as_slice(), &0_u32.to_be_bytes()].concat()
    }
}

pub(crate) fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
