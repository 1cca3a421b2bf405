//! The Unix socket: who may connect, frames in, frames out.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sceau_element_api::wire::{Call, Code, Refusal, Reply, Response};
use sceau_element_api::{read_frame, write_frame};
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Service;

/// Connections at once.
const MAX_CONNECTIONS: usize = 1024;
/// Calls in flight on one connection; then its reading waits.
const MAX_CALLS: usize = 1024;

/// The users that may connect, by the kernel's word (SO_PEERCRED).
#[derive(Debug, Clone)]
pub struct Peers(pub Vec<u32>);

/// Accepts connections until the listener fails. Connections end with their task.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: UnixListener, service: Service, peers: Peers) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let (stream, _) = listener.accept().await?;
        let uid = stream.peer_cred().map(|peer| peer.uid());
        if !uid.as_ref().is_ok_and(|uid| peers.0.contains(uid)) {
            tracing::warn!(?uid, "a connection of another user is refused");
            continue;
        }
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            tracing::warn!("too many connections: one more is refused");
            continue;
        };
        tokio::spawn(converse(stream, service.clone(), slot));
    }
}

type Outgoing = (Reply, OwnedSemaphorePermit);

async fn converse(stream: UnixStream, service: Service, _slot: OwnedSemaphorePermit) {
    let (source, sink) = stream.into_split();
    let (replies, queue) = mpsc::unbounded_channel();
    let writing = tokio::spawn(write(sink, queue));
    read(source, service, replies).await;
    // The calls that are under way are still answered: their closures hold the channel.
    let _ = writing.await;
}

/// Reads calls until the connection ends or cannot be followed.
async fn read(mut source: OwnedReadHalf, service: Service, replies: mpsc::UnboundedSender<Outgoing>) {
    let calls = Arc::new(Semaphore::new(MAX_CALLS));
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let Ok(permit) = Arc::clone(&calls).acquire_owned().await else { return };
        let frame = match read_frame(&mut source, &mut buffer).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "a connection ends");
                return;
            }
        };
        match parse(&frame) {
            Ok(Call { call, request }) => {
                let replies = replies.clone();
                let answer = move |response| {
                    // A caller that is gone is no error.
                    let _ = replies.send((Reply { call, response }, permit));
                };
                service.handle(request, answer).await;
            }
            Err(Some(call)) => {
                let refusal = Refusal::new(Code::Malformed, "the request is not one that this version reads");
                let _ = replies.send((Reply { call, response: Response::Refused(refusal) }, permit));
            }
            Err(None) => return,
        }
    }
}

/// A call; or the number of one that is malformed, so that it can be told; or nothing to go on with.
fn parse(frame: &Bytes) -> Result<Call, Option<u64>> {
    #[derive(Deserialize)]
    struct Number {
        call: u64,
    }
    let number = || serde_json::from_slice(frame).ok().map(|Number { call }| call);
    serde_json::from_slice(frame).map_err(|_| number())
}

/// Writes replies, all that are ready at once.
async fn write(mut sink: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Outgoing>) {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    while let Some((reply, permit)) = queue.recv().await {
        let mut permits = vec![permit];
        encode(&mut buffer, &reply);
        while let Ok((reply, permit)) = queue.try_recv() {
            encode(&mut buffer, &reply);
            permits.push(permit);
        }
        if sink.write_all(&buffer).await.is_err() {
            return;
        }
        buffer.clear();
    }
}

fn encode(buffer: &mut BytesMut, reply: &Reply) {
    if write_frame(buffer, reply).is_err() {
        let refusal = Refusal::new(Code::TooLarge, "the answer does not fit a frame: ask for less");
        let reply = Reply { call: reply.call, response: Response::Refused(refusal) };
        // A refusal is a few hundred bytes, far below the limit.
        let _ = write_frame(buffer, &reply);
    }
}
