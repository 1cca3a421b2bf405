//! The outside of the scanning process: it is started for one document, given its key and ciphertext, and says one verdict.
//!
//! What it says is believed of this one document: who takes it over by a crafted document has that document's key, and nothing else.

use std::process::Stdio;

use sceau_crypto::Cek;
use sceau_store::Verdict;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Take};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::ScannerSettings;
use super::inside::{Said, plain};
use crate::denial::Denial;

/// The most that a scanning process may say, in bytes.
const LONGEST: u64 = 4096;

/// A scanning process that holds a connection to an antivirus. Killed when dropped.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<Take<ChildStdout>>,
}

/// One that has an antivirus.
pub(super) struct Started {
    pub(super) process: Process,
    /// The version that the antivirus says.
    pub(super) antivirus: Option<String>,
    /// Whether the process gave up every system call that it does not need.
    pub(super) confined: bool,
}

/// Starts one and waits until it has an antivirus.
pub(super) async fn start(settings: &ScannerSettings) -> Result<Started, Denial> {
    let failed = |error: &std::io::Error| {
        tracing::error!(%error, "the scanning process did not start");
        Denial::ScannerFailed
    };
    let (program, first) = settings.program.split_first().ok_or(Denial::ScannerFailed)?;
    let mut command = Command::new(program);
    command.args(first).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    for address in &settings.antivirus {
        command.arg("--antivirus").arg(address.to_string());
    }
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Denial::ScannerFailed);
    };
    let mut process = Process { child, input, output: BufReader::new(output.take(LONGEST)) };
    match process.said().await? {
        Said::Ready { antivirus, confined } => Ok(Started { process, antivirus, confined }),
        Said::Unavailable => Err(Denial::ScannerUnavailable),
        _ => Err(Denial::ScannerFailed),
    }
}

impl Process {
    /// Gives it the key, the header, and how many parts come.
    pub(super) async fn begin(&mut self, cek: &Cek, header: &[u8], parts: u32) -> std::io::Result<()> {
        self.input.write_all(cek.expose()).await?;
        self.input.write_all(&parts.to_be_bytes()).await?;
        self.feed(header).await
    }

    /// Gives it the next part; returns when it was taken, so that a slow antivirus slows the download down.
    pub(super) async fn feed(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
        self.input.write_all(&length.to_be_bytes()).await?;
        self.input.write_all(bytes).await
    }

    /// Its verdict on the whole, and how many bytes of plaintext it is about.
    pub(super) async fn verdict(mut self) -> Result<(Verdict, u64), Denial> {
        let said = self.said().await?;
        drop(self.child.kill().await);
        match said {
            Said::Clean { size } => Ok((Verdict::Clean, size)),
            // Also who took it over by the document chooses no words for a page.
            Said::Infected { size, signature } => Ok((Verdict::Infected { name: plain(&signature) }, size)),
            Said::TooLarge => Err(Denial::ScannerTooLarge),
            Said::Altered => Err(Denial::DocumentAltered),
            Said::Unavailable => Err(Denial::ScannerUnavailable),
            Said::Ready { .. } => Err(Denial::ScannerFailed),
        }
    }

    async fn said(&mut self) -> Result<Said, Denial> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).await;
        let said = read.ok().and_then(|_| Said::read(&line));
        said.ok_or_else(|| {
            tracing::error!("the scanning process ended without a word");
            Denial::ScannerFailed
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::ffi::OsString;

    use super::*;

    #[tokio::test]
    async fn a_process_that_was_taken_over_chooses_no_words_for_a_page() {
        let ready = r#"{"said":"ready","antivirus":null,"confined":true}"#;
        let found = r#"{"said":"infected","size":1,"signature":"a\u202eb\nc"}"#;
        let program = ["/usr/bin/printf", "%s\n", ready, found].map(OsString::from).to_vec();
        let Started { process, .. } = start(&ScannerSettings::new(Vec::new(), program)).await.ok().unwrap();
        let (verdict, _) = process.verdict().await.ok().unwrap();
        assert_eq!(verdict, Verdict::Infected { name: "a_b_c".to_owned() });
    }
}
