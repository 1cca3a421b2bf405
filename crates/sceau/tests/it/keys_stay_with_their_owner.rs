//! Key files: modes, passphrases, and the ways to hold the wrong one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Desk, hybrid, rsa};

#[test]
fn both_suites_are_made_shown_and_used() {
    let desk = Desk::new();
    for (suite, name, shown) in [("hybrid", "a", "HPKE-X-Wing"), ("rsa-3072", "b.2026", "RSA-OAEP-256")] {
        let new =
            ["keys", "new", "--json", "--suite", suite, "--out", name, "--passphrase-file", "passphrase"];
        let made = desk.run(&new).ok().json();
        let (key, public) = (format!("{name}.key"), format!("{name}.pub"));
        assert_eq!((&made["suite"], &made["private_key_file"]), (&shown.into(), &key.as_str().into()));
        assert_eq!(fs::metadata(desk.path(&key)).unwrap().permissions().mode() & 0o777, 0o600);
        let file: serde_json::Value = serde_json::from_slice(&desk.read(&key)).unwrap();
        assert_eq!((&file["unlock"]["memory"], &file["unlock"]["passes"]), (&49_152.into(), &4.into()));
        for (file, private) in [(&key, true), (&public, false)] {
            let json = desk.run(&["keys", "show", "--json", file]).ok().json();
            assert_eq!((&json["key_id"], &json["private"]), (&made["key_id"], &private.into()));
            let text = desk.run(&["keys", "show", file]).ok().text();
            assert!(text.contains(made["fingerprint"].as_str().unwrap()), "{text}");
        }
        let sealed = desk.pipe(&["seal", "--to", &public], b"x").ok().stdout;
        let opened = desk.pipe(&["open", "--key", &key, "--passphrase-file", "passphrase"], &sealed).ok();
        assert_eq!(opened.stdout, b"x");
    }
}

#[test]
fn keys_are_never_overwritten() {
    let desk = Desk::with_key();
    let new = ["keys", "new", "--out", "k", "--passphrase-file", "passphrase"];
    desk.run(&new).failed(2, "never overwritten");
    fs::remove_file(desk.path("k.key")).unwrap();
    desk.run(&new).failed(2, "never overwritten");
    assert!(!desk.path("k.key").exists(), "nor is half a pair made");
}

#[test]
fn passphrases_are_asked_well() {
    let desk = Desk::with_key();
    desk.write("s", &desk.pipe(&["seal", "--to", "k.pub"], b"x").ok().stdout);
    let with = |file: &str| desk.run(&["open", "--json", "--key", "k.key", "--passphrase-file", file, "s"]);
    desk.write("wrong", b"another phrase altogether");
    desk.write("short", b"court");
    for file in ["wrong", "short"] {
        fs::set_permissions(desk.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(with("wrong").failed(4, "passphrase is wrong").error_json()["code"], "key_passphrase");
    with("short").failed(2, "at least 12 characters");
    fs::set_permissions(desk.path("wrong"), fs::Permissions::from_mode(0o644)).unwrap();
    with("wrong").failed(2, "readable by others");
    let new = ["keys", "new", "--out", "n", "--passphrase-file", "short"];
    desk.run(&new).failed(2, "at least 12 characters");
    assert!(!desk.path("n.pub").exists() && !desk.path("n.key").exists());
}

#[test]
fn the_wrong_half_is_named() {
    let desk = Desk::with_key();
    desk.run(&["seal", "--to", "k.key", "passphrase"])
        .failed(2, "private key, which only its owner should have");
    desk.run(&["open", "--key", "k.pub", "passphrase"]).failed(2, "opening needs the private one");
    desk.run(&["keys", "show", "passphrase"]).failed(3, "is not a key of Sceau");
}

#[test]
fn altered_key_files_are_refused() {
    let desk = Desk::with_key();
    desk.pair("r", &rsa());
    desk.pair("other", &hybrid());
    let show = |name: &str| desk.run(&["keys", "show", "--json", name]);
    let read = |name: &str| serde_json::from_slice::<serde_json::Value>(&desk.read(name)).unwrap();
    let other = read("other.pub");
    for name in ["k.pub", "k.key"] {
        let mut swapped = read(name);
        swapped["public_key"] = other["public_key"].clone();
        desk.write("swapped", swapped.to_string().as_bytes());
        assert_eq!(show("swapped").failed(3, "was altered").error_json()["code"], "key_damaged", "{name}");
    }
    let mut suite = read("k.pub");
    suite["suite"] = "RSA-OAEP-256".into();
    desk.write("suite", suite.to_string().as_bytes());
    show("suite").failed(3, "was altered");
    let mut later = read("k.pub");
    later["v"] = 2.into();
    desk.write("later", later.to_string().as_bytes());
    show("later").failed(3, "upgrade");

    // A sealed private key moved under another's name does not open.
    let mut moved = read("k.key");
    for field in ["key_id", "public_key"] {
        moved[field] = other[field].clone();
    }
    desk.write("moved.key", moved.to_string().as_bytes());
    desk.write("s", &desk.pipe(&["seal", "--to", "other.pub"], b"x").ok().stdout);
    desk.run(&["open", "--key", "moved.key", "--passphrase-file", "passphrase", "s"])
        .failed(4, "was altered");
    desk.write("long", &vec![b' '; 100_000]);
    show("long").failed(3, "too long");
}
