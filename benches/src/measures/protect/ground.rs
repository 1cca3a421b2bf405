//! An element, a keyfront, and an organisation with an administrator who registers applications.

use std::net::SocketAddr;
use std::time::Instant;

use sceau_crypto::jose::jwe::{KeyAlgorithm, KeyKind, PrivateKey};
use sceau_crypto::{SigningKey, sha256};
use sceau_element_api::documents::{
    AccountDocument, AccountStatus, ApplicationDocument, ApplicationKey, ApplicationStatus,
    CredentialDocument, CredentialStatus, Document, KeyPurpose, KeyStanding, OrganisationDocument,
};
use sceau_element_api::proof::{Proof, passkey_challenge};
use sceau_element_api::wire::Attest;
use sceau_element_api::{AccountId, ApplicationId, Base64Url, Client, OrganisationId, Role};
use sceau_tests::{Program, Running, Scratch};
use serde_json::{Value, json};

use super::caller::{Application, Key, Profile};
use super::token::Token;

const SITE: (&str, &str) = ("sceau.localhost", "http://sceau.localhost:8080");

/// The programs, and who may register with them.
pub(super) struct Ground {
    pub(super) element: Running,
    pub(super) keyfront: Running,
    pub(super) address: SocketAddr,
    audience: String,
    client: Client,
    organisation: OrganisationId,
    administrator: Passkey,
    /// Starts the element, again too.
    program: Program,
    scratch: Scratch,
}

impl Ground {
    /// Starts them, the element's keys in files or in a token.
    pub(super) async fn prepare(token: Option<&Token>) -> Result<Self, String> {
        let scratch = Scratch::new("protect");
        let settings = scratch.write("settings.toml", "[protect]\n");
        let data = scratch.join("data");
        std::fs::create_dir(&data).map_err(|error| error.to_string())?;
        let socket = scratch.join("run").join("element.sock");
        let element = Program::ours("sceau-element")
            .args([&"--state".into(), &scratch.join("state"), &"--socket".into(), &socket])
            .args(["--origin", "bench.localhost/protect", "--protect-tenants", "1"]);
        let program = match token {
            Some(token) => token.kept_by(element),
            None => {
                let passphrase = scratch.write("passphrase", "a passphrase for a bench");
                element.arg("--keystore-passphrase-file").arg(passphrase)
            }
        };
        let element = program.start(scratch.path());
        let keyfront = Program::sceau("serve")
            .args(["keyfront", "--listen", "127.0.0.1:0"])
            .args([&"--config".into(), &settings, &"--data".into(), &data, &"--element".into(), &socket])
            .start(scratch.path());
        let address = keyfront.said("/url").trim_start_matches("http://").parse();
        let address = address.map_err(|_| "the keyfront says no address".to_owned())?;
        let (audience, client) = (keyfront.said("/audience").to_owned(), Client::new(&socket));
        let admin = person(&client, Role::PlatformAdmin, None).await?;
        let organisation = OrganisationId::random();
        let root_fingerprint = SigningKey::generate().verifying_key().fingerprint();
        let document = OrganisationDocument { v: 1, organisation, name: "Bench".into(), root_fingerprint };
        attest(&client, &document, Some(&admin)).await?;
        let administrator = person(&client, Role::OrganisationAdmin, Some((organisation, &admin))).await?;
        Ok(Self {
            element,
            keyfront,
            address,
            audience,
            client,
            organisation,
            administrator,
            program,
            scratch,
        })
    }

    /// The same with its element stopped and started again; seconds until this one was ready.
    pub(super) fn restarted(mut self) -> (Self, f64) {
        self.element.stop();
        let began = Instant::now();
        self.element = self.program.start(self.scratch.path());
        let took = began.elapsed().as_secs_f64();
        (self, took)
    }

    /// An application with this key.
    pub(super) async fn register(&self, key: Key) -> Result<Application, String> {
        self.register_with(key, None).await
    }

    /// The same, with a key that what is answered to it is encrypted to.
    pub(super) async fn register_with(
        &self,
        key: Key,
        opens: Option<ApplicationKey>,
    ) -> Result<Application, String> {
        let signs = ApplicationKey {
            kid: "one".into(),
            purpose: KeyPurpose::default(),
            alg: key.algorithm().into(),
            jwk: key.jwk()?,
            status: KeyStanding::Active,
        };
        let document = ApplicationDocument {
            v: 1,
            application: ApplicationId::random(),
            organisation: self.organisation,
            name: "Dossiers".into(),
            keys: [Some(signs), opens].into_iter().flatten().collect(),
            status: ApplicationStatus::Active,
            provider: None,
        };
        attest(&self.client, &document, Some(&self.administrator)).await?;
        let session =
            PrivateKey::generate(KeyKind::X25519, KeyAlgorithm::EcdhEs).map_err(|e| e.to_string())?;
        let public: Value =
            serde_json::from_str(&session.public().jwk().to_json()).map_err(|error| error.to_string())?;
        let jwk = json!({"kty": "OKP", "crv": "X25519", "x": public.get("x")});
        let session = json!({"alg": "ECDH-ES", "jwk": jwk});
        let audience = self.audience.clone();
        Ok(Application { id: document.application, key, audience, session, profile: Profile::Calls })
    }
}

/// A passkey of Ed25519.
struct Passkey {
    key: SigningKey,
    id: Vec<u8>,
}

impl Passkey {
    /// Its COSE_Key (RFC 9053 section 7.2).
    fn cose(&self) -> Vec<u8> {
        let head = [0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];
        [head.as_slice(), self.key.verifying_key().as_bytes()].concat()
    }

    /// Its assertion over a challenge (Web Authentication Level 3, section 6.3.3).
    async fn prove<D: Document>(&self, client: &Client, payload: &[u8]) -> Result<Proof, String> {
        let nonce = client.nonce().await.map_err(|error| error.to_string())?;
        let challenge = Base64Url(passkey_challenge(&nonce, D::KIND, payload).to_vec()).encode();
        let said =
            json!({"type": "webauthn.get", "challenge": challenge, "origin": SITE.1, "crossOrigin": false});
        let (said, flags) = (said.to_string().into_bytes(), [5, 0, 0, 0, 0]);
        let data = [sha256(SITE.0.as_bytes()).as_slice(), &flags].concat();
        let signature = self.key.sign(&[data.as_slice(), &sha256(&said)].concat());
        Ok(Proof::Passkey {
            credential_id: self.id.clone().into(),
            authenticator_data: data.into(),
            client_data_json: said.into(),
            signature: signature.to_vec().into(),
            nonce,
        })
    }
}

/// An account with a passkey; of an organisation, in the word of the platform's administrator.
async fn person(
    client: &Client,
    role: Role,
    of: Option<(OrganisationId, &Passkey)>,
) -> Result<Passkey, String> {
    let (account, status) = (AccountId::random(), AccountStatus::Active);
    let organisation = of.map(|(organisation, _)| organisation);
    let document = AccountDocument {
        v: 1,
        account,
        role,
        organisation,
        invitation_hash: None,
        status,
        applications: None,
    };
    attest(client, &document, of.map(|(_, by)| by)).await?;
    let passkey = Passkey { key: SigningKey::generate(), id: sceau_crypto::random::<16>().to_vec() };
    let credential = CredentialDocument {
        v: 1,
        account,
        credential_id: passkey.id.clone().into(),
        cose_key: passkey.cose().into(),
        rp_id: SITE.0.to_owned(),
        origin: SITE.1.to_owned(),
        status: CredentialStatus::Active,
    };
    attest(client, &credential, None).await?;
    Ok(passkey)
}

async fn attest<D: Document>(client: &Client, document: &D, by: Option<&Passkey>) -> Result<(), String> {
    let payload = document.to_bytes().map_err(|error| error.to_string())?;
    let proof = match by {
        Some(passkey) => passkey.prove::<D>(client, &payload).await?,
        None => Proof::PlatformAsserted,
    };
    let asked = Attest { kind: D::KIND, id: document.row(), previous: None, payload: payload.into(), proof };
    client.attest(asked).await.map(drop).map_err(|error| error.to_string())
}
