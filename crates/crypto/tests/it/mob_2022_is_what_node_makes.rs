//! The profile `mob-2022` beside Node's own crypto (`tests/judges/mob.mjs`): each opens what the other seals.

use std::io::{Cursor, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use proptest::prelude::*;
use sceau_crypto::mob::{
    EncryptionFields, MobManifest, MobPrivateKey, MobPublicKey, SealedFile, SharedKeyAndIv, VerifiedManifest,
};
use sceau_crypto::{KeyError, SigningKey};
use serde_json::{Value, json};

use crate::support::text;

pub(crate) static KEY: LazyLock<MobPrivateKey> = LazyLock::new(|| MobPrivateKey::generate().unwrap());
pub(crate) static SIGNER: LazyLock<SigningKey> = LazyLock::new(SigningKey::generate);

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/judges/mob.mjs");
const VECTORS: &str = include_str!("../../vectors/mob-2022.json");
const SIZES: [usize; 9] = [0, 1, 15, 16, 17, 65_536, 1_048_575, 1_048_576, 2_500_000];

fn node(act: &str, input: &Value) -> Value {
    let mut node = Command::new("node")
        .args([JUDGE, act])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is there: cargo xtask test says how to get it");
    node.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn pem(key: &MobPrivateKey) -> String {
    String::from_utf8(key.to_pem().expose().to_vec()).unwrap()
}

/// Signs for files that somebody else sealed: their hashes, by our sealer's own rule.
fn adopt(fields: &EncryptionFields, key: &MobPublicKey, sealed: &[(Vec<u8>, u64)]) -> String {
    let files = sealed.iter().map(|(bytes, size)| SealedFile::of_ciphertext(fields, *size, bytes));
    let manifest = files
        .enumerate()
        .fold(MobManifest::new("S1", key, fields), |all, (n, file)| all.with(&n.to_string(), &file));
    manifest.sign(&SIGNER).unwrap()
}

/// Seals a file whose bytes come in pieces of `cut`.
pub(crate) fn seal(shared: &SharedKeyAndIv, plain: &[u8], cut: usize) -> (SealedFile, Vec<u8>) {
    let (mut sealer, mut sealed) = (shared.file(), Vec::new());
    plain.chunks(cut).for_each(|piece| sealer.update(piece, &mut sealed));
    let size = sealer.finish(&mut sealed);
    (SealedFile::of_ciphertext(shared.fields(), size, &sealed), sealed)
}

fn opened(key: &MobPrivateKey, jws: &str, name: &str, sealed: &[u8]) -> Vec<u8> {
    let manifest = VerifiedManifest::verify(jws, &SIGNER.verifying_key(), "S1").unwrap();
    let mut plain = Vec::new();
    key.unlock(&manifest).unwrap().open(name, Cursor::new(sealed), &mut plain).unwrap();
    plain
}

#[test]
fn node_opens_what_we_seal() {
    let shared = SharedKeyAndIv::create(KEY.public(), "a key", 3);
    let sealed: Vec<String> = SIZES
        .iter()
        .map(|size| {
            let (file, sealed) = seal(&shared, &text(*size), 65_536);
            assert_eq!((file.size, file.sealed_size), (*size as u64, sealed.len() as u64));
            B64.encode(sealed)
        })
        .collect();
    let mut input = serde_json::to_value(shared.fields()).unwrap();
    assert_eq!((&input["encryptionKeyId"], &input["encryptionKeyVersion"]), (&json!("a key"), &json!(3)));
    input["privateKey"] = json!(pem(&KEY));
    input["files"] = json!(sealed);
    let output = node("open", &input);
    for (plain, size) in output["files"].as_array().unwrap().iter().zip(SIZES) {
        assert!(B64.decode(plain.as_str().unwrap()).unwrap() == text(size), "{size} bytes");
    }
}

#[test]
fn we_open_what_node_seals() {
    let files: Vec<String> = SIZES.iter().map(|size| B64.encode(text(*size))).collect();
    let mut output = node("seal", &json!({"publicKey": KEY.public().to_pem(), "files": files}));
    output["encryptionKeyId"] = json!("a key");
    output["encryptionKeyVersion"] = json!(1);
    let fields: EncryptionFields = serde_json::from_value(output.clone()).unwrap();
    let sealed: Vec<(Vec<u8>, u64)> = SIZES
        .iter()
        .zip(output["files"].as_array().unwrap())
        .map(|(size, sealed)| (B64.decode(sealed.as_str().unwrap()).unwrap(), *size as u64))
        .collect();
    let jws = adopt(&fields, KEY.public(), &sealed);
    for (n, (bytes, size)) in sealed.iter().enumerate() {
        assert!(opened(&KEY, &jws, &n.to_string(), bytes) == text(*size as usize), "{size} bytes");
    }
}

/// Made by the judge; `node tests/judges/mob.mjs vectors` makes others.
#[test]
fn published_vectors_open() {
    let mut vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors["encryptionKeyId"] = json!("vectors");
    vectors["encryptionKeyVersion"] = json!(1);
    let fields: EncryptionFields = serde_json::from_value(vectors.clone()).unwrap();
    let key = MobPrivateKey::from_pem(vectors["privateKey"].as_str().unwrap()).unwrap();
    assert_eq!(key.public().to_pem(), vectors["publicKey"].as_str().unwrap());
    assert_eq!(pem(&key), vectors["privateKey"].as_str().unwrap());
    let files = vectors["files"].as_array().unwrap();
    assert!(files.len() >= 8);
    let sealed: Vec<(Vec<u8>, u64)> = files
        .iter()
        .map(|file| (B64.decode(file["sealed"].as_str().unwrap()).unwrap(), file["size"].as_u64().unwrap()))
        .collect();
    let jws = adopt(&fields, key.public(), &sealed);
    for (n, (bytes, size)) in sealed.iter().enumerate() {
        assert_eq!(opened(&key, &jws, &n.to_string(), bytes), text(*size as usize));
    }
}

#[test]
fn keys_have_one_size_and_one_encoding() {
    let public = KEY.public().to_pem();
    assert_eq!(MobPublicKey::from_pem(&public).unwrap().id(), KEY.public().id());
    assert_eq!(MobPublicKey::from_pem(&public.replace('\n', "\r\n")).unwrap().id(), KEY.public().id());
    for other in
        [public.replace("PUBLIC KEY", "RSA PUBLIC KEY"), public.replace('M', ""), String::new(), pem(&KEY)]
    {
        assert_eq!(MobPublicKey::from_pem(&other).unwrap_err(), KeyError::Malformed);
    }
    let large = sceau_crypto::RsaPrivateKey::generate(sceau_crypto::RsaSize::Bits3072).unwrap();
    let refused = MobPrivateKey::from_pkcs8(large.to_pkcs8().expose()).unwrap_err();
    assert_eq!(refused, KeyError::RsaSize { bits: 3072 });
    assert!(!format!("{:?}", *KEY).contains("BEGIN"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the bytes are cut, the same file comes out, and opens.
    #[test]
    fn any_bytes_cut_anyhow_come_back(plain in proptest::collection::vec(any::<u8>(), 0..70_000), cut in 1usize..9000) {
        let shared = SharedKeyAndIv::create(KEY.public(), "k", 1);
        let (file, sealed) = seal(&shared, &plain, cut);
        prop_assert_eq!(seal(&shared, &plain, usize::MAX), (file, sealed.clone()));
        let jws = MobManifest::new("S1", KEY.public(), shared.fields()).with("f", &file).sign(&SIGNER).unwrap();
        prop_assert_eq!(opened(&KEY, &jws, "f", &sealed), plain);
    }
}
