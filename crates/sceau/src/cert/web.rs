//! One question over HTTP: bounded in size and time, and no redirection is followed.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::CONTENT_TYPE;
use url::Url;

/// What is sent, and of which type it is.
pub(crate) type Sent = (&'static str, Vec<u8>);

/// The body of an answer of at most so many octets, within this time; why there is none, in words.
pub(crate) fn fetch(
    url: Url,
    sent: Option<Sent>,
    longest: usize,
    patience: Duration,
) -> Result<Vec<u8>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| cause.to_string())?;
    let fetched = runtime.block_on(async { tokio::time::timeout(patience, body(url, sent, longest)).await });
    fetched.unwrap_or_else(|_| Err(format!("it takes more than {} seconds", patience.as_secs())))
}

async fn body(url: Url, sent: Option<Sent>, longest: usize) -> Result<Vec<u8>, String> {
    let said = |error: reqwest::Error| {
        let mut words = error.without_url().to_string();
        words.truncate(300);
        words
    };
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(said)?;
    let request = match sent {
        None => client.get(url),
        Some((kind, body)) => client.post(url).header(CONTENT_TYPE, kind).body(body),
    };
    let answer = request.send().await.map_err(said)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("its server answers {}", answer.status()));
    }
    let (mut bytes, mut parts) = (Vec::new(), answer.bytes_stream());
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part.map_err(said)?);
        if bytes.len() > longest {
            return Err("it is longer than any such answer should be".to_owned());
        }
    }
    Ok(bytes)
}
