//! Claims on whole elections.

mod common;

use std::collections::BTreeSet;

use bytes::Bytes;
use common::{Net, Server, server};
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Election, Input, Notification, Output, PeerState, Proposal, Resends};
use quorum::verifier::{QuorumVerifier, Quorums};
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

fn says(state: PeerState, leader: i64, epoch: i64, round: i64) -> Notification {
    Notification {
        state,
        proposal: Proposal {
            epoch: Epoch(epoch),
            zxid: Zxid(0),
            leader: Sid(leader),
        },
        round,
        version: 2,
        config: None,
    }
}

/// A connection begins with what was last sent on the one before it. A server that had looked, together with a server that
/// is started for the second time now, votes for it there, and follows another one by now.
#[test]
fn an_old_vote_of_a_server_that_has_a_leader_elects_nobody() {
    let old_vote = (Sid(1), says(PeerState::Looking, 3, 0, 1));
    for round in [1, 7] {
        let leads = (Sid(2), says(PeerState::Leading, 2, 1, round));
        let follows = (Sid(1), says(PeerState::Following, 2, 1, round));
        for order in [[&leads, &old_vote, &follows], [&old_vote, &leads, &follows]] {
            let voters = Quorums::of(QuorumVerifier::majority((1..=3).map(Sid)));
            let mut election = Election::new(Sid(3), voters, Bytes::new());
            let mut outputs = Vec::new();
            election.handle(0, Input::Look(Zxid(0), Epoch(0)), &mut outputs);
            for (ms, (from, heard)) in (1..).zip(order) {
                election.handle(ms, Input::Heard(*from, heard.clone()), &mut outputs);
            }
            let elected: Vec<_> = outputs
                .into_iter()
                .filter(|output| matches!(output, Output::Elected(..)))
                .collect();
            assert_eq!(
                elected,
                [Output::Elected(Sid(2), PeerState::Following)],
                "round {round}, {order:?}"
            );
        }
    }
}

#[test]
fn votes_are_sent_again_after_the_waits_that_are_configured() {
    let voters = Quorums::of(QuorumVerifier::majority((1..=3).map(Sid)));
    let resends = Resends {
        first_ms: 50,
        longest_ms: 120,
    };
    let election = Election::new(Sid(3), voters, Bytes::new());
    let mut election = election.with_resends(resends);
    let mut outputs = Vec::new();
    election.handle(0, Input::Look(Zxid(0), Epoch(0)), &mut outputs);
    let mut at = Vec::new();
    for _ in 0..4 {
        let deadline_ms = election.deadline().expect("it looks");
        at.push(deadline_ms);
        outputs.clear();
        election.handle(deadline_ms, Input::Timeout, &mut outputs);
        assert_eq!(outputs.len(), 2, "to both others: {outputs:?}");
    }
    assert_eq!(at, [50, 150, 270, 390]);
}
