//! `sceau seal` and `sceau open` from file to file: their pace beside `cp`, and the memory that they take.

use std::path::{Path, PathBuf};
use std::time::Instant;

use sceau_tests::{Program, Scratch};

use crate::Settings;
use crate::processor::most_memory;
use crate::row::{Figure, Row, Target};

/// A recipient's key, and the files of a measure.
struct Desk {
    scratch: Scratch,
    key: PathBuf,
    public: PathBuf,
    passphrase: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let scratch = Scratch::new("files");
        let passphrase = scratch.write("passphrase", "a passphrase for a bench");
        let name = scratch.join("reader");
        Program::sceau("keys")
            .args(["new", "--out"])
            .arg(&name)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .run()
            .success();
        Self { key: name.with_extension("key"), public: name.with_extension("pub"), passphrase, scratch }
    }

    fn seal(&self, from: &Path, to: &Path) -> Vec<std::ffi::OsString> {
        let public = self.public.as_os_str();
        words(
            "sceau",
            &["seal".as_ref(), "--quiet".as_ref(), "--to".as_ref(), public, "-o".as_ref()],
            to,
            from,
        )
    }

    fn open(&self, from: &Path, to: &Path) -> Vec<std::ffi::OsString> {
        let (key, passphrase) = (self.key.as_os_str(), self.passphrase.as_os_str());
        let options = ["open", "--quiet", "--key"].map(std::ffi::OsStr::new);
        let options =
            [&options[..], &[key, "--passphrase-file".as_ref(), passphrase, "-o".as_ref()]].concat();
        words("sceau", &options, to, from)
    }
}

/// `PROGRAM OPTIONS… TO FROM`, with our own program's path.
fn words(program: &str, options: &[&std::ffi::OsStr], to: &Path, from: &Path) -> Vec<std::ffi::OsString> {
    let program = Program::ours(program).path();
    let all = std::iter::once(program.as_os_str())
        .chain(options.iter().copied())
        .chain([to.as_os_str(), from.as_os_str()]);
    all.map(std::ffi::OsStr::to_owned).collect()
}

/// The pace of a file that is in the page cache, written and fsynced.
pub(crate) fn pace(settings: Settings) -> Result<Vec<Row>, String> {
    let size: usize = if settings.quick { 128 << 20 } else { 1 << 30 };
    let desk = Desk::new();
    let [plain, sealed, opened, copied] =
        ["plain.bin", "plain.sceau", "opened.bin", "copied.bin"].map(|n| desk.scratch.join(n));
    std::fs::write(&plain, vec![0x5a; size]).map_err(|e| e.to_string())?;
    let copy = [plain.as_os_str(), copied.as_os_str()];
    let copy: Vec<_> = ["sh", "-c", r#"cp --reflink=never "$0" "$1" && sync "$1""#]
        .map(std::ffi::OsStr::new)
        .into_iter()
        .chain(copy)
        .map(std::ffi::OsStr::to_owned)
        .collect();
    let (mut seal, mut open, mut peer) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..if settings.quick { 2 } else { 8 } {
        peer = peer.min(timed(&copy, &copied));
        seal = seal.min(timed(&desk.seal(&plain, &sealed), &sealed));
        open = open.min(timed(&desk.open(&sealed, &opened), &opened));
    }
    let rate = |seconds: f64| Figure::new(size as f64 / seconds / 1e6, "MB/s");
    let name = format!("{} MiB file to file, fsynced", size >> 20);
    Ok(vec![
        Row::ratio(format!("seal {name}"), rate(seal), rate(peer), Target::AtLeast(0.8)),
        Row::ratio(format!("open {name}"), rate(open), rate(peer), Target::AtLeast(0.8)),
    ])
}

/// Seconds of a command that makes `output`, which is not there when it starts.
fn timed(words: &[std::ffi::OsString], output: &Path) -> f64 {
    let _ = std::fs::remove_file(output);
    let began = Instant::now();
    run(words);
    began.elapsed().as_secs_f64()
}

/// The most memory that was resident, sealing and opening a file larger than memory should notice.
pub(crate) fn memory(settings: Settings) -> Result<Vec<Row>, String> {
    let size: u64 = if settings.quick { 512 << 20 } else { 8 << 30 };
    let desk = Desk::new();
    let [plain, sealed, opened] = ["plain.bin", "plain.sceau", "opened.bin"].map(|n| desk.scratch.join(n));
    std::fs::File::create(&plain).and_then(|file| file.set_len(size)).map_err(|e| e.to_string())?;
    let seal = most_memory(&desk.seal(&plain, &sealed))?;
    let _ = std::fs::remove_file(&plain);
    let open = most_memory(&desk.open(&sealed, &opened))?;
    let name = format!("memory at {:.1} GiB", size as f64 / f64::from(1 << 30));
    let row = |what: &str, mib| {
        Row::figure(format!("{what} {name}"), Figure::new(mib, "MiB"), Target::AtMost(64.0))
    };
    Ok(vec![row("seal:", seal), row("open:", open)])
}

fn run(words: &[std::ffi::OsString]) {
    if let Some((program, rest)) = words.split_first() {
        Program::other(&program.to_string_lossy()).args(rest).run().success();
    }
}
