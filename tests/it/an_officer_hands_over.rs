//! What the security officer signed is had again from the host, verified against the log; and the officer hands over to the next one.

use sceau_tests::keyrings::{Keyrings, POLICY, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_goes_on_from_what_stands_and_names_the_next() {
    let mut keyrings = Keyrings::start("keyring-officers");
    // Without the file that was printed at the first time.
    let (row, document) = (keyrings.scratch.join("policy.row"), keyrings.scratch.join("current.json"));
    let show = |keyrings: &Keyrings| {
        let program = keyrings.show(&["--policy", POLICY]);
        program.arg("--document").arg(&document).run()
    };
    let shown = show(&keyrings).success();
    assert_eq!(said(&shown, "/version"), "1");
    std::fs::write(&row, shown.stdout).unwrap();
    let policy: serde_json::Value = serde_json::from_slice(&std::fs::read(&document).unwrap()).unwrap();
    assert_eq!(policy["name"], "Signature des baux");
    let publish = |keyrings: &Keyrings, by: &str| {
        keyrings.act(by, &["policy"]).arg("--follows").arg(&row).arg(&document).run()
    };
    assert_eq!(said(&publish(&keyrings, "officer").success(), "/version"), "2");
    assert_eq!(
        refused(&keyrings.show(&["--policy", "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1cfff"]).run()),
        "not_found"
    );
    // A log of another key is not believed.
    let element = std::fs::read_to_string(keyrings.scratch.join("element.json")).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&element).unwrap();
    other["log"] = "example.org/log+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
    keyrings.scratch.write("element.json", other.to_string());
    assert_ne!(keyrings.show(&["--policy", POLICY]).run().code, Some(0));
    keyrings.scratch.write("element.json", element);

    // The next officer, whose word alone counts from then on; the element starts with the old file all the same, and says so.
    let next = keyrings.scratch.join("stranger.pem");
    let element = keyrings.scratch.join("element.json");
    let hand_over = |by: &str| {
        keyrings.act(by, &["officer"]).arg("--next").arg(&next).arg("--element").arg(&element).run()
    };
    assert_eq!(refused(&hand_over("ra")), "role_other");
    assert_eq!(said(&hand_over("officer").success(), "/version"), "1");
    keyrings.start_element();
    std::fs::remove_file(&document).unwrap();
    std::fs::write(&row, show(&keyrings).success().stdout).unwrap();
    assert_eq!(refused(&publish(&keyrings, "officer")), "role_other");
    assert_eq!(said(&publish(&keyrings, "stranger").success(), "/version"), "3");
    assert_eq!(said(&keyrings.show(&["--officer"]).run().success(), "/version"), "1");
}
