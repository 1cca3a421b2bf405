//! Services that speak HTTP/2, with TLS or without: whole both ways, trailers too, and what is cut is never called whole.

use std::{net::SocketAddr, process::Stdio};

use bytes::Bytes;
use h2::Reason;
use hyper::{HeaderMap, Request};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    process::Command,
    sync::mpsc,
};

use crate::{
    others::Server,
    outside::{chain, run},
    services_are_reached::stage,
    two::{self, End},
};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_trailers_pass_between_every_two_versions() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    std::fs::write(&body, vec![b'x'; 3 << 20]).unwrap();
    let (_server, port) = Server::nghttpd(folder.path(), &["--echo-upload", "--trailer=grpc-status: 0"]);
    let stage = stage(&format!("\"h2c://127.0.0.1:{port}\""), "").await;
    for version in ["--http1.1 -H Expect:", "--http2"] {
        let answer = stage.curl("/body", &format!("{version} --data-binary @{}", body.display())).await;
        let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200"), "{version}: {head}");
        assert_eq!(rest.bytes().filter(|octet| *octet == b'x').count(), 3 << 20, "{version}");
    }
    let url = format!("https://localhost:{}/body", stage.address.port());
    let at = folder.path().to_owned();
    let nghttp = move || run(&at, "nghttp", &format!("-v -n -d body {url}"));
    let said = tokio::task::spawn_blocking(nghttp).await.unwrap();
    assert!(said.contains("grpc-status: 0"), "{said}");
    drop(stage.stop().await);
    let service = two::service(End::Trailers).await;
    let stage = self::stage(&format!("\"h2c://{service}\""), "").await;
    let answer = stage.curl("/", "--http1.1 -H TE:trailers -H Connection:te").await;
    assert!(answer.contains("trailer: grpc-status") && answer.ends_with("grpc-status: 0\r\n"), "{answer}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_agreed_upon_in_tls_where_the_service_offers_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = chain().display();
    let offers = [("ssl http2", "HTTP/2.0"), ("ssl", "HTTP/1.1")];
    let both = |tls| offers.map(|(offers, version)| (offers, version, tls));
    // Services that speak nothing newer than TLS 1.2 too.
    for (offers, version, tls) in ["TLSv1.2", "TLSv1.3"].into_iter().flat_map(both) {
        let server = format!(
            "server {{ listen 127.0.0.1:PORT {offers}; ssl_protocols {tls}; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
             return 200 \"$ssl_protocol $server_protocol $host $http_x_forwarded_host $http_te.\"; }}"
        );
        let (_server, port) = Server::nginx(folder.path(), &server);
        let settings = format!("tls = {{ authority = \"{at}/root.pem\" }}");
        let stage = stage(&format!("\"https://localhost:{port}\""), &settings).await;
        let asked = format!("localhost:{}", stage.address.port());
        for words in ["--http1.1", "--http2", "--http2 -H TE:trailers"] {
            let te = if words.contains("TE") { "trailers" } else { "" };
            let answer = stage.curl("/", words).await;
            assert!(answer.ends_with(&format!("\r\n{tls} {version} localhost {asked} {te}.")), "{answer}");
        }
        drop(stage.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_goes_both_ways_at_once() {
    let service = two::service(End::Echo).await;
    let stage = stage(&format!("\"h2c://{service}\""), "").await;
    let chain = chain().display();
    let url = format!("https://localhost:{}/", stage.address.port());
    let words = format!("-sS -N --http2 --cacert {chain}/root.pem -T . -X POST {url}");
    let mut curl = Command::new("curl");
    curl.args(words.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut curl = curl.spawn().unwrap();
    let (mut into, mut from) = (curl.stdin.take().unwrap(), curl.stdout.take().unwrap());
    for word in ["one", "two"] {
        into.write_all(word.as_bytes()).await.unwrap();
        let mut heard = [0; 3];
        from.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, word.as_bytes(), "before the next is said");
    }
    drop(into);
    assert!(curl.wait().await.unwrap().success());
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_is_an_error_for_the_client() {
    for end in [
        End::Reset(Reason::NO_ERROR),
        End::Reset(Reason::CANCEL),
        End::Reset(Reason::INTERNAL_ERROR),
        End::Gone,
        End::Never,
    ] {
        let service = two::service(end).await;
        let stage = stage(&format!("\"h2c://{service}\""), "answer_within = \"1s\"").await;
        for version in ["--http1.1", "--http2"] {
            let said = stage.failing("/", version).await;
            assert!(said.contains("curl: ("), "{end:?} {version}: {said}");
        }
        drop(stage.stop().await);
    }
    let whole = two::service(End::Trailers).await;
    let stage = stage(&format!("\"h2c://{whole}\""), "answer_within = \"1s\"").await;
    for version in ["--http1.1", "--http2"] {
        assert!(stage.curl("/", version).await.contains("half"), "{version}");
    }
    drop(stage.stop().await);
}

/// A service of HTTP/1.1 that answers `go` octet by octet, each after this long, then no more.
async fn dripping(silences: [u64; 2]) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                drop(stream.read(&mut [0; 4096]).await);
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await);
                for (octet, silence) in b"go".chunks(1).zip(silences) {
                    tokio::time::sleep(std::time::Duration::from_millis(silence)).await;
                    drop(stream.write_all(octet).await);
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_take_its_time_and_not_for_ever() {
    let stage = stage(&format!("\"http://{}\"", dripping([700, 700]).await), "answer_within = \"1s\"").await;
    assert!(
        stage.curl("/", "").await.ends_with("go"),
        "longer than that in all, and never silent for as long"
    );
    drop(stage.stop().await);
    let stage =
        self::stage(&format!("\"http://{}\"", dripping([0, 60_000]).await), "answer_within = \"1s\"").await;
    for version in ["--http1.1", "--http2"] {
        let said = stage.failing("/", &format!("{version} -m 30")).await;
        assert!(said.contains("curl: (") && !said.contains("curl: (28)"), "the gate ends it: {said}");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_refuses_to_begin_is_asked_again() {
    let service = two::service(End::Trailers).await;
    let stage = stage(&format!("\"h2c://{service}\""), "").await;
    let answer = stage.curl("/refused", "").await;
    assert!(answer.contains(" 200") && answer.contains("half"), "{answer}");
    drop(stage.stop().await);
}

/// A service of HTTP/1.1 that tells what it reads up to the end of the connection, and answers once that ends whole.
pub(crate) async fn listening() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (address, _, told) = listening_for(b"\r\n\r\n").await;
    (address, told)
}

/// The same, which also tells of each connection once these octets came on it.
async fn listening_for(
    awaited: &'static [u8],
) -> (SocketAddr, mpsc::UnboundedReceiver<()>, mpsc::UnboundedReceiver<String>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    let (begin, begun) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let (tell, begin) = (tell.clone(), begin.clone());
            tokio::spawn(async move {
                let mut read = Vec::new();
                let mut octets = [0; 4096];
                let mut begin = Some(begin);
                while let Ok(count @ 1..) = stream.read(&mut octets).await {
                    read.extend_from_slice(&octets[..count]);
                    if read.windows(awaited.len()).any(|part| part == awaited) {
                        let _ = begin.take().map(|begin| begin.send(()));
                    }
                    if read.windows(5).any(|end| end == b"0\r\n\r\n")
                        || read.ends_with(b"\r\n\r\n") && read.windows(4).any(|end| end == b"\n0\r\n")
                    {
                        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
                        break;
                    }
                }
                drop(tell.send(String::from_utf8_lossy(&read).into_owned()));
            });
        }
    });
    (address, begun, told)
}

/// Posts a body over HTTP/2, and these trailers behind it.
pub(crate) async fn lie_after_a_body(gate: SocketAddr, path: &str, names: &[&'static str]) {
    let mut client = two::connect(gate, "known").await;
    let request = Request::post(format!("https://localhost{path}"));
    let request = request.header("trailer", names.join(", ")).body(()).unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    body.send_data(Bytes::from_static(b"body"), false).unwrap();
    let mut trailers = HeaderMap::new();
    for name in names {
        trailers.insert(*name, "lie".parse().unwrap());
    }
    body.send_trailers(trailers).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_its_client_takes_back_does_not_end_whole() {
    let (service, mut begun, mut told) = listening_for(b"half").await;
    let stage = stage(&format!("\"http://{service}\""), "").await;
    for reason in [Reason::NO_ERROR, Reason::CANCEL] {
        let mut client = two::connect(stage.address, "known").await;
        let request = Request::post("https://localhost/").body(()).unwrap();
        let (_answer, mut body) = client.send_request(request, false).unwrap();
        body.send_data(Bytes::from_static(b"half"), false).unwrap();
        begun.recv().await.unwrap();
        body.send_reset(reason);
        let read = told.recv().await.unwrap();
        assert!(read.contains("half") && !read.ends_with("0\r\n\r\n"), "{reason:?}: {read}");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_body_says_nothing_that_only_the_gate_says() {
    let (service, mut told) = listening().await;
    let stage = stage(&format!("\"http://{service}\""), "").await;
    let names = [
        "x-sum",
        "content-digest",
        "client-cert",
        "client_cert",
        "x-forwarded-for",
        "x-client-cert-subject-dn",
        "host",
        "content-length",
        "content_type",
        "transfer_encoding",
        "authorization",
        "origin",
        "range",
        "if-match",
    ];
    lie_after_a_body(stage.address, "/", &names).await;
    let read = told.recv().await.unwrap();
    let (_, after) = read.split_once("body\r\n0\r\n").unwrap();
    assert_eq!(after, "x-sum: lie\r\ncontent-digest: lie\r\n\r\n");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_ask_for_is_the_one_that_the_service_reads() {
    let service = two::service(End::Trailers).await;
    let stage = stage(&format!("\"h2c://{service}\""), "").await;
    let answer = stage.curl("/a?b", "-H Host:one.example").await;
    assert!(answer.contains("x-asked: http://one.example/a?b None"), "{answer}");
    let answer = stage.curl("/a?b", "--http1.1 -H Host:two.example -H TE:trailers").await;
    assert!(answer.contains("x-asked: http://two.example/a?b Some(trailers)"), "{answer}");
    drop(stage.stop().await);
}
