//! What the gate and its peers stand on: an authority shaped like a health platform's, its lists, and a service behind.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use sceau_tests::Program;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What `ca.cnf` says: two authorities, clients, a server.
const SETTINGS: &str = "
[req]
distinguished_name=none
prompt=no
[none]
[ca]
default_ca=one
[one]
new_certs_dir=.
database=index
crlnumber=number
default_md=sha256
policy=any
unique_subject=no
rand_serial=yes
default_crl_days=7
[any]
countryName=optional
organizationName=optional
organizationalUnitName=optional
commonName=optional
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[authority]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
[client]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
[server]
basicConstraints=CA:FALSE
extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost
";

/// Certificates and lists in a folder.
pub(super) struct Ground {
    folder: TempDir,
}

impl Ground {
    /// Authorities of RSA-4096, a server of RSA-2048 as these platforms have them; clients of P-256, so that the caller is not what is measured.
    pub(super) fn prepare(long: usize) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let ground = Self { folder };
        ground.write("ca.cnf", SETTINGS)?;
        ground.write("index.attr", "unique_subject=no\n")?;
        ground.write("index", "")?;
        ground.write("number", "01\n")?;
        ground.request("root", "rsa_keygen_bits:4096", "/C=FR/O=BANC/OU=IGC-BANC/CN=RACINE");
        ground.openssl(
            "x509 -req -in root.csr -signkey root.key -out root.pem -days 3650 -extfile ca.cnf -extensions root",
        );
        ground.request("authority", "rsa_keygen_bits:4096", "/C=FR/O=BANC/OU=IGC-BANC/CN=ORGANISATIONS");
        ground.sign("authority", "root", "authority");
        ground.request("server", "rsa_keygen_bits:2048", "/CN=localhost");
        ground.sign("server", "authority", "server");
        for client in ["known", "taken"] {
            let subject = "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette";
            ground.request(client, "ec_paramgen_curve:P-256", subject);
            ground.sign(client, "authority", "client");
        }
        ground.join("chain.pem", &["server.pem", "authority.pem"])?;
        ground.join("server-and-key.pem", &["server.pem", "authority.pem", "server.key"])?;
        ground.join("anchors.pem", &["root.pem", "authority.pem"])?;
        for authority in ["root", "authority"] {
            ground.list(authority, authority);
        }
        ground.join("short.pem", &["root.crl", "authority.crl"])?;
        ground.lengthen(long)?;
        ground.list("authority", "long");
        ground.join("long.pem", &["root.crl", "long.crl"])?;
        Ok(ground)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.path(name), text).map_err(|error| format!("{name}: {error}"))
    }

    /// Takes a client's certificate back, and writes the list that says so.
    pub(super) fn take_back(&self, client: &str, list: &str) {
        let by = "-cert authority.pem -keyfile authority.key";
        self.openssl(&format!("ca -config ca.cnf -revoke {client}.pem {by}"));
        self.list("authority", list);
    }

    fn request(&self, name: &str, option: &str, subject: &str) {
        let algorithm = if option.starts_with("rsa") { "RSA" } else { "EC" };
        self.openssl(&format!("genpkey -algorithm {algorithm} -pkeyopt {option} -out {name}.key"));
        self.openssl(&format!("req -new -config ca.cnf -key {name}.key -out {name}.csr -subj {subject}"));
    }

    fn sign(&self, name: &str, authority: &str, section: &str) {
        self.openssl(&format!(
            "ca -batch -config ca.cnf -preserveDN -notext -in {name}.csr -out {name}.pem -cert {authority}.pem \
             -keyfile {authority}.key -extensions {section} -days 300"
        ));
    }

    fn list(&self, authority: &str, name: &str) {
        self.openssl(&format!(
            "ca -config ca.cnf -gencrl -cert {authority}.pem -keyfile {authority}.key -out {name}.crl"
        ));
    }

    /// Adds so many certificates that were taken back to the authority's own book.
    fn lengthen(&self, entries: usize) -> Result<(), String> {
        let mut book = fs::read_to_string(self.path("index")).map_err(|error| error.to_string())?;
        for entry in 0..entries {
            // Serial numbers of sixteen octets, as authorities draw them.
            let serial =
                u128::from(entry as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1 << 120;
            writeln!(book, "R\t350101000000Z\t240101000000Z\t{serial:032X}\tunknown\t/CN=x")
                .map_err(|error| error.to_string())?;
        }
        self.write("index", &book)
    }

    fn join(&self, into: &str, parts: &[&str]) -> Result<(), String> {
        let read = |name: &&str| fs::read(self.path(name)).map_err(|error| format!("{name}: {error}"));
        let parts: Result<Vec<_>, _> = parts.iter().map(read).collect();
        fs::write(self.path(into), parts?.concat()).map_err(|error| error.to_string())
    }

    fn openssl(&self, words: &str) {
        Program::other("openssl").args(words.split_whitespace()).within(self.folder.path()).run().success();
    }
}

/// A service that answers each request of a connection with two octets, and reads nothing of it but where it ends.
pub(super) async fn service() -> Result<SocketAddr, String> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream) {
    drop(stream.set_nodelay(true));
    let mut head = Vec::new();
    loop {
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_buf(&mut head).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        head.clear();
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.is_err() {
            return;
        }
    }
}
