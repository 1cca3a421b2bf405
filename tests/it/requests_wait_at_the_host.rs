//! A provider leaves a request at the host, the holder's terminal learns that it waits, reads it there, and answers; the provider has what the element signed, and its word on it.

use std::path::Path;

use sceau_tests::keyrings::{HandedKeyring, Keyrings, refused, said};
use sceau_tests::{Finished, Program};
use serde_json::Value;

const HOLDER: &str = "Marie Curie";

fn outcome(keyrings: &Keyrings, request: &str, more: &[&str]) -> Finished {
    let words = ["outcome", "--request", request];
    let program = keyrings.act("sp", &words).arg("--element").arg(keyrings.scratch.join("element.json"));
    program.args(more.iter().copied()).within(keyrings.scratch.path()).run()
}

fn waiting(keyrings: &Keyrings, folder: &Path, more: &[&str]) -> Vec<String> {
    let listed = keyrings.terminal("pending", folder).args(more.iter().copied()).run().success();
    let listed: Value = serde_json::from_str(&listed.text()).unwrap();
    let requests = listed["requests"].as_array().unwrap();
    requests.iter().map(|one| one["request"].as_str().unwrap().to_owned()).collect()
}

fn sign(keyrings: &Keyrings, folder: &Path, request: &str) -> Finished {
    let pin = keyrings.scratch.join("pin");
    keyrings.terminal("sign", folder).args(["--request", request, "--pin-file"]).arg(pin).run()
}

fn activated(name: &str) -> (Keyrings, HandedKeyring, std::path::PathBuf) {
    let keyrings = Keyrings::start(name);
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    (keyrings, keyring, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_is_signed_and_its_provider_has_it() {
    let (keyrings, keyring, folder) = activated("keyring-waits");
    let scratch = &keyrings.scratch;
    let lease = scratch.write("lease.pdf", b"the lease of 12 March");
    assert_eq!(waiting(&keyrings, &folder, &[]), [] as [&str; 0]);
    let left = said(&keyrings.leave("sp", &keyring.id, &lease).success(), "/request");
    assert_eq!(said(&outcome(&keyrings, &left, &[]).success(), "/state"), "pending");
    assert_eq!(waiting(&keyrings, &folder, &["--wait", "30"]), [left.as_str()]);

    let signed = sign(&keyrings, &folder, &left).success();
    assert!(signed.stderr.contains("1 250 €"), "{}", signed.stderr);
    assert_eq!(waiting(&keyrings, &folder, &[]), [] as [&str; 0]);
    let files = ["--out", "lease.sig", "--holder", "lease.pem", "--proof", "lease.proof"];
    let told = outcome(&keyrings, &left, &files).success();
    assert_eq!((said(&told, "/state").as_str(), said(&told, "/index")), ("signed", said(&signed, "/index")));
    // OpenSSL verifies what the provider has.
    let openssl =
        |words: &[&str]| Program::other("openssl").args(words.iter().copied()).within(scratch.path()).run();
    let key = openssl(&["x509", "-pubkey", "-noout", "-in", "lease.pem"]).success().stdout;
    scratch.write("holder.pub", key);
    openssl(&["dgst", "-sha256", "-verify", "holder.pub", "-signature", "lease.sig", "lease.pdf"]).success();
    // It is answered once.
    assert_eq!(refused(&sign(&keyrings, &folder, &left)), "request_settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_says_no_and_support_sees_a_report() {
    let (keyrings, keyring, folder) = activated("keyring-no");
    let lease = keyrings.scratch.write("lease.pdf", b"x");
    let one = said(&keyrings.leave("sp", &keyring.id, &lease).success(), "/request");
    let two = said(&keyrings.leave("sp", &keyring.id, &lease).success(), "/request");
    keyrings.terminal("reject", &folder).args(["--request", &one]).run().success();
    keyrings.terminal("report", &folder).args(["--request", &two, "--why", "insistent"]).run().success();
    for request in [&one, &two] {
        assert_eq!(said(&outcome(&keyrings, request, &[]).success(), "/state"), "rejected");
    }
    assert_eq!(refused(&sign(&keyrings, &folder, &one)), "request_settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_the_provider_leaves_nothing_and_a_list_is_not_filled() {
    let (keyrings, keyring, folder) = activated("keyring-full");
    let lease = keyrings.scratch.write("lease.pdf", b"x");
    assert_eq!(refused(&keyrings.leave("stranger", &keyring.id, &lease)), "actor_unknown");
    assert_eq!(refused(&keyrings.leave("ra", &keyring.id, &lease)), "role_other");
    let nobody = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1cfff";
    assert_eq!(refused(&keyrings.leave("sp", nobody, &lease)), "keyring_unknown");
    for _ in 0..4 {
        keyrings.leave("sp", &keyring.id, &lease).success();
    }
    assert_eq!(refused(&keyrings.leave("sp", &keyring.id, &lease)), "requests_wait");
    let all = waiting(&keyrings, &folder, &[]);
    assert_eq!(all.len(), 4);
    // Nobody but a terminal of this keyring hears of them.
    let other = keyrings.hand_over("other", "Pierre Curie");
    let elsewhere = keyrings.scratch.join("elsewhere");
    keyrings.activate(&other, &elsewhere).success();
    assert_eq!(waiting(&keyrings, &elsewhere, &[]), [] as [&str; 0]);
    assert_eq!(refused(&sign(&keyrings, &elsewhere, &all[0])), "request_unknown");
}
