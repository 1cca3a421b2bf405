//! The access log: one line of JSON for each request that ended, written aside, so that a slow or full disk holds up no request.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    ledger::Count,
    trail::{Came, Told},
};
use crate::{clock::written, guard::Passed, json::ascii};

/// Lines that wait at once, at most; what comes beyond is dropped, counted and told.
const WAITING: usize = 8_192;
/// Lines that are written at once.
const BATCH: usize = 256;
/// How often, at most, the program's own log tells of lines that were dropped.
const ALARM: Duration = Duration::from_secs(60);

/// Where lines go.
#[derive(Debug)]
pub(crate) struct AccessLog {
    lines: SyncSender<Order>,
    lost: Arc<Count>,
}

#[derive(Debug)]
enum Order {
    Line(Arc<Told>),
    Reopen,
    /// Says when all that came before is written.
    Flush(oneshot::Sender<()>),
}

/// The end of the queue.
struct Writer {
    path: PathBuf,
    file: Box<dyn Write + Send>,
    queries: bool,
    lost: Arc<Count>,
    /// Of those, how many were told of.
    told: u64,
    alarmed: Option<Instant>,
    /// Whether the file may end amid a line.
    torn: bool,
}

impl AccessLog {
    /// A file, or `-` for standard output. `queries` writes what follows the question mark too; `lost` counts lines that were not written.
    pub(crate) fn open(path: &Path, queries: bool, lost: Arc<Count>) -> io::Result<Self> {
        let (lines, orders) = sync_channel(WAITING);
        let file = opened(path)?;
        let told = lost.value();
        let writer = Writer {
            path: path.to_owned(),
            file,
            queries,
            lost: Arc::clone(&lost),
            told,
            alarmed: None,
            torn: false,
        };
        thread::Builder::new().name("access-log".to_owned()).spawn(move || writer.work(&orders))?;
        Ok(Self { lines, lost })
    }

    /// Never waits.
    pub(crate) fn note(&self, told: Arc<Told>) {
        if self.lines.try_send(Order::Line(told)).is_err() {
            self.lost.one();
        }
    }

    /// Waits until what was told is written, or cannot be.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.lines.try_send(Order::Flush(done)).is_ok() {
            drop(written.await);
        }
    }

    /// The file is another one now: whoever keeps logs moved it away.
    pub(crate) fn reopen(&self) {
        // A queue that is full is written to the file of before, which is still there under another name.
        if self.lines.try_send(Order::Reopen).is_err() {
            tracing::warn!("the access log is not opened again: it does not keep up");
        }
    }
}

impl Writer {
    /// Until nobody is left to write for.
    fn work(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match orders.recv_timeout(ALARM) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.alarm(),
            };
            let mut lines = String::new();
            let mut count = 0;
            for order in first.into_iter().chain(orders.try_iter().take(BATCH)) {
                match order {
                    Order::Line(told) => {
                        lines.push_str(&line(&told, self.queries));
                        count += 1;
                    }
                    Order::Reopen => {
                        self.write(&mut lines, &mut count);
                        self.reopen();
                    }
                    Order::Flush(done) => {
                        self.write(&mut lines, &mut count);
                        // Whoever asked no longer waits.
                        let _ = done.send(());
                    }
                }
            }
            self.write(&mut lines, &mut count);
            self.alarm();
        }
    }

    fn write(&mut self, lines: &mut String, count: &mut u64) {
        if *count == 0 {
            return;
        }
        let before = if self.torn { "\n" } else { "" };
        let lost = self.lost.value();
        let all = format!("{before}{}{lines}", self.of_lost(lost));
        let written = self.file.write_all(all.as_bytes()).and_then(|()| self.file.flush());
        self.torn = written.is_err();
        match written {
            Ok(()) => self.told = lost,
            Err(_) => self.lost.add(*count),
        }
        lines.clear();
        *count = 0;
    }

    /// A line on those that are missing before it.
    fn of_lost(&self, lost: u64) -> String {
        let missing = lost.saturating_sub(self.told);
        if missing == 0 { String::new() } else { format!("{}\n", json!({"event": "lost", "lines": missing})) }
    }

    fn reopen(&mut self) {
        match opened(&self.path) {
            Ok(file) => (self.file, self.torn) = (file, false),
            Err(error) => {
                let path = self.path.display();
                tracing::error!(%path, %error, "the access log cannot be opened again; the one in use stays");
            }
        }
    }

    /// Tells of lines that were dropped, once in a while.
    fn alarm(&mut self) {
        let missing = self.lost.value().saturating_sub(self.told);
        if missing > 0 && self.alarmed.is_none_or(|last| last.elapsed() >= ALARM) {
            self.alarmed = Some(Instant::now());
            tracing::warn!(path = %self.path.display(), missing, "lines of the access log are lost");
        }
    }
}

fn opened(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file: File = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    Ok(Box::new(file))
}

/// One line, with its end.
fn line(told: &Told, queries: bool) -> String {
    let mut fields = vec![
        ("time", json!(written(told.at))),
        ("request", json!(told.id)),
        ("method", json!(told.method.as_str())),
        ("path", json!(told.uri.path())),
        ("protocol", json!(format!("{:?}", told.version))),
        ("status", json!(told.status.map(|status| status.as_u16()))),
        ("whole", json!(told.is_whole)),
        ("received", json!(told.received)),
        ("sent", json!(told.sent)),
        ("seconds", json!(told.took.as_secs_f64())),
    ];
    let (listener, outgoing, partner) = match &told.came {
        Came::In { listener, .. } => (Some(json!(listener)), None, None),
        Came::Out { at, partner } => (None, Some(json!(at.to_string())), Some(json!(partner.as_str()))),
    };
    let optional = [
        ("listener", listener),
        ("outgoing", outgoing),
        ("partner", partner),
        ("from", told.came.from().map(|from| json!(from))),
        ("tls", told.came.tls().map(|tls| json!(tls.version))),
        ("resumed", told.came.tls().map(|tls| json!(tls.resumed))),
        ("query", told.uri.query().filter(|_| queries).map(Value::from)),
        ("route", told.route.as_ref().map(|(path, _)| json!(**path))),
        ("code", told.code.as_ref().map(|code| json!(code))),
        ("service", told.service.as_ref().map(|service| json!(**service))),
        ("client", client(told)),
    ];
    fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    format!("{}\n", ascii(&Value::Object(fields).to_string()))
}

/// Whom the certificate names, and whether it was believed.
fn client(told: &Told) -> Option<Value> {
    let identity = told.identity()?;
    let subject = &identity.subject;
    Some(json!({
        "believed": told.passed.is_some(),
        "unchecked": told.passed.as_ref().is_some_and(Passed::is_unchecked),
        "common_name": subject.common_name(),
        "organizational_units": subject.organizational_units().collect::<Vec<_>>(),
        "issuer": identity.issuer.to_string(),
        "serial": identity.serial,
        "fingerprint": identity.fingerprint.to_string(),
    }))
}
