//! An authority that speaks ACME and that we did not write: Let's Encrypt's own server for tests, from Debian. It looks at ports of the loopback, and finds every
//! name there.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sceau_pki::{Anchors, Authority, AuthorityProfile, ServerProfile};
use serde_json::json;
use tokio::{net::UdpSocket, task::JoinHandle};

use crate::{others::free_port, outside::run};

/// What is particular about one.
pub(crate) struct Ways {
    /// Where it looks: the gate's ports.
    pub(crate) http: u16,
    pub(crate) tls: u16,
    /// Seconds of a certificate's life.
    pub(crate) life: u64,
    /// Of a hundred good nonces, how many are refused.
    pub(crate) nonces_refused: u32,
    pub(crate) refuses: Option<&'static str>,
    /// The key in base64url, of the account `kid-1`.
    pub(crate) external: Option<&'static str>,
}

impl Default for Ways {
    fn default() -> Self {
        Self { http: 1, tls: 1, life: 86_400, nonces_refused: 0, refuses: None, external: None }
    }
}

/// Where it will be, and whom to believe there, before it runs.
pub(crate) struct Place {
    folder: PathBuf,
    pub(crate) port: u16,
    management: u16,
}

/// It runs until it is dropped.
pub(crate) struct Pebble {
    child: Child,
    folder: PathBuf,
    management: u16,
    names: JoinHandle<()>,
}

/// Unix milliseconds.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

impl Place {
    /// In this folder: `pebble-ca.pem` is who vouches for its address.
    pub(crate) fn new(folder: &Path) -> Self {
        let ca = Authority::create(&AuthorityProfile::of("pebble"), now()).unwrap();
        let issued = ca.issue_server(&ServerProfile::for_hosts(["localhost", "127.0.0.1"]), now()).unwrap();
        fs::write(folder.join("pebble-ca.pem"), ca.certificate().to_pem()).unwrap();
        fs::write(folder.join("pebble.pem"), issued.chain_pem()).unwrap();
        fs::write(folder.join("pebble.key"), issued.key().to_pem().as_bytes()).unwrap();
        Self { folder: folder.to_owned(), port: free_port(), management: free_port() }
    }

    pub(crate) fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&self, ways: Ways) -> Pebble {
        let mut settings = json!({
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": self.folder.join("pebble.pem"),
            "privateKey": self.folder.join("pebble.key"),
            "httpPort": ways.http,
            "tlsPort": ways.tls,
            "ocspResponderURL": "",
            "certificateValidityPeriod": ways.life,
            "externalAccountBindingRequired": ways.external.is_some(),
        });
        if let Some(key) = ways.external {
            settings["externalAccountMACKeys"] = json!({"kid-1": key});
        }
        if let Some(name) = ways.refuses {
            settings["domainBlocklist"] = json!([name]);
        }
        let file = self.folder.join("pebble.json");
        fs::write(&file, json!({"pebble": settings}).to_string()).unwrap();
        let (resolver, names) = names().await;
        let log = fs::File::create(self.folder.join("pebble.log")).unwrap();
        let child = Command::new("pebble")
            .args(["-config", file.to_str().unwrap(), "-dnsserver", &resolver.to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", ways.nonces_refused.to_string())
            .stdout(log.try_clone().unwrap())
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let mut pebble = Pebble { child, folder: self.folder.clone(), management: self.management, names };
        let since = Instant::now();
        let takes = |port| std::net::TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok();
        while !(takes(self.port) && takes(self.management)) {
            assert!(since.elapsed().as_secs() < 20, "{}", pebble.log());
            assert!(pebble.child.try_wait().unwrap().is_none(), "{}", pebble.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        pebble
    }
}

impl Pebble {
    /// Who vouches for what it issues; `root.pem` in its folder.
    pub(crate) async fn root(&self) -> Anchors {
        let (folder, management) = (self.folder.clone(), self.management);
        let words = format!("-sS --cacert pebble-ca.pem https://localhost:{management}/roots/0");
        let root = tokio::task::spawn_blocking(move || {
            let root = run(&folder, "curl", &words);
            fs::write(folder.join("root.pem"), &root).unwrap();
            root
        });
        Anchors::from_pem(&root.await.unwrap(), "the root").unwrap()
    }

    /// What it wrote down.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("pebble.log")).unwrap()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.names.abort();
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Answers each question for an address (RFC 1035 §4.1) with the loopback.
async fn names() -> (SocketAddr, JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        let mut asked = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut asked).await {
            let name = asked[12..length].iter().position(|octet| *octet == 0).unwrap();
            let question = &asked[12..12 + name + 5];
            let is_four = question[name + 1..name + 3] == [0, 1];
            let mut answer = asked[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_four), 0, 0, 0, 0]);
            answer.extend(question);
            if is_four {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            drop(socket.send_to(&answer, from).await);
        }
    });
    (address, answering)
}
