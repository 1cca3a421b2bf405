//! A provider prepares PDF documents, their holder agrees once on the terminal, and readers of others find the signatures valid: by P-256, and by RSA.

use std::path::Path;

use sceau_tests::keyrings::{Keyrings, pem_of, refused, said};
use sceau_tests::{Finished, Program};
use serde_json::{Value, json};

/// Another reader (`tests/judges/pdf_reader.py`), in its environment.
fn reader(words: &[&str], within: &Path) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| format!("{root}/target"));
    let python = Program::other(&format!("{target}/venv-pdf/bin/python"));
    let script = format!("{root}/tests/judges/pdf_reader.py");
    // It shares a file with those that run `sceau`, and runs it not.
    let python = python.env("SCEAU_BIN", "").arg("-B").arg(script);
    python.args(words.iter().copied()).within(within).run().success().text()
}

fn sceau(words: &[&str], within: &Path) -> Finished {
    Program::sceau(words[0]).args(words[1..].iter().copied()).arg("--json").within(within).run()
}

async fn signs_two(name: &str, algorithm: &str, mechanism: &str) {
    let keyrings = Keyrings::start_with(name, json!({"algorithm": algorithm}));
    let at = keyrings.scratch.path();
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    // The provider has the holder's certificate of any use before.
    let file = keyrings.scratch.write("first", b"what was signed first");
    let first = keyrings.request_by("first", &keyring, &file, algorithm);
    keyrings.sign(&folder, &first, "pin").success();
    for folder in ["prepared", "signed"] {
        std::fs::create_dir(keyrings.scratch.join(folder)).unwrap();
    }
    for document in ["lease.pdf", "annex.pdf"] {
        reader(&["write", document], at);
    }
    let prepare =
        ["sign", "lease.pdf", "annex.pdf", "--certificate", "first.pem", "--prepare", "-o", "prepared"];
    sceau(&prepare, at).success();

    let element = keyrings.scratch.join("element.json");
    let asked = keyrings
        .act(
            "sp",
            &["request", "--provider", "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003", "--keyring", &keyring.id],
        )
        .args(["--description", "Le bail, et son annexe", "--algorithm", algorithm, "--holder", "first.pem"])
        .args(["--prepared", "prepared/lease.pdf", "--prepared", "prepared/annex.pdf", "--element"])
        .arg(element)
        .within(at);
    let asked = said(&asked.run().success(), "/request");
    let pin = keyrings.scratch.join("pin");
    let agreed = keyrings.terminal("sign", &folder).args(["--request", &asked, "--pin-file"]).arg(pin);
    let agreed = agreed.run().success();
    assert!(agreed.stderr.contains("lease.pdf") && agreed.stderr.contains("annex.pdf"), "{}", agreed.stderr);
    let outcome = keyrings.act("sp", &["outcome", "--request", &asked, "--out", "sig"]).arg("--element");
    outcome.arg(keyrings.scratch.join("element.json")).within(at).run().success();

    let complete = |signatures: [&str; 2]| {
        let [one, two] = signatures;
        let words = [
            "sign",
            "prepared/lease.pdf",
            "prepared/annex.pdf",
            "--certificate",
            "first.pem",
            "-o",
            "signed",
        ];
        sceau(&[&words[..], &["--signature", one, "--signature", two]].concat(), at)
    };
    assert_eq!(refused(&complete(["sig.2", "sig.1"])), "signature.false");
    complete(["sig.1", "sig.2"]).success();

    let about = sceau_element_api::Client::new(keyrings.socket()).keyrings_about().await.unwrap();
    keyrings.scratch.write("ca.pem", pem_of(&about.authority.unwrap().encode()));
    for document in ["signed/lease.pdf", "signed/annex.pdf"] {
        let ours = sceau(&["verify", document, "--anchors", "ca.pem"], at).success();
        assert_eq!(said(&ours, "/signatures/0/verdict"), "holds");
        let pyhanko: Value = serde_json::from_str(&reader(&["judge", document, "ca.pem"], at)).unwrap();
        let expected = json!([{
            "holds": true, "trusted": true, "covers": "ENTIRE_FILE", "by": mechanism, "signer": "Marie Curie",
        }]);
        assert_eq!(pyhanko, expected);
        let pdfsig = Program::other("pdfsig").arg(document).within(at).run().success().text();
        assert!(pdfsig.contains("Signature is Valid") && pdfsig.contains("Marie Curie"), "{pdfsig}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_signs_a_pdf() {
    signs_two("keyring-pdf", "ES256", "sha256_ecdsa").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_on_rsa_signs_a_pdf() {
    signs_two("keyring-pdf-rsa", "RS256", "sha256_rsa").await;
}
