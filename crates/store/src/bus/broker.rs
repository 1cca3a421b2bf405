//! The broker's address, and connections to it: TLS with the operator's authority, or none.

use std::fmt;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Connection, ConnectionProperties};
use zeroize::Zeroizing;

/// Seconds between two signs of life; the connection is given up after twice as long in silence.
const HEARTBEAT: u16 = 10;
/// Milliseconds that a connection may take.
const PATIENCE: u64 = 10_000;

/// Exists only where the library was built with its TLS: without, it would take `amqps` and speak in clear.
const _: Option<amq_protocol_tcp::RustlsConnector> = None;

/// Where the broker is and who we are there.
pub struct Broker {
    host: String,
    port: u16,
    login: String,
    password: Zeroizing<String>,
    authority: String,
    /// Certificate chain and key that are shown to it, in PEM.
    identity: Option<Zeroizing<Vec<u8>>>,
}

/// The bus cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// Not `amqps://login@host:port`.
    #[error(
        "the address of the bus is `amqps://login@host` or `amqps://login@host:port`, without a password or a path"
    )]
    Address,
    /// The broker does not answer.
    #[error("the bus does not answer: is this its TLS port?")]
    Silent,
    /// The broker refuses, or is not there.
    #[error("the bus cannot be reached: {0}")]
    Broker(#[from] lapin::Error),
}

impl BusError {
    /// Stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address => "bus_address",
            Self::Silent | Self::Broker(_) => "bus_unreachable",
        }
    }
}

impl Broker {
    /// Of an address `amqps://login@host[:port]`, the login's password, and the PEM of the authorities that may certify the broker.
    ///
    /// # Errors
    /// [`BusError::Address`]. Plain `amqp` is one: passwords and names would travel in clear.
    pub fn new(address: &str, password: Zeroizing<String>, authority: &str) -> Result<Self, BusError> {
        let url = url::Url::parse(address).map_err(|_| BusError::Address)?;
        let bare = url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|_| url.scheme() == "amqps" && bare && !url.username().is_empty());
        let host = host.ok_or(BusError::Address)?.trim_matches(['[', ']']).to_owned();
        let (port, login) = (url.port().unwrap_or(5671), url.username().to_owned());
        Ok(Self { host, port, login, password, authority: authority.to_owned(), identity: None })
    }

    /// Shows a client certificate to a broker that demands one: chain and key (PKCS #8), in PEM. Who we are there is the login's word all the same.
    #[must_use]
    pub fn showing(self, identity: Zeroizing<Vec<u8>>) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Our own login, as definitions name it.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// A new connection to a virtual host.
    ///
    /// # Errors
    /// [`BusError::Broker`]: away, another certificate, another password, no such virtual host.
    pub async fn connect(&self, vhost: &str) -> Result<Connection, BusError> {
        let userinfo = AMQPUserInfo { username: self.login.clone(), password: self.password.to_string() };
        let query = AMQPQueryString {
            heartbeat: Some(HEARTBEAT),
            connection_timeout: Some(PATIENCE),
            ..AMQPQueryString::default()
        };
        let uri = AMQPUri {
            scheme: AMQPScheme::AMQPS,
            authority: AMQPAuthority { userinfo, host: self.host.clone(), port: self.port },
            vhost: vhost.to_owned(),
            query,
        };
        let both = |pem: &Zeroizing<Vec<u8>>| OwnedIdentity::PKCS8 { pem: pem.to_vec(), key: pem.to_vec() };
        let identity = self.identity.as_ref().map(both);
        let tls = OwnedTLSConfig { identity, cert_chain: Some(self.authority.clone()) };
        let properties = ConnectionProperties::default().with_connection_name("sceau".into());
        let runtime = lapin::runtime::default_runtime()?;
        let connecting = Connection::connect_uri_with_config(uri, properties, tls, runtime);
        let patience = std::time::Duration::from_millis(PATIENCE);
        Ok(tokio::time::timeout(patience, connecting).await.map_err(|_| BusError::Silent)??)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({}@{}:{}, password redacted)", self.login, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_over_tls_and_without_a_password_is_taken() {
        let broker = |address: &str| Broker::new(address, Zeroizing::new("secret".to_owned()), "");
        for right in ["amqps://sceau@bus.example.org", "amqps://sceau@[::1]:5672", "amqps://sceau@bus/"] {
            assert!(broker(right).is_ok(), "{right}");
        }
        for wrong in
            ["amqp://sceau@bus", "amqps://bus", "amqps://sceau:word@bus", "amqps://sceau@bus/a", "bus", ""]
        {
            assert_eq!(broker(wrong).map(|_| ()).map_err(|e| e.code()), Err("bus_address"), "{wrong}");
        }
        let shown = broker("amqps://sceau@bus").map(|broker| format!("{broker:?}")).unwrap_or_default();
        assert_eq!(shown, "Broker(sceau@bus:5671, password redacted)");
    }
}
