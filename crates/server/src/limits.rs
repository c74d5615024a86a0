//! Every bound on a queue, and what it protects.

use std::time::Duration;

/// In the model each bound is reached after a few requests.
const MODEL: bool = cfg!(feature = "shuttle");

/// Bytes queued for one client before its requests wait: memory, against a client that asks and
/// does not read. One reply may stand above it.
pub const MAX_OUTBOUND_BYTES: usize = if MODEL { 96 } else { 32 << 20 };

/// Bytes queued for one client before it is disconnected: watch events come unasked, so waiting
/// does not hold them back; nor does it hold back the reads before a write that is to be applied.
pub const MAX_OUTBOUND_BYTES_WITH_EVENTS: usize = if MODEL { 1 << 20 } else { 96 << 20 };

/// Bytes of one client's requests that wait behind its own writes before its socket is no longer
/// read. One request may stand above it.
pub const MAX_HELD_BYTES: usize = 4 << 20;

/// Requests of one client that wait behind its own writes, as [`MAX_HELD_BYTES`].
pub const MAX_HELD_REQUESTS: usize = if MODEL { 3 } else { 10_000 };

/// So many held requests are taken without a look at how large their replies will be.
pub const FEW_HELD_REQUESTS: usize = if MODEL { 1 } else { 32 };

/// Txns applied under one exclusive lock of the tree: reads wait no longer than for these.
pub const MAX_APPLY_BATCH: usize = if MODEL { 2 } else { 256 };

/// Txns that the replica makes before the disk hears of them: the disk is not to wait for longer.
pub const MAX_DISK_BATCH: usize = 256;

/// Znodes read for a snapshot under one shared lock of the tree: writes wait no longer than for
/// these.
pub const SNAPSHOT_SLICE: usize = 1024;

/// Bytes of the znodes that change while a snapshot is written, kept as they were at its zxid:
/// memory, against many writes during a long snapshot. Past the bound it goes on fuzzy.
pub const MAX_SNAPSHOT_IMAGE_BYTES: usize = 64 << 20;

/// Bytes that a client may still send after a four-letter word, before its connection is closed
/// under it.
pub const MAX_DRAINED_BYTES: usize = 64 << 10;

/// Connections that wait for their clients to end after a four-letter word; with more, one is closed at once. They are
/// not among those that `maxCnxns` and `maxClientCnxns` count.
pub const MAX_DRAINING_CONNECTIONS: usize = 1024;

/// Answers to words that list sessions, connections or watches, made and not yet taken by who asked, in all: memory. With more,
/// who asks waits.
pub const MAX_LISTINGS: usize = 4;

/// Watches that a word takes down under one lock of the watchers: writes wait no longer than for these. A connection's are
/// taken down together, so those of one with more stand above it.
pub const WORD_WATCHES_SLICE: usize = if MODEL { 2 } else { 4096 };

/// Ephemeral znodes that a word takes down under one shared lock of the tree, as [`WORD_WATCHES_SLICE`]; of sessions.
pub const WORD_EPHEMERALS_SLICE: usize = if MODEL { 2 } else { 1024 };

/// Bytes of the log that are written without a look at how much room is left: a good part of the default room below which
/// writes are refused.
pub const MAX_UNWATCHED_LOG_BYTES: u64 = 8 << 20;

/// Lines of the log from one place in the code in [`LOG_SPAN`]: the disk, and whoever reads, against what repeats.
pub const MAX_LOG_LINES: u64 = 100;

/// The span of [`MAX_LOG_LINES`].
pub const LOG_SPAN: Duration = Duration::from_secs(10);

/// Addresses whose strange first bytes (HTTP, TLS) are remembered as told.
pub const MAX_STRANGERS: usize = 1024;

/// Notifications of one server that are not yet taken, before its socket is no longer read: memory, against a server that
/// sends without end.
pub const MAX_ELECTION_EVENTS: usize = 16;

/// Connections to the election port that have not yet said whose they are, in all: descriptors.
pub const MAX_ELECTION_HANDSHAKES: u32 = 256;

/// As [`MAX_ELECTION_HANDSHAKES`], from one address: one machine alone must not keep the others out.
pub const MAX_ELECTION_HANDSHAKES_OF_ADDRESS: u32 = 32;

/// Bytes of a token in a login between servers: memory, against who is not yet known.
pub const MAX_LOGIN_TOKEN_BYTES: usize = 64 << 10;

/// Election links to servers that are in no server line: memory and descriptors.
pub const MAX_ELECTION_STRANGERS: usize = 128;

/// Links to learners that a leader has open, in all: memory and descriptors.
pub const MAX_LEARNER_LINKS: u32 = 1024;

/// Bytes queued on a link between leader and learner before it is dropped: memory, against a peer that does not read. It
/// has to hold what is proposed while a snapshot is sent.
pub const MAX_LINK_QUEUE_BYTES: usize = 256 << 20;

/// Bytes of records that a leader reads from its log for one learner; where it lags more it gets a snapshot. All of them wait
/// on the link at once, and a small one costs there some times its bytes.
pub const MAX_LOG_RANGE_BYTES: u64 = MAX_LINK_QUEUE_BYTES as u64 / 8;

/// Bytes that came on such a link and are not yet taken, before its socket is no longer read: memory, against a peer that
/// sends without end. What reads them never waits for the link, so it cannot come to a stop here.
pub const MAX_LINK_UNTAKEN_BYTES: usize = 32 << 20;

/// Bytes of packets that are made ready for one write.
pub const MAX_LINK_WRITE_BYTES: usize = 1 << 20;

/// Connections to the admin server; with more, one is closed at once. Descriptors, and memory: each may hold a request's head.
pub const MAX_ADMIN_CONNECTIONS: u32 = 256;

/// Bytes of the head of a request to the admin server, and of what is read of a body at a time.
pub const MAX_ADMIN_HEADER_BYTES: usize = 64 << 10;

/// Bytes of a file that the admin server sends at a time.
pub const ADMIN_CHUNK_BYTES: u64 = 64 << 10;

/// Such pieces, or those of a body, that wait to be taken.
pub const MAX_ADMIN_CHUNKS: usize = 8;

/// Chunks of a stream that wait for the socket: memory, where a snapshot is read faster than it is sent.
pub const MAX_STREAM_CHUNKS: usize = 8;

/// Keys of a metric with a label, which are the first names of clients' paths or the numbers of servers: memory. All beyond
/// are counted together.
pub const MAX_METRIC_KEYS: usize = 256;

/// Connections to the page for Prometheus at once: memory and descriptors. Each has one page of the metrics at most.
pub const MAX_METRICS_CONNECTIONS: usize = 32;

/// Characters of a path in the log of slow requests.
pub const MAX_LOGGED_PATH_CHARS: usize = 256;

/// A snapshot of a higher zxid is not restored: there is half of all zxids left behind it.
pub const MAX_RESTORED_ZXID: i64 = i64::MAX / 2;
