//! Responders (OCSP) of the authorities of [`crate::outside::chain`]: OpenSSL or our own make the answers, and a server sends them, or something worse.

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use sceau_pki::{Authority, Certificate, OcspRequest, OcspStatus, PrivateKey, RevocationReason};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

use crate::outside::{chain, run};

/// What it answers to a question (DER): the whole HTTP answer, or silence.
pub(crate) type Says = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

pub(crate) struct Responder {
    pub(crate) address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    serving: JoinHandle<()>,
}

struct Shelf {
    says: Says,
    questions: Vec<Vec<u8>>,
}

impl Responder {
    pub(crate) async fn open(says: Says) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shelf = Arc::new(Mutex::new(Shelf { says, questions: Vec::new() }));
        let shared = Arc::clone(&shelf);
        let serving = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = socket.accept().await {
                let Some(question) = body(&mut stream).await else { continue };
                let says = {
                    let mut shelf = shared.lock().unwrap();
                    shelf.questions.push(question.clone());
                    Arc::clone(&shelf.says)
                };
                match tokio::task::spawn_blocking(move || says(&question)).await.unwrap() {
                    Some(answer) => drop(stream.write_all(&answer).await),
                    None => held.push(stream),
                }
            }
        });
        Self { address, shelf, serving }
    }

    pub(crate) fn says(&self, says: Says) {
        self.shelf.lock().unwrap().says = says;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.shelf.lock().unwrap().questions.len()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn body(stream: &mut tokio::net::TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.starts_with("post /") && head.contains("content-type: application/ocsp-request"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// An HTTP answer with this response.
pub(crate) fn answer(response: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/ocsp-response\r\ncontent-length:";
    [format!("{head} {}\r\n\r\n", response.len()).as_bytes(), response].concat()
}

/// As OpenSSL answers, which knows every certificate of the authority, in the name and with the key of `signer`.
pub(crate) fn by_openssl(signer: &'static str, words: &'static str) -> Says {
    Arc::new(move |question| Some(answer(&openssl(question, signer, words))))
}

pub(crate) fn openssl(question: &[u8], signer: &str, words: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (at, chain) = (folder.path(), chain().display());
    let line = |name: &str| {
        let serial = run(at, "openssl", &format!("x509 -in {chain}/{name}.pem -noout -serial"));
        let serial = serial.trim().trim_start_matches("serial=").to_owned();
        format!("V\t391101000000Z\t\t{serial}\tunknown\t/CN={name}\n")
    };
    fs::write(at.join("index"), ["known", "unknown", "revoked"].map(line).concat()).unwrap();
    fs::write(at.join("question"), question).unwrap();
    let keys = format!("-CA {chain}/authority.pem -rsigner {chain}/{signer}.pem -rkey {chain}/{signer}.key");
    run(at, "openssl", &format!("ocsp -index index {keys} -reqin question -respout response {words}"));
    fs::read(at.join("response")).unwrap()
}

/// As ours answers: this, beginning and holding so many milliseconds after now.
pub(crate) fn by_ours(status: OcspStatus, from: i64, until: i64) -> Says {
    let read = |file: &str| fs::read_to_string(chain().join(file)).unwrap();
    let key = PrivateKey::from_pem(&read("authority.key")).unwrap();
    let authority = Authority::load(&read("authority.pem"), key).unwrap();
    let responder = authority.ocsp_responder(7, now()).unwrap();
    Arc::new(move |question| {
        let request = OcspRequest::read(question).unwrap();
        let at = |offset: i64| now().saturating_add_signed(offset);
        Some(answer(&responder.answer(&request, |_| status, at(from), at(until)).unwrap()))
    })
}

pub(crate) fn revoked() -> OcspStatus {
    OcspStatus::Revoked { at: 1_700_000_000_000, reason: RevocationReason::KeyCompromise }
}

pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap()
}

/// A client's certificate that names this responder, by `authority`, as `NAME.pem` and `NAME.key` in `folder`.
pub(crate) fn naming(
    folder: &std::path::Path,
    name: &str,
    authority: &str,
    responder: SocketAddr,
) -> Certificate {
    let chain = chain().display();
    let extensions = format!(
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nauthorityInfoAccess=OCSP;URI:http://{responder}/ocsp\n"
    );
    fs::write(folder.join("naming.ext"), extensions).unwrap();
    fs::copy(chain_file("known.csr"), folder.join(format!("{name}.csr"))).unwrap();
    fs::copy(chain_file("known.key"), folder.join(format!("{name}.key"))).unwrap();
    let keys = format!("-CA {chain}/{authority}.pem -CAkey {chain}/{authority}.key -set_serial 0x1234");
    run(
        folder,
        "openssl",
        &format!("x509 -req -in {name}.csr {keys} -days 30 -extfile naming.ext -out {name}.pem"),
    );
    let text = fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap();
    Certificate::all_from_pem(&text, name).unwrap().swap_remove(0)
}

fn chain_file(name: &str) -> std::path::PathBuf {
    chain().join(name)
}
