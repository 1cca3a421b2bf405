//! The key that signs contents is the one that the journal names: without it, or with another, the element does not start, since no content of before would open.

use sceau_element::{SignerError, StartError};

use super::caller::Protected;
use crate::house::{Keeping, in_files, run_with, shown};

#[tokio::test]
async fn a_start_without_the_key_that_signed_contents_is_refused_and_none_is_made() {
    let house = Protected::begin().await;
    let client = house.element.client.clone();
    let published = client.published_keys().await.unwrap();
    let record = shown(&client, 0).await;
    let named = record.detail()["content_key"].clone();
    assert!(published.contains(&named), "a start says which");
    drop(client);
    let (folder, seed) = house.element.stop().await;
    let path = folder.path().join("keys/keys/protect-content-sign.key");
    let why = || match run_with(folder.path(), seed, None, Keeping::in_files(1)) {
        Err(StartError::Signer(error)) => error,
        other => panic!("{:?}", other.map(drop)),
    };
    let kept = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(why(), SignerError::Protection(_)));
    assert!(!path.exists(), "none is made in its place");

    // One that was made by another hand.
    let keystore = in_files(folder.path()).unwrap();
    drop(sceau_element::ContentKeys::open(keystore, None, 1).unwrap());
    assert!(matches!(why(), SignerError::OtherContentKey { named: of } if of == named));
    std::fs::write(&path, kept).unwrap();
    let (client, _serving) = run_with(folder.path(), seed, None, Keeping::in_files(1)).unwrap();
    assert_eq!(client.published_keys().await.unwrap(), published);
    let last = client.hello().await.unwrap().size - 1;
    assert!(shown(&client, last).await.detail().is_empty(), "it is named once");
}
