//! What stands between platform and element, knows what passes, and holds a chosen message.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use crate::hold::{Held, Hold};

/// On which side of the element's word a message is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The element has not heard what it is asked.
    Before,
    /// It is done and durable, and the platform has not heard so.
    After,
}

type Rule = Box<dyn FnMut(Side, &Value) -> bool + Send>;

/// The way from the platform to the element.
#[derive(Clone)]
pub struct Door {
    element: PathBuf,
    plan: Arc<Mutex<Option<(Rule, Held)>>>,
}

/// What was asked on a connection and is not answered yet, by the number of the call.
type Asked = Arc<Mutex<HashMap<u64, Value>>>;

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.element.display())
    }
}

impl Door {
    /// Listens at `path` in the place of the element at `element`.
    pub fn open(path: &Path, element: PathBuf) -> Self {
        let listener = UnixListener::bind(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let door = Self { element, plan: Arc::default() };
        let accepting = door.clone();
        tokio::spawn(async move {
            while let Ok((platform, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().pass(platform));
            }
        });
        door
    }

    /// Holds the first message for which `rule` says so. It sees each request as the platform wrote it, `Before` the element does, and again
    /// `After` the element granted it. A later rule replaces an earlier one.
    pub fn hold(&self, rule: impl FnMut(Side, &Value) -> bool + Send + 'static) -> Hold {
        let (hold, held) = Hold::new();
        *self.plan() = Some((Box::new(rule), held));
        hold
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Option<(Rule, Held)>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the message may pass, at once or after it was held.
    async fn passes(&self, side: Side, asked: &Value) -> bool {
        let held = self.plan().take_if(|(rule, held)| held.is_awaited() && rule(side, asked));
        match held {
            Some((_, held)) => held.wait().await,
            None => true,
        }
    }

    async fn pass(self, platform: UnixStream) {
        let Ok(element) = UnixStream::connect(&self.element).await else { return };
        let (asks, hears) = platform.into_split();
        let (answers, told) = element.into_split();
        let open: Asked = Arc::default();
        let answering = tokio::spawn(self.clone().answers(Arc::clone(&open), answers, hears));
        self.asks(open, asks, told).await;
        // One side is gone: the other sees it as it would without us.
        let _ = answering.await;
    }

    async fn asks(&self, open: Asked, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        while let Some(frame) = read_frame(&mut from).await {
            let (number, asked) = taken_apart(&frame, "request");
            open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, asked.clone());
            if !self.passes(Side::Before, &asked).await || write_frame(&mut to, &frame).await.is_none() {
                return;
            }
        }
    }

    async fn answers(self, open: Asked, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        while let Some(frame) = read_frame(&mut from).await {
            let (number, answer) = taken_apart(&frame, "response");
            let asked = open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            let granted = asked.filter(|_| answer.get("refused").is_none());
            let passes = match granted {
                Some(asked) => self.passes(Side::After, &asked).await,
                None => true,
            };
            if !passes || write_frame(&mut to, &frame).await.is_none() {
                return;
            }
        }
    }
}

/// Whether this asks the element to make something durable.
pub fn is_write(asked: &Value) -> bool {
    ["attest", "append", "append_signed"].iter().any(|name| asked.get(name).is_some())
}

/// Whether this asks the element to attest a document of a kind.
pub fn attests(asked: &Value, kind: &str) -> bool {
    asked.pointer("/attest/kind").is_some_and(|asked| asked == kind)
}

/// The number of a call, and what is asked or answered.
fn taken_apart(frame: &[u8], what: &str) -> (u64, Value) {
    let mut call: Value = serde_json::from_slice(frame).expect("frames are JSON");
    let number = call.get("call").and_then(Value::as_u64).expect("a call has a number");
    (number, call.get_mut(what).map(Value::take).unwrap_or_default())
}

/// One frame of the protocol: four bytes of length, big-endian, and JSON.
async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> Option<()> {
    to.write_u32(u32::try_from(frame.len()).expect("a frame is small")).await.ok()?;
    to.write_all(frame).await.ok()
}
