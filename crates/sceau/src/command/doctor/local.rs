//! What can be seen on this machine without asking anybody.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use time::OffsetDateTime;

use super::Finding;
use crate::say;

/// Entries of a folder that are looked at: a platform's objects are many, and all made in one way.
const MOST: usize = 10_000;
/// How far ahead of the clock a file may be.
const AHEAD_MS: u64 = 60_000;
/// How far apart two clocks may be, in seconds.
const CLOCKS_S: i64 = 30;
/// A disk with less than this is as good as full, in bytes.
const LEAST_ROOM: u64 = 1 << 30;

pub(super) fn program() -> Finding {
    let version = format!("sceau {}", env!("CARGO_PKG_VERSION"));
    if cfg!(debug_assertions) {
        let found = format!("{version}, built for development");
        return Finding::notice("program", found, "for use, build it with `cargo build --release`");
    }
    Finding::well("program", version)
}

/// Whether memory may be written to a disk by the system.
pub(super) fn swap() -> Finding {
    let devices = std::fs::read_to_string("/proc/swaps").unwrap_or_default().lines().skip(1).count();
    if devices == 0 {
        return Finding::well("swap", "off");
    }
    let advice = "element and key manager lock their memory where they may: give their units LimitMEMLOCK=infinity, and look for \
                  “could not be locked” in their logs, or switch swap off";
    Finding::notice("swap", "on: memory may reach a disk", advice)
}

/// How far this machine's clock is from what another says, who may have taken a second to say it.
pub(super) fn clock(whose: &str, theirs: OffsetDateTime, now_ms: u64) -> Finding {
    let ours = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(now_ms);
    let apart = (ours - theirs).whole_seconds();
    if apart.abs() <= CLOCKS_S {
        return Finding::well("clock", format!("{whose} has our time"));
    }
    let way = if apart > 0 { "ahead of" } else { "behind" };
    let found = format!("this machine is {} {way} {whose}", say::counted(apart.unsigned_abs(), "second"));
    let advice = "compare both with a time server (timedatectl, chronyc tracking) and set the one that is wrong: keys, tokens and sign-ins \
                  have dates";
    Finding::trouble("clock", found, advice)
}

/// Room on the disk of a folder.
pub(super) fn space(folder: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let (free, whole) =
        (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    let found = format!("{} free of {} for {}", say::size(free), say::size(whole), folder.display());
    let advice = "make room, or move the folder: a full disk takes no deposit, and stops the element";
    Some(match free {
        ..LEAST_ROOM => Finding::trouble("space", found, advice),
        _ if free < whole / 10 => Finding::notice("space", found, advice),
        _ => Finding::well("space", found),
    })
}

/// Modes, owner and dates of what lies in the data folder.
pub(super) fn folder(data: &Path, now: u64) -> Vec<Finding> {
    let (mut open, mut foreign, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
    let owner = std::fs::symlink_metadata(data).map(|metadata| metadata.uid()).ok();
    // With each, whether others reach it at all: inside a folder that is closed to them, nothing is open.
    let mut waiting = vec![(data.to_owned(), true)];
    let mut seen = 0;
    while let Some((path, reached)) = waiting.pop().filter(|_| seen < MOST) {
        seen += 1;
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        if modified.is_some_and(|since| since.as_millis() > u128::from(now + AHEAD_MS)) {
            ahead.push(path.clone());
        }
        if Some(metadata.uid()) != owner {
            foreign.push(path.clone());
        }
        let readable = reached && !metadata.is_symlink() && metadata.permissions().mode() & 0o077 != 0;
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| (entry.path(), readable)));
        }
        if readable {
            open.push(path);
        }
    }
    // What lies deepest first: a file says more than its folder.
    open.reverse();
    let name = data.display();
    let closed = format!("{name} is closed to others");
    let one = format!("{name} is of one user");
    let (open_advice, foreign_advice) = (
        "chmod -R go= on the folder, and ask who read it",
        "give it to the user of the folder (chown), or the role cannot write it",
    );
    let ahead_advice = "set the clock (timedatectl), then look again: times of keys and records come from it";
    vec![
        verdict("folder", &open, closed, "can be read by others", open_advice),
        verdict("owner", &foreign, one, "belongs to another user than its folder", foreign_advice),
        verdict(
            "clock",
            &ahead,
            "no file is of the future".to_owned(),
            "is of the future: the clock went back",
            ahead_advice,
        ),
    ]
}

/// Who reaches the element: its own user, or one group beside it; never everybody.
pub(super) fn socket(path: &Path) -> Option<Finding> {
    let metadata = std::fs::metadata(path).ok()?;
    let folder = path.parent().and_then(|folder| std::fs::metadata(folder).ok())?;
    let (mode, above) = (metadata.permissions().mode() & 0o777, folder.permissions().mode() & 0o777);
    let name = path.display();
    if mode & 0o007 != 0 && above & 0o001 != 0 {
        let advice = "start the element with --socket-group, and give nobody else a right to its folder";
        return Some(Finding::trouble("socket", format!("everybody reaches {name}"), advice));
    }
    if mode & 0o070 != 0 && (metadata.gid() != folder.gid() || above & 0o010 == 0) {
        let advice = "start the element again with --socket-group: it gives socket and folder to that group";
        return Some(Finding::trouble(
            "socket",
            format!("the group of {name} cannot enter its folder"),
            advice,
        ));
    }
    Some(Finding::well("socket", format!("{name} has mode {mode:04o} in a folder of mode {above:04o}")))
}

fn verdict(check: &'static str, bad: &[PathBuf], well: String, what: &str, advice: &str) -> Finding {
    match bad {
        [] => Finding::well(check, well),
        [first, rest @ ..] => {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(" (and {})", say::counted(rest.len() as u64, "other"))
            };
            Finding::trouble(check, format!("{} {what}{more}", first.display()), advice)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::super::State;
    use super::*;

    fn states(data: &Path, now: u64) -> Vec<State> {
        folder(data, now).iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn a_closed_folder_is_well_and_what_is_open_is_named() {
        let data = tempfile::tempdir().unwrap();
        let mode =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        mode(data.path(), 0o700);
        let secret = data.path().join("element.passphrase");
        std::fs::write(&secret, "x").unwrap();
        mode(&secret, 0o600);
        let now = u64::MAX / 2;
        assert_eq!(states(data.path(), now), [State::Well; 3]);
        mode(&secret, 0o640);
        assert_eq!(states(data.path(), now), [State::Well; 3], "the folder is closed to them");
        mode(data.path(), 0o755);
        let findings = folder(data.path(), now);
        assert_eq!(findings[0].state, State::Trouble);
        assert!(findings[0].found.contains("element.passphrase"), "{}", findings[0].found);
        mode(&secret, 0o600);
        assert_eq!(states(data.path(), now), [State::Trouble, State::Well, State::Well], "names tell too");
    }

    #[test]
    fn clocks_that_are_apart_are_named_with_the_way() {
        let theirs = OffsetDateTime::from_unix_timestamp(1_000_000).unwrap();
        assert_eq!(clock("the platform", theirs, 1_000_020_000).state, State::Well);
        let ahead = clock("the platform", theirs, 1_000_300_000);
        assert_eq!(ahead.state, State::Trouble);
        assert_eq!(ahead.found, "this machine is 300 seconds ahead of the platform");
        assert!(clock("the platform", theirs, 999_700_000).found.contains("300 seconds behind"));
    }

    #[test]
    fn a_clock_that_went_back_shows_in_the_files() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(folder(data.path(), 1_000)[2].state, State::Trouble);
    }
}
