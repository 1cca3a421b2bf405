//! Connections of HTTP, for hosts that end TLS themselves: what is spoken on each, and how long one may stay silent.

mod asking;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Cursor};
use std::pin::pin;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, Chain, Join, ReadHalf, WriteHalf, join, split};
use tokio::time::sleep;

use self::asking::Asked;

/// What HTTP/2 begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long who was told that its connection ends may take to end it.
const GOODBYE: Duration = Duration::from_secs(5);

/// The two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    One,
    /// HTTP/2.
    Two,
}

/// Octets of which the first were read before.
pub type Heard<S> = Join<Chain<Cursor<Vec<u8>>, ReadHalf<S>>, WriteHalf<S>>;

impl Protocol {
    /// What a TLS handshake agreed on (ALPN, RFC 7301); HTTP/1.1 where it agreed on nothing.
    #[must_use]
    pub fn agreed(alpn: Option<&[u8]>) -> Self {
        if alpn == Some(b"h2") { Self::Two } else { Self::One }
    }

    /// Without TLS: HTTP/2 if that is what is spoken from the first octet on (RFC 9113 section 3.3), HTTP/1.1 otherwise.
    ///
    /// # Errors
    /// When nothing can be read.
    pub async fn heard<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<(Self, Heard<S>)> {
        let mut first = Vec::with_capacity(PREFACE.len());
        let begins = |first: &[u8]| first.iter().zip(PREFACE).all(|(came, wanted)| came == wanted);
        while first.len() < PREFACE.len() && begins(&first) {
            if stream.read_buf(&mut first).await? == 0 {
                break;
            }
        }
        let is_two = first.len() >= PREFACE.len() && begins(&first);
        let (read, write) = split(stream);
        let stream = join(Cursor::new(first).chain(read), write);
        Ok((if is_two { Self::Two } else { Self::One }, stream))
    }
}

/// Bounds of what is spoken on a connection.
#[derive(Debug, Clone, Copy)]
pub struct Conversation {
    /// How long the head of a request may take, of the first one from the beginning on; over HTTP/2, how long nothing may be asked.
    pub head_within: Duration,
    /// Requests at once on a connection of HTTP/2.
    pub streams: u32,
    /// Octets that are read ahead of a request, where that is to be few; of a connection of HTTP/2, four times as many.
    pub read_ahead: Option<u32>,
}

impl Conversation {
    /// Answers requests until the other side ends, keeps silent for too long, or `told` resolves and what is under way is answered.
    ///
    /// # Errors
    /// When the connection breaks, or the other side does not keep to the protocol or to its time.
    pub async fn speak<F, B>(
        self,
        (protocol, stream): (Protocol, impl AsyncRead + AsyncWrite + Unpin + Send + 'static),
        answer: impl Fn(Request<Incoming>) -> F,
        told: impl Future<Output = ()>,
    ) -> hyper::Result<()>
    where
        F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>, Data: Send> + Send + Unpin + 'static,
    {
        match protocol {
            Protocol::One => self.one(stream, answer, told).await,
            Protocol::Two => self.two(stream, answer, told).await,
        }
    }

    async fn one<F, B>(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        answer: impl Fn(Request<Incoming>) -> F,
        told: impl Future<Output = ()>,
    ) -> hyper::Result<()>
    where
        F: Future<Output = Result<Response<B>, Infallible>>,
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.head_within);
        if let Some(octets) = self.read_ahead {
            builder.max_buf_size(octets as usize);
        }
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = told => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }

    async fn two<F, B>(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        answer: impl Fn(Request<Incoming>) -> F,
        told: impl Future<Output = ()>,
    ) -> hyper::Result<()>
    where
        F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>, Data: Send> + Send + Unpin + 'static,
    {
        let asked = Asked::default();
        let service = service_fn(|request| {
            let (under_way, answer) = (asked.begin(), answer(request));
            async move { Ok::<_, Infallible>(answer.await?.map(|body| under_way.until_over(body))) }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(self.head_within);
        builder.max_concurrent_streams(self.streams);
        if let Some(octets) = self.read_ahead {
            builder
                .initial_stream_window_size(octets)
                .initial_connection_window_size(octets.saturating_mul(4));
        }
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = told => {}
            () = asked.nothing_for(self.head_within) => {}
        }
        // It says which request was the last (RFC 9113 section 6.8): who asks meanwhile loses nothing.
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = async { sleep(GOODBYE).await; asked.nothing_for(GOODBYE).await } => Ok(()),
        }
    }
}
