//! What the server counts (`ServerStats`).

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::config::Config;

/// Least, most and mean of a series.
#[derive(Debug)]
pub struct MinMeanMax {
    least: AtomicI64,
    most: AtomicI64,
    sum: AtomicI64,
    count: AtomicI64,
}

impl Default for MinMeanMax {
    fn default() -> Self {
        MinMeanMax {
            least: AtomicI64::new(i64::MAX),
            most: AtomicI64::new(0),
            sum: AtomicI64::new(0),
            count: AtomicI64::new(0),
        }
    }
}

impl MinMeanMax {
    /// Forgets all values.
    pub fn reset(&self) {
        self.least.store(i64::MAX, Relaxed);
        for total in [&self.most, &self.sum, &self.count] {
            total.store(0, Relaxed);
        }
    }

    /// Adds a value so many times.
    pub fn add(&self, value: i64, times: i64) {
        if value < self.least.load(Relaxed) {
            self.least.fetch_min(value, Relaxed);
        }
        if value > self.most.load(Relaxed) {
            self.most.fetch_max(value, Relaxed);
        }
        self.sum.fetch_add(value * times, Relaxed);
        self.count.fetch_add(times, Relaxed);
    }

    /// The least value; 0 without any.
    pub fn least(&self) -> i64 {
        let least = self.least.load(Relaxed);
        if least == i64::MAX { 0 } else { least }
    }

    /// The greatest value; 0 without any.
    pub fn most(&self) -> i64 {
        self.most.load(Relaxed)
    }

    /// The mean, rounded to four places as Apache shows it; 0 without any value.
    pub fn mean(&self) -> f64 {
        match self.count.load(Relaxed) {
            0 => 0.0,
            count => (self.sum.load(Relaxed) as f64 / count as f64 * 10_000.0).round() / 10_000.0,
        }
    }
}

/// Sizes of replies (`BufferStats`); −1 before the first.
#[derive(Debug)]
pub struct ReplySizes {
    last: AtomicI64,
    least: AtomicI64,
    most: AtomicI64,
}

impl Default for ReplySizes {
    fn default() -> Self {
        let none = || AtomicI64::new(-1);
        ReplySizes {
            last: none(),
            least: none(),
            most: none(),
        }
    }
}

impl ReplySizes {
    /// Forgets all sizes.
    pub fn reset(&self) {
        for size in [&self.last, &self.least, &self.most] {
            size.store(-1, Relaxed);
        }
    }

    /// Adds a reply.
    pub fn add(&self, bytes: usize) {
        let bytes = bytes as i64;
        self.last.store(bytes, Relaxed);
        let least = self.least.load(Relaxed);
        if least == -1 || bytes < least {
            self.least.store(bytes, Relaxed);
        }
        if bytes > self.most.load(Relaxed) {
            self.most.fetch_max(bytes, Relaxed);
        }
    }

    /// The last, least and greatest size.
    pub fn values(&self) -> [i64; 3] {
        [&self.last, &self.least, &self.most].map(|value| value.load(Relaxed))
    }
}

/// All counters of a server.
#[derive(Debug, Default)]
pub struct ServerStats {
    /// Milliseconds from a request's arrival to its reply.
    pub latency_ms: MinMeanMax,
    /// Frames and four-letter words that came.
    pub packets_received: AtomicU64,
    /// Frames that were sent by connections that have ended; [`Shared::packets_sent`] adds what the open ones have sent.
    ///
    /// [`Shared::packets_sent`]: crate::shared::Shared::packets_sent
    pub packets_sent: AtomicU64,
    /// Requests on their way through the pipeline.
    pub in_process: AtomicI64,
    /// Sizes of replies.
    pub reply_sizes: ReplySizes,
    /// Authentications that failed.
    pub auth_failed: AtomicU64,
    /// Connections without TLS from other machines, on a server whose clients may have TLS.
    pub plain_remote: AtomicU64,
    /// The same from this machine.
    pub plain_local: AtomicU64,
    /// Global sessions that there are.
    pub sessions: AtomicI64,
    /// Sessions that only this server knows.
    pub local_sessions: AtomicI64,
    /// fsyncs above `fsync.warningthresholdms`.
    pub slow_fsyncs: AtomicU64,
    /// Bytes of a reply that count as near `jute.maxbuffer`, above which its client would close the connection.
    pub large_reply_bytes: usize,
    /// Replies of so many bytes (`ironkeeper_near_jute_maxbuffer_replies`).
    pub large_replies: AtomicU64,
    /// Requests above `ironkeeper.slowRequestMs` (`ironkeeper_slow_requests`).
    pub slow_requests: AtomicU64,
    /// Writes that were refused for want of disk or memory (`ironkeeper_refused_writes`).
    pub refused_writes: AtomicU64,
    /// Snapshots written since the start.
    pub snapshots: AtomicU64,
}

impl ServerStats {
    /// Nothing is counted yet.
    pub fn of(config: &Config) -> Self {
        ServerStats {
            large_reply_bytes: config.jute_max_buffer as usize / 10 * 9,
            ..ServerStats::default()
        }
    }

    /// Adds a reply of so many bytes.
    pub fn replied(&self, bytes: usize) {
        self.reply_sizes.add(bytes);
        if bytes >= self.large_reply_bytes {
            ServerStats::count(&self.large_replies);
        }
    }

    /// Adds a connection that came without TLS (`NettyServerCnxnFactory.channelActive`; on a port for both, whatever it has then).
    pub fn came_plain(&self, remote: IpAddr) {
        ServerStats::count(match remote.to_canonical().is_loopback() {
            true => &self.plain_local,
            false => &self.plain_remote,
        });
    }

    /// Adds one to a counter.
    pub fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// What srst and a new role forget alike, but for the frames that were sent.
    pub fn reset_requests(&self) {
        self.latency_ms.reset();
        self.reply_sizes.reset();
        self.packets_received.store(0, Relaxed);
    }

    /// What a new role forgets beside that: Apache makes a `ServerStats` for each.
    pub fn reset_troubles(&self) {
        for counter in [
            &self.slow_fsyncs,
            &self.auth_failed,
            &self.plain_remote,
            &self.plain_local,
        ] {
            counter.store(0, Relaxed);
        }
    }
}

/// A double as Java's `toString` writes it.
pub fn java_double(value: f64) -> String {
    if !value.is_finite() {
        let infinity = if value < 0.0 { "-Infinity" } else { "Infinity" };
        return if value.is_nan() { "NaN" } else { infinity }.to_owned();
    }
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_knows_its_ends_and_mean() {
        let series = MinMeanMax::default();
        assert_eq!((series.least(), series.mean(), series.most()), (0, 0.0, 0));
        for value in [3, 1, 4] {
            series.add(value, 1);
        }
        assert_eq!(
            (series.least(), series.mean(), series.most()),
            (1, 2.6667, 4)
        );
    }

    #[test]
    fn what_is_reset_is_as_in_the_beginning() {
        let stats = ServerStats::default();
        stats.latency_ms.add(5, 1);
        stats.reply_sizes.add(5);
        ServerStats::count(&stats.packets_received);
        stats.reset_requests();
        let latency = &stats.latency_ms;
        assert_eq!(
            (latency.least(), latency.mean(), latency.most()),
            (0, 0.0, 0)
        );
        latency.add(7, 1);
        assert_eq!(
            (latency.least(), latency.mean(), latency.most()),
            (7, 7.0, 7)
        );
        assert_eq!(stats.reply_sizes.values(), [-1, -1, -1]);
        assert_eq!(stats.packets_received.load(Relaxed), 0);
    }

    #[test]
    fn doubles_are_written_as_java_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (2.0, "2.0"),
            (2.6667, "2.6667"),
            (0.25, "0.25"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1_234_567_890.0, "1.23456789E9"),
            (0.0001, "1.0E-4"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(java_double(value), text);
        }
    }

    #[test]
    fn replies_near_the_limit_are_counted() {
        let stats = ServerStats {
            large_reply_bytes: 90,
            ..ServerStats::default()
        };
        for bytes in [89, 90, 100] {
            stats.replied(bytes);
        }
        assert_eq!(stats.large_replies.load(Relaxed), 2);
        assert_eq!(stats.reply_sizes.values(), [100, 89, 100]);
    }

    #[test]
    fn who_comes_without_tls_is_counted_by_where_it_is() {
        let stats = ServerStats::default();
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.2", "10.0.0.1"] {
            stats.came_plain(address.parse().expect("an address"));
        }
        assert_eq!(stats.plain_local.load(Relaxed), 3);
        assert_eq!(stats.plain_remote.load(Relaxed), 1);
    }

    #[test]
    fn sizes_begin_unset() {
        let sizes = ReplySizes::default();
        assert_eq!(sizes.values(), [-1, -1, -1]);
        sizes.add(9);
        sizes.add(7);
        assert_eq!(sizes.values(), [7, 7, 9]);
    }
}
