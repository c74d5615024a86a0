//! The measured interval: after the warm-up, for so long or so many requests.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::process::cpu_time;
use crate::report::Tally;
use crate::{Error, Options, Report};

/// When requests count. Clones are of the same interval.
#[derive(Clone, Debug)]
pub struct Interval {
    begins: Instant,
    /// None if the number of requests decides.
    ends: Option<Instant>,
    phase: Arc<AtomicU8>,
}

const WARM_UP: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

impl Interval {
    /// Warm-up and measurement, from now on.
    pub fn from_now(options: &Options) -> Self {
        let timed = options.requests.is_none();
        let warm_up = options.warm_up_seconds;
        let begins = Instant::now() + if timed { warm_up } else { Duration::ZERO };
        Interval {
            begins,
            ends: timed.then(|| begins + options.seconds),
            phase: Arc::new(AtomicU8::new(if timed { WARM_UP } else { MEASURED })),
        }
    }

    /// Should no more be asked?
    pub fn is_over(&self) -> bool {
        self.phase.load(Relaxed) == OVER
    }

    /// Does an answer count that comes now?
    pub fn counts(&self) -> bool {
        self.phase.load(Relaxed) == MEASURED
    }

    /// Waits for an instant; false if the interval is over before it.
    pub async fn sleep_until(&self, instant: Instant) -> bool {
        let last = self.ends.map_or(instant, |ends| ends.min(instant));
        sleep_until(last).await;
        self.ends.is_none_or(|ends| instant < ends)
    }
}

/// The report on what the tasks tally within the interval, and what the server's process uses in
/// it. The first task that fails ends all.
pub async fn measured(
    options: &Options,
    interval: &Interval,
    tasks: JoinSet<Result<Tally, Error>>,
) -> Result<Report, Error> {
    let mut tasks = pin!(tally_all(tasks));
    let mut tally = until(Some(interval.begins), tasks.as_mut()).await?;
    let (began, cpu_before) = (Instant::now(), server_cpu(options)?);
    interval.phase.store(MEASURED, Relaxed);
    if tally.is_none() {
        tally = until(interval.ends, tasks.as_mut()).await?;
    }
    interval.phase.store(OVER, Relaxed);
    let (took, cpu_after) = (began.elapsed(), server_cpu(options)?);
    let tally = match tally {
        Some(tally) => tally,
        None => tasks.await?,
    };
    let cpu = cpu_after
        .zip(cpu_before)
        .map(|(after, before)| after - before);
    Ok(Report::new(options, tally, took, cpu))
}

fn server_cpu(options: &Options) -> Result<Option<Duration>, Error> {
    options.server_pid.map(cpu_time).transpose()
}

/// Waits for an instant, or else for the tasks' end; what they tally if they end before it.
async fn until<F: Future<Output = Result<Tally, Error>>>(
    instant: Option<Instant>,
    tasks: Pin<&mut F>,
) -> Result<Option<Tally>, Error> {
    let Some(instant) = instant else {
        return tasks.await.map(Some);
    };
    tokio::select! {
        tally = tasks => tally.map(Some),
        () = sleep_until(instant) => Ok(None),
    }
}

async fn tally_all(mut tasks: JoinSet<Result<Tally, Error>>) -> Result<Tally, Error> {
    let mut all = Tally::default();
    while let Some(one) = tasks.join_next().await {
        all.merge(&one??);
    }
    Ok(all)
}
