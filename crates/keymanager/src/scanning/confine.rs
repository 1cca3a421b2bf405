//! What the scanning process may still ask of the system once it has its antivirus: read its pipe, write to it and to the antivirus, wait, and end.

use sceau_hsm::hardening::{self, Unconfined};

/// Refuses every other system call, for good: above all to open files, to make sockets, and to become another program.
pub(super) fn confine() -> Result<(), Unconfined> {
    hardening::confine(ALLOWED)
}

const ALLOWED: &[libc::c_long] = &[
    // The pipes, and the antivirus that is connected.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_close,
    // Waiting.
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_restart_syscall,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_getrandom,
    // The end.
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::io::ErrorKind::PermissionDenied;
    use std::process::Command;

    const INSIDE: &str = "SCEAU_TEST_CONFINED";

    /// A filter is for good: it is put on a process of its own, which is this very test.
    #[test]
    fn who_takes_the_process_over_gets_no_further() {
        if std::env::var_os(INSIDE).is_some() {
            return confined();
        }
        let name = "scanning::confine::tests::who_takes_the_process_over_gets_no_further";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let said = child.args(["--exact", name, "--nocapture"]).env(INSIDE, "1").output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success() && text.contains("it was confined"), "{text}");
    }

    fn confined() {
        super::confine().unwrap();
        let refused = |result: std::io::Result<()>| result.unwrap_err().kind() == PermissionDenied;
        assert!(refused(std::fs::read("/etc/hostname").map(drop)));
        assert!(refused(std::fs::write("/tmp/sceau-confined", b"x")));
        assert!(refused(std::net::TcpStream::connect("127.0.0.1:9").map(drop)));
        assert!(refused(std::os::unix::net::UnixStream::pair().map(drop)));
        assert!(refused(Command::new("/bin/true").spawn().map(drop)));
        // What it needs still works.
        assert_eq!(vec![7_u8; 8 << 20].iter().filter(|byte| **byte == 7).count(), 8 << 20);
        println!("it was confined");
    }
}
