//! Sockets that were opened before: by the system, or by the gate whose place this one takes.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener as StdUnixListener,
    },
    path::Path,
    sync::{Mutex, PoisonError},
};

use tokio::net::{TcpListener, UnixListener};

/// Sockets that listen already. Each is used where the configuration wants its address; the others are closed.
#[derive(Debug, Default)]
pub struct Given {
    tcp: Mutex<Vec<StdTcpListener>>,
    unix: Mutex<Vec<StdUnixListener>>,
}

impl Given {
    /// These.
    pub fn new(tcp: Vec<StdTcpListener>, unix: Vec<StdUnixListener>) -> Self {
        Self { tcp: Mutex::new(tcp), unix: Mutex::new(unix) }
    }

    /// The one that listens there, else another.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) async fn tcp(&self, address: SocketAddr) -> io::Result<TcpListener> {
        match self.found(address) {
            Some(socket) => {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket)
            }
            None => TcpListener::bind(address).await,
        }
    }

    fn found(&self, address: SocketAddr) -> Option<StdTcpListener> {
        let mut given = self.tcp.lock().unwrap_or_else(PoisonError::into_inner);
        let at = given.iter().position(|socket| socket.local_addr().is_ok_and(|at| at == address))?;
        Some(given.remove(at))
    }

    /// The one that listens there, if any.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn unix(&self, path: &Path) -> io::Result<Option<UnixListener>> {
        let mut given = self.unix.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = |socket: &StdUnixListener| {
            socket.local_addr().is_ok_and(|address| address.as_pathname() == Some(path))
        };
        let Some(at) = given.iter().position(is_there) else { return Ok(None) };
        let socket = given.remove(at);
        socket.set_nonblocking(true)?;
        UnixListener::from_std(socket).map(Some)
    }
}

/// Another handle on a socket, for the program that takes the place of this one.
///
/// # Errors
/// Those of the system.
pub(crate) fn lend(socket: &impl AsFd) -> io::Result<OwnedFd> {
    socket.as_fd().try_clone_to_owned()
}
