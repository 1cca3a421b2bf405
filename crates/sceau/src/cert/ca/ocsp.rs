//! `sceau cert ca ocsp`: the authority's responder (RFC 6960 over HTTP, with RFC 5019's words for caches), and answers made ahead.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State as With;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sceau_pki::{Fingerprint, OcspFailure, OcspQuestion, OcspRequest};
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::answers::{Answers, HOUR_MS};
use super::{authority, one_certificate};
use crate::cert::{fault, now, place};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;
use crate::serve::{asked_to_end, say_ready};

/// The longest question.
const LONGEST: usize = 64 << 10;
/// A question in an address is after one of the first slashes.
const DEPTH: usize = 4;

/// A responder.
#[derive(Debug, clap::Args)]
pub(crate) struct OcspOptions {
    /// Folder of the authority
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    /// Where to listen, for HTTP
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8888")]
    listen: SocketAddr,
    /// For how many hours an answer holds, and others may keep it
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=168))]
    hours: u32,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    die_with_parent: bool,
}

/// An answer made ahead.
#[derive(Debug, clap::Args)]
pub(crate) struct OcspResponseOptions {
    /// Folder of the authority
    #[arg(long, value_name = "FOLDER")]
    issuer: PathBuf,
    /// For how many hours it holds
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=168))]
    hours: u32,
    /// Where to write it, in DER; one that is there is overwritten
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The certificate that it speaks of
    certificate: PathBuf,
}

pub(super) fn respond(options: &OcspOptions) -> Result<(), Failure> {
    if options.die_with_parent {
        sceau_hsm::hardening::die_with_parent()?;
    }
    let answers =
        Answers::of(&options.issuer, authority(&options.issuer)?, u64::from(options.hours) * HOUR_MS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    runtime.block_on(serve(options.listen, Arc::new(answers)))
}

async fn serve(listen: SocketAddr, answers: Arc<Answers>) -> Result<(), Failure> {
    let cannot = |cause: io::Error| Failure::system(&format!("listen on {listen}"), &cause);
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let end = asked_to_end()?;
    let router = Router::new().fallback(answered).with_state(answers);
    say_ready(&json!({"ready": "ocsp", "address": address}))?;
    axum::serve(listener, router).with_graceful_shutdown(end).await.map_err(cannot)
}

/// Each method and address (RFC 6960 appendix A.1): the question is the body, or, in base64, the end of the address.
async fn answered(With(answers): With<Arc<Answers>>, request: Request<Body>) -> Response<Body> {
    let by_address = request.method() == Method::GET;
    let question = match *request.method() {
        Method::GET => in_address(request.uri().path()),
        Method::POST => to_bytes(request.into_body(), LONGEST).await.ok().map(|body| body.to_vec()),
        _ => return status(StatusCode::METHOD_NOT_ALLOWED),
    };
    let question = question.as_deref().ok_or(OcspFailure::MalformedRequest).and_then(OcspRequest::read);
    // It reads a file and signs: not among those who wait.
    let made = tokio::task::spawn_blocking(move || {
        let may_be_kept = by_address && question.as_ref().is_ok_and(|question| !question.has_nonce());
        let made = question.and_then(|question| answers.answer(&question, now()));
        (made, may_be_kept)
    });
    match made.await {
        Ok((Ok(made), true)) => kept_until(made.response, made.from, made.until),
        Ok((Ok(made), false)) => response(made.response),
        Ok((Err(failure), _)) => response(failure.to_der()),
        Err(_) => response(OcspFailure::InternalError.to_der()),
    }
}

fn in_address(path: &str) -> Option<Vec<u8>> {
    let path = path.replace("%2F", "/").replace("%2f", "/");
    let path = path.replace("%2B", "+").replace("%2b", "+").replace("%3D", "=").replace("%3d", "=");
    let ends = path.match_indices('/').take(DEPTH).filter_map(|(at, _)| path.get(at + 1..));
    let mut read = ends.filter_map(|end| STANDARD.decode(end).ok());
    read.find(|der| OcspRequest::read(der).is_ok())
}

fn response(der: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(der)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/ocsp-response"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One that others may keep (RFC 5019 §6.2).
fn kept_until(der: Vec<u8>, from: u64, until: u64) -> Response<Body> {
    let age = until.saturating_sub(from) / 1000;
    let words: [(HeaderName, String); 4] = [
        (ETAG, format!("\"{}\"", Fingerprint::of(&der))),
        (LAST_MODIFIED, http_date(from)),
        (EXPIRES, http_date(until)),
        (CACHE_CONTROL, format!("max-age={age}, public, no-transform, must-revalidate")),
    ];
    let mut response = response(der);
    for (name, value) in words {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(unix_milliseconds: u64) -> String {
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let seconds = i64::try_from(unix_milliseconds / 1000).unwrap_or_default();
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
    moment.and_then(|moment| moment.format(form).ok()).unwrap_or_default()
}

pub(super) fn ahead(options: &OcspResponseOptions) -> Result<(), Failure> {
    let issuer = authority(&options.issuer)?;
    let certificate = one_certificate(&options.certificate)?;
    let question =
        OcspQuestion::new(&certificate, issuer.certificate()).map_err(|error| fault::pki(&error))?;
    let answers = Answers::of(&options.issuer, issuer, u64::from(options.hours) * HOUR_MS)?;
    let request = OcspRequest::read(&question.to_der());
    let made = request.and_then(|request| answers.answer(&request, now())).map_err(|failure| {
        Failure::new(Exit::System, "ocsp_failed", format!("no answer was made: {}", failure.as_str()))
    })?;
    place::write(&options.output, &made.response, Access::Shared, true)?;
    let said = question.judge(&made.response, sceau_pki::OcspTerms::default(), now());
    let said = said.map_err(|refusal| Failure::new(Exit::System, refusal.code(), refusal.to_string()))?;
    say::result(&format!(
        "Response  {}\nOf        {}\nSays      {}\nUntil     {}",
        options.output.display(),
        certificate.subject(),
        crate::cert::ocsp::words(said.status),
        http_date(said.until)
    ))
}
