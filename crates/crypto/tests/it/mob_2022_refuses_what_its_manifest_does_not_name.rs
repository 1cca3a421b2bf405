//! CBC lets a flipped bit through; the manifest does not, and nothing is decrypted before it agrees.

use std::io::{Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;
use sceau_crypto::mob::{
    EncryptionFields, MobManifest, MobOpenError, MobPrivateKey, Refused, SharedKeyAndIv, VerifiedManifest,
};
use sceau_crypto::{SigningKey, Typ, jws};

use crate::mob_2022_is_what_node_makes::{KEY, SIGNER, seal};
use crate::support::text;

struct Dossier {
    fields: EncryptionFields,
    manifest: MobManifest,
    sealed: Vec<u8>,
}

fn dossier(size: usize) -> Dossier {
    let shared = SharedKeyAndIv::create(KEY.public(), "k", 1);
    let (file, sealed) = seal(&shared, &text(size), usize::MAX);
    let manifest = MobManifest::new("S1", KEY.public(), shared.fields()).with("rib.pdf", &file);
    Dossier { fields: shared.fields().clone(), manifest, sealed }
}

/// What opening says, and what it wrote.
fn open(
    manifest: &MobManifest,
    name: &str,
    sealed: impl Read + Seek,
) -> (Result<u64, MobOpenError>, Vec<u8>) {
    let jws = manifest.sign(&SIGNER).unwrap();
    let verified = VerifiedManifest::verify(&jws, &SIGNER.verifying_key(), "S1").unwrap();
    let mut plain = Vec::new();
    let opened = match KEY.unlock(&verified) {
        Ok(keys) => keys.open(name, sealed, &mut plain),
        Err(refused) => Err(refused.into()),
    };
    (opened, plain)
}

fn assert_refused((opened, plain): (Result<u64, MobOpenError>, Vec<u8>)) {
    let error = opened.unwrap_err();
    assert_eq!((error.code(), error.to_string()), ("mob_refused", without_a_manifest()));
    assert!(plain.is_empty(), "{} bytes came out", plain.len());
}

/// What a reader says that has no manifest at all: the same.
fn without_a_manifest() -> String {
    VerifiedManifest::verify("", &SIGNER.verifying_key(), "S1").unwrap_err().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_altered_byte_is_refused_and_nothing_comes_out(at in any::<prop::sample::Index>(), mask in 1u8..) {
        let Dossier { manifest, mut sealed, .. } = dossier(3000);
        sealed[at.index(3008)] ^= mask;
        assert_refused(open(&manifest, "rib.pdf", Cursor::new(sealed)));
    }
}

#[test]
fn what_is_cut_added_or_moved_is_refused() {
    let Dossier { manifest, sealed, .. } = dossier(2_200_000);
    let (cut, short) = (&sealed[..sealed.len() - 16], &sealed[..1 << 20]);
    let longer = [&sealed[..], &[0; 16]].concat();
    let swapped = [&sealed[1 << 20..2 << 20], &sealed[..1 << 20], &sealed[2 << 20..]].concat();
    for other in [cut, short, &longer, &swapped, &[]] {
        assert_refused(open(&manifest, "rib.pdf", Cursor::new(other)));
    }
    assert_refused(open(&manifest, "other.pdf", Cursor::new(&sealed)));
    assert_eq!(open(&manifest, "rib.pdf", Cursor::new(&sealed)).1.len(), 2_200_000);
}

#[test]
fn another_key_field_size_or_part_count_is_refused() {
    let Dossier { fields, manifest, sealed } = dossier(100);
    let other = dossier(100).fields;
    let changed = |change: &dyn Fn(&mut MobManifest)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        manifest
    };
    for manifest in [
        changed(&|m| m.encryption.aes_key = other.aes_key.clone()),
        changed(&|m| m.encryption.iv = other.iv.clone()),
        changed(&|m| m.encryption.iv = fields.aes_key.clone()),
        changed(&|m| m.encryption.aes_key.truncate(255)),
        changed(&|m| m.encryption.aes_key.clear()),
        changed(&|m| m.key = MobPrivateKey::generate().unwrap().public().id()),
    ] {
        assert_refused(open(&manifest, "rib.pdf", Cursor::new(&sealed)));
    }
    // The hash does not cover the size: it comes out first, and is refused.
    let error = open(&changed(&|m| m.files[0].size = 101), "rib.pdf", Cursor::new(&sealed)).0.unwrap_err();
    assert_eq!(error.code(), "mob_refused");
}

#[test]
fn a_manifest_without_its_signature_dossier_or_form_is_refused() {
    let Dossier { manifest, .. } = dossier(100);
    let verify = |jws: &str, subscription: &str| {
        VerifiedManifest::verify(jws, &SIGNER.verifying_key(), subscription).map(|_| ())
    };
    let right = manifest.sign(&SIGNER).unwrap();
    assert_eq!(verify(&right, "S1"), Ok(()));
    let refused: Vec<Refused> = [
        verify(&right, "S2"),
        verify(&manifest.sign(&SigningKey::generate()).unwrap(), "S1"),
        verify(&jws::sign(&SIGNER, Typ::Manifest, &manifest.payload().unwrap()), "S1"),
        verify(&jws::sign(&SIGNER, Typ::MobManifest, b"{}"), "S1"),
        verify(&right[..right.len() - 1], "S1"),
    ]
    .map(Result::unwrap_err)
    .to_vec();
    assert_eq!(refused.len(), 5);
    let files = [&manifest.files[..], &manifest.files[..]].concat();
    let twice = MobManifest { files, ..manifest.clone() };
    assert!(twice.sign(&SIGNER).is_err());
    assert!(MobManifest { v: 2, ..manifest.clone() }.sign(&SIGNER).is_err());
    let mut parts = manifest;
    parts.files[0].parts = 2;
    assert!(parts.sign(&SIGNER).is_err());
}

/// A store that answers other bytes the second time.
struct Turncoat(Cursor<Vec<u8>>, Vec<u8>, usize);

impl Read for Turncoat {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Turncoat {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.2 += 1;
        if self.2 == 2 {
            self.0 = Cursor::new(std::mem::take(&mut self.1));
        }
        self.0.seek(to)
    }
}

#[test]
fn bytes_that_change_between_judgement_and_decryption_are_not_decrypted() {
    let Dossier { manifest, sealed, .. } = dossier(3000);
    let mut other = sealed.clone();
    other[1000] ^= 1;
    assert_refused(open(&manifest, "rib.pdf", Turncoat(Cursor::new(sealed), other, 0)));
}
