//! Where a PostgreSQL server is, as its operator writes it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;
use zeroize::Zeroizing;

use crate::StoreError;

/// How to reach a PostgreSQL database.
pub struct Postgres {
    /// The server, the role and the database.
    pub address: PostgresAddress,
    /// The role's password, where the server asks for one.
    pub password: Option<Zeroizing<String>>,
    /// PEM file of the authority that signed the server's certificate, where it is none of the public ones.
    pub ca_file: Option<PathBuf>,
    /// Connections that requests share.
    pub connections: u32,
    /// Connections that hold turns.
    pub turns: u32,
}

impl Postgres {
    /// At this address, with the usual numbers of connections (ten, and four for turns) and no password.
    pub fn at(address: PostgresAddress) -> Self {
        Self { address, password: None, ca_file: None, connections: 10, turns: 4 }
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        let PostgresAddress { host, port, user, database, encrypted } = &self.address;
        // Everything that the environment could say is said here.
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(*port)
            .username(user)
            .database(database)
            .ssl_mode(if *encrypted { PgSslMode::VerifyFull } else { PgSslMode::Disable })
            .application_name("sceau");
        options = match host {
            Host::Socket(folder) => options.socket(folder),
            Host::Name(name) => options.host(name),
        };
        if let Some(password) = &self.password {
            options = options.password(password);
        }
        if let Some(file) = &self.ca_file {
            options = options.ssl_root_cert(file);
        }
        options
    }
}

/// Shows no password.
impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Postgres({})", self.address)
    }
}

/// `postgresql://role@host:port/database`, or `postgresql:///database?host=/folder/of/the/socket&user=role`.
///
/// Over the network the connection is encrypted and the server's certificate must name the host (`verify-full`); only on loopback may
/// `?sslmode=disable` say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    host: Host,
    port: u16,
    user: String,
    database: String,
    encrypted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Socket(PathBuf),
    Name(String),
}

impl std::fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, user, database, .. } = self;
        match host {
            Host::Socket(folder) => {
                write!(f, "postgresql:///{database}?host={}&user={user}", folder.display())
            }
            Host::Name(name) => write!(f, "postgresql://{user}@{name}:{port}/{database}"),
        }
    }
}

impl FromStr for PostgresAddress {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = |why: &str| StoreError::Address(why.to_owned());
        // The parser's own errors may hold what was written, a password included.
        let url = Url::parse(text).map_err(|_| wrong("it is not a URL"))?;
        if !matches!(url.scheme(), "postgresql" | "postgres") {
            return Err(wrong("it does not begin with postgresql://"));
        }
        if url.password().is_some() {
            return Err(wrong(
                "it holds a password: put that into a file of its own, named by password_file",
            ));
        }
        let mut parts = Parts {
            host: url.host_str().map(str::to_owned),
            port: url.port(),
            user: Some(url.username().to_owned()),
            sslmode: None,
        };
        for (name, value) in url.query_pairs() {
            parts.set(&name, &value)?;
        }
        parts.address(url.path().trim_start_matches('/'))
    }
}

struct Parts {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    sslmode: Option<String>,
}

impl Parts {
    fn set(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let value = value.to_owned();
        match name {
            "host" => self.host = Some(value),
            "user" => self.user = Some(value),
            "sslmode" => self.sslmode = Some(value),
            "port" => {
                let port = value.parse().map_err(|_| StoreError::Address("its port is not one".into()))?;
                self.port = Some(port);
            }
            other => return Err(StoreError::Address(format!("the parameter {other} is not known here"))),
        }
        Ok(())
    }

    fn address(self, database: &str) -> Result<PostgresAddress, StoreError> {
        let wrong = |why: &str| StoreError::Address(why.to_owned());
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        let host = self.host.filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        let user = self.user.filter(|user| word(user)).ok_or_else(|| wrong("it names no role"))?;
        if !word(database) {
            return Err(wrong("it names no database"));
        }
        let socket = host.starts_with('/');
        if host.contains(char::is_control) || !socket && url::Host::parse(&host).is_err() {
            return Err(wrong("its host is not one"));
        }
        let encrypted = match self.sslmode.as_deref() {
            None | Some("verify-full") => !socket,
            Some("disable") if socket || is_loopback(&host) => false,
            Some("disable") => {
                return Err(wrong(
                    "sslmode=disable is for loopback only: the network sees what is not encrypted",
                ));
            }
            Some(_) => return Err(wrong("sslmode is verify-full, or disable on loopback")),
        };
        let host = if socket { Host::Socket(host.into()) } else { Host::Name(host) };
        let (port, database) = (self.port.unwrap_or(5432), database.to_owned());
        Ok(PostgresAddress { host, port, user, database, encrypted })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn parse(text: &str) -> Result<PostgresAddress, String> {
        text.parse().map_err(|error: StoreError| error.to_string())
    }

    #[test]
    fn the_network_is_encrypted_and_a_socket_needs_not_be() {
        let remote = parse("postgresql://sceau@db.example.org/sceau").unwrap();
        assert!(remote.encrypted && remote.port == 5432);
        assert!(parse("postgresql://sceau@db.example.org:6432/sceau?sslmode=verify-full").unwrap().encrypted);
        assert!(parse("postgresql://sceau@127.0.0.1/sceau").unwrap().encrypted);
        assert!(!parse("postgresql://sceau@127.0.0.1/sceau?sslmode=disable").unwrap().encrypted);
        assert!(!parse("postgres://sceau@[::1]:5433/sceau?sslmode=disable").unwrap().encrypted);
        let socket = parse("postgresql:///sceau?host=/run/postgresql&user=platform").unwrap();
        assert_eq!(socket.host, Host::Socket("/run/postgresql".into()));
        assert_eq!(socket.to_string(), "postgresql:///sceau?host=/run/postgresql&user=platform");
    }

    #[test]
    fn what_is_weak_or_not_understood_is_refused_without_being_repeated() {
        for (text, why) in [
            ("postgresql://sceau:hunter2@db/sceau", "password"),
            ("postgresql://sceau@db.example.org/sceau?sslmode=disable", "loopback only"),
            ("postgresql://sceau@db.example.org/sceau?sslmode=require", "verify-full"),
            ("postgresql://db.example.org/sceau", "no role"),
            ("postgresql://sceau@db.example.org/", "no database"),
            ("postgresql:///sceau?user=sceau", "no host"),
            ("postgresql:///sceau?host=a%00b&user=sceau", "host is not one"),
            ("postgresql:///sceau?host=db/@other&user=sceau", "host is not one"),
            ("postgresql:///sceau?host=/run/%00&user=sceau", "host is not one"),
            ("postgresql://sceau@db/sceau?options=-c%20fsync=off", "options"),
            ("mysql://sceau@db/sceau", "postgresql://"),
            ("hunter2", "not a URL"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
