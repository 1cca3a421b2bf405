use sceau_crypto::{SigningKey, random, sha256};
use sceau_element_api::proof::{login_challenge, passkey_challenge};
use sceau_element_api::{Base64Url, Kind, Nonce};
use serde_json::{Value, json};

/// An authenticator in software: Ed25519, discoverable, counting.
pub struct SoftPasskey {
    key: SigningKey,
    pub id: Vec<u8>,
    pub user_handle: String,
    pub origin: String,
    pub user_verified: bool,
    pub counter: u32,
}

pub fn b64(bytes: &[u8]) -> String {
    Base64Url(bytes.to_vec()).encode()
}

impl SoftPasskey {
    pub fn new(origin: &str) -> Self {
        let id = random::<32>().to_vec();
        let origin = origin.to_owned();
        Self {
            key: SigningKey::generate(),
            id,
            user_handle: String::new(),
            origin,
            user_verified: true,
            counter: 0,
        }
    }

    fn authenticator_data(&mut self, more_flags: u8) -> Vec<u8> {
        self.counter += 1;
        let mut data = sha256(b"sceau.localhost").to_vec();
        data.push(0x01 | if self.user_verified { 0x04 } else { 0 } | more_flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, ceremony: &str, challenge: &str) -> Vec<u8> {
        json!({"type": ceremony, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    /// The answer to `navigator.credentials.create` with these options.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user_handle = options["user"]["id"].as_str().unwrap().to_owned();
        let client_data = self.client_data("webauthn.create", options["challenge"].as_str().unwrap());
        let mut data = self.authenticator_data(0x40);
        data.extend([0; 16]);
        data.extend(32_u16.to_be_bytes());
        data.extend(&self.id);
        // COSE_Key {1: 1 (OKP), 3: -8 (EdDSA), -1: 6 (Ed25519), -2: x}
        data.extend([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
        data.extend(self.key.verifying_key().as_bytes());
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        json!({"id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": {"clientDataJSON": b64(&client_data), "attestationObject": b64(&object)}})
    }

    fn sign(&mut self, challenge: &str) -> (Vec<u8>, Vec<u8>, [u8; 64]) {
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.authenticator_data(0);
        let signature = self.key.sign(&[&data[..], &sha256(&client_data)].concat());
        (client_data, data, signature)
    }

    /// The answer to `navigator.credentials.get` of the page that signs in with these options.
    pub fn get(&mut self, options: &Value) -> Value {
        let given = Base64Url::decode(options["challenge"].as_str().unwrap()).unwrap();
        self.answer(&b64(&login_challenge(&given)))
    }

    /// The answer of a page that has this signed as it came.
    pub fn answer(&mut self, challenge: &str) -> Value {
        let (client_data, data, signature) = self.sign(challenge);
        json!({"id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key",
            "response": {"clientDataJSON": b64(&client_data), "authenticatorData": b64(&data),
                "signature": b64(&signature), "userHandle": self.user_handle}})
    }

    /// The proof over what a `prepare` call answered.
    pub fn prove(&mut self, kind: Kind, payload: &[u8], nonce: Nonce) -> Value {
        let (client_data, data, signature) = self.sign(&b64(&passkey_challenge(&nonce, kind, payload)));
        json!({"type": "passkey", "credential_id": b64(&self.id), "authenticator_data": b64(&data),
            "client_data_json": b64(&client_data), "signature": b64(&signature), "nonce": b64(&nonce.0)})
    }
}
