//! Bringing bytes to the disk while more of them come, so that the last `fsync` finds little left to do.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes after which the disk is set to work: a small file does not need a thread.
const STRIDE: usize = 16 << 20;

/// Counts what is written to one file, and has it synchronised stride by stride on a thread of its own.
#[derive(Default)]
pub(super) struct Early {
    pending: usize,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl Early {
    /// So many more bytes were written to `file`.
    pub(super) fn wrote(&mut self, file: &File, bytes: usize) {
        self.pending += bytes;
        if self.pending < STRIDE {
            return;
        }
        self.pending = 0;
        if self.thread.is_none() {
            // Without a second handle or a thread, the last `fsync` does it all.
            self.thread = file.try_clone().ok().and_then(start);
        }
        if let Some((wake, _)) = &self.thread {
            let _at_work_already = wake.try_send(());
        }
    }

    /// Waits for the thread. A failure of the disk is told once per open file: the thread may be who heard it.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Some((wake, thread)) = self.thread.take() else { return Ok(()) };
        drop(wake);
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the synchronising thread panicked")))
    }
}

fn start(file: File) -> Option<(SyncSender<()>, JoinHandle<io::Result<()>>)> {
    let (wake, woken) = sync_channel::<()>(1);
    let work = move || woken.iter().try_for_each(|()| file.sync_data());
    Some((wake, thread::Builder::new().spawn(work).ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_the_disk_refuses_is_told_at_the_end() {
        // A pipe's end cannot be synchronised: EINVAL, as a disk would say EIO.
        let (_reader, writer) = io::pipe().unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut early = Early::default();
        early.wrote(&file, STRIDE - 1);
        assert!(early.thread.is_none());
        early.wrote(&file, 1);
        assert_eq!(early.finish().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_sound_disk_says_nothing() {
        let file = tempfile::tempfile().unwrap();
        let mut early = Early::default();
        (0..3).for_each(|_| early.wrote(&file, STRIDE));
        early.finish().unwrap();
    }
}
