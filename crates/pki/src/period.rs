//! While a certificate's private key may sign (RFC 3280 §4.2.1.4, which health authorities still write).

use serde::Serialize;
use time::OffsetDateTime;
use x509_parser::{
    asn1_rs::Any,
    prelude::{ASN1Time, FromDer},
};

use crate::der::{self, tag};

/// A privateKeyUsagePeriod. Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PrivateKeyUsage {
    /// From when on.
    pub not_before: Option<u64>,
    /// Until when.
    pub not_after: Option<u64>,
}

impl PrivateKeyUsage {
    /// Reads the extension's value.
    pub(crate) fn from_der(value: &[u8]) -> Option<Self> {
        let (_, outer) = Any::from_der(value).ok()?;
        let mut period = Self { not_before: None, not_after: None };
        let mut rest = outer.data;
        while !rest.is_empty() {
            let (after, element) = Any::from_der(rest).ok()?;
            // [0] and [1] IMPLICIT GeneralizedTime: read as the universal one.
            let universal = der::tlv(tag::GENERALIZED_TIME, element.data);
            let (_, time) = ASN1Time::from_der(&universal).ok()?;
            let millis = u64::try_from(time.timestamp()).ok()?.checked_mul(1000)?;
            match element.tag().0 {
                0 => period.not_before = Some(millis),
                1 => period.not_after = Some(millis),
                _ => return None,
            }
            rest = after;
        }
        Some(period)
    }

    /// The extension's value, whole seconds.
    pub(crate) fn to_der(from: OffsetDateTime, until: OffsetDateTime) -> Vec<u8> {
        let time = |number, moment| der::context_primitive(number, &der::generalized(moment));
        der::sequence(&[time(0, from), time(1, until)])
    }
}
