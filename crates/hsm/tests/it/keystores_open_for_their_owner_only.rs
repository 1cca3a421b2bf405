//! Passphrases, credentials, and one process at a time.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use sceau_hsm::{Error, KeyKind, Operations, Passphrase, Provider, SoftwareKeystore, Unlock};

use crate::{NOW, credential, keystore, label, passphrase};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn keys_survive_closing_and_opening() {
    let folder = tempfile::tempdir().unwrap();
    let mut publics = Vec::new();
    for round in 0..2 {
        let store = keystore(folder.path());
        for kind in KeyKind::ALL {
            let key =
                store.find_or_generate(kind, &label(&kind.as_str().to_lowercase()), NOW + round).unwrap();
            publics.push((kind, store.public(&key).unwrap(), store.find(key.uri()).unwrap()));
        }
    }
    let (before, after) = publics.split_at(KeyKind::ALL.len());
    assert_eq!(before, after);
}

#[test]
fn a_passphrase_opens_until_it_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    let (first, second) = (passphrase("correct horse battery"), passphrase("staple, staple, staple"));
    drop(SoftwareKeystore::create(&path, &first).unwrap());
    assert_eq!(code(SoftwareKeystore::open(&path, &second)), "hsm_wrong_unlock");
    assert_eq!(code(SoftwareKeystore::open(&path, &credential(folder.path()))), "hsm_other_unlock");

    let store = SoftwareKeystore::open(&path, &first).unwrap();
    let key = store.generate(KeyKind::HmacSha256, &label("k"), NOW).unwrap();
    let tag = store.mac(&key, &[b"x"]).unwrap();
    store.change_unlock(&second).unwrap();
    drop(store);
    assert_eq!(code(SoftwareKeystore::open(&path, &first)), "hsm_wrong_unlock");
    let store = SoftwareKeystore::open(&path, &second).unwrap();
    assert_eq!(store.mac(&key, &[b"x"]).unwrap(), tag);
}

#[test]
fn a_credential_has_32_bytes_that_nobody_else_reads() {
    let folder = tempfile::tempdir().unwrap();
    drop(keystore(folder.path()));
    let path = folder.path().join("keystore");
    let Unlock::Credential(file) = credential(folder.path()) else { panic!("a credential") };
    let right = fs::read(&file).unwrap();
    let with = |content: &[u8]| {
        fs::write(&file, content).unwrap();
        code(SoftwareKeystore::open(&path, &Unlock::Credential(file.clone())))
    };
    assert_eq!(with(&[7; 32]), "hsm_wrong_unlock");
    assert_eq!(with(&right[..31]), "hsm_bad_credential");
    assert_eq!(with(&[&right[..], b"\n"].concat()), "hsm_bad_credential");
    fs::write(&file, &right).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(code(SoftwareKeystore::open(&path, &Unlock::Credential(file.clone()))), "hsm_open_to_others");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    SoftwareKeystore::open(&path, &Unlock::Credential(file)).unwrap();
}

#[test]
fn a_passphrase_file_is_read_without_its_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passphrase");
    let write = |content: &str, mode| {
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        Passphrase::from_file(&file)
    };
    let path = folder.path().join("keystore");
    drop(SoftwareKeystore::create(&path, &passphrase("a sentence, à retenir")).unwrap());
    let read = write("a sentence, à retenir\n", 0o600).unwrap();
    SoftwareKeystore::open(&path, &Unlock::Passphrase(read)).unwrap();
    assert_eq!(code(write("a sentence, à retenir\n", 0o644)), "hsm_open_to_others");
    assert_eq!(code(write("short\n", 0o600)), "hsm_weak_passphrase");
    assert_eq!(code(write(&"x".repeat(2000), 0o600)), "hsm_file");
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    let path = folder.path().join("keystore");
    assert_eq!(code(SoftwareKeystore::open(&path, &credential(folder.path()))), "hsm_keystore_in_use");
    assert_eq!(code(SoftwareKeystore::create(&path, &credential(folder.path()))), "hsm_keystore_in_use");
    drop(store);

    // Another process holds the same lock that we take; when it is killed, the lock is free.
    let mut other = Command::new("flock")
        .arg("--exclusive")
        .arg(path.join("lock"))
        .args(["sh", "-c", "echo held; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut held = String::new();
    let mut output = std::io::BufReader::new(other.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut held).unwrap();
    assert_eq!(held, "held\n");
    assert_eq!(code(SoftwareKeystore::open(&path, &credential(folder.path()))), "hsm_keystore_in_use");
    drop(other.stdin.take());
    other.wait().unwrap();
    SoftwareKeystore::open(&path, &credential(folder.path())).unwrap();
    assert_eq!(code(SoftwareKeystore::create(&path, &credential(folder.path()))), "hsm_keystore_exists");
}

#[test]
fn everything_in_the_folder_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = keystore(folder.path());
    store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
    let mut pending = vec![folder.path().join("keystore")];
    let mut seen = 0;
    while let Some(path) = pending.pop() {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{}", path.display());
        seen += 1;
        if metadata.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert_eq!(seen, 5);
}
