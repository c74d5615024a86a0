//! Requests with a full window on each connection: get, set, create, mixed, ping.

use std::collections::VecDeque;
use std::sync::Arc;

use proto::OpCode;
use proto::records::{GetDataRequest, SetDataRequest};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::interval::{Interval, measured};
use crate::report::Tally;
use crate::session::{Session, open_all};
use crate::znodes::{Znodes, create};
use crate::{Error, Options, Report, Workload};

/// Runs the workload on all connections at once.
pub async fn run(options: &Options, znodes: &Znodes) -> Result<Report, Error> {
    let sessions = open_all(options).await?;
    let interval = Interval::from_now(options);
    let shared = Arc::new(options.clone());
    let mut tasks = JoinSet::new();
    for (number, session) in sessions.into_iter().enumerate() {
        let asker = Asker::new(shared.clone(), znodes.clone(), number);
        tasks.spawn(ask_all(session, asker, interval.clone()));
    }
    measured(options, &interval, tasks).await
}

/// Keeps the window full until the interval is over, then waits for the last answers.
async fn ask_all(
    mut session: Session,
    mut asker: Asker,
    interval: Interval,
) -> Result<Tally, Error> {
    let window = asker.options.in_flight;
    let mut tally = Tally::default();
    let mut asked = VecDeque::with_capacity(window);
    loop {
        while asked.len() < window && !interval.is_over() && asker.ask(&mut session) {
            asked.push_back(Instant::now());
        }
        if asked.is_empty() {
            session.end().await?;
            return Ok(tally);
        }
        session.flush().await?;
        session.fill().await?;
        while let Some(header) = session.next_header()? {
            let asked_at = asked.pop_front();
            let asked_at = asked_at.ok_or_else(|| session.odd(&"a reply to no request"))?;
            if interval.counts() {
                tally.add(header.err, asked_at.elapsed());
            }
        }
    }
}

/// Makes one connection's requests.
struct Asker {
    options: Arc<Options>,
    znodes: Znodes,
    connection: usize,
    data: Vec<u8>,
    dice: SmallRng,
    asked: usize,
    /// Requests that are still to be made.
    left: usize,
}

impl Asker {
    fn new(options: Arc<Options>, znodes: Znodes, connection: usize) -> Self {
        let left = options.requests.map_or(usize::MAX, |all| {
            all / options.connections + usize::from(connection < all % options.connections)
        });
        Asker {
            data: vec![b'x'; options.value_bytes],
            options,
            znodes,
            connection,
            dice: SmallRng::seed_from_u64(connection as u64),
            asked: 0,
            left,
        }
    }

    /// Queues the next request; false if there is none.
    fn ask(&mut self, session: &mut Session) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let workload = self.options.workload;
        match workload {
            Workload::Create => self.create(session),
            Workload::Set => self.set(session),
            Workload::Mixed if !self.is_read() => self.set(session),
            Workload::Ping => session.ask_ping(),
            _ => self.get(session),
        }
        self.asked += 1;
        true
    }

    fn is_read(&mut self) -> bool {
        self.dice.random_range(0..100) < self.options.read_percent
    }

    fn any_path(&mut self) -> String {
        self.znodes
            .path(self.dice.random_range(0..self.options.znodes))
    }

    fn create(&mut self, session: &mut Session) {
        let path = self.znodes.new_path(self.connection, self.asked);
        session.ask(OpCode::CREATE, &create(&path, &self.data));
    }

    fn get(&mut self, session: &mut Session) {
        let path = Some(self.any_path().into());
        session.ask(OpCode::GET_DATA, &GetDataRequest { path, watch: false });
    }

    fn set(&mut self, session: &mut Session) {
        let request = SetDataRequest {
            path: Some(self.any_path().into()),
            data: Some(&self.data),
            version: -1,
        };
        session.ask(OpCode::SET_DATA, &request);
    }
}
