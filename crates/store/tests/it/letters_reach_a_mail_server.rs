//! Letters to a real mail server, over TLS: taken, refused for a while, refused for good, with a wrong certificate, without TLS.

use std::process::Command;
use std::sync::Arc;

use sceau_store::judge::StandIn;
use sceau_store::{
    Clock, Database, Dispatcher, MIGRATIONS, Mail, Mailer, ManualClock, Message, Outbox, RetryPolicy,
    SmtpMailer, SmtpServer, SmtpTls,
};
use serde_json::{Value, json};

const TOPIC: &str = "letters";

struct Post {
    folder: tempfile::TempDir,
    server: StandIn,
    tls: SmtpTls,
}

impl Post {
    /// `name` is what the server's certificate says.
    fn open(mode: &str, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-keyout", &at("key"), "-out", &at("certificate"), "-subj", "/CN=test"])
            .args(["-addext", &format!("subjectAltName=DNS:{name}")])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .output()
            .unwrap();
        assert!(made.status.success());
        let server = StandIn::start("servers_smtp.py", &[&at("certificate"), &at("key"), mode]).unwrap();
        Self { folder, server, tls: if mode == "implicit" { SmtpTls::Implicit } else { SmtpTls::StartTls } }
    }

    fn mailer(&self, trusting: bool) -> SmtpMailer {
        let authority = std::fs::read(self.folder.path().join("certificate")).unwrap();
        SmtpMailer::new(&SmtpServer {
            host: "localhost".to_owned(),
            port: Some(self.server.port()),
            tls: self.tls,
            authorities: trusting.then_some(authority),
            login: Some(("sceau".to_owned(), "secret of the mail".to_owned().into())),
            from: "Sceau <sceau@example.org>".to_owned(),
        })
        .unwrap()
    }

    fn letters(&self) -> Vec<Value> {
        serde_json::from_str(&self.server.ask("letters")).unwrap()
    }

    /// An outbox with one letter in it, and who delivers it.
    async fn with_a_letter(&self, clock: &Arc<ManualClock>) -> (Outbox, Dispatcher, String) {
        let database = Database::open(&self.folder.path().join("records.db"), MIGRATIONS).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
        let policy = RetryPolicy { first_ms: 1_000, longest_ms: 60_000, attempts: 4, timeout_ms: 60_000 };
        let outbox = Outbox::new(database.clone(), clock, policy);
        let mut transaction = database.begin().await.unwrap();
        let id = outbox.enqueue(&mut transaction, TOPIC, &json!({})).await.unwrap();
        transaction.commit().await.unwrap();
        let mailer = Mailer::Smtp(self.mailer(true));
        let deliver = move |message: Message| {
            let mailer = mailer.clone();
            let mail =
                Mail { to: "lea@example.org".into(), subject: "Reçu".into(), text: "Votre dossier".into() };
            async move { mailer.deliver(&mail, &message).await }
        };
        let dispatcher = outbox.dispatcher().on(TOPIC, deliver);
        (outbox, dispatcher, id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_taken_over_tls_after_a_login() {
    for mode in ["implicit", "starttls"] {
        let post = Post::open(mode, "localhost");
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        let (outbox, dispatcher, id) = post.with_a_letter(&clock).await;
        post.mailer(true).probe().await.unwrap();
        assert_eq!(
            dispatcher.deliver_due().await.unwrap(),
            1,
            "{mode}: {:?}",
            outbox.dead_letters(1000).await
        );
        let letters = post.letters();
        assert_eq!(letters.len(), 1, "{mode}: looking sends nothing");
        assert_eq!(letters[0]["id"], format!("<{id}@example.org>"));
        assert_eq!(
            (&letters[0]["to"], &letters[0]["subject"]),
            (&json!(["lea@example.org"]), &json!("Reçu"))
        );
        assert_eq!((&letters[0]["tls"], &letters[0]["login"]), (&json!(true), &json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_refused_for_a_while_comes_later_under_the_same_id() {
    let post = Post::open("implicit", "localhost");
    let clock = Arc::new(ManualClock::at(1_800_000_000_000));
    let (outbox, dispatcher, id) = post.with_a_letter(&clock).await;
    post.server.ask("later 2");
    for _ in 0..2 {
        assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
        clock.advance(60_000);
    }
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 1);
    assert!(outbox.dead_letters(1000).await.unwrap().is_empty());
    let letters = post.letters();
    assert_eq!((letters.len(), &letters[0]["id"]), (1, &json!(format!("<{id}@example.org>"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_closed_for_a_while_is_tried_again_and_given_up_after_a_while() {
    for (refused, arrives) in [(3, 1), (4, 0)] {
        let post = Post::open("implicit", "localhost");
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        let (outbox, dispatcher, _) = post.with_a_letter(&clock).await;
        post.server.ask("mailbox");
        for _ in 0..refused {
            assert!(outbox.dead_letters(1000).await.unwrap().is_empty(), "450 is not the last word");
            assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
            clock.advance(60_000);
        }
        post.server.ask("take");
        assert_eq!(dispatcher.deliver_due().await.unwrap(), arrives, "after {refused}");
        let dead = outbox.dead_letters(1000).await.unwrap();
        assert_eq!(dead.len(), 1 - arrives, "unlike a server that is away, it speaks of this letter");
        let reasons: String = dead.iter().filter_map(|letter| letter.reason.clone()).collect();
        assert!(arrives == 1 || reasons.contains("450"), "{reasons}");
        assert!(!reasons.contains("lea@"), "{reasons}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_refused_for_good_is_a_dead_letter_that_names_nobody() {
    let post = Post::open("starttls", "localhost");
    let clock = Arc::new(ManualClock::at(1_800_000_000_000));
    let (outbox, dispatcher, _) = post.with_a_letter(&clock).await;
    post.server.ask("never");
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
    let dead = outbox.dead_letters(1000).await.unwrap();
    let reason = dead[0].reason.clone().unwrap();
    assert!(reason.contains("550") && !reason.contains("lea@"), "{reason}");
    // Revived by a person, it goes.
    post.server.ask("take");
    assert!(outbox.revive(&dead[0].id).await.unwrap());
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_certificate_gets_no_letter_and_no_password() {
    for (mode, name, trusting) in [
        ("implicit", "localhost", false),
        ("starttls", "localhost", false),
        ("implicit", "other.example", true),
    ] {
        let post = Post::open(mode, name);
        let said = post.mailer(trusting).probe().await.unwrap_err();
        assert!(said.contains("certificate"), "{mode} {name}: {said}");
        assert!(post.letters().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_told_nothing_and_a_refused_login_keeps_the_letter() {
    let post = Post::open("clear", "localhost");
    assert!(post.mailer(true).probe().await.is_err());
    let post = Post::open("implicit", "localhost");
    let clock = Arc::new(ManualClock::at(1_800_000_000_000));
    let (outbox, dispatcher, _) = post.with_a_letter(&clock).await;
    post.server.ask("login");
    let said = post.mailer(true).probe().await.unwrap_err();
    assert!(said.contains("login") && said.contains("535"), "{said}");
    for _ in 0..30 {
        assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
        clock.advance(60_000);
    }
    assert!(outbox.dead_letters(1000).await.unwrap().is_empty(), "a wrong password loses no letter");
    let [late] = &outbox.standing().await.unwrap()[..] else { panic!("one topic") };
    assert!(late.late == 1 && late.reason.as_ref().unwrap().contains("refuses the login"), "{late:?}");
}
