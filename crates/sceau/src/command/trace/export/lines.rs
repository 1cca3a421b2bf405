//! `--format dws`: lines that say who was given a datum's key or denied it, with names, from the element itself; and whether it made them.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use sceau_element_api::protect::{MOST_TRACE_LINES, TraceLine, TraceLines};
use sceau_element_api::{CallError, Client};
use sceau_trace::VerifierKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{ExportOptions, place};
use crate::command::input;
use crate::command::output::{Access, Output};
use crate::failure::{Exit, Failure};
use crate::say;

/// The largest file whose lines are verified at once.
const LONGEST: u64 = 1 << 30;

/// How far an export is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    v: u32,
    /// The log's name, lest lines of another are added.
    lines_of: String,
    next: u64,
}

/// An element that is spoken with.
struct Element {
    client: Client,
    runtime: Runtime,
}

pub(super) fn run(options: &ExportOptions) -> Result<(), Failure> {
    if options.to.contains("://") {
        let words = "--format dws goes to a file: it names people, and is nobody's to send on";
        return Err(Failure::new(Exit::Usage, "export", words));
    }
    let key = super::super::log_key(&options.log_key)?;
    let element = Element::at(options.log.as_ref())?;
    let size = element.is_of(&key)?;
    let to = Path::new(&options.to);
    let mut next = read(&options.position, key.name())?.unwrap_or(if options.from_now { size } else { 0 });
    // Before anything is in it: it names people.
    let made = File::options().append(true).create(true).mode(0o600).open(to);
    made.map_err(|cause| Failure::file("add to", to, &cause))?;
    let mut written = 0;
    loop {
        let round = export(&element, (to, &options.position), key.name(), &mut next, &mut written);
        let Some(every) = options.every else {
            round?;
            return tell(next, written, options);
        };
        match round {
            Err(failure) if failure.exit == Exit::System => {
                say::remark(&format!("{failure}; trying again in {every} s"))
            }
            round => round?,
        }
        element.runtime.block_on(tokio::time::sleep(Duration::from_secs(every)));
    }
}

/// Adds the lines up to the log's end.
fn export(
    element: &Element,
    (to, position): (&Path, &Path),
    log: &str,
    next: &mut u64,
    written: &mut u64,
) -> Result<(), Failure> {
    loop {
        let told = element.runtime.block_on(element.client.trace_lines(*next)).map_err(|it| away(&it))?;
        let TraceLines { lines, next: then } = told;
        if !lines.is_empty() {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            place::append(to, &text).map_err(|cause| Failure::file("add to", to, &cause))?;
        }
        *written += lines.len() as u64;
        if then <= *next {
            return Ok(());
        }
        *next = then;
        save(position, &Position { v: 1, lines_of: log.to_owned(), next: then })?;
    }
}

fn tell(next: u64, written: u64, options: &ExportOptions) -> Result<(), Failure> {
    if options.json {
        return say::json(&json!({"sent": written, "next": next, "to": options.to}));
    }
    say::remark(&format!("Exported {} to {}; the next is {next}", say::counted(written, "line"), options.to));
    Ok(())
}

/// Whether the element made each line of a file. Only it can tell.
pub(in super::super) fn verify(file: &Path, element: &Path, as_json: bool) -> Result<(), Failure> {
    let text = input::read_small(file, LONGEST, "lines of the trace")?;
    let mut lines = Vec::new();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let parsed: TraceLine =
            serde_json::from_slice(line).map_err(|error| wrong(file, at, &error.to_string()))?;
        if parsed.to_string().as_bytes() != line {
            return Err(wrong(
                file,
                at,
                "its fields are not in their order, or not written as the element writes them",
            ));
        }
        lines.push((at, parsed));
    }
    let element = Element::at(element)?;
    for some in lines.chunks(MOST_TRACE_LINES) {
        let asked = some.iter().map(|(_, line)| line.clone()).collect();
        let told =
            element.runtime.block_on(element.client.verify_trace_lines(asked)).map_err(|it| away(&it))?;
        if let Some(((at, _), _)) = some.iter().zip(told).find(|(_, holds)| !holds) {
            return Err(wrong(file, *at, "the element did not make it so"));
        }
    }
    if as_json {
        return say::json(&json!({"verified": lines.len()}));
    }
    say::result(&format!("Verified: the element made {}\n", say::counted(lines.len() as u64, "line")))
}

fn wrong(file: &Path, at: usize, why: &str) -> Failure {
    Failure::new(Exit::Proof, "trace_line", format!("{}, line {}: {why}", file.display(), at + 1))
}

impl Element {
    fn at(socket: &Path) -> Result<Self, Failure> {
        if !socket.metadata().is_ok_and(|found| found.file_type().is_socket()) {
            let words =
                format!("{}: not the element's socket, which alone has these lines", socket.display());
            return Err(Failure::new(Exit::Usage, "element_none", words));
        }
        Ok(Self { client: Client::new(socket), runtime: place::runtime()? })
    }

    /// How many entries its log has, if it is the log of this key.
    fn is_of(&self, key: &VerifierKey) -> Result<u64, Failure> {
        let hello = self.runtime.block_on(self.client.hello()).map_err(|it| away(&it))?;
        if hello.log_key == key.to_string() {
            Ok(hello.size)
        } else {
            let words = format!("the element's log is another: {}", hello.log_key);
            Err(Failure::new(Exit::Proof, "log_other", words))
        }
    }
}

fn away(error: &CallError) -> Failure {
    Failure::new(Exit::System, error.code(), error.to_string())
}

fn read(path: &Path, log: &str) -> Result<Option<u64>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = input::read_small(path, 1 << 16, "an export's position")?;
    let kept = serde_json::from_slice(&bytes).ok().filter(|it: &Position| it.v == 1 && it.lines_of == log);
    let words = || {
        let path = path.display();
        format!(
            "{path}: not the position of an export of this log's lines; name another file, or take it away to begin anew"
        )
    };
    kept.map(|kept| Some(kept.next)).ok_or_else(|| Failure::new(Exit::Input, "position_malformed", words()))
}

/// Durable once this returns.
fn save(path: &Path, position: &Position) -> Result<(), Failure> {
    let mut output = Output::file(path, Access::Shared, true)?;
    let written = serde_json::to_vec(position)
        .map_err(std::io::Error::other)
        .and_then(|bytes| output.write_all(&bytes));
    written.map_err(|cause| Failure::file("write", path, &cause))?;
    output.commit()
}
