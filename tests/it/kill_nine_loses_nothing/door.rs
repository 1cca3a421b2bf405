//! What stands between platform and element, counts what passes, and kills one of them at a chosen message.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use sceau_tests::{House, Running};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::{Victim, kill};

/// On which side of the element's word the kill falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Side {
    /// The element has not heard what it is asked.
    Before,
    /// It is durable, and the platform has not heard so.
    After,
}

/// Stands between platform and element, and kills one of them at a chosen message.
#[derive(Clone)]
pub(super) struct Door {
    element: PathBuf,
    plan: Arc<Mutex<Option<(Victim, Side)>>>,
    /// Writes that may still pass; at zero the plan is carried out.
    left: Arc<AtomicU32>,
    /// Process ids of platform and element.
    pids: Arc<Mutex<(u32, u32)>>,
}

impl Door {
    /// Puts it before the house's element and has the platform call there.
    pub(super) fn put(house: &mut House) -> Self {
        let path = house.scratch.join("run").join("door.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let door = Self {
            element: house.socket(),
            plan: Arc::default(),
            left: Arc::default(),
            pids: Arc::default(),
        };
        let accepting = door.clone();
        tokio::spawn(async move {
            while let Ok((platform, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().pass(platform));
            }
        });
        house.stop_platform();
        house.door = Some(path);
        house.start_platform();
        door
    }

    /// From now on: `victim` dies at the `nth` write, on that side of it.
    pub(super) fn plan(&self, house: &House, victim: Victim, side: Side, nth: u32) {
        let pid = |running: &Option<Running>| running.as_ref().unwrap().pid();
        *self.pids.lock().unwrap() = (pid(&house.platform), pid(&house.element));
        self.left.store(nth, Ordering::SeqCst);
        *self.plan.lock().unwrap() = Some((victim, side));
    }

    /// Whether the plan was carried out; it is dropped if not.
    pub(super) fn fell(&self) -> bool {
        self.plan.lock().unwrap().take().is_none()
    }

    /// Kills whom the plan says, if this is the message.
    fn strike(&self, side: Side) -> bool {
        let mut plan = self.plan.lock().unwrap();
        let due = self.left.load(Ordering::SeqCst) == 0 && plan.is_some_and(|(_, planned)| planned == side);
        if let Some((victim, _)) = plan.take_if(|_| due) {
            let (platform, element) = *self.pids.lock().unwrap();
            kill(if victim == Victim::Platform { platform } else { element });
        }
        due
    }

    async fn pass(self, platform: UnixStream) {
        let Ok(element) = UnixStream::connect(&self.element).await else { return };
        let (mut asks, mut hears) = platform.into_split();
        let (mut answers, mut told) = element.into_split();
        let back = self.clone();
        let answering = tokio::spawn(async move {
            while let Some(frame) = read_frame(&mut answers).await {
                let wrote = frame_is(&frame, &["\"attested\"", "\"appended\""]);
                if (wrote && back.strike(Side::After)) || write_frame(&mut hears, &frame).await.is_none() {
                    return;
                }
            }
        });
        while let Some(frame) = read_frame(&mut asks).await {
            if frame_is(&frame, &["\"attest\"", "\"append\"", "\"append_signed\""]) {
                let count = |left: u32| left.checked_sub(1);
                let _ = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
                if self.strike(Side::Before) {
                    break;
                }
            }
            if write_frame(&mut told, &frame).await.is_none() {
                break;
            }
        }
        // One side is gone: the other sees it as it would without us.
        drop(told);
        let _ = answering.await;
    }
}

/// One frame of the protocol: four bytes of length, big-endian, and JSON.
async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> Option<()> {
    to.write_u32(u32::try_from(frame.len()).unwrap()).await.ok()?;
    to.write_all(frame).await.ok()
}

fn frame_is(frame: &[u8], words: &[&str]) -> bool {
    let call: Value = serde_json::from_slice(frame).unwrap();
    let said = call.get("request").or(call.get("response")).unwrap();
    let name = said.as_object().and_then(|said| said.keys().next());
    name.is_some_and(|name| words.contains(&format!("\"{name}\"").as_str()))
}
