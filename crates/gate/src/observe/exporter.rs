//! Spans on their way to a collector: OTLP over HTTP in JSON (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>), in batches, so that a
//! collector that is slow or away holds up no request.

use std::{sync::Arc, time::Duration};

use hyper::{
    HeaderMap, Method, Uri, Version,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::{
    ledger::Codes,
    span::Span,
    trail::{Came, Told},
};
use crate::question;

/// Spans that wait at once, at most; what comes beyond is dropped and counted.
const WAITING: usize = 4_096;
const BATCH: usize = 512;
/// How long a span waits for others.
const GATHER: Duration = Duration::from_secs(1);
const TIME_OUT: Duration = Duration::from_secs(5);
/// Where traces go below a collector's address.
pub(super) const PATH: &str = "/v1/traces";
/// Of an answer, which is hardly anything.
const LONGEST: usize = 64 << 10;

/// Where spans go.
#[derive(Debug)]
pub(crate) struct Exporter {
    spans: mpsc::Sender<Order>,
    /// `sent` and `lost`.
    outcomes: Arc<Codes>,
}

#[derive(Debug)]
enum Order {
    Span(Arc<Told>),
    /// Says when all that came before is sent, or lost.
    Flush(oneshot::Sender<()>),
}

impl Exporter {
    /// To where a collector takes traces (`http`).
    pub(crate) fn start(collector: Uri, outcomes: Arc<Codes>) -> Self {
        let (spans, waiting) = mpsc::channel(WAITING);
        tokio::spawn(send_on(collector, waiting, Arc::clone(&outcomes)));
        Self { spans, outcomes }
    }

    /// Never waits.
    pub(crate) fn note(&self, told: Arc<Told>) {
        if self.spans.try_send(Order::Span(told)).is_err() {
            self.outcomes.add("lost", 1);
        }
    }

    /// Waits until what was told is sent, or cannot be.
    pub(crate) async fn flush(&self) {
        let (done, sent) = oneshot::channel();
        if self.spans.try_send(Order::Flush(done)).is_ok() {
            drop(sent.await);
        }
    }
}

/// Until nobody is left to send for.
async fn send_on(collector: Uri, mut waiting: mpsc::Receiver<Order>, outcomes: Arc<Codes>) {
    let mut is_away = false;
    while let Some(first) = waiting.recv().await {
        let (batch, flushed) = gather(first, &mut waiting).await;
        if batch.is_empty() {
            continue;
        }
        let count = batch.len() as u64;
        let body = written(&batch);
        let sent = tokio::time::timeout(TIME_OUT, post(&collector, body)).await;
        let failure = match sent {
            Ok(answered) => answered.err(),
            Err(_) => Some("it does not answer in time".to_owned()),
        };
        outcomes.add(if failure.is_some() { "lost" } else { "sent" }, count);
        // Once for each time that it goes away: a collector is down for hours.
        match &failure {
            Some(failure) if !is_away => tracing::warn!(%collector, failure, "traces are lost"),
            None if is_away => tracing::info!(%collector, "traces are taken again"),
            _ => {}
        }
        is_away = failure.is_some();
        // Who waits for it learns it by the end of the channel.
        drop(flushed);
    }
}

/// What comes within a while; at once where somebody waits for it.
async fn gather(
    first: Order,
    waiting: &mut mpsc::Receiver<Order>,
) -> (Vec<Arc<Told>>, Option<oneshot::Sender<()>>) {
    let mut batch = Vec::new();
    let mut flushed = None;
    let gathering = async {
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Span(told) => batch.push(told),
                Order::Flush(done) => {
                    flushed = Some(done);
                    return;
                }
            }
            next = if batch.len() < BATCH { waiting.recv().await } else { None };
        }
    };
    drop(tokio::time::timeout(GATHER, gathering).await);
    (batch, flushed)
}

/// The error in words.
async fn post(collector: &Uri, body: String) -> Result<(), String> {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let answer = question::ask(collector, Method::POST, headers, body.into()).await;
    let answer = answer.map_err(|unanswered| unanswered.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("it answers {}", answer.status));
    }
    // What it says besides is read, so that it does not find the connection broken.
    drop(answer.body(LONGEST).await);
    Ok(())
}

/// `ExportTraceServiceRequest`, as OTLP writes it in JSON: ids in hexadecimal, numbers of 64 bits in quotation marks.
fn written(batch: &[Arc<Told>]) -> String {
    let spans: Vec<Value> = batch.iter().filter_map(|told| Some(span(told, told.span?))).collect();
    let version = env!("CARGO_PKG_VERSION");
    let resource = [text("service.name", "sceau-gate"), text("service.version", version)];
    let scope = json!({"name": "sceau-gate", "version": version});
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]})
    .to_string()
}

/// One request (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>): of a client, or a call to a partner.
fn span(told: &Told, span: Span) -> Value {
    const SERVER: u8 = 2;
    const CLIENT: u8 = 3;
    const ERROR: u8 = 2;
    let from = u128::from(told.at) * 1_000_000;
    let method = known(&told.method);
    let route = told.route.as_ref().map(|(path, _)| &**path);
    let is_failed = told.status.is_none_or(|status| status.is_server_error());
    json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "parentSpanId": span.parent.map_or_else(String::new, |parent| format!("{parent:016x}")),
        "flags": u8::from(span.sampled),
        "name": route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
        "kind": if matches!(told.came, Came::Out { .. }) { CLIENT } else { SERVER },
        "startTimeUnixNano": from.to_string(),
        "endTimeUnixNano": (from + told.took.as_nanos()).to_string(),
        "attributes": attributes(told, method, route),
        "status": if is_failed { json!({"code": ERROR}) } else { json!({}) },
    })
}

fn attributes(told: &Told, method: &str, route: Option<&str>) -> Vec<Value> {
    let asked = match &told.came {
        Came::In { .. } => told.host.as_deref(),
        Came::Out { partner, .. } => Some(partner.as_str()),
    };
    let (name, port) = asked.map(server).unwrap_or_default();
    let version = if told.version == Version::HTTP_2 { "2" } else { "1.1" };
    let is_plain = matches!(told.came, Came::In { tls: None, .. });
    let mut all = vec![
        text("http.request.method", method),
        text("url.scheme", if is_plain { "http" } else { "https" }),
        text("url.path", told.uri.path()),
        text("network.protocol.name", "http"),
        text("network.protocol.version", version),
        number("http.request.body.size", told.received),
        number("http.response.body.size", told.sent),
        text("sceau.request_id", &told.id),
    ];
    all.extend(told.came.from().map(|from| text("client.address", &from.to_string())));
    if let Some(tls) = told.came.tls() {
        all.push(text("tls.protocol.version", tls.version));
        all.push(json!({"key": "tls.resumed", "value": {"boolValue": tls.resumed}}));
    }
    if method == OTHER {
        all.push(text("http.request.method_original", told.method.as_str()));
    }
    let status = told.status.map(|status| status.as_u16());
    let error = match (&told.code, status) {
        (_, None) => Some("client_gone".to_owned()),
        (Some(code), Some(500..)) => Some(code.clone()),
        (None, Some(status @ 500..)) => Some(status.to_string()),
        _ => None,
    };
    all.extend(route.map(|route| text("http.route", route)));
    all.extend((!name.is_empty()).then(|| text("server.address", name)));
    all.extend(port.map(|port| number("server.port", port)));
    all.extend(status.map(|status| number("http.response.status_code", u64::from(status))));
    all.extend(told.code.as_ref().map(|code| text("sceau.code", code)));
    all.extend(error.map(|error| text("error.type", &error)));
    all
}

const OTHER: &str = "_OTHER";

/// What a client makes up is not a kind of request.
fn known(method: &Method) -> &str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    if known.contains(&method.as_str()) { method.as_str() } else { OTHER }
}

fn server(host: &str) -> (&str, Option<u64>) {
    let split = host.rsplit_once(':').and_then(|(name, port)| Some((name, Some(port.parse().ok()?))));
    split.unwrap_or((host, None))
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
