//! Sessions that wait: for events of a watch, or for nothing.

use std::sync::Arc;
use std::time::Duration;

use proto::records::{AddWatchRequest, SetDataRequest};
use proto::{AddWatchMode, ErrorCode, OpCode};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::interval::{Interval, measured};
use crate::report::Tally;
use crate::session::{EVENT_XID, PING_XID, Session, open_all};
use crate::transport::Dialer;
use crate::znodes::{Znodes, refused};
use crate::{Error, Options, Report};

/// Sessions that only send heart-beats.
pub async fn idle(options: &Options) -> Result<Report, Error> {
    let sessions = open_all(options).await?;
    let interval = Interval::from_now(options);
    let left = options
        .requests
        .map(|all| all.div_ceil(options.connections));
    let mut tasks = JoinSet::new();
    for (number, session) in sessions.into_iter().enumerate() {
        // Spread, as the clients of many hosts are.
        let share = number as f64 / options.connections as f64;
        tasks.spawn(beat(session, share, interval.clone(), left));
    }
    measured(options, &interval, tasks).await
}

/// Time between two heart-beats.
fn pause(session: &Session) -> Duration {
    Duration::from_millis(session.timeout_ms.max(3).unsigned_abs().into()) / 3
}

async fn beat(
    mut session: Session,
    share: f64,
    interval: Interval,
    left: Option<usize>,
) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let pause = pause(&session);
    let mut next = Instant::now() + pause.mul_f64(share);
    let mut sent = 0;
    while left.is_none_or(|left| sent < left) && interval.sleep_until(next).await {
        session.ask_ping();
        session.flush().await?;
        let asked_at = Instant::now();
        let header = session.wait_for_header().await?;
        if interval.counts() {
            tally.add(header.err, asked_at.elapsed());
        }
        next += pause;
        sent += 1;
    }
    session.end().await?;
    Ok(tally)
}

/// All sessions but one watch a znode; the other one writes it, again when all have the event.
pub async fn watch(options: &Options, znodes: &Znodes) -> Result<Report, Error> {
    let mut sessions = open_all(options).await?;
    let path: Arc<str> = znodes.path(0).into();
    for session in &mut sessions {
        add_watch(session, &path).await?;
    }
    let writer = Session::begin(options, &Dialer::new(options)?, 0).await?;
    let interval = Interval::from_now(options);
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let mut watchers = JoinSet::new();
    for session in sessions {
        watchers.spawn(await_events(session, arrived.clone()));
    }
    let mut tasks = JoinSet::new();
    let work = write_rounds(
        writer,
        path,
        options.clone(),
        interval.clone(),
        arrivals,
        watchers,
    );
    tasks.spawn(work);
    measured(options, &interval, tasks).await
}

async fn add_watch(session: &mut Session, path: &str) -> Result<(), Error> {
    let request = AddWatchRequest {
        path: Some(path.into()),
        mode: AddWatchMode::Persistent as i32,
    };
    let (code, _) = session.call(OpCode::ADD_WATCH, &request).await?;
    refused("addWatch", code)
}

/// Tells of each event; sends heart-beats. Ends only by an error.
async fn await_events(
    mut session: Session,
    arrived: mpsc::UnboundedSender<()>,
) -> Result<(), Error> {
    let mut beats = tokio::time::interval(pause(&session));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            filled = session.fill() => filled?,
            _ = beats.tick() => {
                session.ask_ping();
                session.flush().await?;
            }
        }
        while let Some(header) = session.next_header()? {
            match header.xid {
                EVENT_XID => drop(arrived.send(())),
                PING_XID => {}
                xid => return Err(session.odd(&format!("a reply to no request (xid {xid})"))),
            }
        }
    }
}

async fn write_rounds(
    mut writer: Session,
    path: Arc<str>,
    options: Options,
    interval: Interval,
    mut arrivals: mpsc::UnboundedReceiver<()>,
    mut watchers: JoinSet<Result<(), Error>>,
) -> Result<Tally, Error> {
    let data = vec![b'x'; options.value_bytes];
    let mut left = options.requests.unwrap_or(usize::MAX);
    let mut tally = Tally::default();
    while left > 0 && !interval.is_over() {
        left = left.saturating_sub(options.connections);
        let request = SetDataRequest {
            path: Some((&*path).into()),
            data: Some(&data),
            version: -1,
        };
        let asked_at = Instant::now();
        let (code, _) = writer.call(OpCode::SET_DATA, &request).await?;
        refused(&path, code)?;
        all_arrived(options.connections, &mut arrivals, &mut watchers).await?;
        if interval.counts() {
            tally.add(ErrorCode::OK, asked_at.elapsed());
            tally.answered += options.connections as u64 - 1;
        }
    }
    writer.end().await?;
    Ok(tally)
}

/// Waits until each watcher has the event, or one of them fails.
async fn all_arrived(
    count: usize,
    arrivals: &mut mpsc::UnboundedReceiver<()>,
    watchers: &mut JoinSet<Result<(), Error>>,
) -> Result<(), Error> {
    for _ in 0..count {
        tokio::select! {
            biased;
            _ = arrivals.recv() => {}
            Some(ended) = watchers.join_next() => return ended?,
        }
    }
    Ok(())
}
