//! Threat 3.9.4.5, asking in a provider's name: whoever writes the database has a request wait for a holder in the name of somebody registered. The terminal shows none that this one did not
//! sign, and none under another's name.

use sceau_store::{Statement, params};
use sceau_tests::keyrings::{Keyrings, ORIGIN, PROVIDER, PROVIDER_NAME, refused, said};

const WAITS: Statement = Statement::new(
    "WAITS",
    "INSERT INTO keyring_request (id, keyring, organisation, policy, provider, jws, received, ends, state) \
     SELECT $1, keyring, organisation, policy, provider, $2, received, ends, 'pending' FROM keyring_request WHERE id = $3",
);

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_database_invented_is_shown_to_nobody() {
    let keyrings = Keyrings::start("keyring-phished");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("lease.pdf", b"x");
    let left = said(&keyrings.leave("sp", &keyring.id, &document).success(), "/request");
    let database = keyrings.database().await;
    // By a stranger; by somebody who is registered, and not as a provider; each saying that it is the provider.
    for actor in ["stranger", "ra", "officer"] {
        let members = keyrings.request_members(&keyring, "Votre bail");
        assert_eq!((&members["provider"], &members["aud"]), (&PROVIDER.into(), &ORIGIN.into()));
        let jws = keyrings.signs_anyway(actor, "sceau-kr-request", &members);
        let id = members["request"].as_str().unwrap();
        database.execute(WAITS, params![id, jws.as_str(), left.as_str()]).await.unwrap();
        let asked = keyrings.sign_waiting(&folder, id);
        let code = refused(&asked);
        assert!(["actor_unknown", "request_invalid"].contains(&code.as_str()), "{actor}: {code}");
        assert!(
            !asked.stderr.contains("Votre bail") && !asked.stderr.contains(PROVIDER_NAME),
            "{}",
            asked.stderr
        );
        // Nor does the host take it from who has no certificate of the provider's.
        assert_eq!(keyrings.leave_anyway(actor, &jws).await.0, 403, "{actor}");
    }
    // The provider's own, which waits beside them, is shown under its registered name.
    let signed = keyrings.sign_waiting(&folder, &left).success();
    assert!(signed.stderr.contains(PROVIDER_NAME), "{}", signed.stderr);
}
