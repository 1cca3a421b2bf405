//! Documents that are signed as a whole: their holder is asked once they are there, and the application comes for them.

use axum::body::Bytes;
use sceau_crypto::{random, sha256};
use serde_json::{Value, json};

use crate::CscError;
use crate::consents::Left;
use crate::credentials::Credential;
use crate::documents::{self, Done, Work};
use crate::hashes::later;
use crate::input::Input;
use crate::kept::{Name, drawn, name};
use crate::rooms::Arriving;
use crate::service::{Service, Waiting, full};
use crate::tokens::Bearer;

/// How often the host is asked for one call at most, in ms.
const PAUSE: u64 = 300;
/// How long documents wait for their application after the holder's time, in ms: they are large.
const AFTERWARDS: u64 = 120_000;
/// How long one time stamp may take, in ms.
const STAMPING: u64 = 30_000;

/// Documents whose holder is asked.
pub(crate) struct Signing {
    credential: Credential,
    /// What the holder was asked; none as long as it is on its way to them.
    left: Option<Left>,
    works: Vec<Work>,
    /// Beside each, once there is one.
    stamps: Vec<Option<Vec<u8>>>,
    /// Until when another call asks the host, or has them stamped.
    busy: u64,
    facts: bool,
}

/// What is to be signed, as it was read.
struct Read {
    credential: Credential,
    works: Vec<Work>,
    said: Option<String>,
    facts: bool,
}

impl Service {
    /// Signs documents (section 11.11). What a holder signs of a document is known once it is there, so it is this call that asks them: it has no SAD, and is not waited for.
    /// What came has its place until it was read: nobody has more of it waiting for a room, or being read, than may arrive.
    pub(crate) async fn sign_documents(
        &self,
        bearer: &Bearer,
        (body, place): (Bytes, Arriving),
    ) -> Result<Value, CscError> {
        let room = self.0.rooms.to_read().await?;
        let (service, by) = (self.clone(), bearer.clone());
        // Whoever called may be gone: the work goes on, and has its room as long.
        let read = tokio::task::spawn_blocking(move || {
            let read = service.read(&by, &body);
            drop((room, place, body));
            read
        });
        let Read { credential, works, said, facts } = read.await.map_err(|_| CscError::server())??;
        let hashes: Vec<_> = works.iter().map(Work::hash).collect();
        let (names, stamps) = (vec![None; hashes.len()], vec![None; hashes.len()]);
        let signing = Signing { credential: credential.clone(), left: None, works, stamps, busy: 0, facts };
        // A place first: nobody is asked for what could not be kept.
        let ((id, at), client) = (drawn(), &bearer.client);
        let until = self.ends() + AFTERWARDS;
        self.0.works.put(at, client, signing, until, self.now()).map_err(|_| full())?;
        let client = client.clone();
        self.ask(bearer, &credential, (said.as_deref(), &names, &hashes), move |service, left| match left {
            Ok(left) => {
                service.0.works.with(&at, &client, service.now(), |it| it.left = Some(left));
                Ok(())
            }
            Err(error) => {
                service.0.works.take(&at, &client, service.now());
                Err(error)
            }
        })
        .await?;
        Ok(json!({"responseID": id}))
    }

    /// What is sent, read; a document is written with a place in it.
    fn read(&self, bearer: &Bearer, body: &[u8]) -> Result<Read, CscError> {
        let mut input = Input::read(body)?;
        let credential = self.usable(bearer, &input)?;
        if input.get("SAD").is_some() {
            return Err(CscError::parameter("SAD"));
        }
        if later(&input)?.is_none() {
            return Err(CscError::parameter("operationMode"));
        }
        let facts = input.flag("returnValidationInfo")?;
        let said = input.optional("description")?.map(str::to_owned);
        let works = documents::read(&mut input, &credential, self.0.plan.most, self.now())?;
        if self.0.stamps.is_none() && works.iter().any(|work| work.stamped) {
            return Err(CscError::parameter("conformance_level"));
        }
        Ok(Read { credential, works, said, facts })
    }

    /// What became of a call that was not waited for (section 11.12): given out once.
    pub(crate) async fn poll(&self, bearer: &Bearer, input: &Input) -> Result<Value, CscError> {
        if input.get("userID").is_some() {
            return Err(CscError::invalid("userID parameter SHALL be null"));
        }
        let (at, client, now) = (name(input.text("requestID")?), &bearer.client, self.now());
        let unknown = || CscError::parameter("requestID");
        let own = |kept: &mut Waiting| kept.0 == bearer.keyring && kept.1.is_some();
        if self.0.answers.with(&at, client, now, own) == Some(true) {
            return self.0.answers.take(&at, client, now).and_then(|kept| kept.1).ok_or_else(unknown);
        }
        let asked = self.0.works.with(&at, client, now, |it| {
            (it.credential.keyring == bearer.keyring).then(|| {
                let left = it.left.as_ref().filter(|_| now >= it.busy)?;
                it.busy = now + PAUSE;
                Some((left.request, left.ends))
            })
        });
        let asked = asked.flatten().ok_or_else(unknown)?;
        let (request, ends) = asked.ok_or_else(CscError::accepted)?;
        let signatures = match self.heard(request, ends, bearer.keyring).await {
            Ok(None) => return Err(CscError::accepted()),
            Ok(Some(signatures)) => signatures,
            Err(refused) => {
                if refused.words().0 == "access_denied" {
                    self.0.works.take(&at, client, now);
                }
                return Err(refused);
            }
        };
        self.stamped(&at, client, &signatures).await?;
        let signing = self.0.works.take(&at, client, now).ok_or_else(unknown)?;
        completed(signing, &signatures)
    }

    /// Has each signature stamped that is to be, once: what is there stays, where the authority is away for the next one.
    async fn stamped(&self, at: &Name, client: &str, signatures: &[Vec<u8>]) -> Result<(), CscError> {
        for (place, signature) in signatures.iter().enumerate() {
            let wanted = self.0.works.with(at, client, self.now(), |it| {
                let stamped = it.works.get(place).is_some_and(|work| work.stamped);
                let wanted = stamped && it.stamps.get(place).is_none_or(Option::is_none);
                if wanted {
                    it.busy = self.now() + STAMPING;
                }
                wanted
            });
            if wanted != Some(true) {
                continue;
            }
            let stamp = self.stamp(signature).await;
            self.0.works.with(at, client, self.now(), |it| {
                it.busy = 0;
                if let (Ok(stamp), Some(kept)) = (&stamp, it.stamps.get_mut(place)) {
                    *kept = Some(stamp.clone());
                }
            });
            stamp?;
        }
        Ok(())
    }

    async fn stamp(&self, signature: &[u8]) -> Result<Vec<u8>, CscError> {
        let away = || CscError::later("The authority of time stamps gave none");
        let stamps = self.0.stamps.as_ref().ok_or_else(away)?;
        stamps.stamp(sha256(signature), random::<16>()).await.map_err(|error| {
            tracing::warn!(%error, "the authority of time stamps gave none");
            away()
        })
    }
}

fn completed(signing: Signing, signatures: &[Vec<u8>]) -> Result<Value, CscError> {
    let (mut whole, mut detached) = (Vec::new(), Vec::new());
    for ((work, signature), stamp) in signing.works.into_iter().zip(signatures).zip(&signing.stamps) {
        if !work.is_signed_by(signature) {
            tracing::error!("a signature is not by the certificate that is kept for its keyring");
            return Err(CscError::server());
        }
        match work.complete(&signing.credential, signature, stamp.as_deref())? {
            Done::Document(one) => whole.push(one),
            Done::Signature(one) => detached.push(one),
        }
    }
    let mut answer = serde_json::Map::new();
    if !whole.is_empty() {
        answer.insert("DocumentWithSignature".to_owned(), whole.into());
    }
    if !detached.is_empty() {
        answer.insert("SignatureObject".to_owned(), detached.into());
    }
    if signing.facts {
        // All that it is judged by is in the signature: the element's authority publishes no lists.
        answer.insert("validationInfo".to_owned(), json!({"ocsp": [], "crl": [], "certificates": []}));
    }
    Ok(answer.into())
}
