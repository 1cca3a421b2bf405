//! Whom of those that a chain vouches for.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use sceau_pki::{Demands, Name, SubjectRule};

use super::Denial;

/// Whom of those that the chain vouches for.
#[derive(Debug)]
pub(crate) struct Rules {
    /// None: whoever the chain vouches for.
    pub(crate) names: Option<Vec<Permit>>,
    pub(crate) addresses: Addresses,
    /// What the certificate of each of them must say besides.
    pub(crate) demands: Demands,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) name: SubjectRule,
    /// From where this one calls, of those that the rules allow.
    pub(crate) addresses: Addresses,
    /// What this one's certificate must say besides.
    pub(crate) demands: Demands,
    /// Of a profile, which it is of.
    pub(crate) environment: Option<String>,
}

/// What rules grant to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// From where it may call.
    pub(super) addresses: Addresses,
    /// The profile's environment that it is of.
    pub(super) environment: Option<String>,
}

/// From where somebody may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    Any,
    These(Vec<IpAddr>),
}

impl Addresses {
    /// Whether this is one of them; one of IPv4 in the form of IPv6 is that of IPv4.
    pub(super) fn allow(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::These(these) => these.contains(&address.to_canonical()),
        }
    }

    fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::These(these), Self::These(others)) => Self::These([&these[..], others].concat()),
            _ => Self::Any,
        }
    }
}

impl Rules {
    /// What a client of this name is granted, whose certificate was verified this way: the name first, then what the certificate says besides.
    ///
    /// # Errors
    /// [`Denial::UnknownClient`], [`Denial::Unmet`].
    pub(super) fn grant(&self, subject: &Name, way: &[CertificateDer<'_>]) -> Result<Granted, Denial> {
        let Some(names) = &self.names else {
            self.demands.check(way)?;
            return Ok(Granted { addresses: Addresses::Any, environment: None });
        };
        let named: Vec<_> = names.iter().filter(|permit| permit.name.permits(subject)).collect();
        if named.is_empty() {
            return Err(Denial::UnknownClient);
        }
        self.demands.check(way)?;
        let granted = named.iter().map(|permit| {
            permit.demands.check(way)?;
            Ok(Granted { addresses: permit.addresses.clone(), environment: permit.environment.clone() })
        });
        // Whoever is named several times passes by any of them.
        let all = granted.reduce(|all, other| match (all, other) {
            (Ok(all), Ok(other)) => Ok(Granted { addresses: all.addresses.and(&other.addresses), ..all }),
            (Err(_), Ok(one)) | (Ok(one), Err(_)) => Ok(one),
            (Err(first), Err(_)) => Err(first),
        });
        all.unwrap_or(Err(Denial::UnknownClient))
    }
}
