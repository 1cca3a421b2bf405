//! A gate that takes the place of another one, with its sockets: at SIGUSR2 the program is started anew, as its file is by then, and once that one is
//! ready (SIGQUIT) this one ends without losing a request. Where the new one does not get ready, this one goes on.

use std::{
    io,
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    path::Path,
    process::{Command, ExitStatus},
};

use command_fds::{CommandFdExt as _, FdMapping};
use listenfd::ListenFd;
use rustix::process::{Pid, Signal, getppid, kill_process};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
};

use crate::{error::Error, given::Given, serve::Reload};

/// Says to the new one whose place it takes.
const BEFORE: &str = "SCEAU_GATE_BEFORE";
/// Where sockets begin that are handed over (sd_listen_fds(3)).
const FIRST: i32 = 3;

/// The sockets that systemd opened, or the gate before.
pub(crate) fn given() -> Result<Given, Error> {
    let mut handed = ListenFd::from_env();
    let (mut tcp, mut unix) = (Vec::new(), Vec::new());
    let unusable = |cause: std::io::Error| Error::system("take a socket that was opened before")(cause);
    for at in 0..handed.len() {
        match handed.take_tcp_listener(at) {
            Ok(socket) => tcp.extend(socket),
            Err(_) => unix.extend(handed.take_unix_listener(at).map_err(unusable)?),
        }
    }
    Ok(Given::new(tcp, unix))
}

/// Whether no gate before hands its place over, which may still write to the same folders.
pub(crate) fn is_alone() -> bool {
    std::env::var_os(BEFORE).is_none()
}

/// Tells the gate before, if any, that this one serves; and systemd.
pub(crate) fn say_ready() {
    notify("READY=1");
    let before = std::env::var(BEFORE).ok().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    if let Some(before) = before.filter(|before| getppid() == Some(*before))
        && let Err(error) = kill_process(before, Signal::QUIT)
    {
        tracing::warn!(%error, "the gate before cannot be told to end");
    }
}

/// Starts another at SIGUSR2; resolves once that one is ready.
pub(crate) fn hand_over_on_signal(reload: Reload) -> Result<impl Future<Output = ()>, Error> {
    let listen = |kind| signal(kind).map_err(Error::system("listen for signals"));
    let (mut asked, mut ready) = (listen(SignalKind::user_defined2())?, listen(SignalKind::quit())?);
    let program = std::env::current_exe().map_err(Error::system("find this program"))?;
    Ok(async move {
        let mut next: Option<Child> = None;
        loop {
            tokio::select! {
                Some(()) = asked.recv(), if next.is_none() => next = start(&program, &reload).await,
                Some(()) = ready.recv(), if next.is_some() => {
                    let process = next.as_ref().and_then(Child::id);
                    process.into_iter().for_each(|process| notify(&format!("MAINPID={process}")));
                    tracing::info!(process, "another gate takes the place of this one");
                    return;
                }
                Some(status) = ended(&mut next) => {
                    tracing::error!(%status, "the other gate does not get ready; this one goes on");
                    next = None;
                }
            }
        }
    })
}

/// How it ended; none where there is none.
async fn ended(next: &mut Option<Child>) -> Option<ExitStatus> {
    next.as_mut()?.wait().await.ok()
}

/// The program as its file is now, with these words and sockets.
async fn start(program: &Path, reload: &Reload) -> Option<Child> {
    let sockets = reload.sockets().await;
    let started =
        sockets.and_then(|sockets| command(program, sockets)).and_then(|mut command| command.spawn());
    started
        .inspect_err(|error| tracing::error!(%error, "no other gate can be started; this one goes on"))
        .ok()
}

fn command(program: &Path, sockets: Vec<OwnedFd>) -> io::Result<tokio::process::Command> {
    let mut command = Command::new(program);
    // It is to outlive this one.
    command.args(std::env::args_os().skip(1).filter(|word| word != "--die-with-parent"));
    command
        .env("LISTEN_FDS", sockets.len().to_string())
        .env_remove("LISTEN_PID")
        .env_remove("LISTEN_FDNAMES");
    command.env(BEFORE, std::process::id().to_string());
    let mappings = (FIRST..).zip(sockets).map(|(child_fd, parent_fd)| FdMapping { parent_fd, child_fd });
    command.fd_mappings(mappings.collect()).map_err(io::Error::other)?;
    Ok(command.into())
}

/// Says a word to systemd, where it listens (sd_notify(3)).
fn notify(word: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let said = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(word.as_bytes(), &address));
    if let Err(error) = said {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
