//! Why there is no result.

use std::io;

use proto::ErrorCode;

/// Why a run gave up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No threads or timers.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// More connections than the system lets a process have.
    #[error(
        "{connections} connections need {needed} open files, but the hard limit is {allowed}; raise it \
         (ulimit -Hn, LimitNOFILE) or ask for fewer --connections"
    )]
    Descriptors {
        /// What was asked for.
        connections: usize,
        /// Descriptors for that.
        needed: u64,
        /// The hard limit.
        allowed: u64,
    },
    /// The stores for TLS cannot be used.
    #[error("no TLS: {0}")]
    Tls(#[from] listener::tls::TlsError),
    /// Nobody listens, or the name is unknown.
    #[error("cannot connect to {server}: {error}")]
    Connect {
        /// As the option has it.
        server: String,
        /// The system's word.
        error: io::Error,
    },
    /// The server ended the connection instead of giving a session.
    #[error(
        "{server} gave no session: {error}; does it serve, and does it take as many connections from \
         one address? (maxClientCnxns)"
    )]
    NoSession {
        /// As the option has it.
        server: String,
        /// The system's word.
        error: io::Error,
    },
    /// A connection ended while requests were outstanding.
    #[error("lost the connection to {server}: {error}")]
    Lost {
        /// As the option has it.
        server: String,
        /// The system's word.
        error: io::Error,
    },
    /// What came is no ZooKeeper protocol.
    #[error("{server} does not speak ZooKeeper's protocol: {what}")]
    Protocol {
        /// As the option has it.
        server: String,
        /// What was odd.
        what: String,
    },
    /// A request without which there is nothing to measure was refused.
    #[error("{what} was refused: {}", code_name(*.code))]
    Refused {
        /// Operation and path.
        what: String,
        /// The server's answer.
        code: ErrorCode,
    },
    /// `--server-pid` names no process.
    #[error("cannot read the CPU time of process {pid} (--server-pid): {error}")]
    Process {
        /// The number.
        pid: u32,
        /// The system's word.
        error: io::Error,
    },
    /// SIGINT.
    #[error("interrupted")]
    Interrupted,
    /// A task of ours ended by a bug.
    #[error("a session ended by a bug: {0}")]
    Bug(#[from] tokio::task::JoinError),
    /// The znodes of the run are still there.
    #[error("{root} is left on the server, remove it by hand (deleteall): {error}")]
    LeftOver {
        /// The znode above them.
        root: String,
        /// Why.
        error: Box<Error>,
    },
}

/// A code as ZooKeeper's list has it, or its number.
pub(crate) fn code_name(code: ErrorCode) -> String {
    code.name()
        .map_or_else(|| format!("error {}", code.0), str::to_owned)
}
