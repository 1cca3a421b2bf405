//! `sceau hsm move`, `check` and `rotate`: an element's keystore in files becomes one in a token of SoftHSM.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sceau_hsm::{KeyKind, KeyLabel, Passphrase, Provider as _, SoftwareKeystore, Unlock};

use crate::keys_of_certificates_stay_in_a_token::{MODULE, PIN, key, run, with_token};

/// What an element's keystore in files has, moved into the token; each of its keys is told of, and one gets a new version.
#[test]
fn a_keystore_is_moved_into_the_token_looked_at_and_rotated() {
    let desk = with_token();
    desk.write("passphrase", b"a passphrase for this test\n");
    fs::set_permissions(desk.path("passphrase"), fs::Permissions::from_mode(0o600)).unwrap();
    let unlock = Unlock::Passphrase(Passphrase::from_file(&desk.path("passphrase")).unwrap());
    let store = SoftwareKeystore::create(&desk.path("state/keys"), &unlock).unwrap();
    for (label, kind) in [
        ("element-log", KeyKind::Ed25519),
        ("element-journal", KeyKind::Aes256Gcm),
        ("protect-master-1", KeyKind::PrfHmacSha256),
        ("protect-token-open-sha1", KeyKind::DangerRsaOaepSha1),
    ] {
        store.generate(kind, &KeyLabel::new(label).unwrap(), 1_795_176_000_000).unwrap();
    }
    let address = key(&desk, "element");
    let words = ["hsm", "move", "--element", "state", "--passphrase-file", "passphrase", &address];
    run(&desk, &words).failed(1, "is open in another process");
    drop(store);
    let moved = run(&desk, &words).ok().text();
    for line in [
        "token:element-journal  AES-256-GCM, sealed under the token, used in memory",
        "token:element-log  Ed25519, in the token",
        "token:protect-master-1  PRF-HMAC-SHA-256, in the token",
        "token:protect-token-open-sha1  RSA-OAEP, in the token",
    ] {
        assert!(moved.contains(line), "{line} in {moved}");
    }
    assert!(!desk.path("state/keys/keystore.json").exists());
    run(&desk, &words).ok();
    let checked = run(&desk, &["hsm", "check", "--keystore", "state/token", &address]).ok().text();
    assert!(
        checked.contains(
            "token:element-log  Ed25519, version 1: in the token and not to be read; it was brought"
        )
    );
    assert!(
        checked.contains("token:element-journal  AES-256-GCM, version 2: software, sealed under the token")
    );
    let rotate = |name: &str| run(&desk, &["hsm", "rotate", "--element", "state", &address, name]);
    assert_eq!(rotate("protect-master-1").ok().text(), "token:protect-master-1  version 2 from now on\n");
    rotate("element-log").failed(2, "such keys have no versions");
    rotate("element-nothing").failed(1, "there is no key token:element-nothing");
    // Somebody deletes a key in the token.
    let words = ["--module", MODULE, "--token-label", "essai", "--login", "--pin", PIN, "--delete-object"];
    let gone = Command::new("pkcs11-tool")
        .args(words)
        .args(["--type", "privkey", "--label", "element/element-log/1"])
        .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(gone.status.success());
    let checked = run(&desk, &["hsm", "check", "--keystore", "state/token", &address, "--json"]);
    let checked = checked.failed(4, "key_gone");
    assert!(String::from_utf8(checked.stdout).unwrap().contains("\"kept\":\"gone\""));
}
