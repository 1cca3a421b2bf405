//! HTTP to a Sceau server: JSON in and out, problems turned into errors, `*.localhost` mapped to this machine.
//!
//! A path begins with a slash and is resolved against the server's origin; redirects are not followed. An answer is read to 64 MiB; a connection may take
//! ten seconds, and an answer may pause for sixty.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::RwLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Identity, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::ClientError;
use crate::name::plain;

/// One server, with a cookie jar of its own and, for machines, a bearer token.
pub struct Server {
    http: reqwest::Client,
    origin: Url,
    bearer: RwLock<Option<String>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.origin)
    }
}

/// How to reach a server over TLS: its anchor and, where asked for, who we are. By default: the system's anchors, and nobody.
#[derive(Debug, Default)]
pub struct Trust {
    /// Anchors, one PEM certificate after the other, in the place of the system's.
    pub anchors_pem: Option<Vec<u8>>,
    /// Client certificate chain, leaf first, and its private key (PKCS #8), in PEM.
    pub identity_pem: Option<Vec<u8>>,
}

impl Server {
    /// A server at `origin` (scheme, host and port). Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`ClientError::Address`], [`ClientError::Anchors`] or [`ClientError::Identity`] for what is none; [`ClientError::Transport`] where TLS cannot be set up.
    pub fn new(origin: &str, trust: &Trust) -> Result<Self, ClientError> {
        let origin = Url::parse(origin).map_err(|_| ClientError::Address(origin.to_owned()))?;
        let mut builder = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60));
        if let Some(host) =
            origin.host_str().filter(|_| is_this_machine(&origin) && origin.domain().is_some())
        {
            builder = builder.resolve(host, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).no_proxy();
        }
        if let Some(pem) = &trust.anchors_pem {
            let anchors = Certificate::from_pem_bundle(pem).ok().filter(|anchors| !anchors.is_empty());
            let anchors = anchors.ok_or(ClientError::Anchors)?;
            builder = builder.tls_certs_only(anchors);
        }
        if let Some(pem) = &trust.identity_pem {
            builder = builder.identity(Identity::from_pem(pem).map_err(|_| ClientError::Identity)?);
        }
        let http = builder.build().map_err(ClientError::Transport)?;
        Ok(Self { http, origin, bearer: RwLock::new(None) })
    }

    /// The same server, with the same connections, under another bearer token.
    #[must_use]
    pub fn with_bearer(&self, token: String) -> Self {
        let bearer = RwLock::new(Some(token));
        Self { http: self.http.clone(), origin: self.origin.clone(), bearer }
    }

    /// Scheme, host and port, as browsers write an origin.
    pub fn origin(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    /// Host, and port where it is not the scheme's, as its requests say it.
    pub fn host(&self) -> String {
        let host = self.origin.host_str().unwrap_or_default();
        self.origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The bearer token that it sends.
    pub(crate) fn bearer(&self) -> Option<String> {
        self.bearer.read().ok().and_then(|bearer| bearer.clone())
    }

    /// Sends this bearer token (RFC 6750) from now on; none, with `None`.
    pub fn set_bearer(&self, token: Option<String>) {
        if let Ok(mut bearer) = self.bearer.write() {
            *bearer = token;
        }
    }

    /// GET of a JSON document; 204 No Content reads as `null`.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when it cannot be reached; [`ClientError::Refused`] with its code; [`ClientError::Clear`] where a token would travel in
    /// clear; [`ClientError::TooLong`]; [`ClientError::Answer`] for another form than `T`'s.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        json(self.send(self.request(Method::GET, path)?).await?).await
    }

    /// GET of `/check`: what a role stands on, each `pass`, `warn` or `fail`. One that is not well says so with 503 and the same document.
    pub async fn check(&self) -> Result<BTreeMap<String, String>, ClientError> {
        #[derive(serde::Deserialize)]
        struct Check {
            checks: BTreeMap<String, String>,
        }
        let response = self.request(Method::GET, "/check")?.send().await.map_err(ClientError::Transport)?;
        let status = response.status();
        let body = bounded(response).await?;
        match serde_json::from_slice::<Check>(&body) {
            Ok(check) if status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE => Ok(check.checks),
            // A proxy's word.
            _ => Err(refused(status, &body)),
        }
    }

    /// GET of bytes, 64 MiB at most.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when it cannot be reached; [`ClientError::Refused`] with its code; [`ClientError::Clear`] where a token would travel in
    /// clear; [`ClientError::TooLong`].
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, ClientError> {
        bounded(self.send(self.request(Method::GET, path)?).await?).await
    }

    /// POST of a JSON document, answered by one; 204 No Content reads as `null`.
    ///
    /// # Errors
    /// As [`Self::get`]; [`ClientError::Clear`] for any plain HTTP to another machine.
    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        json(self.send(self.request(Method::POST, path)?.json(body)).await?).await
    }

    /// POST of a text of this media type, answered by a JSON document.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn post_text<T: DeserializeOwned>(
        &self,
        path: &str,
        media_type: &'static str,
        text: String,
    ) -> Result<T, ClientError> {
        let request = self.request(Method::POST, path)?.header("content-type", media_type).body(text);
        json(self.send(request).await?).await
    }

    /// POST of a form (RFC 6749 section 4.4.2), with HTTP Basic credentials: id and secret. Answered by a JSON document.
    ///
    /// # Errors
    /// As [`Self::post`]. Credentials that do not fit are [`ClientError::Refused`] with the code `invalid_client`.
    pub async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        credentials: (&str, &str),
        fields: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let request =
            self.request(Method::POST, path)?.basic_auth(credentials.0, Some(credentials.1)).form(fields);
        json(self.send(request).await?).await
    }

    /// PUT of a JSON document, answered by one; 204 No Content reads as `null`.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        json(self.send(self.request(Method::PUT, path)?.json(body)).await?).await
    }

    /// PUT of bytes with the SHA-256 of them, as `Content-Digest` (RFC 9530). What is answered is not read.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn put_bytes(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
        digest: &[u8; 32],
    ) -> Result<(), ClientError> {
        use base64::Engine as _;
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        let request = self
            .request(Method::PUT, path)?
            .header("content-type", "application/octet-stream")
            .header("content-digest", format!("sha-256=:{digest}:"))
            .body(body);
        self.send(request).await.map(|_| ())
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        let url = self.origin.join(path).map_err(|_| ClientError::Address(path.to_owned()))?;
        let safe = method == Method::GET;
        let mut request = self.http.request(method, url);
        if !safe {
            // Servers take unsafe requests of their own pages only; a program says that it acts as one.
            request = request.header("origin", self.origin());
        }
        let bearer = self.bearer.read().ok().and_then(|bearer| bearer.clone());
        // What is public may be read over plain HTTP, for its proofs are checked; nothing is sent, and no token shown.
        let in_clear = self.origin.scheme() != "https" && !is_this_machine(&self.origin);
        if in_clear && !(safe && bearer.is_none()) {
            return Err(ClientError::Clear(self.origin()));
        }
        Ok(match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(ClientError::Transport)?;
        let status = response.status();
        if status.is_success() { Ok(response) } else { Err(refusal(status, response).await) }
    }
}

/// The largest answer that is read: a bundle of 200 headers is far below. A server that never ends must not fill our memory.
const MAX_ANSWER: usize = 64 << 20;

/// The whole body, if it is not longer than any that is agreed.
async fn bounded(mut response: Response) -> Result<Bytes, ClientError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::Transport)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// `localhost`, a name under it (RFC 6761 section 6.3), or a loopback address.
fn is_this_machine(origin: &Url) -> bool {
    match origin.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let bytes = bounded(response).await?;
    // 204 No Content reads as null.
    let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    serde_json::from_slice(text).map_err(|_| ClientError::Answer)
}

/// The code of the token endpoint's answer to a client id and secret that do not fit (RFC 6749 section 5.2).
const INVALID_CLIENT: &str = "invalid_client";

/// An RFC 9457 problem, or only its status where a proxy answered.
async fn refusal(status: StatusCode, response: Response) -> ClientError {
    refused(status, &bounded(response).await.unwrap_or_default())
}

fn refused(status: StatusCode, body: &[u8]) -> ClientError {
    #[derive(serde::Deserialize)]
    struct Problem {
        code: String,
        #[serde(default)]
        detail: String,
    }
    #[derive(serde::Deserialize)]
    struct Grant {
        error: String,
    }
    match (serde_json::from_slice::<Problem>(body), serde_json::from_slice::<Grant>(body)) {
        (Ok(problem), _) => {
            let (code, detail) = (plain(&problem.code), plain(&problem.detail));
            ClientError::Refused { status: status.as_u16(), code, detail }
        }
        (_, Ok(grant)) if status == StatusCode::UNAUTHORIZED && grant.error == INVALID_CLIENT => ClientError::Refused {
            status: status.as_u16(),
            code: INVALID_CLIENT.to_owned(),
            detail:
                "unknown client or wrong secret; compare both with what was shown when the client was made"
                    .to_owned(),
        },
        _ => ClientError::Refused {
            status: status.as_u16(),
            code: "not_a_sceau_server".to_owned(),
            detail: "the answer is not one of Sceau’s; check the address and any proxy between".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_secret_is_no_other_server() {
        let code = |body: &str| match refused(StatusCode::UNAUTHORIZED, body.as_bytes()) {
            ClientError::Refused { code, .. } => code,
            other => other.to_string(),
        };
        assert_eq!(code(r#"{"error":"invalid_client","error_description":"wrong"}"#), "invalid_client");
        assert_eq!(code(r#"{"error":"gateway"}"#), "not_a_sceau_server");
        assert_eq!(code("<html>"), "not_a_sceau_server");
    }

    #[test]
    fn a_server_s_words_steer_no_terminal() {
        assert_eq!(plain("Réessayez plus tard."), "Réessayez plus tard.");
        assert_eq!(plain("\u{1b}[2Jdone\r\n\u{9b}1m\u{202e}x"), "�[2Jdone��\u{fffd}1m�x");
        assert_eq!(plain(&"é".repeat(5000)).chars().count(), 1000);
    }
}
