//! What was sealed, file by file, signed beside the dossier: the integrity that CBC does not give.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{EncryptionFields, MAX_FILES, MobPublicKey, Refused, SealedFile};
use crate::envelope::EnvelopeHash;
use crate::{KeyId, SigningKey, Typ, VerifyingKey, jws};

/// The files of a dossier and what they are sealed with. JSON; signed as a compact JWS of typ `mob-2022-manifest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobManifest {
    /// Format version, 1.
    pub v: u32,
    /// The subscription that the files belong to.
    pub subscription: String,
    /// The organisation's key.
    pub key: KeyId,
    /// Key and IV, as they go with the subscription.
    pub encryption: EncryptionFields,
    /// The files, at most 200, each name once.
    pub files: Vec<MobFile>,
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobFile {
    /// Its name, 1 to 255 bytes.
    pub name: String,
    /// Plaintext bytes.
    pub size: u64,
    /// Parts of 1 MiB of ciphertext.
    pub parts: u32,
    /// The hash of its ciphertext.
    pub hash: EnvelopeHash,
}

impl MobManifest {
    /// A manifest without files yet.
    #[must_use]
    pub fn new(subscription: &str, key: &MobPublicKey, encryption: &EncryptionFields) -> Self {
        let encryption = encryption.clone();
        Self { v: 1, subscription: subscription.to_owned(), key: key.id(), encryption, files: Vec::new() }
    }

    /// Adds a file. Whether the manifest is well formed is judged when it is signed.
    #[must_use]
    pub fn with(mut self, name: &str, file: &SealedFile) -> Self {
        let SealedFile { size, parts, hash, .. } = *file;
        self.files.push(MobFile { name: name.to_owned(), size, parts, hash });
        self
    }

    /// Signs it.
    ///
    /// # Errors
    /// [`Refused`] if it breaks a rule of its form: a name twice, too many files.
    pub fn sign(&self, key: &SigningKey) -> Result<String, Refused> {
        Ok(jws::sign(key, Typ::MobManifest, &self.payload()?))
    }

    /// The bytes to sign, for a key that is held elsewhere ([`jws::signing_input`]).
    ///
    /// # Errors
    /// [`Refused`] if it breaks a rule of its form.
    pub fn payload(&self) -> Result<Vec<u8>, Refused> {
        self.check()?;
        serde_json::to_vec(self).map_err(|_| Refused)
    }

    fn check(&self) -> Result<(), Refused> {
        let names = self.files.iter().map(|file| file.name.as_str()).collect::<BTreeSet<_>>();
        let good = |file: &MobFile| {
            let blocks = file.size / super::BLOCK as u64 + 1;
            let parts = blocks.div_ceil((super::PART / super::BLOCK) as u64);
            (1..=255).contains(&file.name.len()) && u64::from(file.parts) == parts
        };
        let right = self.v == 1
            && !self.subscription.is_empty()
            && self.files.len() <= MAX_FILES
            && names.len() == self.files.len()
            && self.files.iter().all(good);
        if right { Ok(()) } else { Err(Refused) }
    }
}

/// A manifest whose signature holds, for the dossier that was asked for. What a reader must have before it decrypts anything.
#[derive(Debug)]
pub struct VerifiedManifest(MobManifest);

impl VerifiedManifest {
    /// Verifies that `signer` signed this manifest, for `subscription`.
    ///
    /// # Errors
    /// [`Refused`], whatever the cause.
    pub fn verify(jws: &str, signer: &VerifyingKey, subscription: &str) -> Result<Self, Refused> {
        let payload = jws::verify(jws, Typ::MobManifest, signer).map_err(|_| Refused)?;
        let manifest: MobManifest = serde_json::from_slice(&payload).map_err(|_| Refused)?;
        manifest.check()?;
        if manifest.subscription != subscription {
            return Err(Refused);
        }
        Ok(Self(manifest))
    }

    /// What it says.
    #[must_use]
    pub fn manifest(&self) -> &MobManifest {
        &self.0
    }

    /// The file of that name.
    ///
    /// # Errors
    /// [`Refused`]: it names none.
    pub fn file(&self, name: &str) -> Result<&MobFile, Refused> {
        self.0.files.iter().find(|file| file.name == name).ok_or(Refused)
    }
}
