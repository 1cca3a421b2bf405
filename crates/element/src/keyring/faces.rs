//! The biometric process, as the element reaches it: it comes to a socket of the element's, and is asked over that connection. The element makes no connection.
//!
//! Pictures and templates pass through sealed, and nothing of them is kept here.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{read_frame, write_frame};
use sceau_keyring::{FaceAnswer, FaceAsk, FaceCall, FaceHello, FaceReply, FaceWelcome, ServedModel};
use sceau_trace::Hash;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::service::Peers;

/// How long an answer is awaited at most: two pictures are compared one after the other, each in a second or less.
const WITHIN: Duration = Duration::from_secs(8);
/// How long the process may take to say what it serves, and to take a question.
const PROMPTLY: Duration = Duration::from_secs(5);
/// Questions that wait for the connection.
const WAITING: usize = 64;
/// Models of one process.
const MOST_MODELS: usize = 8;

/// Where the biometric process is reached. Clones are the same.
#[derive(Clone, Default)]
pub struct Faces(Arc<Mutex<Connected>>);

#[derive(Default)]
struct Connected {
    line: Option<Line>,
    number: u64,
}

/// A process that came.
struct Line {
    hello: FaceHello,
    questions: mpsc::Sender<Question>,
    within: Duration,
}

struct Question {
    ask: FaceAsk,
    tell: SyncSender<FaceAnswer>,
}

impl Faces {
    /// Takes in the process of one of these users, until the listener fails. One that comes takes the place of the one before. Its answers are awaited for `within`, 8 s at
    /// most: shorter than what the element ends after, so that a process that hangs takes nothing else along.
    ///
    /// # Errors
    /// When the system gives no more connections.
    pub async fn serve(&self, listener: UnixListener, peers: Peers, within: Duration) -> io::Result<()> {
        let within = within.min(WITHIN);
        loop {
            let (stream, _) = listener.accept().await?;
            let uid = stream.peer_cred().map(|peer| peer.uid());
            if uid.as_ref().is_ok_and(|uid| peers.0.contains(uid)) {
                let faces = self.clone();
                tokio::spawn(async move { faces.converse(stream, within).await });
            } else {
                tracing::warn!(?uid, "a biometric process of another user is refused");
            }
        }
    }

    /// What the process says of a model.
    pub(super) fn serves(&self, model: Hash) -> Result<ServedModel, Refusal> {
        let connected = self.lock();
        let line = connected.line.as_ref().ok_or_else(away)?;
        line.hello.serves(model).ok_or_else(|| {
            let words =
                "the biometric process has not the model that the policy names: its operator loads it";
            Refusal::new(Code::FaceUnavailable, words)
        })
    }

    /// Asks, on a thread that may wait. A process that does not answer is left.
    pub(super) fn ask(&self, ask: FaceAsk) -> Result<FaceAnswer, Refusal> {
        let (number, questions, within) = {
            let connected = self.lock();
            let line = connected.line.as_ref().ok_or_else(away)?;
            (connected.number, line.questions.clone(), line.within)
        };
        let (tell, told) = sync_channel(1);
        questions.try_send(Question { ask, tell }).map_err(|_| away())?;
        told.recv_timeout(within).map_err(|_| {
            self.lose(number);
            away()
        })
    }

    async fn converse(&self, stream: UnixStream, within: Duration) {
        let (mut source, mut sink) = stream.into_split();
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        let first = timeout(PROMPTLY, read_frame(&mut source, &mut buffer)).await;
        let hello = first.ok().and_then(Result::ok).flatten();
        let hello: Option<FaceHello> = hello.and_then(|frame| serde_json::from_slice(&frame).ok());
        let Some(hello) = hello.filter(|hello| hello.v == 1 && hello.models.len() <= MOST_MODELS) else {
            tracing::warn!("a biometric process of another version is refused");
            return;
        };
        let (questions, mut queue) = mpsc::channel::<Question>(WAITING);
        let number = self.put(Line { hello, questions, within });
        let mut welcome = BytesMut::new();
        let said = write_frame(&mut welcome, &FaceWelcome { v: 1 });
        if said.is_err() || sink.write_all(&welcome).await.is_err() {
            return self.lose(number);
        }
        tracing::info!("the biometric process is there");
        let mut waiting = HashMap::new();
        let mut call = 0;
        loop {
            tokio::select! {
                question = queue.recv() => {
                    let Some(Question { ask, tell }) = question else { break };
                    call += 1;
                    let mut frame = BytesMut::new();
                    if write_frame(&mut frame, &FaceCall { call, ask }).is_err() {
                        continue;
                    }
                    if !matches!(timeout(PROMPTLY, sink.write_all(&frame)).await, Ok(Ok(()))) {
                        break;
                    }
                    waiting.insert(call, tell);
                }
                frame = read_frame(&mut source, &mut buffer) => {
                    let Ok(Some(frame)) = frame else { break };
                    let Ok(FaceReply { call, answer }) = serde_json::from_slice(&frame) else { break };
                    if let Some(tell) = waiting.remove(&call) {
                        // Who asked may have gone.
                        let _ = tell.try_send(answer);
                    }
                }
            }
        }
        self.lose(number);
        tracing::warn!("the biometric process is gone: keyrings that ask for the face wait for it");
    }

    fn put(&self, line: Line) -> u64 {
        let mut connected = self.lock();
        connected.number += 1;
        connected.line = Some(line);
        connected.number
    }

    /// Leaves a process, unless another one took its place.
    fn lose(&self, number: u64) {
        let mut connected = self.lock();
        if connected.number == number {
            connected.line = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        // Nothing in it is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn away() -> Refusal {
    let words = "the process that compares faces is away, or does not answer: nothing was counted against you, try again in a moment";
    Refusal::new(Code::FaceUnavailable, words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests state what must hold")]
    use sceau_keyring::ContextId;
    use tempfile::TempDir;

    use super::*;

    struct Stage {
        faces: Faces,
        folder: TempDir,
    }

    impl Stage {
        async fn begin(users: Vec<u32>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
            let faces = Faces::default();
            let serving = faces.clone();
            tokio::spawn(async move { serving.serve(listener, Peers(users), Duration::from_secs(2)).await });
            Self { faces, folder }
        }

        async fn comes(&self, first: &impl serde::Serialize) -> UnixStream {
            let mut stream = UnixStream::connect(self.folder.path().join("socket")).await.unwrap();
            let mut frame = BytesMut::new();
            write_frame(&mut frame, first).unwrap();
            // Who is refused may be refused before all is written.
            let _ = stream.write_all(&frame).await;
            stream
        }

        /// A question, and how it ended.
        async fn asks(&self) -> Result<FaceAnswer, Refusal> {
            let faces = self.faces.clone();
            let ask = FaceAsk::session(ContextId([1; 16]));
            tokio::task::spawn_blocking(move || faces.ask(ask)).await.unwrap()
        }
    }

    fn hello() -> FaceHello {
        FaceHello { v: 1, models: vec![ServedModel { model: Hash::new([7; 32]), width: 8, height: 9 }] }
    }

    fn own() -> Vec<u32> {
        vec![rustix::process::getuid().as_raw()]
    }

    async fn next<T: serde::de::DeserializeOwned>(
        stream: &mut UnixStream,
        buffer: &mut BytesMut,
    ) -> Option<T> {
        let frame = read_frame(stream, buffer).await.ok().flatten()?;
        Some(serde_json::from_slice(&frame).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_process_that_comes_is_asked_and_one_that_left_is_not() {
        let stage = Stage::begin(own()).await;
        assert_eq!(stage.asks().await.unwrap_err().code, Code::FaceUnavailable);
        let (mut process, mut buffer) = (stage.comes(&hello()).await, BytesMut::new());
        assert_eq!(next(&mut process, &mut buffer).await, Some(FaceWelcome { v: 1 }));
        assert_eq!(stage.faces.serves(Hash::new([7; 32])).unwrap().height, 9);
        assert_eq!(stage.faces.serves(Hash::new([8; 32])).unwrap_err().code, Code::FaceUnavailable);
        let answers = async {
            let FaceCall { call, .. } = next(&mut process, &mut buffer).await.unwrap();
            let answer = FaceAnswer::Session { key: vec![3; 4].into() };
            let mut frame = BytesMut::new();
            write_frame(&mut frame, &FaceReply { call, answer }).unwrap();
            process.write_all(&frame).await.unwrap();
        };
        let (answer, ()) = tokio::join!(stage.asks(), answers);
        assert_eq!(answer.unwrap(), FaceAnswer::Session { key: vec![3; 4].into() });
        // It leaves with a question unanswered: who asked is told.
        let leaves = async {
            let _: Option<FaceCall> = next(&mut process, &mut buffer).await;
            drop(process);
        };
        let (answer, ()) = tokio::join!(stage.asks(), leaves);
        assert_eq!(answer.unwrap_err().code, Code::FaceUnavailable);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn another_user_another_version_and_garbage_are_not_taken_in() {
        let stage = Stage::begin(vec![u32::MAX]).await;
        let mut stranger = stage.comes(&hello()).await;
        assert!(next::<FaceWelcome>(&mut stranger, &mut BytesMut::new()).await.is_none());
        let stage = Stage::begin(own()).await;
        let mut later = stage.comes(&FaceHello { v: 2, ..hello() }).await;
        assert!(next::<FaceWelcome>(&mut later, &mut BytesMut::new()).await.is_none());
        let mut other = stage.comes(&serde_json::json!({"v": 1, "models": "none"})).await;
        assert!(next::<FaceWelcome>(&mut other, &mut BytesMut::new()).await.is_none());
        assert_eq!(stage.asks().await.unwrap_err().code, Code::FaceUnavailable);
        // One that answers garbage is left.
        let (mut process, mut buffer) = (stage.comes(&hello()).await, BytesMut::new());
        let _: Option<FaceWelcome> = next(&mut process, &mut buffer).await;
        let answers = async {
            let _: Option<FaceCall> = next(&mut process, &mut buffer).await;
            process.write_all(&[0, 0, 0, 2, b'{', b'}']).await.unwrap();
        };
        let (answer, ()) = tokio::join!(stage.asks(), answers);
        assert_eq!(answer.unwrap_err().code, Code::FaceUnavailable);
        // So is one that does not answer: it holds a question up for its time, and none after it.
        let (mut process, mut buffer) = (stage.comes(&hello()).await, BytesMut::new());
        let _: Option<FaceWelcome> = next(&mut process, &mut buffer).await;
        assert_eq!(stage.asks().await.unwrap_err().code, Code::FaceUnavailable);
        assert_eq!(stage.faces.serves(Hash::new([7; 32])).unwrap_err().code, Code::FaceUnavailable);
    }
}
