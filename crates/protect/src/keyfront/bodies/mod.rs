//! Bodies that the keyfront encrypts and decrypts itself, for an application that asks it to by the session of its call.
//!
//! The key of that session is drawn at each start and stays in this process. A data key that comes to it is used for one body and forgotten; plaintext passes
//! through this process, and is kept nowhere. What goes out was authenticated first, and ends without its end where anything is wrong.

mod answer;
mod authorisation;
mod head;
mod pipe;
mod proof;
mod signed;
mod work;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use sceau_accounts::callers::Standing;
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_element_api::protect::{
    CbcKey, Claims, ContentProfile, DataKey, Open, Operation, Session, SessionKey,
};
use sceau_element_api::{ApplicationId, CallError, protect::Called};
use sceau_store::{Clock, Place, Places};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use self::answer::{Answer, Watched};
use self::authorisation::Authorisation;
pub(super) use self::pipe::Ended;
use self::pipe::{Incoming, Line, Outgoing};
use self::signed::SignedContent;
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
    /// The longest that is decrypted by the profile `cbc-rs256`, in bytes: it is kept on the disk until all of it is verified.
    pub longest_spooled: u64,
    /// How long a mebibyte may take, to come in or to be taken.
    pub each_mebibyte: Duration,
    /// How long a body may take as a whole.
    pub whole: Duration,
    /// How often it is asked whether an authorisation still counts while a body is decrypted under it.
    pub judged_each: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        let (at_once, longest, longest_spooled) = (16, 1 << 40, 1 << 30);
        let (each_mebibyte, judged_each) = (Duration::from_mins(1), Duration::from_secs(1));
        // A tebibyte at 13 megabytes a second.
        let whole = Duration::from_hours(24);
        Self { at_once, longest, longest_spooled, each_mebibyte, whole, judged_each }
    }
}

impl BodyLimits {
    /// The longest body of such a call.
    fn longest_of(&self, op: &Operation) -> u64 {
        match op {
            Operation::Open(open) if open.content.is_some() => self.longest.min(self.longest_spooled),
            _ => self.longest,
        }
    }
}

/// What bodies need of a keyfront.
#[derive(Debug)]
pub(super) struct Bodies {
    session: Session,
    limits: BodyLimits,
    /// Where what is to be verified as a whole is kept until then.
    spool: PathBuf,
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
    /// By what certificate it came, where callers are judged by theirs.
    pub(super) standing: Option<Standing>,
}

/// A call that was granted, whose data key is ours to use.
struct Granted {
    claims: Claims,
    kid: Option<String>,
    called: Called,
    judged: Option<Vec<u8>>,
    key: Key,
    held: Held,
}

/// A data key, for what its call says.
enum Key {
    Envelope(DataKey),
    Cbc(CbcKey),
}

impl Bodies {
    /// Draws the session's key; none where it cannot be.
    pub(super) fn begin(limits: BodyLimits, spool: PathBuf, clock: Arc<dyn Clock>) -> Option<Self> {
        // One address leaves a quarter to others.
        let rooms = Rooms::new(limits.at_once, limits.at_once - limits.at_once / 4);
        // One application leaves half, from however many addresses it calls.
        let of_applications = Places::new(limits.at_once - limits.at_once / 2);
        Some(Self { session: Session::draw()?, limits, spool, clock, rooms, of_applications })
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
    /// Encrypts a body under a new datum: the answer is an envelope, or a content of the profile that the call names.
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
        let wrapped_key = called.wrapped_key.ok_or(CallError::Mismatch)?.0;
        let body = match key {
            Key::Envelope(key) => {
                let key = key.into_cek();
                let envelope = NewEnvelope::under(key, *called.datum.as_bytes(), wrapped_key, metadata)
                    .map_err(|_| CallError::Mismatch)?;
                let work = |incoming: Incoming, outgoing: Outgoing| work::seal(envelope, incoming, outgoing);
                self.run(asked, (claims, held), None, work).await?
            }
            Key::Cbc(key) => {
                let content = SignedContent { datum: called.datum, wrapped_key, key };
                let element = self.0.element.clone();
                let work = |incoming: Incoming, outgoing: Outgoing| {
                    content.seal(metadata, element, incoming, outgoing)
                };
                self.run(asked, (claims, held), None, work).await?
            }
        };
        Ok((head::of_envelope(&called.datum, called.index), body).into_response())
    }

    /// Decrypts an envelope, or a content of another profile, for whom the datum's key may be given to, for as long as it may.
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
        let asked_by = (claims.clone(), called.proven_by.as_deref());
        let authorisation = Authorisation::granted(self.0.element.clone(), asked_by, kid, address, &row)
            .ok_or(CallError::Mismatch)?;
        let (tell, mut told) = oneshot::channel::<Metadata>();
        let authorisation = Some(authorisation);
        let body = match (key, claims.op.clone()) {
            (Key::Envelope(key), _) => {
                let key = key.into_cek();
                let work = |incoming: Incoming, outgoing: Outgoing| work::open(key, tell, incoming, outgoing);
                self.run(asked, (claims, held), authorisation, work).await?
            }
            (Key::Cbc(key), Operation::Open(Open { wrapped_key, content: Some(signature), .. })) => {
                let content = SignedContent { datum: called.datum, wrapped_key: wrapped_key.0, key };
                let spool = self.0.bodies.spool.clone();
                let work = |incoming: Incoming, outgoing: Outgoing| async move {
                    content.open(signature, &spool, tell, incoming, outgoing).await
                };
                self.run(asked, (claims, held), authorisation, work).await?
            }
            (Key::Cbc(_), _) => return Err(CallError::Mismatch.into()),
        };
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
        let claims = Claims::unverified(&call).map_err(|error| Refused::malformed(&error.to_string()))?;
        let longest = bodies.limits.longest_of(&claims.op);
        if head::length(headers).is_some_and(|length| length > longest) {
            return Err(Refused::long_body());
        }
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
        let (session, datum, jti) = (&bodies.session, &called.datum, claims.jti.as_str());
        let key = match claims.op.profile() {
            None => session.open(message, datum, jti).map(Key::Envelope),
            Some(ContentProfile::CbcRs256) => session.open_content(message, datum, jti).map(Key::Cbc),
        };
        let key = key.map_err(|_| CallError::Mismatch)?;
        Ok(Granted { claims, kid, called, judged: judged.map(|row| row.payload.0), key, held })
    }

    /// Works on a body until its first mebibyte is done, or all of it: what is wrong by then is told as a problem. The rest is the answer's.
    async fn run<W: Future<Output = Result<(), Ended>> + Send + 'static>(
        &self,
        asked: BodyRequest,
        (claims, held): (Claims, Held),
        authorisation: Option<Authorisation>,
        work: impl FnOnce(Incoming, Outgoing) -> W,
    ) -> Result<Body, Refused> {
        let limits = self.0.bodies.limits;
        let longest = limits.longest_of(&claims.op);
        let (stop, stopped) = watch::channel(None);
        let line = Line { stopped: stopped.clone(), each_mebibyte: limits.each_mebibyte };
        let (to, mut from) = mpsc::channel(1);
        let bound = claims.body.map(|body| body.0);
        let incoming = Incoming::new(line.clone(), asked.body.into_data_stream(), longest, bound);
        let (taken, last_taken) = watch::channel(Instant::now());
        let outgoing = Outgoing::new(line, to, taken.clone());
        // Held until the work is done and its answer is taken: both have parts of the body in memory.
        let held = Arc::new(held);
        let held_by_work = Arc::clone(&held);
        let work = work(incoming, outgoing);
        let working = tokio::spawn(async move {
            let _held = held_by_work;
            work.await
        });
        let (reads, gone) = oneshot::channel();
        let (connection, standing) = (asked.connection, asked.standing);
        let watched = Watched { stop, gone, taken: last_taken, authorisation, standing, connection };
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
