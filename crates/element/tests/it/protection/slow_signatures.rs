//! A keystore whose signatures by RSA wait until they are let through.

use std::sync::{Arc, Condvar, Mutex};

use sceau_hsm::{Error, KeyRef, Provider, SignRs256};

use crate::house::Around;

/// What signatures wait at.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(Mutex<Crowd>, Condvar)>);

#[derive(Default)]
struct Crowd {
    closed: bool,
    now: usize,
    most: usize,
    came: usize,
}

impl Gate {
    /// Until what this gives is dropped, also by a test that fails: threads that wait would keep it from ending.
    pub(super) fn close(&self) -> Closed {
        self.0.0.lock().unwrap().closed = true;
        Closed(self.clone())
    }

    /// The most that were at it at once.
    pub(super) fn most(&self) -> usize {
        self.0.0.lock().unwrap().most
    }

    /// How many came to it at all.
    pub(super) fn came(&self) -> usize {
        self.0.0.lock().unwrap().came
    }

    /// So many wait.
    pub(super) async fn reached(&self, count: usize) {
        while self.0.0.lock().unwrap().now < count {
            tokio::task::yield_now().await;
        }
    }

    fn pass(&self) {
        let mut crowd = self.0.0.lock().unwrap();
        crowd.now += 1;
        crowd.came += 1;
        crowd.most = crowd.most.max(crowd.now);
        let mut crowd = self.0.1.wait_while(crowd, |crowd| crowd.closed).unwrap();
        crowd.now -= 1;
    }
}

/// A gate that is closed.
pub(super) struct Closed(Gate);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.0.0.lock().unwrap().closed = false;
        self.0.0.1.notify_all();
    }
}

/// As the keystore in it, but for these.
pub(super) struct Slow {
    pub(super) inner: Arc<dyn Provider>,
    pub(super) gate: Gate,
}

impl SignRs256 for Slow {
    fn sign_rs256(&self, key: &KeyRef, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.gate.pass();
        self.inner.signing_rs256().unwrap().sign_rs256(key, message)
    }
}

impl Around for Slow {
    fn inner(&self) -> &dyn Provider {
        &*self.inner
    }

    fn signing_rs256(&self) -> Option<&dyn SignRs256> {
        Some(self)
    }
}
