//! TLS that is passed on as it comes, by the name that its first octets ask for: whoever is behind ends it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::http::uri::Authority;
use rustls::server::Acceptor;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};

use crate::{
    proxy::{Carried, Version},
    upstream::{place, tcp},
};

/// The most octets that are read for a name.
const HELLO: usize = 64 << 10;

/// A name, and where its TLS ends.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) name: String,
    pub(crate) to: Authority,
    pub(crate) proxy: Option<Version>,
    /// How long a connection may take.
    pub(crate) within: Duration,
}

impl Pass {
    /// Carries octets both ways until both sides end: first those that were read already.
    ///
    /// # Errors
    /// Those of the system, and that nobody takes a connection in time.
    pub(crate) async fn carry(&self, client: Read, carried: Carried) -> io::Result<()> {
        let Read { mut stream, octets, .. } = client;
        let _place = place().await?;
        let service = tokio::time::timeout(self.within, tcp(&self.to)).await;
        let mut service = service.map_err(|_| io::ErrorKind::TimedOut)??;
        let header = self.proxy.map(|version| version.header(Some(carried))).unwrap_or_default();
        service.write_all(&[&header[..], &octets].concat()).await?;
        tokio::io::copy_bidirectional(&mut stream, &mut service).await.map(|_| ())
    }
}

/// A connection of which octets were read already: it reads as if they were not.
#[derive(Debug)]
pub(crate) struct Read {
    stream: TcpStream,
    octets: Vec<u8>,
    at: usize,
}

impl Read {
    /// One of which nothing was read.
    pub(crate) fn nothing(stream: TcpStream) -> Self {
        Self { stream, octets: Vec::new(), at: 0 }
    }

    /// Reads what a client says first (RFC 8446 §4.1.2), and the name that it asks for (RFC 6066 §3); none where it names none, or speaks no TLS.
    ///
    /// # Errors
    /// Those of the system, and the end of the connection.
    pub(crate) async fn hello(mut stream: TcpStream) -> io::Result<(Self, Option<String>)> {
        let (mut acceptor, mut octets) = (Acceptor::default(), Vec::new());
        let name = loop {
            let mut read = [0; 4096];
            let count = stream.read(&mut read).await?;
            let mut new = read.get(..count).unwrap_or_default();
            if new.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            octets.extend_from_slice(new);
            while !new.is_empty() {
                acceptor.read_tls(&mut new)?;
            }
            match acceptor.accept() {
                Ok(Some(accepted)) => break accepted.client_hello().server_name().map(str::to_owned),
                Ok(None) if octets.len() < HELLO => {}
                // What is none is refused as it would be without a look.
                Ok(None) | Err(_) => break None,
            }
        };
        Ok((Self { stream, octets, at: 0 }, name))
    }
}

impl AsyncRead for Read {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = this.octets.get(this.at..).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(left.get(..count).unwrap_or_default());
        this.at += count;
        if this.at == this.octets.len() {
            (this.octets, this.at) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Read {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(ready!(Pin::new(&mut self.stream).poll_flush(context)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(ready!(Pin::new(&mut self.stream).poll_shutdown(context)))
    }
}
