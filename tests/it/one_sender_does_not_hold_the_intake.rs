//! Slow senders, and senders who take every place: the intake gives their places to others. And its TLS, with clients that we did not write.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;

use futures::StreamExt as _;
use sceau_element_api::documents::{Answers, SealedAnswers};
use sceau_tests::{Program, Scanned, Visit, words};
use serde_json::{Value, json};

use crate::documents_are_scanned_as_they_come_in::pdf;

/// A body that begins well and then says nothing more.
fn stalled() -> reqwest::Body {
    let begun: Result<Vec<u8>, std::io::Error> = Ok(pdf(50_000));
    reqwest::Body::wrap_stream(futures::stream::iter([begun]).chain(futures::stream::pending()))
}

/// A body that brings a byte for each hundredth of a second, without end: never silent, and never done.
fn dripping() -> reqwest::Body {
    let ticks = tokio::time::interval(std::time::Duration::from_millis(10));
    let drops = futures::stream::unfold(ticks, |mut ticks| async {
        ticks.tick().await;
        Some((Ok::<_, std::io::Error>(vec![b'x']), ticks))
    });
    let begun: Result<Vec<u8>, std::io::Error> = Ok(pdf(1000));
    reqwest::Body::wrap_stream(futures::stream::iter([begun]).chain(drops))
}

#[tokio::test]
async fn a_silent_or_dripping_sender_loses_its_place() {
    let limits = "lowest_rate = 1000000\ngrace_seconds = 1\nsilence_seconds = 1";
    let scanned = Scanned::start_limited("slow-sender", "", limits);
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    for body in [stalled(), dripping()] {
        let place = visit.announce("lent.pdf", "application/pdf", 9_000_000).await.unwrap();
        assert_eq!(visit.send(place, body).await.unwrap_err(), "too_slow");
        // Nothing was judged: it may be sent again.
        visit.until(place, "announced").await;
    }
    visit.pdf(pdf(400_000)).await.unwrap();
    visit.submit().await.unwrap();
}

#[tokio::test]
async fn one_deposit_or_one_address_does_not_take_every_place() {
    let scanned = Scanned::start_limited("places", "", "at_once = 4\nper_deposit = 2\nper_address = 3");
    let cast = scanned.cast().await;
    let visits = [scanned.begin(&cast).await, scanned.begin(&cast).await];
    let announce =
        async |visit: &Visit<'_>| visit.announce("a.pdf", "application/pdf", 9_000_000).await.unwrap();
    let mut places = Vec::new();
    for visit in [&visits[0], &visits[0], &visits[1]] {
        places.push((visit, announce(visit).await));
    }
    let all = futures::future::join_all(places.iter().map(|(visit, place)| visit.send(*place, stalled())));
    let others = async {
        for (visit, place) in &places {
            visit.until(*place, "receiving").await;
        }
        // A third of the first deposit; a second of the other, which is the fourth of one address.
        for visit in &visits {
            let place = announce(visit).await;
            assert_eq!(visit.send(place, pdf(9_000_000)).await.unwrap_err(), "too_many_at_once");
        }
    };
    tokio::select! {
        ended = all => panic!("{ended:?}"),
        () = others => {}
    }
    // They are gone: their places are free.
    let place = visits[0].announce("a.pdf", "application/pdf", 2000).await.unwrap();
    while visits[0].send(place, pdf(2000)).await.is_err() {}
}

#[tokio::test]
async fn one_address_does_not_take_every_connection() {
    let scanned = Scanned::start_limited("connections", "", "connections_per_address = 3");
    let port: u16 = scanned.url.rsplit(':').next().unwrap().parse().unwrap();
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let held: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(to).unwrap()).collect();
    let mut refused = TcpStream::connect(to).unwrap();
    assert_eq!(refused.read(&mut [0]).unwrap_or(0), 0, "closed at once");
    // Another address of this machine, as another sender has one.
    let other = reqwest::Client::builder().local_address(std::net::IpAddr::from([127, 0, 0, 2])).no_proxy();
    let answer = other.build().unwrap().get(format!("http://127.0.0.1:{port}/check")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(held);
}

/// What Node's own TLS and HTTP send: a deposit, from the grant to what the manifest is made of.
const NODE: &str = r"
const [port, ca, asked] = [process.argv[1], require('fs').readFileSync(process.argv[2]), JSON.parse(process.argv[3])];
const ask = (method, path, token, body, type) => new Promise((resolve, reject) => {
  const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(type ? { 'content-type': type } : {}) };
  const request = require('https').request({ host: '127.0.0.1', servername: 'depot.localhost', port, ca, method, path, headers }, (answer) => {
    let text = '';
    answer.on('data', (some) => (text += some)).on('end', () => answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text)));
  });
  request.on('error', reject).end(body);
});
const json = (method, path, token, value) => ask(method, path, token, JSON.stringify(value), 'application/json');
(async () => {
  const { id, token } = await json('POST', '/v1/deposits', undefined, asked);
  const file = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(3_000_000, 'x'), Buffer.from('\n%%EOF')]);
  const about = { name: 'preuve.pdf', media_type: 'application/pdf', size: file.length };
  const { place } = await json('POST', `/v1/deposits/${id}/files`, token, about);
  await ask('PUT', `/v1/deposits/${id}/files/${place}`, token, file, 'application/octet-stream');
  console.log(JSON.stringify(await ask('POST', `/v1/deposits/${id}/finish`, token)));
})().catch((error) => { console.error(error); process.exit(1); });
";

#[tokio::test]
async fn tls_ends_at_the_intake_and_foreign_clients_speak_it() {
    let scanned = Scanned::start("intake-tls", "");
    let cast = scanned.cast().await;
    let (certificate, identity) = certificate_of_depot(&scanned);
    let running = scanned.another_intake(&["--tls", identity.to_str().unwrap()]);
    let url = running.said("/url").to_owned();
    assert!(url.starts_with("https://depot.localhost:"), "{url}");
    let port = url.rsplit(':').next().unwrap().to_owned();

    only_new_tls_comes_in(&port);

    let server = cast.citizen.server();
    let begun: Value = server.post("/v1/dossiers", &json!({"scheme": cast.scheme.id})).await.unwrap();
    let dossier = begun["id"].as_str().unwrap();
    let grant: Value = server.post(&format!("/v1/dossiers/{dossier}/intake"), &json!({})).await.unwrap();
    let answers = json!({"price": 3200, "income": 18_500});
    let asked =
        json!({"grant": grant["grant"], "meant": cast.meant(dossier.parse().unwrap()), "answers": answers});
    let node = Program::other("node")
        .args(["-e", NODE, &port])
        .arg(&certificate)
        .arg(asked.to_string())
        .run()
        .success();
    let finished: Value = serde_json::from_str(node.text().trim()).unwrap();
    let sealed = finished["sealed_answers"].as_str().unwrap().parse().unwrap();
    let public = serde_json::from_value(finished["public"].clone()).unwrap();
    let answers = Answers { public, sealed: Some(SealedAnswers { envelope_hash: sealed }) };
    let files = serde_json::from_value(finished["files"].clone()).unwrap();
    let visit = scanned.held(&cast, dossier.parse().unwrap());
    visit.submit_as(answers, files, words(&finished)).await.unwrap();
}

/// A certificate for the intake's name, and the file with certificate and key that it is started with.
fn certificate_of_depot(scanned: &Scanned) -> (PathBuf, PathBuf) {
    let key = scanned.house.scratch.join("tls.key");
    let certificate = scanned.house.scratch.join("tls.pem");
    Program::other("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=depot.localhost", "-addext", "subjectAltName=DNS:depot.localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .run()
        .success();
    let both = [std::fs::read(&certificate).unwrap(), std::fs::read(&key).unwrap()].concat();
    let identity = scanned.house.scratch.write("identity.pem", both);
    (certificate, identity)
}

fn only_new_tls_comes_in(port: &str) {
    // Old versions of TLS have no way in.
    let connect = format!("127.0.0.1:{port}");
    let old = Program::other("openssl")
        .args([
            "s_client",
            "-connect",
            &connect,
            "-servername",
            "depot.localhost",
            "-tls1_1",
            "-cipher",
            "ALL@SECLEVEL=0",
        ])
        .run();
    assert_ne!(old.code, Some(0), "{}", old.text());
    // Nor has who speaks in clear.
    let mut clear = TcpStream::connect(&connect).unwrap();
    clear.write_all(b"GET /check HTTP/1.1\r\nhost: depot.localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = clear.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "no HTTP before TLS");
}
