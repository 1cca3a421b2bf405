//! Threat 3.9.4.6, altering a request after consent: whoever writes the database puts another request, or another outcome, in the place of the one that its holder read. What was read is what
//! is signed, and the provider takes nothing else for it.

use sceau_client::ClientError;
use sceau_client::terminal::{Storage, Visitor, sign};
use sceau_element_api::Base64Url;
use sceau_keyring::Pin;
use sceau_store::{Statement, params};
use sceau_tests::keyrings::{Keyrings, PIN, refused, said};
use serde_json::Value;

const SWAP: Statement = Statement::new(
    "SWAP",
    "UPDATE keyring_request SET jws = (SELECT jws FROM keyring_request WHERE id = $2) WHERE id = $1",
);
const FORGE: Statement = Statement::new(
    "FORGE",
    "UPDATE keyring_request SET state = 'signed', outcome = (SELECT outcome FROM keyring_request WHERE id = $2) WHERE id = $1",
);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_what_is_signed() {
    let keyrings = Keyrings::start("keyring-consent");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let [lease, sale] = [("lease.pdf", "the lease"), ("sale.pdf", "the sale of the house")]
        .map(|(name, content)| keyrings.scratch.write(name, content));
    let left = |document| said(&keyrings.leave("sp", &keyring.id, document).success(), "/request");
    let (read, other) = (left(&lease), left(&sale));
    let database = keyrings.database().await;
    let (storage, server) = (Storage::at(&folder), keyrings.server());
    let visitor = Visitor::to(&storage, &server).unwrap();
    let jws = visitor.fetch(read.parse().unwrap()).await.unwrap();
    // The holder agrees to the lease; meanwhile the sale takes its place.
    let signed = sign(&storage, &server, &jws, |asked| {
        assert_eq!(asked.request.items[0].label, "lease.pdf");
        Ok::<_, ClientError>(Pin::parse(PIN).unwrap())
    })
    .await
    .unwrap();
    database.execute(SWAP, params![read.as_str(), other.as_str()]).await.unwrap();
    let refusal = visitor.hand_over(read.parse().unwrap(), (&signed).into()).await.unwrap_err();
    assert_eq!(refusal.code(), Some("proof_invalid"), "the element's word is on the lease: {refusal}");

    // An outcome of another request, put in by hand: the provider's program believes the element, and not the host.
    keyrings.sign_waiting(&folder, &other).success();
    let third = left(&lease);
    database.execute(FORGE, params![third.as_str(), other.as_str()]).await.unwrap();
    assert_eq!(refused(&keyrings.outcome(&third)), "unproven");
    assert_eq!(said(&keyrings.outcome(&other).success(), "/state"), "signed");
}

/// A request whose hash was turned on its way is not the provider's any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_turned_on_its_way_is_nobodys() {
    let keyrings = Keyrings::start("keyring-turned");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    let jws = std::fs::read_to_string(&request).unwrap();
    let mut parts: Vec<&str> = jws.split('.').collect();
    let payload = Base64Url::decode(parts[1]).unwrap();
    let mut said: Value = serde_json::from_slice(&payload).unwrap();
    said["items"][0]["hash"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
    let turned = Base64Url::from(said.to_string().into_bytes()).encode();
    parts[1] = &turned;
    std::fs::write(&request, parts.join(".")).unwrap();
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "proof_invalid");
}
