//! Ways around the guard that were tried: by what a service may read otherwise than the gate, and by holding places without a word.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{io::AsyncReadExt as _, net::TcpStream};

use crate::outside::{Stage, chain, usual};

fn status(answer: &str) -> &str {
    answer.split_whitespace().nth(1).unwrap()
}

/// Express, ASP.NET and IIS do not tell capitals apart; WSGI servers decode a path and leave its dots. The request must not come through the open door.
#[tokio::test(flavor = "multi_thread")]
async fn no_reading_of_a_path_between_the_strictest_and_the_laxest_leads_past_the_guard() {
    let stage = Stage::set().await;
    let mut through = Vec::new();
    for path in [
        "/MTLS-Protect/x",
        "/mtls%2dprotect/../x",
        "/mtls%2dprotect/a/..\\..\\x",
        "/mtls%2dprotect/..;/x",
        // To who resolves it, and to who decodes before a question or a fragment.
        "//x/mtls-protect/x",
        "/\\x/mtls-protect/x",
        "/mtls-protect%3fx",
        "/mtls-protect%23x",
        // Where a server stands before the service, and decodes too.
        "/mtls%252dprotect/x",
        "/a/%252e%252e%255cmtls%252dprotect/x",
        // Where a path ends at its first semicolon: Jetty before 9.1, and filters that cut it there.
        "/x/../mtls-protect;x/../x",
        "/x/../mtls-protect;/..",
    ] {
        let answer = stage.curl(path, "").await;
        if status(&answer) != "400" || !answer.contains("path_ambiguous") {
            through.push(path);
        }
    }
    assert!(through.is_empty(), "without a certificate: {through:?}");
    assert_eq!(
        status(&stage.curl("/Public%20text/a;b", "").await),
        "200",
        "what is nobody's in each reading passes"
    );
    drop(stage.stop().await);
}

fn by_host(upstream: SocketAddr) -> String {
    usual(upstream, &[])
        .replace("path = \"/mtls-protect/\"", "host = \"api.example.org\"")
        .replace("revocation_lists = []", "")
}

/// nginx, Apache and Node's frameworks take `api.example.org.` for `api.example.org`.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_a_dot_at_its_end_is_that_host_and_what_is_no_host_is_none() {
    let stage = Stage::with(tempfile::tempdir().unwrap(), by_host).await;
    assert_eq!(status(&stage.curl("/x", "-H Host:api.example.org").await), "401");
    let mut through = Vec::new();
    // HTTP/2 takes no malformed one.
    for (host, version) in [
        ("api.example.org.", "--http1.1"),
        ("api.example.org.", "--http2"),
        ("api.example.org/a?", "--http1.1"),
        ("api.example.org:443:443", "--http1.1"),
        ("api.example.org,x", "--http1.1"),
        ("a\"b", "--http1.1"),
    ] {
        let answer = stage.curl("/x", &format!("{version} -H Host:{host}")).await;
        // The dot is the guarded host's; what is no host is nobody's.
        let wanted = if host.ends_with('.') { "401" } else { "400" };
        if status(&answer) != wanted {
            through.push((host, version));
        }
    }
    assert!(through.is_empty(), "{through:?}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_a_request_id_nor_takes_it_away() {
    let stage = Stage::set().await;
    let words = "--http1.1 -H Connection:x-request-id -H X_Request_Id:forged";
    let answer = stage.curl("/public", words).await;
    let (_, seen) = answer.split_once("\r\n\r\n").unwrap();
    assert!(seen.contains("x-request-id: ") && !seen.contains("forged"), "{seen}");
    drop(stage.stop().await);
}

/// A body without a length keeps its frame whatever the method, or the service would take what follows for its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_a_body_keeps_it_and_leads_nowhere_else() {
    let stage = Stage::set().await;
    for version in ["--http1.1", "--http2"] {
        let words = format!(
            "{version} -X GET -H Transfer-Encoding:chunked -d body -H X-Rewrite-URL:/mtls-protect/ -H X-Real-IP:192.0.2.1"
        );
        let seen = stage.curl("/public", &words).await;
        assert!(seen.contains("transfer-encoding: chunked"), "{version}: {seen}");
        assert!(!seen.contains("rewrite") && !seen.contains("real-ip"), "{version}: {seen}");
    }
    drop(stage.stop().await);
}

/// A chain that has us try every way costs seconds; the authorities of an honest one are few.
#[tokio::test(flavor = "multi_thread")]
async fn of_the_authorities_that_a_client_sends_the_first_few_are_looked_at() {
    let without = |upstream: SocketAddr| {
        let text = usual(upstream, &[]).replace("revocation_lists = []\n", "");
        let lines = text.lines().filter(|line| !line.starts_with("intermediates"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), without).await;
    let read = |name: &str| std::fs::read_to_string(chain().join(name)).unwrap();
    let sent = tempfile::tempdir().unwrap();
    let [stranger, authority] = ["stranger.pem", "authority.pem"].map(read);
    // A sixth of another name leads one way at most.
    for (strangers, wanted) in [(0, "200"), (4, "200"), (5, "200"), (6, "401")] {
        let file = sent.path().join(format!("{strangers}.pem"));
        let parts = read("known.pem") + &stranger.repeat(strangers) + &authority;
        std::fs::write(&file, parts).unwrap();
        let words = format!("--cert {} --key {}/known.key", file.display(), chain().display());
        assert_eq!(status(&stage.curl("/mtls-protect/x", &words).await), wanted, "{strangers}");
    }
    drop(stage.stop().await);
}

/// CGI has letters, digits and `_` alone: servers such as lighttpd make `_` of everything else.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_letter_between_two_words_says_who_one_is() {
    let stage = Stage::set().await;
    for name in ["Client.Cert", "Client~Cert", "X.Forwarded-For", "Sceau!Revocation"] {
        let seen =
            stage.curl("/mtls-protect/x", &format!("{} -H {name}:forged", Stage::as_client("known"))).await;
        assert!(!seen.contains("forged"), "{seen}");
    }
    drop(stage.stop().await);
}

/// `head_within` counts from the handshake on, whatever was not sent since.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_after_the_handshake_loses_the_place() {
    let bounded = |upstream| {
        usual(upstream, &[])
            .replace("[[listener.route]]\npath", "head_within = \"1s\"\n[[listener.route]]\npath")
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), bounded).await;
    let anchor = std::fs::read_to_string(chain().join("root.pem")).unwrap();
    let anchors = sceau_pki::Anchors::from_pem(&anchor, "root").unwrap();
    let config = sceau_pki::client_config(&anchors, None).unwrap();
    for protocol in ["http/1.1", "h2"] {
        let mut config = config.clone();
        config.alpn_protocols = vec![protocol.into()];
        let stream = TcpStream::connect(stage.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let begun = Instant::now();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await;
        assert!(ended.is_ok(), "{protocol}: still there after {:?}", begun.elapsed());
    }
    drop(stage.stop().await);
}
