//! Identities in PEM files of their owner; the authority's key under the keystore.

use std::{fs, os::unix::fs::PermissionsExt};

use sceau_hsm::{KeyKind, Provider, certificates};
use sceau_pki::{Authority, AuthorityProfile, ServerProfile};

use crate::{NOW, keystore, label};

#[test]
fn an_identity_comes_back_and_others_must_not_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pem");
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    for _ in 0..2 {
        let issued = authority.issue_server(&ServerProfile::for_hosts(["cles.localhost"]), NOW).unwrap();
        certificates::write_identity(&path, &issued).unwrap();
        certificates::read_identity(&path).unwrap();
        assert_eq!(certificates::read_certificate(&path).unwrap(), *issued.certificate());
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    assert_eq!(certificates::read_identity(&path).unwrap_err().code(), "hsm_open_to_others");
}

#[test]
fn an_authority_is_sealed_and_bound_to_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    let store = keystore(folder.path());
    let sealing = store.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    certificates::write_authority(&path, &authority, &store, &sealing).unwrap();
    let loaded = certificates::read_authority(&path, &store, &sealing).unwrap();
    assert_eq!(loaded.certificate(), authority.certificate());
    assert_eq!(*loaded.key_pkcs8(), *authority.key_pkcs8());

    let anchors = certificates::read_anchors(std::slice::from_ref(&path)).unwrap();
    assert_eq!(anchors.certificates(), [authority.certificate().clone()]);

    let content = fs::read_to_string(&path).unwrap();
    assert!(!content.contains("PRIVATE"));
    let other = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let (_, sealed) = content.split_once("sealed-key ").unwrap();
    fs::write(&path, format!("{}sealed-key {sealed}", other.certificate().to_pem())).unwrap();
    assert_eq!(certificates::read_authority(&path, &store, &sealing).unwrap_err().code(), "blob_refused");
    fs::write(&path, other.certificate().to_pem()).unwrap();
    assert_eq!(certificates::read_authority(&path, &store, &sealing).unwrap_err().code(), "hsm_damaged");
}
