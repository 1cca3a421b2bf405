//! A company on the bus, and the names that follow from its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a company in queues: 1 to 64 of `a-z 0-9 - _ .`, the first a letter or a digit. Names a company, proves nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Company(String);

/// Not a company's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a company's name on the bus has 1 to 64 of a-z, 0-9, `-`, `_` and `.`, and begins with a letter or a digit"
)]
pub struct NotACompany;

impl Company {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its virtual host.
    pub fn vhost(&self) -> String {
        format!("mob.{}", self.0)
    }

    /// The queue that it reads.
    pub fn put_queue(&self) -> String {
        format!("mob.{}", self.put_type())
    }

    /// The queue that it answers to.
    pub fn status_queue(&self) -> String {
        format!("mob.{}", self.status_type())
    }

    /// The queue of replies that could not be handled again and again.
    pub fn dead_queue(&self) -> String {
        format!("mob.subscriptions.dead.{}", self.0)
    }

    /// The header that routes to [`put_queue`](Self::put_queue).
    pub fn put_type(&self) -> String {
        format!("subscriptions.put.{}", self.0)
    }

    /// The header that routes to [`status_queue`](Self::status_queue).
    pub fn status_type(&self) -> String {
        format!("subscriptions.status.{}", self.0)
    }
}

impl FromStr for Company {
    type Err = NotACompany;

    fn from_str(name: &str) -> Result<Self, NotACompany> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let begins = name.bytes().next().is_some_and(plain);
        let good =
            begins && name.len() <= 64 && name.bytes().all(|byte| plain(byte) || b"-_.".contains(&byte));
        // Records name it, and no record names an address.
        let good = good && name.parse::<std::net::IpAddr>().is_err();
        if good { Ok(Self(name.to_owned())) } else { Err(NotACompany) }
    }
}

impl TryFrom<String> for Company {
    type Error = NotACompany;

    fn try_from(name: String) -> Result<Self, NotACompany> {
        name.parse()
    }
}

impl From<Company> for String {
    fn from(company: Company) -> Self {
        company.0
    }
}

impl fmt::Display for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Company({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn names_follow_the_protocol() {
        let company: Company = "simulation-sirh".parse().unwrap();
        assert_eq!(company.put_queue(), "mob.subscriptions.put.simulation-sirh");
        assert_eq!(company.status_queue(), "mob.subscriptions.status.simulation-sirh");
        assert_eq!(company.put_type(), "subscriptions.put.simulation-sirh");
    }

    #[test]
    fn what_could_mean_more_in_a_pattern_or_a_path_is_no_name() {
        for name in
            ["", "-a", ".a", "A", "a b", "a*", "a/b", "a%2f", "é", "a\n", "127.0.0.1", &"a".repeat(65)]
        {
            assert_eq!(name.parse::<Company>(), Err(NotACompany), "{name:?}");
        }
    }
}
