//! Bodies that the keyfront encrypts and decrypts itself, for an application that asks it to by the session of its call.
//!
//! The key of that session is drawn at each start and stays in this process. A data key that comes to it is used for one body and forgotten; plaintext passes
//! through this process, and is kept nowhere. What goes out was authenticated first, and ends without its end where anything is wrong.

mod answer;
mod authorisation;
mod head;
mod pipe;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::stream::{StreamError, StreamOptions, open_content, read_header, seal_content};
use sceau_element_api::protect::{Claims, DataKey, Operation, Session, SessionKey};
use sceau_element_api::{ApplicationId, CallError, protect::Called};
use sceau_store::{Clock, Place, Places};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use self::answer::{Answer, Watched};
use self::authorisation::Authorisation;
pub(super) use self::pipe::Ended;
use self::pipe::{Incoming, Line, Outgoing};
use super::refusal::Refused;
use super::room::{Room, Rooms};
use super::serve::Connection;
use super::{Answered, Keyfront};

/// What is read of a body that is not wanted, and for how long.
const UNWANTED: usize = 16 << 20;
const UNWANTED_FOR: Duration = Duration::from_secs(5);

/// Bounds of bodies that the keyfront works on.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bodies at once; more are refused. Each takes less than 16 MiB of memory, whatever its size.
    pub at_once: usize,
    /// The longest, in bytes, as it comes in.
    pub longest: u64,
    /// How long a mebibyte may take, to come in or to be taken.
    pub each_mebibyte: Duration,
    /// How long a body may take as a whole.
    pub whole: Duration,
    /// How often it is asked whether an authorisation still counts while a body is decrypted under it.
    pub judged_each: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        let (at_once, longest) = (16, 1 << 40);
        let (each_mebibyte, judged_each) = (Duration::from_mins(1), Duration::from_secs(1));
        // A tebibyte at 13 megabytes a second.
        let whole = Duration::from_hours(24);
        Self { at_once, longest, each_mebibyte, whole, judged_each }
    }
}

/// What bodies need of a keyfront.
#[derive(Debug)]
pub(super) struct Bodies {
    session: Session,
    limits: BodyLimits,
    clock: Arc<dyn Clock>,
    rooms: Rooms,
    of_applications: Places<ApplicationId>,
}

/// What a body has as long as it is worked on: room, and a place of its application's.
type Held = (Room, Place<ApplicationId>);

/// A request for a body to be worked on, from its head.
pub(super) struct BodyRequest {
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) from: IpAddr,
    pub(super) connection: Connection,
}

/// A call that was granted, whose data key is ours to use.
struct Granted {
    claims: Claims,
    kid: Option<String>,
    called: Called,
    judged: Option<Vec<u8>>,
    key: DataKey,
    held: Held,
}

impl Bodies {
    /// Draws the session's key; none where it cannot be.
    pub(super) fn begin(limits: BodyLimits, clock: Arc<dyn Clock>) -> Option<Self> {
        // One address leaves a quarter to others.
        let rooms = Rooms::new(limits.at_once, limits.at_once - limits.at_once / 4);
        // One application leaves half, from however many addresses it calls.
        let of_applications = Places::new(limits.at_once - limits.at_once / 2);
        Some(Self { session: Session::draw()?, limits, clock, rooms, of_applications })
    }

    /// What a call names to have its body worked on here.
    pub(super) fn session(&self) -> &SessionKey {
        self.session.public()
    }

    pub(super) fn limits(&self) -> &BodyLimits {
        &self.limits
    }
}

impl BodyRequest {
    /// Reads some of a body that is not wanted beside the refusal, so that a caller which goes on sending hears that, and not a broken connection. Who
    /// waits for our leave to send (RFC 9110 section 10.1.1) has sent nothing.
    pub(super) fn refuse(self, refused: Refused) -> Refused {
        if !self.headers.contains_key(EXPECT) {
            let mut body = self.body.into_data_stream();
            let read_away = async move {
                let mut left = UNWANTED;
                while let Some(Ok(came)) = body.next().await {
                    left = left.saturating_sub(came.len());
                    if left == 0 {
                        return;
                    }
                }
            };
            tokio::spawn(timeout(UNWANTED_FOR, read_away));
        }
        refused
    }
}

impl Keyfront {
    /// Encrypts a body under a new datum: the answer is an envelope.
    pub(super) async fn encrypt(&self, asked: BodyRequest) -> Result<Response, Refused> {
        let metadata = match head::metadata(&asked.headers) {
            Ok(metadata) => metadata,
            Err(refused) => return Err(asked.refuse(refused)),
        };
        let begins = |op: &Operation| matches!(op, Operation::Create(_));
        let granted = self
            .bring((&asked.headers, asked.from), begins, "encrypts for a call that creates a datum")
            .await;
        let Granted { called, key, claims, held, .. } = match granted {
            Ok(granted) => granted,
            Err(refused) => return Err(asked.refuse(refused)),
        };
        let wrapped = called.wrapped_key.ok_or(CallError::Mismatch)?.0;
        let envelope =
            NewEnvelope::under(key.into_content_key(), *called.datum.as_bytes(), wrapped, metadata)
                .map_err(|_| CallError::Mismatch)?;
        let work = move |incoming: Incoming, mut outgoing: Outgoing| {
            outgoing.begin_with(envelope.header.as_bytes());
            seal_content(envelope, incoming, outgoing, options()).map(drop)
        };
        let body = self.run(asked, (claims, held), None, work).await?;
        Ok((head::of_envelope(&called.datum, called.index), body).into_response())
    }

    /// Decrypts an envelope for whom the datum's key may be given to, for as long as it may.
    pub(super) async fn decrypt(&self, asked: BodyRequest) -> Result<Response, Refused> {
        let opens = |op: &Operation| matches!(op, Operation::Open(_));
        let granted =
            self.bring((&asked.headers, asked.from), opens, "decrypts for a call that opens a datum").await;
        let Granted { called, key, claims, kid, judged, held } = match granted {
            Ok(granted) => granted,
            Err(refused) => return Err(asked.refuse(refused)),
        };
        let row = judged.ok_or(CallError::Mismatch)?;
        let address = Some(asked.from.to_canonical());
        let authorisation =
            Authorisation::granted(self.0.element.clone(), claims.clone(), kid, address, &row)
                .ok_or(CallError::Mismatch)?;
        let (tell, mut told) = oneshot::channel::<Metadata>();
        let work = move |mut incoming: Incoming, outgoing: Outgoing| {
            let header = read_header(&mut incoming)?.open_with(key.into_content_key())?;
            let _ = tell.send(header.metadata().clone());
            open_content(&header, incoming, outgoing, options()).map(drop)
        };
        let body = self.run(asked, (claims, held), Some(authorisation), work).await?;
        let metadata = told.try_recv().map_err(|_| CallError::Mismatch)?;
        Ok((head::of_file(&called.datum, called.index, &metadata), body).into_response())
    }

    /// Brings the call, if it is for this session and of the right kind, and opens the data key that comes back. Nothing of the body is read before.
    async fn bring(
        &self,
        (headers, from): (&HeaderMap, IpAddr),
        is_right: impl Fn(&Operation) -> bool,
        words: &str,
    ) -> Result<Granted, Refused> {
        let bodies = &self.0.bodies;
        let call = head::call(headers)?;
        if head::length(headers).is_some_and(|length| length > bodies.limits.longest) {
            return Err(Refused::long_body());
        }
        let claims = Claims::unverified(&call).map_err(|error| Refused::malformed(&error.to_string()))?;
        if !is_right(&claims.op) {
            return Err(Refused::malformed(&format!("this route {words}")));
        }
        if claims.op.session() != Some(bodies.session()) {
            return Err(Refused::other_session());
        }
        let room = bodies.rooms.take(from).ok_or_else(Refused::many_bodies)?;
        // Looked at here, so that the call is not used up, and taken once it is known whose it is: nobody takes another's by saying that it is.
        let of_application = || bodies.of_applications.take(claims.iss);
        drop(of_application().ok_or_else(|| Refused::many_bodies_of_application(false))?);
        let under_way = self.enter(self.place(from)?).await?;
        let kid = sceau_crypto::jose::Statement::parse(&call).ok();
        let kid = kid.and_then(|statement| statement.kid().map(str::to_owned));
        let Answered { called, judged, .. } = self.carry(call, from, under_way).await?;
        let place = of_application().ok_or_else(|| Refused::many_bodies_of_application(true))?;
        let held = (room, place);
        let message = called.data_key.as_deref().ok_or(CallError::Mismatch)?;
        let key = bodies.session.open(message, &called.datum, &claims.jti);
        let key = key.map_err(|_| CallError::Mismatch)?;
        Ok(Granted { claims, kid, called, judged: judged.map(|row| row.payload.0), key, held })
    }

    /// Works on a body until its first mebibyte is done, or all of it: what is wrong by then is told as a problem. The rest is the answer's.
    async fn run(
        &self,
        asked: BodyRequest,
        (claims, held): (Claims, Held),
        authorisation: Option<Authorisation>,
        work: impl FnOnce(Incoming, Outgoing) -> Result<(), StreamError> + Send + 'static,
    ) -> Result<Body, Refused> {
        let limits = self.0.bodies.limits;
        let (stop, stopped) = watch::channel(None);
        let line = Line {
            runtime: Handle::current(),
            stopped: stopped.clone(),
            each_mebibyte: limits.each_mebibyte,
        };
        let (to, mut from) = mpsc::channel(1);
        let bound = claims.body.map(|body| body.0);
        let incoming = Incoming::new(line.clone(), asked.body.into_data_stream(), limits.longest, bound);
        let outgoing = Outgoing::new(line, to);
        // Held until the work is done and its answer is taken: both have parts of the body in memory.
        let held = Arc::new(held);
        let held_by_work = Arc::clone(&held);
        let working = tokio::task::spawn_blocking(move || {
            let _held = held_by_work;
            work(incoming, outgoing)
        });
        let (reads, gone) = oneshot::channel();
        let (taken, last_taken) = watch::channel(Instant::now());
        let watched = Watched { stop, gone, taken: last_taken, authorisation, connection: asked.connection };
        tokio::spawn(watched.until_gone(limits, Arc::clone(&self.0.bodies.clock)));
        let first = from.recv().await;
        let mut answer = Answer {
            first,
            rest: from,
            working: Some(working),
            ended: None,
            stopped,
            taken,
            _held: (reads, held),
        };
        if answer.first.is_none() {
            answer.end().await.map_err(Refused::body)?;
        }
        Ok(Body::from_stream(futures::stream::try_unfold(answer, async |mut answer: Answer| {
            Ok::<_, Ended>(answer.next().await?.map(|chunk| (chunk, answer)))
        })))
    }
}

/// One thread beside those that read and write: a body goes as fast as one processor encrypts, and leaves the others to other bodies.
fn options() -> StreamOptions<'static> {
    StreamOptions::new().with_workers(std::num::NonZeroUsize::MIN)
}
