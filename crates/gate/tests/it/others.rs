//! Servers that we did not write, started and ended by a test.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// One that runs until this is dropped.
pub(crate) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A port of the loopback that nobody listens on, below those that systems hand out by themselves: a client or a test's own server does not take it before
/// the server for which it is meant does. No other test of this process is given it.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id().wrapping_mul(97);
    let next = || 12_000 + from.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
    let mut ports = std::iter::repeat_with(|| u16::try_from(next()).unwrap());
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

impl Server {
    #[allow(clippy::disallowed_methods, reason = "nothing says when the server of others listens")]
    /// Starts it so that it dies with the test, and waits until it takes connections there.
    pub(crate) fn start(folder: &Path, words: &[&str], port: u16) -> Self {
        let log = std::fs::File::create(folder.join(format!("server-{port}.log"))).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(words).current_dir(folder);
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let (server, since) = (Self(child), Instant::now());
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(20), "{words:?} takes no connection");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// nghttp2's server, without TLS, of this folder's files.
    pub(crate) fn nghttpd(folder: &Path, more: &[&str]) -> (Self, u16) {
        let port = free_port();
        let (at, text) = (folder.display().to_string(), port.to_string());
        let words = [&["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", &at][..], more, &[&text]].concat();
        (Self::start(folder, &words, port), port)
    }

    /// nginx with these servers, in which `PORT` stands for a port of its own.
    pub(crate) fn nginx(folder: &Path, servers: &str) -> (Self, u16) {
        let port = free_port();
        let at = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/nginx-{name};\n"))
            .concat();
        let servers = servers.replace("PORT", &port.to_string());
        let text = format!(
            "pid {at}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{servers}}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), text).unwrap();
        let settings = format!("{at}/nginx.conf");
        // One process: the end of the test reaches it.
        let alone = "daemon off; master_process off;";
        (Self::start(folder, &["nginx", "-c", &settings, "-e", "stderr", "-g", alone], port), port)
    }

    /// HAProxy with these settings, in which `PORT` stands for a port of its own.
    pub(crate) fn haproxy(folder: &Path, settings: &str) -> (Self, u16) {
        let port = free_port();
        let usual = "defaults\nmode http\ntimeout client 20s\ntimeout server 20s\ntimeout connect 5s\n";
        let settings = format!("{usual}{}", settings.replace("PORT", &port.to_string()));
        let path = folder.join("haproxy.cfg");
        std::fs::write(&path, settings).unwrap();
        (Self::start(folder, &["haproxy", "-db", "-f", &path.display().to_string()], port), port)
    }
}
