//! A server on its own: what is durable is committed.

use std::collections::VecDeque;

use proto::Zxid;

use crate::disk::Tickets;
use crate::queue::pop_front_if;
use crate::{DiskOp, Input, Output, Ticket};

#[derive(Debug)]
pub(crate) struct Standalone {
    tickets: Tickets,
    last_proposed: Zxid,
    /// Logged and not yet known to be durable.
    logging: VecDeque<(Ticket, Zxid)>,
}

impl Standalone {
    pub fn new(last_zxid: Zxid) -> Self {
        Standalone {
            tickets: Tickets::default(),
            last_proposed: last_zxid,
            logging: VecDeque::new(),
        }
    }

    pub fn handle(&mut self, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Propose { zxid, record } => {
                assert!(
                    zxid > self.last_proposed,
                    "{zxid} proposed after {}",
                    self.last_proposed
                );
                self.last_proposed = zxid;
                let ticket = self.tickets.next();
                self.logging.push_back((ticket, zxid));
                outputs.push(Output::Disk(ticket, DiskOp::Append { zxid, record }));
            }
            Input::Durable(ticket) => outputs.extend(self.durable(ticket)),
            other => panic!("a server on its own has no use for {other:?}"),
        }
    }

    fn durable(&mut self, ticket: Ticket) -> Option<Output> {
        self.tickets.durable(ticket);
        let mut committed = None;
        while let Some((_, zxid)) = pop_front_if(&mut self.logging, |(next, _)| *next <= ticket) {
            committed = Some(zxid);
        }
        committed.map(|up_to| Output::Apply { up_to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn outputs(role: &mut Standalone, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        role.handle(input, &mut outputs);
        outputs
    }

    fn propose(role: &mut Standalone, zxid: i64) -> Vec<Output> {
        outputs(
            role,
            Input::Propose {
                zxid: Zxid(zxid),
                record: Bytes::new(),
            },
        )
    }

    #[test]
    fn nothing_is_applied_before_it_is_durable() {
        let mut role = Standalone::new(Zxid(6));
        let append = DiskOp::Append {
            zxid: Zxid(7),
            record: Bytes::new(),
        };
        assert_eq!(propose(&mut role, 7), [Output::Disk(Ticket(1), append)]);
        assert_eq!(outputs(&mut role, Input::Durable(Ticket(0))), []);
        assert_eq!(
            outputs(&mut role, Input::Durable(Ticket(1))),
            [Output::Apply { up_to: Zxid(7) }]
        );
    }

    #[test]
    fn one_number_makes_a_whole_batch_durable() {
        let mut role = Standalone::new(Zxid(0));
        for zxid in 1..=3 {
            propose(&mut role, zxid);
        }
        assert_eq!(
            outputs(&mut role, Input::Durable(Ticket(2))),
            [Output::Apply { up_to: Zxid(2) }]
        );
        assert_eq!(outputs(&mut role, Input::Durable(Ticket(2))), []);
    }

    #[test]
    #[should_panic(expected = "proposed after")]
    fn a_zxid_that_does_not_rise_is_a_bug() {
        propose(&mut Standalone::new(Zxid(7)), 7);
    }
}
