//! Without TLS the gate answers this machine alone, and lets nobody through who would have to show a certificate.

use sceau_gate::Plan;

use crate::outside::{Stage, chain, usual};

fn plain(route: &str) -> String {
    format!("[[listener]]\naddress = \"127.0.0.1:0\"\nplain = true\n[[listener.route]]\n{route}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_of_this_machine_is_forwarded_and_what_it_says_of_itself_is_not() {
    let with = |upstream| plain(&format!("upstream = \"http://{upstream}\""));
    let stage = Stage::with(tempfile::tempdir().unwrap(), with).await;
    let lies = "-H x-forwarded-proto:https -H x-forwarded-for:192.0.2.1 -H client-cert:no -H forwarded:for=192.0.2.1";
    let answer = stage.call(&format!("-i {lies} http://{}/a", stage.address)).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200") && answer.contains("x-request-id: "), "{answer}");
    let (_, asked) = answer.split_once("\r\n\r\n").unwrap();
    assert!(asked.contains("x-forwarded-proto: http\r\n"), "{asked}");
    assert!(asked.contains("x-forwarded-for: 127.0.0.1\r\n"), "{asked}");
    assert!(!asked.contains("192.0.2.1") && !asked.contains("client-cert"), "{asked}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_from_before_is_judged_when_its_address_asks_for_certificates() {
    let with = |upstream| plain(&format!("path = \"/mtls-protect/\"\nupstream = \"http://{upstream}\""));
    let stage = Stage::with(tempfile::tempdir().unwrap(), with).await;
    let url = format!("http://{}/mtls-protect/a", stage.address);
    assert!(stage.call(&format!("-i {url}")).await.starts_with("HTTP/1.1 200"));
    let mut kept = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    stage.write(&usual(stage.upstream, &lists));
    stage.reload.ask().await.unwrap();
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    kept.write_all(b"GET /mtls-protect/a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    drop(stage.stop().await);
}

#[test]
fn what_would_be_open_to_others_or_to_nobody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let chain = chain().display();
    let good = plain("upstream = \"http://127.0.0.1:9\"");
    let of_tls = |setting: &str| good.replace("plain = true", &format!("plain = true\n{setting}"));
    let guarded = format!(
        "{good}clients = \"c\"\n[clients.c]\nanchors = [\"{chain}/root.pem\"]\nrevocation_lists = []\n"
    );
    for (text, at_fault) in [
        (good.replace("127.0.0.1:0", "0.0.0.0:0"), "listener 1, plain"),
        (good.replace("127.0.0.1:0", "[::]:0"), "listener 1, plain"),
        (good.replace("127.0.0.1:0", "192.0.2.1:80"), "listener 1, plain"),
        (of_tls(&format!("certificate = \"{chain}/server.pem\"")), "listener 1, certificate"),
        (of_tls(&format!("key = \"{chain}/server.key\"")), "listener 1, key"),
        (of_tls("staple = true"), "listener 1, staple"),
        (guarded, "listener 1, route 1, clients"),
        (good.replace("plain = true\n", ""), "listener 1, certificate"),
    ] {
        let file = folder.path().join("gate.toml");
        std::fs::write(&file, &text).unwrap();
        let refused = Plan::read(&file).unwrap_err().to_string();
        assert!(refused.contains(at_fault), "{at_fault}: {refused}\n{text}");
    }
}
