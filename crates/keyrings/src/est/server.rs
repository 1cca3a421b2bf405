//! An authority's server, over TLS.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Identity, RequestBuilder, Response};
use sceau_element_api::Base64Url;

use super::answer::{self, Answered, LONGEST};
use super::trouble::Trouble;

/// How long a connection, and an answer, may take.
const CONNECTS: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);
/// Base64 in lines of so many characters, which readers of before RFC 8951 want.
const LINE: usize = 64;
const ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

/// Whom to believe at an authority's address, and how it knows this host (RFC 7030 sections 3.2.3, 3.3).
#[derive(Default)]
pub struct EstAccess<'a> {
    /// The authorities (PEM) that its server must be of; the system's, unless said.
    pub authorities: Option<&'a [u8]>,
    /// The host's certificate, those above it, and its key (PEM).
    pub identity: Option<&'a [u8]>,
    /// A user, and its password.
    pub password: Option<(&'a str, &'a str)>,
}

impl std::fmt::Debug for EstAccess<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EstAccess(redacted)")
    }
}

/// An authority that the operator set.
pub struct EstServer {
    http: Client,
    url: String,
}

impl std::fmt::Debug for EstServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EstServer({})", self.url)
    }
}

impl EstServer {
    /// The one at this https address, which policies name as it is.
    ///
    /// # Errors
    /// Why no client can be made.
    pub fn new(url: String, access: &EstAccess<'_>) -> Result<Self, String> {
        let mut http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .https_only(true)
            .connect_timeout(CONNECTS)
            .timeout(PATIENCE);
        if let Some(pem) = access.authorities {
            let anchors = Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())?;
            if anchors.is_empty() {
                return Err("ca_file has no certificate in PEM".to_owned());
            }
            http = http.tls_certs_only(anchors);
        }
        if let Some(pem) = access.identity {
            let identity = Identity::from_pem(pem)
                .map_err(|_| "identity_file has no certificate with its key in PEM".to_owned())?;
            http = http.identity(identity);
        }
        if let Some((user, password)) = access.password {
            let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            let mut basic = HeaderValue::from_str(&basic).map_err(|error| error.to_string())?;
            basic.set_sensitive(true);
            http = http.default_headers(HeaderMap::from_iter([(AUTHORIZATION, basic)]));
        }
        let http = http.build().map_err(|error| error.to_string())?;
        Ok(Self { http, url })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether a policy that names this address means it.
    pub(super) fn is_at(&self, url: &str) -> bool {
        self.url == url
    }

    /// The certificates of the authority (RFC 7030 section 4.1): whether it is reached, and answers.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn check(&self) -> Result<usize, Trouble> {
        Ok(self.authorities(None).await?.len())
    }

    /// The certificates of the authority: of these some may stand above what it issues.
    pub(super) async fn authorities(&self, label: Option<&str>) -> Result<Vec<Base64Url>, Trouble> {
        match self.ask(self.http.get(self.place(label, "cacerts"))).await? {
            Answered::Issued(certificates) => Ok(certificates),
            Answered::Later(_) => Err(Trouble::Broken("it has its own certificates waited for".to_owned())),
        }
    }

    /// Asks for a certificate (RFC 7030 section 4.2).
    pub(super) async fn enrol(&self, label: Option<&str>, request: &[u8]) -> Result<Answered, Trouble> {
        let post = self.http.post(self.place(label, "simpleenroll"));
        let post = post.header(CONTENT_TYPE, "application/pkcs10").header(ENCODING, "base64");
        self.ask(post.body(in_lines(request))).await
    }

    fn place(&self, label: Option<&str>, what: &str) -> String {
        match label {
            Some(label) => format!("{}/.well-known/est/{label}/{what}", self.url),
            None => format!("{}/.well-known/est/{what}", self.url),
        }
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Answered, Trouble> {
        let response = request.send().await.map_err(away)?;
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if let Some(answered) = answer::status(response.status().as_u16(), header(RETRY_AFTER))? {
            return Ok(answered);
        }
        let kind = header(CONTENT_TYPE).map(str::to_owned);
        let body = body(response).await?;
        answer::certificates(kind.as_deref(), &body).map(Answered::Issued)
    }
}

/// A body, as far as any is read.
async fn body(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(away)? {
        if body.len() + part.len() > LONGEST {
            return Err(Trouble::Broken("it is longer than any answer".to_owned()));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// In the library's words, with what is below them; the address is said elsewhere.
fn away(error: reqwest::Error) -> Trouble {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut below = std::error::Error::source(&error);
    while let Some(cause) = below {
        words = format!("{words}: {cause}");
        below = cause.source();
    }
    Trouble::Away(words)
}

fn in_lines(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = String::with_capacity(text.len() + text.len() / LINE * 2 + 2);
    for (place, letter) in text.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            lines.push_str("\r\n");
        }
        lines.push(letter);
    }
    lines.push_str("\r\n");
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_request_is_in_lines_that_any_reader_takes() {
        let lines = in_lines(&[7; 100]);
        assert!(lines.lines().all(|line| line.len() <= LINE) && lines.ends_with("\r\n"));
        assert_eq!(STANDARD.decode(lines.replace("\r\n", "")).unwrap(), [7; 100]);
    }

    #[test]
    fn nothing_shows_the_password_and_labels_are_within_the_path() {
        let access = EstAccess { password: Some(("sceau", "a password")), ..EstAccess::default() };
        let server = EstServer::new("https://est.example.org/a".to_owned(), &access).unwrap();
        assert!(!format!("{access:?} {server:?} {:?}", server.http).contains("a password"));
        assert!(!format!("{:?}", server.http).contains(&STANDARD.encode("sceau:a password")));
        assert_eq!(server.place(None, "cacerts"), "https://est.example.org/a/.well-known/est/cacerts");
        assert_eq!(server.place(Some("b"), "x"), "https://est.example.org/a/.well-known/est/b/x");
    }
}
