//! Whose requests come in while the server has more in progress than `globalOutstandingLimit`.

/// What the whole server has at the moment.
pub(super) struct Load {
    /// Requests in progress.
    pub in_process: i64,
    /// Clients that are connected.
    pub connections: u32,
}

impl Load {
    /// May a client with so many requests in progress send one more? Above the limit Apache reads only who has none
    /// (`ZooKeeperServer.shouldThrottle`): who came early then keeps a place for each of its requests, and who came late gets
    /// one after the other in. Here each has its share, so that all together have about twice the limit at most.
    pub fn leaves_a_turn(&self, pending: usize, limit: u32) -> bool {
        self.in_process <= i64::from(limit) || pending < self.share(limit)
    }

    fn share(&self, limit: u32) -> usize {
        limit.checked_div(self.connections).unwrap_or(limit).max(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u32 = 1000;

    fn leaves_a_turn(in_process: i64, connections: u32, pending: usize) -> bool {
        let load = Load {
            in_process,
            connections,
        };
        load.leaves_a_turn(pending, LIMIT)
    }

    #[test]
    fn up_to_the_limit_everybody_may_send() {
        assert!(leaves_a_turn(1000, 100, 999));
        assert!(!leaves_a_turn(1001, 100, 999));
    }

    #[test]
    fn above_it_each_may_have_its_share() {
        assert!(leaves_a_turn(1500, 100, 9));
        assert!(!leaves_a_turn(1500, 100, 10));
    }

    #[test]
    fn of_more_clients_than_the_limit_each_may_have_one() {
        assert!(leaves_a_turn(5000, 100_000, 0));
        assert!(!leaves_a_turn(5000, 100_000, 1));
    }

    /// Each round the same clients are read first, and all that came in is answered.
    #[test]
    fn who_is_always_read_last_gets_as_much_in_as_its_share() {
        const CLIENTS: u32 = 100;
        const OUTSTANDING: usize = 32;
        let mut in_process = 0;
        let mut read = || {
            let mut pending = 0;
            while pending < OUTSTANDING && leaves_a_turn(in_process, CLIENTS, pending) {
                pending += 1;
                in_process += 1;
            }
            pending
        };
        let of_each: Vec<_> = (0..CLIENTS).map(|_| read()).collect();
        assert_eq!((of_each[0], of_each[99]), (32, 10));
        assert!(in_process <= 2 * i64::from(LIMIT), "{in_process}");
    }
}
