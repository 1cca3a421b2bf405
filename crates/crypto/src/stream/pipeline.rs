//! Read, work, write: overlapped, in order, with bounded memory.
//!
//! Parts are dealt to the workers in turn and collected in the same turn, so that they come out in order without being
//! sorted. Buffers go round. When one side stops, its channels close and the others follow.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::StreamError;
use super::parts::{Buffer, Part};

/// Parts done before threads are started, unless the caller asked for threads: starting them and touching their buffers
/// costs more than a small file.
const ALONE: usize = 16;

type Item = Result<Part, StreamError>;

/// Reads parts with `read` until the last, passes each through `work`, and gives them in order to `write`.
pub(super) fn run(
    mut read: impl FnMut(Buffer) -> Item + Send,
    work: impl Fn(Part) -> Item + Sync,
    mut write: impl FnMut(&Part) -> Result<(), StreamError>,
    workers: Option<NonZeroUsize>,
) -> Result<(), StreamError> {
    let mut first = read(Buffer::new())?;
    let alone = if workers.is_some() { 1 } else { ALONE };
    for _ in 0..alone {
        let part = work(first)?;
        write(&part)?;
        if part.last {
            return Ok(());
        }
        let mut bytes = part.bytes;
        bytes.clear();
        first = read(bytes)?;
    }
    let workers = workers.map_or_else(default_workers, NonZeroUsize::get);
    thread::scope(|scope| {
        let (give_back, buffers) = sync_channel(2 * workers + 1);
        for _ in 0..=2 * workers {
            let _full = give_back.try_send(Buffer::new());
        }
        let (mut dealt, mut collected) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (deal, jobs) = sync_channel(1);
            let (done, collect) = sync_channel(1);
            let work = &work;
            scope.spawn(move || work_through(&jobs, &done, work));
            dealt.push(deal);
            collected.push(collect);
        }
        scope.spawn(move || deal(first, &buffers, &dealt, &mut read));
        collect(&collected, &give_back, &mut write)
    })
}

/// More than four in-place workers outrun any source and destination.
fn default_workers() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get).min(4)
}

fn deal(
    first: Part,
    buffers: &Receiver<Buffer>,
    workers: &[SyncSender<Item>],
    read: &mut impl FnMut(Buffer) -> Item,
) {
    let mut next = Ok(first);
    for worker in workers.iter().cycle() {
        let more = matches!(&next, Ok(part) if !part.last);
        if worker.send(next).is_err() || !more {
            return;
        }
        let Ok(mut buffer) = buffers.recv() else { return };
        buffer.clear();
        next = read(buffer);
    }
}

fn work_through(jobs: &Receiver<Item>, done: &SyncSender<Item>, work: &impl Fn(Part) -> Item) {
    while let Ok(item) = jobs.recv() {
        if done.send(item.and_then(work)).is_err() {
            return;
        }
    }
}

fn collect(
    workers: &[Receiver<Item>],
    give_back: &SyncSender<Buffer>,
    write: &mut impl FnMut(&Part) -> Result<(), StreamError>,
) -> Result<(), StreamError> {
    for worker in workers.iter().cycle() {
        // A worker only disappears before the last part if it panicked, and then the scope panics too.
        let Ok(item) = worker.recv() else { break };
        let part = item?;
        write(&part)?;
        if part.last {
            return Ok(());
        }
        let _reader_done = give_back.try_send(part.bytes);
    }
    Err(StreamError::Read(std::io::ErrorKind::UnexpectedEof.into()))
}
