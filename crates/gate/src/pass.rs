//! TLS that is passed on as it comes, by the name that its first octets ask for: whoever is behind ends it.

use std::{io, sync::Arc, time::Duration};

use hyper::http::uri::Authority;
use rustls::{pki_types::ServerName, server::Acceptor};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};

use crate::{
    error::Error,
    holding::{Held, Holding},
    proxy::{Carried, Version},
    settings::PassTable,
    upstream::{reserve, tcp},
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
    /// What a listener passes on by its name.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn all(listener: &str, tables: &[PassTable]) -> Result<Arc<[Self]>, Error> {
        let passes = tables.iter().enumerate().map(|(nth, table)| {
            let at = |setting: &str| format!("{listener}, pass {}, {setting}", nth + 1);
            let to = table.to.parse::<Authority>().ok();
            let to = to.filter(|to| to.port().is_some() && !to.as_str().contains('@'));
            let is_name = matches!(ServerName::try_from(table.name.as_str()), Ok(ServerName::DnsName(_)));
            if !is_name || tables.iter().take(nth).any(|other| other.name.eq_ignore_ascii_case(&table.name)) {
                return Err(Error::setting(at("name"), "a host's name is needed, and each once"));
            }
            Ok(Self {
                name: table.name.clone(),
                to: to.ok_or_else(|| Error::setting(at("to"), "write it host:port"))?,
                proxy: Version::read(&at("send_proxy"), table.send_proxy)?,
                within: table.connect_within.0,
            })
        });
        passes.collect::<Result<Vec<_>, _>>().map(Arc::from)
    }

    /// Carries octets both ways until both sides end: first those that were read already.
    ///
    /// # Errors
    /// Those of the system, and that nobody takes a connection in time.
    pub(crate) async fn carry(&self, client: Read, carried: Carried) -> io::Result<()> {
        let Read { mut stream, held: Ahead { octets, .. } } = client;
        let _reserved = reserve().await?;
        let service = tokio::time::timeout(self.within, tcp(&self.to)).await;
        let mut service = service.map_err(|_| io::ErrorKind::TimedOut)??;
        let header = self.proxy.map(|version| version.header(Some(carried))).unwrap_or_default();
        service.write_all(&[&header[..], &octets].concat()).await?;
        tokio::io::copy_bidirectional(&mut stream, &mut service).await.map(|_| ())
    }
}

/// A connection of which octets were read already: it reads as if they were not.
pub(crate) type Read = Holding<TcpStream, Ahead>;

/// Octets that were read already.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    octets: Vec<u8>,
    at: usize,
}

impl Held for Ahead {
    fn read_first(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let left = self.octets.get(self.at..).unwrap_or_default();
        if left.is_empty() {
            return false;
        }
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(left.get(..count).unwrap_or_default());
        self.at += count;
        if self.at == self.octets.len() {
            *self = Self::default();
        }
        true
    }
}

impl Read {
    /// One of which nothing was read.
    pub(crate) fn nothing(stream: TcpStream) -> Self {
        Self { stream, held: Ahead::default() }
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
        Ok((Self { stream, held: Ahead { octets, at: 0 } }, name))
    }
}
