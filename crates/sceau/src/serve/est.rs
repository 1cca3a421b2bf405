//! The sections `[[keyrings.est]]`: authorities outside that certify holders' keys, and what they know the host by.

use std::path::{Path, PathBuf};

use sceau_keyrings::{EstAccess, EstServer};
use serde::Deserialize;
use url::Url;

use super::secret::SecretFile;
use super::settings::authorities;
use crate::failure::{Exit, Failure};

/// The longest file of a certificate and its key, in bytes.
const LONGEST: usize = 64 * 1024;

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EstTable {
    /// Where it is, as policies name it.
    url: String,
    /// The authorities (PEM) that its server must be of; the system's without it.
    ca_file: Option<PathBuf>,
    /// The host's certificate, those above it, and its key (PEM).
    identity_file: Option<PathBuf>,
    /// A user.
    user: Option<String>,
    /// Its password.
    password_file: Option<SecretFile>,
}

impl EstTable {
    /// What can be judged without asking anybody.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_place = Url::parse(&self.url).is_ok_and(|url| {
            let bare = url.username().is_empty() && url.password().is_none();
            url.scheme() == "https" && bare && url.query().is_none() && url.fragment().is_none()
        });
        if !is_place || self.url.ends_with('/') {
            return Err(format!(
                "keyrings.est.url is an https address without a last slash, before /.well-known/est: {:?} is not",
                self.url
            ));
        }
        if self.user.is_some() != self.password_file.is_some() {
            return Err("keyrings.est has user and password_file together, or neither".to_owned());
        }
        match &self.user {
            Some(user) if user.contains(':') || user.chars().any(char::is_control) => {
                Err("keyrings.est.user has no colon, and nothing unseen (RFC 7617)".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The paths that are written in it, with their names.
    pub(super) fn paths(&self) -> [(&'static str, Option<&Path>); 3] {
        [
            ("keyrings.est.ca_file", self.ca_file.as_deref()),
            ("keyrings.est.identity_file", self.identity_file.as_deref()),
            ("keyrings.est.password_file", self.password_file.as_ref().and_then(SecretFile::path)),
        ]
    }

    /// Files of certificates, whose ends can be looked at.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        [self.ca_file.as_deref(), self.identity_file.as_deref()].into_iter().flatten()
    }

    /// It, as it is reached.
    pub(crate) fn open(&self) -> Result<EstServer, Failure> {
        let trusted = authorities(self.ca_file.as_deref())?;
        let identity = self.identity_file.as_deref().map(identity).transpose()?;
        let password = self.password_file.as_ref().map(SecretFile::read).transpose()?;
        let password = self.user.as_deref().zip(password.as_ref().map(|password| password.as_str()));
        let identity = identity.as_ref().map(|pem| pem.as_slice());
        let access = EstAccess { authorities: trusted.as_deref(), identity, password };
        EstServer::new(self.url.clone(), &access)
            .map_err(|why| Failure::new(Exit::Usage, "settings", format!("keyrings.est {}: {why}", self.url)))
    }
}

/// A certificate and its key, in a file that others cannot read.
fn identity(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
    sceau_hsm::durable::check_secret(path)?;
    Ok(sceau_hsm::durable::read_secret(path, LONGEST)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(url: &str) -> EstTable {
        EstTable { url: url.to_owned(), ca_file: None, identity_file: None, user: None, password_file: None }
    }

    #[test]
    fn credentials_go_over_tls_to_an_address_alone() {
        for url in ["https://est.example.org", "https://est.example.org:8443/pki"] {
            assert_eq!(table(url).check(), Ok(()), "{url}");
        }
        for url in [
            "http://est.example.org",
            "https://est.example.org/",
            "https://u:p@est.example.org",
            "https://est.example.org?a",
            "https://est.example.org#a",
            "est.example.org",
        ] {
            assert!(table(url).check().is_err(), "{url}");
        }
        let half = EstTable { user: Some("sceau".to_owned()), ..table("https://est.example.org") };
        assert!(half.check().is_err());
        let colon = EstTable {
            user: Some("a:b".to_owned()),
            password_file: Some("credential:est".to_owned().into()),
            ..table("https://est.example.org")
        };
        assert!(colon.check().is_err());
    }
}
