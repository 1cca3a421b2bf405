//! The inside of the scanning process: it connects to an antivirus, gives up everything else, then decrypts one document and streams it there.
//!
//! It is the one process on the premises where a hostile document is in clear before it was examined. It has one document's key, no file, no new
//! socket, no other program, and little memory; it ends with the document.

use std::io::{Read, Write as _};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use sceau_crypto::Cek;
use sceau_crypto::envelope::{MAX_HEADER, PART, UnverifiedHeader};
use sceau_store::{Antivirus, AntivirusError, ClamdAddress, Patience, Scan, Verdict};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::confine::confine;

/// Memory that it may have beside its program, in bytes: a part or two, and what decrypting takes.
const MEMORY: u64 = 192 << 20;
/// Seconds of processor: gigabytes take a few.
const PROCESSOR: u64 = 900;
/// A part as it is stored: its bytes, with what comes before the first one.
const LONGEST_PART: usize = PART + 4096;
/// The longest name of a signature that is passed on.
const LONGEST_NAME: usize = 128;

/// What it says: that it is ready, then how it ended. One line of JSON each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(super) enum Said {
    /// It is connected to an antivirus of this version and waits for the document.
    Ready { antivirus: Option<String>, confined: bool },
    /// Nothing was found in so many bytes.
    Clean { size: u64 },
    /// A signature was found.
    Infected { size: u64, signature: String },
    /// The antivirus takes no document of this size.
    TooLarge,
    /// The document does not open under the key that came with it.
    Altered,
    /// No antivirus answers, or it went away.
    Unavailable,
}

impl Said {
    /// What a line says, if it is one.
    pub(super) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// The process could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Its memory could not be bounded.
    #[error("the scanning process could not be bounded: {0}")]
    Unbounded(rustix::io::Errno),
    /// Its pipes are not those of a key manager.
    #[error("the scanning process is started by the key manager, for one document: {0}")]
    Pipe(#[from] std::io::Error),
}

/// Examines the one document that comes on standard input, and says the verdict on standard output.
///
/// # Errors
/// When it has no pipes, or cannot be bounded. That the antivirus is away is something that it says.
pub fn scan_one(pool: &[ClamdAddress]) -> Result<(), SandboxError> {
    bound().map_err(SandboxError::Unbounded)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Some((scan, antivirus)) = runtime.block_on(connect(pool)) else {
        return Ok(say(&Said::Unavailable)?);
    };
    let confined = confine().is_ok();
    say(&Said::Ready { antivirus, confined })?;
    let mut input = std::io::stdin().lock();
    // Nothing else waits in this runtime: reading may hold its one thread.
    let said = runtime.block_on(examine(&mut input, scan))?;
    Ok(say(&said)?)
}

fn bound() -> rustix::io::Result<()> {
    let to = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Data, to(MEMORY))?;
    setrlimit(Resource::Cpu, to(PROCESSOR))?;
    setrlimit(Resource::Fsize, to(0))
}

/// The first antivirus of the pool that takes a stream; each process begins elsewhere.
async fn connect(pool: &[ClamdAddress]) -> Option<(Scan, Option<String>)> {
    let first = usize::from(sceau_crypto::random::<1>()[0]);
    for offset in 0..pool.len() {
        let address = pool.get(first.wrapping_add(offset) % pool.len())?;
        let one = Antivirus::new(vec![address.clone()], Patience::default()).ok()?;
        if let Ok(scan) = one.begin().await {
            return Some((scan, version(address, Patience::default().connect).await));
        }
    }
    None
}

/// Its version and that of its signatures, as a record may hold them: `ClamAV-1.4.3/27820`.
pub(super) async fn version(address: &ClamdAddress, patience: Duration) -> Option<String> {
    let said = address.version(patience).await.ok()?;
    let mut fields = said.split('/');
    let program = fields.next()?.replace(' ', "-");
    let named = match fields.next() {
        Some(signatures) => format!("{program}/{signatures}"),
        None => program,
    };
    let plain = named.bytes().all(|b| b.is_ascii_alphanumeric() || b".-/+".contains(&b));
    (plain && !named.is_empty() && named.len() <= 64).then_some(named)
}

/// Takes key, header and parts; the verdict on the plaintext.
async fn examine(input: &mut impl Read, mut scan: Scan) -> std::io::Result<Said> {
    let feed = async |text: &[u8]| scan.feed(text).await.map_err(|error| without_verdict(&error));
    let size = match opened(input, feed).await? {
        Ok(size) => size,
        Err(said) => return Ok(said),
    };
    Ok(match scan.finish().await {
        Ok(Verdict::Clean) => Said::Clean { size },
        Ok(Verdict::Infected { name }) => Said::Infected { size, signature: plain(&name) },
        Err(error) => without_verdict(&error),
    })
}

/// Takes key, header and parts, and gives the plaintext on: how many bytes it was, or why there is no verdict.
pub(super) async fn opened(
    input: &mut impl Read,
    mut give: impl AsyncFnMut(&[u8]) -> Result<(), Said>,
) -> std::io::Result<Result<u64, Said>> {
    let mut key = Zeroizing::new([0; 32]);
    input.read_exact(&mut *key)?;
    let parts = number(input)?;
    let header = frame(input, MAX_HEADER)?;
    let Ok(cek) = Cek::from_slice(&*key) else { return Ok(Err(Said::Altered)) };
    let opened = UnverifiedHeader::parse(&header).and_then(|header| header.open_with(cek));
    let Ok(header) = opened else { return Ok(Err(Said::Altered)) };
    let (mut opener, mut size) = (None, 0);
    for index in 0..parts {
        let mut part = frame(input, LONGEST_PART)?;
        let opener = match &mut opener {
            Some(opener) => opener,
            none => match header.opener(&part) {
                Ok(opener) => none.insert(opener),
                Err(_) => return Ok(Err(Said::Altered)),
            },
        };
        let Ok(text) = opener.open_part(index, index + 1 == parts, &mut part) else {
            return Ok(Err(Said::Altered));
        };
        size += text.len() as u64;
        if let Err(said) = give(text).await {
            return Ok(Err(said));
        }
    }
    // Also an empty document has a part, and what has none was not read.
    Ok(if opener.is_some() { Ok(size) } else { Err(Said::Altered) })
}

fn without_verdict(error: &AntivirusError) -> Said {
    if matches!(error, AntivirusError::TooLarge) { Said::TooLarge } else { Said::Unavailable }
}

/// A name as pages may show it.
pub(super) fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    name.chars().take(LONGEST_NAME).map(|c| if fits(c) { c } else { '_' }).collect()
}

fn number(input: &mut impl Read) -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn frame(input: &mut impl Read, longest: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let length = usize::try_from(number(input)?).unwrap_or(usize::MAX);
    if length > longest {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn say(said: &Said) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, said)?;
    output.write_all(b"\n")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_frame_is_never_longer_than_it_may_be() {
        let mut long = &[0, 0, 0, 9, 1, 2][..];
        assert!(frame(&mut long, 8).is_err());
        let mut cut = &[0, 0, 0, 4, 1, 2][..];
        assert!(frame(&mut cut, 8).is_err());
        let mut whole = &[0, 0, 0, 2, 1, 2][..];
        assert_eq!(*frame(&mut whole, 8).unwrap(), [1, 2]);
    }

    #[test]
    fn a_name_steers_nothing() {
        assert_eq!(plain("Win.Test.EICAR_HDB-1"), "Win.Test.EICAR_HDB-1");
        assert_eq!(plain("a\u{202e}b\nc"), "a_b_c");
        assert_eq!(plain(&"x".repeat(1000)).len(), LONGEST_NAME);
    }
}
