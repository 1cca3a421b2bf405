//! A gate that listens, and that reads its file again while it serves.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinSet},
};

use crate::{
    connection,
    error::Error,
    lists::Keeper,
    live::Live,
    observe::{Observer, Window},
    ocsp::Stapler,
    plan::{Place, Plan},
};

/// How long requests under way may take once the gate stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A gate.
#[derive(Debug)]
pub struct Gate {
    plan: Plan,
}

/// A gate whose addresses are taken: nobody is served before [`Listening::serve`].
#[derive(Debug)]
pub struct Listening {
    sockets: Vec<(Place, TcpListener)>,
    window: Option<Window>,
    live: Arc<Live>,
    orders: mpsc::Receiver<Order>,
    reload: Reload,
}

/// Asks a gate that serves to read its file again.
#[derive(Clone, Debug)]
pub struct Reload(mpsc::Sender<Order>);

type Order = oneshot::Sender<Result<(), Error>>;

impl Reload {
    /// Asks, and waits until requests go by the new file; lists are fetched anew, whatever the hour.
    ///
    /// # Errors
    /// Those of [`Plan::read`] and [`Gate::listen`]: nothing changed. [`Error::Ended`].
    pub async fn ask(&self) -> Result<(), Error> {
        let (order, done) = oneshot::channel();
        self.0.send(order).await.map_err(|_| Error::Ended)?;
        done.await.map_err(|_| Error::Ended)?
    }
}

impl Gate {
    /// A gate by this plan.
    pub fn new(plan: Plan) -> Self {
        Self { plan }
    }

    /// Takes the addresses.
    ///
    /// # Errors
    /// [`Error::Listen`]; [`Error::File`] of a journal that cannot be written.
    pub async fn listen(self) -> Result<Listening, Error> {
        let sockets = take(&self.plan, |_| false).await?;
        let window = open(&self.plan, None).await?;
        let (reload, orders) = mpsc::channel(1);
        Ok(Listening {
            sockets,
            window,
            live: Arc::new(Live::new(self.plan)),
            orders,
            reload: Reload(reload),
        })
    }
}

impl Listening {
    /// Where it listens, in the order of the configuration: of a port 0, the one that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|(_, socket)| socket.local_addr().ok()).collect()
    }

    /// Where whoever watches is answered, where that is an address; of a port 0, the one that the system chose.
    pub fn observed(&self) -> Option<SocketAddr> {
        self.window.as_ref().and_then(Window::address)
    }

    /// What makes it read its file again.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// Serves until `stop` resolves, then ends requests under way within thirty seconds. Reads its file again when that changes or
    /// [`Reload::ask`] asks for it: one that is wrong changes nothing.
    pub async fn serve(mut self, stop: impl Future<Output = ()>) {
        let graceful = Arc::new(GracefulShutdown::new());
        let observer = self.window.take().map(|window| Observer::start(window, Arc::clone(&self.live)));
        let (live, open) = (Arc::clone(&self.live), HashMap::new());
        let mut doors = Doors { live, graceful, open, tasks: JoinSet::new(), observer };
        self.sockets.drain(..).for_each(|(place, socket)| doors.open(place, socket));
        let plan = self.live.plan();
        let mut seen = plan.stamp;
        let mut keeper = Keeper::start(&plan.feeds, &plan.keeping, false);
        let mut stapler = Stapler::start(plan.staples());
        drop(plan);
        let mut looking = tokio::time::interval(LOOK);
        tokio::pin!(stop);
        loop {
            let order = tokio::select! {
                () = &mut stop => break,
                Some(order) = self.orders.recv() => Some(order),
                _ = looking.tick() => {
                    let now = self.live.plan().stamp_now();
                    if now == seen || now.is_none() {
                        continue;
                    }
                    None
                }
            };
            seen = self.live.plan().stamp_now();
            if order.is_some() {
                self.live.plan().observing.iter().for_each(|observing| observing.reopen());
            }
            let again = doors.read_again().await;
            self.live.plan().ledger.readings.one(if again.is_ok() { "read" } else { "refused" });
            match &again {
                Ok(()) => {
                    let plan = self.live.plan();
                    seen = plan.stamp;
                    keeper = Keeper::start(&plan.feeds, &plan.keeping, order.is_some());
                    stapler = Stapler::start(plan.staples());
                    tracing::info!("the configuration was read again");
                }
                Err(error) => tracing::error!(%error, "the configuration is refused; the one in force stays"),
            }
            order.map(|order| order.send(again));
        }
        drop((keeper, stapler));
        doors.close().await;
        if let Some(observing) = &self.live.plan().observing {
            observing.finish().await;
        }
    }
}

/// Where connections come in.
struct Doors {
    live: Arc<Live>,
    graceful: Arc<GracefulShutdown>,
    open: HashMap<Place, AbortHandle>,
    tasks: JoinSet<()>,
    observer: Option<Observer>,
}

impl Doors {
    fn open(&mut self, place: Place, socket: TcpListener) {
        let (live, graceful) = (Arc::clone(&self.live), Arc::clone(&self.graceful));
        self.open.insert(place, self.tasks.spawn(connection::accept(socket, place, live, graceful)));
    }

    /// Follows the file as it is now: what is new is listened on first, what is gone is closed last.
    async fn read_again(&mut self) -> Result<(), Error> {
        let before = self.live.plan();
        let plan = tokio::task::spawn_blocking(move || before.read_again()).await;
        let plan = plan.map_err(|_| Error::Ended)??;
        let sockets = take(&plan, |place| self.open.contains_key(&place)).await?;
        let window = open(&plan, self.observer.as_ref()).await?;
        let stay: Vec<Place> = plan.listeners.iter().map(|listener| listener.place).collect();
        if let Some(window) = window {
            self.observer = Some(Observer::start(window, Arc::clone(&self.live)));
        } else if plan.observing.as_ref().is_none_or(|wanted| wanted.at.is_none()) {
            self.observer = None;
        }
        self.live.follow(plan);
        sockets.into_iter().for_each(|(place, socket)| self.open(place, socket));
        self.open.retain(|place, door| {
            let stays = stay.contains(place);
            if !stays {
                door.abort();
            }
            stays
        });
        Ok(())
    }

    async fn close(mut self) {
        self.tasks.shutdown().await;
        if let Some(graceful) = Arc::into_inner(self.graceful) {
            drop(tokio::time::timeout(DRAIN, graceful.shutdown()).await);
        }
    }
}

/// Takes the addresses of a plan but those that are open, and makes its guards ready.
async fn take(plan: &Plan, open: impl Fn(Place) -> bool) -> Result<Vec<(Place, TcpListener)>, Error> {
    plan.guards.iter().try_for_each(|guard| guard.arm())?;
    plan.observing.iter().try_for_each(|observing| observing.arm(&plan.ledger))?;
    let mut sockets = Vec::new();
    for listener in plan.listeners.iter().filter(|listener| !open(listener.place)) {
        let address = listener.place.address;
        let socket = TcpListener::bind(address).await;
        sockets.push((listener.place, socket.map_err(|cause| Error::Listen { address, cause })?));
    }
    Ok(sockets)
}

/// Where whoever watches will be answered, unless `before` answers there.
async fn open(plan: &Plan, before: Option<&Observer>) -> Result<Option<Window>, Error> {
    match &plan.observing {
        Some(wanted) if !before.is_some_and(|before| before.is_at(wanted)) => Window::open(wanted).await,
        _ => Ok(None),
    }
}
