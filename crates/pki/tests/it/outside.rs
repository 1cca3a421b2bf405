//! Programs that we did not write, and certificates that our authority would not issue.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use sceau_pki::{Authority, Certificate, PrivateKey};
use tempfile::TempDir;

/// 2026-11-20 12:00 UTC, unix milliseconds.
pub(crate) const NOW: u64 = 1_795_176_000_000;
pub(crate) const DAY: u64 = 86_400_000;

/// Runs a program and gives its output, failing with what it said when it fails.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = try_run(folder, program, arguments);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}\n{stdout}\n{stderr}");
    stdout
}

pub(crate) fn try_run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A certificate that OpenSSL makes, valid from 2026-11-01 to 2027-11-01, with any subject and extensions.
pub(crate) struct Odd {
    pub(crate) certificate: Certificate,
    pub(crate) key: PrivateKey,
}

/// Signs with `authority`'s key a certificate with this subject (OpenSSL's slash form) and these extensions.
pub(crate) fn odd(authority: &Authority, subject: &str, extensions: &str) -> Odd {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), authority.certificate().to_pem()).unwrap();
    fs::write(folder.path().join("ca.key"), authority.key().to_pem().as_bytes()).unwrap();
    fs::write(folder.path().join("extensions"), extensions).unwrap();
    request(&folder, subject);
    // `openssl x509 -req` cannot set dates in this version; `openssl ca` can.
    fs::write(folder.path().join("index"), "").unwrap();
    fs::write(folder.path().join("ca.cnf"), CA_CONFIGURATION).unwrap();
    let sign = "ca -batch -config ca.cnf -in leaf.csr -out leaf.pem -cert ca.pem -keyfile ca.key -notext \
                -startdate 20261101000000Z -enddate 20271101000000Z -extfile extensions -preserveDN -utf8";
    run(folder.path(), "openssl", &sign.split_whitespace().collect::<Vec<_>>());
    let read = |file| fs::read_to_string(folder.path().join(file)).unwrap();
    Odd {
        certificate: Certificate::all_from_pem(&read("leaf.pem"), "leaf").unwrap().swap_remove(0),
        key: PrivateKey::from_pem(&read("leaf.key")).unwrap(),
    }
}

fn request(folder: &TempDir, subject: &str) {
    let make = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -utf8 -subj";
    let arguments: Vec<_> = make.split_whitespace().chain([subject]).collect();
    run(folder.path(), "openssl", &arguments);
}

const CA_CONFIGURATION: &str = "
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
organizationalUnitName = optional
commonName = optional
";
