//! What witnesses remember of a log whose keys are in a token, and what nobody cosigned.

use sceau_crypto::{Secret, SigningKey};
use sceau_trace::KeyKind::Cosignature as CosigningKey;
use sceau_trace::{SignedCheckpoint, VerifiedCheckpoint, VerifierKey};

use super::caller::Protected;
use super::epochs::{all_open, create, in_the_token};
use super::erasure::{certificate, of};
use crate::house::Element;
use crate::keys_in_a_token::beside_a_token;

/// Stops an element, and starts it once a witness remembers its log as it is.
pub(super) async fn witnessed_start(element: Element) -> Element {
    remember(&element).await;
    element.restart().await
}

/// A witness remembers the log as it is now: it cosigned it, and the element is told whom to believe.
pub(super) async fn remember(element: &Element) {
    let witness = SigningKey::from_seed(Secret::from_slice(&[7; 32]).unwrap());
    let key =
        VerifierKey::new("witness.test/one", CosigningKey, *witness.verifying_key().as_bytes()).unwrap();
    let folder = element.folder.path();
    std::fs::write(folder.join("policy"), format!("witness one {key}\nquorum one\n")).unwrap();
    let seen = own_checkpoint(element).await;
    let signature = witness.sign(seen.cosigned_text(1_800_000_000).as_bytes());
    let seen = seen.with_cosignature(&key, 1_800_000_000, signature).unwrap();
    std::fs::write(folder.join("witnessed"), seen.note().to_string()).unwrap();
}

/// The log's checkpoint as it is now, by its word alone.
async fn own_checkpoint(element: &Element) -> VerifiedCheckpoint {
    let key = element.client.hello().await.unwrap().log_key.parse().unwrap();
    SignedCheckpoint::parse(&element.client.checkpoint().await.unwrap()).unwrap().verify(&key).unwrap()
}

#[test]
fn what_no_witness_cosigned_destroys_no_key_in_a_token() {
    let name = "protection::witnessed::what_no_witness_cosigned_destroys_no_key_in_a_token";
    beside_a_token(name, async |tokens| {
        let mut house = Protected::begin_with(in_the_token(&tokens)).await;
        let known = create(&house.element.client, &mut house.application, 2).await;
        house.application.ask(&house.element.client, "alice", of("erase", &known[0].0)).await.unwrap();
        // The platform, which writes the file, has the newest checkpoint of each start in it, signed by the log itself; of a witness it has another's line, or none.
        remember(&house.element).await;
        let mut element = house.element;
        let other = SigningKey::generate();
        let other_key =
            VerifierKey::new("witness.test/two", CosigningKey, *other.verifying_key().as_bytes()).unwrap();
        for cosigned in [false, true, false] {
            let seen = own_checkpoint(&element).await;
            let signature = other.sign(seen.cosigned_text(1).as_bytes());
            let seen = if cosigned { seen.with_cosignature(&other_key, 1, signature).unwrap() } else { seen };
            std::fs::write(element.folder.path().join("witnessed"), seen.note().to_string()).unwrap();
            element = element.restart().await;
            let proven = certificate(&element.client, &mut house.application, &known[0].0).await;
            assert_eq!((proven.destroyed, proven.due), (None, None));
        }
        // Nor without a policy, whoever cosigned.
        remember(&element).await;
        let policy = element.folder.path().join("policy");
        let kept = std::fs::read(&policy).unwrap();
        std::fs::remove_file(&policy).unwrap();
        element = element.restart().await;
        assert!(certificate(&element.client, &mut house.application, &known[0].0).await.destroyed.is_none());
        std::fs::write(&policy, kept).unwrap();
        let element = witnessed_start(element).await;
        assert!(certificate(&element.client, &mut house.application, &known[0].0).await.destroyed.is_some());
        all_open(&element.client, &mut house.application, &known[1..]).await;
    });
}
