//! The real binary as a child process, and a relay that can cut its clients off.
#![allow(dead_code)] // Each test binary uses its own part.

mod relay;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use relay::Relay;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a start may take on a loaded machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server with a data directory of its own. It ends with this value; when a test fails, what
/// it wrote to stderr is part of the failure.
pub struct Ironkeeper {
    dir: TempDir,
    running: Option<Running>,
    /// Of all runs.
    said: Said,
}

type Said = Arc<Mutex<String>>;

struct Running {
    child: Child,
    address: SocketAddr,
    reader: JoinHandle<()>,
}

impl Ironkeeper {
    /// Starts a server on an empty directory. `keys` are lines of zoo.cfg besides port and
    /// directory.
    pub fn start(keys: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        let data = dir.path().join("data");
        let config = format!(
            "clientPort=0\nclientPortAddress=127.0.0.1\ndataDir={}\nadmin.enableServer=false\n{keys}\n",
            data.display()
        );
        std::fs::write(dir.path().join("zoo.cfg"), config).expect("zoo.cfg");
        let mut server = Ironkeeper {
            dir,
            running: None,
            said: Said::default(),
        };
        server.start_again();
        server
    }

    /// Starts it once more on the same directory; its port is another one.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "the server runs");
        let mut child = Command::new(env!("CARGO_BIN_EXE_ironkeeper"))
            .arg("serve")
            .arg(self.dir.path().join("zoo.cfg"))
            .env_remove("JVMFLAGS")
            .env_remove("SERVER_JVMFLAGS")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let stderr = child.stderr.take().expect("is piped");
        let (started, reader) = read_stderr(stderr, self.said.clone());
        let Ok(address) = started.recv_timeout(START_LIMIT) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server does not start:\n{}", self.stderr());
        };
        self.running = Some(Running {
            child,
            address,
            reader,
        });
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("the server runs").address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the server runs").child.id()
    }

    /// Its version-2.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data/version-2")
    }

    /// The directory that holds zoo.cfg and data.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// All that its runs have said so far.
    pub fn stderr(&self) -> String {
        lock(&self.said).clone()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// SIGTERM; how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.end(Signal::TERM)
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        let Running {
            mut child, reader, ..
        } = self.running.take().expect("the server runs");
        // One that has ended already needs no signal.
        let _ = kill_process(Pid::from_child(&child), signal);
        let status = child.wait().expect("a child");
        reader.join().expect("reads to the end");
        status
    }
}

impl Drop for Ironkeeper {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.kill();
        }
        if std::thread::panicking() {
            eprintln!("--- the server said:\n{}---", self.stderr());
        }
    }
}

/// Gathers the child's lines; the address comes from the one that it writes when it serves.
fn read_stderr(stderr: ChildStderr, said: Said) -> (Receiver<SocketAddr>, JoinHandle<()>) {
    let (sender, receiver) = channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(address) = serving_address(&line) {
                // Nobody waits for a second one.
                let _ = sender.send(address);
            }
            let mut said = lock(&said);
            said.push_str(&line);
            said.push('\n');
        }
    });
    (receiver, reader)
}

fn serving_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(" serves clients on ")?;
    rest.split_once(": ")?.0.parse().ok()
}

fn lock(said: &Said) -> std::sync::MutexGuard<'_, String> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}
