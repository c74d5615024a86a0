//! The task that has a client's socket: reads frames, writes what is queued.
//!
//! One loop for both ways. What may be read is decided anew each round, so a client that does not
//! take its replies, or has too much outstanding, is simply not read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use listener::{Accepted, Admission, FrameReader};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::request::{Batch, Violation};
use super::turn::Load;
use super::{Connection, probe};
use crate::clock;
use crate::limits;
use crate::replica::Input;
use crate::shared::{Server, Shared};
use crate::stats::ServerStats;
use crate::words;

/// How long a client may take to end its side after a four-letter word.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Characters of an answer to a four-letter word that Apache counts as a packet (Java's `BufferedWriter`).
const ANSWER_PACKET_CHARS: usize = 8192;

/// Why a connection ends, for the log.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error(transparent)]
    Frame(#[from] listener::FrameError),
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("no session within {0:?} (nio.sessionlessCnxnTimeout)")]
    Sessionless(Duration),
    #[error("{0} on the client port")]
    Stranger(&'static str),
    #[error("took no byte of its replies for {0:?}")]
    Stalled(Duration),
}

/// A client that has come.
#[derive(Debug)]
pub struct Arrival {
    /// Its address.
    pub remote: SocketAddr,
    /// Counts it among those that are open.
    pub admission: Option<Admission>,
    /// Whose certificate it has shown.
    pub subject: Option<String>,
    /// What is written waits in TLS until it is flushed.
    pub is_secure: bool,
    /// It came to the port for clients with TLS.
    pub on_secure_port: bool,
}

/// What is set on a client's socket. Nothing of it is worth a connection: without, it is only slower, or noticed later.
pub(super) fn set_options(server: &Shared, stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(stream).set_keepalive(server.config.client_tcp_keep_alive);
}

/// Serves one client's socket from its first byte to its last.
pub async fn serve(server: Server, accepted: Accepted) {
    let Accepted {
        mut stream,
        remote,
        admission,
    } = accepted;
    set_options(&server, &stream);
    let arrival = Arrival {
        remote,
        admission: Some(admission),
        subject: None,
        is_secure: false,
        on_secure_port: false,
    };
    let (reader, writer) = stream.split();
    serve_streams(&server, arrival, reader, writer).await;
}

/// Serves one client, whatever its bytes come from.
pub async fn serve_streams(
    server: &Server,
    arrival: Arrival,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
) {
    let Arrival {
        remote,
        admission,
        subject,
        is_secure,
        on_secure_port,
    } = arrival;
    let id = server.next_connection.fetch_add(1, Relaxed);
    let mut connection = Connection::new(id, remote, subject, &server.access.auth);
    connection.on_secure_port = on_secure_port;
    let connection = Arc::new(connection);
    let mut task = Task {
        frames: FrameReader::new(reader, server.config.jute_max_buffer),
        writer,
        writing: BytesMut::new(),
        is_secure,
        is_flushed: true,
        progress: Instant::now(),
        asked_for_session: false,
        batch: Batch::default(),
        server,
        registered: Registered::new(server, &connection, admission),
        connection: &connection,
    };
    if let Err(end) = task.run().await {
        let session = connection.session_id();
        match end {
            // A client that went away is no news.
            End::Io(error) => tracing::debug!(%remote, %session, "connection lost: {error}"),
            End::Stranger(protocol) => probe::tell_stranger(protocol, remote.ip()),
            end => tracing::warn!(%remote, %session, "connection closed: {end}"),
        }
    }
}

/// A connection that events, sessions and four-letter words find, until its task ends, also by a bug.
struct Registered<'a> {
    server: &'a Shared,
    connection: &'a Arc<Connection>,
    admission: Option<Admission>,
    left: bool,
}

impl<'a> Registered<'a> {
    fn new(
        server: &'a Shared,
        connection: &'a Arc<Connection>,
        admission: Option<Admission>,
    ) -> Self {
        let mut watchers = server.watchers.lock();
        watchers
            .connections
            .insert(connection.id, connection.clone());
        Registered {
            server,
            connection,
            admission,
            left: false,
        }
    }

    /// No one finds or counts the connection any more. That comes before its client can see it end
    /// (`NIOServerCnxn.close`): who asks cons or srvr after that is not told of it, and who comes again is let in.
    fn leave(&mut self) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let (server, connection) = (self.server, self.connection);
        connection.close_now();
        server.metrics.connection_drop_count.add(1);
        let mut watchers = server.watchers.lock();
        watchers.watches.remove_watcher(connection.id);
        watchers.connections.remove(&connection.id);
        let sent = connection.traffic.sent.load(Relaxed);
        server.stats.packets_sent.fetch_add(sent, Relaxed);
        drop(watchers);
        self.admission = None;
        server.replica.push(Input::Gone(connection.clone()));
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Writes some of `bytes`, or flushes where there are none.
async fn write_or_flush(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<usize> {
    match bytes.is_empty() {
        false => writer.write(bytes).await,
        true => writer.flush().await.map(|()| 0),
    }
}

/// In front of a frame, or a four-letter word.
const LENGTH_BYTES: u64 = 4;

struct Task<'a, R, W> {
    frames: FrameReader<R>,
    writer: W,
    /// What was taken from the queue and is not written.
    writing: BytesMut,
    /// What is written waits in TLS until it is flushed.
    is_secure: bool,
    /// Nothing waits there.
    is_flushed: bool,
    /// When the client last took a byte, or had none to take.
    progress: Instant,
    asked_for_session: bool,
    batch: Batch,
    server: &'a Server,
    registered: Registered<'a>,
    connection: &'a Arc<Connection>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Task<'_, R, W> {
    async fn run(&mut self) -> Result<(), End> {
        let began = Instant::now();
        let alarm = tokio::time::sleep_until(began + self.patience());
        tokio::pin!(alarm);
        loop {
            if self.handle_frames().await? || self.connection.is_closed() {
                return Ok(());
            }
            if self.take_queued() {
                return self.finish().await;
            }
            self.execute_held();
            let may_read = self.may_read();
            let connection = self.connection;
            tokio::select! {
                () = connection.wake.woken() => {}
                written = write_or_flush(&mut self.writer, &self.writing), if !self.writing.is_empty() || !self.is_flushed => {
                    let written = written?;
                    self.writing.advance(written);
                    self.is_flushed = !self.is_secure || written == 0;
                    self.progressed(may_read);
                }
                read = self.frames.fill(), if may_read => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
                () = &mut alarm => {
                    self.check_patience()?;
                    alarm.as_mut().reset(Instant::now() + self.patience());
                }
            }
        }
    }

    /// Goes on with the reads that had no room for their replies.
    fn execute_held(&mut self) {
        if self.connection.order().waits_for_room() {
            let tree = self.server.tree.read();
            let tally = &mut self.batch.tally;
            self.connection.execute_held(self.server, &tree, tally);
            tally.flush(self.server);
        }
    }

    /// The client has taken some bytes. While it is not read, that keeps its session alive: its
    /// pings may be waiting.
    fn progressed(&mut self, may_read: bool) {
        self.progress = Instant::now();
        if let Some(bound) = self.connection.session.get().filter(|_| !may_read) {
            bound.handle.touch(clock::monotonic_ms(), bound.timeout_ms);
        }
    }

    /// How long to wait: for a session first, then for replies to be taken.
    fn patience(&self) -> Duration {
        let ms = match self.connection.session.get() {
            Some(bound) => bound.timeout_ms.max(1).unsigned_abs(),
            None => self.server.config.sessionless_cnxn_timeout_ms,
        };
        Duration::from_millis(ms.into())
    }

    fn check_patience(&self) -> Result<(), End> {
        let patience = self.patience();
        if self.connection.session.get().is_none() {
            self.server.metrics.sessionless_connections_expired.add(1);
            return Err(End::Sessionless(patience));
        }
        let stalled = !self.writing.is_empty() && self.progress.elapsed() > patience;
        if stalled {
            Err(End::Stalled(patience))
        } else {
            Ok(())
        }
    }

    /// Moves what is queued to be written; true when nothing will come after it.
    fn take_queued(&mut self) -> bool {
        let mut outbound = self.connection.outbound.lock();
        if self.writing.is_empty() {
            self.progress = Instant::now();
            self.writing = outbound.take();
        }
        outbound.is_closing() && outbound.len() == 0
    }

    /// Writes the last bytes and ends our side.
    async fn finish(&mut self) -> Result<(), End> {
        let patience = self.patience();
        let writing = async {
            self.writer.write_all(&self.writing).await?;
            self.registered.leave();
            self.writer.shutdown().await
        };
        let written = tokio::time::timeout(patience, writing).await;
        written.map_err(|_| End::Stalled(patience))??;
        Ok(())
    }

    /// May another request come in? Not while the client leaves its replies, has too much held,
    /// or has its share of the writes outstanding while the whole server has too many.
    fn may_read(&self) -> bool {
        let connection = self.connection;
        if self.asked_for_session && connection.session.get().is_none() {
            return false;
        }
        if connection.outbound.lock().len() + self.writing.len() > limits::MAX_OUTBOUND_BYTES {
            return false;
        }
        let order = connection.order();
        if order.is_full() {
            return false;
        }
        let load = Load {
            in_process: self.server.stats.in_process.load(Relaxed),
            connections: self.server.admissions.open(),
        };
        load.leaves_a_turn(order.pending(), self.server.config.outstanding_limit())
    }

    /// Handles the frames that are whole; true when the connection has ended.
    async fn handle_frames(&mut self) -> Result<bool, End> {
        if !self.asked_for_session
            && let Some(word) = self.frames.peek_word()
        {
            if words::is_word(self.server, word) {
                self.answer_word(word).await?;
                return Ok(true);
            }
            if let Some(protocol) = probe::other_protocol(word) {
                return Err(End::Stranger(protocol));
            }
        }
        // What came together goes to the replica together, also before a frame that ends it all.
        let outcome = self.take_frames();
        self.count_batch();
        let submissions = &mut self.batch.submissions;
        self.server.replica.push_all(submissions);
        outcome.map(|()| false)
    }

    /// Tells what the frames were that came together. In an ensemble Apache counts what is read at once too
    /// (`CommitProcessor`).
    fn count_batch(&mut self) {
        let (stats, metrics) = (&self.server.stats, &self.server.metrics);
        let (frames, bytes) = (self.batch.frames, self.batch.bytes);
        if frames > 0 {
            stats.packets_received.fetch_add(frames, Relaxed);
            metrics.bytes_received_count.add(bytes);
            let reads = frames.saturating_sub(self.batch.submissions.len() as u64);
            if reads > 0 && self.server.config.ensemble.is_some() {
                metrics.read_commit_proc_issued.add(reads);
            }
        }
        (self.batch.frames, self.batch.bytes) = (0, 0);
        self.batch.tally.flush(self.server);
    }

    fn take_frames(&mut self) -> Result<(), End> {
        while self.may_read() {
            let Some(frame) = self.frames.next_frame()? else {
                break;
            };
            self.batch.frames += 1;
            self.batch.bytes += LENGTH_BYTES + frame.len() as u64;
            ServerStats::count(&self.connection.traffic.received);
            match self.connection.session.get() {
                Some(bound) => {
                    self.connection
                        .request(self.server, bound, frame, &mut self.batch)?
                }
                None => {
                    self.asked_for_session = true;
                    self.connection.connect(self.server, &frame)?;
                }
            }
        }
        Ok(())
    }

    /// Answers a four-letter word, then waits for the client to end: closing over unread bytes
    /// would take the answer away from it.
    async fn answer_word(&mut self, word: [u8; 4]) -> Result<(), End> {
        ServerStats::count(&self.server.stats.packets_received);
        let metrics = &self.server.metrics;
        metrics.bytes_received_count.add(LENGTH_BYTES);
        let traffic = &self.connection.traffic;
        ServerStats::count(&traffic.received);
        let _ = traffic.word.set(word);
        let remote = self.connection.remote;
        tracing::debug!(%remote, "four letter word {}", word.escape_ascii());
        let argument = match words::has_argument(self.server, word) {
            true => self.read_argument().await?,
            false => None,
        };
        // The semaphore is never closed.
        let _place = match words::lists(word) {
            true => self.server.listings.acquire().await.ok(),
            false => None,
        };
        let Some(answer) = words::answer(self.server, self.connection, word, argument).await else {
            return Ok(());
        };
        let packets = answer.len().div_ceil(ANSWER_PACKET_CHARS) as u64;
        traffic.sent.fetch_add(packets, Relaxed);
        self.write_whole(answer.as_bytes()).await?;
        self.registered.leave();
        let ending = async {
            self.writer.shutdown().await?;
            match self.server.draining.try_acquire() {
                Ok(_place) => self.frames.drain(limits::MAX_DRAINED_BYTES).await,
                Err(_) => Ok(()),
            }
        };
        match tokio::time::timeout(DRAIN_TIME, ending).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Ok(()),
        }
    }

    /// Writes all of it, however slowly the client takes it, unless it takes nothing for a while.
    async fn write_whole(&mut self, mut bytes: &[u8]) -> Result<(), End> {
        let patience = self.patience();
        loop {
            let writing = write_or_flush(&mut self.writer, bytes);
            let written = tokio::time::timeout(patience, writing).await;
            match written.map_err(|_| End::Stalled(patience))?? {
                0 => return Ok(()),
                written => bytes = &bytes[written..],
            }
        }
    }

    /// The number behind a word; none where the client leaves it out.
    async fn read_argument(&mut self) -> Result<Option<i64>, End> {
        const WORD_BYTES: usize = 4;
        let reading = async {
            loop {
                if let Some(bytes) = self.frames.peek_behind(WORD_BYTES) {
                    return Ok(Some(i64::from_be_bytes(bytes)));
                }
                if self.frames.fill().await? == 0 {
                    return Ok(None);
                }
            }
        };
        let read = tokio::time::timeout(DRAIN_TIME, reading).await;
        read.unwrap_or(Ok(None))
    }
}
