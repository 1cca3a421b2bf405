//! What a client certificate lets its holder do at a key manager, and how it says so.

use std::fmt;

use crate::name::Name;

/// The role that a client certificate carries. They are never interchangeable: who administers keys
/// opens no document, who opens documents administers no key, and a machine is neither.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum CertificateRole {
    /// Opens documents and decides.
    CaseOfficer,
    /// Administers the key manager: keys, bindings, assignments, certificates.
    Administrator,
    /// A machine that receives dossiers under a grant of its own.
    Connector,
}

impl CertificateRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::CaseOfficer, Self::Administrator, Self::Connector];

    /// The role in words of the interfaces: `case-officer`, `administrator`, `connector`. The embedded CA writes it as an OU.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CaseOfficer => "case-officer",
            Self::Administrator => "administrator",
            Self::Connector => "connector",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which organizational unit stands for which role. An organisation that brings its own CA may already
/// have words of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleNames(Vec<(String, CertificateRole)>);

impl Default for RoleNames {
    /// What the embedded CA writes.
    fn default() -> Self {
        Self(CertificateRole::ALL.map(|role| (role.as_str().to_owned(), role)).to_vec())
    }
}

impl RoleNames {
    /// Pairs of an organizational unit, compared exactly, and the role that it gives.
    pub fn new(names: impl IntoIterator<Item = (String, CertificateRole)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// The role in a subject: the one that its OUs name. None when they name none, or more than one.
    pub fn role_of(&self, subject: &Name) -> Option<CertificateRole> {
        let mut roles = subject
            .organizational_units()
            .filter_map(|unit| self.0.iter().find(|(name, _)| *name == unit).map(|(_, role)| *role))
            .collect::<Vec<_>>();
        roles.dedup();
        match roles.as_slice() {
            [role] => Some(*role),
            _ => None,
        }
    }
}
