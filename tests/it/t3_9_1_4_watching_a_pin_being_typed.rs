//! Threat 3.9.1.4, watching a PIN being typed: on a terminal a holder is asked: for the code, for a PIN twice on a keypad whose digits stand elsewhere each time, for agreement to what is shown. Nothing that is typed is shown.

use sceau_tests::keyrings::{Keyrings, PIN};
use sceau_tests::{Finished, Program};

fn types(pin: &str, code: &str, agreement: &str, program: &Program) -> Finished {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/t3_9_1_4_watching_a_pin_being_typed.py");
    Program::other("python3").arg(script).args([pin, code, agreement]).args(program.words()).run()
}

#[test]
fn a_holder_types_on_a_terminal() {
    let keyrings = Keyrings::start("keyring-typed");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    let code = std::fs::read_to_string(keyrings.scratch.join("k.code")).unwrap();
    let program = Program::sceau("terminal")
        .args(["activate", "--at", keyrings.address(), "--anchors"])
        .arg(keyrings.scratch.join("host.pem"))
        .arg("--folder")
        .arg(&folder)
        .arg("--invitation")
        .arg(keyrings.scratch.join("k.invitation"));
    let activated = types(PIN, &code.to_lowercase(), "", &program).success().text();
    assert!(activated.contains("Holder:  Marie Curie"), "{activated}");
    assert!(!activated.contains(PIN) && !activated.to_uppercase().contains(&code), "{activated}");
    let pads: Vec<&str> = activated.lines().filter(|line| line.contains("a=")).collect();
    assert!(pads.len() == 2 && pads[0] != pads[1], "{pads:?}");

    let document = keyrings.scratch.write("lease.pdf", b"x");
    let request = keyrings.request("lease", &keyring, &document);
    let signature = keyrings.scratch.join("lease.signature");
    let program = Program::sceau("terminal")
        .args(["sign", "--at", keyrings.address(), "--anchors"])
        .arg(keyrings.scratch.join("host.pem"))
        .arg("--folder")
        .arg(&folder)
        .arg(&request)
        .arg("--out")
        .arg(&signature);
    let declined = types(PIN, "", "no", &program);
    assert!(declined.code == Some(2) && declined.text().contains("nothing is signed"), "{}", declined.text());
    assert!(!signature.exists());
    let agreed = types(PIN, "", "yes", &program).success().text();
    let (shown, asked) = agreed.split_once("Type yes to agree: ").unwrap();
    assert!(shown.contains("Le bail du 12 mars") && shown.contains("lease.pdf"), "{agreed}");
    assert!(!asked.contains(PIN) && signature.exists());
}
