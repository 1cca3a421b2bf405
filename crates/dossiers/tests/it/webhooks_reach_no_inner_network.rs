//! An organisation's administrator who is an attacker: addresses, names that change, redirects, answers without end, headers in an address.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use sceau_dossiers::{Dossiers, Reach, Resolver, WEBHOOKS};
use sceau_store::{DeliveryError, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Office, World};

/// Whoever listens at a port of this machine, and what was said to it.
struct Ear {
    at: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Ear {
    /// Answers each connection with `answer`, again and again if it is to be `endless`, until the other side hangs up.
    async fn open(host: &str, answer: &'static str, endless: bool) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move { speak(stream, answer, endless, &kept).await });
            }
        });
        Self { at, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn speak(mut stream: TcpStream, answer: &str, endless: bool, heard: &Mutex<Vec<String>>) {
    let mut bytes = vec![0; 65_536];
    let read = stream.read(&mut bytes).await.unwrap_or(0);
    heard.lock().unwrap().push(String::from_utf8_lossy(&bytes[..read]).into_owned());
    let (head, more) = answer.split_once("…").unwrap_or((answer, ""));
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    while endless && stream.write_all(more.as_bytes()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // Neither says more nor hangs up.
    let _ = stream.read(&mut bytes).await;
}

/// Answers names as an attacker's name server does: each time the next list, the last one for ever.
struct Names(Vec<Vec<SocketAddr>>, AtomicUsize);

impl Names {
    fn of(answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self(answers, AtomicUsize::new(0)))
    }
}

impl Resolver for Names {
    fn resolve(&self, _: String, _: u16) -> BoxFuture<'_, std::io::Result<Vec<SocketAddr>>> {
        let asked = self.1.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.get(asked).or(self.0.last()).cloned().unwrap_or_default();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

struct Ground {
    world: World,
    office: Office,
}

impl Ground {
    async fn new() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let office = world.office(&administrator, "lyon").await;
        Self { world, office }
    }

    /// What becomes of a webhook to this address.
    async fn told(&self, reach: Reach, url: &str) -> Result<(), DeliveryError> {
        let dossiers = self.world.dossiers.clone().with_reach(reach);
        let admin = self.office.chief.account.parse().unwrap();
        dossiers.set_webhook(admin, self.office.id, Some(&url.parse().unwrap())).await.unwrap();
        let message = self.message(&dossiers).await;
        let told = dossiers.deliver_webhook(&message).await;
        // Who was silent is not asked again at once.
        self.world.clock.advance(10_000);
        told
    }

    async fn message(&self, dossiers: &Dossiers) -> Message {
        let citizen = format!("citizen{}@example.org", self.world.clock_now());
        let citizen = self.world.citizen(&citizen).await;
        // Made through the platform, whose own webhook is the same row.
        self.office.deposit(&citizen, self.world.clock_now()).await;
        let kept = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&kept);
        let keep = move |message: Message| {
            *seen.lock().unwrap() = Some(message);
            std::future::ready(Ok(()))
        };
        let letters = |_: Message| async { Ok(()) };
        let dispatcher = self.world.outbox.dispatcher().on(WEBHOOKS, keep);
        dispatcher.on(sceau_dossiers::LETTERS, letters).deliver_due().await.unwrap();
        let _ = dossiers;
        kept.lock().unwrap().take().unwrap()
    }
}

fn here() -> Reach {
    Reach::default().allowing(vec!["127.0.0.1".parse().unwrap()]).with_patience(Duration::from_millis(500))
}

fn named(names: &Arc<Names>) -> Reach {
    here().resolving(Arc::<Names>::clone(names))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_between_judging_and_calling_changes_nothing() {
    let ground = Ground::new().await;
    let outside = Ear::open("127.0.0.1", "", false).await;
    let inside = Ear::open("127.0.0.2", "", false).await;
    let url = format!("https://rh.example.org:{}/", outside.at.port());
    // Whatever is asked after the judgement leads inside.
    for dot in ["", "."] {
        let names = Names::of(vec![vec![outside.at], vec![inside.at]]);
        let url = url.replace(".org:", &format!(".org{dot}:"));
        let before = outside.heard().len();
        assert!(
            matches!(ground.told(named(&names), &url).await, Err(DeliveryError::Away(_))),
            "no TLS there"
        );
        assert_eq!(names.1.load(Ordering::SeqCst), 1, "looked up once");
        assert_eq!(outside.heard().len(), before + 1, "{url}: called where it was judged");
    }
    // Led inside at the judgement itself: alone, among others, in the clothes of IPv6.
    let mapped: SocketAddr = format!("[::ffff:127.0.0.2]:{}", inside.at.port()).parse().unwrap();
    let private: SocketAddr = "10.0.0.1:443".parse().unwrap();
    for answer in [vec![inside.at], vec![outside.at, inside.at], vec![mapped], vec![outside.at, private]] {
        let names = Names::of(vec![answer.clone()]);
        let told = ground.told(named(&names), &url).await;
        assert!(
            matches!(&told, Err(DeliveryError::Later(why)) if why.contains("somebody's network")),
            "{told:?}"
        );
    }
    let nowhere = ground.told(named(&Names::of(vec![vec![]])), &url).await;
    assert!(matches!(nowhere, Err(DeliveryError::Away(_))), "{nowhere:?}");
    assert!(inside.heard().is_empty(), "{:?}", inside.heard());
    assert_eq!(outside.heard().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let ground = Ground::new().await;
    let inside = Ear::open("127.0.0.1", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location =
            format!("HTTP/1.1 {status}\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", inside.at);
        let outside = Ear::open("127.0.0.1", location.leak(), false).await;
        let told = ground.told(here(), &format!("http://{}/", outside.at)).await;
        assert!(matches!(&told, Err(DeliveryError::Later(why)) if why.contains(&status[..3])), "{told:?}");
        assert_eq!(outside.heard().len(), 1);
    }
    assert!(inside.heard().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_huge_slow_or_no_http_holds_nobody_up() {
    let ground = Ground::new().await;
    for (answer, endless, taken) in [
        // The head is all that is read: what follows without end is not waited for.
        ("HTTP/1.1 200 OK\r\n\r\n…xxxxxxxxxxxxxxxx", true, true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", false, true),
        ("HTTP/1.1 200 OK\r\n…x: xxxxxxxxxxxxxxxx\r\n", true, false),
        ("HTTP/1.1 200 OK\r\nx: …xxxxxxxxxxxxxxxxxxxx", true, false),
        ("…HTTP/1.1 100 Continue\r\n\r\n", true, false),
        ("…HTTP/1.1 103 Early Hints\r\n\r\n", true, false),
        ("HTTP/1.1 200 O", false, false),
        ("", false, false),
        ("SSH-2.0-OpenSSH_9.2\r\n", false, false),
        ("HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n", false, false),
    ] {
        let ear = Ear::open("127.0.0.1", answer, endless).await;
        let told = ground.told(here(), &format!("http://{}/", ear.at)).await;
        match told {
            Ok(()) => assert!(taken, "{answer}"),
            // Whoever does not answer properly is away; nothing that it wrote is repeated.
            Err(DeliveryError::Away(why)) => assert!(!taken && !why.contains("SSH"), "{answer}: {why}"),
            Err(other) => panic!("{answer}: {other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_an_address_becomes_a_header() {
    let ground = Ground::new().await;
    let ear = Ear::open("127.0.0.1", "HTTP/1.1 204 No Content\r\n\r\n", false).await;
    for tail in [
        "a\r\nX-Evil: yes",
        "a%0d%0aX-Evil:%20yes",
        "a?b=c\r\n\r\nPOST /evil HTTP/1.1\r\nX-Evil: yes",
        "a HTTP/1.1\nX-Evil: yes",
    ] {
        ground.told(here(), &format!("http://{}/{tail}", ear.at)).await.unwrap();
    }
    for head in ear.heard() {
        let lines: Vec<String> = head.lines().map(str::to_lowercase).collect();
        assert!(lines[0].starts_with("post /a") && lines[0].ends_with(" http/1.1"), "{head}");
        assert!(
            !lines.iter().any(|line| line.starts_with("x-evil") || line.starts_with("post /evil")),
            "{head}"
        );
    }
    assert_eq!(ear.heard().len(), 4);
}

/// One receiver that answers nothing for as long as it may: what else its organisation has to be told does not wait as long, since everybody's
/// letters would.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_do_not_wait_behind_one_that_is_slow() {
    let ground = Ground::new().await;
    let ear = Ear::open("127.0.0.1", "", false).await;
    let dossiers = ground.world.dossiers.clone().with_reach(here().with_patience(Duration::from_secs(60)));
    let (admin, url) = (ground.office.chief.account.parse().unwrap(), format!("http://{}/", ear.at));
    dossiers.set_webhook(admin, ground.office.id, Some(&url.parse().unwrap())).await.unwrap();
    let message = ground.message(&dossiers).await;
    let told = || dossiers.deliver_webhook(&message);
    let second = async {
        while ear.heard().is_empty() {
            tokio::task::yield_now().await;
        }
        told().await
    };
    let waited = tokio::select! {
        first = told() => panic!("{first:?}"),
        waited = second => waited,
    };
    assert!(matches!(&waited, Err(DeliveryError::Away(why)) if why.contains("slow")), "{waited:?}");
}
