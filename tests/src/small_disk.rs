//! A disk that a test can fill: a small tmpfs in a mount namespace of its own, in which programs are started.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::{Program, Running};

const MOUNT: &str =
    "mount -t tmpfs -o size=$2m,mode=700 none \"$1\" && echo '{\"ready\":\"disk\"}' && exec sleep infinity";

/// The disk, for as long as it is held.
#[derive(Debug)]
pub struct SmallDisk {
    holder: Running,
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `mib` mebibytes at a folder, for those who are started [`SmallDisk::within`].
    pub fn mount(folder: &Path, mib: u32, logs: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder of the test's own");
        // Who is not root mounts as the root of a namespace of users.
        let holder = Program::other("unshare")
            .named("disk")
            .args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", MOUNT, "sh"])
            .arg(folder)
            .arg(mib.to_string())
            .start(logs);
        Self { holder, folder: folder.to_owned() }
    }

    /// The program, where the disk is.
    pub fn within(&self, program: &Program) -> Program {
        let pid = self.holder.pid().to_string();
        program.behind(&[
            "nsenter",
            "--target",
            &pid,
            "--user",
            "--preserve-credentials",
            "--mount",
            "--wdns=/",
            "--",
        ])
    }

    /// Its folder, as those see it who are not within.
    pub fn folder(&self) -> PathBuf {
        let inside = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        Path::new("/proc").join(self.holder.pid().to_string()).join("root").join(inside)
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut filler = std::fs::File::create(self.filler()).expect("there is room for a name");
        let block = [1_u8; 4096];
        while filler.write_all(&block).is_ok() {}
    }

    /// Gives it back.
    pub fn make_room(&self) {
        std::fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.folder().join("filler")
    }
}
