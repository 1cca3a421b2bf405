//! The way breaks after the element did what was asked, and before the terminal knows: the keyring is not lost, and nothing is done twice.

use std::sync::atomic::{AtomicBool, Ordering};

use sceau_client::keyring::Carries;
use sceau_client::terminal::{Storage, activate, sign};
use sceau_client::{ClientError, Server, Trust};
use sceau_element_api::keyring::{ContextOffer, SealedAnswer, SealedMessage};
use sceau_element_api::wire::{Attest, AttestedRow};
use sceau_keyring::{Code, Factors, Pin};
use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, PIN};

/// Carries every message, and loses the answers to what commits: the second of a context.
struct Lossy {
    server: Server,
    loses: AtomicBool,
    /// What is said in the place of the answer.
    says: (u16, &'static str),
}

impl Lossy {
    fn lost(&self) -> ClientError {
        ClientError::Refused { status: self.says.0, code: self.says.1.to_owned(), detail: String::new() }
    }
}

impl Carries for Lossy {
    async fn context(&self) -> Result<ContextOffer, ClientError> {
        self.server.context().await
    }

    async fn message(&self, message: &SealedMessage) -> Result<SealedAnswer, ClientError> {
        let answer = self.server.message(message).await;
        if message.seq == 2 && self.loses.load(Ordering::SeqCst) { Err(self.lost()) } else { answer }
    }

    async fn attest(&self, attest: Attest) -> Result<AttestedRow, ClientError> {
        self.server.attest(attest).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_loses_no_keyring() {
    let keyrings = Keyrings::start("keyring-lost");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let read = |name: &str| std::fs::read_to_string(keyrings.scratch.join(name)).unwrap();
    let invitation = serde_json::from_str(&read("k.invitation")).unwrap();
    let code = Code::parse(&read("k.code")).unwrap();
    let factors = Factors { code: &code, second: None };
    let pin = || Ok(Pin::parse(PIN).unwrap());
    let server = Server::new(keyrings.address(), &Trust::default()).unwrap();
    let lossy = Lossy { server, loses: AtomicBool::new(true), says: (503, "lost") };
    let folder = keyrings.scratch.join("terminal");
    let storage = Storage::at(&folder);

    let activated = activate(&storage, &lossy, &invitation, &factors, |_| pin()).await;
    assert_eq!(activated.unwrap_err().code(), Some("lost"), "the same bytes were sent twice");
    let document = keyrings.scratch.write("document", b"x");
    // The terminal does not know whether its secret was turned, twice in a row: it says both.
    for name in ["one", "two"] {
        let request = keyrings.request(name, &keyring, &document);
        let request = std::fs::read_to_string(request).unwrap();
        let signed = sign(&storage, &lossy, &request, |_| pin()).await;
        assert_eq!(signed.unwrap_err().code(), Some("lost"), "{name}");
        let again = sign(&storage, &lossy, &request, |_| pin()).await;
        assert_eq!(again.unwrap_err().code(), Some("request_spent"), "it was done once");
    }
    lossy.loses.store(false, Ordering::SeqCst);
    let request = keyrings.request("three", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
    let request = keyrings.request("four", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
}

/// One packet of whoever carries, or an element that was started again and knows no context of before: neither is the element's word on the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_not_sealed_forgets_no_terminal() {
    let keyrings = Keyrings::start("keyring-forged");
    let document = keyrings.scratch.write("document", b"x");
    for says in [(409, "stale_version"), (409, "keyring_phase"), (410, "context_unknown")] {
        let keyring = keyrings.hand_over(says.1, "Marie Curie");
        let read = |end: &str| {
            let file = keyrings.scratch.join(&format!("{}.{end}", says.1));
            std::fs::read_to_string(file).unwrap()
        };
        let invitation = serde_json::from_str(&read("invitation")).unwrap();
        let code = Code::parse(&read("code")).unwrap();
        let factors = Factors { code: &code, second: None };
        let server = Server::new(keyrings.address(), &Trust::default()).unwrap();
        let lossy = Lossy { server, loses: AtomicBool::new(true), says };
        let folder = keyrings.scratch.join(&format!("{}.terminal", says.1));
        let pin = |_: &_| Ok(Pin::parse(PIN).unwrap());
        let activated = activate(&Storage::at(&folder), &lossy, &invitation, &factors, pin).await;
        assert_eq!(activated.unwrap_err().code(), Some(says.1));
        let request = keyrings.request(says.1, &keyring, &document);
        keyrings.sign(&folder, &request, "pin").success();
        // The certificate that was lost with the answer comes with the first use.
        let (pem, public) = (request.with_extension("pem"), request.with_extension("pub"));
        Program::other("openssl")
            .args(["x509", "-pubkey", "-noout", "-in"])
            .arg(&pem)
            .arg("-out")
            .arg(&public)
            .run()
            .success();
        Program::other("openssl")
            .args(["dgst", "-sha256", "-verify"])
            .arg(&public)
            .arg("-signature")
            .arg(request.with_extension("signature"))
            .arg(&document)
            .run()
            .success();
    }
}
