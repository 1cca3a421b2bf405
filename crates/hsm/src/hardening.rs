//! What keeps the memory of a process that holds keys its own (no core dump, no debugger of the same user, no swap), what it may still ask
//! of the system, and what ends it with the process that started it.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getppid, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// What the system refused, and what that means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Weakness {
    /// Core dumps stay possible.
    #[error(
        "core dumps could not be switched off ({0}): a crash may write keys to disk; set `LimitCORE=0` in the unit"
    )]
    CoreDumps(String),
    /// Other processes of the same user may read this one's memory.
    #[error(
        "the process could not be made non-dumpable ({0}): processes of the same user may read its memory"
    )]
    Dumpable(String),
    /// Memory may be swapped out.
    #[error(
        "memory could not be locked ({0}): keys may reach the swap; give the unit `LimitMEMLOCK=infinity`, or switch swap off"
    )]
    Swappable(String),
}

/// Why the process is not confined. It works all the same; the operator should know.
#[derive(Debug, thiserror::Error)]
#[error(
    "system calls could not be confined ({0}): a fault in this process reaches as far as its user does; run it on a kernel with seccomp \
     filters, or confine it by the unit (`SystemCallFilter=`)"
)]
pub struct Unconfined(#[from] seccompiler::Error);

/// The process cannot be bound to the one that started it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unbound {
    /// The system refused.
    #[error("the parent process cannot be watched ({0})")]
    Refused(String),
    /// It ended before it could be watched.
    #[error("the supervising process has ended")]
    Orphan,
}

/// Asks the kernel to end this process when the one that started it ends: called first thing by a role that is supervised.
///
/// # Errors
/// [`Unbound`].
pub fn die_with_parent() -> Result<(), Unbound> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| Unbound::Refused(error.to_string()))?;
    // It may have ended before the request was made.
    if getppid() == parent { Ok(()) } else { Err(Unbound::Orphan) }
}

/// Hardens the process as far as the system lets it, and says what it did not let. Call it before any key is read.
#[must_use]
pub fn harden() -> Vec<Weakness> {
    [no_core_dumps(), not_dumpable(), locked_memory()].into_iter().filter_map(Result::err).collect()
}

/// No core dump of this program, nor of those that it starts.
///
/// # Errors
/// [`Weakness::CoreDumps`].
pub fn no_core_dumps() -> Result<(), Weakness> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| Weakness::CoreDumps(error.to_string()))
}

/// Other processes of the same user neither read this one's memory nor trace it.
///
/// # Errors
/// [`Weakness::Dumpable`].
pub fn not_dumpable() -> Result<(), Weakness> {
    let off = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    off.map_err(|error| Weakness::Dumpable(error.to_string()))
}

/// Nothing of the memory, now or later, is written to the swap.
///
/// # Errors
/// [`Weakness::Swappable`], also where only so much may be locked.
pub fn locked_memory() -> Result<(), Weakness> {
    // Under a finite limit a later allocation would fail and end the process: then better not at all, and say so.
    let limit = getrlimit(Resource::Memlock).current;
    let privileged = rustix::process::geteuid().is_root();
    if let Some(bytes) = limit.filter(|_| !privileged) {
        return Err(Weakness::Swappable(format!("the limit is {bytes} bytes")));
    }
    // ONFAULT: what is touched is locked, so that thread stacks cost what they use.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_err(|error| Weakness::Swappable(error.to_string()))
}

/// Refuses every system call but `allowed` (their numbers), to all threads, for good. Call it when everything is open.
///
/// # Errors
/// [`Unconfined`]; the process is then as it was.
pub fn confine(allowed: &[i64]) -> Result<(), Unconfined> {
    let rules = allowed.iter().map(|call| (*call, Vec::new())).collect();
    let refused = SeccompAction::Errno(Errno::PERM.raw_os_error().unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(seccompiler::Error::Backend)?;
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(seccompiler::Error::Backend)?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}
