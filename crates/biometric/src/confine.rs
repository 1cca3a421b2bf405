//! What the process may still ask of the system once it serves: read and write the one connection that it has, wait, compute, and end. It opens no file, makes no
//! connection, starts no program: who takes it over by a picture has the key of templates, and nothing to open with it that did not come along.

use rustix::process::{Resource, Rlimit, setrlimit};
use sceau_hsm::hardening::{self, Unconfined};

/// Refuses every system call that serving does not need, to all threads, for good. Call it when everything is open.
///
/// # Errors
/// [`Unconfined`]; the process is then as it was.
pub fn confine() -> Result<(), Unconfined> {
    hardening::confine(ALLOWED)
}

/// Bounds the memory of the process: a model that asks for more ends it.
///
/// # Errors
/// When the system refuses.
pub fn limit_memory(bytes: u64) -> std::io::Result<()> {
    Ok(setrlimit(Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) })?)
}

const ALLOWED: &[libc::c_long] = &[
    // The connection, and standard error.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_close,
    libc::SYS_shutdown,
    // Waiting.
    libc::SYS_futex,
    libc::SYS_ppoll,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    // Memory; threads are there already.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // Signals and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
