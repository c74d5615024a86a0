//! The server under a model checker: its connections' tasks, its replica and its disk thread as
//! they are, on locks that shuttle schedules, clients that check what they see.
//!
//! Each test runs many schedules from one seed. A lost wake-up is a deadlock, which shuttle finds;
//! what comes in a wrong order breaks a rule of `histories`. Bounds on queues are tiny here.

mod client;
mod pipe;
mod world;

use std::sync::LazyLock;

use histories::{Ask, Path};
use proto::AddWatchMode;
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};
use tokio::runtime::Runtime;

use client::Client;
use world::World;

const SEED: u64 = 4711;

/// More bytes than any client here leaves unread.
const WIDE: usize = 1 << 20;

/// Timers need a runtime to be made; none of them ever ends. It outlives a test that fails, whose
/// timers cannot be dropped any more.
static TIMERS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().expect("a runtime")
});

/// Schedules of each test and scheduler.
fn schedules() -> usize {
    std::env::var("MODEL_SCHEDULES").map_or(400, |text| text.parse().expect("a number"))
}

/// Runs a test under two schedulers: one that switches anywhere, and one that switches seldom but
/// at the worst places.
fn check(test: impl Fn() + Send + Sync + Clone + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    config.max_steps = MaxSteps::FailAfter(100_000);
    config.silence_warnings = true;
    let _entered = TIMERS.enter();
    let random = RandomScheduler::new_from_seed(SEED, schedules());
    Runner::new(random, config.clone()).run(test.clone());
    let seldom = PctScheduler::new_from_seed(SEED, 4, schedules());
    Runner::new(seldom, config).run(test);
}

fn register(n: usize) -> Path {
    format!("/register-{n}").into()
}

/// Written together only.
fn pair() -> [Path; 2] {
    [register(0), register(1)]
}

fn znodes() -> Vec<Path> {
    (0..3).map(register).chain(["/groups".into()]).collect()
}

/// What a client asks for, by chance; `value` is new each time.
fn any(value: &mut u64, watch: bool) -> Ask {
    let path = register(thread_rng().gen_range(0..3));
    let value = {
        *value += 1;
        *value
    };
    match thread_rng().gen_range(0..10) {
        0..4 => Ask::Get { path, watch },
        4..6 => Ask::SetPair {
            pair: pair(),
            value,
        },
        6 => Ask::Set {
            path: register(2),
            value,
        },
        7 => Ask::Sync { path },
        8 => Ask::Refused,
        _ => Ask::GetPair { pair: pair() },
    }
}

/// Sends requests in pipelines of chance; then ends the session.
async fn pipelines(client: &mut Client, number: u64, watch: bool) {
    let mut value = number << 32;
    for _ in 0..2 {
        for _ in 0..thread_rng().gen_range(1..5) {
            client.ask(any(&mut value, watch)).await;
        }
        client.read_down_to(thread_rng().gen_range(0..3)).await;
    }
}

#[test]
fn what_pipelined_sessions_see_is_in_order() {
    check(|| {
        World::run(&znodes(), |world| {
            let begin = |number| {
                let client = Client::new(world, WIDE);
                shuttle::future::spawn(async move {
                    let mut client = client.connect().await;
                    pipelines(&mut client, number, true).await;
                    client.finish().await;
                })
            };
            (1..=3).map(begin).collect()
        });
    });
}

#[test]
fn a_persistent_watch_is_told_of_each_change_before_any_reply_that_shows_it() {
    check(|| {
        World::run(&znodes(), |world| {
            let begin = |number| {
                let client = Client::new(world, WIDE);
                shuttle::future::spawn(async move {
                    let mut client = client.connect().await;
                    let mode = match number {
                        1 => AddWatchMode::PersistentRecursive,
                        _ => AddWatchMode::Persistent,
                    };
                    let path = if number == 1 { "/".into() } else { register(2) };
                    client.ask(Ask::Watch { path, mode }).await;
                    pipelines(&mut client, number, false).await;
                    client.finish().await;
                })
            };
            (1..=2).map(begin).collect()
        });
    });
}

/// The way to the client holds less than two replies: reads are held for want of room.
#[test]
fn a_client_that_is_slow_to_read_gets_all_its_replies() {
    check(|| {
        World::run(&znodes(), |world| {
            let begin = |number: u64| {
                let client = Client::new(world, 100);
                shuttle::future::spawn(async move {
                    let mut client = client.connect().await;
                    let (path, value) = (register(2), number);
                    client.ask(Ask::Set { path, value }).await;
                    for _ in 0..5 {
                        client.ask(Ask::GetPair { pair: pair() }).await;
                    }
                    pipelines(&mut client, number, true).await;
                    client.finish().await;
                })
            };
            (1..=2).map(begin).collect()
        });
    });
}

#[test]
fn a_session_goes_on_when_its_connection_is_lost_amid_requests() {
    check(|| {
        World::run(&znodes(), |world| {
            let begin = |number| {
                let (client, world) = (Client::new(world, WIDE), world.clone());
                shuttle::future::spawn(async move {
                    let mut client = client.connect().await;
                    pipelines(&mut client, number, true).await;
                    let mut client = client.reconnect(&world, WIDE).await;
                    pipelines(&mut client, number, true).await;
                    client.finish().await;
                })
            };
            (1..=2).map(begin).collect()
        });
    });
}

#[test]
fn the_ephemerals_of_a_session_end_with_it_for_all_at_once() {
    check(|| {
        World::run(&znodes(), |world| {
            let begin = |number| {
                let client = Client::new(world, WIDE);
                shuttle::future::spawn(async move {
                    let mut client = client.connect().await;
                    let (parent, group): (Path, _) = ("/groups".into(), number);
                    let path = parent.clone();
                    let list = Ask::Children { path, watch: true };
                    client.ask(list.clone()).await;
                    client.ask(Ask::CreateGroup { parent, group }).await;
                    client.ask(list.clone()).await;
                    client.read_down_to(1).await;
                    client.ask(list).await;
                    client.finish().await;
                })
            };
            (1..=3).map(begin).collect()
        });
    });
}
