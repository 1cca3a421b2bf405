//! nginx calls the gate with its certificate (`proxy_ssl_certificate`), for whoever asks it without TLS: each of its requests is judged, those over
//! connections that it keeps and sessions that it takes up again too.

use std::path::Path;

use crate::{
    lists::{List, publish},
    others::Server,
    outside::{Stage, chain, usual},
};

/// nginx that calls the gate as each of these, below its name.
fn caller(folder: &Path, clients: &[&str], gate: u16) -> (Server, u16) {
    let at = chain().display();
    // An upstream for each: nginx keeps connections and sessions by upstream, whatever certificate they were opened with.
    let upstreams = clients
        .iter()
        .map(|client| format!("upstream as-{client} {{ server 127.0.0.1:{gate}; keepalive 4; }}\n"));
    let locations = clients.iter().map(|client| {
        let shown = match *client {
            "nobody" => String::new(),
            name => {
                format!("proxy_ssl_certificate {at}/{name}.pem; proxy_ssl_certificate_key {at}/{name}.key;")
            }
        };
        format!("location /{client}/ {{ proxy_pass https://as-{client}/; {shown} }}\n")
    });
    let (upstreams, locations): (String, String) = (upstreams.collect(), locations.collect());
    let settings = format!(
        "{upstreams}\
         server {{ listen 127.0.0.1:PORT; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host localhost;\n\
         proxy_ssl_verify on; proxy_ssl_trusted_certificate {at}/root.pem; proxy_ssl_name localhost; proxy_ssl_server_name on;\n\
         {locations}}}\n"
    );
    Server::nginx(folder, &settings)
}

fn status(answer: &str) -> &str {
    answer.split_whitespace().nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_calls_with_its_certificate_and_each_request_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("clients.crl");
    publish(&list, &List::of_clients("05", &["revoked"]).make());
    let lists = [format!("{}/root.crl", chain().display()), list.display().to_string()];
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists)).await;
    let clients = ["known", "revoked", "unknown", "expired", "foreign", "direct", "critical", "nobody"];
    let (_nginx, port) = caller(folder.path(), &clients, stage.address.port());
    for (client, wanted, code) in [
        ("known", "200", ""),
        ("revoked", "401", "certificate_revoked"),
        ("unknown", "403", "client_unknown"),
        ("expired", "401", "certificate_expired"),
        ("foreign", "401", "certificate_untrusted"),
        ("direct", "401", "certificate_wrong_issuer"),
        ("critical", "401", "certificate_unknown_critical_extension"),
        ("nobody", "401", "certificate_missing"),
        ("known", "200", ""),
    ] {
        let answer = stage.call(&format!("-i http://127.0.0.1:{port}/{client}/mtls-protect/a")).await;
        assert_eq!(status(&answer), wanted, "{client}: {answer}");
        if code.is_empty() {
            let seen = answer.to_ascii_lowercase();
            assert!(seen.contains("get /mtls-protect/a http/1.1\r\n"), "{answer}");
            assert!(seen.contains("client-cert: :"), "{answer}");
        } else {
            assert!(answer.contains(&format!("sceau-code: {code}\r\n")), "{client}: {answer}");
        }
    }
    // Over what it keeps: a certificate that is taken back meanwhile is refused.
    publish(&list, &List::of_clients("06", &["revoked", "known"]).make());
    let since = std::time::Instant::now();
    loop {
        let answer = stage.call(&format!("-i http://127.0.0.1:{port}/known/mtls-protect/a")).await;
        if status(&answer) == "401" {
            assert!(answer.contains("sceau-code: certificate_revoked\r\n"), "{answer}");
            break;
        }
        assert!(since.elapsed().as_secs() < 10, "{answer}");
    }
    drop(stage.stop().await);
}
