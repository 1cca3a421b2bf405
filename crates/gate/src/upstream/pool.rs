//! Connections to one service, kept for the next request: of HTTP/1.1 one for each request under way, of HTTP/2 one for many.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::{
    reach::{Reach, Speaks, Wire},
    room,
};
use crate::{answer::Body, connection::HEAD, proxy::Carried};

/// How long a connection waits for another request.
const IDLE: Duration = Duration::from_secs(60);
/// Requests at once over a connection of HTTP/2; beyond, there is another.
const SHARED: usize = 100;

/// The connections of one service.
#[derive(Debug)]
pub(super) struct Pool {
    reach: Reach,
    kept: Mutex<Kept>,
    /// Held by whoever connects to a service that speaks HTTP/2: the others use what comes of it.
    connecting: tokio::sync::Mutex<()>,
    /// As it turned out.
    speaks_one: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    /// The last used at the end.
    single: Vec<Idle>,
    shared: Vec<Shared>,
    is_watched: bool,
}

#[derive(Debug)]
struct Idle {
    sender: http1::SendRequest<Body>,
    carried: Option<Carried>,
    since: Instant,
}

#[derive(Debug)]
struct Shared {
    sender: http2::SendRequest<Body>,
    /// One for each request, and this one.
    load: Load,
    carried: Option<Carried>,
    since: Instant,
}

/// A request under way over a connection that others use too.
pub(super) type Load = Arc<()>;

/// A connection, for one request.
#[derive(Debug)]
pub(super) struct Line {
    sender: Sender,
    carried: Option<Carried>,
    /// Whether it waited since the request before: the service may have closed it meanwhile.
    pub(super) is_reused: bool,
}

#[derive(Debug)]
enum Sender {
    Single(http1::SendRequest<Body>),
    Shared(http2::SendRequest<Body>, Load),
}

/// What is asked of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// One of its own, that nobody used before.
    pub(super) fresh: bool,
    /// One of HTTP/1.1, since a WebSocket begins on it.
    pub(super) upgrade: bool,
    /// One that was begun with the word that it carries these, and so carries nobody else.
    pub(super) carried: Option<Carried>,
}

impl Pool {
    pub(super) fn new(reach: Reach) -> Arc<Self> {
        let (kept, connecting, speaks_one) = Default::default();
        let pool = Arc::new(Self { reach, kept, connecting, speaks_one });
        room::know(&pool);
        pool
    }

    /// A connection: one that waits, or another.
    ///
    /// # Errors
    /// As [`Reach::connect`].
    pub(super) async fn line(&self, asked: Asked) -> io::Result<Line> {
        if !asked.fresh
            && let Some(line) = self.take(asked)
        {
            return Ok(line);
        }
        if asked.upgrade || !self.reach.may_share() || self.speaks_one.load(Ordering::Relaxed) {
            return self.connect(asked).await;
        }
        let connecting = self.connecting.lock().await;
        // Whoever waited for another to connect uses that one's.
        if !asked.fresh
            && let Some(line) = self.take(asked)
        {
            return Ok(Line { is_reused: false, ..line });
        }
        let line = self.connect(asked).await;
        drop(connecting);
        line
    }

    async fn connect(&self, Asked { upgrade, carried, .. }: Asked) -> io::Result<Line> {
        let Wire { stream, speaks } = self.reach.connect(upgrade, carried).await?;
        self.speaks_one.store(speaks == Speaks::One && !upgrade, Ordering::Relaxed);
        let stream = TokioIo::new(stream);
        let sender = match speaks {
            Speaks::One => {
                let (sender, connection) =
                    http1::Builder::new().handshake(stream).await.map_err(io::Error::other)?;
                tokio::spawn(connection.with_upgrades());
                Sender::Single(sender)
            }
            Speaks::Two => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.timer(TokioTimer::new()).max_header_list_size(HEAD as u32);
                let (sender, connection) = builder.handshake(stream).await.map_err(io::Error::other)?;
                tokio::spawn(connection);
                let load = Load::default();
                let shared = Shared {
                    sender: sender.clone(),
                    load: Arc::clone(&load),
                    carried,
                    since: Instant::now(),
                };
                self.kept().shared.push(shared);
                Sender::Shared(sender, load)
            }
        };
        Ok(Line { sender, carried, is_reused: false })
    }

    /// Uses none of those that wait: requests under way go on.
    pub(super) fn forget(&self) {
        let mut kept = self.kept();
        kept.single.clear();
        kept.shared.clear();
    }

    /// Closes the half that waits longest: another service has no descriptor left.
    pub(super) fn spare(&self) {
        let mut kept = self.kept();
        let half = kept.single.len().div_ceil(2);
        kept.single.drain(..half);
        kept.shared.retain(|shared| Arc::strong_count(&shared.load) > 1);
    }

    fn take(&self, Asked { upgrade, carried, .. }: Asked) -> Option<Line> {
        let mut kept = self.kept();
        let now = Instant::now();
        if !upgrade {
            kept.shared.retain(|shared| !shared.sender.is_closed());
            let free = kept
                .shared
                .iter_mut()
                .find(|it| it.carried == carried && Arc::strong_count(&it.load) <= SHARED);
            if let Some(shared) = free {
                shared.since = now;
                let sender = Sender::Shared(shared.sender.clone(), Arc::clone(&shared.load));
                return Some(Line { sender, carried, is_reused: true });
            }
        }
        while let Some(at) = kept.single.iter().rposition(|idle| idle.carried == carried) {
            let idle = kept.single.remove(at);
            if idle.sender.is_ready() && now.duration_since(idle.since) < IDLE {
                return Some(Line { sender: Sender::Single(idle.sender), carried, is_reused: true });
            }
        }
        None
    }

    /// Keeps a connection of HTTP/1.1 once its answer is whole.
    fn keep(self: &Arc<Self>, mut sender: http1::SendRequest<Body>, carried: Option<Carried>) {
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            if sender.ready().await.is_err() {
                return;
            }
            let Some(pool) = pool.upgrade() else { return };
            pool.kept().single.push(Idle { sender, carried, since: Instant::now() });
            pool.watch();
        });
    }

    /// Sees to it that connections which nobody uses are closed.
    fn watch(self: &Arc<Self>) {
        if !std::mem::replace(&mut self.kept().is_watched, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what waited too long. Whether something is left to watch.
    fn sweep(&self) -> bool {
        let mut kept = self.kept();
        let now = Instant::now();
        let young = |since: Instant| now.duration_since(since) < IDLE;
        kept.single.retain(|idle| !idle.sender.is_closed() && young(idle.since));
        kept.shared.retain(|shared| {
            !shared.sender.is_closed() && (young(shared.since) || Arc::strong_count(&shared.load) > 1)
        });
        kept.is_watched = !(kept.single.is_empty() && kept.shared.is_empty());
        kept.is_watched
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 4).await;
        if !pool.upgrade().is_some_and(|pool| pool.sweep()) {
            return;
        }
    }
}

impl Line {
    /// Which HTTP it speaks.
    pub(super) fn speaks(&self) -> Speaks {
        match self.sender {
            Sender::Single(_) => Speaks::One,
            Sender::Shared(..) => Speaks::Two,
        }
    }

    /// Sends a request. With the answer comes what must be held until its body ends.
    pub(super) async fn send(
        self,
        request: Request<Body>,
        pool: &Arc<Pool>,
    ) -> Result<(Response<Incoming>, Option<Load>), TrySendError<Request<Body>>> {
        match self.sender {
            Sender::Single(mut sender) => {
                let response = sender.try_send_request(request).await?;
                pool.keep(sender, self.carried);
                Ok((response, None))
            }
            Sender::Shared(mut sender, load) => {
                pool.watch();
                sender.try_send_request(request).await.map(|response| (response, Some(load)))
            }
        }
    }
}
