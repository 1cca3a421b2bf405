//! What is known of a certificate as time goes by, and a responder that is slow.

#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, Heard, OcspAnswer, OcspSigner, OcspStatus,
    RevocationLists, RevocationReason,
};
use tokio::{io::AsyncReadExt as _, net::TcpListener, sync::Notify};

use super::{
    answers::{Answers, Key, Question},
    call::{Manner, Nonce},
    kept::Kept,
};
use crate::clock::now;

const NOW: u64 = 1_795_176_000_000;
const HOUR: u64 = 3_600_000;

fn question(responder: &str) -> Question {
    let authority = Authority::create(&AuthorityProfile::of("Essai"), now()).unwrap();
    let client = authority.issue_client(&ClientProfile::new("a", CertificateRole::Connector), now()).unwrap();
    let certificate = client.certificate().clone();
    let manner = Manner { responder: None, deadline: Duration::from_millis(300), nonce: Nonce::Sent };
    Question {
        key: Key { certificate: certificate.fingerprint(), manner },
        responder: responder.parse().unwrap(),
        certificate,
        issuer: authority.certificate().clone(),
        lists: RevocationLists::default(),
        kept: Arc::new(Kept::beside(Path::new("/nonexistent"))),
    }
}

fn answer(status: OcspStatus) -> Option<OcspAnswer> {
    let (this_update, until) = (NOW, NOW + 16 * HOUR);
    Some(OcspAnswer { status, this_update, until, signer: OcspSigner::Issuer, has_our_nonce: true })
}

#[test]
fn an_answer_holds_to_its_end_and_is_looked_at_again_before() {
    let (answers, asked) = (Arc::new(Answers::default()), question("http://127.0.0.1:9/"));
    assert_eq!(answers.heard(&asked, NOW), Heard::Unasked);
    answers.settle(&asked.key, answer(OcspStatus::Good).as_ref(), NOW, 0.0);
    assert_eq!(answers.heard(&asked, NOW), Heard::Good { until: NOW + 8 * HOUR }, "half of what is left");
    let late = NOW + 9 * HOUR;
    assert_eq!(answers.heard(&asked, late), Heard::Good { until: late + 1000 }, "while it is asked again");
    let end = NOW + 16 * HOUR;
    assert_eq!(answers.heard(&asked, end - 1), Heard::Good { until: end });
    assert_eq!(answers.heard(&asked, end), Heard::Unasked, "whoever comes back later waits for an answer");
    answers.settle(&asked.key, None, end, 0.0);
    assert_eq!(answers.heard(&asked, end), Heard::Nothing { ended: Some(end), again: end + 5000 });
}

#[test]
fn a_responder_that_fails_is_asked_ever_later_and_ends_nothing_that_holds() {
    let (answers, asked) = (Arc::new(Answers::default()), question("http://127.0.0.1:9/"));
    for (failure, pause) in [5_000, 10_000, 20_000, 40_000].into_iter().enumerate() {
        answers.settle(&asked.key, None, NOW, 0.0);
        let nothing = Heard::Nothing { ended: None, again: NOW + pause };
        assert_eq!(answers.heard(&asked, NOW), nothing, "{failure}");
    }
    answers.settle(&asked.key, answer(OcspStatus::Unknown).as_ref(), NOW, 0.0);
    assert_eq!(answers.heard(&asked, NOW), Heard::Nothing { ended: None, again: NOW + 80_000 });
    answers.settle(&asked.key, answer(OcspStatus::Good).as_ref(), NOW, 0.0);
    answers.settle(&asked.key, None, NOW + 9 * HOUR, 0.0);
    let good = Heard::Good { until: NOW + 9 * HOUR + 5000 };
    assert_eq!(answers.heard(&asked, NOW + 9 * HOUR), good, "the answer before still holds");
}

#[test]
fn whoever_was_taken_back_stays_out_whatever_fails_then() {
    let (answers, asked) = (Arc::new(Answers::default()), question("http://127.0.0.1:9/"));
    let revoked = OcspStatus::Revoked { at: NOW, reason: RevocationReason::KeyCompromise };
    answers.settle(&asked.key, answer(OcspStatus::Good).as_ref(), NOW, 0.0);
    assert_eq!(answers.revocations(), 0);
    answers.settle(&asked.key, answer(revoked).as_ref(), NOW, 0.0);
    assert_eq!(answers.revocations(), 1, "verdicts that let it pass are forgotten");
    answers.settle(&asked.key, None, NOW, 0.0);
    assert_eq!(answers.heard(&asked, NOW + 1000 * HOUR), Heard::Revoked);
    answers.settle(&asked.key, answer(OcspStatus::Good).as_ref(), NOW, 0.0);
    assert!(matches!(answers.heard(&asked, NOW), Heard::Good { .. }), "it was on hold");
}

#[tokio::test]
async fn nobody_is_asked_twice_at_once_and_nobody_waits_longer_than_the_deadline() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let responder = format!("http://{}/", socket.local_addr().unwrap());
    let (calls, called) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counting, telling) = (Arc::clone(&calls), Arc::clone(&called));
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = socket.accept().await {
            counting.fetch_add(1, Ordering::SeqCst);
            let mut octets = [0; 64];
            drop(stream.read(&mut octets).await);
            telling.notify_one();
            held.push(stream);
        }
    });
    let (answers, asked) = (Arc::new(Answers::default()), question(&responder));
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (answers, asked) = (Arc::clone(&answers), asked.clone());
            tokio::spawn(async move { answers.ask(&asked).await })
        })
        .collect();
    called.notified().await;
    for one in asking {
        one.await.unwrap();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(matches!(answers.heard(&asked, now()), Heard::Nothing { ended: None, .. }));
    silent.abort();
}

/// An older answer, still within its life, sent again by whoever sits between gate and responder.
#[test]
fn an_older_answer_does_not_undo_a_newer_revocation() {
    let (answers, asked) = (Arc::new(Answers::default()), question("http://127.0.0.1:9/"));
    let revoked = OcspStatus::Revoked { at: NOW, reason: RevocationReason::KeyCompromise };
    answers.settle(&asked.key, answer(revoked).as_ref(), NOW, 0.0);
    let older = answer(OcspStatus::Good).map(|it| OcspAnswer { this_update: NOW - HOUR, ..it });
    answers.settle(&asked.key, older.as_ref(), NOW, 0.0);
    assert_eq!(answers.heard(&asked, NOW), Heard::Revoked);
}

/// Another table (`prefer = "list"`) remembers a verdict for as long as its list holds.
#[test]
fn the_first_answer_that_says_revoked_forgets_verdicts_too() {
    let (answers, asked) = (Arc::new(Answers::default()), question("http://127.0.0.1:9/"));
    let revoked = OcspStatus::Revoked { at: NOW, reason: RevocationReason::KeyCompromise };
    answers.settle(&asked.key, answer(revoked).as_ref(), NOW, 0.0);
    assert_eq!(answers.revocations(), 1);
}
