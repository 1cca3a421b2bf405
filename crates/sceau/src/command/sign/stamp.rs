//! The time stamp of a signature: asked for, and judged before it is kept.

use std::time::Duration;

use sceau_crypto::sha256;
use sceau_pki::{Anchors, StampRequest};

use super::SignOptions;
use crate::cert::web;
use crate::command::{fault, input};
use crate::failure::{Exit, Failure};

/// The longest answer of an authority, in bytes, and how long it may take.
const LONGEST: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(30);

/// A token of this signature, where one is asked for.
pub(super) fn of(options: &SignOptions, signature: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let (Some(authority), Some(anchors)) = (&options.stamp_authority, &options.stamp_anchors) else {
        return Ok(None);
    };
    let text = input::read_small(anchors, 1 << 20, "certificates")?;
    let anchors = Anchors::from_pem(&String::from_utf8_lossy(&text), &anchors.display().to_string())
        .map_err(|error| Failure::new(Exit::Usage, "certificate", format!("--stamp-anchors: {error}")))?;
    let request = StampRequest::new(sha256(signature), sceau_crypto::random::<16>());
    let sent = ("application/timestamp-query", request.to_der());
    let answer = web::fetch(authority.clone(), Some(sent), LONGEST, PATIENCE);
    let answer =
        answer.map_err(|why| Failure::new(Exit::System, "unreachable", format!("{authority}: {why}")))?;
    let stamp = request.judge(&answer, &anchors, super::now());
    stamp.map(|stamp| Some(stamp.token)).map_err(|error| fault::stamp(error, authority.as_str()))
}
