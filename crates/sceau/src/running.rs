//! `--at`: commands of `sceau keymanager` for a key manager that runs, over its own HTTPS, with the certificate of an administrator.

use std::path::PathBuf;

use sceau_client::{ClientError, Server, Trust};
use sceau_hsm::durable::check_secret;

use crate::failure::{Exit, Failure};

/// Which key manager runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Running {
    /// Ask the key manager that runs at this address, https://host[:port], in the place of opening the folder
    #[arg(long, requires = "certificate", requires = "authority")]
    at: Option<String>,
    /// With --at: certificate and key of its administrator (PEM), readable by this user only
    #[arg(long, requires = "at")]
    certificate: Option<PathBuf>,
    /// With --at: the authority of its server's certificate (PEM), authority.pem in its folder
    #[arg(long, requires = "at")]
    authority: Option<PathBuf>,
}

impl Running {
    /// It, if one was named.
    pub(crate) fn server(&self) -> Result<Option<Server>, Failure> {
        let (Some(at), Some(certificate), Some(authority)) = (&self.at, &self.certificate, &self.authority)
        else {
            return Ok(None);
        };
        // In clear nobody would have to show who answers.
        if !at.starts_with("https://") {
            return Err(ClientError::Clear(at.clone()).into());
        }
        check_secret(certificate)
            .map_err(|error| Failure::new(Exit::Usage, "certificate", error.to_string()))?;
        let read = |path: &PathBuf| std::fs::read(path).map_err(|cause| Failure::file("read", path, &cause));
        let trust = Trust { anchors_pem: Some(read(authority)?), identity_pem: Some(read(certificate)?) };
        Ok(Some(Server::new(at, &trust)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_in_clear() {
        let running = |at: &str| Running {
            at: Some(at.to_owned()),
            certificate: Some("/nowhere.pem".into()),
            authority: Some("/nowhere.pem".into()),
        };
        let why =
            |at: &str| running(at).server().err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(why("http://keys.example.org:8443").contains("keys.example.org"));
        assert!(why("https://keys.example.org:8443").contains("/nowhere.pem"), "what comes next");
    }
}
