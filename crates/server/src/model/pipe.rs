//! A connection without a socket.
//!
//! Its own lock is none that the checker knows: a pipe's steps are whole, as a system call's are.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Default)]
struct State {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    /// Bytes of `to_client` that the system would hold.
    capacity: usize,
    server_is_gone: bool,
    client_is_gone: bool,
    /// Who waits: the server to read, to write, the client to read.
    waiting: [Option<Waker>; 3],
}

const SERVER_READS: usize = 0;
const SERVER_WRITES: usize = 1;
const CLIENT_READS: usize = 2;

impl State {
    fn wait<T>(&mut self, who: usize, context: &Context<'_>) -> Poll<T> {
        self.waiting[who] = Some(context.waker().clone());
        Poll::Pending
    }

    fn wake(&mut self, who: usize) {
        if let Some(waker) = self.waiting[who].take() {
            waker.wake();
        }
    }
}

type Pipe = Arc<Mutex<State>>;

fn lock(pipe: &Pipe) -> MutexGuard<'_, State> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both ends; so many bytes fit into the way to the client.
pub fn pipe(capacity: usize) -> (ServerReads, ServerWrites, ClientEnd) {
    let pipe = Pipe::default();
    lock(&pipe).capacity = capacity;
    (
        ServerReads(pipe.clone()),
        ServerWrites(pipe.clone()),
        ClientEnd(pipe),
    )
}

pub struct ServerReads(Pipe);
pub struct ServerWrites(Pipe);
pub struct ClientEnd(Pipe);

impl AsyncRead for ServerReads {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        if state.to_server.is_empty() && !state.client_is_gone {
            return state.wait(SERVER_READS, context);
        }
        let bytes = state.to_server.len().min(buffer.remaining());
        buffer.put_slice(&state.to_server[..bytes]);
        state.to_server.drain(..bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ServerWrites {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0);
        if state.client_is_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = state.capacity - state.to_client.len();
        if room == 0 {
            return state.wait(SERVER_WRITES, context);
        }
        let written = bytes.len().min(room);
        state.to_client.extend_from_slice(&bytes[..written]);
        state.wake(CLIENT_READS);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        state.server_is_gone = true;
        state.wake(CLIENT_READS);
        Poll::Ready(Ok(()))
    }
}

impl Drop for ServerWrites {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.server_is_gone = true;
        state.wake(CLIENT_READS);
    }
}

impl ClientEnd {
    pub fn write(&self, bytes: &[u8]) {
        let mut state = lock(&self.0);
        state.to_server.extend_from_slice(bytes);
        state.wake(SERVER_READS);
    }

    /// All that is there; nothing at the end.
    pub fn poll_read(&self, context: &Context<'_>) -> Poll<Vec<u8>> {
        let mut state = lock(&self.0);
        if state.to_client.is_empty() && !state.server_is_gone {
            return state.wait(CLIENT_READS, context);
        }
        state.wake(SERVER_WRITES);
        Poll::Ready(std::mem::take(&mut state.to_client))
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.client_is_gone = true;
        state.wake(SERVER_READS);
        state.wake(SERVER_WRITES);
    }
}
