//! Programs to run: ours from the build folder, others from the machine.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::running::{self, Running};

/// A program, its arguments and its surroundings.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    words: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    input: Option<PathBuf>,
}

/// What a program that ran to its end left.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Panics with what the program said unless it succeeded; returns its output.
    pub fn success(self) -> Self {
        assert!(self.code == Some(0), "exit code {:?}\n{}\n{}", self.code, self.text(), self.stderr);
        self
    }
}

impl Program {
    /// One of ours, built by cargo: `sceau`, `sceau-element`.
    pub fn ours(name: &str) -> Self {
        let path = built(name);
        assert!(
            path.is_file(),
            "{} is not built: run `cargo build --workspace --bins` first",
            path.display()
        );
        Self::at(name, path)
    }

    /// `sceau` with a first argument.
    pub fn sceau(command: &str) -> Self {
        Self::ours("sceau").arg(command)
    }

    /// One of the machine's: `openssl`, `faketime`.
    pub fn other(name: &str) -> Self {
        Self::at(name, name)
    }

    fn at(name: &str, path: impl Into<OsString>) -> Self {
        Self {
            name: name.to_owned(),
            words: vec![path.into()],
            variables: Vec::new(),
            folder: None,
            input: None,
        }
    }

    /// What is run: a path, or a name to look for.
    pub fn path(&self) -> PathBuf {
        self.words.first().map(PathBuf::from).unwrap_or_default()
    }

    /// What is run, and its arguments: for another program that runs it.
    pub fn words(&self) -> &[OsString] {
        &self.words
    }

    /// The name that its log carries.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(|w| w.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The folder in which it runs.
    pub fn within(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// What it reads on its standard input (nothing, by default).
    pub fn reading(mut self, file: impl AsRef<Path>) -> Self {
        self.input = Some(file.as_ref().to_owned());
        self
    }

    /// Shifts the clock that it sees, in the words of `faketime`: `+15d`, `2027-05-20 12:00:00`.
    pub fn at_time(mut self, time: &str) -> Self {
        self.words.splice(0..0, ["faketime", "-f", time].map(OsString::from));
        self
    }

    /// Sets the clock that it and its children see off by so many seconds. It is itself what is started, so that signals reach it.
    pub fn off_by(self, seconds: i64) -> Self {
        // The linker's word for the folder of this machine's architecture.
        self.env("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1")
            .env("FAKETIME", format!("{seconds:+}"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DISABLE_SHM", "1")
    }

    /// The same behind these words, which end by running it.
    pub(crate) fn behind(&self, words: &[&str]) -> Self {
        let mut program = self.clone();
        program.words.splice(0..0, words.iter().map(OsString::from));
        program
    }

    /// Runs it under another program: its words, a file, more words.
    pub(crate) fn under(&self, first: [OsString; 4], file: &Path, more: &[&str]) -> Self {
        let mut program = self.clone();
        let before = first.into_iter().chain([file.into()]).chain(more.iter().map(OsString::from));
        program.words.splice(0..0, before);
        program
    }

    /// Starts it and waits for its ready line: the first line of its standard output that is a JSON object.
    ///
    /// Both outputs are copied to `logs/NAME.log`. Panics with the log when it ends or stays silent for a minute.
    pub fn start(&self, logs: &Path) -> Running {
        running::start(self.command(), &self.name, logs)
    }

    /// Starts it and waits for nothing; see [`Running::until`].
    pub fn launch(&self, logs: &Path) -> Running {
        running::launch(self.command(), &self.name, logs)
    }

    /// Runs it to its end.
    pub fn run(&self) -> Finished {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = running::spawn(command).unwrap_or_else(|e| panic!("{} cannot start: {e}", self.name));
        let output = child.wait_with_output().unwrap_or_else(|e| panic!("{}: {e}", self.name));
        Finished {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The command, under `setpriv --pdeathsig`: the kernel kills it when we die, however we die.
    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(&self.words);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        match &self.input {
            Some(file) => {
                let file = std::fs::File::open(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                command.stdin(file)
            }
            None => command.stdin(Stdio::null()),
        };
        command
    }
}

/// `target/debug/NAME`, seen from a test binary in `target/debug/deps`; `SCEAU_BIN` names another folder.
fn built(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("SCEAU_BIN") {
        return PathBuf::from(folder).join(name);
    }
    let me = std::env::current_exe().expect("a running program has a path");
    let folder = me.parent().and_then(Path::parent).expect("test binaries are in target/PROFILE/deps");
    folder.join(name)
}
