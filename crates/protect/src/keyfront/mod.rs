//! The keyfront: TLS ends here, in the privileged zone; calls go to the element, and what it says comes back.

mod bodies;
mod http;
mod many;
mod refusal;
mod room;
mod serve;
mod tokens;

pub use bodies::BodyLimits;
pub use http::PLACES;
pub use serve::serve;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sceau_element_api::protect::{AskedOfDatum, Called, Claims, ContentToSign, DatumId, KeptRow, Operation};
use sceau_element_api::wire::{AttestedRow, Code};
use sceau_element_api::{Base64Url, CallError, Client, Kind, Nonce};

use sceau_store::{Clock, Place};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use self::bodies::Bodies;
use self::refusal::Refused;
use self::room::{Room, Rooms};
use crate::carried::to_its_end;
use crate::registration::Registration;
use crate::rows::Rows;
use crate::sweep::Amiss;

/// Requests under way at once; others wait.
const AT_ONCE: usize = 512;
/// Of one address; more are refused.
const OF_ONE_ADDRESS: usize = 128;
/// Batches of everybody that are under way at once; others wait. Each is some megabytes, and the work of hundreds of calls.
const BATCHES_AT_ONCE: usize = 8;
/// Of one address; more are refused.
const BATCHES_OF_ONE_ADDRESS: usize = 4;
/// Encrypted calls of everybody that wait to be opened; more are refused. Whose they are is not known before.
const SEALED_AT_ONCE: usize = 128;
/// Of one address.
const SEALED_OF_ONE_ADDRESS: usize = 32;
/// Contents of everybody whose signatures are waited for; more are refused. Whoever has a permit brings it as often as they like.
const SIGNED_AT_ONCE: usize = 32;
/// Of one address.
const SIGNED_OF_ONE_ADDRESS: usize = 8;
/// How long it is taken for true that element and database answer, or that they do not.
const READY_FOR: Duration = Duration::from_secs(1);
/// How long they may take to.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// What answers calls of applications. Clones are the same keyfront.
#[derive(Debug, Clone)]
pub struct Keyfront(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    element: Client,
    rows: Rows,
    /// Of requests under way.
    rooms: Rooms,
    /// Of those, of batches.
    batches: Rooms,
    /// Of those, of encrypted calls.
    sealed: Rooms,
    /// Of those, of contents that are to be signed.
    signed: Rooms,
    bodies: Bodies,
    /// Whether element and database answered, and when.
    ready: Mutex<Option<(Instant, bool)>>,
}

/// What a call gets.
#[derive(Debug)]
struct Answered {
    called: Called,
    /// What is said of the datum, where the call asks for it or changed it.
    document: Option<Base64Url>,
    /// The row that the element judged by.
    judged: Option<KeptRow>,
}

impl Keyfront {
    /// A keyfront before this element, which keeps these rows, and works on bodies within these limits, with files in `spool` where they are to be
    /// verified as a whole; none where the key of its session cannot be drawn.
    #[must_use]
    pub fn new(
        element: Client,
        rows: Rows,
        limits: BodyLimits,
        spool: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        let rooms = Rooms::new(AT_ONCE, OF_ONE_ADDRESS);
        let batches = Rooms::new(BATCHES_AT_ONCE, BATCHES_OF_ONE_ADDRESS);
        let sealed = Rooms::new(SEALED_AT_ONCE, SEALED_OF_ONE_ADDRESS);
        let signed = Rooms::new(SIGNED_AT_ONCE, SIGNED_OF_ONE_ADDRESS);
        let bodies = Bodies::begin(limits, spool, clock)?;
        let ready = Mutex::default();
        Some(Self(Arc::new(Parts { element, rows, rooms, batches, sealed, signed, bodies, ready })))
    }

    /// A place for one request from there, before anything of it is read: who sends slowly keeps nobody else's.
    fn place(&self, from: IpAddr) -> Result<Place<IpAddr>, Refused> {
        self.0.rooms.place(from).ok_or_else(Refused::busy)
    }

    /// Room for a request that was read.
    async fn enter(&self, place: Place<IpAddr>) -> Result<Room, Refused> {
        self.0.rooms.enter(place).await.ok_or_else(Refused::busy)
    }

    /// Whether element and database answer, as of a second ago at most: whoever asks how often has them asked once.
    async fn is_ready(&self) -> bool {
        let mut known = self.0.ready.lock().await;
        if let Some((at, ready)) = *known
            && at.elapsed() < READY_FOR
        {
            return ready;
        }
        let asks = async { self.0.element.hello().await.is_ok() && self.0.rows.ready().await.is_ok() };
        let ready = timeout(READY_WITHIN, asks).await.unwrap_or(false);
        *known = Some((Instant::now(), ready));
        ready
    }

    /// The log's name.
    async fn audience(&self) -> Result<String, Refused> {
        Ok(self.0.element.hello().await?.origin)
    }

    fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    /// The element's signature of a content, for whom its permit was given.
    async fn sign(&self, content: ContentToSign) -> Result<String, Refused> {
        Ok(self.0.element.sign_content(content).await?)
    }

    /// A nonce for the passkey that registers an application.
    async fn nonce(&self) -> Result<Nonce, Refused> {
        Ok(self.0.element.nonce().await?)
    }

    /// Registers an application, or its next version, in the word of the passkey of an administrator.
    async fn register(&self, registration: Registration) -> Result<AttestedRow, Refused> {
        Ok(registration.carry(&self.0.element, &self.0.rows).await?)
    }

    /// Carries a call to its end, also where the caller goes away: what was begun is kept in the database all the same.
    async fn carry(&self, call: String, from: IpAddr, room: Room) -> Result<Answered, Refused> {
        let keyfront = self.clone();
        let carried = async move {
            let _room = room;
            keyfront.call(call, Some(from.to_canonical())).await
        };
        to_its_end("a call", carried).await?
    }

    /// Carries a call to the element. A row that the database lost or altered, or that changed meanwhile, is brought back from the element, once: such
    /// a refusal does not use the call up.
    async fn call(&self, call: String, address: Option<IpAddr>) -> Result<Answered, Refused> {
        // What is not verified says which row to bring, and nothing else. What cannot be read at all is the element's to refuse.
        let claims = Claims::unverified(&call).ok();
        let datum = claims.as_ref().and_then(|claims| claims.op.datum());
        let row = match datum {
            Some(datum) => self.0.rows.datum(datum).await?,
            None => None,
        };
        let asked = AskedOfDatum { call, address, row };
        let (called, row) = match self.0.element.protect(asked.clone()).await {
            Err(CallError::Refused(refusal)) if is_of_rows(refusal.code) => {
                let row = match datum {
                    Some(datum) => Some(self.repair(datum, asked.row.is_some()).await?.ok_or(refusal)?),
                    None => None,
                };
                let asked = AskedOfDatum { row, ..asked };
                (self.0.element.protect(asked.clone()).await?, asked.row)
            }
            called => (called?, asked.row),
        };
        self.keep(called.changed.as_ref()).await;
        let describes = claims.is_some_and(|claims| matches!(claims.op, Operation::Describe(_)));
        let said = row.as_ref().filter(|_| describes).map(|row| row.payload.clone());
        let document = called.changed.as_ref().map(|(_, kept)| kept.payload.clone()).or(said);
        Ok(Answered { called, document, judged: row })
    }

    /// Keeps what a call changed.
    async fn keep(&self, changed: Option<&(AttestedRow, KeptRow)>) {
        if let Some((attested, kept)) = changed
            && let Err(error) = self.0.rows.keep_datum(attested, kept).await
        {
            // It is so all the same: the next call that brings the row finds it missing, and has it brought back.
            tracing::error!(%error, "a datum changed, and the database does not have it");
        }
    }

    /// Brings the current row of a datum back from the element's journal; `listed` where the database has another one.
    async fn repair(&self, datum: DatumId, listed: bool) -> Result<Option<KeptRow>, Refused> {
        let Some((row, kept)) = self.0.element.kept(Kind::Datum, datum).await? else { return Ok(None) };
        tracing::warn!(
            %datum,
            amiss = if listed { Amiss::Altered } else { Amiss::Missing }.as_str(),
            index = row.index,
            "the database had not the current version of a datum: it is brought back"
        );
        self.0.rows.keep_datum(&row, &kept).await?;
        Ok(Some(kept))
    }
}

/// Whether a call is refused for the row that was brought, and not for what it asks.
fn is_of_rows(code: Code) -> bool {
    matches!(code, Code::RowAltered | Code::StaleVersion)
}
