//! Threat 3.9.1.6, misleading requests: what reads as something else is refused where a provider makes it, where it leaves it, and where the holder would read it; each by itself, whoever
//! went around the ones before.

use sceau_tests::keyrings::{Keyrings, PROVIDER, refused};

/// Turned round, a letter of another script, an unseen one, struck out, and digits that are none.
const MISLEADING: [&str; 5] = [
    "Le bail\u{202e}sruos 052 1",
    "Le b\u{430}il du 12 mars",
    "Le bail\u{200b} du 12 mars",
    "Le ba\u{336}il du 12 mars",
    "Le bail: \u{1d7cf}250 euros",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_misleads_is_shown_to_no_holder() {
    let keyrings = Keyrings::start("keyring-misleads");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    let document = keyrings.scratch.write("lease.pdf", b"x");
    let element = keyrings.scratch.join("element.json");
    let long = "a\n".repeat(61);
    for description in MISLEADING.into_iter().chain([long.as_str()]) {
        // By the program that providers have.
        let words =
            ["request", "--provider", PROVIDER, "--keyring", &keyring.id, "--description", description];
        let made =
            keyrings.act("sp", &words).arg("--element").arg(&element).arg("--file").arg(&document).run();
        assert_eq!(refused(&made), "request_invalid", "{description:?}");
        // By one of their own: the host does not list it.
        let members = keyrings.request_members(&keyring, description);
        let jws = keyrings.signs_anyway("sp", "sceau-kr-request", &members);
        let (status, said) = keyrings.leave_anyway("sp", &jws).await;
        assert_eq!(
            (status, said["code"].as_str()),
            (422, Some("request_invalid")),
            "{description:?}: {said}"
        );
        // Past the host: the terminal shows nothing of it, and asks for no PIN.
        let request = keyrings.scratch.write("misleads.request", jws);
        let asked = keyrings.sign(&folder, &request, "pin");
        assert_eq!(refused(&asked), "request_invalid", "{description:?}");
        assert!(!asked.stderr.contains("lease.pdf"), "{}", asked.stderr);
    }
    // The same by the same ways, in words that read as what they are.
    let members = keyrings.request_members(&keyring, "Le bail du 12 mars\n\n1 250 euros par mois");
    let jws = keyrings.signs_anyway("sp", "sceau-kr-request", &members);
    assert_eq!(keyrings.leave_anyway("sp", &jws).await.0, 201);
    let request = members["request"].as_str().unwrap();
    let signed = keyrings.sign_waiting(&folder, request).success();
    assert!(signed.stderr.contains("1 250 euros par mois"), "{}", signed.stderr);
}
