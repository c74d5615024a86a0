//! cons and crst (`ConsCommand`, `CnxnStatResetCommand`), and the line that stat has of a connection.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use crate::connection::figures::Figures;
use crate::connection::{Bound, Connection};
use crate::shared::Shared;

/// The answer to cons.
pub(super) fn all(server: &Shared, asker: &Connection) -> String {
    // Nothing is formatted under the watchers' lock.
    let connections = server.connections_beside(asker);
    let mut text = String::new();
    for connection in connections {
        text += &brief(&connection);
        if let Some(bound) = connection.session.get() {
            let (figures, _) = connection.figures();
            text += &of_session(bound, connection.established_ms, &figures);
        }
        text += ")\n";
    }
    text + "\n"
}

/// The answer to crst.
pub(super) fn reset(server: &Shared, asker: &Connection) -> String {
    server.reset_connection_stats(asker);
    "Connection stats reset.\n".to_owned()
}

/// What there is of each connection, without the closing bracket (`ServerCnxn.dumpConnectionInfo`).
pub(super) fn brief(connection: &Connection) -> String {
    let traffic = &connection.traffic;
    let [queued, received, sent] = [
        u64::try_from(traffic.outstanding.load(Relaxed)).unwrap_or_default(),
        traffic.received.load(Relaxed),
        traffic.sent.load(Relaxed),
    ];
    let (address, port) = (&connection.address, connection.remote.port());
    let interest = interest(connection);
    format!(" /{address}:{port}[{interest:x}](queued={queued},recved={received},sent={sent}")
}

/// What the socket waits for, as Java's selector has it.
pub(crate) fn interest(connection: &Connection) -> u8 {
    const READ: u8 = 1;
    const WRITE: u8 = 4;
    if connection.traffic.word.get().is_some() {
        return 0; // Apache leaves the selector to answer it
    }
    match connection.figures() {
        (_, true) => READ | WRITE,
        (_, false) => READ,
    }
}

/// What there is of a session beside that.
pub(super) fn of_session(bound: &Bound, established_ms: i64, figures: &Figures) -> String {
    let mut text = format!(
        ",sid={},lop={},est={},to={}",
        bound.id, figures.last_name, established_ms, bound.timeout_ms
    );
    if figures.last_cxid >= 0 {
        let _ = write!(text, ",lcxid=0x{:x}", figures.last_cxid);
    }
    let _ = write!(
        text,
        ",lzxid={},lresp={},llat={},minlat={},avglat={},maxlat={}",
        figures.last_zxid,
        figures.last_response_ms,
        figures.last_latency_ms,
        figures.least_ms(),
        figures.mean_ms(),
        figures.most_ms,
    );
    text
}
