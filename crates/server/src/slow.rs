//! Owns the log of slow requests: who asked for what, how large it was, and how long it took.

use std::sync::atomic::Ordering::Relaxed;

use proto::{Input, OpCode, Ustring};

use crate::clock;
use crate::connection::{Connection, Held};
use crate::limits;
use crate::shared::Shared;

/// A request was answered.
pub fn look(server: &Shared, connection: &Connection, request: &Held) {
    let limit_ms = server.config.guards.slow_request_ms;
    let took_ms = (clock::monotonic_ms() - request.received_ms).unsigned_abs();
    if limit_ms > 0 && took_ms > limit_ms {
        server.stats.slow_requests.fetch_add(1, Relaxed);
        tell(connection, request, took_ms);
    }
}

#[cold]
fn tell(connection: &Connection, request: &Held, took_ms: u64) {
    tracing::warn!(
        session = %connection.session_id(),
        operation = request.op.name().unwrap_or("unknown"),
        path = path(request.op, &request.body).map(cut).unwrap_or_default(),
        bytes = request.frame_bytes(),
        ms = took_ms,
        "slow request (ironkeeper.slowRequestMs)",
    );
}

/// A path may be as long as a request, and goes into one line.
fn cut(mut path: String) -> String {
    if let Some((end, _)) = path.char_indices().nth(limits::MAX_LOGGED_PATH_CHARS) {
        path.truncate(end);
        path.push_str("...");
    }
    path
}

/// What most requests begin with.
fn path(op: OpCode, body: &[u8]) -> Option<String> {
    match op {
        OpCode::MULTI | OpCode::MULTI_READ | OpCode::SET_WATCHES | OpCode::SET_WATCHES2 => None,
        _ => {
            let path: Ustring<'_> = Input::new(body).read().ok()?;
            Some(path?.into_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut_between_characters() {
        let whole = "/é".repeat(limits::MAX_LOGGED_PATH_CHARS / 2);
        assert_eq!(cut(whole.clone()), whole);
        assert_eq!(cut(whole.clone() + "é"), whole + "...");
        assert_eq!(cut(String::new()), "");
    }
}
