//! Requests that are under way for as long as a test wants, over HTTP/1.1, HTTP/2 and to a partner, and the service that holds them.

use std::{net::SocketAddr, path::Path, process::Stdio};

use bytes::Bytes;
use h2::{RecvStream, client::ResponseFuture};
use hyper::Request;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{mpsc, watch},
};

use crate::{kept::Kept, others::Server, outside::chain, two};

/// What each answer, and each upload, says in the end.
const WHOLE: &str = "first last";

/// A service that says half of each answer, and waits: below `answer` the first half is an answer's, else it is its body's.
pub(crate) struct Holding {
    pub(crate) address: SocketAddr,
    pub(crate) go: watch::Sender<bool>,
    asked: mpsc::UnboundedReceiver<String>,
}

impl Holding {
    pub(crate) async fn open() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let ((tell, asked), go) = (mpsc::unbounded_channel(), watch::Sender::new(false));
        let going = go.subscribe();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (tell, going) = (tell.clone(), going.clone());
                tokio::spawn(async move { serve(stream, &tell, going).await });
            }
        });
        Self { address, go, asked }
    }

    /// The next that it was asked for, of which half is there.
    pub(crate) async fn asked(&mut self) -> String {
        self.asked.recv().await.unwrap()
    }

    /// Everything that it was asked for meanwhile.
    pub(crate) fn more(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    tell: &mpsc::UnboundedSender<String>,
    mut go: watch::Receiver<bool>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let path = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
    let (answers, mut octets) = (path.contains("answer"), [0; WHOLE.len()]);
    let (first, last) = WHOLE.split_at(5);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", WHOLE.len());
    if answers {
        stream.write_all((head + first).as_bytes()).await.ok()?;
        tell.send(path).unwrap();
        go.wait_for(|go| *go).await.ok()?;
        return stream.write_all(last.as_bytes()).await.ok();
    }
    stream.read_exact(&mut octets[..first.len()]).await.ok()?;
    tell.send(path).unwrap();
    go.wait_for(|go| *go).await.ok()?;
    stream.read_exact(&mut octets[first.len()..]).await.ok()?;
    stream.write_all(&[head.as_bytes(), &octets].concat()).await.ok()
}

/// nginx as a partner that speaks TLS of this version before the service.
pub(crate) fn partner(folder: &Path, service: SocketAddr, version: &str) -> (Server, u16) {
    let at = chain().display();
    let server = format!(
        "server {{ listen 127.0.0.1:PORT ssl; ssl_protocols {version}; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
         ssl_client_certificate {at}/root.pem; ssl_verify_client on; ssl_verify_depth 3; \
         location / {{ proxy_pass http://{service}; proxy_buffering off; proxy_request_buffering off; proxy_http_version 1.1; }} }}"
    );
    Server::nginx(folder, &server)
}

/// What is under way.
pub(crate) struct UnderWay {
    ones: [Kept; 2],
    twos: Option<Twos>,
}

struct Twos {
    answer: RecvStream,
    upload: (ResponseFuture, h2::SendStream<Bytes>),
    _client: h2::client::SendRequest<Bytes>,
}

impl UnderWay {
    /// Answers and uploads over HTTP/1.1 and HTTP/2 below this path.
    pub(crate) async fn begin(gate: SocketAddr, base: &str, holding: &mut Holding) -> Self {
        let mut one = Kept::open(gate, "known", "");
        one.say(&format!("GET {base}one/answer HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        one.wait_for("first").await;
        let mut other = Kept::open(gate, "known", "");
        let head = format!(
            "POST {base}one/upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            WHOLE.len()
        );
        other.say(&(head + "first")).await;
        let mut client = two::connect(gate, "known").await;
        let request = |method: &str, what: &str| {
            let request = Request::builder().method(method).uri(format!("https://localhost{base}two/{what}"));
            let length = (method == "POST").then_some(("content-length", WHOLE.len()));
            length.into_iter().fold(request, |it, (name, value)| it.header(name, value)).body(()).unwrap()
        };
        let (answer, _) = client.send_request(request("GET", "answer"), true).unwrap();
        let mut answer = answer.await.unwrap().into_body();
        assert_eq!(next(&mut answer).await.unwrap(), "first");
        let mut client = client.ready().await.unwrap();
        let (response, mut body) = client.send_request(request("POST", "upload"), false).unwrap();
        body.send_data(Bytes::from_static(b"first"), false).unwrap();
        let mut asked = Vec::new();
        while asked.len() < 4 {
            asked.push(holding.asked().await);
        }
        let twos = Some(Twos { answer, upload: (response, body), _client: client });
        Self { ones: [one, other], twos }
    }

    /// Lets all go on, each to its whole end.
    pub(crate) async fn end_whole(mut self, holding: &mut Holding) {
        let [one, other] = &mut self.ones;
        other.say(" last").await;
        let mut twos = self.twos.take().unwrap();
        let (response, body) = &mut twos.upload;
        body.send_data(Bytes::from_static(b" last"), true).unwrap();
        holding.go.send_replace(true);
        for kept in [one, other] {
            assert_eq!(kept.hear().await.0, "200");
            assert_eq!(kept.body(), WHOLE);
        }
        assert_eq!(next(&mut twos.answer).await.unwrap(), " last");
        assert_eq!(next(&mut twos.answer).await, None, "it ended, and was not cut");
        let answer = response.await.unwrap();
        assert_eq!(answer.status(), 200);
        let (mut said, mut answer) = (String::new(), answer.into_body());
        while let Some(part) = next(&mut answer).await {
            said.push_str(&part);
        }
        assert_eq!(said, WHOLE);
        assert_eq!(holding.more(), Vec::<String>::new(), "nothing was asked for twice");
    }
}

/// Calls to a partner that are under way.
pub(crate) struct Calls([Child; 2]);

impl Calls {
    /// By curl at this address: an answer of which half is there, and a body that is read.
    pub(crate) async fn begin(at: &str, holding: &mut Holding) -> Self {
        let begin = |words: &[&str]| {
            let mut curl = Command::new("curl");
            curl.args(["-sS", "-i", "-N"]).args(words).stdout(Stdio::piped()).kill_on_drop(true);
            curl.spawn().unwrap()
        };
        let (answer, upload) = (format!("http://{at}/answer"), format!("http://{at}/upload"));
        let calls = [begin(&[&answer]), begin(&["--data", WHOLE, &upload])];
        let mut asked = [holding.asked().await, holding.asked().await];
        asked.sort();
        assert_eq!(asked, ["/answer", "/upload"]);
        Self(calls)
    }

    /// Lets them go on, each to its whole end.
    pub(crate) async fn end_whole(self, holding: &mut Holding) {
        holding.go.send_replace(true);
        for call in self.0 {
            let output = call.wait_with_output().await.unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let is_whole = said.starts_with("HTTP/1.1 200") && said.ends_with(WHOLE);
            assert!(output.status.success() && is_whole, "{said}");
        }
        assert_eq!(holding.more(), Vec::<String>::new(), "nobody was called twice");
    }
}

/// The next part; none at its end. A stream that is cut fails.
async fn next(answer: &mut RecvStream) -> Option<String> {
    let data = answer.data().await?.unwrap();
    answer.flow_control().release_capacity(data.len()).unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}
