//! The profile `mob-2022`: keys in PEM, the fields of a subscription, the manifest, and a ciphertext under a right manifest.
#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::SigningKey;
use sceau_crypto::mob::{
    EncryptionFields, MobManifest, MobPrivateKey, MobPublicKey, SealedFile, SharedKeyAndIv, VerifiedManifest,
};

const TEXT: &[u8] = b"a text of more than one block, to be protected";

struct Dossier {
    key: MobPrivateKey,
    signer: SigningKey,
    jws: String,
    sealed: Vec<u8>,
}

static DOSSIER: LazyLock<Dossier> = LazyLock::new(|| {
    let key = MobPrivateKey::generate().expect("a key can be made");
    let signer = SigningKey::generate();
    let shared = SharedKeyAndIv::create(key.public(), "k", 1);
    let (mut sealer, mut sealed) = (shared.file(), Vec::new());
    sealer.update(TEXT, &mut sealed);
    let size = sealer.finish(&mut sealed);
    let file = SealedFile::of_ciphertext(shared.fields(), size, &sealed);
    let manifest = MobManifest::new("S", key.public(), shared.fields()).with("f", &file);
    let jws = manifest.sign(&signer).expect("a right manifest");
    Dossier { key, signer, jws, sealed }
});

fuzz_target!(|input: (u16, u16, Vec<u8>)| {
    let (at, length, bytes) = input;
    let text = String::from_utf8_lossy(&bytes);
    let _ = (MobPublicKey::from_pem(&text), MobPrivateKey::from_pem(&text));
    let _ = serde_json::from_slice::<EncryptionFields>(&bytes);
    let _ = serde_json::from_slice::<MobManifest>(&bytes);
    let dossier = &*DOSSIER;
    assert!(
        VerifiedManifest::verify(&text, &dossier.signer.verifying_key(), "S").is_err() || text == dossier.jws
    );
    let mut sealed = dossier.sealed.clone();
    let at = usize::from(at).min(sealed.len());
    let end = (at + usize::from(length)).min(sealed.len());
    sealed.splice(at..end, bytes);
    let verified =
        VerifiedManifest::verify(&dossier.jws, &dossier.signer.verifying_key(), "S").expect("it is right");
    let mut plain = Vec::new();
    let opened = dossier.key.unlock(&verified).expect("its key").open("f", Cursor::new(&sealed), &mut plain);
    assert_eq!(opened.is_ok(), sealed == dossier.sealed);
    assert!(plain.is_empty() || plain == TEXT);
});
