//! The token is slow, busy, or does not come back from a call, while applications ask for keys: who was answered was answered rightly, who was not may bring the same
//! call again, and a hang is told, and ends the process in its time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sceau_element_api::protect::AskedByToken;
use sceau_element_api::wire::Code;
use sceau_element_api::{AccountId, Base64Url};
use tokio::task::JoinHandle;

use crate::house::refused;
use crate::keys_in_a_token::{address, address_on_bad_days, beside_a_token, order};
use crate::kill::{Program, draft};
use crate::killed_under_calls::{Asking, begin};

/// Applications that ask at once.
const CALLERS: usize = 4;

/// An element with its keys in such a token, and applications that ask it for keys.
struct Scene<'a> {
    folder: &'a Path,
    arguments: Vec<String>,
    program: Program,
    callers: Vec<Asking>,
    asking: Vec<JoinHandle<Asking>>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl<'a> Scene<'a> {
    async fn begin(folder: &'a Path, end_after: &str) -> Self {
        order(folder, "");
        let address = address_on_bad_days(folder);
        let arguments = ["--keystore-token", &address, "--protect-tenants", "1", "--end-after", end_after];
        let arguments: Vec<_> = arguments.map(str::to_owned).into();
        let program = start(folder, &arguments);
        let (_, callers) = begin(folder, CALLERS, 1).await;
        let (asking, stop, answered, refused) = Default::default();
        let mut scene = Self { folder, arguments, program, callers, asking, stop, answered, refused };
        scene.ask();
        scene.serves().await;
        scene
    }

    /// All of them ask from now on.
    fn ask(&mut self) {
        self.stop.store(false, Ordering::Relaxed);
        for caller in self.callers.drain(..) {
            let told = (Arc::clone(&self.answered), Arc::clone(&self.refused));
            let client = Program::client(self.folder);
            self.asking.push(tokio::spawn(caller.until_stopped(client, Arc::clone(&self.stop), told)));
        }
    }

    /// Nobody does: the writer has nothing to do.
    async fn rest(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.asking.drain(..) {
            self.callers.push(caller.await.unwrap());
        }
    }

    /// Twelve more are answered.
    async fn serves(&self) {
        reaches(&self.answered, 12).await;
    }

    /// Everybody stops; what they were told holds, and what was not answered may come again.
    async fn ends(mut self) {
        self.rest().await;
        let client = Program::client(self.folder);
        for caller in &mut self.callers {
            caller.check(&client).await;
        }
    }
}

fn start(folder: &Path, arguments: &[String]) -> Program {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    Program::start_with(folder, &arguments).unwrap().0
}

pub(crate) async fn reaches(count: &AtomicUsize, more: usize) {
    let enough = count.load(Ordering::Relaxed) + more;
    comes(async || count.load(Ordering::Relaxed) >= enough).await;
}

/// It is so within a minute.
pub(crate) async fn comes(so: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !so().await {
        assert!(Instant::now() < until, "it does not come");
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_slow_token_makes_slow_answers_that_are_right() {
    let name = "token_on_bad_days::a_slow_token_makes_slow_answers_that_are_right";
    beside_a_token(name, async |folder| {
        let scene = Scene::begin(&folder, "60").await;
        order(&folder, "C_Sign delay 40");
        scene.serves().await;
        assert_eq!(scene.refused.load(Ordering::Relaxed), 0);
        order(&folder, "");
        scene.ends().await;
    });
}

#[test]
fn a_busy_token_is_told_and_no_call_is_lost() {
    let name = "token_on_bad_days::a_busy_token_is_told_and_no_call_is_lost";
    beside_a_token(name, async |folder| {
        let scene = Scene::begin(&folder, "60").await;
        // CKR_DEVICE_MEMORY, then CKR_DEVICE_ERROR, then CKR_USER_NOT_LOGGED_IN.
        for answer in ["0x31", "0x30", "0x101"] {
            let before = scene.answered.load(Ordering::Relaxed);
            order(&folder, &format!("C_SignInit answer {answer}"));
            let told = || std::fs::read_to_string(folder.join("orders.told")).unwrap_or_default();
            let enough = told().lines().count() + 20;
            comes(async || told().lines().count() >= enough).await;
            let after = scene.answered.load(Ordering::Relaxed);
            assert!(after <= before + 2 * CALLERS, "answered without the token");
            order(&folder, "");
            scene.serves().await;
        }
        scene.ends().await;
    });
}

#[test]
fn a_token_that_hangs_is_told_and_used_again_once_it_comes_back() {
    let name = "token_on_bad_days::a_token_that_hangs_is_told_and_used_again_once_it_comes_back";
    beside_a_token(name, async |folder| {
        let mut scene = Scene::begin(&folder, "24").await;
        let client = Program::client(&folder);
        scene.rest().await;
        order(&folder, "C_Sign hang");
        // They hang before they come to the writer.
        scene.ask();
        comes(async || client.hello().await.is_err()).await;
        refused(client.hello().await, Code::Unavailable);
        assert!(client.checkpoint().await.is_ok(), "who reads is served");
        order(&folder, "");
        scene.serves().await;
        client.hello().await.unwrap();
        scene.ends().await;
    });
}

#[test]
fn a_token_that_does_not_come_back_ends_the_element_in_its_time() {
    let name = "token_on_bad_days::a_token_that_does_not_come_back_ends_the_element_in_its_time";
    beside_a_token(name, async |folder| {
        let mut scene = Scene::begin(&folder, "3").await;
        scene.rest().await;
        order(&folder, "C_Sign hang");
        scene.ask();
        assert_eq!(scene.program.wait(), Some(70));
        let said = std::fs::read_to_string(folder.join("said")).unwrap();
        assert!(said.contains("has not answered for 3 s: the element ends"), "{said}");
        order(&folder, "");
        scene.program = start(&folder, &scene.arguments);
        scene.serves().await;
        scene.ends().await;
    });
}

/// Anybody sends what is refused before a key is needed.
#[test]
fn what_is_refused_without_a_key_does_not_hide_one_that_hangs() {
    let name = "token_on_bad_days::what_is_refused_without_a_key_does_not_hide_one_that_hangs";
    beside_a_token(name, async |folder| {
        let mut scene = Scene::begin(&folder, "12").await;
        scene.rest().await;
        // Who encrypts a call is not answered; records are written.
        order(&folder, "C_Decrypt hang");
        let client = Program::client(&folder);
        let bring = |call: String| {
            let client = Program::client(&folder);
            async move { client.protect_by_token(AskedByToken { call, address: None }).await }
        };
        let header = br#"{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}"#;
        let parts = [header.as_slice(), &[1; 384], &[1; 12], &[1; 64], &[1; 16]];
        let encrypted = parts.map(|part| Base64Url(part.to_vec()).encode()).join(".");
        let hanging = tokio::spawn(bring(encrypted));
        let rubbish = tokio::spawn({
            let next = bring("a.b.c.d.e".to_owned());
            let client = Program::client(&folder);
            async move {
                refused(next.await.map(drop), Code::ProofInvalid);
                loop {
                    let rubbish = AskedByToken { call: "a.b.c.d.e".to_owned(), address: None };
                    let _ = client.protect_by_token(rubbish).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        });
        comes(async || client.hello().await.is_err()).await;
        assert_eq!(scene.program.wait(), Some(70));
        assert!(hanging.await.unwrap().is_err() && !rubbish.is_finished());
        rubbish.abort();
        order(&folder, "");
        scene.program = start(&folder, &scene.arguments);
        scene.ask();
        scene.serves().await;
        scene.ends().await;
    });
}

/// The journal is opened under a key of the token, too, before a call or a content about its data comes to any other.
#[test]
fn a_token_that_hangs_under_who_reads_alone_is_told_and_ends_the_element() {
    let name = "token_on_bad_days::a_token_that_hangs_under_who_reads_alone_is_told_and_ends_the_element";
    beside_a_token(name, async |folder| {
        let mut scene = Scene::begin(&folder, "12").await;
        scene.rest().await;
        let client = Program::client(&folder);
        scene.callers[0].reads(&client).await.unwrap();
        order(&folder, "C_Sign hang");
        let reading = async { scene.callers[0].reads(&Program::client(&folder)).await };
        let told = async { comes(async || client.hello().await.is_err()).await };
        let (read, ()) = tokio::join!(reading, told);
        assert!(read.is_err());
        assert_eq!(scene.program.wait(), Some(70));
        order(&folder, "");
        scene.program = start(&folder, &scene.arguments);
        scene.ask();
        scene.serves().await;
        scene.ends().await;
    });
}

/// The turns of contents are their own, and nothing else is at work.
#[test]
fn contents_alone_that_hang_are_told_and_end_the_element_in_its_time() {
    let name = "token_on_bad_days::contents_alone_that_hang_are_told_and_end_the_element_in_its_time";
    beside_a_token(name, async |folder| {
        let mut scene = Scene::begin(&folder, "12").await;
        scene.rest().await;
        let client = Program::client(&folder);
        let mut contents = Vec::new();
        for turn in 0..40 {
            contents.push(scene.callers[turn % CALLERS].content(&client).await);
        }
        order(&folder, "C_Sign hang");
        let hanging: Vec<_> = contents
            .into_iter()
            .map(|content| {
                let client = Program::client(&folder);
                tokio::spawn(async move { client.sign_content(content).await })
            })
            .collect();
        comes(async || client.hello().await.is_err()).await;
        refused(client.hello().await, Code::Unavailable);
        assert_eq!(scene.program.wait(), Some(70));
        for one in hanging {
            assert!(one.await.unwrap().is_err());
        }
        order(&folder, "");
        scene.program = start(&folder, &scene.arguments);
        scene.ask();
        scene.serves().await;
        scene.ends().await;
    });
}

#[test]
fn a_token_that_says_that_it_is_away_is_not_taken_for_one_that_hangs() {
    let name = "token_on_bad_days::a_token_that_says_that_it_is_away_is_not_taken_for_one_that_hangs";
    beside_a_token(name, async |folder| {
        let address = address(&folder);
        let mut program =
            start(&folder, &["--keystore-token", &address, "--end-after", "8"].map(str::to_owned));
        std::fs::rename(folder.join("tokens"), folder.join("pulled-out")).unwrap();
        std::fs::create_dir(folder.join("tokens")).unwrap();
        let client = Program::client(&folder);
        assert!(client.append(draft(AccountId::random())).await.is_err());
        assert_eq!(program.wait(), Some(1));
        let said = std::fs::read_to_string(folder.join("said")).unwrap();
        assert!(said.contains("records wait for the keys") && !said.contains("has not answered"), "{said}");
    });
}
