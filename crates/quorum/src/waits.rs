//! Waits that an operator may ask for, beside those of elections.

use proto::Sid;

/// How long roles wait; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// ms, at most, that an observer which has lost its leader waits before it looks for one. Apache:
    /// `zookeeper.observer.election.DelayMs`.
    pub before_election_ms: u64,
    /// ms, at most, that an observer waits before it connects to the leader that it has found. Apache:
    /// `zookeeper.observer.reconnectDelayMs`.
    pub before_connecting_ms: u64,
    /// ms from its election after which a leader without an epoch gives up as soon as a voter that elected it looks again; it waits for
    /// initLimit in any case where there is none. Apache: `zookeeper.leader.maxTimeToWaitForEpoch`.
    pub for_epoch_ms: Option<u64>,
}

/// A time below `most_ms`, another one for each server and moment, so that observers which lose one leader do not all come back at once.
/// Apache throws dice.
pub(crate) fn spread(most_ms: u64, now_ms: u64, me: Sid) -> u64 {
    let mut mixed = now_ms ^ me.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The end of SplitMix64.
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).checked_rem(most_ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_wait_from_one_moment_on_wait_for_times_of_their_own() {
        let times: Vec<u64> = (1..=100).map(|me| spread(1000, 77, Sid(me))).collect();
        assert!(times.iter().all(|ms| *ms < 1000));
        for tenth in 0..10 {
            let there = times.iter().filter(|ms| **ms / 100 == tenth).count();
            assert!((2..=25).contains(&there), "{there} in tenth {tenth}");
        }
        assert_eq!(spread(0, 77, Sid(1)), 0);
    }
}
