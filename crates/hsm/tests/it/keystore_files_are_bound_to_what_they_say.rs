//! What someone with the disk can do to a keystore: nothing that opens.

use std::{fs, path::Path};

use sceau_crypto::{Secret, SigningKey};
use sceau_hsm::{Error, KeyKind, KeyState, Operations, Provider, SoftwareKeystore};

use crate::{NOW, credential, keystore, label};

fn open(folder: &Path) -> Result<SoftwareKeystore, Error> {
    SoftwareKeystore::open(&folder.join("keystore"), &credential(folder))
}

#[test]
fn no_field_of_a_key_file_can_be_altered() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    let key = store.generate(KeyKind::HmacSha256, &label("mac"), NOW).unwrap();
    store.set_state(&key, KeyState::Disabled).unwrap();
    drop(store);
    let path = folder.path().join("keystore/keys/mac.key");
    let right = fs::read_to_string(&path).unwrap();
    for (from, to, code) in [
        ("disabled", "active", "hsm_damaged"),
        ("HMAC-SHA-256", "AES-256-GCM", "hsm_damaged"),
        ("\"mac\"", "\"cam\"", "hsm_damaged"),
        ("1795176000000", "1795176000001", "hsm_damaged"),
        ("\"v\": 1", "\"v\": 2", "hsm_damaged"),
        ("\"v\": 1", "\"v\": 3", "hsm_later_version"),
        ("\"v\": 1", "\"v\": 0", "hsm_damaged"),
        ("\"sealed\": \"A", "\"sealed\": \"", "hsm_damaged"),
        ("{", "", "hsm_damaged"),
    ] {
        assert!(right.contains(from), "{from} in {right}");
        fs::write(&path, right.replace(from, to)).unwrap();
        assert_eq!(open(folder.path()).unwrap_err().code(), code, "{from} → {to}");
    }
    fs::write(&path, right).unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn a_key_file_does_not_pass_for_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    drop(store);
    let keys = folder.path().join("keystore/keys");
    fs::copy(keys.join("root.key"), keys.join("sign.key")).unwrap();
    assert_eq!(open(folder.path()).unwrap_err().code(), "hsm_damaged");

    // Nor does one of another keystore, under the very same name.
    fs::remove_file(keys.join("sign.key")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = keystore(elsewhere.path());
    other.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    fs::copy(elsewhere.path().join("keystore/keys/root.key"), keys.join("root.key")).unwrap();
    assert_eq!(open(folder.path()).unwrap_err().code(), "hsm_damaged");
}

#[test]
fn how_the_kek_is_derived_cannot_be_altered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    let unlock = crate::passphrase("correct horse battery");
    drop(SoftwareKeystore::create(&path, &unlock).unwrap());
    let file = path.join("keystore.json");
    let right = fs::read_to_string(&file).unwrap();
    for (from, to, code) in [
        ("\"passes\": 3", "\"passes\": 2", "hsm_wrong_unlock"),
        ("\"memory\": 65536", "\"memory\": 4000000000", "hsm_damaged"),
        ("\"lanes\": 4", "\"lanes\": 0", "hsm_damaged"),
        ("\"passes\": 3", "\"passes\": 4000000000", "hsm_damaged"),
        ("argon2id", "credential", "hsm_other_unlock"),
        ("argon2id", "none", "hsm_damaged"),
    ] {
        assert!(right.contains(from), "{from} in {right}");
        fs::write(&file, right.replace(from, to)).unwrap();
        let refused = SoftwareKeystore::open(&path, &unlock).unwrap_err();
        assert_eq!(refused.code(), code, "{from} → {to}");
    }
}

#[test]
fn keys_are_not_buried_under_a_new_keystore() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    drop(store);
    let file = folder.path().join("keystore/keystore.json");
    let right = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let path = folder.path().join("keystore");
    assert_eq!(open(folder.path()).unwrap_err().code(), "hsm_keystore_not_found");
    let refused = SoftwareKeystore::open_or_create(&path, &credential(folder.path())).unwrap_err();
    assert_eq!(refused.code(), "hsm_damaged");
    fs::write(&file, right).unwrap();
    assert_eq!(open(folder.path()).unwrap().list().unwrap().len(), 1);
}

#[test]
fn no_private_key_lies_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    for kind in KeyKind::ALL {
        store.generate(kind, &label(&kind.as_str().to_lowercase()), NOW).unwrap();
    }
    // The search finds what does lie there, so that finding nothing means something.
    let found = |needle: &[u8]| {
        let keys = folder.path().join("keystore/keys");
        let files = fs::read_dir(keys).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        files.filter(|content| content.windows(needle.len()).any(|window| window == needle)).count()
    };
    assert_eq!(found(b"sealed"), KeyKind::ALL.len());
    // PKCS#8 of RSA: its algorithm identifier, raw and in base64 at each of three offsets.
    assert_eq!(found(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), 0);
    for piece in ["KoZIhvcNAQEB", "qGSIb3DQEBA", "qhkiG9w0BAQ"] {
        assert_eq!(found(piece.as_bytes()), 0);
    }
    assert_eq!(found(b"PRIVATE"), 0);
}

#[test]
fn a_destroyed_key_leaves_no_file_and_a_crash_half_way_is_finished_at_the_next_opening() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keystore/keys");
    let store = keystore(folder.path());
    let key = store.generate(KeyKind::Ed25519, &label("a.b"), NOW).unwrap();
    let kept = store.generate(KeyKind::Ed25519, &label("a.c"), NOW).unwrap();
    assert!(keys.join("a.b.key").exists());
    store.destroy(&key).unwrap();
    let left = |keys: &Path| -> Vec<String> {
        fs::read_dir(keys).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(left(&keys), ["a.c.key"]);
    drop(store);

    // Crashed after the rename of a destruction, and in the middle of writing another key.
    fs::write(keys.join("a.b.destroyed"), "the old file").unwrap();
    fs::write(keys.join("d.new"), "{\"v\": 1, \"la").unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(left(&keys), ["a.c.key"]);
    assert!(store.verifying_key(&kept).is_ok());
}

#[test]
fn debug_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    assert!(format!("{store:?}").ends_with("keystore, 0 keys)"));
    let passphrase = crate::passphrase("correct horse battery");
    assert_eq!(format!("{passphrase:?}"), "Passphrase(Passphrase(redacted))");
    assert!(format!("{:?}", SigningKey::from_seed(Secret::random())).contains("redacted"));
}
