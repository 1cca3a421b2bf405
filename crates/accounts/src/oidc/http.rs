//! How a provider is asked: one exchange, no redirect, a bounded answer, and the time that its server says.

use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE};
use url::Url;
use zeroize::Zeroizing;

/// How long an exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 1024 * 1024;

/// What is asked. `Debug` shows the address only: forms hold codes and secrets.
pub struct Ask {
    /// Where.
    pub url: Url,
    /// `Authorization`, where it is shown.
    pub authorization: Option<Zeroizing<String>>,
    /// A form to post; without one it is a GET.
    pub form: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ask({})", self.url)
    }
}

impl Ask {
    /// A GET without credentials.
    pub fn get(url: Url) -> Self {
        Self { url, authorization: None, form: None }
    }
}

/// What came back. `Debug` shows the status only.
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The media type, in lower case and without parameters.
    pub media_type: String,
    /// The time of the server, in milliseconds since the Unix epoch, to the second.
    pub date_ms: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpAnswer({})", self.status)
    }
}

/// No answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct HttpFailure(pub String);

/// What carries an exchange; tests have one of their own.
pub trait Http: Send + Sync + 'static {
    /// Asks once.
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<HttpAnswer, HttpFailure>>;
}

/// The real one, over TLS.
#[derive(Debug, Clone)]
pub struct WebClient(reqwest::Client);

impl WebClient {
    /// A client that trusts the system's authorities, and those of `pem` beside them.
    ///
    /// # Errors
    /// When `pem` holds no certificate, or TLS cannot be set up.
    pub fn new(pem: Option<&[u8]>) -> Result<Self, HttpFailure> {
        let mut client = reqwest::Client::builder()
            .timeout(PATIENCE)
            // Secrets are for the address that was judged, and for no other.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(pem) = pem {
            let authorities = reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|authorities| !authorities.is_empty())
                .ok_or_else(|| HttpFailure("the authorities are not PEM certificates".into()))?;
            client = authorities.into_iter().fold(client, reqwest::ClientBuilder::add_root_certificate);
        }
        client.build().map(Self).map_err(|error| HttpFailure(error.to_string()))
    }

    async fn exchange(&self, ask: Ask) -> Result<HttpAnswer, HttpFailure> {
        let request = match &ask.form {
            None => self.0.get(ask.url),
            Some(form) => self
                .0
                .post(ask.url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.as_str().to_owned()),
        };
        let request = request.header(ACCEPT, "application/json, application/jwt");
        let request = match &ask.authorization {
            None => request,
            Some(value) => request.header(AUTHORIZATION, value.as_str()),
        };
        let mut response = request.send().await.map_err(cause)?;
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let media_type = text(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
        let media_type = media_type.trim().to_ascii_lowercase();
        let date_ms = text(DATE).and_then(date_ms);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(cause)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(HttpFailure("its answer is longer than 1 MiB".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpAnswer { status: response.status().as_u16(), media_type, date_ms, body })
    }
}

impl Http for WebClient {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<HttpAnswer, HttpFailure>> {
        Box::pin(self.exchange(ask))
    }
}

/// The innermost cause, which says whether it is the name, the connection, the certificate or the time.
fn cause(error: reqwest::Error) -> HttpFailure {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    HttpFailure(deepest.to_string())
}

/// `Date` as HTTP writes it (RFC 9110 section 5.6.7, the preferred form).
fn date_ms(text: &str) -> Option<u64> {
    use time::macros::format_description;
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = time::PrimitiveDateTime::parse(text, form).ok()?.assume_utc();
    u64::try_from(date.unix_timestamp()).ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        assert_eq!(date_ms("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(date_ms("yesterday"), None);
    }

    #[test]
    fn no_secret_is_shown() {
        let ask = Ask {
            form: Some("client_secret=hunter2".to_owned().into()),
            authorization: Some("Bearer hunter3".to_owned().into()),
            ..Ask::get(Url::parse("https://a.fr/token").expect("an address"))
        };
        assert_eq!(format!("{ask:?}"), "Ask(https://a.fr/token)");
    }
}
