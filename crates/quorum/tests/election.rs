//! Claims on whole elections.

mod common;

use std::collections::BTreeSet;

use common::{Net, Server, server};
use proto::Sid;
use quorum::election::PeerState;
use rand::Rng;

const SEEDS: u64 = 500;

fn leaders(net: &Net) -> BTreeSet<Sid> {
    net.elected.values().map(|(leader, _)| *leader).collect()
}

fn best(servers: &[Server]) -> Sid {
    servers
        .iter()
        .max_by_key(|server| (server.epoch, server.zxid, server.sid))
        .expect("servers")
        .sid
}

/// Servers with histories that differ a little, of which a quorum runs.
fn draw(net: &mut Net, voters: i64) -> Vec<Server> {
    let down = net.rng().random_range(0..=(voters - 1) / 2);
    let first = net.rng().random_range(1..=down + 1);
    let present = first..first + voters - down;
    present
        .map(|sid| {
            server(
                sid,
                net.rng().random_range(1..3),
                net.rng().random_range(1..4),
            )
        })
        .collect()
}

#[test]
fn servers_that_start_together_elect_the_one_with_the_newest_history() {
    for seed in 0..SEEDS {
        let voters = [3, 5][seed as usize % 2];
        let mut net = Net::new(seed, voters);
        let servers = draw(&mut net, voters);
        servers.iter().for_each(|server| net.look(*server));
        net.elect();
        assert_eq!(
            leaders(&net),
            BTreeSet::from([best(&servers)]),
            "seed {seed}"
        );
    }
}

#[test]
fn only_the_leader_leads() {
    for seed in 0..SEEDS {
        let mut net = Net::new(seed, 5);
        let servers = draw(&mut net, 5);
        servers.iter().for_each(|server| net.look(*server));
        net.elect();
        for (sid, (leader, state)) in &net.elected {
            let leads = *state == PeerState::Leading;
            assert_eq!(leads, sid == leader, "seed {seed}, server {sid:?}");
        }
    }
}

#[test]
fn a_server_that_comes_late_joins_the_leader_that_is_there() {
    for seed in 0..SEEDS {
        let mut net = Net::new(seed, 3);
        net.look(server(1, 1, 1));
        net.look(server(2, 1, 1));
        net.elect();
        net.look(server(3, 9, 9));
        net.elect();
        assert_eq!(
            net.elected[&Sid(3)],
            (Sid(2), PeerState::Following),
            "seed {seed}"
        );
    }
}

#[test]
fn servers_that_lose_their_leader_elect_another_in_a_later_round() {
    for seed in 0..SEEDS {
        let mut net = Net::new(seed, 3);
        (1..=3).for_each(|sid| net.look(server(sid, 1, 1)));
        net.elect();
        net.stop(Sid(3));
        net.look(server(1, 1, 5));
        net.look(server(2, 1, 4));
        net.elect();
        assert_eq!(leaders(&net), BTreeSet::from([Sid(1)]), "seed {seed}");
    }
}

#[test]
fn no_leader_is_elected_without_a_quorum() {
    let mut net = Net::new(7, 3);
    net.look(server(1, 1, 1));
    let election = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| net.elect()));
    assert!(election.is_err() && net.elected.is_empty());
}

#[test]
fn an_observer_learns_of_the_leader_and_has_no_say() {
    for seed in 0..SEEDS {
        let mut net = Net::new(seed, 3);
        net.look(server(9, 9, 9));
        (1..=3).for_each(|sid| net.look(server(sid, 1, 1)));
        net.elect();
        assert_eq!(
            net.elected[&Sid(9)],
            (Sid(3), PeerState::Observing),
            "seed {seed}"
        );
    }
}

#[test]
fn the_final_wait_is_short_when_every_voter_has_voted_or_does_not_run() {
    for seed in 0..SEEDS {
        let mut net = Net::new(seed, 3);
        net.refusing = true;
        net.look(server(1, 1, 1));
        net.look(server(2, 1, 1));
        net.elect();
        assert!(net.now_ms < 200, "seed {seed}: {} ms", net.now_ms);
    }
}

#[test]
fn the_final_wait_is_long_when_a_voter_may_still_come() {
    for seed in 0..SEEDS {
        let mut net = Net::new(seed, 3);
        net.look(server(1, 1, 1));
        net.look(server(2, 1, 1));
        net.elect();
        assert!(net.now_ms > 200, "seed {seed}: {} ms", net.now_ms);
    }
}

#[test]
fn a_server_whose_data_must_not_be_counted_on_does_not_vote() {
    let mut net = Net::new(1, 3);
    net.look(server(3, 0, -1));
    net.look(server(1, 1, 1));
    net.look(server(2, 1, 1));
    net.elect();
    assert_eq!(net.elected[&Sid(3)], (Sid(2), PeerState::Following));
}
