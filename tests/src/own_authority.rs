//! An organisation's own certification authority, as OpenSSL makes one: a root that stays in its safe, and an intermediate that issues.

use std::path::{Path, PathBuf};

use crate::Program;

/// Its files, in a folder of a test.
#[derive(Debug)]
pub struct OwnAuthority {
    folder: PathBuf,
}

/// A certificate that it issued.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The chain, leaf first, without the root.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Both in one file, as our own programs take them.
    pub identity: PathBuf,
}

const SETTINGS: &str = "
[ca]
default_ca = own
[own]
new_certs_dir = .
database = index
serial = serial
crlnumber = crlnumber
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
unique_subject = no
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

impl OwnAuthority {
    /// Makes root and intermediate in a folder.
    pub fn found(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder of the test's own");
        let own = Self { folder: folder.to_owned() };
        own.write("ca.cnf", SETTINGS);
        for issuer in ["root", "intermediate"] {
            own.write(&format!("{issuer}.index"), "");
            own.write(&format!("{issuer}.serial"), "1000\n");
            own.write(&format!("{issuer}.crlnumber"), "01\n");
            // One configuration for both, whose files differ by their first word.
            let settings = ["index", "serial", "crlnumber"].iter().fold(SETTINGS.to_owned(), |text, file| {
                text.replace(&format!("= {file}\n"), &format!("= {issuer}.{file}\n"))
            });
            own.write(&format!("{issuer}.cnf"), &settings);
        }
        own.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -config ca.cnf -extensions root -keyout root.key -out root.pem -utf8 -subj",
            &["/C=FR/O=Métropole d’essai/CN=Racine"],
        );
        own.request("intermediate", "/C=FR/O=Métropole d’essai/CN=Intermédiaire");
        own.openssl(
            "ca -batch -config root.cnf -in intermediate.csr -out intermediate.pem -cert root.pem -keyfile root.key -notext -preserveDN -utf8 -extensions intermediate",
            &[],
        );
        own
    }

    /// The root's certificate: what everybody is told to trust.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// The certificate of the authority that issues.
    pub fn intermediate(&self) -> PathBuf {
        self.folder.join("intermediate.pem")
    }

    /// A certificate of a server of these names.
    pub fn server(&self, name: &str, hosts: &[&str]) -> Shown {
        let names: Vec<String> = hosts.iter().map(|host| format!("DNS:{host}")).collect();
        let extensions = format!("extendedKeyUsage=serverAuth\nsubjectAltName={}\n", names.join(","));
        self.issue(name, "/C=FR/O=Métropole d’essai/CN=serveur", &extensions, &[])
    }

    /// A certificate of a person, or of a machine that shows one, with the unit that its organisation puts into it.
    pub fn person(&self, name: &str, unit: &str) -> Shown {
        self.person_dated(name, unit, &[])
    }

    /// One that ended years ago.
    pub fn expired(&self, name: &str, unit: &str) -> Shown {
        self.person_dated(name, unit, &["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"])
    }

    fn person_dated(&self, name: &str, unit: &str, dates: &[&str]) -> Shown {
        let subject = format!("/C=FR/O=Métropole d’essai/OU={unit}/CN={name}");
        self.issue(name, &subject, "extendedKeyUsage=clientAuth\n", dates)
    }

    /// Takes a certificate back; it shows in the next list.
    pub fn revoke(&self, shown: &Shown) {
        let chain = shown.chain.display().to_string();
        self.openssl(
            "ca -batch -config intermediate.cnf -cert intermediate.pem -keyfile intermediate.key -revoke",
            &[&chain],
        );
    }

    /// Writes the revocation lists of both issuers into one file (PEM), whole.
    pub fn list(&self, file: &Path) {
        let mut both = String::new();
        for issuer in ["root", "intermediate"] {
            self.openssl(
                &format!("ca -batch -config {issuer}.cnf -gencrl -cert {issuer}.pem -keyfile {issuer}.key -out {issuer}.crl"),
                &[],
            );
            both += &self.read(&format!("{issuer}.crl"));
        }
        let fresh = file.with_extension("fresh");
        std::fs::write(&fresh, both)
            .and_then(|()| std::fs::rename(&fresh, file))
            .expect("a file of the test's own");
    }

    fn issue(&self, name: &str, subject: &str, extensions: &str, dates: &[&str]) -> Shown {
        let name = &name.replace(' ', "-");
        let common = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n";
        self.write(&format!("{name}.ext"), &format!("{common}{extensions}"));
        self.request(name, subject);
        self.openssl(
            &format!(
                "ca -batch -config intermediate.cnf -in {name}.csr -out {name}.leaf.pem -cert intermediate.pem \
                 -keyfile intermediate.key -notext -preserveDN -utf8 -extfile {name}.ext"
            ),
            dates,
        );
        let chain = self.read(&format!("{name}.leaf.pem")) + &self.read("intermediate.pem");
        let identity = format!("{chain}{}", self.read(&format!("{name}.key")));
        Shown {
            chain: self.write(&format!("{name}.pem"), &chain),
            key: self.folder.join(format!("{name}.key")),
            identity: self.write(&format!("{name}.identity.pem"), &identity),
        }
    }

    fn request(&self, name: &str, subject: &str) {
        self.openssl(
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca.cnf -keyout {name}.key -out {name}.csr -utf8 -subj"
            ),
            &[subject],
        );
    }

    fn openssl(&self, words: &str, more: &[&str]) {
        Program::other("openssl")
            .args(words.split_ascii_whitespace())
            .args(more)
            .within(&self.folder)
            .run()
            .success();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).expect("OpenSSL wrote it")
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        let mut options = std::fs::File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.write(true).create(true).truncate(true).open(&path);
        std::io::Write::write_all(&mut written.expect("a file of the test's own"), text.as_bytes())
            .expect("room for it");
        path
    }
}
