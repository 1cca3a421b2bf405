//! Records that are on disk before what they speak of happens: a file of JSON lines, one sync for all that wait.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use tokio::sync::oneshot;

use crate::files::folder_of;

type Waiting = (String, oneshot::Sender<()>);

/// Where records go.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    records: Sender<Waiting>,
}

impl Journal {
    /// Opens the file, which is made for its owner alone where there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        // Its name must outlive a power cut as its records do.
        File::open(folder_of(path))?.sync_all()?;
        let torn = is_torn(&mut file);
        let (records, waiting) = channel();
        let name = path.display().to_string();
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(file, torn, &waiting, &name))?;
        Ok(Self { path: path.to_owned(), records })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the record is on disk.
    pub(crate) async fn keep(&self, record: &serde_json::Value) -> bool {
        self.begin(record).await.is_ok()
    }

    /// What is told once the record is on disk, and ends untold where it cannot be written.
    pub(crate) fn begin(&self, record: &serde_json::Value) -> oneshot::Receiver<()> {
        let (done, kept) = oneshot::channel();
        // Whoever waits learns of a writer that is gone by the end of the channel.
        drop(self.records.send((format!("{record}\n"), done)));
        kept
    }
}

/// Until nobody is left to write for. Whoever waits for a record that cannot be written learns it by the end of the channel. After a `torn` line, of
/// which nobody knows how much is there, the next record begins a line of its own.
fn write(mut file: File, mut torn: bool, waiting: &Receiver<Waiting>, name: &str) {
    while let Ok(first) = waiting.recv() {
        let batch: Vec<Waiting> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let before = if torn { "\n" } else { "" };
        let lines: String =
            std::iter::once(before).chain(batch.iter().map(|(line, _)| line.as_str())).collect();
        let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        torn = written.is_err();
        match written {
            // Whoever waits no longer has closed the connection.
            Ok(()) => batch.into_iter().for_each(|(_, done)| done.send(()).unwrap_or(())),
            Err(error) => {
                tracing::error!(name, %error, "a journal cannot be written: its requests are refused")
            }
        }
    }
}

/// Whether the file ends amid a line. What cannot be read back (a pipe) has none.
fn is_torn(file: &mut File) -> bool {
    let mut last = [b'\n'];
    let read = file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last));
    read.is_ok() && last != [b'\n']
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn each_record_is_a_line_of_a_file_that_its_owner_alone_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unchecked.jsonl");
        for start in 0..2 {
            let journal = Journal::open(&path).unwrap();
            assert!(journal.keep(&serde_json::json!({"start": start, "said": "a\nb"})).await);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"said\":\"a\\nb\",\"start\":0}\n{\"said\":\"a\\nb\",\"start\":1}\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_line_that_was_cut_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unchecked.jsonl");
        std::fs::write(&path, "{\"request\":\"cu").unwrap();
        let journal = Journal::open(&path).unwrap();
        for request in ["one", "two"] {
            assert!(journal.keep(&serde_json::json!({"request": request})).await);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"request\":\"cu\n{\"request\":\"one\"}\n{\"request\":\"two\"}\n");
    }

    #[tokio::test]
    async fn what_the_disk_does_not_take_is_not_called_kept() {
        let journal = Journal::open(Path::new("/dev/full")).unwrap();
        assert!(!journal.keep(&serde_json::json!({})).await);
        assert!(!journal.keep(&serde_json::json!({})).await, "nor the next one");
    }
}
