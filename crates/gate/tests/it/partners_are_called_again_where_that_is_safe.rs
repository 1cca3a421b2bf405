//! Calls to a partner that closes a connection as the next call comes over it: nginx, which answers the first request of each connection, reads the second, and
//! hangs up. Its own log says what it read.

use std::{fs, path::Path, time::Instant};

use crate::{
    calls_go_out_with_our_certificate::{Out, tls},
    others::Server,
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
