//! Whether this folder is the newest of this key manager: what the platform's log holds in its name is what its own trace holds.
//!
//! A folder that was put back from an older day would open for people who were turned away since. So no key leaves before the log was compared
//! once since the start, and none while it holds records of ours that are not here. That the log is shown whole is proven by a record that nobody could
//! have foreseen: an old log does not hold it, and a new one holds everything before it. Records that never reached the platform are missed by nobody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sceau_store::params;
use sceau_trace::Action;
use tokio::sync::Mutex;

use crate::deliver::Delivery;
use crate::denial::Denial;
use crate::error::Error;
use crate::link::Link;
use crate::manager::KeyManager;
use crate::schema::statements;
use crate::watch::Missing;

/// How often, and how far apart, the log is looked at for a record that it was just given.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// What is known of it since the start.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The log was shown whole, with a record of after the start.
    witnessed: AtomicBool,
    /// It holds records of ours that are not here.
    outdated: AtomicBool,
    /// Held by who compares: where our trace has the record that the log must show.
    asking: Mutex<Option<u64>>,
}

/// Why a record was not seen in the log.
pub(crate) enum Unseen {
    /// The platform does not answer.
    Away(String),
    /// It does not take the record, or its log lacks it.
    Withheld(String),
    /// The fault is here.
    Broken(Error),
}

impl From<Error> for Unseen {
    fn from(error: Error) -> Self {
        match error {
            Error::Platform(error) => Self::Away(error.to_string()),
            error => Self::Broken(error),
        }
    }
}

impl From<Delivery> for Unseen {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Later(why) => Self::Away(why),
            Delivery::Refused(code) => Self::Withheld(code),
            Delivery::Broken(error) => Self::Broken(error),
        }
    }
}

impl Standing {
    /// The log was read to its end.
    pub(crate) fn judge(&self, outdated: bool) {
        self.outdated.store(outdated, Ordering::SeqCst);
    }

    /// Whether the log holds records of ours that are not here.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::SeqCst)
    }

    /// Whether the log was compared since the start.
    pub(crate) fn is_compared(&self) -> bool {
        self.witnessed.load(Ordering::SeqCst)
    }
}

impl KeyManager {
    /// Lets only the newest folder go on; compares with the platform's log where that was not done since the start.
    ///
    /// # Errors
    /// [`Denial::FolderOutdated`], [`Denial::LogNotCompared`], [`Denial::NotConnected`].
    pub(crate) async fn check_newest(&self) -> Result<(), Denial> {
        let link = self.link().ok_or(Denial::NotConnected)?;
        if let Err(error) = self.compare(&link).await {
            tracing::warn!(%error, "the platform's log was not compared with the trace; no key leaves before");
        }
        match (self.standing().is_outdated(), self.standing().is_compared()) {
            (true, _) => Err(Denial::FolderOutdated),
            (false, false) => Err(Denial::LogNotCompared),
            (false, true) => Ok(()),
        }
    }

    /// Compares the platform's log with the trace, unless that was done since the start.
    pub(crate) async fn compare(&self, link: &Link) -> Result<(), Error> {
        let standing = self.standing();
        if standing.is_outdated() || standing.is_compared() {
            return Ok(());
        }
        let mut asking = standing.asking.lock().await;
        if standing.is_outdated() || standing.is_compared() {
            return Ok(());
        }
        {
            let alone = self.watching().await;
            while !self.watch(link, &alone).await? {}
        }
        if standing.is_outdated() {
            return Ok(());
        }
        let position = match *asking {
            Some(position) => position,
            None => {
                let nonce = hex::encode(sceau_crypto::random::<16>());
                let intent = self.own_record(Action::LOG_WATCH).detail("nonce", nonce);
                *asking.insert(self.journal().append(intent).await?)
            }
        };
        let seen = match self.send_through(position).await {
            Ok(()) => self.see_logged(link, position, None).await,
            Err(delivery) => Err(delivery.into()),
        };
        match seen {
            Ok(()) => {
                self.journal().append(self.own_record(Action::LOG_WATCH).granted()).await?;
                standing.witnessed.store(true, Ordering::SeqCst);
                Ok(())
            }
            Err(Unseen::Away(why) | Unseen::Withheld(why)) => Err(Error::NotCompared(why)),
            Err(Unseen::Broken(error)) => Err(error),
        }
    }

    /// Reads the log until it holds the record at `position`, which the platform said that it took. What is foreign in it is an alarm, or is
    /// counted where a count is asked for.
    pub(crate) async fn see_logged(
        &self,
        link: &Link,
        position: u64,
        mut tally: Option<&mut Missing>,
    ) -> Result<(), Unseen> {
        for _ in 0..TRIES {
            {
                let alone = self.watching().await;
                match tally.as_deref_mut() {
                    Some(tally) => {
                        let before = std::mem::take(tally);
                        *tally = before.and(self.survey(link, &alone).await?);
                    }
                    None => while !self.watch(link, &alone).await? {},
                }
            }
            if self.is_logged(position).await? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Unseen::Withheld("its newest checkpoint is older".to_owned()))
    }

    /// Whether the platform's log, as far as it was read, holds the record at this position of our trace.
    async fn is_logged(&self, position: u64) -> Result<bool, Error> {
        let row = self.database().fetch_optional(statements::RECORD_IN_LOG, params![position]).await?;
        Ok(row.map(|row| row.get::<Option<u64>>("logged")).transpose()?.flatten().is_some())
    }
}
