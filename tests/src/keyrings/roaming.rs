//! Another terminal comes to a keyring.

use std::path::{Path, PathBuf};

use super::Keyrings;
use crate::{Finished, Running};

impl Keyrings {
    /// Has the terminal of this folder show a roaming code, into a file of this name.
    pub fn roam(&self, folder: &Path, name: &str) -> PathBuf {
        let code = self.scratch.join(name);
        self.roam_with(folder, &code, "pin").success();
        code
    }

    /// The same, with the PIN of this file; how it ended.
    pub fn roam_with(&self, folder: &Path, code: &Path, pin: &str) -> Finished {
        let roam = self.terminal("roam", folder).args(["--no-wait", "--code-file"]).arg(code);
        roam.arg("--pin-file").arg(self.scratch.join(pin)).run()
    }

    /// Has a terminal come with the code of this file, up to its short code; and that.
    pub fn comes(&self, folder: &Path, code: &Path, pin: &str) -> (Running, String) {
        // Each in a log of its own.
        let name = format!("join-{}", code.file_name().unwrap_or_default().to_string_lossy());
        let join = self.terminal("join", folder).arg("--code-file").arg(code);
        let join = join.arg("--pin-file").arg(self.scratch.join(pin)).named(&name);
        let mut join = join.launch(self.scratch.path());
        let log = self.scratch.join(&format!("{name}.log"));
        let short = join.until(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let mut after = said.lines().skip_while(|line| !line.starts_with("Type this short code"));
            after.find(|line| line.starts_with("    ")).map(|line| line.trim().to_owned())
        });
        (join, short)
    }

    /// `sceau terminal confirm`, of this short code.
    pub fn confirms(&self, folder: &Path, short: &str) -> Finished {
        self.on(folder, &["confirm", "--shown", short])
    }
}
