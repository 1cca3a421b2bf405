//! `sceau gate` started anew under load: no request is lost, and a gate whose successor does not start goes on. Sockets come from systemd too, and
//! connections without end leave places to others.

use std::{
    io::{BufRead as _, BufReader, Lines, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    others::{free_port, service},
    support::Desk,
};

/// A gate, and what it says.
struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
    /// Whoever took its place.
    others: Vec<u64>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        for process in &self.others {
            drop(Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status());
        }
    }
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err, others: Vec::new() }
    }

    /// The process that is ready now.
    fn ready(&mut self) -> u64 {
        let ready: Value = serde_json::from_str(&self.out.next().unwrap().unwrap()).unwrap();
        assert_eq!(ready["ready"], "gate");
        let process = ready["process"].as_u64().unwrap();
        if process != u64::from(self.child.id()) {
            self.others.push(process);
        }
        process
    }

    /// Until the log says so.
    fn says(&mut self, words: &str) {
        let said = self.err.by_ref().map(Result::unwrap).find(|line| line.contains(words));
        assert!(said.is_some(), "the log ended without {words:?}");
    }
}

fn tell(process: u64, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// A folder with a certificate and the settings of a gate before this service.
fn desk(port: u16, service: u16) -> Desk {
    let desk = Desk::new();
    let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -days 2 \
                 -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE";
    let made =
        Command::new("openssl").args(words.split_whitespace()).current_dir(desk.path("")).output().unwrap();
    assert!(made.status.success());
    desk.write("gate.toml", settings(port, service).as_bytes());
    desk
}

fn settings(port: u16, service: u16) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:{port}\"\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\
         [[listener.route]]\nupstream = \"http://127.0.0.1:{service}\"\n"
    )
}

/// Requests one after the other over connections that are kept, until it is stopped: how many were answered, and what went wrong.
struct Load {
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<String>>,
}

impl Load {
    fn begin(desk: &Desk, port: u16) -> Self {
        let (done, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (Arc::clone(&done), Arc::clone(&stop));
        let certificate = reqwest::Certificate::from_pem(&desk.read("server.pem")).unwrap();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                // A request that may not be sent twice is the one that would be missed.
                let client =
                    reqwest::Client::builder().tls_certs_only([certificate]).retry(reqwest::retry::never());
                let client = client.build().unwrap();
                let mut wrong = Vec::new();
                while !stopped.load(Ordering::Relaxed) {
                    let answer = client.post(format!("https://localhost:{port}/")).body("x").send().await;
                    match answer {
                        Ok(answer) => match (answer.status().as_u16(), answer.bytes().await) {
                            (200, Ok(_)) => {}
                            other => wrong.push(format!("{other:?}")),
                        },
                        Err(error) => wrong.push(format!("{error:?}")),
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                wrong
            })
        });
        Self { done, stop, thread }
    }

    /// Until so many more are answered.
    #[allow(clippy::disallowed_methods, reason = "the load is what goes on; nothing else tells")]
    fn wait(&self, more: usize) {
        let (until, since) = (self.done.load(Ordering::Relaxed) + more, Instant::now());
        while self.done.load(Ordering::Relaxed) < until {
            assert!(since.elapsed() < Duration::from_secs(30), "no requests are answered");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Many requests over connections of HTTP/2, by curl, each with its status in a line.
fn many(desk: &Desk, port: u16) -> Child {
    let url = format!("https://localhost:{port}/[1-1500]");
    let mut curl = Command::new("curl");
    curl.args([
        "-sS",
        "--http2",
        "--cacert",
        "server.pem",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version} %{http_code}\n",
        &url,
    ]);
    curl.current_dir(desk.path("")).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn no_request_is_lost_to_the_next_program() {
    let (port, service) = (free_port(), service());
    let desk = desk(port, service);
    let mut gate = Running::start(desk.sceau(&["gate", "run", "--die-with-parent"]));
    let first = gate.ready();
    let loads: Vec<Load> = (0..3).map(|_| Load::begin(&desk, port)).collect();
    let two = many(&desk, port);
    loads.iter().for_each(|load| load.wait(50));
    tell(first, "-USR2");
    let second = gate.ready();
    assert_ne!(first, second);
    assert!(gate.child.wait().unwrap().success(), "the first ends by itself, well");
    loads.iter().for_each(|load| load.wait(50));

    // One that cannot start changes nothing.
    desk.write("gate.toml", b"listener = [");
    tell(second, "-USR2");
    gate.says("does not get ready");
    loads.iter().for_each(|load| load.wait(50));
    desk.write("gate.toml", settings(port, service).as_bytes());
    tell(second, "-USR2");
    let third = gate.ready();
    assert_ne!(second, third);
    loads.iter().for_each(|load| load.wait(50));
    for load in loads {
        assert_eq!(load.end(), Vec::<String>::new());
    }
    let said = String::from_utf8(two.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(said.lines().filter(|line| *line == "2 200").count(), 1500, "{said}");
}

#[test]
fn sockets_that_systemd_opened_are_used() {
    let (port, service) = (free_port(), service());
    let desk = desk(port, service);
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "systemd-socket-activate", "-l", &format!("127.0.0.1:{port}")]);
    command.args(["-E", "RUST_LOG", env!("CARGO_BIN_EXE_sceau"), "gate", "run"]).current_dir(desk.path(""));
    let mut gate = Running::start(command);
    gate.says("Listening on");
    let asking = many(&desk, port);
    assert_eq!(gate.ready(), u64::from(gate.child.id()), "it is the process that was started");
    let said = String::from_utf8(asking.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(said.lines().filter(|line| *line == "2 200").count(), 1500, "{said}");
}

#[test]
fn one_address_takes_neither_all_places_nor_all_descriptors() {
    let (port, service) = (free_port(), service());
    let desk = desk(port, service);
    let mut command = Command::new("prlimit");
    command.args(["--nofile=128:128", env!("CARGO_BIN_EXE_sceau"), "gate", "run", "--die-with-parent"]);
    command.current_dir(desk.path(""));
    let mut gate = Running::start(command);
    gate.ready();
    gate.says("the limit of descriptors allows few connections");
    let idle: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
    gate.says("an address has too many connections");
    let asked = |from: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", "8", "-i", "--cacert", "server.pem", "--interface", from]);
        let output =
            curl.arg(format!("https://localhost:{port}/")).current_dir(desk.path("")).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(asked("127.0.0.2").contains(" 200"), "another address is served meanwhile");
    let refused = idle.iter().filter(|stream| {
        let mut stream = *stream;
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        matches!(stream.read(&mut [0]), Ok(0)) || stream.write(b"x").is_err()
    });
    assert!(refused.count() >= 150, "all but a few were closed at once");
    drop(idle);
    let since = Instant::now();
    while !asked("127.0.0.1").contains(" 200") {
        assert!(since.elapsed() < Duration::from_secs(15), "once it let go, it is served again");
    }
}

/// A service that answers nobody who asks below `/held`, and says nothing of others.
fn holding() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for caller in listener.incoming() {
            let (mut caller, mut read) = (caller.unwrap(), Vec::new());
            while !read.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                if !matches!(caller.read(&mut octet), Ok(1)) {
                    break;
                }
                read.extend(octet);
            }
            if read.starts_with(b"GET /held/") {
                held.push(caller);
            } else {
                drop(caller.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
            }
        }
    });
    port
}

#[test]
fn the_requests_of_one_address_leave_descriptors_to_the_others() {
    let port = free_port();
    let desk = desk(port, holding());
    let mut command = Command::new("prlimit");
    command.args(["--nofile=128:128", env!("CARGO_BIN_EXE_sceau"), "gate", "run", "--die-with-parent"]);
    command.current_dir(desk.path(""));
    let mut gate = Running::start(command);
    gate.ready();
    let asked = |from: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", "8", "-i", "--cacert", "server.pem", "--interface", from]);
        let output =
            curl.arg(format!("https://localhost:{port}/")).current_dir(desk.path("")).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let ask_much = || {
        let mut curl = Command::new("setpriv");
        curl.args(["--pdeathsig", "KILL", "curl", "-sS", "-Z", "--parallel-max", "100", "--http2"]);
        curl.args(["--cacert", "server.pem", "-o", "/dev/null"]);
        curl.arg(format!("https://localhost:{port}/held/[1-90]")).current_dir(desk.path(""));
        Ended(curl.stderr(Stdio::null()).spawn().unwrap())
    };
    let mut streams: Vec<Ended> = (0..3).map(|_| ask_much()).collect();
    let since = Instant::now();
    let refused = loop {
        // One whose connection failed asks again: as many are to be under way as may be.
        for one in &mut streams {
            if one.0.try_wait().unwrap().is_some() {
                *one = ask_much();
            }
        }
        let said = asked("127.0.0.1");
        if said.contains(" 503") {
            break said;
        }
        assert!(since.elapsed() < Duration::from_secs(15), "its requests have no end: {said}");
    };
    assert!(refused.contains("sceau-code: gate_crowded") && refused.contains("retry-after: 1"), "{refused}");
    for _ in 0..3 {
        let said = asked("127.0.0.2");
        assert!(said.contains(" 200"), "another address is served meanwhile: {said}");
    }
    drop(streams);
    while !asked("127.0.0.1").contains(" 200") {
        assert!(since.elapsed() < Duration::from_secs(30), "once it let go, it is served again");
    }
}

/// A program that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
