//! Calls to a partner that closes a connection as the next call comes over it: nginx, which answers the first request of each connection, reads the second, and
//! hangs up. Its own log says what it read. And to partners that refuse a request, or every connection.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use h2::Reason;
use sceau_pki::{PrivateKey, TlsIdentity, server_config};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    calls_go_out_with_our_certificate::{Out, tls},
    others::{Server, free_port},
    outside::chain,
};

fn partner(folder: &Path) -> (Server, u16) {
    let (at, folder_at) = (chain().display(), folder.display());
    let server = format!(
        "log_format each '$request_method $status $connection_requests';\n\
         server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
         ssl_client_certificate {at}/root.pem; ssl_verify_client on; ssl_verify_depth 3; access_log {folder_at}/partner.log each; \
         if ($connection_requests != 1) {{ return 444; }} \
         location = /401 {{ return 401 no; }} location = /403 {{ return 403 no; }} location / {{ return 200 \"here\"; }} }}"
    );
    Server::nginx(folder, &server)
}

/// What the partner read of these calls, the first of which makes the connection that the second is sent over; it writes a line once an answer is out.
async fn read(calls: &[&str], lines: usize) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path());
    let out = Out::to(&format!("https://localhost:{port}"), &tls("root", "direct")).await;
    let mut answers = Vec::new();
    for words in calls {
        answers.push(out.curl("/", words).await);
    }
    let since = Instant::now();
    let log = loop {
        let log = fs::read_to_string(folder.path().join("partner.log")).unwrap_or_default();
        if log.lines().count() >= lines {
            break log;
        }
        assert!(since.elapsed().as_secs() < 10, "{log}");
        tokio::task::yield_now().await;
    };
    drop(out.stop().await);
    (answers, log.lines().map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_happen_twice_is_sent_again_over_another_connection() {
    for (words, method) in
        [("", "GET"), ("-I", "HEAD"), ("-X PUT", "PUT"), ("-X DELETE", "DELETE"), ("-X OPTIONS", "OPTIONS")]
    {
        let (answers, log) = read(&["", words], 3).await;
        assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200")), "{method}: {answers:?}");
        assert_eq!(log, ["GET 200 1".to_owned(), format!("{method} 444 2"), format!("{method} 200 1")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_is_sent_once_and_the_application_is_told() {
    for (words, method) in [
        ("-X POST", "POST"),
        ("-d an-appointment", "POST"),
        ("-X PATCH", "PATCH"),
        ("-X PATCH -d x", "PATCH"),
        // It may happen twice, and part of its body went out.
        ("-X PUT -d x", "PUT"),
    ] {
        // One call more, after which whatever was to be sent again has been.
        let (answers, log) = read(&["", words, ""], 3).await;
        let told = &answers[1];
        assert!(told.starts_with("HTTP/1.1 502"), "{words}: {told}");
        assert!(told.contains("sceau-code: partner_away\r\n"), "{words}: {told}");
        assert!(told.contains("the partner takes no connection, or breaks off"), "{words}: {told}");
        assert_eq!(
            log,
            ["GET 200 1".to_owned(), format!("{method} 444 2"), "GET 200 1".to_owned()],
            "{words}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_turns_a_call_away_is_asked_once_and_the_application_reads_why() {
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path());
    let to = format!("https://localhost:{port}");
    for (path, status, code, words) in [
        (
            "/401",
            "401 Unauthorized",
            "partner_unauthorized",
            "the partner does not take our certificate for proof (missing, expired, revoked, or of an authority that it does not trust)",
        ),
        (
            "/403",
            "403 Forbidden",
            "partner_forbidden",
            "the partner believes our certificate, and does not know its common name and unit, or not from this address",
        ),
    ] {
        for (method, shown) in [("-X GET", "no"), ("-d x", "no")] {
            let out = Out::to(&to, &tls("root", "direct")).await;
            let answer = out.curl(path, method).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
            assert!(answer.contains(&format!("sceau-code: {code}\r\n")), "{answer}");
            assert!(answer.contains(&format!("sceau-reason: {words}")), "{answer}");
            assert!(answer.ends_with(shown), "the partner's own words: {answer}");
            drop(out.stop().await);
        }
    }
    drop(_partner);
    let log = fs::read_to_string(folder.path().join("partner.log")).unwrap();
    assert_eq!(log, "GET 401 1\nPOST 401 1\nGET 403 1\nPOST 403 1\n");
}

/// A partner of HTTP/2 that ends so many requests with this before it answers one, and counts those that it read.
async fn ending(times: usize, reason: Reason) -> (u16, Arc<AtomicUsize>) {
    let read = |file: &str| fs::read_to_string(chain().join(file)).unwrap();
    let key = PrivateKey::from_pem(&read("server.key")).unwrap();
    let mut config = server_config(&TlsIdentity::new(&read("server.pem"), key).unwrap()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(acceptor.accept(stream).await?).await?;
                while let Some(Ok((_, mut answer))) = connection.accept().await {
                    if count.fetch_add(1, Ordering::SeqCst) < times {
                        answer.send_reset(reason);
                    } else {
                        drop(answer.send_response(hyper::Response::new(()), true));
                    }
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            });
        }
    });
    (port, counted)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_refuses_to_begin_is_asked_once_more_and_what_it_began_is_not() {
    for (words, times, reason, status, read) in [
        // It says that it did nothing with the request (RFC 9113 §8.7), whatever the method.
        ("", 1, Reason::REFUSED_STREAM, "200", 2),
        ("-X POST", 1, Reason::REFUSED_STREAM, "200", 2),
        ("", 9, Reason::REFUSED_STREAM, "502", 2),
        ("-X POST", 9, Reason::REFUSED_STREAM, "502", 2),
        ("", 1, Reason::INTERNAL_ERROR, "502", 1),
        ("-X POST", 1, Reason::INTERNAL_ERROR, "502", 1),
        ("-d x", 1, Reason::INTERNAL_ERROR, "502", 1),
    ] {
        let (port, counted) = ending(times, reason).await;
        let out = Out::to(&format!("https://localhost:{port}"), &tls("root", "direct")).await;
        let answer = out.curl("/", words).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{words} {reason:?}: {answer}");
        assert!(status == "200" || answer.contains("sceau-code: partner_away\r\n"), "{answer}");
        assert_eq!(counted.load(Ordering::SeqCst), read, "{words}, {times} times {reason:?}");
        drop(out.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_takes_no_connection_is_told_of_and_called_when_it_is_back() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let out = Out::to(&format!("https://localhost:{port}"), &tls("root", "direct")).await;
    for words in ["", "-d x"] {
        let answer = out.curl("/", words).await;
        assert!(
            answer.starts_with("HTTP/1.1 502") && answer.contains("sceau-code: partner_away\r\n"),
            "{answer}"
        );
    }
    let (at, port_of) = (chain().display(), port.to_string());
    let [certificate, key] = ["pem", "key"].map(|ending| format!("{at}/server.{ending}"));
    let words = ["openssl", "s_server", "-www", "-accept", &port_of, "-cert", &certificate, "-key", &key];
    let _partner = Server::start(folder.path(), &words, port);
    let answer = out.curl("/", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(out.stop().await);
}
