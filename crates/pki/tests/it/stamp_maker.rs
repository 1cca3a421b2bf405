//! Authorities of time stamps for the vectors: OpenSSL's own, and tokens put together by hand, which OpenSSL would not make, signed with its keys.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;

use crate::outside::run;

const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const CONFIGURATION: &str = "
[ca]
default_ca = odd
[odd]
new_certs_dir = .
database = index
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
[any]
countryName = optional
organizationName = optional
commonName = optional
";
const FOR_STAMPS: &str = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n";
const BETWEEN: &str = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n";
const LONG: (&str, &str) = ("20260101", "20460101");
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// A folder with keys and certificates, each under its name.
pub(crate) struct Stage(TempDir);

impl Stage {
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.cnf"), CONFIGURATION).unwrap();
        Self(folder)
    }

    pub(crate) fn at(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn openssl(&self, words: &str) {
        run(self.at(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
    }

    /// A root of its own word, good from 2019 to 2046. Those whose names differ behind a point alone are called alike.
    fn root(&self, name: &str, key: &str, extensions: &str) {
        let called = name.split('.').next().unwrap();
        self.openssl(&format!(
            "req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /C=FR/CN={called}"
        ));
        self.certify(name, &format!("-selfsign -keyfile {name}.key"), ("20190101", "20460101"), extensions);
    }

    /// A certificate below `issuer`, good from the first of these days to the second (YYYYMMDD).
    fn issue(&self, name: &str, issuer: &str, key: &str, days: (&str, &str), extensions: &str) {
        if !self.at().join(format!("{name}.key")).exists() {
            self.openssl(&format!(
                "req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /C=FR/O=Horloges/CN={name}"
            ));
        }
        self.certify(name, &format!("-cert {issuer}.pem -keyfile {issuer}.key"), days, extensions);
    }

    fn certify(&self, name: &str, by: &str, (from, until): (&str, &str), extensions: &str) {
        fs::write(self.at().join("index"), "").unwrap();
        fs::write(self.at().join("extensions"), extensions).unwrap();
        self.openssl(&format!(
            "ca -batch -config ca.cnf -in {name}.csr -out {name}.pem {by} -notext \
             -startdate {from}000000Z -enddate {until}000000Z -extfile extensions -preserveDN"
        ));
    }

    pub(crate) fn pem(&self, name: &str) -> String {
        fs::read_to_string(self.at().join(format!("{name}.pem"))).unwrap()
    }

    /// The DER of a certificate.
    pub(crate) fn certificate(&self, name: &str) -> Vec<u8> {
        let body: String = self.pem(name).lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    }

    /// What `openssl ts` makes as this authority of a request for these octets.
    pub(crate) fn stamped(
        &self,
        signer: &str,
        between: &[&str],
        imprint: &[u8; 32],
        options: &str,
    ) -> Vec<u8> {
        let chain: String = between.iter().map(|name| self.pem(name)).collect();
        fs::write(self.at().join("chain.pem"), chain).unwrap();
        fs::write(self.at().join("serial"), "0A1B2C\n").unwrap();
        let certificates = if between.is_empty() { "" } else { "certs = chain.pem\n" };
        fs::write(
            self.at().join("ts.cnf"),
            format!(
                "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = {signer}.pem\nsigner_key = {signer}.key\n{certificates}\
                 default_policy = 1.2.3.4.1\ndigests = sha256, sha512\naccuracy = secs:1\nclock_precision_digits = 3\n{options}"
            ),
        )
        .unwrap();
        self.openssl(&format!("ts -query -digest {} -sha256 -cert -out query", hex::encode(imprint)));
        self.openssl("ts -reply -config ts.cnf -queryfile query -token_out -out token");
        fs::read(self.at().join("token")).unwrap()
    }

    /// What `openssl cms` makes of these octets: one signature for each name.
    pub(crate) fn signed(&self, signers: &[&str], content: &[u8], options: &str) -> Vec<u8> {
        fs::write(self.at().join("content"), content).unwrap();
        let signers: String = signers.iter().map(|it| format!("-signer {it}.pem -inkey {it}.key ")).collect();
        self.openssl(&format!(
            "cms -sign -binary -nodetach -econtent_type 1.2.840.113549.1.9.16.1.4 {signers} {options} -in content -outform DER -out token"
        ));
        fs::read(self.at().join("token")).unwrap()
    }

    /// A token put together by hand, as `shaped` changes it: with ECDSA and SHA-256, which it says, or with Ed25519.
    pub(crate) fn made(&self, signer: &str, content: Vec<u8>, shaped: impl FnOnce(&mut Shape)) -> Vec<u8> {
        let certificate = self.certificate(signer);
        let hash = sha256(&certificate);
        let id = seq(&[tlv(4, &hash)]);
        let mut shape = Shape {
            attributes: vec![
                attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3], &tlv(6, TST_INFO)),
                attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4], &tlv(4, &sha256(&content))),
                attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47], &seq(&[seq(&[id])])),
            ],
            kind: TST_INFO.to_vec(),
            named: named(&certificate),
            algorithm: seq(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]),
            certificates: vec![certificate],
        };
        shaped(&mut shape);
        let attributes = shape.attributes.concat();
        fs::write(self.at().join("signed"), tlv(0x31, &attributes)).unwrap();
        match signer {
            "ed25519" => self.openssl("pkeyutl -sign -rawin -inkey ed25519.key -in signed -out signature"),
            _ => self.openssl(&format!("dgst -sha256 -sign {signer}.key -out signature signed")),
        }
        let digest = seq(&[tlv(6, SHA256)]);
        let info = seq(&[
            tlv(2, &[1]),
            shape.named,
            digest.clone(),
            tlv(0xa0, &attributes),
            shape.algorithm,
            tlv(4, &fs::read(self.at().join("signature")).unwrap()),
        ]);
        let data = seq(&[
            tlv(2, &[3]),
            tlv(0x31, &digest),
            seq(&[tlv(6, &shape.kind), tlv(0xa0, &tlv(4, &content))]),
            tlv(0xa0, &shape.certificates.concat()),
            tlv(0x31, &info),
        ]);
        seq(&[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]), tlv(0xa0, &data)])
    }
}

/// Everybody whose tokens are vectors.
pub(crate) fn authorities(stage: &Stage) {
    for (name, key, extensions) in [
        ("root", EC, BETWEEN),
        ("rsaroot", "rsa:2048", BETWEEN),
        ("otherroot", EC, BETWEEN),
        ("root.false", EC, BETWEEN),
        ("oldself", EC, BETWEEN),
        ("shortroot", EC, "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign\n"),
        ("namedroot", EC, &format!("{BETWEEN}nameConstraints=critical,permitted;DNS:example.org\n")),
    ] {
        stage.root(name, key, extensions);
    }
    stage.issue("oldroot", "oldself", EC, ("20200101", "20210101"), BETWEEN);
    for (name, key) in [
        ("clock", EC),
        ("p384", "ec -pkeyopt ec_paramgen_curve:P-384"),
        ("p521", "ec -pkeyopt ec_paramgen_curve:P-521"),
        ("rsa", "rsa:2048"),
        ("rsa3", "rsa:3072"),
        ("ed25519", "ed25519"),
        ("weak", "rsa:1024"),
    ] {
        stage.issue(name, "root", key, LONG, FOR_STAMPS);
    }
    stage.issue("byrsa", "rsaroot", EC, LONG, FOR_STAMPS);
    stage.issue("past", "root", EC, ("20200101", "20210101"), FOR_STAMPS);
    stage.issue("underold", "oldroot", EC, LONG, FOR_STAMPS);
    stage.issue("dns", "namedroot", EC, LONG, &format!("{FOR_STAMPS}subjectAltName=DNS:other.example\n"));
    stage.issue("nodns", "namedroot", EC, LONG, FOR_STAMPS);
    for (name, usage) in [
        ("uncritical", "extendedKeyUsage=timeStamping"),
        ("more", "extendedKeyUsage=critical,timeStamping,codeSigning"),
        ("odd", "extendedKeyUsage=critical,timeStamping,1.2.3.4"),
        ("code", "extendedKeyUsage=critical,codeSigning"),
        ("none", "keyUsage=digitalSignature"),
        ("nokey", "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,keyEncipherment"),
        ("authority", "extendedKeyUsage=critical,timeStamping\nbasicConstraints=critical,CA:true"),
        ("strange", "extendedKeyUsage=critical,timeStamping\n1.2.3.4=critical,DER:0500"),
    ] {
        stage.issue(name, "root", EC, LONG, &format!("{usage}\n"));
    }
    let for_stamps = format!("{BETWEEN}extendedKeyUsage=timeStamping\n");
    for (name, issuer, days, extensions) in [
        ("between", "root", LONG, BETWEEN),
        ("purpose", "root", LONG, for_stamps.as_str()),
        ("any", "root", LONG, &format!("{BETWEEN}extendedKeyUsage=anyExtendedKeyUsage\n")),
        ("code-ca", "root", LONG, &format!("{BETWEEN}extendedKeyUsage=codeSigning\n")),
        ("no-ca", "root", LONG, "keyUsage=critical,keyCertSign\n"),
        ("no-sign", "root", LONG, "basicConstraints=critical,CA:true\nkeyUsage=critical,cRLSign\n"),
        ("ended", "root", ("20200101", "20210101"), BETWEEN),
        ("limited", "root", LONG, "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=keyCertSign\n"),
        ("below", "limited", LONG, BETWEEN),
        ("undershort", "shortroot", LONG, BETWEEN),
        ("second", "between", LONG, BETWEEN),
    ] {
        stage.issue(name, issuer, EC, days, extensions);
        stage.issue(&format!("by-{name}"), name, EC, LONG, FOR_STAMPS);
    }
}

/// What a token put together by hand is made of, each part DER.
pub(crate) struct Shape {
    pub(crate) attributes: Vec<Vec<u8>>,
    pub(crate) kind: Vec<u8>,
    pub(crate) named: Vec<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// A TSTInfo (RFC 3161 §2.4.2) of this time, with what follows that.
pub(crate) fn info(imprint: &[u8; 32], time: &str, more: &[Vec<u8>]) -> Vec<u8> {
    info_under(&[0x2a, 3, 4, 2], &[0x0c], imprint, time, more)
}

/// The same under this policy, with this serial number.
pub(crate) fn info_under(
    policy: &[u8],
    serial: &[u8],
    imprint: &[u8; 32],
    time: &str,
    more: &[Vec<u8>],
) -> Vec<u8> {
    let hash = seq(&[tlv(6, SHA256), tlv(5, &[])]);
    seq(&[
        tlv(2, &[1]),
        tlv(6, policy),
        seq(&[hash, tlv(4, imprint)]),
        tlv(2, serial),
        tlv(0x18, time.as_bytes()),
        more.concat(),
    ])
}

pub(crate) fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    seq(&[tlv(6, kind), tlv(0x31, value)])
}

pub(crate) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [&head, content].concat()
}

pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets).as_ref());
    out
}

/// IssuerAndSerialNumber of a certificate.
fn named(certificate: &[u8]) -> Vec<u8> {
    let read = sceau_pki::Certificate::from_der(certificate, "a vector").unwrap();
    let serial = hex::decode(read.serial()).unwrap();
    seq(&[read.issuer().to_der(), tlv(2, &serial)])
}
