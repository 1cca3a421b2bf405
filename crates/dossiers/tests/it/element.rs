//! An element that runs in the test's process.

use std::path::Path;

use sceau_crypto::SigningKey;
use sceau_element::{EphemeralSigner, Peers, Settings, WebIdentity, serve, start};
use sceau_element_api::Client;
use tokio::net::UnixListener;

/// Its state and its socket are in the folder.
pub(crate) fn element(folder: &Path) -> Client {
    let web = WebIdentity { rp_id: "sceau.localhost".to_owned(), origins: vec![] };
    let settings = Settings {
        state: folder.join("element"),
        web,
        witness_file: None,
        witness_policy: None,
        standby: None,
        peers: Vec::new(),
        approver_age: sceau_element::APPROVER_AGE,
        stuck_after: sceau_element::STUCK_AFTER,
    };
    let signer = EphemeralSigner::of("sceau.test/log", SigningKey::generate()).unwrap();
    let running = start(settings, Box::new(signer)).unwrap();
    let socket = folder.join("element.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let peers = Peers(vec![rustix::process::getuid().as_raw()]);
    tokio::spawn(async move { serve(listener, running.service, peers).await });
    Client::new(socket)
}
