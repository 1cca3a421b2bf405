//! Connections that are told to end, and waited for.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

/// How long clients that keep a connection are waited for, whose next request is answered with the word that it was the last there. Who sends none
/// for so long finds it closed, as it would by `head_within`.
const LINGER: Duration = Duration::from_secs(20);
/// How long what is no HTTP may go on where another gate takes the place of this one: it can be told nothing.
const DRAIN: Duration = Duration::from_secs(50);
/// How long requests may go on there. Nobody else is kept waiting by them, but somebody who never reads his answer would keep a process for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after the last moment at which a request may be silent it is waited for where nobody takes the place of this gate.
const GRACE: Duration = Duration::from_secs(30);

/// Whom connections are told to end, each by what it speaks.
#[derive(Clone, Default)]
pub(crate) struct Leaving {
    /// HTTP/2 can say which request was the last: its connections end first.
    two: Arc<Connected>,
    /// Those of applications that call partners too.
    one: Arc<Connected>,
    /// Everything, what is no HTTP too: it can be told nothing, and is waited for where there is time.
    all: Arc<Connected>,
}

/// What a connection is among the others until it says what it speaks.
pub(crate) struct Watchers {
    pub(crate) two: Watcher,
    pub(crate) one: Watcher,
    pub(crate) all: Watcher,
}

impl Leaving {
    /// For a connection that comes.
    pub(crate) fn watchers(&self) -> Watchers {
        Watchers { two: self.two.watcher(), one: self.one.watcher(), all: self.all.watcher() }
    }

    /// Tells all that this gate ends, and waits for requests under way; `silent` is the longest that the file lets one be.
    pub(crate) async fn ended(self, silent: Duration) {
        let ended = async { tokio::join!(self.one.shutdown(), self.two.shutdown()) };
        drop(timeout(silent.saturating_add(GRACE), ended).await);
    }

    /// The same where another gate takes new connections: whoever keeps one hears with his next answer that it was the last.
    pub(crate) async fn succeeded(self) {
        let one = async {
            drop(timeout(LINGER, self.one.emptied()).await);
            self.one.shutdown().await;
        };
        let requests = async { tokio::join!(one, self.two.shutdown()) };
        let rest = timeout(DRAIN, self.all.emptied());
        drop(tokio::join!(timeout(LONGEST, requests), rest));
    }
}

/// Connections of one kind.
#[derive(Debug)]
struct Connected(watch::Sender<()>);

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
    fn watcher(&self) -> Watcher {
        Watcher(self.0.subscribe())
    }

    /// Until there is none.
    async fn emptied(&self) {
        self.0.closed().await;
    }

    /// Tells them to end, until there is none.
    async fn shutdown(&self) {
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

    #[tokio::test(start_paused = true)]
    async fn requests_are_waited_for_longer_than_one_may_be_silent_and_what_is_no_http_for_a_while() {
        let (leaving, silent) = (Leaving::default(), Duration::from_secs(60));
        let waited = async |leaving: &Leaving, is_taken: bool| {
            let begun = tokio::time::Instant::now();
            match is_taken {
                true => leaving.clone().succeeded().await,
                false => leaving.clone().ended(silent).await,
            }
            begun.elapsed().as_secs()
        };
        let Watchers { one, two, all } = leaving.watchers();
        assert_eq!(waited(&leaving, false).await, 90);
        assert_eq!(waited(&leaving, true).await, 24 * 60 * 60);
        drop(one);
        assert_eq!(waited(&leaving, false).await, 90, "one of HTTP/2 is left");
        drop(two);
        assert_eq!(waited(&leaving, false).await, 0);
        assert_eq!(waited(&leaving, true).await, 50);
        drop(all);
        assert_eq!(waited(&leaving, true).await, 0);
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
