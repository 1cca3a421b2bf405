//! Where a role takes requests: an address, or a socket that a gate on the same machine opens and nobody else.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use sceau_element_api::Cidr;
use tokio::net::{TcpListener, UnixListener};

use crate::failure::Failure;

/// Who calls through a socket has no address: this one stands for it, which no packet comes from (RFC 1122 section 3.2.1.3).
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where to listen, as it is written: `127.0.0.1:8080` or `unix:/run/sceau/platform.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// An address.
    Tcp(SocketAddr),
    /// A socket; in a folder that decides who comes to it.
    Unix(PathBuf),
}

impl FromStr for At {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some(path) if Path::new(path).is_absolute() => Ok(Self::Unix(path.into())),
            Some(_) => Err("the path of a socket begins with a slash: unix:/run/sceau/platform.sock"),
            None => text.parse().map(Self::Tcp).map_err(|_| "write 127.0.0.1:8080 or unix:/path"),
        }
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    /// Takes it. A socket that nobody listens on any more gives way; the new one is its owner's and its group's.
    ///
    /// # Errors
    /// What the system says, with the address.
    pub(crate) async fn take(at: &At) -> Result<Self, Failure> {
        match at {
            At::Tcp(address) => {
                let listener = TcpListener::bind(address).await;
                listener.map(Self::Tcp).map_err(|cause| Failure::listen(*address, &cause))
            }
            At::Unix(path) => {
                let listener = socket(path).map_err(|cause| Failure::file("listen on", path, &cause))?;
                Ok(Self::Unix(listener))
            }
        }
    }

    /// Its port, where it has one.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Self::Unix(_) => None,
        }
    }

    /// Who is believed about whom it carries, besides those that the options name: whoever may open a socket.
    pub(crate) fn proxy(&self) -> Option<Cidr> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(_) => Some(Cidr::one(NOWHERE)),
        }
    }

    /// Answers requests until `end` resolves.
    ///
    /// # Errors
    /// Those of the listener.
    pub(crate) async fn serve(
        self,
        router: Router,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, service).with_graceful_shutdown(end).await
            }
            Self::Unix(listener) => {
                let router = router.layer(Extension(ConnectInfo(SocketAddr::new(NOWHERE, 0))));
                axum::serve(listener, router.into_make_service()).with_graceful_shutdown(end).await
            }
        }
    }
}

fn socket(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(ErrorKind::AddrInUse.into()),
            Err(_) => std::fs::remove_file(path)?,
        },
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_socket() {
        assert_eq!("127.0.0.1:8080".parse(), Ok(At::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080)))));
        assert_eq!("unix:/run/a.sock".parse(), Ok(At::Unix("/run/a.sock".into())));
        for wrong in ["unix:run/a.sock", "unix:", "/run/a.sock", "localhost:8080", "127.0.0.1", ""] {
            assert!(wrong.parse::<At>().is_err_and(|why| why.contains("unix:/")), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_socket_that_is_left_gives_way_and_one_in_use_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = At::Unix(folder.path().join("a.sock"));
        let first = Door::take(&at).await.unwrap();
        let refused = Door::take(&at).await.unwrap_err();
        assert!(refused.to_string().contains("a.sock"), "{refused}");
        drop(first);
        Door::take(&at).await.unwrap();
    }
}
