//! The DER that certificates are made of, malformed where a case asks for it (RFC 5280 §4.1, §4.2, appendix A).

use time::{OffsetDateTime, macros::format_description};

/// Object identifiers, their content.
pub(super) mod oid {
    pub(crate) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(crate) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub(crate) const DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
    pub(crate) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
    pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(crate) const AUTHORITY_INFORMATION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    /// 1.3.6.1.4.1.55738.666.1, which nobody knows.
    pub(crate) const UNKNOWN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x83, 0xb3, 0x3a, 0x85, 0x1a, 1];
    /// 1.3.6.1.4.1.55738.666.3, a private kind of name.
    pub(crate) const PRIVATE_NAME: &[u8] = &[0x2b, 6, 1, 4, 1, 0x83, 0xb3, 0x3a, 0x85, 0x1a, 3];
    pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
    pub(crate) const EMAIL_PROTECTION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
    pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
    pub(crate) const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
    /// 1.3.6.1.4.1.11129.2.4.4 (RFC 6962 §3.1).
    pub(crate) const PRECERTIFICATES: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 4];
    pub(crate) const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
}

/// KeyUsage: the octet of its named bits, none set being one value too.
pub(super) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(super) const KEY_CERT_SIGN: u8 = 0x04;

#[derive(Clone)]
pub(super) struct Extension {
    pub(super) oid: &'static [u8],
    critical: bool,
    value: Vec<u8>,
}

impl Extension {
    pub(super) fn der(&self) -> Vec<u8> {
        let mut parts = vec![tlv(6, self.oid)];
        parts.extend(self.critical.then(|| tlv(1, &[0xff])));
        parts.push(tlv(4, &self.value));
        sequence(&parts)
    }
}

/// An extension of any value.
pub(super) fn extension(oid: &'static [u8], critical: bool, value: &[u8]) -> Extension {
    Extension { oid, critical, value: value.to_vec() }
}

pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let octets = content.len().to_be_bytes();
    let octets: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
    let length = match content.len() {
        0..0x80 => vec![content.len() as u8],
        _ => [&[0x80 | octets.len() as u8], &*octets].concat(),
    };
    [&[tag], &*length, content].concat()
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(super) fn common_name(value: &str) -> Vec<u8> {
    let attribute = sequence(&[tlv(6, &[0x55, 4, 3]), tlv(0x0c, value.as_bytes())]);
    sequence(&[tlv(0x31, &attribute)])
}

/// A name without any part.
pub(super) fn no_name() -> Vec<u8> {
    sequence(&[])
}

pub(super) fn time(moment: OffsetDateTime) -> Vec<u8> {
    if (1950..2050).contains(&moment.year()) {
        let form = format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
        tlv(0x17, moment.format(form).unwrap().as_bytes())
    } else {
        let form = format_description!("[year][month][day][hour][minute][second]Z");
        tlv(0x18, moment.format(form).unwrap().as_bytes())
    }
}

pub(super) fn ecdsa_with_sha256() -> Vec<u8> {
    sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])])
}

pub(super) fn ecdsa_with_sha384() -> Vec<u8> {
    sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3])])
}

pub(super) fn rsa_with_sha256() -> Vec<u8> {
    sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), tlv(5, &[])])
}

pub(super) fn basic_constraints(critical: bool, authority: bool, path_length: Option<u8>) -> Extension {
    let mut parts: Vec<_> = authority.then(|| tlv(1, &[0xff])).into_iter().collect();
    parts.extend(path_length.map(|length| tlv(2, &[length])));
    extension(oid::BASIC_CONSTRAINTS, critical, &sequence(&parts))
}

/// No bit at all is the one BIT STRING without octets.
pub(super) fn key_usage(critical: bool, bits: u8) -> Extension {
    let value = if bits == 0 { vec![0] } else { vec![bits.trailing_zeros() as u8, bits] };
    extension(oid::KEY_USAGE, critical, &tlv(3, &value))
}

pub(super) fn purposes(critical: bool, purposes: &[&[u8]]) -> Extension {
    let purposes: Vec<_> = purposes.iter().map(|purpose| tlv(6, purpose)).collect();
    extension(oid::EXTENDED_KEY_USAGE, critical, &sequence(&purposes))
}

pub(super) fn subject_key_identifier(critical: bool, identifier: &[u8]) -> Extension {
    extension(oid::SUBJECT_KEY_IDENTIFIER, critical, &tlv(4, identifier))
}

pub(super) fn authority_key_identifier(critical: bool, identifier: &[u8]) -> Extension {
    let value = sequence(&[tlv(0x80, identifier)]);
    extension(oid::AUTHORITY_KEY_IDENTIFIER, critical, &value)
}

/// The issuer of the issuer's certificate, and its serial number.
pub(super) fn authority_certificate(
    identifier: Option<&[u8]>,
    issuer: Option<&str>,
    serial: Option<&[u8]>,
) -> Extension {
    let mut parts: Vec<_> = identifier.map(|identifier| tlv(0x80, identifier)).into_iter().collect();
    parts.extend(issuer.map(|issuer| tlv(0xa1, &directory(issuer))));
    parts.extend(serial.map(|serial| tlv(0x82, serial)));
    extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &sequence(&parts))
}

pub(super) fn alternative_names(critical: bool, names: &[Vec<u8>]) -> Extension {
    extension(oid::SUBJECT_ALT_NAME, critical, &sequence(names))
}

pub(super) fn name_constraints(critical: bool, permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
    let subtrees = |tag, names: &[Vec<u8>]| {
        let subtrees: Vec<_> = names.iter().map(|name| sequence(std::slice::from_ref(name))).collect();
        (!names.is_empty()).then(|| tlv(tag, &subtrees.concat()))
    };
    let parts: Vec<_> = [subtrees(0xa0, permitted), subtrees(0xa1, excluded)].into_iter().flatten().collect();
    extension(oid::NAME_CONSTRAINTS, critical, &sequence(&parts))
}

/// caIssuers, at a DNS name.
pub(super) fn issuer_at(critical: bool, host: &str) -> Extension {
    let method = tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 2]);
    let description = sequence(&[method, dns(host)]);
    extension(oid::AUTHORITY_INFORMATION, critical, &sequence(&[description]))
}

pub(super) fn dns(name: &str) -> Vec<u8> {
    tlv(0x82, name.as_bytes())
}

pub(super) fn email(mailbox: &str) -> Vec<u8> {
    tlv(0x81, mailbox.as_bytes())
}

/// An address; in a constraint, an address and its mask.
pub(super) fn ip(octets: &[u8]) -> Vec<u8> {
    tlv(0x87, octets)
}

pub(super) fn directory(name: &str) -> Vec<u8> {
    tlv(0xa4, &common_name(name))
}

/// A name of a kind that nobody knows.
pub(super) fn private_name() -> Vec<u8> {
    tlv(0xa0, &[tlv(6, oid::PRIVATE_NAME), tlv(0xa0, &tlv(5, &[]))].concat())
}
