//! Whom of those that a chain vouches for.

use std::net::IpAddr;

use sceau_pki::{Name, SubjectRule};

/// Whom of those that the chain vouches for.
#[derive(Debug)]
pub(crate) struct Rules {
    /// None: whoever the chain vouches for.
    pub(crate) names: Option<Vec<Permit>>,
    pub(crate) addresses: Addresses,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) name: SubjectRule,
    /// From where this one calls, of those that the rules allow.
    pub(crate) addresses: Addresses,
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
    /// From where a client of this name may call; none where no client has it.
    pub(super) fn addresses_of(&self, subject: &Name) -> Option<Addresses> {
        let Some(names) = &self.names else { return Some(Addresses::Any) };
        let permits = names.iter().filter(|permit| permit.name.permits(subject));
        permits.map(|permit| permit.addresses.clone()).reduce(|all, other| all.and(&other))
    }
}
