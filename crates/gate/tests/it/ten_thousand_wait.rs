//! Ten thousand connections that ask nothing more: whoever asks is answered meanwhile, and whoever comes when each descriptor is taken is answered
//! once others leave.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    kept::Kept,
    outside::{chain, upstream, usual},
};

const MANY: usize = 10_000;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The program, since its descriptors are not ours.
fn start(folder: &std::path::Path, text: &str) -> (Running, SocketAddr) {
    let file = folder.join("gate.toml");
    fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
    command.args(["run", "--die-with-parent", "--config"]).arg(&file);
    let mut child =
        command.stdout(Stdio::piped()).stderr(fs::File::create(folder.join("log")).unwrap()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    (Running(child), ready["addresses"][0].as_str().unwrap().parse().unwrap())
}

/// How many connect at once: where the system has descriptors for fewer than usual, the gate says so.
fn places(folder: &std::path::Path) -> usize {
    let log = fs::read_to_string(folder.join("log")).unwrap();
    let said = log.split_once("connections=").map(|(_, rest)| rest.split_whitespace().next().unwrap());
    said.map_or(16_384, |number| number.parse().unwrap())
}

/// How many we may hold: all that the system allows, but what tests beside this one want.
fn own() -> usize {
    let allowed = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: allowed, maximum: allowed }).unwrap();
    allowed.map_or(MANY, |most| usize::try_from(most).unwrap() - 500)
}

async fn ask(address: SocketAddr, nth: usize, tls: &TlsConnector) -> TlsStream<TcpStream> {
    // One address may take half of the places.
    let from = SocketAddr::from(([127, 0, 1, u8::try_from(nth % 8).unwrap() + 1], 0));
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let mut stream = tls.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    stream.write_all(b"GET /public HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // The service sends back the request's head.
    while answer.windows(4).filter(|it| it == b"\r\n\r\n").count() < 2 {
        let read = stream.read_buf(&mut answer).await;
        assert!(read.is_ok_and(|read| read > 0), "{nth}: {}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    stream
}

fn resident(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn connector() -> TlsConnector {
    let root = fs::read_to_string(chain().join("root.pem")).unwrap();
    let root = sceau_pki::Certificate::all_from_pem(&root, "root").unwrap();
    let anchors = sceau_pki::Anchors::new(root).unwrap();
    let mut config = sceau_pki::client_config(&anchors, None).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_wait_and_whoever_asks_is_answered() {
    let (folder, service) = (tempfile::tempdir().unwrap(), upstream().await);
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let text =
        usual(service, &lists).replacen("[[listener.route]]", "head_within = \"10m\"\n[[listener.route]]", 1);
    let (gate, address) = start(folder.path(), &text);
    let mut kept = Kept::open(address, "known", "");
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200");
    let (tls, before) = (connector(), resident(&gate.0));

    // Where the system has descriptors for fewer, all that it has.
    let (one, places) = (1, places(folder.path()));
    let many = MANY.min(places - one).min(own());
    let (turns, mut asking) = (Arc::new(Semaphore::new(64)), JoinSet::new());
    for nth in 0..many {
        let (tls, turn) = (tls.clone(), Arc::clone(&turns).acquire_owned().await.unwrap());
        asking.spawn(async move {
            let stream = ask(address, nth, &tls).await;
            drop(turn);
            stream
        });
    }
    let mut waiting = asking.join_all().await;
    assert_eq!(waiting.len(), many);
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200", "among so many");
    let each = resident(&gate.0).saturating_sub(before) / u64::try_from(many).unwrap();
    assert!(each < 48 << 10, "{each} octets for each that waits");

    if many == places - one {
        // Each place is taken. The next one is answered when another leaves.
        let (tls, next) = (tls.clone(), many);
        let next = tokio::spawn(async move { ask(address, next, &tls).await });
        drop(waiting.pop());
        let answered = tokio::time::timeout(Duration::from_secs(30), next).await;
        answered.expect("it waits though another left").unwrap();
    }
    drop(waiting);
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200");
}
