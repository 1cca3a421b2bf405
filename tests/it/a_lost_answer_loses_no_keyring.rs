//! The way breaks after the element did what was asked, and before the terminal knows: the keyring is not lost, and nothing is done twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sceau_client::keyring::Carries;
use sceau_client::terminal::{
    Became, Storage, ToJoin, activate, admit, await_coming, await_joined, join, sign,
};
use sceau_client::{ClientError, Server};
use sceau_element_api::keyring::{ContextOffer, KeyringsAbout, SealedAnswer, SealedMessage};
use sceau_element_api::wire::{Attest, AttestedRow};
use sceau_keyring::{Code, Factors, Pin, RoamingCode, places};
use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, PIN};
use serde_json::json;

/// Carries every message, and loses the answers to what commits: the second of a context, or to another.
struct Lossy {
    server: Server,
    loses: AtomicBool,
    /// The number of the messages whose answers are lost.
    seq: u64,
    /// What is said in the place of the answer.
    says: (u16, &'static str),
    /// The seconds of repetitions, which nobody waits for here; from so many on nothing is lost.
    paused: AtomicU64,
    until: u64,
}

impl Lossy {
    fn new(keyrings: &Keyrings, says: (u16, &'static str)) -> Self {
        let server = keyrings.server();
        let (loses, paused) = (AtomicBool::new(true), AtomicU64::new(0));
        Self { server, loses, seq: 2, says, paused, until: u64::MAX }
    }

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
        let loses = self.loses.load(Ordering::SeqCst) && self.paused.load(Ordering::SeqCst) < self.until;
        if message.seq == self.seq && loses { Err(self.lost()) } else { answer }
    }

    async fn pause(&self, time: Duration) {
        self.paused.fetch_add(time.as_secs(), Ordering::SeqCst);
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
    let pin = || Ok::<_, ClientError>(Pin::parse(PIN).unwrap());
    let mut lossy = Lossy::new(&keyrings, (503, "unavailable"));
    let folder = keyrings.scratch.join("terminal");
    let storage = Storage::at(&folder);

    let activated = activate(&storage, &lossy, &invitation, &factors, |_| pin()).await;
    assert_eq!(activated.unwrap_err().code(), Some("unavailable"));
    assert_eq!(lossy.paused.load(Ordering::SeqCst), 60, "the same bytes were sent again, for a minute");
    let document = keyrings.scratch.write("document", b"x");
    // The terminal does not know whether its secret was turned, twice in a row: it says both.
    for name in ["one", "two"] {
        let request = keyrings.request(name, &keyring, &document);
        let request = std::fs::read_to_string(request).unwrap();
        let signed = sign(&storage, &lossy, &request, |_| pin()).await;
        assert_eq!(signed.unwrap_err().code(), Some("unavailable"), "{name}");
        let again = sign(&storage, &lossy, &request, |_| pin()).await;
        assert_eq!(again.unwrap_err().code(), Some("request_spent"), "it was done once");
    }
    lossy.loses.store(false, Ordering::SeqCst);
    let request = keyrings.request("three", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
    let request = keyrings.request("four", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
    // A front that starts again, for some seconds: what was signed is still there.
    lossy.loses.store(true, Ordering::SeqCst);
    lossy.paused.store(0, Ordering::SeqCst);
    lossy.until = 15;
    let request = std::fs::read_to_string(keyrings.request("five", &keyring, &document)).unwrap();
    let signed = sign(&storage, &lossy, &request, |_| pin()).await.unwrap();
    assert_eq!((signed.signatures.len(), lossy.paused.load(Ordering::SeqCst)), (1, 15));
}

/// Holders throw a keyring away that is blocked, and scripts go by codes: who carries messages cannot say so.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_clear_is_not_the_elements_word() {
    let keyrings = Keyrings::start("keyring-clear");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    for code in ["keyring_blocked", "secret_stale", "pin_invalid", "keyring_phase", "request_spent"] {
        let lossy = Lossy { seq: 1, ..Lossy::new(&keyrings, (403, code)) };
        let request = std::fs::read_to_string(keyrings.request(code, &keyring, &document)).unwrap();
        let pin = |_: &_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap());
        let told = sign(&Storage::at(&folder), &lossy, &request, pin).await.unwrap_err();
        assert_eq!(told.code(), None, "{told}");
        assert!(told.to_string().contains("whoever carries the messages refused"), "{told}");
    }
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
        let lossy = Lossy::new(&keyrings, says);
        let folder = keyrings.scratch.join(&format!("{}.terminal", says.1));
        let pin = |_: &_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap());
        let activated = activate(&Storage::at(&folder), &lossy, &invitation, &factors, pin).await;
        let told = activated.unwrap_err();
        assert_eq!(told.code(), Some(says.1).filter(|code| *code == "context_unknown"), "{told}");
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

/// A terminal that comes is one as soon as the element has its use, and where the keyring moves, the only one: what whoever carries says in the place of the answer empties no folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_came_is_not_forgotten_for_what_is_said_in_clear() {
    let keyrings = Keyrings::start_with("keyring-came", json!({"roaming": "move"}));
    let document = keyrings.scratch.write("document", b"x");
    for says in [(410, "context_unknown"), (403, "busy"), (404, "not_a_sceau_server"), (409, "stale_version")]
    {
        let (keyring, source) = keyrings.activated(says.1, "Marie Curie");
        let code = keyrings.roam(&source, &format!("{}.roam", says.1));
        let code = RoamingCode::parse(std::fs::read_to_string(code).unwrap().trim()).unwrap();
        let lossy = Lossy::new(&keyrings, says);
        lossy.loses.store(false, Ordering::SeqCst);
        let folder = keyrings.scratch.join(&format!("{}.came", says.1));
        let (from, to) = (Storage::at(&source), Storage::at(&folder));
        let about: KeyringsAbout = keyrings.server().get(places::ABOUT).await.unwrap();
        let approve = |_: &ToJoin| {
            // From here on the answer to the second message of an exchange is lost.
            lossy.loses.store(true, Ordering::SeqCst);
            Ok::<_, ClientError>(Pin::parse(PIN).unwrap())
        };
        let comes = join(&to, &lossy, &about, &code, |_| Ok(()), approve);
        let server = keyrings.server();
        let compared = async {
            let came = await_coming(&from, &server).await.unwrap();
            admit(&from, &server, &came).await.unwrap();
            await_joined(&from, &server).await.unwrap()
        };
        let (joined, became) = tokio::join!(comes, compared);
        let told = joined.unwrap_err();
        assert_eq!(became, Became::Moved, "{told}");
        let request = keyrings.request(&format!("{}-after", says.1), &keyring, &document);
        keyrings.sign(&folder, &request, "pin").success();
    }
}
