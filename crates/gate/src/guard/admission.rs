//! How far a caller has come: judged by what it showed, then admitted, then passed. Each step is a type that the one before is turned into, and only
//! [`Passed`] is forwarded.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use sceau_pki::{ClientIdentity, Name, Oid, Unasked, Vouched};

use super::rules::{Addresses, Granted};
use crate::{observe::NamedClientTally, told::Part};

/// A certificate that is believed, of a client of ours. From where that one calls, and what a responder is still to be asked, is open: it is what is
/// remembered of a certificate.
#[derive(Debug)]
pub(super) struct Judged {
    identity: ClientIdentity,
    /// What is said of it upstream.
    said: Vec<(Part, HeaderValue)>,
    /// From where it calls.
    pub(super) addresses: Addresses,
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
    /// Whether it passes though no current list speaks for it.
    pub(super) fn is_unchecked(&self) -> bool {
        self.is_unchecked
    }

    pub(super) fn of(vouched: Vouched, granted: Granted, tally: Option<Arc<NamedClientTally>>) -> Self {
        Self {
            said: said(&vouched, granted.environment.as_deref()),
            identity: vouched.identity,
            addresses: granted.addresses,
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
            said: Vec::new(),
            addresses: Addresses::Any,
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

    /// What is said of it upstream.
    pub(crate) fn said(&self) -> impl Iterator<Item = &(Part, HeaderValue)> {
        self.0.said.iter()
    }

    pub(super) fn tally(&self) -> Option<&NamedClientTally> {
        self.0.tally.as_deref()
    }
}

/// What is said upstream of a client: its certificate and the way to the anchor as it was verified (RFC 9440), and what it says of itself, in words.
fn said(vouched: &Vouched, environment: Option<&str>) -> Vec<(Part, HeaderValue)> {
    let (leaf, above) = vouched.path.split_at(vouched.path.len().min(1));
    let ClientIdentity { subject, issuer, .. } = &vouched.identity;
    let units: Vec<_> = subject.organizational_units().map(|unit| of_a_name(&unit)).collect();
    let texts = [
        (Part::Verdict, Some("SUCCESS".to_owned())),
        (Part::Subject, Some(in_ascii(&subject.to_string()))),
        (Part::Issuer, Some(in_ascii(&issuer.to_string()))),
        (Part::Serial, Some(vouched.identity.serial.clone())),
        (Part::Fingerprint, Some(vouched.identity.fingerprint.to_string())),
        (Part::CommonName, subject.common_name().map(|name| of_a_name(&name))),
        (Part::OrganizationalUnits, (!units.is_empty()).then(|| units.join(","))),
        (Part::Environment, environment.map(of_a_name)),
    ];
    let texts =
        texts.into_iter().filter_map(|(part, text)| Some((part, HeaderValue::from_str(&text?).ok()?)));
    let mut said = vec![(Part::Certificate, byte_sequences(leaf))];
    if !above.is_empty() {
        said.push((Part::Chain, byte_sequences(above)));
    }
    said.extend(texts);
    said
}

/// A value of a name as it stands in one (RFC 4514 §2.4): a comma, and all else that could be taken for another, behind a backslash.
fn of_a_name(value: &str) -> String {
    let name = Name::default().with(Oid::COMMON_NAME, value).to_string();
    in_ascii(name.strip_prefix("CN=").unwrap_or_default())
}

/// A name in letters that every header carries: others in hexadecimal, octet by octet, and so the space at its end, which HTTP would drop.
fn in_ascii(name: &str) -> String {
    let mut ascii = String::new();
    for c in name.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|octet| ascii.push_str(&format!("\\{octet:02x}")));
        }
    }
    match ascii.strip_suffix(' ') {
        Some(rest) => format!("{rest}20"),
        None => ascii,
    }
}

/// A list of byte sequences (RFC 8941 §3.3.5): base64 has nothing that a header could not carry.
fn byte_sequences(certificates: &[CertificateDer<'_>]) -> HeaderValue {
    let items: Vec<_> = certificates.iter().map(|der| format!(":{}:", BASE64_STANDARD.encode(der))).collect();
    HeaderValue::from_str(&items.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
