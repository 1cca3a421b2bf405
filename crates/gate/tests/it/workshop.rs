//! Certificates of clients besides those of the usual chain, by OpenSSL, in a folder of the test. All have one key, so that each costs one command.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::outside::run;

const CLIENT: &str =
    "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

/// Where they are made.
pub(crate) struct Workshop(TempDir);

impl Workshop {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(
            folder.path(),
            "openssl",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out client.key",
        );
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A root of its own; the name is lines of an OpenSSL `dn` section.
    pub(crate) fn root(&self, file: &str, name: &str) {
        self.issue(file, name, AUTHORITY, "utf8only", "");
    }

    /// An authority below another one of this folder.
    pub(crate) fn authority(&self, file: &str, name: &str, above: &str) {
        self.issue(file, name, AUTHORITY, "utf8only", &format!("-CA {above}.pem -CAkey client.key"));
    }

    /// A client's, by an authority whose certificate and key are at this path but for their endings, with these extensions besides.
    pub(crate) fn client(&self, file: &str, name: &str, by: &str, more: &str) {
        let extensions = format!("{CLIENT}{more}");
        self.issue(file, name, &extensions, "utf8only", &format!("-CA {by}.pem -CAkey {by}.key"));
    }

    /// As [`Self::client`], its name in strings of this kind (OpenSSL's `string_mask`).
    pub(crate) fn client_in(&self, mask: &str, file: &str, name: &str, by: &str) {
        self.issue(file, name, CLIENT, mask, &format!("-CA {by}.pem -CAkey {by}.key"));
    }

    /// A server's, for this host.
    pub(crate) fn server(&self, file: &str, host: &str, by: &str) {
        let extensions =
            format!("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:{host}\n");
        self.issue(
            file,
            &format!("CN={host}"),
            &extensions,
            "utf8only",
            &format!("-CA {by}.pem -CAkey client.key"),
        );
    }

    fn issue(&self, file: &str, name: &str, extensions: &str, mask: &str, by: &str) {
        let settings = format!(
            "[req]\nprompt=no\nutf8=yes\nstring_mask={mask}\ndistinguished_name=dn\nx509_extensions=extensions\n[dn]\n{name}\n[extensions]\n{extensions}"
        );
        fs::write(self.path().join(format!("{file}.cnf")), settings).unwrap();
        let words = format!("req -x509 -config {file}.cnf -key client.key -days 30 -out {file}.pem {by}");
        let made = Command::new("openssl").args(words.split_whitespace()).current_dir(self.path()).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{file}, {name}: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// The words that show it.
    pub(crate) fn as_client(&self, file: &str) -> String {
        let at = self.path().display();
        format!("--cert {at}/{file}.pem --key {at}/client.key")
    }

    /// Where its certificate and its key are.
    pub(crate) fn files(&self, file: &str) -> [PathBuf; 2] {
        [self.path().join(format!("{file}.pem")), self.path().join("client.key")]
    }

    /// A list of an authority of this folder, which takes nobody back.
    pub(crate) fn empty_list(&self, authority: &str) -> String {
        for (file, text) in [
            ("list.index", ""),
            ("list.number", "01\n"),
            (
                "list.cnf",
                "[ca]\ndefault_ca=a\n[a]\ndatabase=list.index\ncrlnumber=list.number\ndefault_md=sha256\n",
            ),
        ] {
            fs::write(self.path().join(file), text).unwrap();
        }
        let keys = format!("-cert {authority}.pem -keyfile client.key -crldays 7");
        run(self.path(), "openssl", &format!("ca -config list.cnf -gencrl {keys} -out {authority}.crl"));
        self.path().join(format!("{authority}.crl")).display().to_string()
    }
}
