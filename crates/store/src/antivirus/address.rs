//! Where a daemon listens: `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:port`.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use super::scan::{self, Wire};

/// The address of one ClamAV daemon, written `unix:/path` or `tcp:127.0.0.1:port`.
///
/// The protocol has no encryption and no authentication: over TCP only this machine is called. A daemon elsewhere is reached through the local
/// end of a TLS tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClamdAddress {
    /// A socket in the file system.
    Unix(PathBuf),
    /// `host:port` on this machine: `localhost` or a loopback address.
    Tcp(String),
}

/// A word that is no address of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither form.
    #[error("an antivirus is written unix:/absolute/path or tcp:127.0.0.1:port")]
    Form,
    /// A daemon on another machine, over bare TCP.
    #[error(
        "tcp:{0} is not on this machine: documents and verdicts would pass in clear, and anybody in between could say that all is clean; give \
         unix:/path, or the local end of a TLS tunnel (stunnel, spiped) as tcp:127.0.0.1:port"
    )]
    Elsewhere(String),
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
                if is_here(host) {
                    Ok(Self::Tcp(at.to_owned()))
                } else {
                    Err(AddressError::Elsewhere(at.to_owned()))
                }
            }
            _ => Err(AddressError::Form),
        }
    }
}

/// `localhost`, which is never asked of a resolver elsewhere (RFC 6761, 6.3), or a loopback address.
fn is_here(host: &str) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
    /// Whether the daemon answers PING (clamd(8)).
    ///
    /// # Errors
    /// When it does not within `patience` (`TimedOut`), or what listens there is no clamd.
    pub async fn ping(&self, patience: Duration) -> io::Result<()> {
        match scan::ask(self, b"zPING\0", patience).await?.as_str() {
            "PONG" => Ok(()),
            _ => Err(io::Error::other("what listens there is no clamd")),
        }
    }

    /// What the daemon answers to VERSION (clamd(8)): `ClamAV 1.4.3/27816/Sat Nov 15 09:26:07 2026`, which are program, signatures and
    /// their date; the program alone where it has no signatures of ClamAV's own.
    ///
    /// # Errors
    /// When it does not answer within `patience` (`TimedOut`), or with what is no text.
    pub async fn version(&self, patience: Duration) -> io::Result<String> {
        scan::ask(self, b"zVERSION\0", patience).await
    }

    pub(super) async fn connect(&self) -> io::Result<Wire> {
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
