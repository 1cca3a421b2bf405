//! A software keystore moved into a token: what it sealed, signed and derived is opened, verified and derived as before, and its files are gone.

use std::{fs, path::Path};

use base64::Engine as _;
use sceau_crypto::jose::jwe::{EncryptionKey, KeyAlgorithm};
use sceau_crypto::{Cek, FileId, Label, SealedBlob, Secret, wrap_cek};
use sceau_hsm::{
    Error, HolderAlgorithm, HolderKey, HolderPlace, HoldersKept, KeyKind, KeyState, KeyVersion,
    Operations as _, Provider as _, SoftwareKeystore, Unlock,
    pkcs11::{TokenKeeping, TokenKeystore, move_to_token},
};

use crate::{
    NOW, credential, label,
    token_stage::{Stage, openssl_verifies, with_tokens},
};

/// NIST CAVP, KDFCTR_gen.rsp (HMAC-SHA-256, counter of 32 bits before the fixed input, L = 256): what the PRF is asked, and answers.
const NIST: [(&str, &str, &str); 2] = [
    (
        "e204d6d466aad507ffaf6d6dab0a5b26152c9e21e764370464e360c8fbc765c6",
        "000000017b03b98d9f94b899e591f3ef264b71b193fba7043c7e953cde23bc5384bc1a6293580115fae3495fd845dadbd02bd6455cf48d0f62b33e62364a3a80",
        "770dfab6a6a4a4bee0257ff335213f78d8287b4fd537d5c1fffa956910e7c779",
    ),
    (
        "aeeeca60f689a441b13b0cbcd441d82df0cf87dac236290dece8931df8d70317",
        "00000001588ec041e5733b7031212c5538efe4f6aafa4cda8b925d261f5a2688f007b3ac240ee12991e77b8cb8538678615966164a81872bd1cfcbfb39a4f450",
        "3e81d6113cee3c529ecedff89a6999ce25b618c15ee1d19d45cb376a1c8e2374",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

/// Writes a master with known versions into a keystore that is closed, as its file format says.
fn write_master(folder: &Path, name: &str, versions: &[&str]) {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let wrapping = Secret::from_slice(&fs::read(folder.join("../credential")).unwrap()).unwrap();
    let keystore: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("keystore.json")).unwrap()).unwrap();
    let kek = BASE64.decode(keystore["kek"].as_str().unwrap()).unwrap();
    let kek =
        SealedBlob::from_bytes(kek).unwrap().open(&wrapping, Label::Keystore, b"1\ncredential").unwrap();
    let kek = Secret::from_slice(kek.expose()).unwrap();
    let context = format!("2\n{name}\nactive\nPRF-HMAC-SHA-256\n{NOW}");
    let secret: Vec<u8> = versions.iter().flat_map(|version| bytes(version)).collect();
    let sealed = SealedBlob::seal(&kek, Label::KeyAtRest, context.as_bytes(), &secret);
    let file = serde_json::json!({
        "v": 2, "label": name, "kind": "PRF-HMAC-SHA-256", "state": "active", "created": NOW,
        "sealed": BASE64.encode(sealed.as_bytes()),
    });
    fs::write(folder.join(format!("keys/{name}.key")), file.to_string()).unwrap();
}

struct Scene<'a> {
    stage: &'a Stage,
    unlock: Unlock,
}

impl Scene<'_> {
    fn of(stage: &Stage) -> Scene<'_> {
        Scene { stage, unlock: credential(&stage.folder) }
    }

    fn software(&self) -> SoftwareKeystore {
        SoftwareKeystore::open_or_create(&self.stage.folder.join("keys"), &self.unlock).unwrap()
    }

    fn move_it(&self) -> Result<Vec<sceau_hsm::pkcs11::MovedKey>, Error> {
        let (from, to) = (self.stage.folder.join("keys"), self.stage.folder.join("token"));
        move_to_token(&from, &self.unlock, &to, &self.stage.uri("object=house"))
    }

    fn token(&self) -> TokenKeystore {
        TokenKeystore::open(&self.stage.folder.join("token"), &self.stage.uri("object=house")).unwrap()
    }

    /// Whether nothing is left of the keystore but its lock.
    fn is_gone(&self) -> bool {
        let keys = self.stage.folder.join("keys");
        !keys.join("keystore.json").exists() && fs::read_dir(keys.join("keys")).unwrap().next().is_none()
    }
}

with_tokens! {
    fn holders_keys_that_were_made_in_memory_sign_on_and_new_ones_are_made_in_the_token(stage: &Stage) {
        let scene = Scene::of(stage);
        let store = scene.software();
        let (secret, digest) = (Secret::random(), sceau_crypto::sha256(b"lease"));
        let place = HolderPlace { context: &[1; 32], secret: &secret };
        let master = store.create_master(&label("keyring-master"), NOW).unwrap();
        assert_eq!(store.prepare_holder_keys(&master, NOW).unwrap(), HoldersKept::InMemory);
        let algorithms = [HolderAlgorithm::EcdsaP256, HolderAlgorithm::Rsa3072];
        let before = algorithms.map(|algorithm| store.make_holder_key(&master, &place, algorithm).unwrap());
        drop(store);
        scene.move_it().unwrap();
        assert!(scene.is_gone());
        let token = scene.token();
        let master = token.find(master.uri()).unwrap().key;
        // Not before they were prepared, which starts do.
        assert_eq!(code(token.make_holder_key(&master, &place, algorithms[0])), "hsm_key_not_found");
        assert_eq!(token.prepare_holder_keys(&master, NOW).unwrap(), HoldersKept::InToken);
        let after = algorithms.map(|algorithm| token.make_holder_key(&master, &place, algorithm).unwrap());
        for key in before.iter().chain(&after) {
            let signed = token.sign_with_holder_key(&master, &place, key, &[digest]).unwrap();
            assert!(openssl_verifies(&stage.folder, &key.spki, &["-sha256"], b"lease", &signed[0]));
        }
        let in_token = |key: &HolderKey| key.wrapped[0] >= 0x80;
        assert!(!before.iter().any(in_token) && after.iter().all(in_token));
    }

    fn nothing_is_lost_and_the_files_are_gone(stage: &Stage) {
        let scene = Scene::of(stage);
        let store = scene.software();
        let (file, cek) = (FileId::random(), Cek::random());
        let root = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        let rsa = store.generate(KeyKind::RsaOaep256, &label("rsa"), NOW).unwrap();
        let older = store.generate(KeyKind::DangerRsaOaepSha1, &label("older"), NOW).unwrap();
        let older_key = EncryptionKey::new(store.danger_sha1_key(&older).unwrap(), &[KeyAlgorithm::DangerRsaOaepSha1]).unwrap();
        let (older_cek, older_wrapped) = older_key.trial().unwrap();
        let hybrid = store.generate(KeyKind::HpkeXWing, &label("hybrid"), NOW).unwrap();
        let mac = store.generate(KeyKind::HmacSha256, &label("mac"), NOW).unwrap();
        let state = store.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
        let off = store.generate(KeyKind::Ed25519, &label("off"), NOW).unwrap();
        store.set_state(&off, KeyState::Disabled).unwrap();
        let public = store.verifying_key(&root).unwrap();
        let stanzas = [&rsa, &hybrid].map(|key| wrap_cek(&store.recipient_key(key).unwrap(), &file, &cek));
        let tag = store.mac(&mac, &[b"message"]).unwrap();
        let mut sealed = vec![store.seal(&state, b"here", b"first").unwrap()];
        store.rotate(&state, NOW).unwrap();
        sealed.push(store.seal(&state, b"here", b"second").unwrap());
        drop(store);

        let moved = scene.move_it().unwrap();
        let outside: Vec<_> = moved.iter().filter(|key| !key.in_token).map(|key| key.key.label().as_str()).collect();
        assert_eq!(outside, ["hybrid", "state"]);
        assert!(scene.is_gone());
        let token = scene.token();
        // By the addresses that configuration and databases have of them.
        assert_eq!(token.verifying_key(&token.find(root.uri()).unwrap().key).unwrap(), public);
        assert!(public.verifies(b"m", &token.sign(&root, b"m").unwrap()));
        for (key, stanza) in [&rsa, &hybrid].into_iter().zip(&stanzas) {
            assert_eq!(token.unwrap_cek(key, &file, stanza).unwrap(), cek);
        }
        assert_eq!(token.danger_unwrap_sha1(&older, &older_wrapped).unwrap().expose(), older_cek.expose());
        assert_eq!(&token.danger_sha1_key(&older).unwrap(), older_key.jwk());
        assert_eq!(token.mac(&mac, &[b"message"]).unwrap(), tag);
        assert_eq!(token.open(&state, b"here", &sealed[0]).unwrap().expose(), b"first");
        assert_eq!(token.open(&state, b"here", &sealed[1]).unwrap().expose(), b"second");
        assert_eq!(code(token.open(&state, b"there", &sealed[1])), "blob_refused");
        let anew = token.seal(&state, b"here", b"third").unwrap();
        assert_eq!(token.open(&state, b"here", &anew).unwrap().expose(), b"third");
        assert_eq!(token.find(state.uri()).unwrap().version, KeyVersion::new(3).unwrap());
        let entry = token.find(off.uri()).unwrap();
        assert_eq!((entry.state, entry.created), (KeyState::Disabled, NOW));
        assert_eq!(code(token.sign(&off, b"m")), "hsm_key_disabled");
        // What was brought is not taken for what was made there, nor for what leaves.
        assert!(token.judging().unwrap().altered().unwrap().is_empty());
        let kept: Vec<_> = token.kept().unwrap().into_iter().map(|(entry, keeping)| (entry.key.label().to_string(), keeping)).collect();
        let expected = [
            ("hybrid", TokenKeeping::Sealed), ("mac", TokenKeeping::Brought), ("off", TokenKeeping::Brought), ("older", TokenKeeping::Brought),
            ("root", TokenKeeping::Brought), ("rsa", TokenKeeping::Brought), ("state", TokenKeeping::Sealed),
        ];
        assert_eq!(kept, expected.map(|(name, keeping)| (name.to_owned(), keeping)));
        let listed = String::from_utf8(stage.pkcs11_tool(&["--list-objects", "--type", "privkey"]).stdout).unwrap();
        assert_eq!(listed.matches("Access:     sensitive\n").count(), 4, "{listed}");
    }

    fn a_master_answers_nist_s_vectors_before_and_after(stage: &Stage) {
        let scene = Scene::of(stage);
        drop(scene.software());
        write_master(&stage.folder.join("keys"), "master", &NIST.map(|(key, _, _)| key));
        let answers = |provider: &dyn sceau_hsm::Provider| {
            let master = provider.create_master(&label("master"), NOW).unwrap();
            for (number, (_, asked, answer)) in (1..).zip(NIST) {
                let version = KeyVersion::new(number).unwrap();
                let outputs = provider.prf(&master, version, &[&bytes(asked)]).unwrap();
                assert_eq!(outputs[0].expose().to_vec(), bytes(answer), "{number}");
            }
        };
        answers(&scene.software());
        assert!(scene.move_it().unwrap()[0].in_token);
        let token = scene.token();
        answers(&token);
        let master = token.create_master(&label("master"), NOW).unwrap();
        assert_eq!(token.rotate(&master, NOW).unwrap(), KeyVersion::new(3).unwrap());
        answers(&token);
    }

    fn a_move_that_was_interrupted_is_repeated(stage: &Stage) {
        let scene = Scene::of(stage);
        let store = scene.software();
        let root = store.generate(KeyKind::Ed25519, &label("root"), NOW).unwrap();
        let state = store.generate(KeyKind::Aes256Gcm, &label("state"), NOW).unwrap();
        let (public, sealed) = (store.verifying_key(&root).unwrap(), store.seal(&state, b"", b"secret").unwrap());
        drop(store);
        let keys = stage.folder.join("keys");
        let copy: Vec<_> = ["keystore.json", "keys/root.key", "keys/state.key"].map(|name| (name, fs::read(keys.join(name)).unwrap())).into();
        // The token is there, its PIN is not: nothing is destroyed.
        fs::rename(stage.folder.join("pin"), stage.folder.join("pin-away")).unwrap();
        assert_eq!(code(scene.move_it()), "hsm_pkcs11_pin_unreadable");
        fs::rename(stage.folder.join("pin-away"), stage.folder.join("pin")).unwrap();
        assert_eq!(scene.software().verifying_key(&root).unwrap(), public);
        scene.move_it().unwrap();
        // Before the first file was destroyed; one entry was not written yet.
        copy.iter().for_each(|(name, content)| fs::write(keys.join(name), content).unwrap());
        fs::remove_file(stage.folder.join("token/keys/root.token")).unwrap();
        scene.move_it().unwrap();
        assert!(scene.is_gone());
        // After the keystore's file was destroyed, before its keys' were.
        fs::write(keys.join("keys/root.key"), &copy[1].1).unwrap();
        fs::write(keys.join("keys/state.destroyed"), &copy[2].1).unwrap();
        assert_eq!(scene.move_it().unwrap().len(), 2);
        assert!(scene.is_gone());
        let token = scene.token();
        assert_eq!(token.verifying_key(&root).unwrap(), public);
        assert_eq!(token.open(&state, b"", &sealed).unwrap().expose(), b"secret");
    }
}
