//! Revocation lists by OpenSSL, of the authorities of [`crate::outside::chain`], and a server that publishes them.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::{OwnedRwLockWriteGuard, RwLock},
    task::JoinHandle,
};

use crate::outside::{chain, run};

/// A list to be made: whose, with which number, whom it names, and how OpenSSL is told from when to when it holds.
pub(crate) struct List<'a> {
    pub(crate) authority: &'a str,
    pub(crate) number: &'a str,
    pub(crate) revoked: &'a [&'a str],
    pub(crate) dates: String,
}

impl<'a> List<'a> {
    /// Of the authority of clients, for a week.
    pub(crate) fn of_clients(number: &'a str, revoked: &'a [&'a str]) -> Self {
        Self { authority: "authority", number, revoked, dates: "-crldays 7".to_owned() }
    }

    /// From and until these moments, as `date` understands them.
    pub(crate) fn dated(mut self, from: &str, until: &str) -> Self {
        let moment = |text: &str| {
            let out = std::process::Command::new("date").args(["-u", "-d", text, "+%Y%m%d%H%M%SZ"]).output();
            String::from_utf8(out.unwrap().stdout).unwrap().trim().to_owned()
        };
        self.dates = format!("-crl_lastupdate {} -crl_nextupdate {}", moment(from), moment(until));
        self
    }

    /// Its DER.
    pub(crate) fn make(&self) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let (at, chain) = (folder.path(), chain().display());
        let line = |name: &&str| {
            let serial = run(at, "openssl", &format!("x509 -in {chain}/{name}.pem -noout -serial"));
            let serial = serial.trim().trim_start_matches("serial=").to_owned();
            format!("R\t351101000000Z\t261101000000Z\t{serial}\tunknown\t/CN={name}\n")
        };
        fs::write(at.join("index"), self.revoked.iter().map(line).collect::<String>()).unwrap();
        fs::write(at.join("number"), format!("{}\n", self.number)).unwrap();
        let settings = "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n";
        fs::write(at.join("ca.cnf"), settings).unwrap();
        let (authority, dates) = (self.authority, &self.dates);
        let keys = format!("-cert {chain}/{authority}.pem -keyfile {chain}/{authority}.key");
        run(at, "openssl", &format!("ca -config ca.cnf -gencrl {keys} -out list.pem {dates}"));
        run(at, "openssl", "crl -in list.pem -out list -outform DER");
        fs::read(at.join("list")).unwrap()
    }
}

/// As whoever publishes lists does it.
pub(crate) fn publish(path: &Path, bytes: &[u8]) {
    let aside = path.with_extension("aside");
    fs::write(&aside, bytes).unwrap();
    fs::rename(&aside, path).unwrap();
}

/// A server that answers every question with the same octets, and remembers the heads of the questions.
pub(crate) struct Publisher {
    pub(crate) address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    held: Arc<RwLock<()>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shelf {
    answer: Vec<u8>,
    asked: Vec<String>,
}

impl Publisher {
    /// `answer` is a whole HTTP answer.
    pub(crate) async fn open(answer: Vec<u8>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shelf = Arc::new(Mutex::new(Shelf { answer, asked: Vec::new() }));
        let held = Arc::<RwLock<()>>::default();
        let (shared, waits) = (Arc::clone(&shelf), Arc::clone(&held));
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(octet) = stream.read_u8().await else { break };
                    head.push(octet);
                }
                shared.lock().unwrap().asked.push(String::from_utf8_lossy(&head).to_ascii_lowercase());
                drop(waits.read().await);
                let answer = shared.lock().unwrap().answer.clone();
                drop(stream.write_all(&answer).await);
            }
        });
        Self { address, shelf, held, serving }
    }

    /// Answers nobody until that is dropped.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.held).write_owned().await
    }

    /// A list with this tag.
    pub(crate) fn good(list: &[u8], tag: &str) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: \"{tag}\"\r\n\r\n", list.len());
        [head.as_bytes(), list].concat()
    }

    pub(crate) fn says(&self, answer: Vec<u8>) {
        self.shelf.lock().unwrap().answer = answer;
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.shelf.lock().unwrap().asked.clone()
    }

    pub(crate) async fn close(self) {
        self.serving.abort();
        drop(self.serving.await);
    }
}
