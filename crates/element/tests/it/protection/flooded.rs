//! Whoever encrypts rubbish to the element's public key has the keystore work; calls that need no opening do not wait for that.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sceau_crypto::jose::jwe::KeyAlgorithm;
use sceau_crypto::{Cek, FileId};
use sceau_element_api::protect::AskedByToken;
use sceau_element_api::wire::Code;
use sceau_hsm::{Error, KeyRef, Provider, UnwrapCek};
use tokio::sync::mpsc;

use super::tokens::{Teller, create};
use crate::house::{Around, Keeping, Keystore, around, in_files, refused};

/// What unwraps wait for.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// Opens it also where a test fails: a thread that waits is waited for.
struct OpensAtLast(Arc<Gate>);

impl Drop for OpensAtLast {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// A keystore that tells of each unwrapping, and then waits.
struct Slow {
    inner: Arc<dyn Provider>,
    begun: mpsc::UnboundedSender<()>,
    gate: Arc<Gate>,
}

fn slow(begun: mpsc::UnboundedSender<()>, gate: Arc<Gate>) -> Keystore {
    Arc::new(move |folder: &Path| {
        let inner = in_files(folder)?;
        Ok(around(Slow { inner, begun: begun.clone(), gate: Arc::clone(&gate) }))
    })
}

impl Around for Slow {
    fn inner(&self) -> &dyn Provider {
        &*self.inner
    }

    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
        Some(self)
    }
}

impl UnwrapCek for Slow {
    fn unwrap_cek(&self, key: &KeyRef, file: &FileId, wrapped: &[u8]) -> Result<Cek, Error> {
        // A test that has ended looks at none.
        let _ = self.begun.send(());
        self.gate.wait();
        self.inner.unwrapping().unwrap().unwrap_cek(key, file, wrapped)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_encrypted_rubbish_holds_no_other_call_back() {
    let (begun, mut opening) = mpsc::unbounded_channel();
    let gate = Arc::new(Gate::default());
    let _opens = OpensAtLast(Arc::clone(&gate));
    let keystore = slow(begun, Arc::clone(&gate));
    let teller =
        Teller::begin_keeping(KeyAlgorithm::RsaOaep256, Keeping { keystore, ..Keeping::in_files(2) }).await;
    let client = teller.house.client().clone();
    let flood: Vec<_> = (0..100)
        .map(|number| {
            let call = teller.encrypt(&format!("rubbish {number}"));
            let client = client.clone();
            tokio::spawn(async move { client.protect_by_token(AskedByToken { call, address: None }).await })
        })
        .collect();
    for _ in 0..4 {
        opening.recv().await.unwrap();
    }
    let within = Duration::from_secs(30);
    let created =
        tokio::time::timeout(within, teller.ask("alice", create())).await.expect("it does not wait");
    assert!(created["answer"]["data_key"].is_string());
    client.trace_lines(0).await.unwrap();
    assert!(opening.try_recv().is_err(), "four at once");
    gate.open();
    for one in flood {
        refused(one.await.unwrap(), Code::ProofInvalid);
    }
    teller.ask_encrypted("alice", create()).await;
}
