//! Many data by one call: carried to the element with the rows that the database has of them, as a call about one is.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use sceau_element_api::protect::{
    AskedOfData, Batch, CalledMany, DatumId, KeptRow, LONGEST_BATCH, OfBatch, ToldMany,
};
use sceau_element_api::wire::AttestedRow;

use super::Keyfront;
use super::http::whole;
use super::refusal::Refused;
use crate::carried::to_its_end;
use crate::sweep::Amiss;

/// What rows may take of a frame to the element, in characters. It finds the others in its journal.
const ROWS: usize = 640 * 1024;
/// How long the element may take: its keys are asked hundreds of times.
const WITHIN: Duration = Duration::from_secs(60);

pub(super) async fn calls(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let malformed = || Refused::malformed("a batch is a compact JWS, of content type application/jose");
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != b"application/jose") {
        return Err(malformed());
    }
    let place = keyfront.place(peer.ip())?;
    let of_batches = keyfront.0.batches.place(peer.ip()).ok_or_else(Refused::busy)?;
    let body = whole(body, LONGEST_BATCH).await?;
    let rooms = (keyfront.enter(place).await?, keyfront.0.batches.enter(of_batches).await);
    // Nothing else grows on its way to the element.
    let is_compact = body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    let call = String::from_utf8(body).ok().filter(|_| is_compact).ok_or_else(malformed)?;
    let from = peer.ip().to_canonical();
    let carried = async move {
        let _rooms = rooms;
        keyfront.call_many(call, from).await
    };
    let told = to_its_end("a batch", carried).await??;
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(told)).into_response())
}

impl Keyfront {
    /// Carries a batch to the element, which looks into its journal where a row is not the current one, and keeps what changed and what the database had not.
    async fn call_many(&self, call: String, from: IpAddr) -> Result<ToldMany, Refused> {
        // What is not verified says which rows to bring, and nothing else. What cannot be read at all is the element's to refuse.
        let calls = Batch::unverified(&call).map(|batch| batch.calls).unwrap_or_default();
        let data: Vec<Option<DatumId>> = calls.iter().map(|call| call.op.datum()).collect();
        drop(calls);
        let rows = self.rows_of(&data).await?;
        let amiss: Vec<Option<Amiss>> = rows.iter().map(Brought::if_not_current).collect();
        let rows = rows.into_iter().map(Brought::row).collect();
        let asked = AskedOfData { call, address: Some(from), rows };
        let CalledMany { items, restored } = self.0.element.with_deadline(WITHIN).protect_many(asked).await?;
        let mut kept: Vec<(AttestedRow, KeptRow)> = items.iter().filter_map(changed).collect();
        for (at, row, current) in restored {
            let datum = data.get(at).copied().flatten();
            let amiss = amiss.get(at).copied().flatten();
            if let Some((datum, amiss)) = datum.zip(amiss) {
                let words = "the database had not the current version of a datum: it is brought back";
                tracing::warn!(%datum, amiss = amiss.as_str(), index = row.index, "{words}");
                kept.push((row, current));
            }
        }
        if let Err(error) = self.0.rows.keep_data(&kept).await {
            // It is so all the same: the next call that brings such a row finds it missing, and has it brought back.
            tracing::error!(%error, "data changed, and the database does not have all of them");
        }
        Ok(ToldMany::of(items))
    }

    /// The rows of these data, as far as they fit.
    async fn rows_of(&self, data: &[Option<DatumId>]) -> Result<Vec<Brought>, Refused> {
        let ids: Vec<DatumId> = data.iter().copied().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        let found = self.0.rows.data(&ids).await?;
        let mut room = ROWS;
        let row = |datum: &Option<DatumId>| {
            let Some(row) = datum.and_then(|datum| found.get(&datum)) else { return Brought::Missing };
            // In base64url, with the names of both parts.
            let length = (row.payload.len() + row.salt.len()) / 3 * 4 + 64;
            let Some(left) = room.checked_sub(length) else { return Brought::LeftOut };
            room = left;
            Brought::Listed(row.clone())
        };
        Ok(data.iter().map(row).collect())
    }
}

/// What is brought of a datum.
enum Brought {
    /// The database has none; of a new datum, nobody has.
    Missing,
    /// What the database has.
    Listed(KeptRow),
    /// That is for the element to look up: it is too long for the others.
    LeftOut,
}

impl Brought {
    fn row(self) -> Option<KeptRow> {
        match self {
            Self::Listed(row) => Some(row),
            Self::Missing | Self::LeftOut => None,
        }
    }

    /// What is to be said where the element gives another one.
    fn if_not_current(&self) -> Option<Amiss> {
        match self {
            Self::Missing => Some(Amiss::Missing),
            Self::Listed(_) => Some(Amiss::Altered),
            Self::LeftOut => None,
        }
    }
}

/// The row of a datum that changed.
fn changed(item: &OfBatch) -> Option<(AttestedRow, KeptRow)> {
    match item {
        OfBatch::Granted(called) => called.changed.clone(),
        OfBatch::Refused(_) => None,
    }
}
