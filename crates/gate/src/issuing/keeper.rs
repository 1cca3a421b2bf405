//! The tasks that get certificates: one for each, and one question to authorities at a time.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, Semaphore},
    task::AbortHandle,
};

use super::obtained::Obtained;
use crate::clock::{self, now};

/// A clock may be set while the gate waits: it is looked at again after so long.
const NAP: Duration = Duration::from_secs(60);

/// Gets certificates until it is dropped. Nothing is in it where none are wanted.
#[derive(Debug, Default)]
pub(crate) struct Issuing(Option<Tasks>);

#[derive(Debug)]
struct Tasks {
    running: Vec<(Arc<Obtained>, AbortHandle)>,
    /// Another certificate is in use.
    changed: Arc<Notify>,
    turn: Arc<Semaphore>,
}

impl Issuing {
    /// From now on, these; `asked` tries again at once what failed.
    pub(crate) fn follow(&mut self, wanted: &[Arc<Obtained>], asked: bool) {
        if wanted.is_empty() {
            self.0 = None;
            return;
        }
        let tasks = self.0.get_or_insert_with(|| Tasks {
            running: Vec::new(),
            changed: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        });
        tasks.running.retain(|(one, task)| {
            let stays = wanted.iter().any(|wanted| Arc::ptr_eq(wanted, one));
            if !stays {
                task.abort();
            }
            stays
        });
        for wanted in wanted {
            if tasks.running.iter().any(|(one, _)| Arc::ptr_eq(wanted, one)) {
                if asked {
                    wanted.again.notify_one();
                }
                continue;
            }
            let (changed, turn) = (Arc::clone(&tasks.changed), Arc::clone(&tasks.turn));
            let task = tokio::spawn(keep(Arc::clone(wanted), changed, turn));
            tasks.running.push((Arc::clone(wanted), task.abort_handle()));
        }
    }

    /// Resolves when another certificate is in use.
    pub(crate) async fn changed(&self) {
        match &self.0 {
            Some(tasks) => tasks.changed.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.running.iter().for_each(|(_, task)| task.abort());
    }
}

async fn keep(wanted: Arc<Obtained>, changed: Arc<Notify>, turn: Arc<Semaphore>) {
    let (issuer, name) = (&wanted.issuer, wanted.names.first().map(String::as_str).unwrap_or_default());
    if wanted.current().is_none() {
        tracing::warn!(
            issuer,
            name,
            code = "certificate_awaited",
            "there is no certificate yet: handshakes are refused until one is issued"
        );
    }
    let mut look = now();
    loop {
        let due = wanted.due();
        tokio::select! {
            () = wait_until(due.min(look)) => {}
            () = wanted.again.notified() => {
                wanted.hurry();
                continue;
            }
        }
        if now() < due {
            look = now().saturating_add(Box::pin(wanted.take_advice()).await);
            continue;
        }
        let turn = if wanted.takes_turns() { turn.acquire().await.ok() } else { None };
        let renewed = Box::pin(wanted.renew()).await;
        drop(turn);
        match renewed {
            Ok(()) => {
                look = now();
                wanted.outcomes.one("issued");
                let until = wanted.current().map(|current| clock::written(current.certificate().not_after()));
                tracing::info!(issuer, name, until, "a certificate is issued, and in use");
                changed.notify_one();
            }
            Err(failure) => {
                let standing = wanted.failed(&failure);
                let code = failure.trouble.code();
                wanted.outcomes.one(code);
                let again = clock::written(standing.due(false));
                let kept = wanted.current().is_some();
                tracing::warn!(issuer, name, code, cause = %failure.trouble, again, kept, "no certificate was had; the one in use, if any, stays");
            }
        }
    }
}

async fn wait_until(due: u64) {
    loop {
        let left = Duration::from_millis(due.saturating_sub(now()));
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(NAP)).await;
    }
}
