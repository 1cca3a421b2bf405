//! A gate that gets its certificate by itself: from pebble, or from an authority of its house whose answers the test writes.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::pki_types::ServerName;
use sceau_gate::{Gate, Plan, Reload};
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, LeafPurpose, Material, Name, Oid, Publication, client_config,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    outside::{run, upstream},
    pebble::{Pebble, Place, Ways},
};

pub(crate) const NAME: &str = "gate.example";

/// A gate that gets its certificate by itself, and serves once [`Self::serve`] says so.
pub(crate) struct Edge {
    pub(crate) folder: TempDir,
    pub(crate) place: Place,
    pub(crate) listening: Option<sceau_gate::Listening>,
    pub(crate) address: SocketAddr,
    pub(crate) http: u16,
    pub(crate) observed: SocketAddr,
    pub(crate) reload: Reload,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

pub(crate) fn settings(folder: &Path, more: &str, upstream: SocketAddr, place: &Place) -> String {
    let directory = place.directory();
    let key = folder.join("eab.key");
    fs::write(&key, "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n").unwrap();
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    format!(
        r#"
[acme.pebble]
directory = "{directory}"
authority = "pebble-ca.pem"
contact = ["mailto:it@example.org"]
terms_agreed = true
{more}
[observe]
address = "127.0.0.1:0"
[[listener]]
address = "127.0.0.1:0"
acme = "pebble"
names = ["{NAME}"]
[[listener.route]]
upstream = "http://{upstream}"
"#
    )
}

impl Edge {
    pub(crate) async fn listen(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        Self::listen_at(folder, place, more).await
    }

    pub(crate) async fn listen_at(folder: TempDir, place: Place, more: &str) -> Self {
        let text = settings(folder.path(), more, upstream().await, &place);
        Self::listen_by(folder, place, &text).await
    }

    pub(crate) async fn listen_by(folder: TempDir, place: Place, text: &str) -> Self {
        let file = folder.path().join("gate.toml");
        fs::write(&file, text).unwrap();
        let listening = Gate::new(Plan::read(&file).unwrap()).listen().await.unwrap();
        let (address, observed) = (listening.addresses()[0], listening.observed().unwrap());
        let http = listening.challenged().first().map_or(1, SocketAddr::port);
        let reload = listening.reload();
        Self { folder, place, listening: Some(listening), address, http, observed, reload, serving: None }
    }

    pub(crate) fn ways(&self) -> Ways {
        Ways { http: self.http, tls: self.address.port(), ..Ways::default() }
    }

    pub(crate) fn serve(&mut self) {
        let (stop, stopped) = oneshot::channel();
        let listening = self.listening.take().unwrap();
        let serving = tokio::spawn(listening.serve(async move { drop(stopped.await) }));
        self.serving = Some((stop, serving));
    }

    pub(crate) async fn stop(mut self) -> (TempDir, Place) {
        let (stop, serving) = self.serving.take().unwrap();
        drop(stop);
        serving.await.unwrap();
        (self.folder, self.place)
    }

    /// Another in its place, by the same file.
    pub(crate) async fn again(self) -> Self {
        let (folder, place) = self.stop().await;
        let text = fs::read_to_string(folder.path().join("gate.toml")).unwrap();
        let mut again = Self::listen_by(folder, place, &text).await;
        again.serve();
        again
    }

    /// What is to be seen of its certificate.
    pub(crate) async fn state(&self) -> Value {
        let (folder, observed) = (self.folder.path().to_owned(), self.observed);
        let said = tokio::task::spawn_blocking(move || {
            run(&folder, "curl", &format!("-sS http://{observed}/state.json"))
        });
        let state: Value = serde_json::from_str(&said.await.unwrap()).unwrap();
        state["obtained"][0].clone()
    }

    pub(crate) async fn until(&self, what: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let state = self.state().await;
            if what(&state) {
                return state;
            }
            assert!(since.elapsed().as_secs() < 60, "{state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn until_issued(&self) {
        self.until(|state| state["in_use"] == true).await;
    }

    pub(crate) async fn until_code(&self, code: &str) -> Value {
        self.until(|state| state["code"] == code).await
    }

    /// A connection that believes these.
    pub(crate) async fn connect(&self, root: &Anchors) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = client_config(root, None).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// What OpenSSL says of a handshake.
    pub(crate) async fn openssl(&self, words: &str) -> String {
        let words = format!("s_client -connect {} -servername {NAME} {words}", self.address);
        let folder = self.folder.path().to_owned();
        let output = tokio::task::spawn_blocking(move || {
            Command::new("openssl")
                .args(words.split_whitespace())
                .current_dir(folder)
                .stdin(std::process::Stdio::null())
                .output()
                .unwrap()
        });
        let output = output.await.unwrap();
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
    }
}

pub(crate) async fn first(more: &str, change: impl FnOnce(Ways) -> Ways) -> (Edge, Pebble, Anchors) {
    let mut edge = Edge::listen(more).await;
    let pebble = edge.place.start(change(edge.ways())).await;
    edge.serve();
    edge.until_issued().await;
    let root = pebble.root().await;
    (edge, pebble, root)
}

/// A gate that asks an authority of its house, whose answers the test writes.
pub(crate) async fn of_the_house() -> Edge {
    let folder = tempfile::tempdir().unwrap();
    for part in ["requests", "answers"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    let place = Place::new(folder.path());
    let text = settings(folder.path(), "", upstream().await, &place);
    let (before, after) = (text.find("[acme.pebble]").unwrap(), text.find("[observe]").unwrap());
    let text = format!("{}[ca.house]\nfolder = \".\"\n{}", &text[..before], &text[after..]);
    let text = text.replace("acme = \"pebble\"", "ca = \"house\"");
    let mut edge = Edge::listen_by(folder, place, &text).await;
    edge.serve();
    edge
}

/// The request that waits in the folder, once it is there: its name, and what it says.
pub(crate) async fn request(folder: &Path) -> (String, String) {
    let since = Instant::now();
    loop {
        let mut there = fs::read_dir(folder.join("requests")).unwrap().map(|entry| entry.unwrap().path());
        if let Some(path) = there.find(|path| path.extension().is_some_and(|it| it == "csr")) {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            return (name, fs::read_to_string(path).unwrap());
        }
        assert!(since.elapsed().as_secs() < 30, "nobody asks");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An authority of the house.
pub(crate) fn house(from: u64) -> Authority {
    Authority::create(&AuthorityProfile::of("House"), from - 86_400_000).unwrap()
}

/// A chain for a request, of thirty days from `from` on (Unix milliseconds).
pub(crate) fn answer(authority: &Authority, request: &str, from: u64, published: &Publication) -> String {
    let Material::Request(request) = Material::read(request.as_bytes(), "it").unwrap().remove(0) else {
        panic!("no request");
    };
    let subject = Name::default().with(Oid::COMMON_NAME, NAME);
    let issued = authority.certify_request(&request, &subject, LeafPurpose::Server, 30, published, from);
    issued.unwrap().to_pem() + &authority.certificate().to_pem()
}

/// Puts an answer into the folder, whole.
pub(crate) fn put(folder: &Path, id: &str, chain: &str) {
    fs::write(folder.join("answer"), chain).unwrap();
    fs::rename(folder.join("answer"), folder.join("answers").join(format!("{id}.pem"))).unwrap();
}
