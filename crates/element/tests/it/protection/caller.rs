//! An application, its session keys, and the database that keeps its rows.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_crypto::jose::jwe::{Encrypted, KeyAlgorithm, KeyKind, PrivateKey};
use sceau_crypto::{Secret, SigningKey};
use sceau_element_api::documents::{
    ApplicationDocument, ApplicationKey, ApplicationStatus, KeyPurpose, KeyStanding,
};
use sceau_element_api::protect::{AskedOfDatum, Called, DatumId, KeptRow, KeyMembers};
use sceau_element_api::wire::Code;
use sceau_element_api::{ApplicationId, Base64Url, CallError, Client, Kind, OrganisationId};
use serde_json::{Value, json};

use crate::house::{
    Element, Keeping, ORIGIN, Organisation, Person, by_passkey, organisation, platform_admin, staff,
};
use sceau_element_api::Role;

/// An element that protects data of two organisations, one of them with an application.
pub(crate) struct Protected {
    pub(crate) element: Element,
    pub(crate) admin: Person,
    pub(crate) organisation: Organisation,
    pub(crate) administrator: Person,
    pub(crate) application: Caller,
}

impl Protected {
    pub(crate) async fn begin() -> Self {
        Self::begin_with(Keeping::in_files(2)).await
    }

    /// With keys that are kept so.
    pub(crate) async fn begin_with(keeping: Keeping) -> Self {
        let element = Element::resume_with(tempfile::tempdir().unwrap(), sceau_crypto::random(), keeping);
        let client = &element.client;
        let admin = platform_admin(client).await;
        let organisation = organisation(client, &admin).await;
        let administrator = staff(client, &admin, Role::OrganisationAdmin, organisation.id).await;
        let application = Caller::new(organisation.id);
        by_passkey(client, &administrator, &application.document, None).await.unwrap();
        Self { element, admin, organisation, administrator, application }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.element.client
    }
}

/// An application, which signs with Ed25519.
pub(crate) struct Caller {
    pub(crate) document: ApplicationDocument,
    pub(crate) key: SigningKey,
    pub(crate) rows: HashMap<DatumId, KeptRow>,
    session: PrivateKey,
    /// The last call's `jti`.
    asked: String,
}

/// A data key, as a caller has it.
#[derive(Debug, PartialEq)]
pub(crate) struct DataKey {
    pub(crate) key: Vec<u8>,
    pub(crate) iv: Vec<u8>,
}

pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn key_of(kid: &str, key: &SigningKey) -> ApplicationKey {
    let x = Base64Url(key.verifying_key().as_bytes().to_vec()).encode();
    let jwk =
        KeyMembers { kty: "OKP".into(), crv: Some("Ed25519".into()), x: Some(x), y: None, n: None, e: None };
    ApplicationKey {
        kid: kid.into(),
        purpose: KeyPurpose::default(),
        alg: "EdDSA".into(),
        jwk,
        status: KeyStanding::Active,
    }
}

impl Caller {
    pub(crate) fn new(organisation: OrganisationId) -> Self {
        let key = SigningKey::generate();
        let document = ApplicationDocument {
            v: 1,
            application: ApplicationId::random(),
            organisation,
            name: "Dossiers médicaux".into(),
            keys: vec![key_of("one", &key)],
            status: ApplicationStatus::Active,
            provider: None,
        };
        let session = PrivateKey::generate(KeyKind::X25519, KeyAlgorithm::EcdhEs).unwrap();
        Self { document, key, rows: HashMap::new(), session, asked: String::new() }
    }

    /// What a call says, to be changed and signed.
    pub(crate) fn claims(&self, user: &str, op: Value) -> Value {
        let now = seconds();
        json!({
            "iss": self.document.application, "aud": ORIGIN, "iat": now, "exp": now + 120,
            "jti": hex::encode(sceau_crypto::random::<16>()), "sub": user, "op": op,
        })
    }

    pub(crate) fn session(&self) -> Value {
        let public: Value = serde_json::from_str(&self.session.public().jwk().to_json()).unwrap();
        json!({"alg": "ECDH-ES", "jwk": {"kty": "OKP", "crv": "X25519", "x": public["x"]}})
    }

    pub(crate) fn create(&self) -> Value {
        json!({"create": {"name": "Ordonnance", "tags": ["2026"], "session": self.session()}})
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        sign(&self.key, &json!({"alg": "EdDSA", "kid": "one", "typ": "sceau-protect-call"}), claims)
    }

    /// Brings a signed call to the element with the row that the database has, and keeps what it answers.
    pub(crate) async fn bring(&mut self, client: &Client, call: String) -> Result<Called, CallError> {
        let claims = sceau_element_api::protect::Claims::unverified(&call).ok();
        self.asked = claims.as_ref().map(|claims| claims.jti.clone()).unwrap_or_default();
        let datum = claims.and_then(|claims| claims.op.datum());
        let row = datum.and_then(|datum| self.rows.get(&datum).cloned());
        let called = client.protect(AskedOfDatum { call, address: "192.0.2.7".parse().ok(), row }).await?;
        if let Some((_, kept)) = &called.changed {
            self.rows.insert(called.datum, kept.clone());
        }
        Ok(called)
    }

    pub(crate) async fn ask(&mut self, client: &Client, user: &str, op: Value) -> Result<Called, CallError> {
        let call = self.sign(&self.claims(user, op));
        self.bring(client, call).await
    }

    /// The same as a keyfront does: a row that is not the current one is brought back from the element.
    pub(crate) async fn ask_mending(
        &mut self,
        client: &Client,
        user: &str,
        op: Value,
    ) -> Result<Called, CallError> {
        let call = self.sign(&self.claims(user, op));
        match self.bring(client, call.clone()).await {
            Err(CallError::Refused(refusal)) if refusal.code == Code::RowAltered => {
                let datum =
                    sceau_element_api::protect::Claims::unverified(&call).unwrap().op.datum().unwrap();
                let (_, kept) = client.kept(Kind::Datum, datum).await.unwrap().unwrap();
                self.rows.insert(datum, kept);
                self.bring(client, call).await
            }
            answered => answered,
        }
    }

    pub(crate) fn opening(&self, of: &Called) -> Value {
        json!({"open": {"datum": of.datum, "wrapped_key": of.wrapped_key, "session": self.session()}})
    }

    /// The data key of the last call's answer, opened with the session's private key.
    pub(crate) fn data_key(&self, called: &Called) -> DataKey {
        self.data_key_of(called, &self.asked)
    }

    /// The data key of an answer to the call of this `jti`.
    pub(crate) fn data_key_of(&self, called: &Called, asked: &str) -> DataKey {
        let (jwk, key) = self.opened_key(called, asked);
        assert_eq!(jwk.get("item"), None, "a call is no batch");
        key
    }

    /// That of the datum at this place of a batch.
    pub(crate) fn data_key_of_batch(&self, called: &Called, (asked, at): (&str, usize)) -> DataKey {
        let (jwk, key) = self.opened_key(called, asked);
        assert_eq!(jwk["item"], at, "it is for its place");
        key
    }

    fn opened_key(&self, called: &Called, asked: &str) -> (Value, DataKey) {
        let message = Encrypted::parse(called.data_key.as_ref().unwrap(), KeyAlgorithm::HOUSE).unwrap();
        let text = message.decrypt(&self.session).unwrap();
        let jwk: Value = serde_json::from_slice(text.expose()).unwrap();
        assert_eq!(jwk["kid"], called.datum.to_string());
        assert_eq!(jwk["call"], asked, "an answer says which call it answers");
        let part = |name: &str| Base64Url::decode(jwk[name].as_str().unwrap()).unwrap().0;
        let key = DataKey { key: part("k"), iv: part("iv") };
        assert_eq!((key.key.len(), key.iv.len()), (32, 12));
        assert!(Secret::<32>::from_slice(&key.key).is_ok());
        (jwk, key)
    }
}

pub(crate) fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| Base64Url(value.to_string().into_bytes()).encode();
    let input = format!("{}.{}", part(header), part(claims));
    let signature = Base64Url(key.sign(input.as_bytes()).to_vec()).encode();
    format!("{input}.{signature}")
}
