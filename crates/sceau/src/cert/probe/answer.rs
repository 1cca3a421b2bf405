//! What the service answers, in clear words.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::call::Plan;
use super::{State, Step};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most of a body that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// Asks, and says what the answer means.
pub(super) async fn ask(
    plan: &Plan,
    stream: TlsStream<TcpStream>,
    asked: bool,
    steps: &mut Vec<Step>,
) -> Result<(), Step> {
    let exchanged = tokio::time::timeout(PATIENCE, exchange(plan, stream)).await;
    let silent = |_| {
        Step::new("answer", State::Trouble, "the service does not answer within 20 seconds")
            .but("it took our certificate, or looks at none: what it waits for, the partner's log tells")
    };
    // In TLS 1.3 a server tells its refusal of a certificate after the handshake.
    let (parts, body) = exchanged.map_err(silent)?.map_err(|why| refused_in_tls(plan, &why))?;
    let said: Option<Value> = serde_json::from_slice(&body).ok();
    let text = |name: &str| said.as_ref().and_then(|said| said.get(name)).and_then(Value::as_str).map(shown);
    let headed = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(shown);
    let code = headed("sceau-code").map(|code| format!(", {code}")).unwrap_or_default();
    steps.push(Step::well("answer", format!("GET {} is answered with {}{code}", plan.path, parts.status)));
    let verify = text("verify");
    match parts.status {
        StatusCode::OK => steps.push(available(text("status").as_deref(), asked, plan)),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(denied(plan, status, verify.as_deref()));
        }
        StatusCode::BAD_REQUEST => return Err(bad_request(plan, &body)),
        StatusCode::NOT_FOUND => {
            return Err(trouble("nothing is at this path")
                .but("ask the partner for its base address; /check is below it"));
        }
        status if status.is_redirection() => {
            let to = headed("location").unwrap_or_default();
            return Err(trouble(&format!("it sends elsewhere: {to}"))
                .but("call that address, if it is the partner's"));
        }
        status if status.is_server_error() => {
            let said = text("status").map(|said| format!(": {said}")).unwrap_or_default();
            return Err(trouble(&format!("the service has a failure of its own{said}"))
                .but("the certificate passed, or was not looked at yet: the partner reads its log"));
        }
        status => return Err(trouble(&format!("{status} is no answer of a health check"))),
    }
    Ok(())
}

/// A handshake that the server broke off, or a connection that it closed when it had seen our certificate.
pub(super) fn refused_in_tls(plan: &Plan, why: &str) -> Step {
    let lower = why.to_ascii_lowercase();
    let advice = if lower.contains("certificaterequired") {
        "the server takes no connection without a certificate: give ours with --cert"
    } else if lower.contains("unknownca") {
        "the server does not know who issued ours: the other chain (test, production), or the intermediate is not in our file"
    } else if lower.contains("certificateexpired") {
        "ours, or its authority's, has expired for the server"
    } else if lower.contains("certificaterevoked") {
        "ours was revoked: ask its issuer, and for a new one"
    } else if lower.contains("badcertificate")
        || lower.contains("unsupportedcertificate")
        || lower.contains("certificateunknown")
    {
        "the server does not take ours: look at its purpose (clientAuth) and chain with sceau cert verify"
    } else if plan.identity.is_none() {
        "the server may demand a certificate: give ours with --cert"
    } else {
        "the partner's log tells the reason; sceau cert verify tells what is wrong with ours"
    };
    Step::new("certificate", State::Refused, format!("the server ended the connection: {}", shown(why)))
        .but(advice)
}

async fn exchange(
    plan: &Plan,
    stream: TlsStream<TcpStream>,
) -> Result<(hyper::http::response::Parts, Bytes), String> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| deepest(&error))?;
    let carried = tokio::spawn(connection);
    // An IPv6 address stands in brackets (RFC 3986 §3.2.2).
    let host = if plan.host.contains(':') { format!("[{}]", plan.host) } else { plan.host.clone() };
    let host = if plan.port == 443 { host } else { format!("{host}:{}", plan.port) };
    let request = Request::get(plan.path.as_str())
        .header(header::HOST, host)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("sceau/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answered: Result<Response<Incoming>, _> = sender.send_request(request).await;
    let (parts, body) = match answered {
        Ok(response) => response.into_parts(),
        Err(error) => {
            // Why the connection ended is told to whoever carried it.
            let ended = carried.await.ok().and_then(Result::err);
            return Err(ended.map_or_else(|| deepest(&error), |ended| deepest(&ended)));
        }
    };
    // A body that is too long or cut is not read: the status has said enough.
    let body = Limited::new(body, LONGEST).collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
    carried.abort();
    Ok((parts, body))
}

/// The innermost reason, which is what TLS said.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn available(status: Option<&str>, asked: bool, plan: &Plan) -> Step {
    match status {
        Some("available") if asked && plan.identity.is_none() => Step::new(
            "check",
            State::Notice,
            "the service is available, to a client without a certificate too",
        )
        .but("/check may be open to everybody; try a path that must not be"),
        Some("available") => Step::well("check", "the service is available"),
        Some(other) => trouble(&format!("the service answers 200, and \"status\" is {other:?}"))
            .but("a service that works says \"available\"; anything else is read as a failure"),
        None => trouble("the service answers 200 without a \"status\" in JSON")
            .but("the answer should be {\"status\": \"available\"} as application/json"),
    }
}

/// 401 or 403. What the server says of its verification tells who was not believed from who is not known, since `/check` answers 403 to both.
fn denied(plan: &Plan, status: StatusCode, verify: Option<&str>) -> Step {
    let number = status.as_u16();
    let (found, advice) = match (plan.identity.is_some(), verify) {
        (false, _) => {
            ("a certificate is demanded, and none was shown, which is in order", "give ours with --cert")
        }
        (true, Some("NONE")) => (
            "the server did not see our certificate",
            "its TLS asks for none on this host, or ours is of no authority that it names",
        ),
        (true, verify) if number == 401 || verify.is_some_and(|verify| verify.starts_with("FAILED")) => (
            "our certificate is not believed",
            "not issued below the authorities that the server trusts, expired, revoked, or the server's lists are over: sceau cert verify tells \
             which",
        ),
        _ => (
            "our certificate is believed, and its common name and organizational unit are not let in",
            "tell the partner the exact CN and OU (sceau cert inspect) for this environment; or it filters addresses, and ours is not among them",
        ),
    };
    let reason = verify.map(|verify| format!(" (it says {verify})")).unwrap_or_default();
    Step::new("certificate", State::Refused, format!("{number}: {found}{reason}")).but(advice)
}

/// nginx and others answer so where TLS itself is set to demand a certificate.
fn bad_request(plan: &Plan, body: &[u8]) -> Step {
    let page = String::from_utf8_lossy(body);
    let (found, advice) = if page.contains("No required SSL certificate") {
        (
            "400: the server demands a certificate, and none was shown",
            "give ours with --cert; the partner should answer 401 (ssl_verify_client optional)",
        )
    } else if page.contains("SSL certificate error") {
        (
            "400: the server does not believe our certificate",
            "the partner should answer 401 (ssl_verify_client optional); sceau cert verify tells what is wrong with ours",
        )
    } else {
        (
            "400: the server does not understand the request",
            "does the address lead to the service, and to its TLS port?",
        )
    };
    let state = if plan.identity.is_none() || page.contains("SSL certificate") {
        State::Refused
    } else {
        State::Trouble
    };
    Step::new("certificate", state, found).but(advice)
}

fn trouble(found: &str) -> Step {
    Step::new("check", State::Trouble, found)
}

/// A partner's words steer no terminal.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(300).collect()
}
