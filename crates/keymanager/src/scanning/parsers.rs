//! What goes between the key manager and its scanning process, for who tries it with any bytes: none may panic.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::inside::{Said, opened, plain};

/// What the process says in a line, as it says it, with the name that a page would show of what was found; none where the line says nothing.
pub fn said(line: &str) -> Option<(String, Option<String>)> {
    let said = Said::read(line)?;
    let shown = match &said {
        Said::Infected { signature, .. } => Some(plain(signature)),
        _ => None,
    };
    serde_json::to_string(&said).ok().map(|line| (line, shown))
}

/// The plaintext of what the process is sent: key, number of parts, header and parts. None unless all of it is authentic.
pub fn sent(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plaintext = Vec::new();
    let give = async |text: &[u8]| {
        plaintext.extend_from_slice(text);
        Ok(())
    };
    let polled = pin!(opened(&mut bytes, give)).poll(&mut Context::from_waker(Waker::noop()));
    // Nothing in it waits.
    let Poll::Ready(Ok(Ok(size))) = polled else { return None };
    (size == plaintext.len() as u64).then_some(plaintext)
}
