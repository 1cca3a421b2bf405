//! Services over TLS that ask for the gate's certificate, over sockets of this machine, and several of which some live.

use std::{net::SocketAddr, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, UnixListener},
    process::{Child, Command},
};

use crate::outside::{Stage, chain, request, usual};

/// A gate whose open route goes there, with these settings besides.
pub(crate) async fn stage(upstream: &str, settings: &str) -> Stage {
    let text = |address: SocketAddr| configuration(address, upstream, settings);
    Stage::with(tempfile::tempdir().unwrap(), text).await
}

fn configuration(address: SocketAddr, upstream: &str, settings: &str) -> String {
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let text = usual(address, &lists);
    let (before, open) = text.split_once("[[listener.route]]\nupstream").unwrap();
    let open = open.replacen(&format!("\"http://{address}\""), &format!("{upstream}\n{settings}"), 1);
    format!("{before}[[listener.route]]\nupstream{open}")
}

/// OpenSSL's server, which demands a certificate of the chain and says what it saw.
pub(crate) async fn openssl() -> (Child, u16) {
    let chain = chain().display();
    let words = format!(
        "s_server -accept 127.0.0.1:0 -cert {chain}/server.pem -key {chain}/server.key -CAfile {chain}/root.pem \
         -cert_chain {chain}/root.pem -Verify 2 -verify_return_error -www"
    );
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("it listens");
        if let Some(port) = line.strip_prefix("ACCEPT 127.0.0.1:") {
            let port = port.trim().parse().unwrap();
            tokio::spawn(async move { while lines.next_line().await.is_ok_and(|line| line.is_some()) {} });
            return (child, port);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_over_tls_is_believed_under_its_authority_and_sees_the_gates_certificate() {
    let (_server, port) = openssl().await;
    let chain = chain().display();
    let upstream = format!("\"https://localhost:{port}\"");
    let shown = format!("certificate = \"{chain}/direct.pem\", key = \"{chain}/direct.key\"");
    for (settings, status) in [
        (format!("tls = {{ authority = \"{chain}/root.pem\", {shown} }}"), " 200"),
        (format!("tls = {{ authority = \"{chain}/root.pem\" }}"), " 502"),
        (format!("tls = {{ authority = \"{chain}/stranger.pem\", {shown} }}"), " 502"),
        (String::new(), " 502"),
    ] {
        let stage = stage(&upstream, &settings).await;
        let answer = stage.curl("/", "").await;
        assert!(answer.lines().next().unwrap().contains(status), "{settings}: {answer}");
        assert!(status == " 502" || answer.contains("sas-agregateur-recette"), "{answer}");
        drop(stage.stop().await);
    }
    // Its certificate says localhost and 127.0.0.1.
    let elsewhere = format!("\"https://127.0.0.2:{port}\"");
    let stage = stage(&elsewhere, &format!("tls = {{ authority = \"{chain}/root.pem\", {shown} }}")).await;
    assert!(stage.curl("/", "").await.contains(" 502"), "another name");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_on_a_socket_of_this_machine_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sock");
    let socket = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut octets = [0; 4096];
            let read = stream.read(&mut octets).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {read}\r\n\r\n");
            stream.write_all(&[head.as_bytes(), &octets[..read]].concat()).await.unwrap();
        }
    });
    let stage = stage(&format!("\"unix:{}\"", path.display()), "").await;
    let answer = stage.curl("/a?b", "").await;
    assert!(answer.contains(" 200") && answer.contains("GET /a?b HTTP/1.1\r\n"), "{answer}");
    assert!(answer.contains(&format!("host: localhost:{}", stage.address.port())), "{answer}");
    drop(stage.stop().await);
}

/// A service that says who it is.
async fn named(name: &'static str) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            if request(&mut stream).await.is_some() {
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\n";
                drop(stream.write_all(format!("{head}{name}").as_bytes()).await);
            }
        }
    });
    address
}

/// Where nobody listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_live_are_asked_in_turn_and_a_refused_connection_costs_no_request() {
    let (one, two, gone) = (named("one").await, named("two").await, nowhere().await);
    let stage = stage(&format!("[\"http://{gone}\", \"http://{one}\", \"http://{two}\"]"), "").await;
    let mut seen = String::new();
    for _ in 0..6 {
        // What may not be repeated may still be sent where nothing of it was read.
        let answer = stage.curl("/", "-d x").await;
        assert!(answer.contains(" 200"), "{answer}");
        seen.push_str(answer.rsplit("\r\n").next().unwrap());
    }
    assert!(seen.contains("one") && seen.contains("two"), "{seen}");
    stage.write(&configuration(stage.upstream, &format!("[\"http://{gone}\", \"http://{gone}\"]"), ""));
    stage.reload.ask().await.unwrap();
    let answer = stage.curl("/", "").await;
    assert!(answer.contains(" 502") && answer.contains("upstream_away"), "{answer}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_reaches_nobody_or_shows_its_key_to_others_is_refused() {
    let stage = Stage::set().await;
    let chain = chain().display();
    let key = stage.folder().join("open.key");
    std::fs::copy(format!("{chain}/direct.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let open = format!("tls = {{ certificate = \"{chain}/direct.pem\", key = \"{}\" }}", key.display());
    let (shape, half) =
        ("upstream: write it http://", format!("tls = {{ certificate = \"{chain}/direct.pem\" }}"));
    for (upstream, settings, said) in [
        ("[]", "", shape),
        ("\"ftp://localhost:21\"", "", shape),
        ("\"http://localhost\"", "", shape),
        ("\"unix:relative\"", "", shape),
        ("\"http://localhost:1\"", "tls = {}", "no upstream of this route begins with https://"),
        ("\"https://localhost:1\"", &half, "a certificate needs its key"),
        ("\"https://localhost:1\"", &open, "open.key"),
        ("\"http://localhost:1\"", "largest_body = \"1 kB\"", "write it 512 KiB"),
    ] {
        stage.refuses(&configuration(stage.upstream, upstream, settings), said).await;
    }
    drop(stage.stop().await);
}
