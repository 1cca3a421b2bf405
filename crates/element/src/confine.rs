//! What the process may still ask of the system once it serves: read and write what it holds open, sync, accept, wait, and end.
//! Everything else is refused, above all to open files, to make sockets and to run programs: who takes the process over gets no
//! further than the keys that it may use.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Why the process is not confined. It works all the same; the operator should know.
#[derive(Debug, thiserror::Error)]
#[error(
    "system calls could not be confined ({0}): a fault in this process reaches as far as its user does; run it on a kernel with seccomp \
     filters, or confine it by the unit (`SystemCallFilter=`)"
)]
pub struct Unconfined(#[from] seccompiler::Error);

/// Refuses every system call that serving does not need, to all threads, for good. Call it when everything is open.
///
/// # Errors
/// [`Unconfined`]; the process is then as it was.
pub fn confine() -> Result<(), Unconfined> {
    let rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(seccompiler::Error::Backend)?;
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(seccompiler::Error::Backend)?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

/// `clone3` is for threads: a process that it makes is confined as this one is, and cannot become another program.
const ALLOWED: &[libc::c_long] = &[
    // What is open: connections, journal, standard error.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_fdatasync,
    libc::SYS_fsync,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    // The socket that it listens at.
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    libc::SYS_shutdown,
    // Waiting.
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_ppoll,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    // Memory and threads.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_prctl,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // Signals and the end: it removes its socket.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_unlinkat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];
