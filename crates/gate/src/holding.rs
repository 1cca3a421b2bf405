//! Streams and bodies that hold something until they are dropped.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::answer::BoxError;

/// Octets both ways, whatever carries them.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream, and what is held as long as it is open.
#[derive(Debug)]
pub(crate) struct Holding<S, H> {
    pub(crate) stream: S,
    pub(crate) held: H,
}

/// What may be held with a stream.
pub(crate) trait Held: Unpin {
    /// Gives what is to be read before anything of the stream is; whether there was any.
    fn read_first(&mut self, _buffer: &mut ReadBuf<'_>) -> bool {
        false
    }
}

impl<S: AsyncRead + Unpin, H: Held> AsyncRead for Holding<S, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.held.read_first(buffer) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, H: Held> AsyncWrite for Holding<S, H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A body on its way, and who is told of it as it passes. What that one is, it holds to the end of the body.
pub(crate) struct Watched<B, W> {
    body: B,
    watcher: W,
}

/// Learns what passes of a body.
pub(crate) trait Watcher: Unpin {
    /// So many octets of it, and whether that was its end.
    fn passed(&mut self, _octets: usize, _is_whole: bool) {}
}

impl<B, W> Watched<B, W> {
    pub(crate) fn new(body: B, watcher: W) -> Self {
        Self { body, watcher }
    }
}

impl<B, W> HttpBody for Watched<B, W>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
    W: Watcher,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let is_whole = self.body.is_end_stream();
        match &frame {
            Some(Ok(frame)) => {
                let octets = frame.data_ref().map_or(0, Bytes::len);
                self.watcher.passed(octets, is_whole);
            }
            Some(Err(_)) => {}
            None => self.watcher.passed(0, true),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
