//! Holders' keys are in a token for one signature, and whoever has the token and what is kept of them signs nothing without the holder's secret.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use cryptoki::{
    context::Pkcs11,
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sceau_crypto::{Secret, sha256};
use sceau_hsm::{
    Error, HolderAlgorithm, HolderKey, HolderPlace, KeyRef, KeyVersion, Operations as _, Provider as _,
    pkcs11::{TokenKeeping, TokenKeystore},
};

use crate::{
    NOW, label,
    token_stage::{MODULE, Stage, openssl_verifies, with_tokens},
};

const BOTH: [HolderAlgorithm; 2] = [HolderAlgorithm::EcdsaP256, HolderAlgorithm::Rsa3072];
/// Told to a process that is killed while it signs.
const KILLED: &str = "SCEAU_TEST_KILLED_WHILE_SIGNING";

/// A keystore in the token, prepared, and a holder's secret.
struct Scene {
    store: TokenKeystore,
    master: KeyRef,
    secret: Secret<32>,
}

impl Scene {
    fn of(stage: &Stage) -> Self {
        let folder = stage.folder.join("keystore");
        let store = TokenKeystore::open_or_create(&folder, &stage.on_bad_days("object=house")).unwrap();
        let master = store.create_master(&label("holders"), NOW).unwrap();
        store.prepare_holder_keys(&master, NOW).unwrap();
        Self { store, master, secret: Secret::from_slice(&[7; 32]).unwrap() }
    }

    fn place(&self) -> HolderPlace<'_> {
        HolderPlace { context: &[1; 32], secret: &self.secret }
    }

    fn make(&self, algorithm: HolderAlgorithm) -> HolderKey {
        self.store.make_holder_key(&self.master, &self.place(), algorithm).unwrap()
    }

    fn sign(&self, key: &HolderKey) -> Result<Vec<u8>, Error> {
        let digests = [sha256(b"lease")];
        Ok(self.store.sign_with_holder_key(&self.master, &self.place(), key, &digests)?.remove(0))
    }

    fn must_sign(&self, stage: &Stage, key: &HolderKey) {
        let signature = self.sign(key).unwrap();
        assert!(openssl_verifies(&stage.folder, &key.spki, &["-sha256"], b"lease", &signature));
    }
}

/// A session of ours in this process, whose module the keystore logged in: what any program beside it would see of its own.
fn session() -> Session {
    let module = Pkcs11::new(MODULE).unwrap();
    let slot = module.get_slots_with_initialized_token().unwrap()[0];
    module.open_rw_session(slot).unwrap()
}

/// Private keys that are in the token and not in its storage.
fn passing(session: &Session) -> Vec<ObjectHandle> {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Token(false)];
    session.find_objects(&template).unwrap()
}

/// How many keys are passing, and what whoever shares the process can do with the first but sign.
fn what_is_taken(session: &Session, algorithm: HolderAlgorithm) -> (usize, Vec<String>) {
    let there = passing(session);
    let Some(key) = there.first().copied() else { return (0, Vec::new()) };
    let mut taken = Vec::new();
    let value = match algorithm {
        HolderAlgorithm::EcdsaP256 => AttributeType::Value,
        _ => AttributeType::PrivateExponent,
    };
    if session.get_attributes(key, &[value]).is_ok_and(|read| !read.is_empty()) {
        taken.push("read".to_owned());
    }
    let wrapping = session.find_objects(&[Attribute::Label(b"house/holders-wrap/1".to_vec())]).unwrap();
    if session.wrap_key(&Mechanism::AesKeyWrapPad, wrapping[0], key).is_ok() {
        taken.push("wrapped".to_owned());
    }
    for turned in [Attribute::Extractable(true), Attribute::Sensitive(false), Attribute::Token(true)] {
        if session.update_attributes(key, std::slice::from_ref(&turned)).is_ok() {
            taken.push(format!("set {turned:?}"));
        }
        if session.copy_object(key, std::slice::from_ref(&turned)).is_ok() {
            taken.push(format!("copied as {turned:?}"));
        }
    }
    (there.len(), taken)
}

fn told(stage: &Stage) -> String {
    fs::read_to_string(stage.folder.join("orders.told")).unwrap_or_default()
}

fn until(mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < end, "it did not come to that");
        thread::yield_now();
    }
}

/// What the token's storage has, by OpenSC's tool in a process of its own.
fn stored(stage: &Stage) -> Vec<String> {
    let listed = stage.pkcs11_tool(&["--list-objects"]);
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut lines: Vec<_> = listed.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

with_tokens! {
    fn a_key_is_there_for_its_signature_and_stays_in_its_session(stage: &Stage) {
        let scene = Scene::of(stage);
        let before = stored(stage);
        let ours = session();
        assert!(passing(&ours).is_empty(), "what it was prepared with is gone");
        for algorithm in BOTH {
            let key = scene.make(algorithm);
            assert!(passing(&ours).is_empty(), "what was made is gone");
            fs::remove_file(stage.folder.join("orders.told")).ok();
            stage.order("C_DestroyObject hang");
            thread::scope(|scope| {
                let signing = scope.spawn(|| scene.sign(&key));
                until(|| told(stage).contains("C_DestroyObject hangs"));
                // The moment between. It is judged once the other thread goes on, or a test that fails would hang.
                let (there, taken) = what_is_taken(&ours, algorithm);
                stage.order("");
                let signature = signing.join().unwrap().unwrap();
                assert!(openssl_verifies(&stage.folder, &key.spki, &["-sha256"], b"lease", &signature));
                assert_eq!((there, taken), (1, Vec::new()), "keys that are there, and what is done with one");
            });
            assert!(passing(&ours).is_empty());
        }
        assert_eq!(stored(stage), before, "nothing of a holder is in the token's storage");
        let kept: Vec<_> = scene.store.kept().unwrap().into_iter().map(|(entry, keeping)| (entry.key.label().to_string(), keeping)).collect();
        assert!(kept.contains(&("holders-wrap".to_owned(), TokenKeeping::InToken)), "{kept:?}");
        assert!(scene.store.judging().unwrap().altered().unwrap().is_empty());
    }

    fn what_the_token_does_not_destroy_goes_with_its_session(stage: &Stage) {
        let scene = Scene::of(stage);
        let key = scene.make(HolderAlgorithm::EcdsaP256);
        let ours = session();
        // CKR_FUNCTION_NOT_SUPPORTED: it is never passed on.
        stage.order("C_DestroyObject answer 0x54");
        assert_eq!(scene.sign(&key).unwrap_err().code(), "hsm_pkcs11_refused");
        assert!(scene.store.make_holder_key(&scene.master, &scene.place(), HolderAlgorithm::EcdsaP256).is_err());
        assert!(told(stage).contains("C_DestroyObject is answered"));
        assert!(passing(&ours).is_empty());
        stage.order("");
        scene.must_sign(stage, &key);
    }

    fn killed_before_it_is_destroyed_nothing_is_left(stage: &Stage) {
        let name = concat!(module_path!(), "::killed_before_it_is_destroyed_nothing_is_left");
        let (wrapped, public) = (stage.folder.join("wrapped"), stage.folder.join("public"));
        if std::env::var_os(KILLED).is_some() {
            let scene = Scene::of(stage);
            let key = scene.make(HolderAlgorithm::EcdsaP256);
            fs::write(&wrapped, &key.wrapped).unwrap();
            fs::write(&public, &key.spki).unwrap();
            stage.order("C_DestroyObject hang");
            drop(scene.sign(&key));
            return;
        }
        drop(Scene::of(stage));
        let before = stored(stage);
        // It has a stage's environment by now, and runs the test itself.
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([name.split_once("::").unwrap().1, "--exact"]).env(KILLED, "1");
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until(|| told(stage).contains("C_DestroyObject hangs"));
        child.kill().unwrap();
        child.wait().unwrap();
        stage.order("");
        assert_eq!(stored(stage), before);
        let scene = Scene::of(stage);
        assert!(passing(&session()).is_empty());
        let read = |path: &Path| fs::read(path).unwrap();
        let key = HolderKey { version: KeyVersion::FIRST, wrapped: read(&wrapped), spki: read(&public) };
        scene.must_sign(stage, &key);
    }

    fn the_token_and_what_is_kept_sign_nothing_without_the_holders_secret(stage: &Stage) {
        let scene = Scene::of(stage);
        let keys = BOTH.map(|algorithm| scene.make(algorithm));
        // Theirs: the keystore's folder, the token with its PIN, each holder's key as it is kept. The program does nothing for them but with the secret.
        for key in &keys {
            for secret in [Secret::random(), Secret::from_slice(&[0; 32]).unwrap()] {
                let place = HolderPlace { secret: &secret, ..scene.place() };
                let refused = scene.store.sign_with_holder_key(&scene.master, &place, key, &[[0; 32]]);
                assert_eq!(refused.unwrap_err().code(), "blob_refused");
            }
        }
        // Nor does the token, whatever is taken of the bytes for what it wrapped.
        let ours = session();
        assert!(ours.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap().is_empty());
        let wrapping = ours.find_objects(&[Attribute::Label(b"house/holders-wrap/1".to_vec())]).unwrap();
        let [wrapping] = wrapping.as_slice() else { panic!("{wrapping:?}") };
        for (key, key_type) in keys.iter().zip([KeyType::EC, KeyType::RSA]) {
            let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(key_type), Attribute::Token(false), Attribute::Sign(true)];
            for start in 0..=key.wrapped.len().min(64) {
                for end in key.wrapped.len().saturating_sub(32).max(start)..=key.wrapped.len() {
                    let taken = &key.wrapped[start..end];
                    let taken_in = ours.unwrap_key(&Mechanism::AesKeyWrapPad, *wrapping, taken, &template);
                    assert!(taken_in.is_err(), "{start}..{end}");
                }
            }
        }
        // And the key that wraps does nothing else, for nobody: what it wrapped is not to be decrypted by it.
        for mechanism in [Mechanism::AesEcb, Mechanism::AesCbc([0; 16])] {
            assert!(ours.decrypt(&mechanism, *wrapping, &[0; 32]).is_err());
            assert!(ours.encrypt(&mechanism, *wrapping, &[0; 32]).is_err());
        }
        assert!(ours.wrap_key(&Mechanism::AesKeyWrapPad, *wrapping, *wrapping).is_err());
        for key in &keys {
            scene.must_sign(stage, key);
        }
    }

    fn a_token_that_does_not_unwrap_is_told_at_once_and_stays_in_use(stage: &Stage) {
        let scene = Scene::of(stage);
        let key = scene.make(HolderAlgorithm::EcdsaP256);
        // CKR_WRAPPED_KEY_INVALID and CKR_GENERAL_ERROR, as where another key has the name by now; CKR_MECHANISM_INVALID.
        for (answer, code) in [("0x110", "hsm_pkcs11_unusable"), ("0x5", "hsm_pkcs11_unusable"), ("0x70", "hsm_pkcs11_refused")] {
            stage.order(&format!("C_UnwrapKey answer {answer}"));
            assert_eq!(scene.sign(&key).unwrap_err().code(), code);
            assert_eq!(scene.store.prepare_holder_keys(&scene.master, NOW).unwrap_err().code(), code, "a start says so");
            scene.store.prf(&scene.master, KeyVersion::FIRST, &[b"x"]).unwrap();
        }
        // A session that is lost is opened anew (CKR_SESSION_HANDLE_INVALID).
        stage.order("C_UnwrapKey answer 0xB3 once");
        scene.must_sign(stage, &key);
        stage.order("");
        scene.must_sign(stage, &key);
    }

    fn a_key_of_known_octets_in_the_place_of_the_one_that_wraps_is_found_at_the_start(stage: &Stage) {
        let scene = Scene::of(stage);
        let ours = session();
        let label = Attribute::Label(b"house/holders-wrap/1".to_vec());
        let made = ours.find_objects(std::slice::from_ref(&label)).unwrap()[0];
        let id = ours.get_attributes(made, &[AttributeType::Id]).unwrap().remove(0);
        ours.destroy_object(made).unwrap();
        let known = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            label,
            id,
            Attribute::Value(vec![7; 32]),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Wrap(true),
            Attribute::Unwrap(true),
        ];
        ours.create_object(&known).unwrap();
        assert_eq!(scene.store.prepare_holder_keys(&scene.master, NOW).unwrap_err().code(), "hsm_pkcs11_unusable");
        // It would wrap and unwrap as well as the other: nothing else tells.
        let key = scene.make(HolderAlgorithm::EcdsaP256);
        scene.must_sign(stage, &key);
    }
}
