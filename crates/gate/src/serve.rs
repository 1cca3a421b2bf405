//! A gate that listens, and that reads its file again while it serves.

use std::{io, net::SocketAddr, os::fd::OwnedFd, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    door::Taken,
    doors::{Doors, take, take_challenged, take_observed, take_outgoing},
    error::Error,
    given::Given,
    lists::{Keeper, Stamp},
    live::Live,
    ocsp::Stapler,
    plan::{Place, Plan},
    upstream::Checks,
};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long reading it may take before the log says so, and says so again.
const LATE: Duration = Duration::from_secs(5);
const STILL: Duration = Duration::from_secs(60);

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

    /// Serves until `stop` resolves, then ends as that says. Reads its file again when that changes or [`Reload::ask`] asks for it: one that is wrong
    /// changes nothing.
    pub async fn serve<E: Into<Ending>>(self, stop: impl Future<Output = E>) {
        let (tell, endings) = mpsc::channel(1);
        let telling = async move {
            let _gone = tell.send(stop.await.into()).await;
            // Nobody says more.
            tell.closed().await;
        };
        tokio::join!(self.serve_until(endings), telling);
    }

    /// The same until it is told, and once more where it is to end sooner: after [`Ending::Succeeded`] as by [`Ending::Now`], after that at once.
    pub(crate) async fn serve_until(mut self, mut endings: mpsc::Receiver<Ending>) {
        self.live.plan().tell();
        let mut doors = Doors::none(Arc::clone(&self.live));
        self.observed.take().into_iter().for_each(|taken| doors.open_observed(taken));
        self.sockets.drain(..).for_each(|(place, socket)| doors.open(place, socket));
        self.outgoing.drain(..).for_each(|taken| doors.open_outgoing(taken));
        self.challenged.drain(..).for_each(|taken| doors.open_challenged(taken));
        doors.issuing.follow(&self.live.plan().obtained, false);
        let mut following = Following::begin(&self.live.plan());
        let mut ending = self.until_told(&mut doors, &mut following, &mut endings).await;
        doors.close().await;
        let mut drained = doors.drained(ending);
        loop {
            // Whoever is still here is judged by the file and the lists of each moment.
            tokio::select! {
                () = &mut drained => break,
                _ = self.until_told(&mut doors, &mut following, &mut endings) => match ending {
                    Ending::Now => break,
                    Ending::Succeeded => ending = Ending::Now,
                },
            }
            drained = doors.drained(ending);
        }
        if let Some(observing) = &self.live.plan().observing {
            observing.finish().await;
        }
    }

    /// Does what it is asked, until it is told to end.
    async fn until_told(
        &mut self,
        doors: &mut Doors,
        following: &mut Following,
        endings: &mut mpsc::Receiver<Ending>,
    ) -> Ending {
        let mut looking = tokio::time::interval(LOOK);
        loop {
            let order = tokio::select! {
                Some(ending) = endings.recv() => return ending,
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
            // A token that hangs holds up the reading, and nobody who ends the gate.
            let again = tokio::select! {
                Some(ending) = endings.recv() => return ending,
                again = told(following.read_again(doors, answer.is_some())) => again,
            };
            answer.map(|answer| answer.send(again));
        }
    }
}

/// Says in the log that a reading does not end: others wait for it, and whoever changed the file would look for the reason.
async fn told<T>(reading: impl Future<Output = T>) -> T {
    tokio::pin!(reading);
    let since = Instant::now();
    let mut telling = tokio::time::interval_at(since + LATE, STILL);
    loop {
        tokio::select! {
            read = &mut reading => return read,
            _ = telling.tick() => {
                let seconds = since.elapsed().as_secs();
                tracing::warn!(
                    seconds,
                    "the configuration is still being read, and changes wait; the one in force stays. A token (PKCS#11) or a disk does not answer: \
                     see to it, or start the gate anew"
                );
            }
        }
    }
}

/// The file as it is followed, and the lists that it names.
struct Following {
    seen: Option<Stamp>,
    _keeper: Keeper,
    _stapler: Stapler,
    _checks: Checks,
}

impl Following {
    fn begin(plan: &Plan) -> Self {
        Self::of(plan, false)
    }

    fn of(plan: &Plan, asked: bool) -> Self {
        let _keeper = Keeper::start(&plan.feeds, &plan.keeping, asked);
        plan.guards.iter().for_each(|guard| guard.start(asked));
        let _checks = Checks::start(plan.upstreams());
        Self { seen: plan.stamp, _keeper, _stapler: Stapler::start(plan.staples(), &plan.kept), _checks }
    }

    /// Certificates that were issued meanwhile, and what is handed out with them.
    fn show_anew(&mut self, plan: &Plan) {
        plan.show_anew();
        self._stapler = Stapler::start(plan.staples(), &plan.kept);
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
