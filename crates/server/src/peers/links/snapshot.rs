//! What takes a snapshot off a link. Its bytes are not framed: only who reads them knows where they end.

/// What a sink has done with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// So many, from the front; where more is to come, the others come again with more behind them.
    pub taken: usize,
    /// They were the last; packets follow.
    pub is_complete: bool,
}

/// A stream that is no snapshot: the other side's fault, the link is dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot that came cannot be read: {0}")]
pub struct BadSnapshot(pub String);

/// Reads one snapshot as it comes. Called from a task, between reads of the socket.
pub trait SnapshotSink: Send + 'static {
    /// What is made of it.
    type Snapshot: std::fmt::Debug + Send;

    /// Reads from the front of `bytes`, which is never empty.
    ///
    /// # Errors
    /// These bytes are no snapshot.
    fn feed(&mut self, bytes: &[u8]) -> Result<Fed, BadSnapshot>;

    /// The snapshot, when it is complete.
    ///
    /// # Errors
    /// Its parts do not make one.
    fn finish(self) -> Result<Self::Snapshot, BadSnapshot>;
}
