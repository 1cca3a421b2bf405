//! What stands before the platform, reads each request as it comes (HTTP/1.1), and holds a chosen one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::hold::{Held, Hold};

/// Where a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The platform has not heard of it.
    Asked,
    /// The platform has its head and half of its body.
    HalfSent,
    /// The platform has answered, and who asked has not heard it.
    Answered,
}

type Rule = Box<dyn Fn(&str, &str) -> bool + Send>;

/// The way to the platform, for browsers and key managers alike.
#[derive(Clone)]
pub struct Gate {
    platform: SocketAddr,
    plan: Arc<Mutex<Option<(Rule, Moment, Held)>>>,
}

/// Set while the next answer of a connection must not pass.
type Answer = Arc<Mutex<Option<Held>>>;

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate({})", self.platform)
    }
}

impl Gate {
    /// Serves `listener` in the place of the platform at the loopback's `port`.
    pub fn open(listener: TcpListener, port: u16) -> Self {
        let gate = Self { platform: (Ipv4Addr::LOCALHOST, port).into(), plan: Arc::default() };
        let accepting = gate.clone();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().pass(caller));
            }
        });
        gate
    }

    /// Holds the first request for whose method and path `rule` says so.
    pub fn hold(&self, moment: Moment, rule: impl Fn(&str, &str) -> bool + Send + 'static) -> Hold {
        let (hold, held) = Hold::new();
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some((Box::new(rule), moment, held));
        hold
    }

    fn planned(&self, method: &str, path: &str) -> Option<(Moment, Held)> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.take_if(|(rule, _, held)| held.is_awaited() && rule(method, path))
            .map(|(_, moment, held)| (moment, held))
    }

    async fn pass(self, caller: TcpStream) {
        let Ok(platform) = TcpStream::connect(self.platform).await else { return };
        let (asks, hears) = caller.into_split();
        let (answers, told) = platform.into_split();
        let answer = Answer::default();
        // Whoever goes away first: the other sees its connection end.
        tokio::select! {
            _ = self.requests(asks, told, &answer) => {}
            _ = answered(answers, hears, &answer) => {}
        }
    }

    /// One request after the other; nobody here sends a second one before the first is answered.
    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answer: &Answer) -> Option<()> {
        let mut buffer = Vec::new();
        loop {
            let head = loop {
                if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                    break end + 4;
                }
                read(&mut from, &mut buffer).await?;
            };
            let (method, path, body) = understood(buffer.get(..head)?);
            let mut left = head + body;
            match self.planned(&method, &path) {
                Some((Moment::Asked, held)) => held.wait().await.then_some(())?,
                Some((Moment::HalfSent, held)) => {
                    let half = head + body / 2;
                    sent(&mut from, &mut to, &mut buffer, half).await?;
                    held.wait().await.then_some(())?;
                    left -= half;
                }
                Some((Moment::Answered, held)) => {
                    *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                }
                None => {}
            }
            sent(&mut from, &mut to, &mut buffer, left).await?;
        }
    }
}

/// Sends on `length` bytes, those that have come and those to come; what is beyond stays in `buffer`.
async fn sent(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    buffer: &mut Vec<u8>,
    length: usize,
) -> Option<()> {
    let mut left = length;
    loop {
        let here: Vec<u8> = buffer.drain(..buffer.len().min(left)).collect();
        to.write_all(&here).await.ok()?;
        left -= here.len();
        if left == 0 {
            return Some(());
        }
        read(from, buffer).await?;
    }
}

async fn answered(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answer: &Answer) -> Option<()> {
    loop {
        let mut buffer = Vec::new();
        read(&mut from, &mut buffer).await?;
        let held = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(held) = held {
            held.wait().await.then_some(())?;
        }
        to.write_all(&buffer).await.ok()?;
    }
}

async fn read(from: &mut OwnedReadHalf, buffer: &mut Vec<u8>) -> Option<()> {
    match from.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

/// Method, path and length of the body.
fn understood(head: &[u8]) -> (String, String, usize) {
    let head = std::str::from_utf8(head).expect("our own clients send ASCII").to_ascii_lowercase();
    let mut words = head.split_ascii_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    assert!(!head.contains("\r\ntransfer-encoding:"), "our own clients know how much they send: {head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |text| text.trim().parse().expect("a number of bytes"));
    (method.to_ascii_uppercase(), path, length)
}
