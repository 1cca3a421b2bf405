//! Programs of others, and signers whose certificates are OpenSSL's.

use std::path::{Path, PathBuf};
use std::process::Command;

use sceau_pades::{Document, Place, Source, Wish, prepare, unfinished};
use sceau_pki::{Certificate, CertificateKey as _, PrivateKey, SignedAttributes};
use tempfile::TempDir;

/// 2026-11-23 01:34:24 UTC.
pub(crate) const NOW: u64 = 1_795_397_664_000;
pub(crate) const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
pub(crate) const RSA: &str = "rsa:2048";

/// A folder with an authority `ca.pem` and a signer `me.pem`.
pub(crate) struct Stage(TempDir);

impl Stage {
    pub(crate) fn set(key: &str) -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        stage.write(
            "usage",
            b"keyUsage=critical,digitalSignature,nonRepudiation\nextendedKeyUsage=emailProtection\n",
        );
        let days = "-days 30";
        stage.openssl(&format!(
            "req -x509 -newkey {P256} -nodes -keyout ca.key -out ca.pem -subj /CN=Root {days}"
        ));
        stage.openssl(&format!("req -newkey {key} -nodes -keyout me.key -out me.csr -subj /CN=Marie"));
        let issue =
            "x509 -req -in me.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile usage -out me.pem";
        stage.openssl(&format!("{issue} {days}"));
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn certificate(&self) -> Certificate {
        let text = std::fs::read_to_string(self.path("me.pem")).unwrap();
        Certificate::all_from_pem(&text, "me.pem").unwrap().remove(0)
    }

    pub(crate) fn openssl(&self, words: &str) -> String {
        self.run("openssl", words)
    }

    /// What a program says, which must succeed.
    pub(crate) fn run(&self, program: &str, words: &str) -> String {
        run(self.0.path(), program, words)
    }

    /// Signs as `sceau sign` does.
    pub(crate) fn sign(&self, document: &[u8], wish: &Wish) -> Vec<u8> {
        let document = document.to_vec();
        let document = Document::open(&document).unwrap();
        let prepared = prepare(&document, wish).unwrap();
        let mut bytes = Vec::new();
        prepared.write(&mut bytes).unwrap();
        let place = unfinished(&Document::open(&bytes).unwrap()).unwrap();
        self.complete(&bytes, place)
    }

    /// Signs where [`place`] stands, whatever it is that is signed there.
    pub(crate) fn sign_by_hand(&self, document: &[u8]) -> Vec<u8> {
        let find = |word: &[u8]| document.windows(word.len()).position(|it| it == word).unwrap();
        let before = find(b"/Contents <00") + "/Contents ".len();
        let from = before + 2 * ROOM + 2;
        let mut out = document.to_vec();
        let range = format!("0 {before:010} {from:010} {:010}", out.len() - from);
        let at = find(b"/ByteRange [") + "/ByteRange [".len();
        out[at..at + range.len()].copy_from_slice(range.as_bytes());
        let hash = sceau_crypto::sha256(&[&out[..before], &out[from..]].concat());
        let message = hex::encode(self.message(&hash));
        out[before + 1..before + 1 + message.len()].copy_from_slice(message.as_bytes());
        out
    }

    fn message(&self, hash: &[u8; 32]) -> Vec<u8> {
        let key = PrivateKey::from_pem(&std::fs::read_to_string(self.path("me.key")).unwrap()).unwrap();
        let attributes = SignedAttributes::new(&self.certificate(), hash).unwrap();
        let signature = key.sign(attributes.kind().signing(), attributes.to_be_signed()).unwrap();
        attributes.complete(&signature, &[], None).unwrap()
    }

    pub(crate) fn complete(&self, prepared: &[u8], place: Place) -> Vec<u8> {
        let message = self.message(&place.hash(prepared).unwrap());
        let mut out = Vec::new();
        place.fill(prepared, &message, &mut out).unwrap();
        assert_eq!(out.len() as u64, prepared.size().unwrap());
        out
    }
}

pub(crate) fn run(at: &Path, program: &str, words: &str) -> String {
    let ran = Command::new(program).args(words.split_whitespace()).current_dir(at).output().expect(program);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {words}: {said}");
    said
}

pub(crate) fn wish() -> Wish {
    Wish { time: NOW, name: "Marie Curie".to_owned(), room: 4096, ..Wish::default() }
}

/// Bytes that [`place`] keeps for a signature.
const ROOM: usize = 3000;

/// A signature's dictionary with a place that waits, as any program writes it.
pub(crate) fn place() -> String {
    let numbers = "0 0000000000 0000000000 0000000000";
    format!(
        "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange [{numbers}]/Contents <{}>>>",
        "0".repeat(2 * ROOM)
    )
}
