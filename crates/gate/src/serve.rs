//! A gate that listens, and that reads its file again while it serves.

use std::{collections::HashMap, io, net::SocketAddr, os::fd::OwnedFd, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinSet},
};

use crate::{
    connection::{self, Leaving},
    door::{At, Door, Taken},
    error::Error,
    given::{Given, lend},
    issuing::{self, Issuing},
    lists::{Keeper, Stamp},
    live::Live,
    observe::Observer,
    ocsp::Stapler,
    outgoing,
    plan::{Place, Plan},
};

/// How long requests under way may take once the gate stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How long clients that keep a connection are waited for, whose next request is answered with the word that it was the last there. Who sends none
/// for so long finds it closed, as it would by `head_within`.
const LINGER: Duration = Duration::from_secs(20);
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A gate.
#[derive(Debug)]
pub struct Gate {
    plan: Plan,
    given: Given,
}

/// How a gate that serves ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// At once, but for requests under way.
    Now,
    /// Another one takes connections in its place: whoever is connected goes there with the next request after one more.
    Succeeded,
}

impl From<()> for Ending {
    fn from((): ()) -> Self {
        Self::Now
    }
}

/// A gate whose addresses are taken: nobody is served before [`Listening::serve`].
#[derive(Debug)]
pub struct Listening {
    sockets: Vec<(Place, TcpListener)>,
    outgoing: Vec<Taken>,
    challenged: Vec<Taken>,
    observed: Option<Taken>,
    live: Arc<Live>,
    orders: mpsc::Receiver<Order>,
    reload: Reload,
}

/// Asks a gate that serves to read its file again.
#[derive(Clone, Debug)]
pub struct Reload(mpsc::Sender<Order>);

#[derive(Debug)]
enum Order {
    Read(oneshot::Sender<Result<(), Error>>),
    Lend(oneshot::Sender<io::Result<Vec<OwnedFd>>>),
}

impl Reload {
    /// Asks, and waits until requests go by the new file; lists are fetched anew, whatever the hour.
    ///
    /// # Errors
    /// Those of [`Plan::read`] and [`Gate::listen`]: nothing changed. [`Error::Ended`].
    pub async fn ask(&self) -> Result<(), Error> {
        let (order, done) = oneshot::channel();
        self.0.send(Order::Read(order)).await.map_err(|_| Error::Ended)?;
        done.await.map_err(|_| Error::Ended)?
    }

    /// The sockets on which it listens, for the program that takes its place: see [`Given`].
    ///
    /// # Errors
    /// Those of the system, and that it ended.
    pub async fn sockets(&self) -> io::Result<Vec<OwnedFd>> {
        let ended = || io::Error::other(Error::Ended);
        let (order, done) = oneshot::channel();
        self.0.send(Order::Lend(order)).await.map_err(|_| ended())?;
        done.await.map_err(|_| ended())?
    }
}

impl Gate {
    /// A gate by this plan.
    pub fn new(plan: Plan) -> Self {
        Self { plan, given: Given::default() }
    }

    /// One that takes these sockets where its configuration wants their addresses.
    #[must_use]
    pub fn given(self, given: Given) -> Self {
        Self { given, ..self }
    }

    /// Takes the addresses.
    ///
    /// # Errors
    /// [`Error::Listen`]; [`Error::File`] of a journal that cannot be written.
    pub async fn listen(self) -> Result<Listening, Error> {
        let sockets = take(&self.plan, |_| false, &self.given).await?;
        let outgoing = take_outgoing(&self.plan, |_| false, &self.given).await?;
        let challenged = take_challenged(&self.plan, |_| false, &self.given).await?;
        let observed = take_observed(&self.plan, None, &self.given).await?;
        let (reload, orders) = mpsc::channel(1);
        Ok(Listening {
            sockets,
            outgoing,
            challenged,
            observed,
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
        self.observed.as_ref().and_then(Taken::address)
    }

    /// Where applications of this machine call partners, in the order of the configuration.
    pub fn outgoing(&self) -> Vec<String> {
        self.outgoing.iter().map(Taken::written).collect()
    }

    /// Where challenges of authorities are answered in plain HTTP: of a port 0, the one that the system chose.
    pub fn challenged(&self) -> Vec<SocketAddr> {
        self.challenged.iter().filter_map(Taken::address).collect()
    }

    /// What makes it read its file again.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// Serves until `stop` resolves, then ends as that says, requests under way within thirty seconds. Reads its file again when that changes or
    /// [`Reload::ask`] asks for it: one that is wrong changes nothing.
    pub async fn serve<E: Into<Ending>>(mut self, stop: impl Future<Output = E>) {
        let observer = self.observed.take().map(|taken| Observer::start(taken, Arc::clone(&self.live)));
        let (live, leaving, open) = (Arc::clone(&self.live), Leaving::default(), HashMap::new());
        let (tasks, outgoing) = (JoinSet::new(), Vec::new());
        let (challenged, issuing) = (Vec::new(), Issuing::default());
        let mut doors = Doors { live, leaving, open, outgoing, challenged, issuing, tasks, observer };
        self.sockets.drain(..).for_each(|(place, socket)| doors.open(place, socket));
        self.outgoing.drain(..).for_each(|taken| doors.open_outgoing(taken));
        self.challenged.drain(..).for_each(|taken| doors.open_challenged(taken));
        doors.issuing.follow(&self.live.plan().obtained, false);
        let mut following = Following::begin(&self.live.plan());
        let mut looking = tokio::time::interval(LOOK);
        tokio::pin!(stop);
        let ending = loop {
            let order = tokio::select! {
                ending = &mut stop => break ending.into(),
                Some(order) = self.orders.recv() => Some(order),
                () = doors.issuing.changed() => {
                    following.show_anew(&self.live.plan());
                    continue;
                }
                _ = looking.tick() => {
                    let now = self.live.plan().stamp_now();
                    if now == following.seen || now.is_none() {
                        continue;
                    }
                    None
                }
            };
            let answer = match order {
                // Whoever asked may be gone.
                Some(Order::Lend(answer)) => {
                    drop(answer.send(doors.lend()));
                    continue;
                }
                Some(Order::Read(answer)) => Some(answer),
                None => None,
            };
            let again = following.read_again(&mut doors, answer.is_some()).await;
            answer.map(|answer| answer.send(again));
        };
        doors.close(ending).await;
        if let Some(observing) = &self.live.plan().observing {
            observing.finish().await;
        }
    }
}

/// The file as it is followed, and the lists that it names.
struct Following {
    seen: Option<Stamp>,
    _keeper: Keeper,
    _stapler: Stapler,
}

impl Following {
    fn begin(plan: &Plan) -> Self {
        Self::of(plan, false)
    }

    fn of(plan: &Plan, asked: bool) -> Self {
        let _keeper = Keeper::start(&plan.feeds, &plan.keeping, asked);
        Self { seen: plan.stamp, _keeper, _stapler: Stapler::start(plan.staples()) }
    }

    /// Certificates that were issued meanwhile, and what is handed out with them.
    fn show_anew(&mut self, plan: &Plan) {
        plan.show_anew();
        self._stapler = Stapler::start(plan.staples());
    }

    /// `asked` fetches lists anew and opens logs again.
    async fn read_again(&mut self, doors: &mut Doors, asked: bool) -> Result<(), Error> {
        let before = doors.live.plan();
        self.seen = before.stamp_now();
        if asked {
            before.observing.iter().for_each(|observing| observing.reopen());
        }
        let again = doors.read_again(asked).await;
        before.ledger.readings.one(if again.is_ok() { "read" } else { "refused" });
        match &again {
            Ok(()) => {
                *self = Self::of(&doors.live.plan(), asked);
                tracing::info!("the configuration was read again");
            }
            Err(error) => tracing::error!(%error, "the configuration is refused; the one in force stays"),
        }
        again
    }
}

/// Where connections come in.
struct Doors {
    live: Arc<Live>,
    leaving: Leaving,
    open: HashMap<Place, (AbortHandle, Arc<TcpListener>)>,
    outgoing: Vec<Door>,
    challenged: Vec<Door>,
    issuing: Issuing,
    tasks: JoinSet<()>,
    observer: Option<Observer>,
}

impl Doors {
    fn open(&mut self, place: Place, socket: TcpListener) {
        let (live, leaving, socket) = (Arc::clone(&self.live), self.leaving.clone(), Arc::new(socket));
        let accepting = connection::accept(Arc::clone(&socket), place, live, leaving);
        self.open.insert(place, (self.tasks.spawn(accepting), socket));
    }

    fn open_outgoing(&mut self, taken: Taken) {
        self.outgoing.push(outgoing::open(taken, Arc::clone(&self.live)));
    }

    fn open_challenged(&mut self, taken: Taken) {
        self.challenged.push(issuing::open(taken, Arc::clone(&self.live)));
    }

    /// Other handles on all sockets.
    fn lend(&self) -> io::Result<Vec<OwnedFd>> {
        let ours = self.open.values().map(|(_, socket)| lend(&**socket));
        let ours = ours.chain(self.outgoing.iter().map(Door::lend));
        let ours = ours.chain(self.challenged.iter().map(Door::lend));
        ours.chain(self.observer.iter().map(Observer::lend)).collect()
    }

    /// Follows the file as it is now: what is new is listened on first, what is gone is closed last.
    async fn read_again(&mut self, asked: bool) -> Result<(), Error> {
        let before = self.live.plan();
        let plan = tokio::task::spawn_blocking(move || before.read_again()).await;
        let plan = plan.map_err(|_| Error::Ended)??;
        let sockets = take(&plan, |place| self.open.contains_key(&place), &Given::default()).await?;
        let is_open = |at: &At| self.outgoing.iter().any(|door| door.at() == at);
        let outgoing = take_outgoing(&plan, is_open, &Given::default()).await?;
        let is_challenged = |at: &At| self.challenged.iter().any(|door| door.at() == at);
        let challenged = take_challenged(&plan, is_challenged, &Given::default()).await?;
        let observed = take_observed(&plan, self.observer.as_ref(), &Given::default()).await?;
        let stay: Vec<Place> = plan.listeners.iter().map(|listener| listener.place).collect();
        if let Some(taken) = observed {
            self.observer = Some(Observer::start(taken, Arc::clone(&self.live)));
        } else if plan.observing.as_ref().is_none_or(|wanted| wanted.at.is_none()) {
            self.observer = None;
        }
        self.outgoing.retain(|door| plan.outgoing.iter().any(|one| one.at == *door.at()));
        self.challenged.retain(|door| plan.challenged().contains(door.at()));
        self.issuing.follow(&plan.obtained, asked);
        self.live.follow(plan);
        challenged.into_iter().for_each(|taken| self.open_challenged(taken));
        // One may have come meanwhile.
        self.live.plan().show_anew();
        outgoing.into_iter().for_each(|taken| self.open_outgoing(taken));
        sockets.into_iter().for_each(|(place, socket)| self.open(place, socket));
        self.open.retain(|place, (accepting, _)| {
            let stays = stay.contains(place);
            if !stays {
                accepting.abort();
            }
            stays
        });
        Ok(())
    }

    async fn close(mut self, ending: Ending) {
        self.tasks.shutdown().await;
        self.open.clear();
        drop((self.observer, self.outgoing, self.challenged, self.issuing));
        let Leaving { one, two, all } = self.leaving;
        let (Some(one), Some(two)) = (Arc::into_inner(one), Arc::into_inner(two)) else { return };
        let linger = async {
            if ending == Ending::Succeeded {
                self.live.leave();
                drop(tokio::time::timeout(LINGER, emptied(&one)).await);
            }
            one.shutdown().await;
            if ending == Ending::Succeeded {
                emptied(&all).await;
            }
        };
        let ended = async { tokio::join!(linger, two.shutdown()) };
        drop(tokio::time::timeout(LINGER * u32::from(ending == Ending::Succeeded) + DRAIN, ended).await);
    }
}

/// Until nobody is connected.
async fn emptied(connected: &GracefulShutdown) {
    while connected.count() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Takes the addresses of a plan but those that are open, and makes its guards ready.
async fn take(
    plan: &Plan,
    open: impl Fn(Place) -> bool,
    given: &Given,
) -> Result<Vec<(Place, TcpListener)>, Error> {
    plan.guards.iter().try_for_each(|guard| guard.arm())?;
    plan.observing.iter().try_for_each(|observing| observing.arm(&plan.ledger))?;
    let mut sockets = Vec::new();
    for listener in plan.listeners.iter().filter(|listener| !open(listener.place)) {
        let address = listener.place.address;
        let socket = given.tcp(address).await;
        sockets.push((listener.place, socket.map_err(|cause| Error::Listen { address, cause })?));
    }
    Ok(sockets)
}

/// Takes the addresses on which applications call partners, but those that are open.
async fn take_outgoing(plan: &Plan, open: impl Fn(&At) -> bool, given: &Given) -> Result<Vec<Taken>, Error> {
    let mut taken = Vec::new();
    for one in plan.outgoing.iter().filter(|one| !open(&one.at)) {
        taken.push(Taken::take(&one.at, "outgoing, address", given).await?);
    }
    Ok(taken)
}

/// Takes the addresses on which challenges are answered, but those of these doors.
async fn take_challenged(
    plan: &Plan,
    open: impl Fn(&At) -> bool,
    given: &Given,
) -> Result<Vec<Taken>, Error> {
    let mut taken = Vec::new();
    for at in plan.challenged().iter().filter(|at| !open(at)) {
        taken.push(Taken::take(at, "acme, http", given).await?);
    }
    Ok(taken)
}

/// Where whoever watches will be answered, unless `before` answers there.
async fn take_observed(
    plan: &Plan,
    before: Option<&Observer>,
    given: &Given,
) -> Result<Option<Taken>, Error> {
    match &plan.observing {
        Some(wanted) if !before.is_some_and(|before| before.is_at(wanted)) => {
            Observer::take(wanted, given).await
        }
        _ => Ok(None),
    }
}
