//! Owns the exit codes of the process: Apache's, for scripts that look at them.

/// How the process ends (Apache: `ExitCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Stopped in order.
    ExecutionFinished = 0,
    /// Anything that has no code of its own, such as a failed write.
    UnexpectedError = 1,
    /// Wrong arguments or configuration.
    InvalidInvocation = 2,
    /// The data directory cannot be used.
    UnableToAccessDatadir = 3,
    /// The admin server cannot start.
    ErrorStartingAdminServer = 4,
    /// A snapshot cannot be written.
    TxnlogErrorTakingSnapshot = 10,
    /// A commit is not that of the oldest proposal.
    UnmatchedTxnCommit = 12,
    /// A packet from the leader makes no sense, or the log cannot be truncated.
    QuorumPacketError = 13,
    /// The quorum or election port is taken.
    UnableToBindQuorumPort = 14,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code as u8)
    }
}
