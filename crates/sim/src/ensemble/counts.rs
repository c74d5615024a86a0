//! What a run went through, over one seed or all.

use std::fmt;

use super::steps::STEPS;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident $floor:literal,)*) => {
        /// How often each thing happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
            /// Crashes between two steps of an order; see [`STEPS`].
            pub steps: Vec<u64>,
        }

        impl Default for Counts {
            fn default() -> Self {
                Counts { $($name: 0,)* steps: vec![0; STEPS.len()] }
            }
        }

        impl Counts {
            /// Adds another run's.
            pub fn add(&mut self, other: &Counts) {
                $(self.$name += other.$name;)*
                for (sum, more) in self.steps.iter_mut().zip(&other.steps) {
                    *sum += more;
                }
            }

            /// Names, counts, and whether each has to occur a certain number of times.
            fn rows(&self) -> Vec<(String, u64, bool)> {
                let mut rows = vec![$((stringify!($name).replace('_', " "), self.$name, $floor),)*];
                let step = |(step, count): (&super::steps::Step, &u64)| {
                    (format!("crash: {}", step.name), *count, true)
                };
                rows.extend(STEPS.iter().zip(&self.steps).map(step));
                rows
            }
        }
    };
}

counts! {
    /// Leaders that came to serve.
    elections false,
    /// Ends at which a server could follow only the next leader.
    locked_out false,
    /// What clients sent, without connects and pings.
    requests false,
    /// Answers that clients got.
    replies false,
    /// Writes that clients were told of.
    acknowledged false,
    /// Reads whose answer was held against the history.
    reads false,
    /// Watch events that clients got.
    events true,
    /// Sessions that a leader began to close because nobody was heard.
    expired_sessions true,
    /// Sessions that clients closed.
    closed_sessions true,
    /// Connects of a session to another server than before.
    moved_sessions true,
    /// Writes that were refused because their session is elsewhere.
    moved_refusals true,
    /// Faults of any kind.
    faults false,
    /// Processes that ended.
    crashes true,
    /// Of these: in front of any operation on the disk.
    crashes_at_the_disk true,
    /// Of these: in front of any output.
    crashes_at_an_output true,
    /// Histories that went on from where the learner was.
    diffs true,
    /// Histories that began with a cut.
    truncs true,
    /// Histories that were a whole tree.
    snaps true,
    /// Crashes of a learner from SNAP to the tree being in use.
    crashes_during_snap true,
    /// Trees that were read again behind a cut.
    reloads true,
    /// Torn ends of logs that a start found.
    torn_tails true,
    /// Processes that ended because an fsync failed.
    failed_fsyncs true,
    /// Processes that ended because another operation on the disk failed.
    failed_operations true,
    /// Packets that were held up in one direction of a link while the other was whole.
    one_way_cuts true,
    /// Links that were reset.
    resets true,
    /// Servers that stood still for a while.
    pauses true,
    /// Leaders that lost their office with txns that were not committed.
    deposed_with_tail true,
    /// Snapshots that a server took of its own.
    own_snapshots false,
}

/// Over all seeds, each thing that has to occur does so this often.
pub const FLOOR: u64 = 50;

impl Counts {
    /// What did not occur often enough.
    pub fn below_floor(&self) -> Vec<String> {
        let rows = self.rows().into_iter();
        let below = rows.filter(|(_, count, has_floor)| *has_floor && *count < FLOOR);
        below
            .map(|(name, count, _)| format!("{name}: {count}"))
            .collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count, _) in self.rows() {
            writeln!(f, "{count:>10}  {name}")?;
        }
        Ok(())
    }
}
