//! One connection: a task that writes, a task that reads, and the calls that wait.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::framing::read_frame;
use crate::wire::{Reply, Response};

/// Frames that wait to be written before callers wait too.
const QUEUE: usize = 1024;

#[derive(Debug, Clone)]
pub(super) struct Connection {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<BytesMut>,
}

#[derive(Debug, Default)]
struct Shared {
    numbers: AtomicU64,
    /// The calls in flight; none once the connection has ended.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Response>>>>,
}

impl Connection {
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        let (source, sink) = UnixStream::connect(path).await?.into_split();
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let shared =
            Arc::new(Shared { numbers: AtomicU64::new(0), waiting: Mutex::new(Some(HashMap::new())) });
        tokio::spawn(write(sink, queue));
        tokio::spawn(read(source, Arc::clone(&shared)));
        Ok(Self { shared, outgoing })
    }

    pub(super) fn is_alive(&self) -> bool {
        self.shared.waiting().is_some() && !self.outgoing.is_closed()
    }

    pub(super) fn next_number(&self) -> u64 {
        self.shared.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a frame and waits for the reply of that number; none when the connection ends first.
    pub(super) async fn exchange(&self, number: u64, frame: BytesMut) -> Option<Response> {
        let (sender, receiver) = oneshot::channel();
        self.shared.waiting().as_mut()?.insert(number, sender);
        let place = Place { shared: &self.shared, number };
        self.outgoing.send(frame).await.ok()?;
        let response = receiver.await.ok();
        drop(place);
        response
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Response>>>> {
        // Nothing panics while it is held; if something did, the map is still whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a call's place back, also when its caller stops waiting.
struct Place<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.shared.waiting().as_mut() {
            waiting.remove(&self.number);
        }
    }
}

/// Writes what is queued, all of it at once. Ends when every [`Connection`] is gone or the socket fails.
async fn write(mut sink: OwnedWriteHalf, mut queue: mpsc::Receiver<BytesMut>) {
    while let Some(mut buffer) = queue.recv().await {
        while let Ok(more) = queue.try_recv() {
            buffer.extend_from_slice(&more);
        }
        if sink.write_all(&buffer).await.is_err() {
            break;
        }
    }
}

/// Hands replies to their callers until the connection ends; then nobody waits any more.
async fn read(mut source: OwnedReadHalf, shared: Arc<Shared>) {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    while let Ok(Some(frame)) = read_frame(&mut source, &mut buffer).await {
        let Ok(reply) = serde_json::from_slice::<Reply>(&frame) else {
            tracing::warn!("the element sent a reply that cannot be read");
            break;
        };
        let waiting = shared.waiting().as_mut().and_then(|waiting| waiting.remove(&reply.call));
        if let Some(caller) = waiting {
            // A caller that stopped waiting is no error.
            let _ = caller.send(reply.response);
        }
    }
    shared.waiting().take();
}
