//! What a listener shows of a certificate that the gate gets by itself: the one in use, nothing before the first, and to an authority that looks, its challenge.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{ServerConfig, server::Acceptor};
use sceau_pki::{ACME_TLS, Anchors, Staple, refusing_config};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, server::TlsStream};

use super::{obtained::Obtained, store::Current};
use crate::{error::Error, ocsp};

/// A listener's.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) obtained: Arc<Obtained>,
    /// `listener 1`
    name: String,
    /// Who may issue what clients show.
    anchors: Vec<Anchors>,
    staple: Option<bool>,
    /// Before the first.
    refusing: Arc<ServerConfig>,
    shown: RwLock<Option<Shown>>,
}

#[derive(Clone, Debug)]
struct Shown {
    of: Arc<Current>,
    config: Arc<ServerConfig>,
    staple: Option<Staple>,
}

/// How a connection of a listener begins.
pub(crate) enum Way {
    /// Without TLS.
    Plain,
    Tls(Arc<ServerConfig>),
    /// The same, while an authority may be looking.
    Looked(Arc<ServerConfig>, Arc<Obtained>),
}

impl Ours {
    /// # Errors
    /// [`Error::Pki`].
    pub(crate) fn new(
        obtained: Arc<Obtained>,
        anchors: &[&Anchors],
        staple: Option<bool>,
        name: &str,
    ) -> Result<Self, Error> {
        let refusing = Arc::new(refusing_config().map_err(Error::pki(name))?);
        let anchors = anchors.iter().map(|anchors| (*anchors).clone()).collect();
        let shown = RwLock::new(None);
        let ours = Self { obtained, name: name.to_owned(), anchors, staple, refusing, shown };
        ours.refresh();
        Ok(ours)
    }

    /// Shows the certificate in use from now on.
    pub(crate) fn refresh(&self) {
        let Some(current) = self.obtained.current() else { return };
        if self.read().is_some_and(|shown| Arc::ptr_eq(&shown.of, &current)) {
            return;
        }
        match self.shown(&current) {
            Ok((config, staple)) => {
                let shown = Shown { of: current, config: Arc::new(config), staple };
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
            }
            Err(error) => {
                tracing::error!(%error, "a certificate that was issued cannot be shown; the one before stays")
            }
        }
    }

    fn shown(&self, current: &Current) -> Result<(ServerConfig, Option<Staple>), Error> {
        let anchors: Vec<_> = self.anchors.iter().collect();
        let shown = ocsp::server(&current.identity, &anchors, self.staple, &self.name);
        if shown.is_err() && self.staple == Some(true) {
            tracing::error!(
                listener = self.name,
                "the certificate that was issued names no responder: nothing is stapled"
            );
            return ocsp::server(&current.identity, &anchors, Some(false), &self.name);
        }
        shown
    }

    /// What is handed out with it.
    pub(crate) fn staple(&self) -> Option<Staple> {
        self.read()?.staple
    }

    pub(crate) fn way(&self) -> Way {
        let config = self.read().map_or_else(|| Arc::clone(&self.refusing), |shown| shown.config);
        if self.obtained.challenges().is_some_and(super::acme::Challenges::wait_for_handshakes) {
            Way::Looked(config, Arc::clone(&self.obtained))
        } else {
            Way::Tls(config)
        }
    }

    fn read(&self) -> Option<Shown> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Way {
    /// Ends TLS; none where an authority looked, and saw it, or the connection has none.
    ///
    /// # Errors
    /// Those of the handshake.
    pub(crate) async fn end<S>(self, stream: S) -> io::Result<Option<TlsStream<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (config, obtained) = match self {
            Self::Plain => return Ok(None),
            Self::Tls(config) => return TlsAcceptor::from(config).accept(stream).await.map(Some),
            Self::Looked(config, obtained) => (config, obtained),
        };
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let hello = begun.client_hello();
        // RFC 8737 §3: this protocol, and no other beside it.
        let looks = hello.alpn().is_some_and(|mut all| all.next() == Some(ACME_TLS) && all.next().is_none());
        if !looks {
            return begun.into_stream(config).await.map(Some);
        }
        let name = hello.server_name().unwrap_or_default().to_owned();
        let found = obtained.challenges().and_then(|challenges| challenges.of_name(&name));
        let mut stream = begun.into_stream(found.unwrap_or(config)).await?;
        tracing::info!(name, "an authority looked whether this name is ours");
        stream.shutdown().await?;
        Ok(None)
    }
}
