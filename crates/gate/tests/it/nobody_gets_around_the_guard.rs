//! Ways around the guard that were tried: by what a service may read otherwise than the gate, and by holding places without a word.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{io::AsyncReadExt as _, net::TcpStream};

use crate::{
    kept::Kept,
    outside::{Stage, chain, usual},
};

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
        // To who asks Unicode for small and capital letters, the long s is an s.
        "/mtl%C5%BF-protect/x",
        // Windows: a file's name has no dot at its end; IIS has an encoding of its own.
        "/mtls-protect./x",
        "/x/%25u002e%25u002e/mtls-protect/x",
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

/// A guard that no request meets guards nothing: whoever writes such a route is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_no_request_would_be_for_is_refused() {
    let stage = Stage::set().await;
    let text = |path: &str, more: &str| {
        let route = format!("path = \"{path}\"\n{more}");
        usual(stage.upstream, &[]).replace("revocation_lists = []", "").replacen(
            "path = \"/mtls-protect/\"\n",
            &route,
            1,
        )
    };
    for host in [
        "localhost:9848",
        "localhost.",
        "*.example.org",
        "https://localhost",
        " localhost",
        "[::1]:9848",
        "::1",
        "",
    ] {
        let said = "listener 1, route 1, host: no request would be for this host";
        stage.refuses(&text("/x", &format!("host = \"{host}\"\n")), said).await;
    }
    for path in ["/données", "/a.", "/a./b"] {
        stage.refuses(&text(path, ""), "route 1, path: servers may read this path in several ways").await;
    }
    let open = format!("upstream = \"http://{}\"\n[[listener.route]]\n", stage.upstream);
    for (first, second) in [("/x", "/x/"), ("/X", "/x"), ("/x", "/x")] {
        for (host, same) in
            [("", ""), ("host = \"[::1]\"\n", "host = \"[0:0::1]\"\n"), ("host = \"A\"\n", "host = \"a\"\n")]
        {
            let more = format!("{host}{open}path = \"{second}\"\n{same}");
            stage
                .refuses(
                    &text(first, &more),
                    "route 2, path: a route before it is for the same host and path",
                )
                .await;
        }
    }
    stage.write(&text("/x", &format!("{open}path = \"/x\"\nhost = \"localhost\"\n")));
    stage.reload.ask().await.unwrap();
    let answers = [stage.curl("/x", "").await, stage.curl("/x", "-H Host:other").await];
    assert_eq!(
        answers.each_ref().map(|answer| status(answer)),
        ["401", "200"],
        "another host is another route"
    );
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_ipv6_is_guarded_however_it_is_written() {
    let by_address = |upstream: SocketAddr| by_host(upstream).replace("api.example.org", "[2001:db8::1]");
    let stage = Stage::with(tempfile::tempdir().unwrap(), by_address).await;
    for host in ["[2001:db8::1]", "[2001:DB8:0::1]", "[2001:0db8:0:0:0:0:0:1]:443"] {
        assert_eq!(status(&stage.curl("/x", &format!("-H Host:{host}")).await), "401", "{host}");
    }
    assert_eq!(status(&stage.curl("/x", "-H Host:[2001:db8::2]").await), "200");
    drop(stage.stop().await);
}

/// Two hosts are two servers' choice (RFC 9112 §3.2).
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_host() {
    let stage = Stage::set().await;
    for second in ["localhost", "other.example"] {
        let mut kept = Kept::open(stage.address, "known", "");
        kept.say(&format!("GET /public HTTP/1.1\r\nhost: localhost\r\nhost: {second}\r\n\r\n")).await;
        let (status, head) = kept.hear().await;
        assert!(status == "400" && head.contains("host_malformed"), "{second}: {head}");
    }
    drop(stage.stop().await);
}

/// HTTP/2 sends a cookie in crumbs, of which a service of HTTP/1.1 may read the first alone (RFC 9113 §8.2.3).
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_whole_for_the_service() {
    let stage = Stage::set().await;
    for version in ["--http1.1", "--http2"] {
        let seen =
            stage.curl("/public", &format!("{version} -H Cookie:a=1 -H Cookie:b=2 -H Cookie:c=3")).await;
        let cookies: Vec<_> = seen.lines().filter(|line| line.starts_with("cookie")).collect();
        assert_eq!(cookies, ["cookie: a=1; b=2; c=3"], "{version}: {seen}");
    }
    drop(stage.stop().await);
}

/// Names under which balancers say whose certificate they saw, which address was asked for, and whom they let in; and what frames a request to who takes `_`
/// for a hyphen.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_what_a_balancer_says() {
    let stage = Stage::set().await;
    for path in ["/mtls-protect/x", "/public"] {
        for name in [
            "X-Client-Cert-Subject-DN",
            "X-Client-Cert-Present",
            "X_Client_Cert_Present",
            "X-Forwarded-Tls-Client-Cert",
            "X-Forwarded-Tls-Client-Cert-Info",
            "X-Client-Verify",
            "X-Client-DN",
            "X-Original-URI",
            "X-Forwarded-Uri",
            "X-Remote-User",
            "Remote-User",
            "Remote_User",
            "Content_Length",
            "Transfer_Encoding",
            "Keep_Alive",
            "Authorization_",
            "Proxy_Authorization",
            "Ho.st",
        ] {
            let words = format!("{} -H {name}:forged", Stage::as_client("known"));
            let seen = stage.curl(path, &words).await.to_ascii_lowercase();
            let stays = ["authorization_", "ho.st"].contains(&name.to_ascii_lowercase().as_str());
            assert_eq!(seen.contains(": forged"), stays, "{path} {name}: {seen}");
        }
    }
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
