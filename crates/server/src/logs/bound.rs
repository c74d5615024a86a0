//! No line without bound: each place in the code that logs has so many lines in a span of time, and what is left out is counted
//! and told.
//!
//! Debug and trace, which somebody asked for, and the audit, which must be whole, have no bound.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

use super::{AUDIT, form};
use crate::limits::{LOG_SPAN, MAX_LOG_LINES};

/// Which lines are said.
#[derive(Clone, Default)]
pub(super) struct Bound(Arc<Mutex<HashMap<Identifier, Place>>>);

/// A place in the code, in the present span.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Module and line, as its lines show them.
    name: String,
    /// Lines that were said or left out.
    lines: u64,
}

impl Bound {
    /// With a thread that ends each span.
    pub fn begin() -> Self {
        let bound = Bound::default();
        let ends = bound.clone();
        let telling = move || {
            loop {
                thread::sleep(LOG_SPAN);
                for (name, count) in ends.end_span() {
                    tracing::warn!("left out {count} more lines of {name}");
                }
            }
        };
        let thread = thread::Builder::new().name("log".to_owned());
        if let Err(error) = thread.spawn(telling) {
            eprintln!("ironkeeper: lines of the log that repeat are not bounded: {error}");
        }
        bound
    }

    fn admits(&self, about: &Metadata<'static>) -> bool {
        if *about.level() > Level::INFO || about.target() == AUDIT {
            return true;
        }
        let mut places = self.0.lock();
        let place = places.entry(about.callsite()).or_insert_with(|| Place {
            name: format!(
                "{}@{}",
                form::logger(about),
                about.line().unwrap_or_default()
            ),
            lines: 0,
        });
        place.lines += 1;
        place.lines <= MAX_LOG_LINES
    }

    /// All places begin anew; how many lines of which were left out.
    fn end_span(&self) -> Vec<(String, u64)> {
        let ended = std::mem::take(&mut *self.0.lock());
        let left_out = ended.into_values().filter_map(|place| {
            let count = place.lines.checked_sub(MAX_LOG_LINES)?;
            (count > 0).then_some((place.name, count))
        });
        left_out.collect()
    }
}

impl<S> Filter<S> for Bound {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        self.admits(event.metadata())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Count(Arc<AtomicU64>);

    impl<S: tracing::Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn counted(say: impl FnOnce(&Bound)) -> u64 {
        let (bound, count) = (Bound::default(), Count::default());
        let layer = count.clone().with_filter(bound.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || say(&bound));
        count.0.load(Relaxed)
    }

    #[test]
    fn a_place_has_so_many_lines_in_a_span_and_the_others_are_counted() {
        let said = counted(|bound| {
            for number in 0..MAX_LOG_LINES + 5 {
                tracing::warn!(number, "again");
            }
            tracing::warn!("another place");
            let left_out = bound.end_span();
            assert_eq!(left_out.len(), 1, "{left_out:?}");
            assert_eq!(left_out[0].1, 5);
            assert!(
                left_out[0].0.starts_with("server.logs.bound.tests@"),
                "{left_out:?}"
            );
        });
        assert_eq!(said, MAX_LOG_LINES + 1);
    }

    #[test]
    fn a_new_span_begins_anew() {
        let said = counted(|bound| {
            for _ in 0..2 {
                for number in 0..=MAX_LOG_LINES {
                    tracing::info!(number, "again");
                }
                bound.end_span();
            }
        });
        assert_eq!(said, 2 * MAX_LOG_LINES);
    }

    #[test]
    fn the_audit_and_what_was_asked_for_have_no_bound() {
        let said = counted(|_| {
            for number in 0..=MAX_LOG_LINES {
                tracing::debug!(number, "asked for");
                tracing::info!(target: AUDIT, number, "audit");
            }
        });
        assert_eq!(said, 2 * (MAX_LOG_LINES + 1));
    }
}
