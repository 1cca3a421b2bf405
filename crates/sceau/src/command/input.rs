//! Where bytes come from: a file, or standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};

/// Enough to tell what a file is.
const BEGINNING: usize = 16;

/// An open source.
pub(super) struct Input {
    file: File,
    /// What was read of it, and is to be read again.
    ahead: Vec<u8>,
    /// Bytes in it, unless it is a pipe.
    pub(super) size: Option<u64>,
    /// How messages name it.
    pub(super) label: String,
    /// Its path, unless it is standard input.
    pub(super) path: Option<PathBuf>,
}

/// `inputs`, or standard input where there is none.
pub(crate) fn or_standard_input(inputs: &[PathBuf]) -> Vec<PathBuf> {
    if inputs.is_empty() { vec![PathBuf::from("-")] } else { inputs.to_vec() }
}

/// Whether `path` stands for standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let standard = is_standard(path);
        let label = if standard { "standard input".to_owned() } else { path.display().to_string() };
        let file = if standard { standard_input()? } else { open_file(path)? };
        let metadata = file.metadata().map_err(|cause| Failure::file("read", path, &cause))?;
        if metadata.is_dir() {
            return Err(Failure::new(
                Exit::Usage,
                "folder",
                format!("{label} is a folder: pack it first (tar, zip), then take the archive"),
            ));
        }
        let size = metadata.is_file().then_some(metadata.len());
        // Advice only: where the system does not take it, reading is merely slower.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        Ok(Self { file, ahead: Vec::new(), size, label, path: (!standard).then(|| path.to_owned()) })
    }
}

impl Input {
    /// When the file was last changed, in Unix milliseconds; 0 where the system does not say.
    pub(super) fn modified_ms(&self) -> u64 {
        let modified = self.file.metadata().and_then(|metadata| metadata.modified()).ok();
        let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or_default()
    }
}

impl Input {
    /// What it begins with, up to [`BEGINNING`] bytes, before anything else is read. It is read again after that.
    pub(super) fn beginning(&mut self) -> Result<&[u8], Failure> {
        let wanted = BEGINNING.saturating_sub(self.ahead.len()) as u64;
        let read = self.file.by_ref().take(wanted).read_to_end(&mut self.ahead);
        read.map_err(|cause| Failure::system("read the file", &cause))?;
        Ok(&self.ahead)
    }

    /// All of it in a file that is read at any place: itself, or one without a name that has what came by a pipe.
    pub(super) fn kept_to_read_twice(&mut self) -> Result<File, Failure> {
        if self.size.is_some() && self.path.is_some() {
            return self.file.try_clone().map_err(|cause| Failure::system("read the file", &cause));
        }
        let unkept =
            |cause: io::Error| Failure::system("keep what comes in, encrypted, until it is verified", &cause);
        let mut kept = tempfile::tempfile().map_err(unkept)?;
        io::copy(self, &mut kept).map_err(unkept)?;
        Ok(kept)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return self.file.read(buffer);
        }
        let length = buffer.len().min(self.ahead.len());
        let rest = self.ahead.split_off(length);
        buffer.iter_mut().zip(std::mem::replace(&mut self.ahead, rest)).for_each(|(to, from)| *to = from);
        Ok(length)
    }
}

/// Reads a small file whole, refusing one of more than `limit` bytes.
pub(crate) fn read_small(path: &Path, limit: u64, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut input = Input::open(path)?;
    input
        .by_ref()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| Failure::file("read", path, &cause))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::new(
            Exit::Input,
            "too_long",
            format!("{} is too long to be {what}: choose another file", input.label),
        ));
    }
    Ok(bytes)
}

fn open_file(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Failure::new(
            Exit::Usage,
            "no_such_file",
            format!("there is no file {}: check its name and folder", path.display()),
        ),
        _ => Failure::file("open", path, &cause),
    })
}

fn standard_input() -> Result<File, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "nothing_to_read",
            "nothing to read: name a file, or pipe one in",
        ));
    }
    let descriptor = io::stdin().as_fd().try_clone_to_owned();
    descriptor.map(File::from).map_err(|cause| Failure::system("read standard input", &cause))
}
