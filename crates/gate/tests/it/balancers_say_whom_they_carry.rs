//! The PROXY protocol: from a balancer that is named, by curl, by hand and by HAProxy; from nobody else.

use std::net::SocketAddr;

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use crate::{
    kept::Kept,
    others::Server,
    outside::{Stage, chain, usual},
};

/// A gate that lets one address pass, behind this balancer.
async fn stage(balancer: &str) -> Stage {
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let proxies = format!("proxies = [\"{balancer}\"]\n[[listener.route]]\npath");
    let text = |upstream| {
        let text =
            usual(upstream, &lists).replace("addresses = [\"127.0.0.1\"]", "addresses = [\"192.0.2.7\"]");
        text.replace("[[listener.route]]\npath", &proxies)
    };
    Stage::with(tempfile::tempdir().unwrap(), text).await
}

/// Before the gate: begins each connection with these octets.
pub(crate) async fn balancer(gate: SocketAddr, header: Vec<u8>) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = socket.accept().await {
            let mut inner = TcpStream::connect(gate).await.unwrap();
            inner.write_all(&header).await.unwrap();
            tokio::spawn(async move { drop(tokio::io::copy_bidirectional(&mut client, &mut inner).await) });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_that_is_named_is_believed_and_must_speak() {
    let stage = stage("127.0.0.1").await;
    let known = Stage::as_client("known");
    // curl says that it carries itself.
    let answer = stage.curl("/mtls-protect/a", &format!("--haproxy-protocol {known}")).await;
    assert!(answer.contains(" 403") && answer.contains("address_not_allowed"), "{answer}");
    assert!(stage.failing("/mtls-protect/a", &known).await.contains("curl: ("), "nothing but TLS");
    let v2 = |command: u8, last: u8| {
        [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, 0x11, 0, 12, 192, 0, 2, last, 127, 0, 0, 1, 1, 1, 1, 1]]
            .concat()
    };
    let v1 = |last: u8| format!("PROXY TCP4 192.0.2.{last} 127.0.0.1 56324 443\r\n").into_bytes();
    for (header, status) in
        [(v1(7), "200"), (v1(8), "403"), (v2(0x21, 7), "200"), (v2(0x21, 8), "403"), (v2(0x20, 7), "403")]
    {
        let mut through = Kept::open(balancer(stage.address, header).await, "known", "");
        assert_eq!(through.get("/mtls-protect/a").await.0, status);
        assert!(
            status == "403" || through.body().contains("x-forwarded-for: 192.0.2.7\r\n"),
            "{}",
            through.body()
        );
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_says_where_they_come_from() {
    let stage = stage("192.0.2.1").await;
    let known = Stage::as_client("known");
    let said = stage.failing("/mtls-protect/a", &format!("--haproxy-protocol {known}")).await;
    assert!(said.contains("curl: ("), "it is no TLS: {said}");
    assert!(stage.curl("/mtls-protect/a", &known).await.contains("address_not_allowed"));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_says_whom_it_carries() {
    // From its own address the balancer would be refused.
    let stage = stage("127.0.0.1").await;
    let before = std::fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    stage.write(&before.replace("192.0.2.7", "127.0.0.2"));
    stage.reload.ask().await.unwrap();
    let (folder, root) = (tempfile::tempdir().unwrap(), chain().join("root.pem").display().to_string());
    for sends in ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c"] {
        let server = format!("server gate 127.0.0.1:{} {sends}", stage.address.port());
        let settings = format!("listen f\nmode tcp\nbind 127.0.0.1:PORT\n{server}\n");
        let (_haproxy, port) = Server::haproxy(folder.path(), &settings);
        for (from, status) in [("127.0.0.2", " 200"), ("127.0.0.1", " 403"), ("127.0.0.3", " 403")] {
            let known = Stage::as_client("known");
            let url = format!("https://127.0.0.1:{port}/mtls-protect/a");
            let answer = stage.call(&format!("-i --interface {from} --cacert {root} {known} {url}")).await;
            assert!(answer.lines().next().unwrap().contains(status), "{sends} {from}: {answer}");
            let told = match status {
                " 200" => "x-forwarded-for: 127.0.0.2\r\n",
                _ => "sceau-code: address_not_allowed\r\n",
            };
            assert!(answer.contains(told), "{sends} {from}: {answer}");
        }
    }
    drop(stage.stop().await);
}
