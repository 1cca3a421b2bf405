//! Threat 3.9.3.4, impersonating the server with a terminal's key: who stole it, and stands where the terminal goes, learns neither the PIN nor what comes of it: the terminal says nothing to
//! another key than the one that it pinned.

use sceau_client::terminal::{Storage, sign};
use sceau_client::{ClientError, Server};
use sceau_crypto::XWingPrivateKey;
use sceau_element_api::Base64Url;
use sceau_keyring::Pin;
use sceau_tests::Liar;
use sceau_tests::keyrings::{Keyrings, PIN};

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_terminals_key_is_not_taken_for_the_server() {
    let keyrings = Keyrings::start("keyring-impersonated");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let stolen = std::fs::read(folder.join("device.p8")).unwrap();
    assert!(!stolen.is_empty());
    let document = keyrings.scratch.write("document", b"x");
    let jws = std::fs::read_to_string(keyrings.request("one", &keyring, &document)).unwrap();
    let between = Liar::before(keyrings.address(), keyrings.read("host.pem").as_bytes()).await;
    let (storage, server) = (Storage::at(&folder), Server::new(&between.url(), &Default::default()).unwrap());
    let own = XWingPrivateKey::generate().unwrap();
    let channel = Base64Url::from(own.recipient_key().public().to_vec()).encode();
    between.lies(move |asked, answer| {
        if asked.ends_with("/contexts") {
            answer["channel"] = channel.clone().into();
        }
    });
    let told =
        sign(&storage, &server, &jws, |_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap())).await.unwrap_err();
    assert_eq!(told.code(), None, "{told}");
    assert_eq!(between.heard("/messages"), 0, "nothing was said to it");
    between.repents();
    sign(&storage, &server, &jws, |_| Ok::<_, ClientError>(Pin::parse(PIN).unwrap())).await.unwrap();
}
