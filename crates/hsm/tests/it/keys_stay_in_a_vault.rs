//! What is peculiar to keys in a Vault: what it does when it is sealed, away, or answers for another; what its disk shows; what it refuses.

use std::fs;

use sceau_crypto::{Cek, FileId, wrap_cek};
use sceau_hsm::{Error, KeyKind, Operations as _, Provider as _, VaultKeystore, VaultSettings};

use crate::vault_stage::Stage;
use crate::{NOW, label};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn sealed_or_away_nothing_opens_and_nothing_else_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path());
    let store = stage.open();
    let (file, cek) = (FileId::random(), Cek::random());
    for kind in [KeyKind::HpkeXWing, KeyKind::RsaOaep256] {
        let key = store.generate(kind, &label(&kind.as_str().to_lowercase()), NOW).unwrap();
        let stanza = wrap_cek(&store.recipient_key(&key).unwrap(), &file, &cek);
        stage.ask("seal");
        assert_eq!(code(store.unwrap_cek(&key, &file, &stanza)), "hsm_vault_sealed", "{kind}");
        assert_eq!(code(store.generate(KeyKind::Ed25519, &label("new"), NOW)), "hsm_vault_sealed");
        stage.ask("unseal");
        assert_eq!(store.unwrap_cek(&key, &file, &stanza).unwrap(), cek);
    }
    let key = store.generate(KeyKind::Ed25519, &label("sign"), NOW).unwrap();
    stage.ask("silent 2");
    assert_eq!(code(store.sign(&key, b"m")), "hsm_vault_unreachable");
    drop(stage);
    assert_eq!(code(store.sign(&key, b"m")), "hsm_vault_unreachable");
}

#[test]
fn a_token_that_ended_is_asked_for_anew_and_a_policy_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path());
    let store = VaultKeystore::open(&folder.path().join("keystore"), &stage.by_approle()).unwrap();
    let key = store.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
    let sealed = store.seal(&key, b"here", b"secret").unwrap();
    assert_eq!(stage.ask("logins"), "1");
    stage.ask("expire");
    assert_eq!(store.open(&key, b"here", &sealed).unwrap().expose(), b"secret");
    assert_eq!(stage.ask("logins"), "2");
    stage.ask("deny");
    assert_eq!(code(store.open(&key, b"here", &sealed)), "hsm_vault_denied");
}

#[test]
fn a_login_that_is_refused_and_a_server_of_another_authority_are_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path());
    let open = |settings: &VaultSettings| VaultKeystore::open(&folder.path().join("keystore"), settings);
    fs::write(folder.path().join("secret-id"), "wrong").unwrap();
    assert_eq!(code(open(&stage.by_approle())), "hsm_vault_login");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Stage::start(elsewhere.path());
    let settings = VaultSettings { authorities: elsewhere.path().join("ca.pem"), ..stage.settings() };
    assert_eq!(code(open(&settings)), "hsm_vault_unreachable");
    drop(other);
    let clear =
        VaultSettings { address: stage.settings().address.replace("https", "http"), ..stage.settings() };
    assert_eq!(code(open(&clear)), "hsm_vault_settings");
}

#[test]
fn keys_survive_closing_and_their_files_are_bound_to_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path());
    let store = stage.open();
    let key = store.generate(KeyKind::HpkeXWing, &label("encrypt-1"), NOW).unwrap();
    store.generate(KeyKind::HpkeXWing, &label("encrypt-2"), NOW).unwrap();
    let public = store.recipient_key(&key).unwrap();
    drop(store);
    let store = stage.open();
    assert_eq!(store.recipient_key(&store.find(key.uri()).unwrap().key).unwrap().key_id(), public.key_id());
    drop(store);
    let keys = folder.path().join("keystore/keys");
    let text = fs::read_to_string(keys.join("encrypt-1.sealed")).unwrap();
    assert!(text.starts_with("vault:v1:") && !text.contains("seed"), "sealed under the Vault's key");
    fs::copy(keys.join("encrypt-1.sealed"), keys.join("encrypt-2.sealed")).unwrap();
    let moved = VaultKeystore::open(&folder.path().join("keystore"), &stage.settings());
    assert_eq!(code(moved), "hsm_damaged");
}

#[test]
fn a_key_that_the_vault_would_export_or_that_somebody_brought_is_refused() {
    for order in ["export sceau-sealing", "import sceau-sealing"] {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::start(folder.path());
        let store = stage.open();
        stage.ask(order);
        drop(store);
        let opened = VaultKeystore::open(&folder.path().join("keystore"), &stage.settings());
        assert_eq!(code(opened), "hsm_vault_foreign_key", "{order}");
    }
}

#[test]
fn what_is_destroyed_is_gone_from_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path());
    let store = stage.open();
    let key = store.generate(KeyKind::RsaOaep256, &label("encrypt-1"), NOW).unwrap();
    assert!(stage.ask("keys").contains("sceau-encrypt-1"));
    store.destroy(&key).unwrap();
    assert_eq!(stage.ask("keys"), "[\"sceau-sealing\"]");
}
