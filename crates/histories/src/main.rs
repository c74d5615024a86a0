//! Drives many pipelined sessions against a ZooKeeper server of either kind and checks what each of
//! them sees, reply by reply.
//!
//! Prints a line for each rule (`ok<TAB>claim` or `FAIL<TAB>claim<TAB>reason`) and ends with
//! `N passed, M failed`; the exit code is 0 only when none failed. All choices come from the seed;
//! what the server makes of them at the same time does not.

mod session;
mod wire;
mod work;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use histories::{Board, Broken, Rule};

/// What is driven.
#[derive(Clone, Debug, Parser)]
#[command(about = "Checks the orders that sessions see on a ZooKeeper server")]
struct Options {
    /// Where the server is. It must not hold /histories.
    server: SocketAddr,
    /// Sessions at a time.
    #[arg(long, default_value_t = 96)]
    sessions: usize,
    /// Threads that serve them.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// How long requests are sent.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Decides what is asked.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What all sessions share.
struct Run {
    options: Options,
    board: Arc<Board>,
    until: Instant,
    /// Set when a rule is broken: the rest would only follow from it.
    given_up: AtomicBool,
    broken: Mutex<Vec<Broken>>,
    next_group: AtomicU64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("histories: cannot start threads: {error}");
            return ExitCode::from(2);
        }
    };
    let run = Arc::new(Run {
        until: Instant::now() + Duration::from_secs(options.seconds),
        options,
        board: Arc::default(),
        given_up: AtomicBool::new(false),
        broken: Mutex::default(),
        next_group: AtomicU64::new(0),
    });
    runtime.block_on(drive(&run));
    report(&run)
}

async fn drive(run: &Arc<Run>) {
    if !run.note(session::prepare(run).await) {
        return;
    }
    let sessions: Vec<_> = (0..run.options.sessions)
        .map(|number| {
            let run = run.clone();
            tokio::spawn(async move { run.note(session::serve(&run, number).await) })
        })
        .collect();
    for session in sessions {
        if let Err(error) = session.await {
            eprintln!("histories: a session ended by a bug of this program: {error}");
            run.note(Err(Broken {
                rule: Rule::Answered,
                what: error.to_string(),
            }));
        }
    }
}

impl Run {
    /// Keeps what is broken; true if nothing is.
    fn note(&self, outcome: Result<(), Broken>) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        let Err(broken) = outcome else { return true };
        self.given_up.store(true, Relaxed);
        let mut all = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(broken);
        false
    }
}

/// A line for each rule. One that was never applied proves nothing.
fn report(run: &Run) -> ExitCode {
    let broken = run.broken.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failed = 0;
    for &rule in Rule::ALL {
        let first = broken.iter().find(|broken| broken.rule == rule);
        let reason = match (first, run.board.checked(rule)) {
            (Some(broken), _) => Some(broken.what.clone()),
            (None, 0) => Some("it was never applied".to_owned()),
            (None, _) => None,
        };
        let claim = rule.claim();
        match reason {
            None => println!("ok\t{claim}"),
            Some(reason) => {
                failed += 1;
                println!("FAIL\t{claim}\tseed {}: {reason}", run.options.seed);
            }
        }
    }
    let replies = run.board.checked(Rule::Order);
    let events = run.board.checked(Rule::Registered);
    eprintln!(
        "histories: {replies} replies and {events} events in {} s",
        run.options.seconds
    );
    println!("{} passed, {failed} failed", Rule::ALL.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}
