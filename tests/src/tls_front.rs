//! What ends TLS before the platform, as a proxy does: under a certificate of its own, bytes passed on as they are.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sceau_hsm::certificates;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Shown;

/// A front that serves for as long as the test's runtime lives.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
}

impl TlsFront {
    /// Opens it before the loopback's `port`.
    pub async fn open(shown: &Shown, port: u16) -> Self {
        let identity = certificates::read_identity(&shown.identity).expect("a certificate with its key");
        let mut config = sceau_pki::server_config(&identity).expect("TLS can be configured");
        // What is behind is spoken to without TLS, where no protocol is agreed on.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let front = Self { port: listener.local_addr().expect("a bound socket has an address").port() };
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut caller = acceptor.accept(caller).await.ok()?;
                    let mut platform = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
                    tokio::io::copy_bidirectional(&mut caller, &mut platform).await.ok()
                });
            }
        });
        front
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}
