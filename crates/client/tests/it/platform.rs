//! A platform that answers as the test says and remembers what it was sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request as it came: method and path, and its body as JSON (null where it is none).
pub(crate) type Request = (String, Value);

/// Listens until the test ends.
pub(crate) struct Platform {
    pub(crate) origin: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Platform {
    /// Answers each request with the JSON that `answer` gives.
    pub(crate) fn answering(answer: impl Fn(&str, &Value) -> Value + Send + 'static) -> Self {
        Self::writing(move |request, body| answer(request, body).to_string().into_bytes())
    }

    /// Answers each request with the bytes that `answer` gives.
    pub(crate) fn writing(answer: impl Fn(&str, &Value) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &heard, &answer);
            }
        });
        Self { origin, seen }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Whether such a request came.
    pub(crate) fn heard(&self, request: &str) -> bool {
        self.seen().iter().any(|(seen, _)| seen == request)
    }
}

fn serve(mut stream: &TcpStream, seen: &Mutex<Vec<Request>>, answer: &dyn Fn(&str, &Value) -> Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let request = first.rsplit_once(' ').map(|(request, _)| request.to_owned()).unwrap_or_default();
    let bytes = answer(&request, &body);
    seen.lock().unwrap().push((request, body));
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", bytes.len());
    // A client that has read enough closes the connection.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes));
}
