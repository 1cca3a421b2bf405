//! The doors of a gate that runs: where clients, applications, authorities and whoever watches come in, taken before one opens and closed as it ends.

use std::{collections::HashMap, io, os::fd::OwnedFd, pin::Pin, sync::Arc};

use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};

use crate::{
    connection,
    door::{At, Door, Taken},
    error::Error,
    given::{Given, lend},
    issuing::{self, Issuing},
    leaving::Leaving,
    live::Live,
    observe::Observer,
    outgoing,
    plan::{Place, Plan},
    serve::Ending,
    upstream::Upstreams,
};

/// Until nobody is there who is waited for.
pub(crate) type Drained = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where connections come in.
pub(crate) struct Doors {
    pub(crate) live: Arc<Live>,
    leaving: Leaving,
    /// Nobody comes in any more.
    are_closed: bool,
    open: HashMap<Place, (AbortHandle, Arc<TcpListener>)>,
    outgoing: Vec<Door>,
    challenged: Vec<Door>,
    pub(crate) issuing: Issuing,
    tasks: JoinSet<()>,
    observer: Option<Observer>,
}

impl Doors {
    /// None is open yet.
    pub(crate) fn none(live: Arc<Live>) -> Self {
        Self {
            live,
            leaving: Leaving::default(),
            are_closed: false,
            open: HashMap::new(),
            outgoing: Vec::new(),
            challenged: Vec::new(),
            issuing: Issuing::default(),
            tasks: JoinSet::new(),
            observer: None,
        }
    }

    pub(crate) fn open_observed(&mut self, taken: Taken) {
        self.observer = Some(Observer::start(taken, Arc::clone(&self.live)));
    }

    pub(crate) fn open(&mut self, place: Place, socket: TcpListener) {
        let (live, leaving, socket) = (Arc::clone(&self.live), self.leaving.clone(), Arc::new(socket));
        let accepting = connection::accept(Arc::clone(&socket), place, live, leaving);
        self.open.insert(place, (self.tasks.spawn(accepting), socket));
    }

    pub(crate) fn open_outgoing(&mut self, taken: Taken) {
        self.outgoing.push(outgoing::open(taken, Arc::clone(&self.live), self.leaving.clone()));
    }

    pub(crate) fn open_challenged(&mut self, taken: Taken) {
        self.challenged.push(issuing::open(taken, Arc::clone(&self.live)));
    }

    /// Other handles on all sockets.
    pub(crate) fn lend(&self) -> io::Result<Vec<OwnedFd>> {
        let ours = self.open.values().map(|(_, socket)| lend(&**socket));
        let ours = ours.chain(self.outgoing.iter().map(Door::lend));
        let ours = ours.chain(self.challenged.iter().map(Door::lend));
        ours.chain(self.observer.iter().map(Observer::lend)).collect()
    }

    /// Follows the file as it is now: what is new is listened on first, what is gone is closed last.
    pub(crate) async fn read_again(&mut self, asked: bool) -> Result<(), Error> {
        let before = self.live.plan();
        let read = Arc::clone(&before);
        let plan = tokio::task::spawn_blocking(move || read.read_again().inspect(Plan::tell)).await;
        let plan = plan.map_err(|_| Error::Ended)??;
        if self.are_closed {
            // Who is still here goes by it: whoever may no longer pass is not kept by a gate that ends.
            arm(&plan)?;
            self.follow(plan, &before);
            return Ok(());
        }
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
        self.follow(plan, &before);
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

    fn follow(&self, plan: Plan, before: &Plan) {
        self.live.follow(plan);
        self.live.plan().adopt(before);
    }

    /// Lets nobody in any more, and gives nothing more to whoever watches.
    pub(crate) async fn close(&mut self) {
        self.are_closed = true;
        self.tasks.shutdown().await;
        self.open.clear();
        (self.observer, self.issuing) = (None, Issuing::default());
        for door in self.outgoing.drain(..).chain(self.challenged.drain(..)) {
            door.close().await;
        }
    }

    /// Tells who is still here that the gate ends, and waits for them.
    pub(crate) fn drained(&self, ending: Ending) -> Drained {
        let leaving = self.leaving.clone();
        match ending {
            Ending::Now => {
                let silences = self.live.plan().upstreams().map(Upstreams::longest_silence).max();
                Box::pin(leaving.ended(silences.unwrap_or_default()))
            }
            Ending::Succeeded => {
                self.live.leave();
                Box::pin(leaving.succeeded())
            }
        }
    }
}

/// Takes the addresses of a plan but those that are open, and makes its guards ready.
pub(crate) async fn take(
    plan: &Plan,
    open: impl Fn(Place) -> bool,
    given: &Given,
) -> Result<Vec<(Place, TcpListener)>, Error> {
    arm(plan)?;
    let mut sockets = Vec::new();
    for listener in plan.listeners.iter().filter(|listener| !open(listener.place)) {
        let address = listener.place.address;
        let socket = given.tcp(address).await;
        sockets.push((listener.place, socket.map_err(|cause| Error::Listen { address, cause })?));
    }
    Ok(sockets)
}

/// Makes the guards of a plan ready, and what is written of who calls.
fn arm(plan: &Plan) -> Result<(), Error> {
    plan.guards.iter().try_for_each(|guard| guard.arm())?;
    plan.observing.iter().try_for_each(|observing| observing.arm(&plan.ledger))
}

/// Takes the addresses on which applications call partners, but those that are open.
pub(crate) async fn take_outgoing(
    plan: &Plan,
    open: impl Fn(&At) -> bool,
    given: &Given,
) -> Result<Vec<Taken>, Error> {
    let mut taken = Vec::new();
    for one in plan.outgoing.iter().filter(|one| !open(&one.at)) {
        taken.push(Taken::take(&one.at, "outgoing, address", given).await?);
    }
    Ok(taken)
}

/// Takes the addresses on which challenges are answered, but those of these doors.
pub(crate) async fn take_challenged(
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
pub(crate) async fn take_observed(
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
