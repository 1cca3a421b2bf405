//! A file of 8 GiB is sealed and opened on the command line, through pipes, and neither program holds more of it than a few parts.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

use sceau_tests::{Program, Scratch};

const SIZE: u64 = 8 << 30;
/// The most memory that either may hold while the file passes, in KiB: a few parts and the runtime, and 512 times less than the file.
const PASSING: u64 = 16 << 10;
/// The most memory that either may have held at any moment, in KiB: a hundredth of the file. Most of it is what the passphrase takes (argon2id, 64 MiB).
const PEAK: u64 = 80 << 10;

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
    for Memory { passing, peak } in most {
        assert!((1..PASSING).contains(&passing) && (1..PEAK).contains(&peak), "{passing}, {peak} KiB");
    }
}

/// The most memory of its own that a program held, in KiB. The pages of its file are not in it: they are as many as the program is long, and the kernel takes them back when it likes.
#[derive(Clone, Copy, Default)]
struct Memory {
    /// From the first byte that came out.
    passing: u64,
    /// From its start.
    peak: u64,
}

/// Compares what comes out with what went in; the most memory that each of both held.
fn follow(opened: &mut impl Read, both: [&Child; 2]) -> [Memory; 2] {
    let (mut buffer, mut at, mut most) = (vec![0; 1 << 20], 0, [Memory::default(); 2]);
    let zeros = vec![0; buffer.len()];
    while at < SIZE {
        // Asked before the last byte is taken, while both run: of one that has ended the kernel says nothing.
        for (most, child) in most.iter_mut().zip(both) {
            let status = Status::of(child);
            most.peak = status.kib("VmHWM").saturating_sub(status.kib("RssFile")).max(most.peak);
            if at > 0 {
                most.passing = status.kib("RssAnon").max(most.passing);
            }
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

/// What the kernel says of a process: proc(5), `/proc/pid/status`.
struct Status(String);

impl Status {
    fn of(child: &Child) -> Self {
        Self(std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap())
    }

    fn kib(&self, name: &str) -> u64 {
        let value = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map_or(0, |kib| kib.trim().trim_end_matches(" kB").parse().unwrap())
    }
}
