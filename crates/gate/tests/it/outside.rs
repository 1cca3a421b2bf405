//! Certificates by OpenSSL, requests by curl, and an upstream that says what it was asked.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use sceau_gate::{Gate, Plan, Reload};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// Runs a program in a folder and gives what it printed.
pub(crate) fn run(folder: &Path, program: &str, words: &str) -> String {
    let output = Command::new(program).args(words.split_whitespace()).current_dir(folder).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{program} {words}\n{out}\n{err}");
    out
}

/// Looks again and again until that is so; `what` is said where it does not come.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !is_so().await {
        assert!(since.elapsed().as_secs() < 30, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A chain shaped like a health authority's: a root and an authority below it, both with two OUs; certificates of clients and of a server, good
/// and bad. Made once for all tests.
pub(crate) fn chain() -> &'static Path {
    static CHAIN: OnceLock<TempDir> = OnceLock::new();
    CHAIN.get_or_init(make).path()
}

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
copy_extensions=none
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
[client_with_changes]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
freshestCRL=URI:ldap://127.0.0.1:9/cn=changes,URI:http://127.0.0.1:9/changes.crl
[client_with_more]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
1.2.250.1.71.1.2.99=critical,ASN1:UTF8String:unknown
[server]
basicConstraints=CA:FALSE
extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost,IP:127.0.0.1
";

const RECETTE: &str = "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette";
const AUTHORITY: &str = "/C=FR/O=ASIP-SANTE/OU=0002 187512751/OU=IGC-SANTE TEST/CN=TEST AC ";

const MONTH: &str = "-days 30";
/// Certificates of clients and of a server: name, subject, issuer, section of the settings, dates.
const LEAVES: [(&str, &str, &str, &str, &str); 11] = [
    ("known", RECETTE, "authority", "client", MONTH),
    ("unknown", "/C=FR/O=X/OU=499700234190004/CN=xsas-agregateur-recette", "authority", "client", MONTH),
    ("expired", RECETTE, "authority", "client", "-startdate 20200101000000Z -enddate 20210101000000Z"),
    ("revoked", RECETTE, "authority", "client", MONTH),
    ("direct", RECETTE, "root", "client", MONTH),
    ("changes", RECETTE, "authority", "client_with_changes", MONTH),
    ("foreign", RECETTE, "stranger", "client", MONTH),
    ("critical", RECETTE, "authority", "client_with_more", MONTH),
    ("future", RECETTE, "authority", "client", "-startdate 20400101000000Z -enddate 20410101000000Z"),
    ("purpose", RECETTE, "authority", "server", MONTH),
    ("server", "/CN=localhost", "root", "server", MONTH),
];

fn make() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (file, text) in
        [("ca.cnf", SETTINGS), ("index", ""), ("number", "01\n"), ("index.attr", "unique_subject=no\n")]
    {
        fs::write(at.join(file), text).unwrap();
    }
    let key =
        |name: &str| run(at, "openssl", &format!("ecparam -name prime256v1 -genkey -noout -out {name}.ec"));
    let pkcs8 =
        |name: &str| run(at, "openssl", &format!("pkcs8 -topk8 -nocrypt -in {name}.ec -out {name}.key"));
    let request = |name: &str, subject: &str| {
        key(name);
        pkcs8(name);
        let mut words: Vec<String> =
            format!("req -new -config ca.cnf -key {name}.key -out {name}.csr -utf8 -subj")
                .split(' ')
                .map(str::to_owned)
                .collect();
        words.push(subject.to_owned());
        assert!(Command::new("openssl").args(words).current_dir(at).status().unwrap().success());
    };
    let sign = |name: &str, authority: &str, section: &str, dates: &str| {
        run(
            at,
            "openssl",
            &format!(
                "ca -batch -config ca.cnf -preserveDN -notext -in {name}.csr -out {name}.pem -cert {authority}.pem -keyfile {authority}.key -extensions {section} {dates}"
            ),
        )
    };
    for root in ["root", "stranger"] {
        request(root, &format!("{AUTHORITY}RACINE {root}"));
        run(
            at,
            "openssl",
            &format!(
                "x509 -req -in {root}.csr -signkey {root}.key -out {root}.pem -days 3650 -extfile ca.cnf -extensions root"
            ),
        );
    }
    request("authority", &format!("{AUTHORITY}ORGANISATIONS"));
    sign("authority", "root", "authority", "-days 3000");
    for (name, subject, authority, section, dates) in LEAVES {
        request(name, subject);
        sign(name, authority, section, dates);
    }
    for (name, common_name) in [("injecting", "x\\r\\nevil: y\\\""), ("turning", "Élise\u{202e}b")] {
        let settings = "[req]\nprompt=no\nutf8=yes\nstring_mask=utf8only\ndistinguished_name=dn\n[dn]\nCN=";
        fs::write(at.join(format!("{name}.cnf")), format!("{settings}{common_name}\n")).unwrap();
        let words = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        run(at, "openssl", &format!("{words} -config {name}.cnf -keyout {name}.key -out {name}.csr"));
        sign(name, "authority", "client", "-days 30");
    }
    list(at);
    folder
}

/// The lists of both authorities; the lower one takes `revoked` back.
fn list(at: &Path) {
    let ca = |words: &str| run(at, "openssl", &format!("ca -config ca.cnf {words}"));
    ca("-gencrl -cert root.pem -keyfile root.key -out root.crl");
    ca("-revoke revoked.pem -cert authority.pem -keyfile authority.key");
    ca("-gencrl -cert authority.pem -keyfile authority.key -out authority.crl");
}

/// A gate before an upstream that answers with the request as it came.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) upstream: SocketAddr,
    pub(crate) reload: Reload,
    /// Where it is watched.
    pub(crate) observed: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    folder: TempDir,
}

/// A guarded path and an open one, one client that is known, and these lists.
pub(crate) fn usual(upstream: SocketAddr, lists: &[String]) -> String {
    let chain = chain().display();
    format!(
        r#"
[[listener]]
address = "127.0.0.1:0"
certificate = "{chain}/server.pem"
key = "{chain}/server.key"
[[listener.route]]
path = "/mtls-protect/"
upstream = "http://{upstream}"
clients = "recette"
[[listener.route]]
upstream = "http://{upstream}"
[clients.recette]
anchors = ["{chain}/root.pem"]
intermediates = ["{chain}/authority.pem"]
issuer = "{chain}/authority.pem"
revocation_lists = {lists:?}
addresses = ["127.0.0.1"]
[[clients.recette.allow]]
common_name = "sas-agregateur-recette"
organizational_units = ["499700234190004"]
"#
    )
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let chain = chain().display();
        let lists = ["root", "authority"].map(|name| format!("{chain}/{name}.crl"));
        Self::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists)).await
    }

    /// With this configuration, in this folder.
    pub(crate) async fn with(folder: TempDir, text: impl FnOnce(SocketAddr) -> String) -> Self {
        let upstream = upstream().await;
        let file = folder.path().join("gate.toml");
        fs::write(&file, text(upstream)).unwrap();
        let listening = Gate::new(Plan::read(&file).unwrap()).listen().await.unwrap();
        let address = listening.addresses()[0];
        let (reload, observed) = (listening.reload(), listening.observed());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listening.serve(async move { drop(stopped.await) }));
        Self { address, upstream, reload, observed, stop: Some(stop), serving, folder }
    }

    /// Writes another configuration.
    pub(crate) fn write(&self, text: &str) {
        let aside = self.folder().join("gate.toml.new");
        fs::write(&aside, text).unwrap();
        fs::rename(&aside, self.folder().join("gate.toml")).unwrap();
    }

    /// Writes a configuration that is refused with these words.
    pub(crate) async fn refuses(&self, text: &str, said: &str) {
        self.write(text);
        let refusal = self.reload.ask().await.unwrap_err().to_string();
        assert!(refusal.contains(said), "{said}: {refusal}");
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What curl gets for this path with these words: the answer with its headers.
    pub(crate) async fn curl(&self, path: &str, words: &str) -> String {
        let chain = chain().display();
        let url = format!("https://localhost:{}{path}", self.address.port());
        let words = format!("-sS -i --path-as-is --cacert {chain}/root.pem {words} {url}");
        let folder: PathBuf = self.folder.path().to_owned();
        tokio::task::spawn_blocking(move || run(&folder, "curl", &words)).await.unwrap()
    }

    /// What curl says when it gets no whole answer.
    pub(crate) async fn failing(&self, path: &str, words: &str) -> String {
        let chain = chain().display();
        let url = format!("https://localhost:{}{path}", self.address.port());
        let words = format!("-sS --cacert {chain}/root.pem {words} {url}");
        let output = tokio::task::spawn_blocking(move || {
            Command::new("curl").args(words.split_whitespace()).output().unwrap()
        });
        String::from_utf8_lossy(&output.await.unwrap().stderr).into_owned()
    }

    /// What curl gets with these words alone.
    pub(crate) async fn call(&self, words: &str) -> String {
        let (folder, words) = (self.folder.path().to_owned(), format!("-sS {words}"));
        tokio::task::spawn_blocking(move || run(&folder, "curl", &words)).await.unwrap()
    }

    /// What curl says of a tunnel through the gate to somebody else.
    pub(crate) async fn tunnel(&self) -> String {
        let chain = chain().display();
        let proxy = format!("https://localhost:{}", self.address.port());
        let words = format!("-sS -p --proxy {proxy} --proxy-cacert {chain}/root.pem http://127.0.0.1:9/");
        let output = tokio::task::spawn_blocking(move || {
            Command::new("curl").args(words.split_whitespace()).output().unwrap()
        });
        String::from_utf8_lossy(&output.await.unwrap().stderr).into_owned()
    }

    /// The words that show a client's certificate.
    pub(crate) fn as_client(name: &str) -> String {
        let chain = chain().display();
        format!("--cert {chain}/{name}.pem --key {chain}/{name}.key")
    }

    /// Gives its folder back.
    pub(crate) async fn stop(mut self) -> TempDir {
        drop(self.stop.take());
        self.serving.await.unwrap();
        self.folder
    }
}

/// Answers each request, one a connection, with what it read up to the end of the head.
pub(crate) async fn upstream() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                let Some(head) = request(&mut stream).await else { return };
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", head.len());
                drop(stream.write_all(&[answer.as_bytes(), &head].concat()).await);
            });
        }
    });
    address
}

/// The head of a request whose body was read too; none where the connection ended before.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        let mut octets = [0; 4096];
        match stream.read(&mut octets).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&octets[..count]),
        }
        let Some(end) = read.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let (head, body) = read.split_at(end + 4);
        let said = String::from_utf8_lossy(head).to_ascii_lowercase();
        let length = said.lines().find_map(|line| line.strip_prefix("content-length: "));
        let whole = match length {
            Some(length) => body.len() >= length.parse().unwrap(),
            None => !said.contains("transfer-encoding: chunked") || body.ends_with(b"0\r\n\r\n"),
        };
        if whole {
            return Some(head.to_vec());
        }
    }
}
