//! How far a caller has come: judged by what it showed, then admitted, then passed. Each step is a type that the one before is turned into, and only
//! [`Passed`] is forwarded.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use sceau_pki::{ClientIdentity, Unasked, Vouched};

use super::rules::{Addresses, Granted};
use crate::observe::NamedClientTally;

/// A certificate that is believed, of a client of ours. From where that one calls, and what a responder is still to be asked, is open: it is what is
/// remembered of a certificate.
#[derive(Debug)]
pub(super) struct Judged {
    identity: ClientIdentity,
    /// What is said of it upstream (RFC 9440): its certificate, and the way to the anchor as it was verified.
    certificate: HeaderValue,
    path: Option<HeaderValue>,
    /// From where it calls.
    pub(super) addresses: Addresses,
    /// The profile's environment that it is of.
    environment: Option<String>,
    /// Counts of the client that the file names, if any.
    tally: Option<Arc<NamedClientTally>>,
    /// Until when this may be said without judging again (Unix milliseconds).
    pub(super) until: u64,
    /// No current list speaks for it, and `fail_open` covers that.
    is_unchecked: bool,
    /// What a responder is to be asked first.
    pub(super) unasked: Option<Box<Unasked>>,
}

impl Judged {
    pub(super) fn of(vouched: Vouched, granted: Granted, tally: Option<Arc<NamedClientTally>>) -> Self {
        let Granted { addresses, environment } = granted;
        let (leaf, above) = vouched.path.split_at(vouched.path.len().min(1));
        Self {
            certificate: byte_sequences(leaf),
            path: (!above.is_empty()).then(|| byte_sequences(above)),
            identity: vouched.identity,
            addresses,
            environment,
            tally,
            until: vouched.until,
            is_unchecked: vouched.lapsed,
            unasked: vouched.unasked,
        }
    }
}

/// A caller of whom nothing is left to find out. What passes unchecked leaves a record first: [`super::Guard::pass`].
#[derive(Clone, Debug)]
pub(crate) struct Admitted(pub(super) Arc<Judged>);

impl Admitted {
    pub(crate) fn identity(&self) -> &ClientIdentity {
        &self.0.identity
    }

    /// Whether it passes though no current list speaks for it.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.0.is_unchecked
    }

    /// Whoever has this certificate, though no current list speaks for it.
    #[cfg(test)]
    pub(crate) fn unchecked(identity: ClientIdentity) -> Self {
        Self(Arc::new(Judged {
            identity,
            certificate: HeaderValue::from_static("::"),
            path: None,
            addresses: Addresses::Any,
            environment: None,
            tally: None,
            until: u64::MAX,
            is_unchecked: true,
            unasked: None,
        }))
    }
}

/// A caller whose request goes on: admitted, and on record where it must be.
#[derive(Clone, Debug)]
pub(crate) struct Passed(Arc<Judged>);

impl Passed {
    /// Only a guard says so, once the record is left.
    pub(super) fn of(admitted: Admitted) -> Self {
        Self(admitted.0)
    }

    pub(crate) fn identity(&self) -> &ClientIdentity {
        &self.0.identity
    }

    /// Whether it passes though no current list speaks for it.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.0.is_unchecked
    }

    /// `Client-Cert`.
    pub(crate) fn certificate(&self) -> &HeaderValue {
        &self.0.certificate
    }

    /// `Client-Cert-Chain`; none where the anchor issued it.
    pub(crate) fn path(&self) -> Option<&HeaderValue> {
        self.0.path.as_ref()
    }

    pub(super) fn tally(&self) -> Option<&NamedClientTally> {
        self.0.tally.as_deref()
    }
}

/// A list of byte sequences (RFC 8941 §3.3.5): base64 has nothing that a header could not carry.
fn byte_sequences(certificates: &[CertificateDer<'_>]) -> HeaderValue {
    let items: Vec<_> = certificates.iter().map(|der| format!(":{}:", BASE64_STANDARD.encode(der))).collect();
    HeaderValue::from_str(&items.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
