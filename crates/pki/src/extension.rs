//! The extensions that we write into certificates (RFC 5280 §4.2.1).

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::ServerName;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use crate::{
    der::{self, tag},
    error::Error,
    oid::Oid,
};

const SUBJECT_KEY_IDENTIFIER: Oid = Oid::literal(&[0x55, 0x1d, 14]);
const KEY_USAGE: Oid = Oid::literal(&[0x55, 0x1d, 15]);
const SUBJECT_ALT_NAME: Oid = Oid::literal(&[0x55, 0x1d, 17]);
const BASIC_CONSTRAINTS: Oid = Oid::literal(&[0x55, 0x1d, 19]);
const NAME_CONSTRAINTS: Oid = Oid::literal(&[0x55, 0x1d, 30]);
const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::literal(&[0x55, 0x1d, 35]);
/// RFC 5280 §4.2.1.15
pub(crate) const FRESHEST_CRL: Oid = Oid::literal(&[0x55, 0x1d, 46]);
/// RFC 3280 §4.2.1.4
pub(crate) const PRIVATE_KEY_USAGE_PERIOD: Oid = Oid::literal(&[0x55, 0x1d, 16]);
const EXTENDED_KEY_USAGE: Oid = Oid::literal(&[0x55, 0x1d, 37]);

/// id-kp-serverAuth
pub(crate) const SERVER_AUTH: Oid = Oid::literal(&[0x2b, 6, 1, 5, 5, 7, 3, 1]);
/// id-kp-clientAuth
pub(crate) const CLIENT_AUTH: Oid = Oid::literal(&[0x2b, 6, 1, 5, 5, 7, 3, 2]);

/// Named bits of KeyUsage, first bit highest.
pub(crate) const DIGITAL_SIGNATURE: u8 = 0b1000_0000;
/// nonRepudiation, by its newer name.
pub(crate) const CONTENT_COMMITMENT: u8 = 0b0100_0000;
pub(crate) const KEY_ENCIPHERMENT: u8 = 0b0010_0000;
pub(crate) const CERT_AND_CRL_SIGN: u8 = 0b0000_0110;

/// A DNS name or an address that a certificate speaks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Host {
    Dns(String),
    Ip(IpAddr),
}

impl Host {
    /// Takes what a browser would accept in an address: a DNS name, without wildcard, or an IP address.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let host = ServerName::try_from(text).map_err(|_| Error::BadHost(text.to_owned()))?;
        match host {
            ServerName::DnsName(name) => Ok(Self::Dns(name.as_ref().to_ascii_lowercase())),
            ServerName::IpAddress(address) => Ok(Self::Ip(address.into())),
            _ => Err(Error::BadHost(text.to_owned())),
        }
    }

    /// Whether `self` lies in the subtree that `other` names (RFC 5280 §4.2.1.10).
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dns(name), Self::Dns(tree)) => {
                name == tree || name.strip_suffix(tree.as_str()).is_some_and(|left| left.ends_with('.'))
            }
            (Self::Ip(one), Self::Ip(other)) => one == other,
            _ => false,
        }
    }

    fn octets(address: IpAddr) -> Vec<u8> {
        match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }
    }

    fn general_name(&self) -> Vec<u8> {
        match self {
            Self::Dns(name) => der::context_primitive(2, name.as_bytes()),
            Self::Ip(address) => der::context_primitive(7, &Self::octets(*address)),
        }
    }

    /// A subtree of just this host: addresses carry a full mask.
    fn subtree(&self) -> Vec<u8> {
        let base = match self {
            Self::Dns(_) => self.general_name(),
            Self::Ip(address) => {
                let octets = Self::octets(*address);
                let mask = vec![0xff; octets.len()];
                der::context_primitive(7, &[octets, mask].concat())
            }
        };
        der::sequence(&[base])
    }
}

pub(crate) fn authority(path_length: u8) -> Vec<u8> {
    let value = der::sequence(&[der::boolean_true(), der::unsigned(&[path_length])]);
    extension(&BASIC_CONSTRAINTS, true, &value)
}

/// The empty BasicConstraints of a certificate that is no authority.
pub(crate) fn not_an_authority() -> Vec<u8> {
    extension(&BASIC_CONSTRAINTS, true, &der::sequence(&[]))
}

pub(crate) fn key_usage(bits: u8) -> Vec<u8> {
    extension(&KEY_USAGE, true, &der::named_bits(bits))
}

pub(crate) fn extended_key_usage(purpose: &Oid) -> Vec<u8> {
    extension(&EXTENDED_KEY_USAGE, false, &der::sequence(&[purpose.to_der()]))
}

pub(crate) fn subject_key_identifier(id: &[u8]) -> Vec<u8> {
    extension(&SUBJECT_KEY_IDENTIFIER, false, &der::tlv(tag::OCTET_STRING, id))
}

pub(crate) fn authority_key_identifier(id: &[u8]) -> Vec<u8> {
    extension(&AUTHORITY_KEY_IDENTIFIER, false, &der::sequence(&[der::context_primitive(0, id)]))
}

pub(crate) fn subject_alt_name(hosts: &[Host]) -> Vec<u8> {
    let names: Vec<_> = hosts.iter().map(Host::general_name).collect();
    extension(&SUBJECT_ALT_NAME, false, &der::sequence(&names))
}

/// Permits these hosts and what is below them, and no other name or address. An authority that a browser was told
/// to trust can so not speak for the rest of the web, even in a thief's hands.
pub(crate) fn name_constraints(permitted: &[Host]) -> Vec<u8> {
    let subtrees: Vec<_> = permitted.iter().map(Host::subtree).collect();
    let mut value = vec![der::context(0, &subtrees.concat())];
    // A form without any permitted subtree would stay free: shut it.
    let mut excluded = Vec::new();
    if !permitted.iter().any(|host| matches!(host, Host::Ip(_))) {
        excluded.push(der::sequence(&[der::context_primitive(7, &[0; 8])]));
        excluded.push(der::sequence(&[der::context_primitive(7, &[0; 32])]));
    }
    if !permitted.iter().any(|host| matches!(host, Host::Dns(_))) {
        excluded.push(der::sequence(&[der::context_primitive(2, b"")]));
    }
    if !excluded.is_empty() {
        value.push(der::context(1, &excluded.concat()));
    }
    extension(&NAME_CONSTRAINTS, true, &der::sequence(&value))
}

/// What [`name_constraints`] wrote, or another authority's tool: the permitted names and single addresses.
pub(crate) fn permitted_hosts(certificate: &X509Certificate<'_>) -> Vec<Host> {
    let constraints = certificate.name_constraints().ok().flatten();
    let subtrees = constraints.and_then(|found| found.value.permitted_subtrees.as_ref());
    subtrees
        .into_iter()
        .flatten()
        .filter_map(|subtree| match &subtree.base {
            GeneralName::DNSName(name) => Some(Host::Dns(name.to_ascii_lowercase())),
            GeneralName::IPAddress(octets) => address(octets).map(Host::Ip),
            _ => None,
        })
        .collect()
}

/// An address under a full mask.
fn address(octets: &[u8]) -> Option<IpAddr> {
    let (address, mask) = octets.split_at_checked(octets.len() / 2)?;
    if mask.iter().any(|octet| *octet != 0xff) { None } else { ip_address(address) }
}

/// The address of an iPAddress (RFC 5280 §4.2.1.6).
pub(crate) fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// A key identifier: the first 160 bits of SHA-256 over the public key info (RFC 7093 §2, method 4).
pub(crate) fn key_identifier(public_key_info: &[u8]) -> Vec<u8> {
    digest(&SHA256, public_key_info).as_ref().iter().copied().take(20).collect()
}

pub(crate) fn extension(oid: &Oid, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid.to_der()];
    if critical {
        parts.push(der::boolean_true());
    }
    parts.push(der::tlv(tag::OCTET_STRING, value));
    der::sequence(&parts)
}
