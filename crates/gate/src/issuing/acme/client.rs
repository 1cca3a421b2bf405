//! Requests to an authority: over TLS that is believed, bounded in size and time, on a connection that ends with each. No redirection is followed.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    header::{CONNECTION, HOST, HeaderValue, RETRY_AFTER},
    http::uri::Scheme,
};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::{ClientConfig, pki_types::ServerName};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{clock::now, issuing::trouble::Trouble, question::Driving, route::bare};

const WITHIN: Duration = Duration::from_secs(30);
/// Of a chain, or of a directory.
const LARGEST: usize = 256 << 10;
/// However long an authority wants to be left alone, a person may have mended it meanwhile (milliseconds).
const LONGEST: u64 = 7 * 24 * 3_600_000;

/// The way to one authority.
pub(super) struct Client {
    tls: Arc<ClientConfig>,
    /// When it may be asked again, where it says so (Unix milliseconds).
    heard: Arc<AtomicU64>,
}

impl Client {
    pub(super) fn new(tls: Arc<ClientConfig>, heard: Arc<AtomicU64>) -> Self {
        Self { tls, heard }
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (tls, heard) = (Arc::clone(&self.tls), Arc::clone(&self.heard));
        Box::pin(async move {
            let answered = tokio::time::timeout(WITHIN, ask(tls, request)).await;
            let answered = answered.unwrap_or(Err(Trouble::TooSlow));
            let response = answered.map_err(|trouble| Error::Other(Box::new(trouble)))?;
            match busy(response.status()) {
                None => Ok(response.into()),
                Some(trouble) => {
                    let said = response.headers().get(RETRY_AFTER);
                    heard.store(said.and_then(|it| until(it, now())).unwrap_or_default(), Ordering::Relaxed);
                    Err(Error::Other(Box::new(trouble)))
                }
            }
        })
    }
}

/// Whatever else it says.
fn busy(status: StatusCode) -> Option<Trouble> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(Trouble::RateLimited(status.to_string())),
        StatusCode::SERVICE_UNAVAILABLE => Some(Trouble::Away(format!("it answers {status}"))),
        _ => None,
    }
}

async fn ask(
    tls: Arc<ClientConfig>,
    mut request: Request<BodyWrapper<Bytes>>,
) -> Result<Response<Full<Bytes>>, Trouble> {
    let malformed = || Trouble::Broken("it names an address that does not begin with https://".to_owned());
    let uri = request.uri().clone();
    let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTPS)).ok_or_else(malformed)?;
    let host = bare(authority.host());
    let name = ServerName::try_from(host.to_owned()).map_err(|_| malformed())?;
    let away = |error: io::Error| Trouble::Away(error.to_string());
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(443))).await.map_err(away)?;
    let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(of_tls)?;
    let broken = |error: hyper::Error| Trouble::Broken(error.to_string());
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(broken)?;
    let _driving = Driving(tokio::spawn(async move { drop(connection.await) }));
    let named = HeaderValue::from_str(authority.as_str()).map_err(|_| malformed())?;
    request.headers_mut().insert(HOST, named);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| malformed())?;
    let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
    let body = Limited::new(body, LARGEST).collect().await;
    let body = body.map_err(|error| Trouble::Broken(error.to_string()))?.to_bytes();
    if head.status.is_redirection() {
        return Err(Trouble::Broken("it answers with a redirection, and none is followed".to_owned()));
    }
    Ok(Response::from_parts(head, Full::new(body)))
}

/// Whether the server is not believed, or something else is in the way.
fn of_tls(error: io::Error) -> Trouble {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(cause)) => Trouble::Untrusted(cause.to_string()),
        _ => Trouble::Away(error.to_string()),
    }
}

/// RFC 9110 §10.2.3, in Unix milliseconds.
fn until(value: &HeaderValue, now: u64) -> Option<u64> {
    let text = value.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => {
            // A date of HTTP is one of RFC 5322, but for the name of its zone (RFC 9110 §5.6.7).
            let date = OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()?;
            u64::try_from(date.unix_timestamp()).ok()?.saturating_mul(1000).saturating_sub(now)
        }
    };
    Some(now.saturating_add(wait.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_say_when_are_read_and_neither_locks_for_ever() {
        let read = |text: &'static str| until(&HeaderValue::from_static(text), 1_000_000);
        assert_eq!(read("120"), Some(1_120_000));
        assert_eq!(read("99999999999999999999"), None);
        assert_eq!(read("9999999999"), Some(1_000_000 + LONGEST));
        assert_eq!(read("Thu, 01 Jan 1970 00:20:00 GMT"), Some(1_200_000));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:01 GMT"), Some(1_000_000), "long over");
        assert_eq!(read("soon"), None);
    }
}
