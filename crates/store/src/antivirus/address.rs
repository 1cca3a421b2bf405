//! Where a daemon listens: `unix:/run/clamav/clamd.ctl` or `tcp:host:port`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio::net::{TcpStream, UnixStream};

use super::scan::Wire;

/// The address of one ClamAV daemon, written `unix:/path` or `tcp:host:port`.
///
/// The protocol has no encryption: a daemon on another machine needs a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClamdAddress {
    /// A socket in the file system.
    Unix(PathBuf),
    /// `host:port`, as the resolver understands it.
    Tcp(String),
}

/// A word that is no address of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither form.
    #[error("an antivirus is written unix:/absolute/path or tcp:host:port")]
    Form,
    /// A pool without any.
    #[error("a pool of antiviruses has at least one address")]
    Empty,
}

impl FromStr for ClamdAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') { Ok(Self::Unix(path.into())) } else { Err(AddressError::Form) };
        }
        let at = text.strip_prefix("tcp:").ok_or(AddressError::Form)?;
        match at.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) => {
                Ok(Self::Tcp(at.to_owned()))
            }
            _ => Err(AddressError::Form),
        }
    }
}

impl fmt::Display for ClamdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(at) => write!(f, "tcp:{at}"),
        }
    }
}

impl ClamdAddress {
    pub(super) async fn connect(&self) -> std::io::Result<Wire> {
        match self {
            Self::Unix(path) => UnixStream::connect(path).await.map(Wire::Unix),
            Self::Tcp(at) => {
                let stream = TcpStream::connect(at.as_str()).await?;
                stream.set_nodelay(true)?;
                Ok(Wire::Tcp(stream))
            }
        }
    }
}
