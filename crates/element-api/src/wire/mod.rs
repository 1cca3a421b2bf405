//! What travels between a caller and the element: requests, responses, refusals. `docs/element-operations.md` says what
//! each operation demands.

mod code;
mod draft;

pub use code::{Code, Refusal};
pub use draft::RecordDraft;

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::keyring::{
    AwaitedCertificate, BroughtCertificate, ContextOffer, KeyringsAbout, SealedAnswer, SealedMessage,
};
use crate::proof::Proof;
use crate::protect::{
    Accesses, AskedByToken, AskedOfData, AskedOfDatum, Called, CalledMany, ContentToSign, DatumId, Erasure,
    KeptRow, SignedAnswer, TraceLine, TraceLines,
};
use crate::{ActId, Base64Url, KeyringId, Kind, Nonce, OrganisationId, RowId};

/// The most rows in one [`Request::CurrentMany`].
pub const MAX_ROWS: usize = 1024;
/// The most entries in one [`Response::Entries`]; fewer when they would not fit a frame.
pub const MAX_ENTRIES: u64 = 256;

/// What can be asked of the element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Who are you?
    Hello,
    /// A nonce for a passkey proof.
    Nonce,
    /// Make this payload the next version of a row.
    Attest(Attest),
    /// Append a record that the platform asserts.
    Append(RecordDraft),
    /// Append a record that an organisation's key manager signed (JWS typ `sceau-record`).
    AppendSigned {
        /// The JWS.
        jws: String,
    },
    /// Do what an application asks about a datum (JWS typ `sceau-protect-call`).
    Protect(Box<AskedOfDatum>),
    /// Do what an application asks about many data (JWS typ `sceau-protect-call`).
    ProtectMany(Box<AskedOfData>),
    /// Do what an application asks about a datum by a token (JWS typ `JWT`, or a JWE around one), and sign the answer.
    ProtectByToken(AskedByToken),
    /// The public keys (JWK Set) of calls and answers that are tokens, and of signed contents.
    PublishedKeys,
    /// Who was given a datum's key, or denied it, from this entry of the log on: with the users in clear, whoever asks judges who is told.
    TraceLines {
        /// Index of the entry.
        from: u64,
    },
    /// Whether the element made these lines, at most [`MOST_TRACE_LINES`](crate::protect::MOST_TRACE_LINES).
    VerifyTraceLines(Vec<TraceLine>),
    /// Sign a content of a datum, for whom its permit was given.
    SignContent(ContentToSign),
    /// The current version of a row of protection of data, or of keyrings, with its bytes, from the journal.
    Kept(RowKey),
    /// The certificate that a datum was erased, which shows the datum's id and no person.
    Erasure(DatumId),
    /// Calls about a datum, the last one first, with the users in clear: whoever asks judges who is told.
    Accesses {
        /// The datum.
        datum: DatumId,
        /// Those before the call that is recorded there; none for the last ones.
        before: Option<u64>,
        /// How many, at most [`MOST_ACCESSES`](crate::protect::MOST_ACCESSES).
        most: usize,
    },
    /// Calls about data that were refused, among so many entries of the log from one on: which datum each was about, and no person.
    RefusedCalls {
        /// Index of the first entry.
        from: u64,
        /// How many to look at, at most [`MAX_ENTRIES`].
        count: u64,
    },
    /// An organisation's requests to erase that were neither approved nor withdrawn, the last asked first; the days of some may be over.
    WaitingActs(OrganisationId),
    /// The current version of a row.
    Current(RowKey),
    /// The current versions of up to [`MAX_ROWS`] rows.
    CurrentMany(Vec<RowKey>),
    /// The last durable checkpoint.
    Checkpoint,
    /// Log entries, from `start`.
    Entries {
        /// Index of the first entry.
        start: u64,
        /// How many, at most [`MAX_ENTRIES`].
        count: u64,
    },
    /// Hashes of a tile (C2SP tlog-tiles).
    Tile {
        /// Level of the tile, 0 to 5.
        level: u8,
        /// Index of the tile.
        index: u64,
        /// Number of hashes, 1 to 256.
        width: u16,
    },
    /// That an entry is in the tree of `size`.
    InclusionProof {
        /// Index of the entry.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// That the tree of `from` is a prefix of the tree of `to`.
    Consistency {
        /// Size of the smaller tree.
        from: u64,
        /// Size of the larger tree.
        to: u64,
    },
    /// A checkpoint of another element's log, with the proof that it extends the last one that was seen: the body of a request to a witness (C2SP
    /// tlog-witness). It is recorded that it was seen.
    SeeCheckpoint(String),
    /// The logs of other elements that this one was told of, and what it saw of them.
    Peers,
    /// What a context of messages about keyrings is begun with.
    KeyringContext,
    /// A message of an actor or a terminal about a keyring, sealed to the element.
    Keyring(Box<SealedMessage>),
    /// What anybody may know of the element's part in keyrings.
    KeyringsAbout,
    /// Keyrings that wait for a certificate of an authority outside, at most [`MOST_AWAITED`](crate::keyring::MOST_AWAITED): those after this one, in the order of their ids.
    AwaitedCertificates {
        /// The last one that is known; none for the first ones.
        after: Option<KeyringId>,
    },
    /// What an authority outside answered for a keyring.
    BringCertificate(Box<BroughtCertificate>),
    /// The evidence file of an entry, under the last checkpoint.
    EvidenceFor {
        /// Index of the entry.
        index: u64,
    },
}

impl Request {
    /// Whether it changes nothing, so that it may be asked twice.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !matches!(
            self,
            Self::Attest(_)
                | Self::Append(_)
                | Self::AppendSigned { .. }
                | Self::Protect(_)
                | Self::ProtectMany(_)
                | Self::ProtectByToken(_)
                | Self::SeeCheckpoint(_)
                | Self::Keyring(_)
                | Self::BringCertificate(_)
        )
    }
}

/// An attestation that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attest {
    /// The kind of the row.
    pub kind: Kind,
    /// The row; the payload must name the same.
    pub id: RowId,
    /// The version that the caller believes current; none for a new row. Anything else refuses.
    pub previous: Option<Version>,
    /// The exact bytes of the document.
    pub payload: Base64Url,
    /// The proof that an actor asks for it.
    pub proof: Proof,
}

/// A version of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// 1 for the first, one more for each next.
    pub version: u64,
    /// SHA-256 of the document's bytes.
    pub hash: Hash,
}

/// What names a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowKey {
    /// The kind.
    pub kind: Kind,
    /// The row within the kind.
    pub id: RowId,
}

/// What the element answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Response {
    /// To [`Request::Hello`].
    Hello(Hello),
    /// To [`Request::Nonce`].
    Nonce(Nonce),
    /// To [`Request::Attest`]: durable.
    Attested(AttestedRow),
    /// To [`Request::Append`], [`Request::AppendSigned`], [`Request::SeeCheckpoint`] and [`Request::BringCertificate`]: durable.
    Appended {
        /// Index of the entry.
        index: u64,
    },
    /// To [`Request::Protect`]: durable.
    Called(Box<Called>),
    /// To [`Request::ProtectMany`]: durable, all of it.
    CalledMany(Box<CalledMany>),
    /// To [`Request::ProtectByToken`]: durable.
    Signed(Box<SignedAnswer>),
    /// To [`Request::PublishedKeys`]: JSON.
    PublishedKeys(String),
    /// To [`Request::TraceLines`].
    TraceLines(TraceLines),
    /// To [`Request::VerifyTraceLines`], in its order.
    TraceLinesVerified(Vec<bool>),
    /// To [`Request::SignContent`]: a compact JWS.
    ContentSigned(String),
    /// To [`Request::Kept`].
    Kept(Option<(AttestedRow, KeptRow)>),
    /// To [`Request::Erasure`].
    Erasure(Box<Erasure>),
    /// To [`Request::Accesses`].
    Accesses(Accesses),
    /// To [`Request::RefusedCalls`]: the index of each in the log, and the datum.
    RefusedCalls(Vec<(u64, DatumId)>),
    /// To [`Request::WaitingActs`].
    WaitingActs(Vec<ActId>),
    /// To [`Request::Current`].
    Current(Option<AttestedRow>),
    /// To [`Request::CurrentMany`], in its order.
    CurrentMany(Vec<Option<AttestedRow>>),
    /// To [`Request::Checkpoint`]: the signed note.
    Checkpoint(String),
    /// To [`Request::Entries`]: the exact bytes of each.
    Entries(Vec<Base64Url>),
    /// To [`Request::Tile`]: the hashes, one after the other.
    Tile(Base64Url),
    /// To [`Request::InclusionProof`] and [`Request::Consistency`].
    Proof(Vec<Hash>),
    /// To [`Request::Peers`].
    Peers(Vec<PeerLog>),
    /// To [`Request::KeyringContext`].
    KeyringContext(ContextOffer),
    /// To [`Request::Keyring`]: what it changed is durable.
    Keyring(SealedAnswer),
    /// To [`Request::KeyringsAbout`].
    KeyringsAbout(Box<KeyringsAbout>),
    /// To [`Request::AwaitedCertificates`].
    AwaitedCertificates(Vec<AwaitedCertificate>),
    /// To [`Request::EvidenceFor`]: the text of the evidence file.
    Evidence(String),
    /// The element refuses.
    Refused(Refusal),
}

/// The log of another element, as this one knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerLog {
    /// The key of the log.
    pub key: String,
    /// The size of the last checkpoint that was seen; 0 where none was.
    pub size: u64,
    /// Its root.
    pub root: Option<Hash>,
}

/// Who the element is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of this protocol, 1.
    pub protocol: u32,
    /// The log's name.
    pub origin: String,
    /// The log's verifier key (C2SP signed-note vkey).
    pub log_key: String,
    /// The relying party that passkeys must be made for.
    pub rp_id: String,
    /// Number of durable entries.
    pub size: u64,
    /// Whether a platform administrator is enrolled.
    pub has_platform_admin: bool,
    /// Version of its program; empty where that is older than this field.
    #[serde(default)]
    pub version: String,
}

/// The current version of a row, and where the log says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestedRow {
    /// 1 for the first, one more for each next.
    pub version: u64,
    /// SHA-256 of the document's bytes.
    pub hash: Hash,
    /// Index of the log entry that attests it.
    pub index: u64,
}

impl AttestedRow {
    /// The version alone, as the next attestation's `previous`.
    #[must_use]
    pub fn version(&self) -> Version {
        Version { version: self.version, hash: self.hash }
    }
}

/// A request and the number that its response will bear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Chosen by the caller, unique among the calls in flight on a connection.
    pub call: u64,
    /// What is asked.
    pub request: Request,
}

/// A response and the number of its request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The number of the request.
    pub call: u64,
    /// What is answered.
    pub response: Response,
}
