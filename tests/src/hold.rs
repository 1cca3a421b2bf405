//! A message held between two processes, so that a test can act while one of them waits for it.

use tokio::sync::oneshot;

/// The test's side: hears that the message is there, and lets it pass. Dropped, the message is lost, and its connection with it.
#[derive(Debug)]
pub struct Hold {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

/// The side of whoever holds the message.
#[derive(Debug)]
pub(crate) struct Held {
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

impl Hold {
    pub(crate) fn new() -> (Self, Held) {
        let (said, reached) = oneshot::channel();
        let (release, released) = oneshot::channel();
        (Self { reached, release }, Held { reached: said, released })
    }

    /// Waits until the message is there; for ever, if it never comes.
    pub async fn reached(&mut self) {
        if (&mut self.reached).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets the message pass.
    pub fn release(self) {
        // Whoever held it may have been killed meanwhile.
        let _ = self.release.send(());
    }
}

impl Held {
    /// Whether somebody still waits for the message.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.reached.is_closed()
    }

    /// Says that the message is there, and waits; whether it may pass.
    pub(crate) async fn wait(self) -> bool {
        let _ = self.reached.send(());
        self.released.await.is_ok()
    }

    /// The same, for a thread.
    pub(crate) fn blocking_wait(self) -> bool {
        let _ = self.reached.send(());
        self.released.blocking_recv().is_ok()
    }
}

/// Does `act`. If it comes to the held message, `strike` is called there, while `act` waits, and says what becomes of the message.
/// The answer tells whether it came to it.
pub async fn struck<T>(
    mut hold: Hold,
    act: impl Future<Output = T>,
    strike: impl AsyncFnOnce(Hold),
) -> (T, bool) {
    tokio::pin!(act);
    tokio::select! {
        biased;
        done = &mut act => (done, false),
        () = hold.reached() => {
            strike(hold).await;
            (act.await, true)
        }
    }
}
