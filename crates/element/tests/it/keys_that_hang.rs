//! What keeps the log's key does not come back from a call: who asks is told so at once, who asks whether the element is well too, readers are served, and it goes
//! on where it left off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use sceau_element_api::AccountId;
use sceau_element_api::wire::Code;

use crate::house::{Element, Keeping, refused, shown};
use crate::kill::draft;
use crate::token_on_bad_days::comes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_hangs_is_told_and_nothing_is_lost() {
    let (hangs, gate) = (Arc::new(AtomicBool::new(false)), Arc::new((Mutex::new(()), Condvar::new())));
    let signing = {
        let (hangs, gate) = (Arc::clone(&hangs), Arc::clone(&gate));
        move || {
            let held = gate.0.lock().unwrap();
            drop(gate.1.wait_while(held, |()| hangs.load(Ordering::SeqCst)).unwrap());
        }
    };
    let keeping = Keeping { signing: Arc::new(signing), stuck_after: 300, ..Keeping::in_files(1) };
    let element = Element::resume_with(tempfile::tempdir().unwrap(), sceau_crypto::random(), keeping);
    let client = element.client.clone();
    let before = client.append(draft(AccountId::random())).await.unwrap();
    hangs.store(true, Ordering::SeqCst);
    let id = AccountId::random();
    let waiting = tokio::spawn({
        let client = element.client.clone();
        async move { client.append(draft(id)).await }
    });
    // Not well, from the bound on.
    comes(async || client.hello().await.is_err()).await;
    refused(client.hello().await, Code::Unavailable);
    refused(client.append(draft(AccountId::random())).await, Code::Unavailable);
    assert!(client.checkpoint().await.is_ok(), "who reads is served");
    {
        let _held = gate.0.lock().unwrap();
        hangs.store(false, Ordering::SeqCst);
    }
    gate.1.notify_all();
    assert_eq!(waiting.await.unwrap().unwrap(), before + 1, "what waited was recorded");
    comes(async || client.hello().await.is_ok()).await;
    assert_eq!(shown(&client, before + 1).await.actor().id, id.to_string());
    client.append(draft(AccountId::random())).await.unwrap();
}
