//! The conversation with the element, to its end: short answers at once, one comparison after the other.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use sceau_keyring::{FaceAnswer, FaceCall, FaceFault, FaceReply, FaceWelcome};

use crate::desk::Desk;
use crate::frames::{FrameError, read_frame, write_frame};

/// Comparisons that wait: the element has no more under way.
const WAITING: usize = 32;

/// The conversation ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Not in order.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The element left.
    #[error(
        "the element ended the connection, or lets another user come (--biometric-user): started anew, this process comes to it again"
    )]
    Left,
    /// No thread can be started.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
}

/// Serves over a connection until it ends. `ready` is called once the thread that compares is there, and the element asks from then on.
///
/// # Errors
/// [`ServeError`], always: the element does not end it but by leaving.
pub fn serve<S: Write + Send + 'static>(
    desk: Desk,
    mut source: impl Read,
    mut sink: S,
    ready: impl FnOnce(),
) -> Result<(), ServeError> {
    write_frame(&mut sink, &desk.hello())?;
    let (desk, sink) = (Arc::new(desk), Arc::new(Mutex::new(sink)));
    let (compare, asked) = sync_channel(WAITING);
    let comparing = (Arc::clone(&desk), Arc::clone(&sink));
    thread::Builder::new()
        .name("compare".to_owned())
        .spawn(move || work(&comparing.0, &asked, &comparing.1))
        .map_err(ServeError::Thread)?;
    if !matches!(read_frame(&mut source)?, Some(FaceWelcome { v: 1 })) {
        return Err(ServeError::Left);
    }
    ready();
    while let Some(FaceCall { call, ask }) = read_frame(&mut source)? {
        if !Desk::takes_long(&ask) {
            say(&sink, call, desk.answer(&ask))?;
            continue;
        }
        let busy = FaceAnswer::Refused { fault: FaceFault::Busy };
        match compare.try_send(FaceCall { call, ask }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => say(&sink, call, busy)?,
            // It could not write: neither can this thread.
            Err(TrySendError::Disconnected(_)) => break,
        }
    }
    Err(ServeError::Left)
}

/// Compares, one after the other.
fn work<S: Write>(desk: &Desk, asked: &Receiver<FaceCall>, sink: &Mutex<S>) {
    while let Ok(FaceCall { call, ask }) = asked.recv() {
        if say(sink, call, desk.answer(&ask)).is_err() {
            return;
        }
    }
}

fn say<S: Write>(sink: &Mutex<S>, call: u64, answer: FaceAnswer) -> Result<(), FrameError> {
    // A frame is written whole or the connection is over: nothing is left half done that another would go on with.
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    write_frame(&mut *sink, &FaceReply { call, answer })
}
