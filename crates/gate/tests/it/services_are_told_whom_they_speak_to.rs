//! The PROXY protocol spoken to services, as nginx and HAProxy read it, and TLS passed on to whom its name asks for.

use std::{path::Path, sync::Arc};

use rustls::ClientConnection;
use sceau_pki::looking_config;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    others::Server,
    outside::{Stage, chain},
    services_are_reached::stage,
};

/// HAProxy that says who calls.
fn haproxy(folder: &Path) -> (Server, u16) {
    Server::haproxy(
        folder,
        "frontend f\nbind 127.0.0.1:PORT accept-proxy\n\
         http-request return status 200 content-type text/plain lf-string \"%[src] %[src_port] %[dst_port].\"\n",
    )
}

fn nginx(folder: &Path, words: &str) -> (Server, u16) {
    let at = chain().display();
    let says = "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port.";
    let tls = format!("ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key;");
    Server::nginx(
        folder,
        &format!("server {{ listen 127.0.0.1:PORT {words} proxy_protocol; {tls} return 200 \"{says}\"; }}"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_and_haproxy_read_who_calls_over_connections_that_carry_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (_haproxy, proxied) = haproxy(folder.path());
    let (_plain, plain) = nginx(folder.path(), "");
    let other = tempfile::tempdir().unwrap();
    let (_secure, secure) = nginx(other.path(), "ssl http2");
    let tls = format!("tls = {{ authority = \"{}/root.pem\" }}", chain().display());
    for (upstream, settings) in [
        (format!("\"http://127.0.0.1:{proxied}\""), "send_proxy = 1".to_owned()),
        (format!("\"http://127.0.0.1:{proxied}\""), "send_proxy = 2".to_owned()),
        (format!("\"http://127.0.0.1:{plain}\""), "send_proxy = 1".to_owned()),
        (format!("\"http://127.0.0.1:{plain}\""), "send_proxy = 2".to_owned()),
        (format!("\"https://localhost:{secure}\""), format!("send_proxy = 2\n{tls}")),
    ] {
        let stage = stage(&upstream, &settings).await;
        for from in ["127.0.0.1", "127.0.0.2", "127.0.0.1"] {
            let answer = stage.curl("/", &format!("--interface {from} -w %{{local_port}}")).await;
            let (_, said) = answer.split_once("\r\n\r\n").unwrap();
            let (said, port) = said.rsplit_once('.').unwrap();
            assert_eq!(said, format!("{from} {port} {}", stage.address.port()), "{upstream} {settings}");
        }
        drop(stage.stop().await);
    }
}

/// A gate that passes `intake.example` on to there.
async fn passing(to: u16, more: &str) -> Stage {
    let stage = stage("\"http://127.0.0.1:9\"", "").await;
    let before = std::fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    let pass = format!(
        "[[listener.pass]]\nname = \"Intake.example\"\nto = \"127.0.0.1:{to}\"\n{more}\n[[listener.route]]\npath"
    );
    stage.write(&before.replacen("[[listener.route]]\npath", &pass, 1));
    stage.reload.ask().await.unwrap();
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_passed_on_and_its_tls_ends_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = chain().display();
    for (listen, more, address) in [("", "", ""), ("proxy_protocol", "send_proxy = 2", "127.0.0.1")] {
        let server = format!(
            "server {{ listen 127.0.0.1:PORT ssl http2 {listen}; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
             ssl_verify_client optional_no_ca; return 200 \"$ssl_server_name $ssl_client_s_dn $proxy_protocol_addr.\"; }}"
        );
        let (_server, port) = Server::nginx(folder.path(), &server);
        let stage = passing(port, more).await;
        let words =
            format!("-k --connect-to ::127.0.0.1:{} {}", stage.address.port(), Stage::as_client("known"));
        let asked = |name: &str| format!("{words} https://{name}/");
        let answer = stage.call(&asked("intake.example")).await;
        let dn = "CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR";
        assert_eq!(answer, format!("intake.example {dn} {address}."));
        // Another name, and none, are the gate's own.
        for own in ["other.example", "127.0.0.1"] {
            assert!(stage.call(&asked(own)).await.contains("upstream_away"), "{own}");
        }
        drop(stage.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_octet_by_octet_is_read() {
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stage = passing(behind.local_addr().unwrap().port(), "send_proxy = 1").await;
    let config = Arc::new(looking_config().unwrap());
    let mut client = ClientConnection::new(config, "intake.example".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for octet in hello.chunks(1) {
        stream.write_all(octet).await.unwrap();
        tokio::task::yield_now().await;
    }
    let own = stream.local_addr().unwrap();
    let said = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} {}\r\n", own.port(), stage.address.port());
    let mut read = vec![0; said.len() + hello.len()];
    let (mut service, _) = behind.accept().await.unwrap();
    service.read_exact(&mut read).await.unwrap();
    assert_eq!(read, [said.as_bytes(), &hello].concat(), "as it came");
    service.write_all(b"heard").await.unwrap();
    drop(service);
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "heard");
    // What is no TLS is told so.
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    assert!(said.is_empty() || said[0] == 0x15, "an alert: {said:?}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_passed_on_is_refused() {
    let stage = stage("\"http://127.0.0.1:9\"", "").await;
    let before = std::fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    let name = "a host's name is needed, and each once";
    for (pass, said) in [
        ("name = \"192.0.2.1\"\nto = \"h:1\"", name),
        ("name = \"a b\"\nto = \"h:1\"", name),
        ("name = \"a.example\"\nto = \"h\"", "pass 1, to: write it host:port"),
        ("name = \"a.example\"\nto = \"h:1\"\nsend_proxy = 3", "the PROXY protocol has versions 1 and 2"),
        (
            "name = \"a.example\"\nto = \"h:1\"\n[[listener.pass]]\nname = \"A.example\"\nto = \"h:2\"",
            "pass 2, name: a host's name is needed, and each once",
        ),
    ] {
        let pass = format!("[[listener.pass]]\n{pass}\n[[listener.route]]\npath");
        stage.refuses(&before.replacen("[[listener.route]]\npath", &pass, 1), said).await;
    }
    drop(stage.stop().await);
}
