//! Threat 3.9.3.3, impersonating the server: a platform that names a channel key of its own, opens what is sealed to it, and seals it again to the element: it gets no code, and no terminal.

use std::sync::Mutex;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use sceau_client::keyring::{Carries, FileKey, fabricate};
use sceau_client::terminal::{Storage, Visitor, activate};
use sceau_client::{ClientError, Server, Trust};
use sceau_crypto::{RecipientKey, RecipientSuite, XWingPrivateKey, wrap_cek};
use sceau_element_api::Base64Url;
use sceau_element_api::keyring::{ContextOffer, KeyringsAbout, SealedAnswer, SealedMessage};
use sceau_element_api::wire::{Attest, AttestedRow};
use sceau_keyring::{Answer, Channel, Code, ContextId, Factors, Invitation, Pin, file_of, places};
use sceau_pki::PrivateKey;
use sceau_tests::keyrings::{Keyrings, PIN, POLICY};
use serde_json::json;

/// Stands between, with a key of its own.
struct Between {
    server: Server,
    own: XWingPrivateKey,
    element: Base64Url,
    /// What it read of the element's answers.
    read: Mutex<Vec<Answer>>,
}

impl Between {
    fn channel(&self) -> Base64Url {
        self.own.recipient_key().public().to_vec().into()
    }

    fn read(&self) -> Vec<Answer> {
        std::mem::take(&mut *self.read.lock().unwrap())
    }
}

impl Carries for Between {
    async fn context(&self) -> Result<ContextOffer, ClientError> {
        Ok(ContextOffer { channel: self.channel(), ..self.server.context().await? })
    }

    async fn message(&self, message: &SealedMessage) -> Result<SealedAnswer, ClientError> {
        let mut message = message.clone();
        let first = message.first.as_mut().unwrap();
        let id = ContextId::of(&first.nonce);
        let file = file_of(&id, &first.nonce);
        let cek = self.own.unwrap_cek(&file, &first.wrapped).unwrap();
        let element = RecipientKey::parse(RecipientSuite::HpkeXWing, &self.element).unwrap();
        first.wrapped = wrap_cek(&element, &file, &cek).wrapped.into();
        let answer = self.server.message(&message).await?;
        self.read.lock().unwrap().push(Channel::of(id, &cek).open_down(1, &answer.sealed).unwrap());
        Ok(answer)
    }

    async fn attest(&self, attest: Attest) -> Result<AttestedRow, ClientError> {
        self.server.attest(attest).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_between_reads_no_code() {
    let keyrings = Keyrings::start("keyring-between");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let read = |name: &str| std::fs::read_to_string(keyrings.scratch.join(name)).unwrap();
    let element: KeyringsAbout = serde_json::from_str(&read("element.json")).unwrap();
    let between = Between {
        server: keyrings.server(),
        own: XWingPrivateKey::generate().unwrap(),
        element: element.channel.clone(),
        read: Mutex::default(),
    };
    let authority = PrivateKey::from_pem(&read("ra.key")).unwrap();
    let authority = FileKey::from_pkcs8(&authority.to_pkcs8()).unwrap();
    let policy = POLICY.parse().unwrap();

    // Who has the element from its administrator does not speak to another.
    let refused = fabricate(&between, &element, &authority, policy).await.unwrap_err();
    assert!(matches!(refused, ClientError::Unproven(_)), "{refused}");
    assert!(between.read().is_empty());
    // Who believed the platform is told by the element, which makes nothing.
    let believed = KeyringsAbout { channel: between.channel(), ..element };
    let refused = fabricate(&between, &believed, &authority, policy).await.unwrap_err();
    assert_eq!(refused.code(), Some("call_elsewhere"), "{refused}");
    assert!(matches!(between.read().as_slice(), [Answer::Refused(_)]), "it reads no package");

    // An invitation that was altered on its way pins the one between: the element refuses the terminal.
    let mut invitation: Invitation = serde_json::from_str(&read("k.invitation")).unwrap();
    invitation.channel = between.own.recipient_key().key_id();
    let code = Code::parse(&read("k.code")).unwrap();
    let factors = Factors { code: &code, second: None };
    let storage = Storage::at(&keyrings.scratch.join("altered"));
    let pin = |_: &_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap());
    let refused = activate(&storage, &between, &invitation, &factors, pin).await.unwrap_err();
    assert_eq!(refused.code(), Some("call_elsewhere"), "{refused}");
    assert!(matches!(between.read().as_slice(), [Answer::Refused(_)]), "it reads nobody's name");
    // As it was given, it activates.
    keyrings.activate(&keyring, &keyrings.scratch.join("terminal")).success();
}

/// A host that takes visits, and refuses each by this.
async fn refusing(status: u16, code: &'static str) -> Server {
    let nonce =
        || async { Json(json!({"nonce": Base64Url(vec![1; 32]), "ends": sceau_tests::now_ms() + 60_000})) };
    let told = move || async move {
        let problem = json!({"type": "about:blank", "title": "x", "status": status, "code": code, "detail": "call 01 23"});
        (StatusCode::from_u16(status).unwrap(), Json(problem))
    };
    let host = Router::new().route(places::NONCES, post(nonce)).route(places::VISITS, post(told));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, host).await });
    Server::new(&address, &Trust::default()).unwrap()
}

/// Holders throw a keyring away that is destroyed or copied, and stop one: a host cannot say so by refusing a visit.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_speak_with_the_elements_voice() {
    let keyrings = Keyrings::start("keyring-voice");
    let (_, folder) = keyrings.activated("k", "Marie Curie");
    let storage = Storage::at(&folder);
    let told = async |status, code| {
        let host = refusing(status, code).await;
        Visitor::to(&storage, &host).unwrap().waiting().await.unwrap_err()
    };
    let elements =
        ["keyring_destroyed", "keyring_blocked", "secret_stale", "pin_invalid", "terminal_changed", "x y"];
    for code in elements {
        let error = told(410, code).await;
        assert!(matches!(error, ClientError::Unproven(_)), "{code}: {error}");
        assert_eq!(error.code(), None, "{code}");
    }
    for (status, code) in [(404, "request_unknown"), (503, "busy"), (409, "keyring_phase")] {
        assert_eq!(told(status, code).await.code(), Some(code));
    }
}
