//! How one upstream is reached: over TCP, TLS or a socket of this machine.

use std::{
    io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::{Uri, http::uri::Authority, rt::ReadBufCursor};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;

/// Where an upstream is, and what is said and asked on the way.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) to: To,
    /// How long a connection may take, with its handshake.
    pub(crate) within: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum To {
    Tcp(Authority),
    Tls(Authority, ServerName<'static>, Arc<ClientConfig>),
    Unix(PathBuf),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection to an upstream, whatever carries it.
pub(crate) struct Wire(TokioIo<Box<dyn Stream>>);

impl Reach {
    /// A connection.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::TimedOut`]; a server whose certificate is not believed.
    pub(crate) async fn connect(&self) -> io::Result<Wire> {
        let stream = tokio::time::timeout(self.within, self.open()).await;
        Ok(Wire(TokioIo::new(stream.map_err(|_| io::ErrorKind::TimedOut)??)))
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match &self.to {
            To::Tcp(authority) => Box::new(tcp(authority).await?),
            To::Tls(authority, name, config) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Box::new(connector.connect(name.clone(), tcp(authority).await?).await?)
            }
            To::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    /// What a request's address is built on; of a socket of this machine, a name that goes nowhere.
    pub(crate) fn authority(&self) -> Authority {
        match &self.to {
            To::Tcp(authority) | To::Tls(authority, ..) => authority.clone(),
            To::Unix(_) => Authority::from_static("socket.invalid"),
        }
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.to {
            To::Tcp(authority) => write!(f, "http://{authority}"),
            To::Tls(authority, ..) => write!(f, "https://{authority}"),
            To::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

async fn tcp(authority: &Authority) -> io::Result<TcpStream> {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or_default())).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl tower::Service<Uri> for Reach {
    type Response = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let reach = self.clone();
        Box::pin(async move { reach.connect().await })
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
