//! Puts load on a ZooKeeper server, ours or Apache's, and says how fast it was answered.
//!
//! For benchmarks only: sessions on raw sockets, a fixed number of requests outstanding on each.
//! Prints one line of JSON.

mod client;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use client::Client;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Op {
    /// New znodes, a thousand below each parent.
    Create,
    /// Data of znodes that `create` made.
    Get,
    /// New data for them.
    Set,
    /// Nine reads, then a write.
    Mixed,
    /// Heart-beats: the cost of a round trip.
    Ping,
}

#[derive(Clone, Debug, Parser)]
#[command(about = "Puts load on a ZooKeeper server")]
struct Options {
    /// Where the server is.
    server: SocketAddr,
    /// What is asked.
    op: Op,
    /// Requests in all.
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// Sessions.
    #[arg(long, default_value_t = 8)]
    sessions: usize,
    /// Requests outstanding on each session.
    #[arg(long, default_value_t = 32)]
    window: usize,
    /// Bytes of data in a znode.
    #[arg(long, default_value_t = 100)]
    size: usize,
}

/// What one session measured.
struct Measured {
    latencies: Vec<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    if options.op == Op::Create {
        client::make_parents(&options).await?;
    }
    let began = Instant::now();
    let sessions: Vec<_> = (0..options.sessions)
        .map(|session| tokio::spawn(run_session(options.clone(), session)))
        .collect();
    let mut latencies = Vec::with_capacity(options.count);
    for session in sessions {
        latencies.extend(session.await??.latencies);
    }
    report(&options, began.elapsed(), &mut latencies);
    Ok(())
}

async fn run_session(options: Options, session: usize) -> std::io::Result<Measured> {
    let mut client = Client::connect(options.server).await?;
    let mine = (session..options.count).step_by(options.sessions);
    let latencies = client.run(&options, mine).await?;
    Ok(Measured { latencies })
}

fn report(options: &Options, took: Duration, latencies: &mut [Duration]) {
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "{{\"op\": \"{:?}\", \"count\": {}, \"seconds\": {:.3}, \"per_second\": {:.0}, \
         \"p50_us\": {}, \"p99_us\": {}, \"max_us\": {}}}",
        options.op,
        latencies.len(),
        took.as_secs_f64(),
        latencies.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
}
