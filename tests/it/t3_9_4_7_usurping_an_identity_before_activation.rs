//! Threat 3.9.4.7, usurping an identity before activation: who has the database, the invitation and the package's place, and not the code, activates nothing; and nobody gives a keyring that
//! was handed over to somebody else.

use sceau_store::{Statement, params};
use sceau_tests::keyrings::{Keyrings, refused, said};

const DELIVER: Statement = Statement::new(
    "DELIVER",
    "UPDATE keyring_row SET state = 'active' WHERE kind = 'keyring' AND state = 'delivered'",
);

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_before_the_holder_has_no_keyring() {
    let keyrings = Keyrings::start("keyring-usurped");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let database = keyrings.database().await;
    // Another code does not activate, however often, whatever the database says of the keyring.
    let code = keyrings.read("k.code");
    keyrings.scratch.write("k.code", "0000-0000-0000-0000-0000");
    for _ in 0..4 {
        database.execute(DELIVER, params![]).await.unwrap();
        assert_eq!(
            refused(&keyrings.activate(&keyring, &keyrings.scratch.join("usurper"))),
            "factor_invalid"
        );
    }
    // Nobody names another holder: neither who is no authority, nor the authority once it has said whose it is.
    let element = keyrings.scratch.join("element.json");
    for (actor, code) in [("stranger", "actor_unknown"), ("sp", "keyring_phase"), ("ra", "keyring_phase")] {
        let words = ["deliver", "--holder", "2026-666", "--common-name", "Pierre Curie", "--channel", "hand"];
        let named = keyrings
            .act(actor, &words)
            .arg("--element")
            .arg(&element)
            .arg(keyrings.scratch.join("k.package"))
            .run();
        assert_eq!(refused(&named), code, "{actor}");
    }
    keyrings.scratch.write("k.code", code);
    let activated = keyrings.activate(&keyring, &keyrings.scratch.join("terminal")).success();
    assert!(activated.stderr.contains("Marie Curie"), "{}", activated.stderr);
    assert_eq!(said(&activated, "/phase"), "active");
    // Who has the code afterwards, and the factors of an older day, has nothing.
    assert_eq!(refused(&keyrings.activate(&keyring, &keyrings.scratch.join("late"))), "keyring_phase");
}
