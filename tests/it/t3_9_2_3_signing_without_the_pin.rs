//! Threat 3.9.2.3, signing without the PIN: who has the terminal, whole and where it is, reads what waits and says no. Nothing is signed; and once its holder had it stopped, it does nothing.

use sceau_client::ClientError;
use sceau_client::terminal::{Storage, Visitor, sign};
use sceau_keyring::{Pin, ReportReason};
use sceau_tests::keyrings::{Keyrings, PIN, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn who_stole_a_terminal_signs_nothing_and_is_stopped() {
    let keyrings = Keyrings::start("keyring-stolen");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let lease = keyrings.scratch.write("lease.pdf", b"x");
    let left = || said(&keyrings.leave("sp", &keyring.id, &lease).success(), "/request");
    let (one, two) = (left(), left());
    let (storage, server) = (Storage::at(&folder), keyrings.server());
    let thief = Visitor::to(&storage, &server).unwrap();
    assert_eq!(thief.waiting().await.unwrap().len(), 2);
    let jws = thief.fetch(one.parse().unwrap()).await.unwrap();
    // Any other PIN is wrong, and what the terminal keeps opens nothing without the right one.
    let wrong = sign(&storage, &server, &jws, |_| Ok::<_, ClientError>(Pin::parse("111222333444").unwrap()))
        .await
        .unwrap_err();
    assert_eq!(wrong.code(), Some("pin_invalid"), "{wrong}");

    // To say no takes no PIN; what the holder signs all the same is what the provider has.
    thief.reject(one.parse().unwrap()).await.unwrap();
    assert_eq!(said(&keyrings.outcome(&one).success(), "/state"), "rejected");
    let signed =
        sign(&storage, &server, &jws, |_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap())).await.unwrap();
    thief.hand_over(one.parse().unwrap(), (&signed).into()).await.unwrap();
    assert_eq!(said(&keyrings.outcome(&one).success(), "/state"), "signed");
    let again = thief.reject(one.parse().unwrap()).await.unwrap_err();
    assert_eq!(again.code(), Some("request_settled"), "{again}");

    // Stopped, it is told nothing and answers nothing. What was signed before is still handed over.
    let three = left();
    let jws = thief.fetch(three.parse().unwrap()).await.unwrap();
    let signed =
        sign(&storage, &server, &jws, |_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap())).await.unwrap();
    keyrings.of("support", &["suspend", "--reason", "lost"], &keyring).success();
    let no = thief.reject(two.parse().unwrap()).await.unwrap_err();
    assert_eq!(no.code(), Some("keyring_phase"), "{no}");
    let no = thief.report(two.parse().unwrap(), ReportReason::Stranger).await.unwrap_err();
    assert_eq!(no.code(), Some("keyring_phase"), "{no}");
    assert_eq!(thief.waiting().await.unwrap_err().code(), Some("keyring_phase"));
    assert_eq!(said(&keyrings.outcome(&two).success(), "/state"), "pending");
    let request = keyrings.request("late", &keyring, &lease);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_suspended");
    thief.hand_over(three.parse().unwrap(), (&signed).into()).await.unwrap();
    assert_eq!(said(&keyrings.outcome(&three).success(), "/state"), "signed");
}
