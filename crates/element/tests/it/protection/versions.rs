//! A master rotates: what is begun from then on is under its next version, and what there was opens.

use std::path::Path;

use sceau_element::SignerError;
use sceau_element_api::protect::Called;
use sceau_element_api::wire::Code;
use sceau_hsm::{KeyVersion, Operations as _};

use super::caller::{Caller, DataKey, Protected};
use super::epochs::{all_open, copy, create, in_the_token};
use super::erasure::of;
use crate::house::{Element, Keeping, refused};
use crate::keys_in_a_token::beside_a_token;

/// As `sceau hsm rotate` does, beside an element that is stopped.
fn rotate(folder: &Path, keeping: &Keeping, master: &str) -> Result<KeyVersion, SignerError> {
    let keystore = (keeping.keystore)(folder)?;
    let uri = format!("{}:{master}", keystore.scheme()).parse()?;
    let rotated = keystore.find(&uri).and_then(|entry| keystore.rotate(&entry.key, 1));
    Ok(rotated?)
}

async fn none_opens(element: &Element, application: &mut Caller, known: &[(Called, DataKey)]) {
    for (created, _) in known {
        let opening = application.opening(created);
        refused(application.ask_mending(&element.client, "alice", opening).await, Code::Unavailable);
    }
}

#[tokio::test]
async fn new_data_are_under_a_rotated_master_in_files() {
    masters_rotate(Keeping::in_files(1), "keys").await;
}

#[test]
fn new_data_are_under_a_rotated_master_in_a_token() {
    let name = "protection::versions::new_data_are_under_a_rotated_master_in_a_token";
    beside_a_token(name, async |tokens| masters_rotate(in_the_token(&tokens), "token").await);
}

/// `keystore` is the folder that says which versions there are.
async fn masters_rotate(keeping: Keeping, keystore: &str) {
    let mut house = Protected::begin_with(keeping.clone()).await;
    let client = house.element.client.clone();
    let mut old = create(&client, &mut house.application, 2).await;
    drop(client);
    let (folder, seed) = house.element.stop().await;
    let before = tempfile::tempdir().unwrap();
    copy(&folder.path().join(keystore), before.path());
    let version = rotate(folder.path(), &keeping, "protect-master-1").unwrap();
    assert_eq!(version.number(), 2);
    let element = Element::resume_with(folder, seed, keeping.clone());
    all_open(&element.client, &mut house.application, &old).await;
    let new = create(&element.client, &mut house.application, 2).await;
    all_open(&element.client, &mut house.application, &new).await;

    // With a keystore that has the first version alone, the old open and the new do not: each is under its own.
    let (folder, _) = element.stop().await;
    let after = tempfile::tempdir().unwrap();
    copy(&folder.path().join(keystore), after.path());
    put_back(before.path(), &folder.path().join(keystore));
    let element = Element::resume_with(folder, seed, keeping.clone());
    all_open(&element.client, &mut house.application, &old).await;
    none_opens(&element, &mut house.application, &new).await;
    let (folder, _) = element.stop().await;
    put_back(after.path(), &folder.path().join(keystore));

    // An epoch that turns seals each salt anew with the version that it is of.
    let element = Element::resume_with(folder, seed, keeping.clone());
    let (erased, _) = old.pop().unwrap();
    house.application.ask_mending(&element.client, "alice", of("erase", &erased)).await.unwrap();
    let (folder, _) = element.stop().await;
    rotate(folder.path(), &keeping, "protect-master-1").unwrap();
    let element = Element::resume_with(folder, seed, keeping.clone());
    let newer = create(&element.client, &mut house.application, 1).await;
    let element = element.restart().await;
    for known in [&old, &new, &newer] {
        all_open(&element.client, &mut house.application, known).await;
    }
    // Before the process ends, and the token's module with it.
    drop(element.stop().await);
}

fn put_back(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    copy(from, to);
}
