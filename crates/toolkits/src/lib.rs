//! The tools that Apache's scripts start on logs and snapshots: the same arguments, the same lines, the same exit codes.
//!
//! Owns what is printed. What a file holds is read by `persistence`, but for a log that is damaged: `txn_log` goes on where
//! a server would not. Must not know a running server: all of it works on files.

mod comparer;
mod dates;
mod formatter;
mod options;
mod purge;
mod snapshot;
mod summary;
mod txn_log;
mod txn_text;

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

/// Done.
const FINISHED: u8 = 0;
/// Anything that went wrong, as a JVM ends at an exception.
const UNEXPECTED: u8 = 1;
/// Wrong arguments.
const INVALID: u8 = 2;

/// One of the tools, by the name of its class in `org.apache.zookeeper.server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `persistence.TxnLogToolkit`: prints, repairs or cuts a log.
    TxnLogToolkit,
    /// `SnapshotFormatter`: prints a snapshot.
    SnapshotFormatter,
    /// `SnapshotComparer`: prints what differs between two snapshots.
    SnapshotComparer,
    /// `SnapshotRecursiveSummary`: counts and sizes below a znode.
    SnapshotRecursiveSummary,
    /// `PurgeTxnLog`: removes old snapshots and logs.
    PurgeTxnLog,
}

/// What a tool works with.
pub struct Console<'a> {
    /// Where answers come from.
    pub input: &'a mut dyn BufRead,
    /// Where lines go.
    pub out: &'a mut dyn Write,
    /// Where complaints go.
    pub err: &'a mut dyn Write,
    /// Longest record or field that is read, in bytes: `jute.maxbuffer` and what may be above it.
    pub max_field_bytes: u32,
}

/// Why a tool ended before its end.
#[derive(Debug, thiserror::Error)]
enum ToolError {
    /// With an exit code, and a line on stderr.
    #[error("{message}")]
    Failed { code: u8, message: String },
    /// Nobody takes the output any more, or it cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl ToolError {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "map_err gives the error itself"
    )]
    fn failed(message: impl ToString) -> Self {
        let message = message.to_string();
        ToolError::Failed {
            code: UNEXPECTED,
            message,
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "map_err gives the error itself"
    )]
    fn invalid(message: impl ToString) -> Self {
        let message = message.to_string();
        ToolError::Failed {
            code: INVALID,
            message,
        }
    }
}

/// Runs a tool on its arguments and returns the exit code.
pub fn run(tool: Tool, args: &[OsString], console: &mut Console<'_>) -> u8 {
    let args: Vec<String> = args
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let run = match tool {
        Tool::TxnLogToolkit => txn_log::run,
        Tool::SnapshotFormatter => formatter::run,
        Tool::SnapshotComparer => comparer::run,
        Tool::SnapshotRecursiveSummary => summary::run,
        Tool::PurgeTxnLog => purge::run,
    };
    let outcome = run(&args, console).and_then(|code| {
        console.out.flush()?;
        Ok(code)
    });
    match outcome {
        Ok(code) => code,
        Err(ToolError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => UNEXPECTED,
        Err(error) => complain(&error, console),
    }
}

/// `File.getAbsolutePath`: below the working directory, and nothing of it made shorter.
fn absolute(path: &Path) -> PathBuf {
    std::env::current_dir().map_or_else(|_| path.to_owned(), |directory| directory.join(path))
}

fn complain(error: &ToolError, console: &mut Console<'_>) -> u8 {
    // What was printed so far comes in front; there is nobody left to tell where this fails.
    let _ = console.out.flush();
    let _ = writeln!(console.err, "{error}");
    match error {
        ToolError::Failed { code, .. } => *code,
        ToolError::Output(_) => UNEXPECTED,
    }
}

#[cfg(test)]
mod testing {
    use super::*;

    /// Exit code, stdout and stderr of a run.
    pub fn ran(tool: Tool, args: &[&str], input: &str) -> (u8, String, String) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            input: &mut input.as_bytes(),
            out: &mut out,
            err: &mut err,
            max_field_bytes: persistence::DEFAULT_MAX_FIELD_BYTES,
        };
        let code = run(tool, &args, &mut console);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (code, text(out), text(err))
    }
}
