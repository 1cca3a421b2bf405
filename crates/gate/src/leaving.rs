//! Connections that are told to end, and waited for.

use std::pin::{Pin, pin};

use tokio::sync::watch;

/// Connections of one kind.
#[derive(Debug)]
pub(crate) struct Connected(watch::Sender<()>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher(watch::Receiver<()>);

impl Default for Connected {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Connected {
    /// One more.
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher(self.0.subscribe())
    }

    /// Until there is none.
    pub(crate) async fn emptied(&self) {
        self.0.closed().await;
    }

    /// Tells them to end, until there is none.
    pub(crate) async fn shutdown(self) {
        self.0.send_replace(());
        self.emptied().await;
    }
}

impl Watcher {
    /// A connection until it ended; when it is to, `tell` says so to it.
    pub(crate) async fn watch<C: Future>(mut self, connection: C, tell: fn(Pin<&mut C>)) -> C::Output {
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            _ = self.0.changed() => tell(connection.as_mut()),
        }
        connection.await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use std::sync::Arc;
    use std::task::Poll;
    use tokio::sync::Notify;

    /// Ends when it was told to and then let go.
    #[derive(Default)]
    struct Line {
        told: bool,
        go: Arc<Notify>,
    }

    impl Future for Line {
        type Output = bool;

        fn poll(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<bool> {
            let go = Arc::clone(&self.go);
            pin!(go.notified()).poll(cx).map(|()| self.told)
        }
    }

    #[tokio::test]
    async fn who_connected_before_is_told_once_and_waited_for() {
        let connected = Connected::default();
        connected.emptied().await;
        let (watcher, line) = (connected.watcher(), Line::default());
        let go = Arc::clone(&line.go);
        let line = watcher.watch(line, |mut line| line.told = true);
        let mut shutdown = pin!(connected.shutdown());
        assert!(now(shutdown.as_mut()).is_none(), "one is connected");
        let mut line = pin!(line);
        assert!(now(line.as_mut()).is_none(), "it is told, and goes on");
        assert!(now(shutdown.as_mut()).is_none(), "and is waited for");
        go.notify_one();
        assert!(line.await, "it was told");
        shutdown.await;
    }

    /// What a future says at once.
    fn now<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            Poll::Ready(said) => Some(said),
            Poll::Pending => None,
        }
    }
}
