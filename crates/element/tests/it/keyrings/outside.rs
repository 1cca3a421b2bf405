//! An authority outside, which OpenSSL plays: its certificates are its own, and odd ones.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sceau_element_api::Base64Url;
use sceau_element_api::keyring::{CertificateSource, KeyringPolicy};
use sceau_pki::Certificate;
use tempfile::TempDir;

use super::stage::policy;

const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
/// What a holder's certificate is to be.
pub(super) const HOLDER: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,nonRepudiation\n";

/// A root, an authority below it that issues, and another root.
pub(super) struct Outside {
    folder: TempDir,
}

/// How a certificate is issued.
pub(super) struct Issuing<'a> {
    pub(super) by: &'a str,
    pub(super) extensions: &'a str,
    pub(super) days: &'a str,
    pub(super) more: &'a [&'a str],
}

/// As it should be.
pub(super) const WELL: Issuing<'static> =
    Issuing { by: "issuing", extensions: HOLDER, days: "365", more: &[] };

impl Outside {
    pub(super) fn begin() -> Self {
        let outside = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["root", "issuing", "stranger", "another"] {
            outside.openssl(&[
                "ecparam",
                "-genkey",
                "-name",
                "prime256v1",
                "-noout",
                "-out",
                &format!("{name}.key"),
            ]);
            outside.openssl(&[
                "pkey",
                "-in",
                &format!("{name}.key"),
                "-pubout",
                "-out",
                &format!("{name}.pub"),
            ]);
            outside.openssl(&[
                "req",
                "-new",
                "-key",
                &format!("{name}.key"),
                "-subj",
                &format!("/CN={name}"),
                "-outform",
                "DER",
                "-out",
                &format!("{name}.csr"),
            ]);
        }
        for (name, by) in [("root", "root"), ("stranger", "stranger"), ("issuing", "root")] {
            let signed = outside.issues(
                &outside.request_of(name),
                &Issuing { by, extensions: AUTHORITY, days: "3000", ..WELL },
            );
            std::fs::write(
                outside.at(&format!("{name}.pem")),
                Certificate::from_der(&signed, "it").unwrap().to_pem(),
            )
            .unwrap();
        }
        outside
    }

    /// A policy under which it certifies, whose anchor is its root.
    pub(super) fn policy(&self) -> KeyringPolicy {
        let url = "https://est.example.org".to_owned();
        let (anchors, label) = (vec![self.authority("root")], Some("holders".to_owned()));
        KeyringPolicy { authority: CertificateSource::Est { url, anchors, label }, ..policy() }
    }

    /// The certificate of one of its authorities.
    pub(super) fn authority(&self, name: &str) -> Base64Url {
        let text = std::fs::read_to_string(self.at(&format!("{name}.pem"))).unwrap();
        let all = Certificate::all_from_pem(&text, name).unwrap();
        Base64Url::from(all.first().unwrap().der().as_ref())
    }

    /// A certificate for this request.
    pub(super) fn issues(&self, request: &[u8], how: &Issuing<'_>) -> Base64Url {
        let Issuing { by, extensions, days, more } = how;
        std::fs::write(self.at("request"), request).unwrap();
        std::fs::write(self.at("extensions"), extensions).unwrap();
        let (key, pem) = (format!("{by}.key"), format!("{by}.pem"));
        let signed: Vec<&str> = match self.at(&pem).exists() {
            true => vec!["-CA", &pem, "-CAkey", &key],
            false => vec!["-signkey", &key],
        };
        let words = [
            "x509",
            "-req",
            "-inform",
            "DER",
            "-in",
            "request",
            "-extfile",
            "extensions",
            "-days",
            days,
            "-outform",
            "DER",
            "-out",
            "issued",
        ];
        self.openssl(&[&words[..], &signed, more].concat());
        std::fs::read(self.at("issued")).unwrap().into()
    }

    /// A request of a key that is no holder's.
    pub(super) fn request_of(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(&format!("{name}.csr"))).unwrap()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, words: &[&str]) {
        run(self.folder.path(), words);
    }
}

fn run(folder: &Path, words: &[&str]) {
    let done = Command::new("openssl").args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}
