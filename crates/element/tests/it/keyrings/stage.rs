//! An officer, a registration authority, a service provider, a terminal; and the platform between them and the element.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use sceau_crypto::Typ;
use sceau_element_api::documents::Document;
use sceau_element_api::keyring::{
    ActorRole, ActorStatus, Biometric, CertificateSource, Disclosure, Dissociation, KeyringAccess,
    KeyringActor, KeyringAlgorithm, KeyringPolicy, KeyringUse, PinRule, PolicyStatus, RequestKind, Roaming,
    SecondFactor, SubjectField,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow, Code, Version};
use sceau_element_api::{
    CallError, Client, KeyringActorId, KeyringId, KeyringRequestId, OrganisationId, PolicyId, TerminalId,
};
use sceau_keyring::{
    Answer, Ask, Delivery, Factors, Identity, LookAt, Package, Request, Signs, SignsError, Standing,
    Statement, factors_hash, sign_jws,
};
use sceau_pki::{
    Authority, AuthorityProfile, CertificateRequest, KeyAlgorithm, LeafPurpose, Name, Oid, PrivateKey,
    Publication,
};
use sceau_trace::sha256;

pub(super) use super::talk::Talk;
pub(super) use super::terminal::{Terminal, asked_to_activate};
use crate::house::{Element, Keeping, ORIGIN};

pub(super) const PIN: &str = "270591";

pub(super) fn now() -> u64 {
    sceau_element::Clock::start().now().unix
}

/// A key on P-256, and its certificate where it has one.
pub(super) struct Key {
    pair: EcdsaKeyPair,
    private: PrivateKey,
    pub(super) spki: Vec<u8>,
    pub(super) certificate: Vec<u8>,
}

impl Key {
    fn of(private: PrivateKey, certificate: Vec<u8>) -> Self {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private.to_pkcs8()).unwrap();
        Self { pair, spki: private.public_key_info().unwrap(), private, certificate }
    }

    /// Another certificate of this key.
    pub(super) fn renewed(&self, name: &str) -> Vec<u8> {
        let subject = Name::default().with(Oid::COMMON_NAME, name);
        let request = CertificateRequest::make(&subject, &[], &self.private).unwrap();
        let authority = Authority::create(&AuthorityProfile::of(name), now()).unwrap();
        let published = Publication::default();
        let issued =
            authority.certify_request(&request, &subject, LeafPurpose::Signature, 365, &published, now());
        issued.unwrap().der().to_vec()
    }

    pub(super) fn certified(name: &str) -> Self {
        let authority = Authority::create(&AuthorityProfile::of(name), now()).unwrap();
        let private = PrivateKey::from_pkcs8(authority.key().to_pkcs8()).unwrap();
        Self::of(private, authority.certificate().der().to_vec())
    }

    pub(super) fn device() -> Self {
        Self::of(PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap(), Vec::new())
    }
}

impl Signs for Key {
    fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        Ok(self.pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }
}

/// An element with a policy, a registration authority and a provider.
pub(super) struct Stage {
    pub(super) element: Element,
    pub(super) officer: Key,
    pub(super) registrar: Key,
    pub(super) other_registrar: Key,
    pub(super) support: Key,
    pub(super) provider: Key,
    pub(super) provider_id: KeyringActorId,
    pub(super) policy: KeyringPolicy,
    pub(super) access: KeyringAccess,
    pub(super) policy_version: Version,
}

impl Stage {
    pub(super) async fn begin() -> Self {
        Self::begin_with(policy()).await
    }

    pub(super) async fn begin_with(policy: KeyringPolicy) -> Self {
        Self::begin_for(policy, vec![RequestKind::Sign, RequestKind::Authenticate]).await
    }

    /// With a provider that may ask for this.
    pub(super) async fn begin_for(policy: KeyringPolicy, kinds: Vec<RequestKind>) -> Self {
        let officer = Key::certified("officer");
        let keeping = Keeping { officer: Some(officer.certificate.clone()), ..Keeping::in_files(0) };
        let element = Element::resume_with(tempfile::tempdir().unwrap(), sceau_crypto::random(), keeping);
        let (registrar, provider) = (Key::certified("registrar"), Key::certified("provider"));
        let (other_registrar, support) = (Key::certified("other"), Key::certified("support"));
        let actor = |role, name: &str, key: &Key, kinds| KeyringActor {
            id: KeyringActorId::random(),
            role,
            name: name.to_owned(),
            certificate: key.certificate.clone().into(),
            policies: vec![policy.policy],
            kinds,
            status: ActorStatus::Active,
        };
        let registers = actor(ActorRole::RegistrationAuthority, "Mairie", &registrar, Vec::new());
        let asks = actor(ActorRole::ServiceProvider, "Impôts", &provider, kinds);
        let provider_id = asks.id;
        let helps = actor(ActorRole::Support, "Assistance", &support, Vec::new());
        let other = actor(ActorRole::RegistrationAuthority, "Autre mairie", &other_registrar, Vec::new());
        let access = KeyringAccess {
            v: 1,
            origin: ORIGIN.to_owned(),
            organisation: policy.organisation,
            actors: vec![registers, asks, helps, other],
            previous: None,
            time: now(),
        };
        let row = publish(&element.client, &officer, &policy, None).await.unwrap();
        publish(&element.client, &officer, &access, None).await.unwrap();
        let policy_version = row.version();
        Self {
            element,
            officer,
            registrar,
            other_registrar,
            support,
            provider,
            provider_id,
            policy,
            access,
            policy_version,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.element.client
    }

    pub(super) async fn restart(self) -> Self {
        Self { element: self.element.restart().await, ..self }
    }

    /// With the element's clock so many milliseconds ahead.
    pub(super) async fn later(&mut self, ahead: u64) {
        let officer = Some(self.officer.certificate.clone());
        self.element.restart_with(Keeping { officer, ahead, ..Keeping::in_files(0) }).await;
    }

    pub(super) async fn fabricate(&self) -> (Package, String) {
        let mut talk = Talk::begin(self.client()).await;
        let answer = talk.ask(&self.registrar, Ask::Fabricate { policy: self.policy.policy }).await;
        let Answer::Fabricated { package } = answer else { panic!("{answer:?}") };
        let about = self.client().keyrings_about().await.unwrap();
        let word = sceau_crypto::jose::PublicJwk::parse(about.word.as_bytes()).unwrap();
        (Package::verify_by(package.expose(), &word).unwrap(), package.expose().to_owned())
    }

    pub(super) fn delivery(&self, package: &Package, jws: &str) -> Delivery {
        Delivery {
            v: 1,
            keyring: package.keyring,
            package: sha256(jws.as_bytes()),
            policy: package.policy,
            holder: "dossier-17".to_owned(),
            identity: identity(),
            factors: factors_hash(&Factors { code: &package.code, second: package.second.as_ref() }),
            channels: ["hand", "sms"].map(str::to_owned)[..1 + usize::from(package.second.is_some())]
                .to_vec(),
            time: now(),
        }
    }

    pub(super) async fn deliver(&self, delivery: &Delivery) -> Answer {
        let delivery = delivery.sign(&self.registrar).unwrap();
        Talk::begin(self.client()).await.ask(&self.registrar, Ask::Deliver { delivery }).await
    }

    /// A keyring that was delivered.
    pub(super) async fn delivered(&self) -> Package {
        let (package, jws) = self.fabricate().await;
        let answer = self.deliver(&self.delivery(&package, &jws)).await;
        assert!(matches!(answer, Answer::Delivered { .. }), "{answer:?}");
        package
    }

    /// A keyring that is active on a terminal.
    pub(super) async fn activated(&self) -> Terminal {
        let package = self.delivered().await;
        let (terminal, answer) = Terminal::activate(self.client(), &package).await;
        assert!(matches!(answer, Answer::Activated(_)), "{answer:?}");
        terminal
    }

    /// What somebody who acts asks, in an exchange of its own.
    pub(super) async fn asks(&self, by: &Key, ask: Ask) -> Answer {
        Talk::begin(self.client()).await.ask(by, ask).await
    }

    /// Where a keyring stands, in the registration authority's sight.
    pub(super) async fn standing(&self, keyring: KeyringId) -> Standing {
        let ask = Ask::Look(LookAt::newest(keyring, None));
        match self.asks(&self.registrar, ask).await {
            Answer::Standing(standing) => *standing,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn request(&self, keyring: KeyringId, contents: &[&[u8]]) -> Request {
        let item = |content: &&[u8]| serde_json::json!({"label": "contrat.pdf", "hash": sceau_element_api::Base64Url::from(sha256(content).as_bytes().as_slice())});
        let request = serde_json::json!({
            "v": 1, "request": KeyringRequestId::random(), "provider": self.provider_id, "keyring": keyring,
            "kind": "sign", "description": "Signer le contrat de location",
            "items": contents.iter().map(item).collect::<Vec<_>>(), "hash": "SHA-256",
            "algorithm": "ES256", "aud": ORIGIN, "time": now(), "ends": now() + 60_000,
        });
        serde_json::from_value(request).unwrap()
    }

    pub(super) fn asked(&self, request: &Request) -> String {
        request.sign(&self.provider).unwrap()
    }
}

pub(super) fn policy() -> KeyringPolicy {
    KeyringPolicy {
        v: 1,
        origin: ORIGIN.to_owned(),
        policy: PolicyId::random(),
        organisation: OrganisationId::random(),
        name: "Signature des agents".to_owned(),
        r#use: KeyringUse::Sign,
        pin: PinRule { least: 6, most: 8 },
        second_factor: SecondFactor::None,
        algorithm: Some(KeyringAlgorithm::Es256),
        authority: CertificateSource::Embedded { days: 365 },
        subject: vec![SubjectField::CommonName],
        activation_days: 30,
        terminals_most: 1,
        roaming: Roaming::None,
        biometric: Biometric::None,
        face: None,
        batch_most: 10,
        request_seconds: 300,
        unfinished_most: None,
        dissociation: Dissociation::Holder,
        discloses: Disclosure::Keyring,
        applies_to_existing: false,
        status: PolicyStatus::Active,
        previous: None,
        time: now(),
    }
}

pub(super) fn identity() -> Identity {
    serde_json::from_value(serde_json::json!({"common_name": "Marie Curie"})).unwrap()
}

/// Has the element attest what this key signed.
pub(super) async fn publish<D: Document>(
    client: &Client,
    by: &Key,
    document: &D,
    previous: Option<Version>,
) -> Result<AttestedRow, CallError> {
    let payload = serde_json::to_vec(document).unwrap();
    let typ = match D::KIND {
        sceau_element_api::Kind::KeyringAccess => Typ::KeyringAccess,
        sceau_element_api::Kind::KeyringOfficer => Typ::KeyringOfficer,
        _ => Typ::KeyringPolicy,
    };
    let proof = Proof::Jws { jws: sign_jws(typ, by, &payload).unwrap() };
    client
        .attest(Attest { kind: D::KIND, id: document.row(), previous, payload: payload.into(), proof })
        .await
}

pub(super) fn refused(answer: &Answer) -> Code {
    let Answer::Refused(refusal) = answer else { panic!("{answer:?}") };
    refusal.code
}

/// The terminal of an id that is bound to nothing.
pub(super) fn nobody() -> TerminalId {
    TerminalId::random()
}
