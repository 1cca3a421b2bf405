//! Certificates as x509-limbo's builder describes them, written by hand: a case changes or drops what it is about, right or wrong.

use std::{fs, rc::Rc};

use sceau_pki::{CertificateKey, KeyAlgorithm, PrivateKey, Signing};
use time::{OffsetDateTime, macros::datetime};

use super::der::{self, Extension, oid};
use crate::outside::run;

/// The suite's first second, and its last, a thousand years later.
pub(super) const FIRST: OffsetDateTime = datetime!(1970-01-01 00:00:01 UTC);
const LAST: OffsetDateTime = datetime!(2969-05-03 00:00:01 UTC);

/// A key that signs: ours, or one that ours is not let be.
pub(super) struct Key {
    pub(super) info: Vec<u8>,
    signs: Signs,
}

enum Signs {
    Ours(PrivateKey),
    /// The PEM that OpenSSL signs with, and the AlgorithmIdentifier.
    OpenSsl(String, Vec<u8>),
}

impl Key {
    /// What the suite makes unless it says else: P-256.
    pub(super) fn usual() -> Rc<Self> {
        Self::ours(KeyAlgorithm::EcdsaP256)
    }

    pub(super) fn ours(kind: KeyAlgorithm) -> Rc<Self> {
        let key = PrivateKey::generate(kind).unwrap();
        Rc::new(Self { info: key.public_key_info().unwrap(), signs: Signs::Ours(key) })
    }

    /// As `openssl genpkey` makes it with these options, whose signatures have this algorithm.
    pub(super) fn openssl(options: &str, algorithm: Vec<u8>) -> Rc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let make = format!("genpkey -out key.pem {options}");
        run(folder.path(), "openssl", &make.split_whitespace().collect::<Vec<_>>());
        run(
            folder.path(),
            "openssl",
            &["pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "info"],
        );
        let pem = fs::read_to_string(folder.path().join("key.pem")).unwrap();
        let info = fs::read(folder.path().join("info")).unwrap();
        Rc::new(Self { info, signs: Signs::OpenSsl(pem, algorithm) })
    }

    fn algorithm(&self) -> Vec<u8> {
        match &self.signs {
            Signs::Ours(_) => der::ecdsa_with_sha256(),
            Signs::OpenSsl(_, algorithm) => algorithm.clone(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.signs {
            Signs::Ours(key) => key.sign(Signing::Ecdsa, message).unwrap(),
            Signs::OpenSsl(pem, _) => {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("key.pem"), pem).unwrap();
                fs::write(folder.path().join("message"), message).unwrap();
                let sign = ["dgst", "-sha256", "-sign", "key.pem", "-out", "signature", "message"];
                run(folder.path(), "openssl", &sign);
                fs::read(folder.path().join("signature")).unwrap()
            }
        }
    }

    /// As the suite's library names a key. Only likeness matters: nobody computes it again.
    pub(super) fn identifier(&self) -> Vec<u8> {
        sceau_pki::Fingerprint::of(&self.info).as_bytes()[..20].to_vec()
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) der: Vec<u8>,
    pub(super) key: Rc<Key>,
    pub(super) subject: Vec<u8>,
}

/// A certificate to be made.
#[derive(Clone)]
pub(super) struct Plan {
    version: Option<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    from: OffsetDateTime,
    until: OffsetDateTime,
    key: Rc<Key>,
    signer: Option<Rc<Key>>,
    extensions: Vec<Extension>,
    outer_algorithm: Option<Vec<u8>>,
}

impl Plan {
    fn new(subject: Vec<u8>, parent: Option<&Made>) -> Self {
        let key = Key::usual();
        let mut serial = key.identifier();
        serial[0] = serial[0] & 0x3f | 0x40;
        Self {
            version: Some(2),
            serial,
            issuer: parent.map_or_else(|| subject.clone(), |parent| parent.subject.clone()),
            subject,
            from: FIRST,
            until: LAST,
            signer: parent.map(|parent| Rc::clone(&parent.key)),
            key,
            extensions: Vec::new(),
            outer_algorithm: None,
        }
    }

    /// A self-signed authority, without AuthorityKeyIdentifier.
    pub(super) fn root() -> Self {
        Self::new(der::common_name("x509-limbo-root"), None).authority(None)
    }

    /// An authority below another; its name is its own.
    pub(super) fn below(parent: &Made, path_length: Option<u8>) -> Self {
        let plan = Self::new(Vec::new(), Some(parent));
        let unit = hex::encode(&parent.key.identifier()[..8]);
        let named = format!("x509-limbo-intermediate-below-{unit}");
        let identifier = parent.key.identifier();
        plan.named(&named).authority(path_length).with(der::authority_key_identifier(false, &identifier))
    }

    /// A client: the suite's leaves are servers, whose purpose is exchanged for ours.
    pub(super) fn leaf(parent: &Made) -> Self {
        let plan = Self::new(der::common_name("example.com"), Some(parent));
        let (own, above) = (plan.key.identifier(), parent.key.identifier());
        plan.with(der::subject_key_identifier(false, &own))
            .with(der::authority_key_identifier(false, &above))
            .with(der::key_usage(false, der::DIGITAL_SIGNATURE))
            .with(der::purposes(false, &[oid::CLIENT_AUTH]))
            .with(der::alternative_names(false, &[der::dns("example.com")]))
    }

    fn authority(self, path_length: Option<u8>) -> Self {
        let own = self.key.identifier();
        self.with(der::basic_constraints(true, true, path_length))
            .with(der::key_usage(false, der::KEY_CERT_SIGN))
            .with(der::alternative_names(false, &[der::dns("example.com")]))
            .with(der::subject_key_identifier(false, &own))
    }

    /// With this extension, in the place of one of its kind.
    pub(super) fn with(mut self, extension: Extension) -> Self {
        match self.extensions.iter_mut().find(|held| held.oid == extension.oid) {
            Some(held) => *held = extension,
            None => self.extensions.push(extension),
        }
        self
    }

    /// With this one too, even where there is one of its kind.
    pub(super) fn also(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    pub(super) fn without(mut self, oid: &[u8]) -> Self {
        self.extensions.retain(|held| held.oid != oid);
        self
    }

    /// Its subject; of a root, also its issuer.
    pub(super) fn named(self, common_name: &str) -> Self {
        self.subject(der::common_name(common_name))
    }

    pub(super) fn subject(mut self, name: Vec<u8>) -> Self {
        if self.signer.is_none() {
            self.issuer.clone_from(&name);
        }
        self.subject = name;
        self
    }

    pub(super) fn issuer(self, name: Vec<u8>) -> Self {
        Self { issuer: name, ..self }
    }

    pub(super) fn serial(self, content: &[u8]) -> Self {
        Self { serial: content.to_vec(), ..self }
    }

    pub(super) fn valid(self, from: OffsetDateTime, until: OffsetDateTime) -> Self {
        Self { from, until, ..self }
    }

    /// With this key, and the identifiers of it.
    pub(super) fn keyed(self, key: &Rc<Key>) -> Self {
        let plan = Self { key: Rc::clone(key), ..self };
        plan.with(der::subject_key_identifier(false, &key.identifier()))
    }

    /// Of version 1, which has no extensions.
    pub(super) fn first_version(self) -> Self {
        Self { version: None, extensions: Vec::new(), ..self }
    }

    /// Says without the signature that it is of another algorithm than it says within (RFC 5280 §4.1.1.2).
    pub(super) fn saying_without(self, algorithm: Vec<u8>) -> Self {
        Self { outer_algorithm: Some(algorithm), ..self }
    }

    pub(super) fn make(self) -> Made {
        let signer = self.signer.as_ref().unwrap_or(&self.key);
        let algorithm = signer.algorithm();
        let mut parts: Vec<Vec<u8>> =
            self.version.iter().map(|version| der::tlv(0xa0, &der::tlv(2, &[*version]))).collect();
        parts.extend([
            der::tlv(2, &self.serial),
            algorithm.clone(),
            self.issuer,
            der::sequence(&[der::time(self.from), der::time(self.until)]),
            self.subject.clone(),
            self.key.info.clone(),
        ]);
        if !self.extensions.is_empty() {
            let extensions: Vec<_> = self.extensions.iter().map(Extension::der).collect();
            parts.push(der::tlv(0xa3, &der::sequence(&extensions)));
        }
        let tbs = der::sequence(&parts);
        let signature = der::tlv(3, &[&[0], &*signer.sign(&tbs)].concat());
        let outer = self.outer_algorithm.unwrap_or(algorithm);
        Made { der: der::sequence(&[tbs, outer, signature]), key: self.key, subject: self.subject }
    }
}
