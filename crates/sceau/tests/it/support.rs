//! A folder to work in, and the program run in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sceau_crypto::{Label, RecipientPrivateKey, RsaPrivateKey, RsaSize, SealedBlob, XWingPrivateKey};
use sceau_hsm::{Derivation, Passphrase, Unlock};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "trois mots et un chat";

/// A folder of its own, with a passphrase file.
pub(crate) struct Desk {
    folder: TempDir,
}

/// How a run of the program ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: TempDir::new().unwrap() };
        desk.write("passphrase", PASSPHRASE.as_bytes());
        fs::set_permissions(desk.path("passphrase"), fs::Permissions::from_mode(0o600)).unwrap();
        desk
    }

    /// With the hybrid pair `k.key` and `k.pub`.
    pub(crate) fn with_key() -> Self {
        let desk = Self::new();
        desk.pair("k", &hybrid());
        desk
    }

    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(name.as_ref())
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
    }

    /// Names of all files, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    /// The program, about to be run in the folder, without a terminal.
    pub(crate) fn sceau(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sceau"));
        command.args(arguments).current_dir(self.folder.path()).env("COLUMNS", "100").stdin(Stdio::null());
        command
    }

    /// A role that serves until it is ended: what it goes on to say, and its first line. Its log is in the file `log`.
    pub(crate) fn serving(&self, log: &str, arguments: &[&str]) -> (Child, BufReader<ChildStdout>, Value) {
        let mut command = self.sceau(arguments);
        let command = command.arg("--die-with-parent").stdout(Stdio::piped());
        let mut role = command.stderr(fs::File::create(self.path(log)).unwrap()).spawn().unwrap();
        let mut out = BufReader::new(role.stdout.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        let said = || String::from_utf8_lossy(&self.read(log)).into_owned();
        let ready = serde_json::from_str(&ready).unwrap_or_else(|_| panic!("{}", said()));
        (role, out, ready)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.sceau(arguments))
    }

    /// Runs with bytes on standard input.
    pub(crate) fn pipe(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = self.sceau(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // A program that refuses its input may end before it has read all of it.
            scope.spawn(move || stdin.write_all(input).err());
            child.wait_with_output().unwrap()
        });
        output.into()
    }

    /// `sceau open` with the key `k` and its passphrase.
    pub(crate) fn open(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["open", "--key", "k.key", "--passphrase-file", "passphrase"], arguments].concat())
    }

    /// Writes a pair in the documented format, under a derivation that takes no time.
    pub(crate) fn pair(&self, name: &str, key: &RecipientPrivateKey) {
        let public = key.recipient_key();
        let salt = URL_SAFE_NO_PAD.encode([7; 16]);
        let derivation = Derivation::Argon2id { memory: 8, passes: 1, lanes: 1, salt };
        let unlock = Unlock::Passphrase(Passphrase::new(PASSPHRASE).unwrap());
        let wrapping = derivation.key(&unlock, Path::new(name)).unwrap();
        let key_id = public.key_id();
        let secret = key.to_secret_bytes();
        let sealed = SealedBlob::seal(&wrapping, Label::KeyAtRest, key_id.as_bytes(), secret.expose());
        let public_key = URL_SAFE_NO_PAD.encode(public.public());
        let pub_file = json!({
            "format": "sceau-public-key", "v": 1,
            "suite": public.suite(), "key_id": key_id, "public_key": public_key,
        });
        let key_file = json!({
            "format": "sceau-private-key", "v": 1,
            "suite": public.suite(), "key_id": key_id, "public_key": public_key,
            "unlock": derivation, "sealed": URL_SAFE_NO_PAD.encode(sealed.as_bytes()),
        });
        self.write(&format!("{name}.pub"), pub_file.to_string().as_bytes());
        self.write(&format!("{name}.key"), key_file.to_string().as_bytes());
    }
}

impl Ran {
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// Ended with this exit code, having said this.
    pub(crate) fn failed(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert!(self.stderr.contains(words), "{:?} does not say {words:?}", self.stderr);
        self
    }

    /// What `--json` put on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// What `--json` put on standard error.
    pub(crate) fn error_json(&self) -> Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {}", self.stderr))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }
}

impl From<std::process::Output> for Ran {
    fn from(output: std::process::Output) -> Self {
        let code = output.status.code().unwrap_or(-1);
        Self { code, stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
    }
}

pub(crate) fn finish(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn hybrid() -> RecipientPrivateKey {
    RecipientPrivateKey::XWing(XWingPrivateKey::generate().unwrap())
}

pub(crate) fn rsa() -> RecipientPrivateKey {
    RecipientPrivateKey::Rsa(Box::new(RsaPrivateKey::generate(RsaSize::Bits2048).unwrap()))
}

/// Bytes that differ everywhere, the same in every run.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with({
        let mut next = next;
        move || next()
    })
    .flatten()
    .take(size)
    .collect()
}
