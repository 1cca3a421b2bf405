//! Element, host, officer, authority, provider and holders, as they are shipped.

use sceau_client::keyring::{FileKey, now};
use sceau_client::{Server, Trust};
use sceau_crypto::sha256;
use sceau_element_api::keyring::{KeyringAlgorithm, KeyringsAbout, RequestKind};
use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_keyring::{Item, ItemHash, Request, Statement as _};
use sceau_pki::PrivateKey;
use sceau_tests::keyrings::{Keyrings, PIN, PROVIDER};
use serde_json::json;

use super::BATCH;
use super::terminal::Terminal;

/// Where the element's keys are, and where holders' keys sign.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    InFiles,
    /// Of SoftHSM.
    InToken,
}

/// The processes, and who asks them.
pub(super) struct Ground {
    keyrings: Keyrings,
    /// What the element is.
    pub(super) element: KeyringsAbout,
    /// The provider's key.
    pub(super) provider: FileKey,
    /// The host, as the provider reaches it.
    pub(super) of_provider: Server,
    /// The host, as terminals do.
    pub(super) of_terminals: Server,
    /// The holders' terminals.
    pub(super) terminals: Vec<Terminal>,
}

impl Ground {
    /// Has so many keyrings made, handed over and activated, by the command line.
    pub(super) fn prepare(holders: usize, kept: Kept) -> Result<Self, String> {
        let policy = json!({"batch_most": BATCH});
        let keyrings = match kept {
            Kept::InFiles => Keyrings::start_with("bench-keyrings", policy),
            Kept::InToken => Keyrings::start_in_token("bench-keyrings", policy),
        };
        let read = |name: &str| {
            std::fs::read(keyrings.scratch.join(name)).map_err(|error| format!("{name}: {error}"))
        };
        let element = serde_json::from_slice(&read("element.json")?).map_err(|error| error.to_string())?;
        let identity = [read("sp.pem")?, read("sp.key")?].concat();
        let trust = Trust { anchors_pem: Some(read("host.pem")?), identity_pem: Some(identity) };
        let of_provider = Server::new(keyrings.address(), &trust).map_err(|error| error.to_string())?;
        let provider = key_of(&read("sp.key")?)?;
        let mut terminals = Vec::with_capacity(holders);
        for nth in 0..holders {
            let (name, folder) = (format!("k{nth}"), keyrings.scratch.join(&format!("terminal-{nth}")));
            let handed = keyrings.hand_over(&name, "Marie Curie");
            keyrings.activate(&handed, &folder).success();
            terminals.push(Terminal::of(&folder, PIN)?);
        }
        let of_terminals = keyrings.server();
        Ok(Self { keyrings, element, provider, of_provider, of_terminals, terminals })
    }

    /// The servers, by name and process.
    pub(super) fn servers(&self) -> [(&'static str, u32); 2] {
        let [element, host] = self.keyrings.pids();
        [("the element", element), ("the host", host)]
    }

    /// A request of the provider, signed; of so many documents, where it asks to sign.
    pub(super) fn request(
        &self,
        kind: RequestKind,
        keyring: KeyringId,
        documents: usize,
    ) -> Result<(KeyringRequestId, String), String> {
        let (request, time, signs) = (KeyringRequestId::random(), now(), kind == RequestKind::Sign);
        let item = |nth: usize| Item {
            label: format!("Bail du 12 mars, annexe {nth}"),
            hash: sha256(&nth.to_be_bytes()).as_slice().into(),
        };
        let asked = Request {
            v: 1,
            request,
            provider: PROVIDER.parse().map_err(|_| "a provider's id")?,
            keyring,
            kind,
            description: "Le bail du 12 mars\n\n1 250 € par mois".into(),
            items: if signs { (1..=documents).map(item).collect() } else { Vec::new() },
            hash: ItemHash::Sha256,
            algorithm: signs.then_some(KeyringAlgorithm::Es256),
            aud: self.element.origin.clone(),
            time,
            ends: time + 600_000,
            nonce: None,
            terminal: None,
        };
        Ok((request, asked.sign(&self.provider).map_err(|error| error.to_string())?))
    }
}

fn key_of(pem: &[u8]) -> Result<FileKey, String> {
    let key = PrivateKey::from_pem(&String::from_utf8_lossy(pem)).map_err(|error| error.to_string())?;
    FileKey::from_pkcs8(&key.to_pkcs8()).map_err(|error| error.to_string())
}
