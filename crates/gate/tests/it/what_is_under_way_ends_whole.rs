//! Requests and calls that are under way when the gate ends, gives its place to another or reads its file again: each ends whole, and is made once.

use std::{
    io,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
};

use crate::{
    calls_go_out_with_our_certificate::{Out, tls},
    kept::Kept,
    others::{Server, free_port},
    outside::{Stage, chain, until, usual},
    two,
    under_way::{Calls, Holding, UnderWay, partner},
};

fn lists() -> [String; 2] {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()))
}

/// The program, and whoever took its place.
struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    next: Option<Pid>,
    gate: SocketAddr,
    call: SocketAddr,
    folder: TempDir,
    _partner: Server,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.next.into_iter().for_each(|next| _ = kill_process(next, Signal::KILL));
    }
}

impl Running {
    /// Before this service; or without a listener, and before a partner that this service is.
    async fn start(service: SocketAddr, listens: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (_partner, partner) = partner(folder.path(), service, "TLSv1.3");
        let [gate, call] = [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let text = usual(service, &lists()).replace("127.0.0.1:0", &gate.to_string());
        let tls = tls("root", "direct");
        let out =
            format!("[[outgoing]]\naddress = \"{call}\"\nto = \"https://localhost:{partner}\"\n{tls}\n");
        std::fs::write(folder.path().join("gate.toml"), if listens { text } else { out }).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
        command.args(["run", "--die-with-parent"]).current_dir(folder.path());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut running = Self { child, out, next: None, gate, call, folder, _partner };
        running.ready().await;
        running
    }

    /// The process that says that it is ready.
    async fn ready(&mut self) -> Pid {
        let line = self.out.next_line().await.unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Pid::from_raw(i32::try_from(ready["process"].as_i64().unwrap()).unwrap()).unwrap()
    }

    fn tell(&self, signal: Signal) {
        let first = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(first, signal).unwrap();
    }

    /// Until another one serves.
    async fn hand_over(&mut self) {
        self.tell(Signal::USR2);
        let next = self.ready().await;
        self.next = Some(next);
        assert_ne!(Some(next.as_raw_nonzero().get()), self.child.id().map(|id| i32::try_from(id).unwrap()));
    }

    /// Until nobody is let in there any more, and this one waits.
    async fn is_closed(&mut self, at: SocketAddr) {
        until("closed", async || {
            TcpStream::connect(at).await.is_err_and(|it| it.kind() == io::ErrorKind::ConnectionRefused)
        })
        .await;
        self.waits().await;
    }

    async fn waits(&mut self) {
        let ended = tokio::time::timeout(Duration::from_millis(500), self.child.wait()).await;
        assert!(ended.is_err(), "it waits: {ended:?}");
    }

    async fn ended_well(&mut self) {
        assert!(self.child.wait().await.unwrap().success(), "it ends by itself, well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_at_sigterm_ends_whole() {
    let mut holding = Holding::open().await;
    let mut running = Running::start(holding.address, true).await;
    let under_way = UnderWay::begin(running.gate, "/mtls-protect/", &mut holding).await;
    running.tell(Signal::TERM);
    let at = running.gate;
    running.is_closed(at).await;
    under_way.end_whole(&mut holding).await;
    running.ended_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_another_takes_its_place_ends_whole() {
    let mut holding = Holding::open().await;
    let mut running = Running::start(holding.address, true).await;
    let under_way = UnderWay::begin(running.gate, "/mtls-protect/", &mut holding).await;
    running.hand_over().await;
    under_way.end_whole(&mut holding).await;
    running.ended_well().await;
    // The other one takes requests and calls.
    holding.go.send_replace(false);
    let under_way = UnderWay::begin(running.gate, "/mtls-protect/", &mut holding).await;
    under_way.end_whole(&mut holding).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_does_nothing_but_call_partners_waits_for_its_calls() {
    for is_taken in [false, true] {
        let mut holding = Holding::open().await;
        let mut running = Running::start(holding.address, false).await;
        let calls = Calls::begin(&running.call.to_string(), &mut holding).await;
        if is_taken {
            running.hand_over().await;
            running.waits().await;
        } else {
            running.tell(Signal::TERM);
            let at = running.call;
            running.is_closed(at).await;
        }
        calls.end_whole(&mut holding).await;
        running.ended_well().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_no_longer_pass_is_let_go_by_a_gate_whose_place_is_taken() {
    let mut holding = Holding::open().await;
    let mut running = Running::start(holding.address, true).await;
    let mut kept = Kept::open(running.gate, "known", "");
    kept.say("GET /mtls-protect/answer HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    kept.wait_for("first").await;
    holding.asked().await;
    running.hand_over().await;
    let file = running.folder.path().join("gate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replace("common_name = \"sas-agregateur-recette\"", "common_name = \"another\"");
    std::fs::write(&file, other).unwrap();
    let rest = tokio::time::timeout(Duration::from_secs(20), kept.rest()).await.unwrap();
    assert!(!rest.contains("last"), "{rest}");
    running.ended_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_waits_for_requests_ends_at_once_when_it_is_told_again() {
    let mut holding = Holding::open().await;
    let mut running = Running::start(holding.address, true).await;
    let under_way = UnderWay::begin(running.gate, "/mtls-protect/", &mut holding).await;
    running.hand_over().await;
    let told = Instant::now();
    // Once is to wait no longer than a request may be silent, twice is not to wait: which comes when is the system's to say.
    until("ended", async || {
        if running.child.id().is_some() {
            running.tell(Signal::TERM);
        }
        running.child.try_wait().unwrap().is_some_and(|ended| ended.success())
    })
    .await;
    assert!(told.elapsed() < Duration::from_secs(30), "and nobody waits for it");
    drop(under_way);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_the_file_takes_its_service_away_ends_whole() {
    let mut holding = Holding::open().await;
    let stage = Stage::with(tempfile::tempdir().unwrap(), |_| usual(holding.address, &lists())).await;
    let under_way = UnderWay::begin(stage.address, "/mtls-protect/", &mut holding).await;
    stage.write(&usual(stage.upstream, &lists()));
    stage.reload.ask().await.unwrap();
    let mut client = two::connect(stage.address, "known").await;
    let request = hyper::Request::get("https://localhost/mtls-protect/x").body(()).unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200, "the other service is asked from now on");
    under_way.end_whole(&mut holding).await;
    drop(client);
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_under_way_when_the_file_takes_its_address_away_ends_whole() {
    let mut holding = Holding::open().await;
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path(), holding.address, "TLSv1.2");
    let out = Out::to(&format!("https://localhost:{port}"), &tls("root", "direct")).await;
    let calls = Calls::begin(&out.at, &mut holding).await;
    let file = out.folder.path().join("gate.toml");
    let elsewhere = std::fs::read_to_string(&file).unwrap().replace("127.0.0.1:0", "127.0.0.2:0");
    std::fs::write(&file, elsewhere).unwrap();
    out.reload.ask().await.unwrap();
    assert!(TcpStream::connect(&out.at).await.is_err(), "nobody is let in there");
    calls.end_whole(&mut holding).await;
    drop(out.stop().await);
}
