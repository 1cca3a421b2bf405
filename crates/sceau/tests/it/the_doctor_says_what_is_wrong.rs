//! `sceau doctor` names what is wrong and what to do, for people and for scripts, and makes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::Desk;

/// A folder as `sceau up` keeps one, with nobody at its ports.
fn abandoned() -> Desk {
    let desk = Desk::new();
    let data = desk.path("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    desk.write("data/ports.json", format!(r#"{{"platform":{port},"key_manager":{port}}}"#).as_bytes());
    fs::set_permissions(data.join("ports.json"), fs::Permissions::from_mode(0o600)).unwrap();
    desk
}

fn state<'a>(findings: &'a Value, check: &str) -> &'a str {
    let all = findings["findings"].as_array().unwrap();
    let found = all.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("{check} is not among {findings}"))["state"].as_str().unwrap()
}

#[test]
fn who_does_not_answer_is_trouble_and_a_closed_folder_is_well() {
    let desk = abandoned();
    let ran = desk.run(&["doctor", "--data", "data", "--json"]);
    let findings = ran.json();
    assert_eq!(state(&findings, "folder"), "well");
    assert_eq!(state(&findings, "element"), "trouble");
    assert_eq!(state(&findings, "platform"), "trouble");
    assert_eq!(ran.error_json()["code"], "trouble");
    assert_eq!(ran.code, 1);
    assert_eq!(crate::support::names(&desk.path("data")), ["ports.json"], "nothing is made");
}

#[test]
fn an_open_secret_is_named_with_what_to_do() {
    let desk = abandoned();
    desk.write("data/element.passphrase", b"a passphrase");
    fs::set_permissions(desk.path("data/element.passphrase"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(desk.path("data"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = desk.run(&["doctor", "--data", "data"]);
    assert_eq!(ran.code, 1);
    let text = ran.text();
    let folder: Vec<&str> = text.lines().skip_while(|line| !line.contains("folder")).take(2).collect();
    insta::assert_snapshot!(folder.join("\n"));
}

#[test]
fn a_password_that_cannot_be_read_is_trouble_and_never_repeated() {
    let desk = Desk::new();
    let settings = |file: &str| {
        let url = "postgresql://sceau@db.example.org/sceau";
        let text =
            format!("[database]\nkind = \"postgresql\"\nurl = \"{url}\"\npassword_file = \"{file}\"\n");
        desk.write("platform.toml", text.as_bytes());
        fs::set_permissions(desk.path("platform.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        desk.run(&["doctor", "--config", "platform.toml", "--json"])
    };
    desk.write("open", b"a secret word");
    fs::set_permissions(desk.path("open"), fs::Permissions::from_mode(0o644)).unwrap();
    for file in [desk.path("open").display().to_string(), "credential:database".to_owned()] {
        let ran = settings(&file);
        assert_eq!(state(&ran.json(), "records"), "trouble", "{file}");
        assert!(!ran.text().contains("a secret word"));
    }
}

#[test]
fn nowhere_is_a_wrong_use() {
    Desk::new().run(&["doctor"]).failed(2, "there is nothing to look at");
}
