//! How one upstream is reached: over TCP, TLS or a socket of this machine.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use hyper::http::{
    HeaderValue,
    uri::{Authority, Scheme},
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;

use super::room::{self, Reserved};
use crate::{
    holding::{Holding, Stream},
    proxy::{Carried, Version},
    route::bare,
};

/// Where an upstream is, and what is said and asked on the way.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) to: To,
    /// How long a connection may take, with its handshake.
    pub(crate) within: Duration,
    /// How it is told who is carried, if it is.
    pub(crate) proxy: Option<Version>,
}

#[derive(Clone, Debug)]
pub(crate) enum To {
    Tcp(Authority),
    /// HTTP/2 without TLS, which both sides know beforehand (RFC 9113 §3.3).
    TcpTwo(Authority),
    Tls(Authority, ServerName<'static>, TlsWays),
    Unix(PathBuf),
}

/// What TLS is asked for.
#[derive(Clone, Debug)]
pub(crate) struct TlsWays {
    /// HTTP/2, or else HTTP/1.1.
    pub(crate) either: Arc<ClientConfig>,
    /// HTTP/1.1 alone, on which a WebSocket can begin.
    pub(crate) one: Arc<ClientConfig>,
}

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    One,
    Two,
}

/// A connection to an upstream, whatever carries it.
pub(crate) struct Wire {
    pub(crate) stream: Holding<Box<dyn Stream>, Reserved>,
    pub(crate) speaks: Speaks,
}

impl Reach {
    /// A connection that carries somebody, or is our own; `upgrade` wants one of HTTP/1.1.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::TimedOut`]; [`room::Crowded`]; a server whose certificate is not believed.
    pub(crate) async fn connect(&self, upgrade: bool, carried: Option<Carried>) -> io::Result<Wire> {
        let reserved = room::reserve().await?;
        let opened = tokio::time::timeout(self.within, self.open(upgrade, carried)).await;
        let (stream, speaks) = opened.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(Wire { stream: Holding { stream, held: reserved }, speaks })
    }

    async fn open(&self, upgrade: bool, carried: Option<Carried>) -> io::Result<(Box<dyn Stream>, Speaks)> {
        let (stream, speaks): (Box<dyn Stream>, _) = match &self.to {
            To::Tcp(authority) => (Box::new(self.tcp(authority, carried).await?), Speaks::One),
            To::TcpTwo(authority) => (Box::new(self.tcp(authority, carried).await?), Speaks::Two),
            To::Tls(authority, name, ways) => {
                let config = if upgrade { &ways.one } else { &ways.either };
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), self.tcp(authority, carried).await?).await?;
                let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                (Box::new(stream), if is_two { Speaks::Two } else { Speaks::One })
            }
            To::Unix(path) => {
                let mut stream = UnixStream::connect(path).await?;
                self.introduce(&mut stream, carried).await?;
                (Box::new(stream), Speaks::One)
            }
        };
        Ok((stream, speaks))
    }

    async fn tcp(&self, authority: &Authority, carried: Option<Carried>) -> io::Result<TcpStream> {
        let mut stream = tcp(authority).await?;
        self.introduce(&mut stream, carried).await?;
        Ok(stream)
    }

    /// Says who is carried, before anything else.
    async fn introduce<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        carried: Option<Carried>,
    ) -> io::Result<()> {
        match self.proxy {
            Some(version) => stream.write_all(&version.header(carried)).await,
            None => Ok(()),
        }
    }

    /// Whether a connection may turn out to be one for many requests.
    pub(crate) fn may_share(&self) -> bool {
        matches!(self.to, To::TcpTwo(_) | To::Tls(..))
    }

    /// Whether a WebSocket may begin there.
    pub(crate) fn may_upgrade(&self) -> bool {
        !matches!(self.to, To::TcpTwo(_))
    }

    /// Its own name, where nobody asks for another.
    pub(super) fn host(&self) -> HeaderValue {
        let host = match &self.to {
            To::Tcp(authority) | To::TcpTwo(authority) | To::Tls(authority, ..) => authority.as_str(),
            To::Unix(_) => "localhost",
        };
        HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("localhost"))
    }

    /// What an address of HTTP/2 begins with.
    pub(crate) fn scheme(&self) -> Scheme {
        if matches!(self.to, To::Tls(..)) { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.to {
            To::Tcp(authority) => write!(f, "http://{authority}"),
            To::TcpTwo(authority) => write!(f, "h2c://{authority}"),
            To::Tls(authority, ..) => write!(f, "https://{authority}"),
            To::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

pub(crate) async fn tcp(authority: &Authority) -> io::Result<TcpStream> {
    let host = bare(authority.host());
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or_default())).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
