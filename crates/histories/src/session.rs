//! One session from its first request to its last.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use histories::{Ask, Broken, History};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::Run;
use crate::wire::{Ticket, Wire};
use crate::work::{self, Role, Work};

/// Makes the znodes of a run.
pub async fn prepare(run: &Run) -> Result<(), Broken> {
    let mut history = History::new(run.board.clone());
    let mut wire = Wire::connect(run, Ticket::default()).await?;
    for path in work::all(run.options.sessions) {
        wire.ask(&mut history, Ask::Create { path });
    }
    finish(&mut wire, &mut history).await
}

/// Serves one of the run's sessions until its time is over.
pub async fn serve(run: &Run, number: usize) -> Result<(), Broken> {
    let role = Role::of(number, run.options.sessions);
    let seed = run.options.seed.wrapping_mul(1 << 20) + number as u64;
    let mut work = Work::new(role, number, SmallRng::seed_from_u64(seed));
    match role {
        Role::Visitor => {
            while run.goes_on() {
                visit(run, &mut work).await?;
            }
            Ok(())
        }
        _ => stay(run, &mut work).await,
    }
}

impl Run {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until && !self.given_up.load(Relaxed)
    }
}

async fn stay(run: &Run, work: &mut Work) -> Result<(), Broken> {
    let mut history = History::new(run.board.clone());
    let mut wire = Wire::connect(run, Ticket::default()).await?;
    for ask in work.first() {
        wire.ask(&mut history, ask);
    }
    while run.goes_on() {
        for _ in 0..work.burst() {
            wire.ask(&mut history, work.next());
        }
        wire.flush().await?;
        let most = work.low_water(history.outstanding());
        wire.read_down_to(&mut history, most).await?;
        if work.is_cut() {
            wire = reconnect(run, wire, &mut history, work).await?;
        }
    }
    finish(&mut wire, &mut history).await
}

/// The socket goes, with what is outstanding; the session and its watches are taken up again.
async fn reconnect(
    run: &Run,
    wire: Wire,
    history: &mut History,
    work: &mut Work,
) -> Result<Wire, Broken> {
    let ticket = wire.ticket.clone();
    drop(wire);
    work.forget();
    let rewatch = history.cut();
    let mut wire = Wire::connect(run, ticket).await?;
    wire.ask(history, rewatch);
    Ok(wire)
}

/// A session that makes ephemerals, does a little, and ends, all in one pipeline.
async fn visit(run: &Run, work: &mut Work) -> Result<(), Broken> {
    let mut history = History::new(run.board.clone());
    let mut wire = Wire::connect(run, Ticket::default()).await?;
    work.forget();
    let (parent, group) = (work::groups(), run.next_group.fetch_add(1, Relaxed));
    wire.ask(&mut history, Ask::CreateGroup { parent, group });
    for _ in 0..work.burst() {
        wire.ask(&mut history, work.next());
    }
    if group % 2 == 0 {
        // Others can see them for a while.
        wire.flush().await?;
        wire.read_down_to(&mut history, 0).await?;
    }
    finish(&mut wire, &mut history).await
}

/// Ends the session behind all that is outstanding.
async fn finish(wire: &mut Wire, history: &mut History) -> Result<(), Broken> {
    wire.ask(history, Ask::Close);
    wire.flush().await?;
    wire.read_to_end(history).await
}
