//! What a key manager does by itself, at each tick of the clock that it was given.

use std::future::Future;
use std::time::Duration;

use crate::error::Error;
use crate::link::Link;
use crate::manager::KeyManager;

/// How long between two ticks.
const PERIOD: Duration = Duration::from_secs(60);

/// How a tick went. A step that fails does not hold the others back; it is tried again at the next tick.
#[derive(Debug, Default)]
pub struct Ticked {
    /// Messages that reached the platform.
    pub delivered: usize,
    /// What failed, with the name of the step.
    pub failures: Vec<(&'static str, Error)>,
}

impl Ticked {
    fn note<T: Default>(&mut self, step: &'static str, outcome: Result<T, Error>) -> T {
        outcome.unwrap_or_else(|error| {
            tracing::warn!(step, %error, "a step of the key manager's work failed; it will be tried again");
            self.failures.push((step, error));
            T::default()
        })
    }
}

impl KeyManager {
    /// Does what is due now: renews the server's certificate, makes and publishes keys, watches the platform's log, compares it once, delivers records and decisions.
    ///
    /// Time is the injected clock's; nothing else moves it.
    pub async fn tick(&self) -> Ticked {
        let mut ticked = self.tend().await;
        ticked.delivered =
            ticked.note("delivery", self.dispatcher().deliver_due().await.map_err(Error::from));
        ticked
    }

    /// A tick without the deliveries.
    async fn tend(&self) -> Ticked {
        let mut ticked = Ticked::default();
        let now = self.now();
        ticked.note("certificate", self.tls().renew(&self.judge(), now));
        if let Some(link) = self.link() {
            {
                let _alone = self.alone().await;
                ticked.note("keys", self.tend_keys(&link).await);
            }
            let watched = self.watch_roots(&link).await;
            let answers = watched.is_ok();
            let came = ticked.note("watch", watched);
            if came {
                let _alone = self.alone().await;
                ticked.note("keys", self.tend_keys(&link).await);
            }
            if answers {
                ticked.note("standing", self.compare(&link).await);
            }
        }
        if self.is_connected() {
            ticked.note("rewrapping", self.tend_rewrapping().await);
        }
        ticked.note("mob", self.tend_mob().await);
        ticked.note("altered_keys", self.tend_altered_keys());
        ticked.note("calendar", self.tend_calendar().await);
        ticked
    }

    /// Reads the platform's log; whether a new root of ours came into force with it.
    async fn watch_roots(&self, link: &Link) -> Result<bool, Error> {
        let alone = self.watching().await;
        if self.watch(link, &alone).await? { self.settle_roots(&alone).await } else { Ok(false) }
    }

    /// Ticks each minute, and delivers as soon as there is something to deliver, until `stop` resolves.
    pub async fn work(&self, stop: impl Future<Output = ()>) {
        let (ended, mut ending) = tokio::sync::watch::channel(());
        let deliver = self.dispatcher().run(async move { drop(ending.changed().await) });
        let tick = async {
            tokio::pin!(stop);
            loop {
                let turn = async {
                    self.tend().await;
                    tokio::time::sleep(PERIOD).await;
                };
                // Whatever is under way may be dropped: what counts is committed, or begun again at the next start.
                tokio::select! {
                    () = &mut stop => break,
                    () = turn => {}
                }
            }
            drop(ended);
        };
        tokio::join!(deliver, tick);
    }
}
