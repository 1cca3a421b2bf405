//! Doors for whoever is on this machine: an address or a socket where plain HTTP is answered.
//!
//! Roles of the platform have another (`crates/sceau/src/serve/door.rs`), and both take a socket in six like lines. They stay two: this one takes sockets
//! that systemd or a gate before it opened, of a mode that the file says, and counts who comes in; that one hands axum its listener. The floor that
//! both stand on has no sockets, and six lines are no reason to build one.

use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    sync::Semaphore,
    task::JoinSet,
};

use crate::{
    error::Error,
    given::{Given, lend},
    holding::Stream,
};

/// How long it is left alone where no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a door is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Tcp(SocketAddr),
    /// With its mode.
    Unix(PathBuf, u32),
}

/// A door whose address is taken: nobody is answered before [`Self::open`].
#[derive(Debug)]
pub(crate) struct Taken {
    at: At,
    socket: Socket,
}

#[derive(Clone, Debug)]
enum Socket {
    Tcp(Arc<TcpListener>),
    Unix(Arc<UnixListener>),
}

/// A door that is open until it is dropped.
#[derive(Debug)]
pub(crate) struct Door {
    at: At,
    socket: Socket,
    task: JoinSet<()>,
}

/// Somebody who came in.
pub(crate) struct Visitor {
    pub(crate) stream: Box<dyn Stream>,
    /// Where from; none of a socket.
    pub(crate) from: Option<IpAddr>,
    /// The door's own address, of a port 0 the one that the system chose; none of a socket.
    pub(crate) own: Option<SocketAddr>,
}

impl Taken {
    /// Takes the address that a setting of this name wants.
    ///
    /// # Errors
    /// [`Error::Listen`], [`Error::File`] of a socket.
    pub(crate) async fn take(at: &At, setting: &str, given: &Given) -> Result<Self, Error> {
        let socket = match at {
            At::Tcp(address) => {
                let socket = given.tcp(*address).await;
                let socket = socket.map_err(|cause| Error::Listen { address: *address, cause })?;
                Socket::Tcp(Arc::new(socket))
            }
            At::Unix(path, mode) => {
                let file = |cause| Error::File {
                    setting: setting.to_owned(),
                    path: path.display().to_string(),
                    cause,
                };
                Socket::Unix(Arc::new(unix(path, *mode, given).map_err(file)?))
            }
        };
        Ok(Self { at: at.clone(), socket })
    }

    /// Of a port 0, the one that the system chose; none of a socket.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// The same in words.
    pub(crate) fn written(&self) -> String {
        self.address().map_or_else(|| self.at.to_string(), |address| address.to_string())
    }

    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Lets visitors in, each once `enter` lets them, at most so many at once: `attend` is each one's business.
    pub(crate) fn open<P, E, F>(
        self,
        most: usize,
        enter: impl Fn() -> E + Send + 'static,
        attend: impl Fn(Visitor) -> F + Send + 'static,
    ) -> Door
    where
        P: Send + 'static,
        E: Future<Output = Option<P>> + Send,
        F: Future<Output = ()> + Send + 'static,
    {
        let (mut task, socket, own) = (JoinSet::new(), self.socket.clone(), self.address());
        let visitors = Arc::new(Semaphore::new(most));
        task.spawn(async move {
            loop {
                let Ok(visit) = Arc::clone(&visitors).acquire_owned().await else { return };
                let Some(permit) = enter().await else { return };
                let Ok((stream, from)) = socket.accept().await else {
                    // Out of descriptors: others close theirs meanwhile.
                    drop((visit, permit));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                let visited = attend(Visitor { stream, from, own });
                tokio::spawn(async move {
                    visited.await;
                    drop((visit, permit));
                });
            }
        });
        Door { at: self.at, socket: self.socket, task }
    }
}

impl Door {
    /// Lets nobody in any more; who came in before stays.
    pub(crate) async fn close(mut self) {
        self.task.shutdown().await;
    }

    /// As it is written.
    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Another handle on its socket.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn lend(&self) -> io::Result<OwnedFd> {
        match &self.socket {
            Socket::Tcp(socket) => lend(&**socket),
            Socket::Unix(socket) => lend(&**socket),
        }
    }
}

impl Socket {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Option<IpAddr>)> {
        Ok(match self {
            Self::Tcp(socket) => {
                let (stream, from) = socket.accept().await?;
                (Box::new(stream), Some(from.ip().to_canonical()))
            }
            Self::Unix(socket) => (Box::new(socket.accept().await?.0), None),
        })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path, _) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket of this mode. One that nobody listens on any more gives way.
fn unix(path: &Path, mode: u32, given: &Given) -> io::Result<UnixListener> {
    if let Some(socket) = given.unix(path)? {
        return Ok(socket);
    }
    let is_left = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err();
    if is_left {
        fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use tokio::{io::AsyncReadExt as _, net::TcpStream, sync::mpsc};

    use super::*;

    #[tokio::test]
    async fn whoever_finds_no_descriptor_waits_until_another_leaves() {
        let at = At::Tcp("127.0.0.1:0".parse().unwrap());
        let taken = Taken::take(&at, "outgoing, address", &Given::default()).await.unwrap();
        let (address, free) = (taken.address().unwrap(), Arc::new(Semaphore::new(1)));
        let (came, mut seen) = mpsc::unbounded_channel();
        let permits = Arc::clone(&free);
        let enter = move || Arc::clone(&permits).acquire_owned();
        let _door = taken.open(
            16,
            move || {
                let permit = enter();
                async move { permit.await.ok() }
            },
            move |mut visitor| {
                came.send(()).unwrap();
                async move { drop(visitor.stream.read(&mut [0]).await) }
            },
        );
        let first = TcpStream::connect(address).await.unwrap();
        seen.recv().await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        assert!(free.available_permits() == 0 && seen.try_recv().is_err(), "it waits");
        drop(first);
        seen.recv().await.unwrap();
    }
}
