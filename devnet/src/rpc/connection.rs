//! A client's connection, which ends when the client keeps the server waiting.
//!
//! The server below it reads whatever comes and holds every answer until the client reads it. So a client
//! could keep a connection slot for ever by sending a request byte by byte, or fill the memory by sending
//! requests and never reading. Here
//!
//! - a request must be complete `patience` after its first byte,
//! - an answer must be read `patience` after the connection is full,
//! - no request is read while an answer is unread, or while [`MAX_UNANSWERED`] bytes wait for one,
//!   and no answer is made while too many of them are unread, see [`Flow`],
//! - a connection on which nothing comes for [`IDLE`] times `patience` is closed.

use super::{flow::Flow, server::MAX_REQUEST};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};

/// How many times longer an idle connection is tolerated than a busy one.
const IDLE: u32 = 4;
/// Bytes read since something was last written: the largest request and its frame.
const MAX_UNANSWERED: usize = MAX_REQUEST as usize + (64 << 10);

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    patience: Duration,
    /// When the request being read began, and the bytes read since; none after an answer.
    unanswered: Option<(Instant, usize)>,
    /// Runs from the last byte read.
    idle: Pin<Box<Sleep>>,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The reader waiting for the writer.
    held: Option<Waker>,
    /// The writer gave up.
    failed: bool,
    flow: Arc<Flow>,
    /// Its connection slot.
    _place: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(
        socket: TcpStream,
        patience: Duration,
        place: OwnedSemaphorePermit,
        flow: Arc<Flow>,
    ) -> Self {
        Self {
            socket,
            patience,
            unanswered: None,
            idle: Box::pin(sleep(patience * IDLE)),
            stalled: None,
            held: None,
            failed: false,
            flow,
            _place: place,
        }
    }

    /// Whether the reader has to wait for the writer.
    fn holds_reader(&self) -> bool {
        let unanswered = self.unanswered.map_or(0, |(_, bytes)| bytes);
        self.stalled.is_some() || unanswered >= MAX_UNANSWERED
    }

    /// Something was written, or the writer failed: the reader continues.
    fn written(&mut self) {
        self.stalled = None;
        self.unanswered = None;
        if let Some(reader) = self.held.take() {
            reader.wake();
        }
    }

    /// What a write that ended with `outcome` means for the connection.
    fn after_write(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                self.flow.took(bytes);
                self.written();
                outcome
            }
            Poll::Ready(Err(_)) => {
                self.failed = true;
                self.written();
                outcome
            }
            Poll::Pending => {
                let patience = self.patience;
                let stalled = self
                    .stalled
                    .get_or_insert_with(|| Box::pin(sleep(patience)));
                if stalled.as_mut().poll(context).is_pending() && !self.failed {
                    return Poll::Pending;
                }
                self.failed = true;
                self.written();
                Poll::Ready(Err(late("the client does not read its answers")))
            }
        }
    }
}

fn late(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(Err(late("the client does not read its answers")));
        }
        if this.holds_reader() {
            this.held = Some(context.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.socket).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let read = buffer.filled().len() - before;
                let (begun, bytes) = this.unanswered.unwrap_or_else(|| (Instant::now(), 0));
                if begun.elapsed() > this.patience {
                    return Poll::Ready(Err(late("the client did not finish its request")));
                }
                this.unanswered = Some((begun, bytes + read));
                let silence = this.patience * IDLE;
                this.idle.as_mut().reset(Instant::now() + silence);
                Poll::Ready(Ok(()))
            }
            Poll::Pending => match this.idle.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(late("the client is silent"))),
                Poll::Pending => Poll::Pending,
            },
            failed @ Poll::Ready(_) => failed,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write(context, bytes);
        this.after_write(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write_vectored(context, bytes);
        this.after_write(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
