//! A file of 8 GiB is sealed and opened on the command line, through pipes, and neither program holds more of it than a few parts.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

use sceau_tests::{Program, Scratch};

const SIZE: u64 = 8 << 30;
/// The most memory that either may take, in KiB: a hundredth of the file. Most of it is what the passphrase takes for a moment (argon2id, 64 MiB).
const MEMORY: u64 = 80 << 10;

#[test]
fn eight_gibibytes_pass_through_the_command_line() {
    let scratch = Scratch::new("eight-gibibytes");
    // Of holes, but for its ends: nothing of it is on the disk.
    let plain =
        File::options().read(true).write(true).create(true).truncate(true).open(scratch.join("plain"));
    let plain = plain.unwrap();
    plain.set_len(SIZE).unwrap();
    plain.write_all_at(b"first", 0).unwrap();
    plain.write_all_at(b"last", SIZE - 4).unwrap();
    let passphrase = scratch.write("passphrase", "trois mots et un chat");
    let keys = Program::sceau("keys").args(["new", "--out"]).arg(scratch.join("k"));
    keys.arg("--passphrase-file").arg(&passphrase).run().success();

    let sceau = || Command::new(Program::ours("sceau").path());
    let (public, private) = (scratch.join("k.pub"), scratch.join("k.key"));
    let mut seal = sceau();
    seal.args(["seal", "--quiet", "--name", "large.bin", "--to"]).arg(public).stdin(plain);
    let mut seal = seal.stdout(Stdio::piped()).spawn().unwrap();
    let mut open = sceau();
    open.args(["open", "--quiet", "-o", "-", "--key"]).arg(private).arg("--passphrase-file").arg(passphrase);
    let mut open = open.stdin(seal.stdout.take().unwrap()).stdout(Stdio::piped()).spawn().unwrap();

    let most = follow(&mut open.stdout.take().unwrap(), [&seal, &open]);
    assert!(seal.wait().unwrap().success() && open.wait().unwrap().success());
    assert!(most.iter().all(|kib| (1..MEMORY).contains(kib)), "{most:?} KiB");
}

/// Compares what comes out with what went in; the most memory that each of both took, in KiB.
fn follow(opened: &mut impl Read, both: [&Child; 2]) -> [u64; 2] {
    let (mut buffer, mut at, mut most) = (vec![0; 1 << 20], 0, [0; 2]);
    let zeros = vec![0; buffer.len()];
    while at < SIZE {
        // Asked before the last byte is taken, while both run: of one that has ended the kernel says nothing.
        for (most, child) in most.iter_mut().zip(both) {
            *most = peak_memory(child).max(*most);
        }
        let wanted = buffer.len().min(usize::try_from(SIZE - at).unwrap());
        opened.read_exact(&mut buffer[..wanted]).unwrap();
        if at == 0 {
            assert!(buffer.starts_with(b"first"));
            buffer[..5].fill(0);
        }
        at += wanted as u64;
        if at == SIZE {
            assert!(buffer.ends_with(b"last"));
            buffer[wanted - 4..].fill(0);
        }
        assert!(buffer == zeros, "before {at}");
    }
    assert_eq!(opened.read(&mut buffer).unwrap(), 0, "nothing after the end");
    most
}

/// The most memory that was resident, in KiB (proc(5), `VmHWM`).
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |kib| kib.trim().trim_end_matches(" kB").parse().unwrap())
}
