//! What the holder agreed to goes to the provider of a request that waited, and into files: neither is lost for the other.

use sceau_client::Server;
use sceau_client::terminal::{Storage, Visitor};
use sceau_element_api::KeyringRequestId;
use sceau_keyring::Outcome;

use crate::command::keyring::wait_for;
use crate::failure::Failure;

/// Keeps the outcome in the terminal's folder before anything else, then writes files, and hands it over whether or not they could be written.
pub(super) fn hand_over(
    storage: &Storage,
    server: &Server,
    (request, outcome): (KeyringRequestId, Outcome),
    write: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let kept = storage.keep_undelivered(request, &outcome);
    let written = write();
    let handed = wait_for(async { Visitor::to(storage, server)?.hand_over(request, outcome).await });
    let handed = match (handed, kept) {
        (Err(failure), Err(_)) => {
            Err(failure.and("the provider does not have it, nor could the terminal's folder keep it"))
        }
        (handed, _) => handed,
    };
    match (written, handed) {
        (Err(failure), Err(other)) => Err(failure.and(&other.to_string())),
        (written, handed) => written.and(handed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_client::Trust;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn what_was_agreed_to_is_kept_before_anything_else_can_fail() {
        let folder = tempfile::tempdir().unwrap();
        let (storage, request) = (Storage::at(folder.path()), KeyringRequestId::random());
        let nobody = Server::new("http://127.0.0.1:1", &Trust::default()).unwrap();
        let outcome = Outcome {
            signatures: Vec::new(),
            proof: "word".to_owned(),
            certificate: None,
            chain: Vec::new(),
            index: 7,
        };
        let kept = folder.path().join(format!("undelivered-{request}.json"));
        let write = || {
            assert!(std::fs::read_to_string(&kept).unwrap().contains("word"));
            Err(Failure::new(Exit::System, "exists", "a full disk"))
        };
        let failure = hand_over(&storage, &nobody, (request, outcome), write).unwrap_err();
        assert_eq!(failure.code, "exists");
        assert!(failure.to_string().contains("has no terminal"), "it was tried all the same: {failure}");
        assert!(kept.exists(), "the next visit brings it");
    }
}
