//! Frames of HTTP/2 by hand, which no decent client sends, before a service of HTTP/1.1; and TLS that begins anew amid a connection.

use std::{net::SocketAddr, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
};

use crate::{
    outside::{Stage, chain},
    two,
};

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// As literals that nobody keeps (RFC 7541 §6.2.2).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// The status of the answer to this request, if there is one.
async fn answer(gate: SocketAddr, request: &[(&str, &str)], body: &[u8]) -> Option<u8> {
    let mut stream = two::tls(gate, "known").await;
    let last = if body.is_empty() { END_STREAM } else { 0 };
    let head = frame(HEADERS, END_HEADERS | last, 1, &fields(request));
    let data = if body.is_empty() { Vec::new() } else { frame(0, END_STREAM, 1, body) };
    let all = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, &[])[..], &head, &data].concat();
    stream.write_all(&all).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        match head[3] {
            // The first field is the status: an index (RFC 7541 appendix A), or something else.
            HEADERS => return payload.iter().copied().find(|octet| octet & 0xe0 != 0x20),
            3 | 7 => return None,
            _ => {}
        }
    }
}

/// `:status: 200` in the static table.
const GOOD: Option<u8> = Some(0x88);

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_more_than_one_request_behind_is_refused() {
    // The service answers whatever it reads.
    let stage = Stage::set().await;
    let [method, scheme, path, authority] =
        [(":method", "GET"), (":scheme", "https"), (":path", "/public"), (":authority", "localhost")];
    let post = (":method", "POST");
    assert_eq!(answer(stage.address, &[method, scheme, path, authority], b"").await, GOOD);
    for (request, body) in [
        (vec![method, scheme, (":path", "/ HTTP/1.1\r\nx: y"), authority], &b""[..]),
        (vec![method, scheme, (":path", "/a b"), authority], b""),
        (vec![method, scheme, path, (":authority", "a\r\nx: y")], b""),
        (vec![method, scheme, path, (":authority", "user@localhost")], b""),
        (vec![(":method", "GET / HTTP/1.1\r\n"), scheme, path, authority], b""),
        (vec![method, scheme, path, authority, ("x", "a\r\nclient-cert: lie")], b""),
        (vec![method, scheme, path, authority, ("x", "a\nclient-cert: lie")], b""),
        (vec![method, scheme, path, authority, ("x", "a\0b")], b""),
        (vec![method, scheme, path, authority, ("x\r\ny", "z")], b""),
        (vec![method, scheme, path, authority, ("x: y", "z")], b""),
        (vec![method, scheme, path, authority, ("X-A", "z")], b""),
        (vec![method, scheme, path, authority, ("connection", "x")], b""),
        (
            vec![post, scheme, path, authority, ("transfer-encoding", "chunked")],
            b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
        ),
        (vec![post, scheme, path, authority, ("content-length", "1")], b"0GET /x"),
        (vec![post, scheme, path, authority, ("content-length", "9")], b"0"),
        (vec![post, scheme, path, authority, ("content-length", "1"), ("content-length", "2")], b"0"),
        (vec![method, method, scheme, path, authority], b""),
        (vec![method, scheme, authority], b""),
        (vec![method, scheme, path, authority, ("host", "localhost"), ("host", "other")], b""),
        (vec![method, scheme, path, authority, (":path", "/mtls-protect/x")], b""),
    ] {
        let answered = answer(stage.address, &request, body).await;
        assert_ne!(answered, GOOD, "{request:?}");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_does_not_begin_anew_amid_a_connection() {
    let stage = Stage::set().await;
    let words = format!(
        "s_client -msg -connect {} -servername localhost -CAfile {}/root.pem -tls1_2 {}",
        stage.address,
        chain().display(),
        Stage::as_client("known")
    );
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut into = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The word of OpenSSL's client for it.
    into.write_all(b"R\n").await.unwrap();
    let mut said = String::new();
    while said.matches("ClientHello").count() < 2 {
        said.push_str(&lines.next_line().await.unwrap().expect("it begins anew"));
    }
    assert!(stage.curl("/public", "").await.contains(" 200"), "the gate goes on with others");
    child.kill().await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
    }
    assert_eq!(said.matches(", ServerHello").count(), 2, "one, and its end: {said}");
    drop(stage.stop().await);
}
