//! What follows once the folder of a dossier, or of a decision, is there: a program is run, or everything in it is posted. Both may happen again
//! after a crash in the middle, with the same delivery id.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::Handover;
use super::decisions::{DECIDED, DECISION, DECISION_EVIDENCE, LARGEST, PROOF};
use super::feed::Delivery;
use super::trouble::Trouble;
use crate::ClientError;

/// `EX_TEMPFAIL` of sysexits.h: the program asks to be run again later.
const AGAIN: i32 = 75;
/// How long a receiver may take no byte, or say nothing. A whole dossier may take hours.
const STALLED: Duration = Duration::from_secs(300);
/// Bytes that are read from a document at a time.
const CHUNK: usize = 64 << 10;

/// Hands the folder at `place` on. What the program printed, or the server answered, if anything.
pub(super) async fn hand_on(
    handover: &Handover,
    delivery: &Delivery,
    place: &Path,
) -> Result<Option<Vec<u8>>, Trouble> {
    let said = match handover {
        Handover::Folder(_) => return Ok(None),
        Handover::Program { command, patience, .. } => run(command, *patience, delivery, place).await?,
        Handover::Post { url, token, anchors_pem, .. } => {
            let server = Poster { url, token: token.as_deref().map(String::as_str), anchors_pem };
            server.post(delivery, place).await?
        }
    };
    Ok(Some(said).filter(|said| !said.trim_ascii().is_empty()))
}

async fn run(
    command: &[String],
    patience: Duration,
    delivery: &Delivery,
    place: &Path,
) -> Result<Vec<u8>, Trouble> {
    let failed = |error: std::io::Error| Trouble::later("program", error.to_string());
    let (program, arguments) =
        command.split_first().ok_or_else(|| Trouble::later("program", "no program is named"))?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .arg(place)
        .env("SCEAU_DELIVERY", delivery.handed_as())
        .env("SCEAU_KIND", delivery.kind.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut said = Vec::new();
    let output = child.stdout.take();
    let work = async {
        if let Some(output) = output {
            let mut bounded = output.take(LARGEST as u64 + 1);
            bounded.read_to_end(&mut said).await?;
        }
        child.wait().await
    };
    let status = tokio::time::timeout(patience, work)
        .await
        .map_err(|_| Trouble::aside("program_too_slow", "the program did not end in time"))?
        .map_err(failed)?;
    match status.code() {
        Some(0) if said.len() <= LARGEST => Ok(said),
        Some(0) => Err(Trouble::aside("program_answer", "the program printed more than a decision")),
        Some(AGAIN) => Err(Trouble::later("program", "the program asks to be run again")),
        _ => Err(Trouble::aside("program_failed", format!("the program ended with {status}"))),
    }
}

struct Poster<'a> {
    url: &'a url::Url,
    token: Option<&'a str>,
    anchors_pem: &'a Option<Vec<u8>>,
}

impl Poster<'_> {
    /// One request holds the whole dossier: `manifest`, `answers`, then each document; or the whole decision: `decided`, then what shows it.
    async fn post(&self, delivery: &Delivery, place: &Path) -> Result<Vec<u8>, Trouble> {
        // With what lies under it: an expired certificate, an unknown authority.
        let unreachable = |error: reqwest::Error| {
            Trouble::later("receiver_unreachable", ClientError::Transport(error).to_string())
        };
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy() // not where the environment says: a proxy would read documents that go to this machine
            .connect_timeout(Duration::from_secs(10));
        if let Some(pem) = self.anchors_pem {
            let anchors = reqwest::Certificate::from_pem_bundle(pem).map_err(unreachable)?;
            builder = builder.tls_certs_only(anchors);
        }
        let client = builder.build().map_err(unreachable)?;
        let moved = Moved::new(Instant::now());
        let mut request = client
            .post(self.url.clone())
            .header("idempotency-key", delivery.handed_as())
            .header("sceau-kind", delivery.kind.to_string())
            .multipart(form(delivery, place, &moved).await?);
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        let silent = || Trouble::later("receiver_unreachable", "the receiver took nothing and said nothing");
        let mut answer = tokio::select! {
            answer = request.send() => answer.map_err(unreachable)?,
            () = stalled(moved.subscribe()) => return Err(silent()),
        };
        let status = answer.status();
        if !status.is_success() {
            let words = format!("the receiver answered {status}");
            return Err(match status.as_u16() {
                401 | 403 | 408 | 429 | 502..=504 => Trouble::later("receiver_away", words),
                500.. => Trouble::later("receiver_failed", words),
                _ => Trouble::aside("receiver_refused", words),
            });
        }
        let mut said = Vec::new();
        let mut chunk = async || tokio::time::timeout(STALLED, answer.chunk()).await.map_err(|_| silent());
        while let Some(chunk) = chunk().await?.map_err(unreachable)? {
            said.extend_from_slice(&chunk);
            if said.len() > LARGEST {
                return Err(Trouble::aside("receiver_answer", "the receiver answered more than a decision"));
            }
        }
        Ok(said)
    }
}

/// When the last byte was taken.
type Moved = watch::Sender<Instant>;

/// Resolves when nothing was taken for too long.
async fn stalled(moved: watch::Receiver<Instant>) {
    loop {
        let last = *moved.borrow();
        tokio::time::sleep_until(last + STALLED).await;
        if *moved.borrow() == last {
            return;
        }
    }
}

/// The bytes of a file, as fast as they are taken.
fn body(file: File, moved: &Moved) -> reqwest::Body {
    let chunks = stream::try_unfold((file, moved.clone()), |(mut file, moved)| async move {
        let mut chunk = vec![0; CHUNK];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        moved.send_replace(Instant::now());
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), (file, moved))))
    });
    reqwest::Body::wrap_stream(chunks)
}

/// A part of the request: its field, the file in the folder, and the name that it goes under.
type Named = (&'static str, String, String);

async fn form(delivery: &Delivery, place: &Path, moved: &Moved) -> Result<Form, Trouble> {
    let parts = if delivery.is_sent() { of_dossier(place).await? } else { of_decision() };
    let mut form = Form::new();
    for (field, path, name) in parts {
        let path = place.join(path);
        let disk = |error: std::io::Error| Trouble::disk(&path, &error);
        let file = File::open(&path).await.map_err(disk)?;
        let length = file.metadata().await.map_err(disk)?.len();
        let part = Part::stream_with_length(body(file, moved), length).file_name(name);
        form = form.part(field, part);
    }
    Ok(form)
}

async fn of_dossier(place: &Path) -> Result<Vec<Named>, Trouble> {
    let manifest = place.join("manifest.json");
    let bytes = tokio::fs::read(&manifest).await.map_err(|error| Trouble::disk(&manifest, &error))?;
    let listed: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Trouble::later("manifest_malformed", error.to_string()))?;
    let files = listed.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |file: &Value, key: &str| file.get(key).and_then(Value::as_str).map(str::to_owned);
    let documents =
        files.iter().filter_map(|file| Some(("document", named(file, "path")?, named(file, "name")?)));
    let first = ["manifest", "answers"].map(|it| (it, format!("{it}.json"), format!("{it}.json")));
    Ok(first.into_iter().chain(documents).collect())
}

fn of_decision() -> Vec<Named> {
    let proof = [("decision", DECISION), ("evidence", DECISION_EVIDENCE)];
    let proof = proof.map(|(field, name)| (field, format!("{PROOF}/{name}"), name.to_owned()));
    [("decided", DECIDED.to_owned(), DECIDED.to_owned())].into_iter().chain(proof).collect()
}
