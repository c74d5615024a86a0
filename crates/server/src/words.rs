//! Four-letter words (`FourLetterCommands`).

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock;
use crate::connection::Connection;
use crate::shared::Shared;
use crate::stats::java_double;

/// Every word that Apache knows; the others get a client's treatment.
const KNOWN: [&[u8; 4]; 19] = [
    b"conf",
    b"cons",
    b"crst",
    b"dirs",
    b"dump",
    b"envi",
    b"gtmk",
    b"hash",
    b"isro",
    b"mntr",
    b"ruok",
    b"srst",
    b"srvr",
    b"stat",
    b"stmk",
    b"wchc",
    b"wchp",
    b"wchs",
    &TELNET_INTERRUPT,
];

/// What telnet sends when it is interrupted.
const TELNET_INTERRUPT: [u8; 4] = *b"\xff\xf4\xff\xfd";

/// Is this a word? Telnet's interrupt is one only to be refused: where all words are allowed,
/// Apache reads it as a length, and closes the connection because it is negative.
pub fn is_word(server: &Shared, word: [u8; 4]) -> bool {
    is_known(word) && (word != TELNET_INTERRUPT || !is_allowed(server, word))
}

fn is_known(word: [u8; 4]) -> bool {
    KNOWN.contains(&&word)
}

fn is_allowed(server: &Shared, word: [u8; 4]) -> bool {
    let words = &server.config.four_letter_words;
    words.allows(&String::from_utf8_lossy(&word))
}

/// What the word is answered with; its text is never cut.
pub fn answer(server: &Shared, word: [u8; 4]) -> String {
    let name = String::from_utf8_lossy(&word);
    if !is_allowed(server, word) {
        return format!("{name} is not executed because it is not in the whitelist.\n");
    }
    match &word {
        b"ruok" => "imok".to_owned(),
        b"isro" => "rw".to_owned(),
        b"srvr" => status(server, false),
        b"stat" => status(server, true),
        b"mntr" => monitor(server),
        b"conf" => configuration(server),
        _ => format!("{name} is not built into this version of ironkeeper.\n"),
    }
}

/// The version as srvr, stat and mntr tell it: Apache's number first, because tools read it.
fn version() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!(
        "3.9.5-ironkeeper-{own}, built on {}",
        env!("IRONKEEPER_BUILT_ON")
    )
}

/// `StatCommand`.
fn status(server: &Shared, clients: bool) -> String {
    let mut text = format!("Zookeeper version: {}\n", version());
    if clients {
        text += "Clients:\n";
        let watchers = server.watchers.lock();
        for connection in watchers.connections.values() {
            text += &client_line(connection);
        }
        text += "\n";
    }
    let stats = &server.stats;
    let latency = &stats.latency_ms;
    let (zxid, nodes) = {
        let tree = server.tree.read();
        (tree.last_zxid(), tree.node_count())
    };
    let mean = java_double(latency.mean());
    let _ = write!(
        text,
        "Latency min/avg/max: {}/{mean}/{}\nReceived: {}\nSent: {}\nConnections: {}\n\
         Outstanding: {}\nZxid: {zxid}\nMode: standalone\nNode count: {nodes}\n",
        latency.least(),
        latency.most(),
        stats.packets_received.load(Relaxed),
        packets_sent(server),
        server.admissions.open(),
        stats.in_process.load(Relaxed),
    );
    text
}

fn packets_sent(server: &Shared) -> u64 {
    let watchers = server.watchers.lock();
    let open: u64 = watchers
        .connections
        .values()
        .map(|connection| connection.traffic.sent.load(Relaxed))
        .sum();
    open + server.stats.packets_sent.load(Relaxed)
}

/// `ServerCnxn.dumpConnectionInfo`, the short form. The interest set is Java's: reading.
fn client_line(connection: &Connection) -> String {
    let traffic = &connection.traffic;
    let [queued, received, sent] = [
        u64::try_from(traffic.outstanding.load(Relaxed)).unwrap_or_default(),
        traffic.received.load(Relaxed),
        traffic.sent.load(Relaxed),
    ];
    let (address, port) = (&connection.address, connection.remote.port());
    format!(" /{address}:{port}[1](queued={queued},recved={received},sent={sent})\n")
}

/// `ZooKeeperServer.dumpConf`.
fn configuration(server: &Shared) -> String {
    let config = &server.config;
    let absolute = |dir: &std::path::Path| {
        let dir = dir.join("version-2");
        dir.canonicalize().unwrap_or(dir).display().to_string()
    };
    let [data_size, log_size] = (server.sizes)();
    format!(
        "clientPort={}\nsecureClientPort=-1\ndataDir={}\ndataDirSize={data_size}\ndataLogDir={}\n\
         dataLogSize={log_size}\ntickTime={}\nmaxClientCnxns={}\nminSessionTimeout={}\n\
         maxSessionTimeout={}\nclientPortListenBacklog={}\nserverId=0\n",
        server
            .client_port
            .get()
            .copied()
            .unwrap_or(config.client_port),
        absolute(&config.data_dir),
        absolute(&config.data_log_dir),
        config.tick_time_ms,
        config.max_client_cnxns,
        config.min_session_timeout_ms,
        config.max_session_timeout_ms,
        config.listen_backlog,
    )
}

/// `MonitorCommand`: what this version counts, in the default provider's dialect.
fn monitor(server: &Shared) -> String {
    let stats = &server.stats;
    let [last, least, most] = stats.reply_sizes.values();
    let (descriptors, most_descriptors) = descriptors();
    let watch_count = server.watchers.lock().watches.len();
    let tree = server.tree.read();
    let integers = [
        ("max_latency", stats.latency_ms.most()),
        ("min_latency", stats.latency_ms.least()),
        (
            "packets_received",
            stats.packets_received.load(Relaxed) as i64,
        ),
        ("packets_sent", packets_sent(server) as i64),
        ("num_alive_connections", server.admissions.open().into()),
        ("outstanding_requests", stats.in_process.load(Relaxed)),
        ("uptime", clock::monotonic_ms() - server.started_ms),
        ("znode_count", tree.node_count() as i64),
        ("watch_count", watch_count as i64),
        ("ephemerals_count", tree.ephemeral_count() as i64),
        ("approximate_data_size", tree.approximate_data_size()),
        ("global_sessions", stats.sessions.load(Relaxed)),
        ("local_sessions", 0),
        ("open_file_descriptor_count", descriptors),
        ("max_file_descriptor_count", most_descriptors),
        ("last_client_response_size", last),
        ("max_client_response_size", most),
        ("min_client_response_size", least),
        ("outstanding_tls_handshake", 0),
        ("auth_failed_count", stats.auth_failed.load(Relaxed) as i64),
        ("non_mtls_remote_conn_count", 0),
        ("non_mtls_local_conn_count", 0),
        (
            "connection_rejected",
            stats.connections_rejected.load(Relaxed) as i64,
        ),
        ("digest_mismatches_count", tree.digest_mismatches() as i64),
        (
            "fsync_threshold_exceed_count",
            stats.slow_fsyncs.load(Relaxed) as i64,
        ),
    ];
    let mut text = format!("zk_version\t{}\nzk_server_state\tstandalone\n", version());
    let _ = writeln!(
        text,
        "zk_avg_latency\t{}",
        java_double(stats.latency_ms.mean())
    );
    let drop_probability = java_double(server.throttles.drop_probability());
    let _ = writeln!(text, "zk_connection_drop_probability\t{drop_probability}");
    for (key, value) in integers {
        let _ = writeln!(text, "zk_{key}\t{value}");
    }
    for (namespace, count) in stats.quota_refusals.lock().iter() {
        let key = format!("{namespace}_quota_exceeded_error_per_namespace");
        let _ = writeln!(text, "zk_{key}\t{count}");
    }
    text
}

/// Open descriptors, and how many there may be.
fn descriptors() -> (i64, i64) {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as i64);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    (open, limit.map_or(-1, |limit| limit as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_apaches_words_are_words() {
        assert!(is_known(*b"ruok") && is_known(*b"wchp"));
        assert!(!is_known(*b"RUOK") && !is_known([0, 0, 0, 45]));
    }
}
