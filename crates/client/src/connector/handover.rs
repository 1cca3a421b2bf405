//! What follows once the folder of a dossier is there: a program is run, or everything in it is posted. Both may happen again after a crash
//! in the middle, with the same delivery id.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::config::Handover;
use super::decisions::LARGEST;
use super::receiver::Delivery;
use super::trouble::Trouble;

/// `EX_TEMPFAIL` of sysexits.h: the program asks to be run again later.
const AGAIN: i32 = 75;

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
        .env("SCEAU_DELIVERY", &delivery.id)
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
    /// One request holds the whole dossier: `manifest`, `answers`, then each document.
    async fn post(&self, delivery: &Delivery, place: &Path) -> Result<Vec<u8>, Trouble> {
        let unreachable = |error: reqwest::Error| Trouble::later("receiver_unreachable", error.to_string());
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy() // not where the environment says: a proxy would read documents that go to this machine
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(300));
        if let Some(pem) = self.anchors_pem {
            let anchors = reqwest::Certificate::from_pem_bundle(pem).map_err(unreachable)?;
            builder = builder.tls_certs_only(anchors);
        }
        let client = builder.build().map_err(unreachable)?;
        let mut request = client
            .post(self.url.clone())
            .header("idempotency-key", &delivery.id)
            .multipart(form(place).await?);
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            let words = format!("the receiver answered {status}");
            let passing = status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 408 | 429);
            let code = "receiver_refused";
            return Err(if passing { Trouble::later(code, words) } else { Trouble::aside(code, words) });
        }
        let mut said = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            said.extend_from_slice(&chunk);
            if said.len() > LARGEST {
                return Err(Trouble::aside("receiver_answer", "the receiver answered more than a decision"));
            }
        }
        Ok(said)
    }
}

async fn form(place: &Path) -> Result<Form, Trouble> {
    let mut form = Form::new();
    let manifest = place.join("manifest.json");
    let bytes = tokio::fs::read(&manifest).await.map_err(|error| Trouble::disk(&manifest, &error))?;
    let listed: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Trouble::later("manifest_malformed", error.to_string()))?;
    let files = listed.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |file: &Value, key: &str| file.get(key).and_then(Value::as_str).map(str::to_owned);
    let documents =
        files.iter().filter_map(|file| Some(("document", named(file, "path")?, named(file, "name")?)));
    let first = ["manifest", "answers"].map(|it| (it, format!("{it}.json"), format!("{it}.json")));
    for (field, path, name) in first.into_iter().chain(documents) {
        let path = place.join(path);
        let disk = |error: std::io::Error| Trouble::disk(&path, &error);
        let file = tokio::fs::File::open(&path).await.map_err(disk)?;
        let length = file.metadata().await.map_err(disk)?.len();
        let part = Part::stream_with_length(reqwest::Body::from(file), length).file_name(name);
        form = form.part(field, part);
    }
    Ok(form)
}
