//! The program: what it says of a model, and how it ends where it cannot serve.

use std::process::{Command, Output};

use super::tiny_model::{SIDE, onnx};

fn biometric(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sceau-biometric")).args(words).output().unwrap()
}

#[test]
fn it_says_what_policies_name_a_model_by() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.onnx");
    std::fs::write(&file, onnx(1)).unwrap();
    let state = folder.path().join("state");
    let (file, state) = (file.to_str().unwrap(), state.to_str().unwrap());
    let said = biometric(&["--describe", file, "--state", state, "--element", "none"]);
    assert!(said.status.success(), "{said:?}");
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["model"], sceau_trace::sha256(&onnx(1)).to_string());
    assert_eq!((&said["width"], &said["height"]), (&SIDE.into(), &SIDE.into()));
}

#[test]
fn it_ends_with_words_without_a_model_or_an_element() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("garbage.onnx"), vec![255; 4096]).unwrap();
    std::fs::write(at("model.onnx"), onnx(1)).unwrap();
    std::fs::write(at("passphrase"), "four words and one more").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(at("passphrase"), mode).unwrap();
    for (model, words) in
        [("garbage.onnx", "no ONNX"), ("none.onnx", "No such file"), ("model.onnx", "is not reached")]
    {
        let ended = biometric(&[
            "--state",
            &at("state"),
            "--element",
            &at("none.sock"),
            "--model",
            &at(model),
            "--keystore-passphrase-file",
            &at("passphrase"),
        ]);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains(words) && !told.contains("panicked"), "{model}: {told}");
    }
}
