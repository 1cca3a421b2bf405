//! What is peculiar to a keystore in a token of SoftHSM: what the token shows, what it does while it is away, what it refuses.

use std::{
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use sceau_crypto::{Cek, FileId, wrap_cek};
use sceau_hsm::{
    Error, KeyKind, KeyState, KeyVersion, Operations as _, Provider as _, Together,
    pkcs11::{TokenKeeping, TokenKeystore},
};

use crate::{
    NOW, label,
    token_stage::{Stage, with_tokens},
};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

fn open(stage: &Stage) -> Result<TokenKeystore, Error> {
    TokenKeystore::open_or_create(&stage.folder.join("keystore"), &stage.uri("object=house"))
}

fn done(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn openssl_verifies_ed25519(stage: &Stage, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    for (name, content) in [("public.der", public), ("message", message), ("signature", signature)] {
        fs::write(stage.folder.join(name), content).unwrap();
    }
    let mut openssl = Command::new("openssl");
    openssl.args(["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "public.der"]);
    openssl.args(["-in", "message", "-sigfile", "signature"]).current_dir(&stage.folder);
    openssl.output().unwrap().status.success()
}

with_tokens! {
    fn each_purpose_has_a_key_of_its_own_and_none_leaves(stage: &Stage) {
        let store = open(stage).unwrap();
        for kind in KeyKind::ALL {
            store.generate(kind, &label(&kind.as_str().to_lowercase()), NOW).unwrap();
        }
        let kept: Vec<_> = store.kept().unwrap().into_iter().map(|(entry, keeping)| (entry.key.kind(), keeping)).collect();
        for (kind, keeping) in kept {
            let expected = if kind == KeyKind::HpkeXWing { TokenKeeping::Sealed } else { TokenKeeping::InToken };
            assert_eq!(keeping, expected, "{kind}");
        }
        assert!(store.judging().unwrap().altered().unwrap().is_empty());
        for (sort, names, usage) in [
            (
                "privkey",
                vec!["house/ed25519/1", "house/rs256/1", "house/rsa-oaep-256/1", "house/rsa-oaep/1"],
                vec!["sign", "sign", "decrypt", "decrypt"],
            ),
            (
                "secrkey",
                vec!["house/aes-256-gcm/1", "house/hmac-sha-256/1", "house/prf-hmac-sha-256/1", "house/sealing/1"],
                vec!["none"; 4], // the tool does not tell of HMAC; nothing else is allowed
            ),
        ] {
            let listed = done(stage.pkcs11_tool(&["--list-objects", "--type", sort]));
            let told = |what: &str| -> Vec<String> {
                let lines = listed.lines().filter_map(|line| line.trim().strip_prefix(what));
                lines.map(|rest| rest.trim().to_owned()).collect()
            };
            let mut labels = told("label:");
            labels.sort();
            assert_eq!(labels, names);
            let mut usages = told("Usage:");
            usages.sort();
            let mut expected = usage.clone();
            expected.sort();
            assert_eq!(usages, expected, "{listed}");
            let access = told("Access:");
            assert_eq!(access, vec!["sensitive, always sensitive, never extractable, local"; names.len()]);
        }
        let read = stage.pkcs11_tool(&["--read-object", "--type", "secrkey", "--label", "house/prf-hmac-sha-256/1"]);
        assert!(read.stdout.is_empty());
    }

    fn openssl_verifies_what_the_token_signs(stage: &Stage) {
        let store = open(stage).unwrap();
        let key = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        let public = store.verifying_key(&key).unwrap();
        // SubjectPublicKeyInfo of Ed25519 (RFC 8410 §4).
        let info = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], public.as_bytes().as_slice()].concat();
        let signature = store.sign(&key, b"message").unwrap();
        assert!(openssl_verifies_ed25519(stage, &info, b"message", &signature));
        assert!(!openssl_verifies_ed25519(stage, &info, b"massage", &signature));
    }

    fn keys_survive_closing_and_entries_are_bound_to_their_names(stage: &Stage) {
        let store = open(stage).unwrap();
        let hybrid = store.generate(KeyKind::HpkeXWing, &label("encrypt-1"), NOW).unwrap();
        store.generate(KeyKind::HpkeXWing, &label("encrypt-2"), NOW).unwrap();
        let master = store.create_master(&label("master"), NOW).unwrap();
        let (public, derived) = (store.recipient_key(&hybrid).unwrap(), store.prf(&master, KeyVersion::FIRST, &[b"x"]).unwrap());
        assert_eq!(code(open(stage)), "hsm_keystore_in_use");
        // Beside it, somebody may look.
        let beside = TokenKeystore::look(&stage.folder.join("keystore"), &stage.uri("object=house")).unwrap();
        assert_eq!(beside.list().unwrap().len(), 3);
        drop(store);
        let store = open(stage).unwrap();
        assert_eq!(store.recipient_key(&hybrid).unwrap(), public);
        assert_eq!(store.prf(&master, KeyVersion::FIRST, &[b"x"]).unwrap(), derived);
        drop(store);
        let other = TokenKeystore::open(&stage.folder.join("keystore"), &stage.uri("object=other"));
        assert!(other.unwrap_err().to_string().contains("object=house"));
        // Another folder does not take up the keys of this one, nor bury them.
        let again = TokenKeystore::create(&stage.folder.join("elsewhere"), &stage.uri("object=house"));
        assert_eq!(code(again), "hsm_token_in_use");
        assert_eq!(code(TokenKeystore::create(&stage.folder.join("third"), &stage.uri("type=private"))), "hsm_pkcs11_no_name");
        let keys = stage.folder.join("keystore/keys");
        fs::copy(keys.join("encrypt-1.token"), keys.join("encrypt-2.token")).unwrap();
        assert_eq!(code(open(stage)), "hsm_damaged");
    }

    fn a_key_that_was_exchanged_in_the_token_is_not_taken_for_the_one_that_was_made(stage: &Stage) {
        let store = open(stage).unwrap();
        let master = store.create_master(&label("master"), NOW).unwrap();
        let root = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        for (sort, name, made) in [
            ("secrkey", "house/master/1", vec!["--keygen", "--key-type", "GENERIC:32"]),
            ("privkey", "house/root/1", vec!["--keypairgen", "--key-type", "EC:edwards25519"]),
        ] {
            let id = done(stage.pkcs11_tool(&["--list-objects", "--type", sort]));
            let id = id.split(name).nth(1).unwrap().split("ID:").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
            done(stage.pkcs11_tool(&["--delete-object", "--type", sort, "--label", name]));
            let made = [made, vec!["--label", name, "--id", &id, "--usage-sign"]].concat();
            done(stage.pkcs11_tool(&made));
        }
        assert_eq!(code(store.prf(&master, KeyVersion::FIRST, &[b"x"])), "hsm_pkcs11_unusable");
        assert_eq!(code(store.sign(&root, b"m")), "hsm_pkcs11_unusable");
    }

    fn a_key_that_may_leave_by_now_or_is_gone_is_named(stage: &Stage) {
        let store = open(stage).unwrap();
        let one = store.create_master(&label("one"), NOW).unwrap();
        store.create_master(&label("two"), NOW).unwrap();
        let id = done(stage.pkcs11_tool(&["--list-objects", "--type", "secrkey"]));
        let id = id.split("house/two/1").nth(1).unwrap().split("ID:").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        for name in ["house/one/1", "house/two/1"] {
            done(stage.pkcs11_tool(&["--delete-object", "--type", "secrkey", "--label", name]));
        }
        done(stage.pkcs11_tool(&["--keygen", "--key-type", "GENERIC:32", "--label", "house/two/1", "--id", &id, "--extractable"]));
        assert_eq!(store.judging().unwrap().altered().unwrap(), ["token:two"]);
        let kept: Vec<_> = store.kept().unwrap().into_iter().map(|(_, keeping)| keeping).collect();
        assert_eq!(kept, [TokenKeeping::Gone, TokenKeeping::Loose]);
        assert_eq!(code(store.prf(&one, KeyVersion::FIRST, &[b"x"])), "hsm_pkcs11_no_key");
    }

    fn what_a_crash_left_in_the_token_is_taken_up_and_what_is_destroyed_is_gone(stage: &Stage) {
        let store = open(stage).unwrap();
        let key = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        let public = store.verifying_key(&key).unwrap();
        drop(store);
        // As if power had failed between the token's answer and the entry.
        fs::remove_file(stage.folder.join("keystore/keys/root.token")).unwrap();
        let store = open(stage).unwrap();
        let key = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        assert_eq!(store.verifying_key(&key).unwrap(), public);
        store.destroy(&key).unwrap();
        let listed = done(stage.pkcs11_tool(&["--list-objects"]));
        assert!(!listed.contains("house/root"), "{listed}");
    }

    fn while_the_token_is_away_nothing_opens_and_it_is_used_again_when_it_is_back(stage: &Stage) {
        let store = open(stage).unwrap();
        let (file, cek) = (FileId::random(), Cek::random());
        let hybrid = store.generate(KeyKind::HpkeXWing, &label("hybrid"), NOW).unwrap();
        let stanza = wrap_cek(&store.recipient_key(&hybrid).unwrap(), &file, &cek);
        let state = store.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
        let root = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        let sealed = store.seal(&state, b"here", b"secret").unwrap();
        let together = Together::default();
        let one = store.seal_together(&state, b"one", b"secret", &together).unwrap();
        let token = stage.pull_out();
        // SoftHSM notices at the latest when something is asked of a new session.
        let until = Instant::now() + Duration::from_secs(10);
        let away = loop {
            match store.sign(&root, b"m") {
                Err(error) => break error,
                Ok(_) => assert!(Instant::now() < until),
            }
        };
        assert!(away.is_passing(), "{away}");
        assert!(away.to_string().contains("is used again") || away.to_string().contains("there is no token"), "{away}");
        for refused in [
            store.unwrap_cek(&hybrid, &file, &stanza).map(drop),
            store.open(&state, b"here", &sealed).map(drop),
            store.generate(KeyKind::Ed25519, &label("new"), NOW).map(drop),
            store.set_state(&root, KeyState::Disabled),
        ] {
            assert!(refused.unwrap_err().is_passing());
        }
        // It was asked once for all that is sealed together; whoever has nothing of that, is not told.
        let two = store.seal_together(&state, b"two", b"secret", &together).unwrap();
        for (context, sealed) in [(b"one", &one), (b"two", &two)] {
            assert_eq!(store.open_together(&state, context, sealed, &together).unwrap().expose(), b"secret");
            assert!(store.open(&state, context, sealed).unwrap_err().is_passing());
        }
        token.put_back();
        let back = loop {
            match store.open(&state, b"here", &sealed) {
                Ok(opened) => break opened,
                Err(error) => assert!(error.is_passing() && Instant::now() < until, "{error}"),
            }
        };
        assert_eq!(back.expose(), b"secret");
        assert_eq!(store.unwrap_cek(&hybrid, &file, &stanza).unwrap(), cek);
        store.generate(KeyKind::Ed25519, &label("new"), NOW).unwrap();
    }

    fn many_callers_derive_at_once_while_keys_are_made(stage: &Stage) {
        let store = open(stage).unwrap();
        let master = store.create_master(&label("master"), NOW).unwrap();
        let expected = store.prf(&master, KeyVersion::FIRST, &[b"a", b"b", b"c"]).unwrap();
        std::thread::scope(|scope| {
            for number in 0..24 {
                let (store, master, expected) = (&store, &master, &expected);
                scope.spawn(move || {
                    for round in 0..20 {
                        assert_eq!(&store.prf(master, KeyVersion::FIRST, &[b"a", b"b", b"c"]).unwrap(), expected);
                        if round == number % 20 {
                            store.generate(KeyKind::PrfHmacSha256, &label(&format!("new-{number}")), NOW).unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(store.list().unwrap().len(), 25);
    }

    fn an_altered_ciphertext_is_the_sender_s_fault_and_not_the_token_s(stage: &Stage) {
        let store = open(stage).unwrap();
        let key = store.generate(KeyKind::RsaOaep256, &label("rsa"), NOW).unwrap();
        let (file, cek) = (FileId::random(), Cek::random());
        let public = store.recipient_key(&key).unwrap();
        let stanza = wrap_cek(&public, &file, &cek);
        for wrapped in [vec![0; 384], vec![0xff; 384], vec![1; 383], vec![1; 385], Vec::new(), public.rsa_modulus().unwrap().to_vec()] {
            assert_eq!(code(store.unwrapping().unwrap().unwrap_cek(&key, &file, &wrapped)), "envelope_unwrap");
            // Nobody else waits for it.
            assert_eq!(store.unwrap_cek(&key, &file, &stanza).unwrap(), cek);
        }
    }
}
