//! One question to a server over plain HTTP, on a connection that ends with it. What is answered is signed, or nobody's secret; how long it may last is
//! the caller's to say.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    body::Incoming,
    header::{CONNECTION, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle};

use crate::route::bare;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("the server does not speak HTTP, or stopped amid its answer: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the answer is larger than {0} octets")]
    TooLarge(usize),
}

/// An answer whose body is still to come.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    _driving: Driving,
}

/// Asks there; redirections are the caller's to refuse.
///
/// # Errors
/// [`Unanswered`].
pub(crate) async fn ask(
    to: &Uri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Unanswered> {
    let no_address = || io::Error::from(io::ErrorKind::InvalidInput);
    let authority = to.authority().ok_or_else(no_address)?;
    let host = bare(authority.host());
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let _driving = Driving(tokio::spawn(async move { drop(connection.await) }));
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() =
        to.path_and_query().map_or_else(|| Uri::from_static("/"), |path| path.clone().into());
    *request.headers_mut() = headers;
    let own = request.headers_mut();
    own.insert(HOST, HeaderValue::from_str(authority.as_str()).map_err(|_| no_address())?);
    own.insert(CONNECTION, HeaderValue::from_static("close"));
    own.insert(USER_AGENT, HeaderValue::from_static(concat!("sceau-gate/", env!("CARGO_PKG_VERSION"))));
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Answer { status: head.status, headers: head.headers, body, _driving })
}

impl Answer {
    /// All of its body, of at most so many octets.
    ///
    /// # Errors
    /// [`Unanswered::Broken`], [`Unanswered::TooLarge`].
    pub(crate) async fn body(self, most: usize) -> Result<Bytes, Unanswered> {
        match Limited::new(self.body, most).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Unanswered::TooLarge(most)),
            Err(error) => Err(match error.downcast::<hyper::Error>() {
                Ok(error) => Unanswered::Broken(*error),
                Err(error) => Unanswered::Unreachable(io::Error::other(error)),
            }),
        }
    }
}

/// Ends with the question, whenever that ends.
pub(crate) struct Driving(pub(crate) JoinHandle<()>);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}
