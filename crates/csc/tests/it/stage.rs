//! The service in this process, two holders, two applications.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use sceau_csc::{
    Asked, Bearer, Became, Credentials, Holders, Lang, Later, NotAsked, Plan, Service, Stamps, Tokens, Turn,
    Unstamped, routes,
};
use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_pki::{Authority, AuthorityProfile, CertificateRole, ClientProfile, Issued};
use sceau_store::{Clock as _, ManualClock};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const NOW: u64 = 1_795_397_664_000;
/// How long holders have.
pub(crate) const SECONDS: u64 = 120;
pub(crate) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(crate) const ECDSA: &str = "1.2.840.10045.4.3.2";

/// What holders do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Nothing,
    Signs,
    /// The host says so.
    Expired,
}

pub(crate) struct Told {
    pub(crate) does: Mutex<Does>,
    pub(crate) asked: Mutex<HashMap<KeyringRequestId, Asked>>,
    /// Whoever holds it keeps the host from answering.
    pub(crate) silence: tokio::sync::Mutex<()>,
    keys: HashMap<KeyringId, Issued>,
    clock: Arc<ManualClock>,
}

impl Holders for Told {
    fn ask(&self, asked: Asked) -> Later<'_, Result<(KeyringRequestId, u64), NotAsked>> {
        let (id, ends) = (KeyringRequestId::random(), self.clock.now_ms() + asked.seconds * 1000);
        self.asked.lock().unwrap().insert(id, asked);
        Box::pin(async move {
            drop(self.silence.lock().await);
            Ok((id, ends))
        })
    }

    fn became(&self, request: KeyringRequestId) -> Later<'_, Result<Became, NotAsked>> {
        let asked = self.asked.lock().unwrap()[&request].clone();
        let became = match *self.does.lock().unwrap() {
            Does::Nothing => Became::Waiting,
            Does::Expired => Became::Silent,
            Does::Signs => {
                let issued = &self.keys[&asked.keyring];
                let signatures =
                    asked.items.iter().map(|(_, hash)| issued.key().sign_digest(hash).unwrap()).collect();
                Became::Signed { signatures, certificate: Some(issued.certificate().der().to_vec()) }
            }
        };
        Box::pin(async move { Ok(became) })
    }
}

/// Tokens are called by whom they stand for, turns are counted.
pub(crate) struct Named {
    bearers: HashMap<String, Bearer>,
    /// Turns that are left.
    pub(crate) turns: Arc<AtomicUsize>,
}

struct Taken(Arc<AtomicUsize>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Tokens for Named {
    fn bearer(&self, token: &str) -> Option<Bearer> {
        self.bearers.get(token).cloned()
    }

    fn turn(&self, _: &Bearer, _: u64) -> Option<Turn> {
        let less = |left: usize| left.checked_sub(1);
        self.turns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(Box::new(Taken(Arc::clone(&self.turns))))
    }
}

/// An authority that is away each second time.
#[derive(Default)]
pub(crate) struct Counting(pub(crate) AtomicUsize);

impl Stamps for Counting {
    fn stamp(&self, _: [u8; 32], _: [u8; 16]) -> Later<'_, Result<Vec<u8>, Unstamped>> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        // A CMS of no content: it is not judged here.
        let stamp = [0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02].to_vec();
        Box::pin(async move { if count % 2 == 1 { Err(Unstamped("away".to_owned())) } else { Ok(stamp) } })
    }
}

pub(crate) struct Stage {
    router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) holders: Arc<Told>,
    pub(crate) tokens: Arc<Named>,
    pub(crate) stamps: Arc<Counting>,
    pub(crate) marie: KeyringId,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn raise() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let authority = Authority::create(&AuthorityProfile::of("Notaires"), NOW).unwrap();
        let mut keys = HashMap::new();
        let mut bearers = HashMap::new();
        let people = ["marie", "pierre"].map(|name| (name, KeyringId::random()));
        for (name, keyring) in people {
            let issued = authority.issue_client(&ClientProfile::new(name, CertificateRole::Connector), NOW);
            let issued = issued.unwrap();
            let path = folder.path().join(format!("{keyring}.pem"));
            std::fs::write(path, issued.certificate().to_pem()).unwrap();
            keys.insert(keyring, issued);
            for client in ["archive", "other"] {
                let bearer = Bearer {
                    client: client.to_owned(),
                    name: format!("Site {client}"),
                    keyring,
                    service: true,
                };
                bearers.insert(format!("{client}/{name}"), bearer);
            }
        }
        let holders = Arc::new(Told {
            does: Mutex::new(Does::Nothing),
            asked: Mutex::default(),
            silence: tokio::sync::Mutex::default(),
            keys,
            clock: Arc::clone(&clock),
        });
        let tokens = Arc::new(Named { bearers, turns: Arc::new(AtomicUsize::new(100)) });
        let stamps = Arc::new(Counting::default());
        let plan = Plan {
            issuer: "https://login.example.org".to_owned(),
            name: "Notaires".to_owned(),
            logo: "https://www.example.org/logo.png".to_owned(),
            region: "FR".to_owned(),
            description: "Signature".to_owned(),
            lang: Lang::En,
            most: 100,
            seconds: SECONDS,
        };
        let service = Service::new(
            plan,
            Credentials::new(folder.path().to_owned(), authority.certificate().clone()),
            Arc::clone(&holders) as _,
            Arc::clone(&tokens) as _,
            Some(Arc::clone(&stamps) as _),
            Arc::clone(&clock) as _,
        );
        let marie = people[0].1;
        Self { router: routes(service), clock, holders, tokens, stamps, marie, _folder: folder }
    }

    pub(crate) fn holders_do(&self, does: Does) {
        *self.holders.does.lock().unwrap() = does;
    }

    /// A call by this token: status and answer.
    pub(crate) async fn call(&self, token: &str, method: &str, members: Value) -> (u16, Value) {
        self.send(token, method, members.to_string().into()).await
    }

    pub(crate) async fn send(&self, token: &str, method: &str, body: Body) -> (u16, Value) {
        let request =
            Request::post(format!("/csc/v2/{method}")).header("authorization", format!("Bearer {token}"));
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Marie is asked to sign these by the first application; the handle.
    pub(crate) async fn authorized(&self, hashes: &[[u8; 32]]) -> String {
        let hashes: Vec<_> = hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        let members = json!({"credentialID": self.marie, "numSignatures": hashes.len(), "hashes": hashes, "hashAlgorithmOID": SHA256});
        let (status, told) = self.call("archive/marie", "credentials/authorize", members).await;
        assert_eq!(status, 202, "{told}");
        told["handle"].as_str().unwrap().to_owned()
    }

    /// Activation data, once she agreed.
    pub(crate) async fn activation(&self, handle: &str) -> String {
        self.holders_do(Does::Signs);
        let told = self.call("archive/marie", "credentials/authorizeCheck", json!({"handle": handle})).await;
        assert_eq!(told.0, 200, "{told:?}");
        self.holders_do(Does::Nothing);
        told.1["SAD"].as_str().unwrap().to_owned()
    }

    /// A call of `signatures/signHash` for one hash that is not waited for.
    pub(crate) async fn signed_later(&self, sad: &str, hash: [u8; 32]) -> (u16, Value) {
        let members = json!({"credentialID": self.marie, "SAD": sad, "hashes": [STANDARD.encode(hash)], "hashAlgorithmOID": SHA256, "signAlgo": ECDSA, "operationMode": "A"});
        self.call("archive/marie", "signatures/signHash", members).await
    }

    /// Digests of prepared documents, to be signed by Marie.
    pub(crate) fn digests(&self, hashes: usize, level: &str) -> Value {
        let hashes: Vec<_> =
            (0..hashes).map(|at| STANDARD.encode([u8::try_from(at % 256).unwrap(); 32])).collect();
        json!({"credentialID": self.marie, "operationMode": "A", "documentDigests": [{
            "hashes": hashes, "hashAlgorithmOID": SHA256, "signature_format": "P", "conformance_level": level,
            "signAlgo": ECDSA, "signed_envelope_property": "Revision"}]})
    }
}
