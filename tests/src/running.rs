//! Processes that run beside a test, and die with it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a program may take to say that it is ready, or to stop. Only a failing test ever waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that said it was ready. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    ready: Value,
    log: PathBuf,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// What its ready line said.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// A text in its ready line, by JSON pointer (RFC 6901): `/platform/url`.
    pub fn said(&self, pointer: &str) -> &str {
        let text = self.ready.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("{} has no text {pointer} in its ready line {}", self.name, self.ready))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far, on both outputs.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a line of its standard output, after the ready line, that holds `words`, and returns that line.
    pub fn wait_for(&mut self, words: &str) -> String {
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("{} never said `{words}`:\n{}", self.name, self.log()),
            }
        }
    }

    /// Waits until `probe` gives something, asking every few milliseconds: for what announces itself by answering only.
    /// Panics with the log when the program ends first, or after a minute.
    pub fn until<T>(&mut self, mut probe: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = probe() {
                return found;
            }
            let ended = !matches!(self.child.try_wait(), Ok(None));
            assert!(!ended && began.elapsed() < PATIENCE, "{} does not come up:\n{}", self.name, self.log());
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Whether it runs still.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself; everything that it printed.
    pub fn ended(mut self) -> String {
        let _ = self.child.wait().expect("our own child can be waited for");
        self.log()
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().expect("our own child can be waited for")
    }

    /// Ends it as a power cut would (SIGKILL).
    pub fn kill(mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.child.wait().expect("our own child can be waited for")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.child.id(), signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // A supervisor is given the chance to stop its own; the kernel's signal is for when we die first.
            self.signal(Signal::TERM);
            let gone = (0..500).any(|_| {
                std::thread::park_timeout(Duration::from_millis(10));
                !matches!(self.child.try_wait(), Ok(None))
            });
            if !gone {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default();
            eprintln!("--- the end of the log of {}:\n{}", self.name, tail.join("\n"));
        }
    }
}

/// Sends a signal to a process that a test knows by its id (a child of a supervisor that it started).
fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id is a positive number");
    let _ = kill_process(pid, signal);
}

/// Starts it and waits for its ready line.
pub(crate) fn start(command: Command, name: &str, logs: &Path) -> Running {
    let mut running = launch(command, name, logs);
    running.ready = loop {
        match running.lines.recv_timeout(PATIENCE) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Value::Object(ready)) => break Value::Object(ready),
                _ => running.seen.push(line),
            },
            Err(RecvTimeoutError::Timeout) => {
                panic!("{name} is not ready after {PATIENCE:?}:\n{}", running.log())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = running.child.wait().expect("our own child can be waited for");
                panic!("{name} ended before it was ready ({status}):\n{}", running.log())
            }
        }
    };
    running
}

/// Starts it and waits for nothing.
pub(crate) fn launch(mut command: Command, name: &str, logs: &Path) -> Running {
    std::fs::create_dir_all(logs).unwrap_or_else(|e| panic!("{}: {e}", logs.display()));
    let log = logs.join(format!("{name}.log"));
    let open =
        || std::fs::File::options().create(true).append(true).open(&log).expect("the log can be written");
    command.stdout(Stdio::piped()).stderr(open());
    let mut child = spawn(command).unwrap_or_else(|e| panic!("{name} cannot start: {e}"));
    let stdout = child.stdout.take().expect("standard output is a pipe");
    let (sender, lines) = channel();
    let mut copy = open();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = writeln!(copy, "{line}");
            let _ = sender.send(line);
        }
    });
    Running { name: name.to_owned(), child, ready: Value::Null, log, lines, seen: Vec::new() }
}

type Order = (Command, Sender<std::io::Result<Child>>);

/// Spawns from one thread that lives as long as we do: the kernel sends a child its death signal when the *thread*
/// that made it ends, and a test's thread ends before the servers that tests share.
pub(crate) fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (sender, answer) = channel();
    let sent = spawner.lock().unwrap_or_else(PoisonError::into_inner).send((command, sender));
    sent.expect("the spawning thread lives as long as we do");
    answer.recv().expect("the spawning thread answers each order")
}
