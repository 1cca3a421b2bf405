//! One witness, asked for its cosignature (C2SP tlog-witness, `add-checkpoint`).

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use sceau_element_api::{CallError, Client};
use sceau_trace::{AddCheckpoint, PolicyWitness, VerifiedCheckpoint};

use super::outside::{Unread, read_within};

/// How long a witness may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 16 * 1024;
/// Sizes that a witness may say before it is let be: others ask it too.
const TURNS: usize = 4;
/// By how many seconds a witness's clock may differ from ours.
const SKEW: u64 = 600;

/// Why a witness did not cosign.
#[derive(Debug)]
pub(super) enum NotCosigned {
    /// It cannot be reached, or it does not answer in time.
    Unreachable(reqwest::Error),
    /// The element makes no proof.
    Element(CallError),
    /// It answers with this status and these words.
    Refused(u16, String),
    /// Others ask it at the same time.
    Crowded,
    /// It saw more of this log than there is.
    Ahead { seen: u64, own: u64 },
    /// It saw another log of this size.
    Forked(u64),
    /// Its answer has no cosignature of its key that holds.
    Wrong,
    /// It cosigned at a time that is not now.
    Clock(u64),
}

impl fmt::Display for NotCosigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "it cannot be reached: {error}"),
            Self::Element(error) => write!(f, "the element makes no proof for it: {error}"),
            Self::Refused(status, words) => write!(f, "it answers {status}: {words}"),
            Self::Crowded => write!(f, "others ask it at the same time"),
            Self::Ahead { seen, own } => write!(
                f,
                "IT SAW ANOTHER HISTORY: {seen} entries, where this log has {own}. Does the element stand on an old copy? \
                 (docs/witnesses.md)"
            ),
            Self::Forked(size) => {
                write!(
                    f,
                    "IT SAW ANOTHER HISTORY: another root at {size} entries. This log forked (docs/witnesses.md)"
                )
            }
            Self::Wrong => write!(f, "its answer has no cosignature of its key that holds"),
            Self::Clock(time) => write!(f, "its clock is off: it cosigned at {time} (unix seconds)"),
        }
    }
}

impl From<reqwest::Error> for NotCosigned {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl From<Unread> for NotCosigned {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Unreachable(error) => Self::Unreachable(error),
            Unread::TooLong => Self::Wrong,
        }
    }
}

impl From<CallError> for NotCosigned {
    fn from(error: CallError) -> Self {
        Self::Element(error)
    }
}

/// A cosignature line that verifies, of a checkpoint that its log alone signed. `size` is what the witness is believed to have seen, and is corrected.
pub(super) async fn ask(
    http: &reqwest::Client,
    element: &Client,
    witness: &PolicyWitness,
    checkpoint: &VerifiedCheckpoint,
    size: &mut u64,
    now: u64,
) -> Result<String, NotCosigned> {
    let url = format!("{}/add-checkpoint", witness.url.as_deref().unwrap_or_default().trim_end_matches('/'));
    for _ in 0..TURNS {
        let proof = match *size {
            0 => Vec::new(),
            old => element.consistency_proof(old, checkpoint.size()).await?,
        };
        let request = AddCheckpoint { old_size: *size, proof, checkpoint: checkpoint.clone().into_signed() };
        let sent = http.post(&url).timeout(PATIENCE).header(CONTENT_TYPE, "text/plain; charset=utf-8");
        let answer = sent.body(request.to_string()).send().await?;
        let status = answer.status();
        let body = read_within(answer, LONGEST).await?;
        let text = String::from_utf8_lossy(&body);
        match status {
            StatusCode::OK => {
                *size = checkpoint.size();
                return line_of(witness, checkpoint, &text, now);
            }
            StatusCode::CONFLICT => {
                let said: u64 = text.trim_end().parse().map_err(|_| NotCosigned::Wrong)?;
                if said > checkpoint.size() {
                    return Err(NotCosigned::Ahead { seen: said, own: checkpoint.size() });
                }
                if said == *size {
                    return Err(NotCosigned::Forked(said));
                }
                *size = said;
            }
            status => {
                let words = text.chars().filter(|c| !c.is_control()).take(200).collect();
                return Err(NotCosigned::Refused(status.as_u16(), words));
            }
        }
    }
    Err(NotCosigned::Crowded)
}

/// Lines of other keys are left alone; the witness's own must verify, and be of now.
fn line_of(
    witness: &PolicyWitness,
    checkpoint: &VerifiedCheckpoint,
    lines: &str,
    now: u64,
) -> Result<String, NotCosigned> {
    let found = lines.lines().find_map(|line| {
        let with = checkpoint.clone().with_cosignature_line(line, &witness.key).ok()?;
        let time = with.cosignatures(std::slice::from_ref(&witness.key)).ok()?.first()?.time;
        Some((line.to_owned(), time))
    });
    let (line, time) = found.ok_or(NotCosigned::Wrong)?;
    if time.abs_diff(now) > SKEW { Err(NotCosigned::Clock(time)) } else { Ok(line) }
}
