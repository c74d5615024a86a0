//! What a summary's values were lately: its quantiles tell of the last ten minutes, as Apache's do (simpleclient's `Summary`: five
//! buckets of two minutes).

use std::collections::{HashMap, VecDeque};

use histogram::Histogram;

use super::catalogue::{Metric, ServerMetrics};
use super::cells::{Summary, since};
use crate::sync::Mutex;

/// How often [`Window::turn`] is to be called.
pub const TURN: std::time::Duration = std::time::Duration::from_secs(120);

/// The oldest moment is so many turns ago.
const TURNS: usize = 5;

/// Of every summary, its values up to one moment.
type Moment = HashMap<(&'static str, Box<str>), Histogram>;

/// The moments of the last ten minutes.
#[derive(Debug, Default)]
pub struct Window(Mutex<VecDeque<Moment>>);

impl Window {
    /// Two minutes are over.
    pub fn turn(&self, metrics: &ServerMetrics) {
        let moment = moment(metrics);
        let mut past = self.0.lock();
        past.push_back(moment);
        if past.len() > TURNS {
            past.pop_front();
        }
    }

    /// Those of a summary's values that came lately; the key is empty where it has no label.
    pub fn recent(&self, name: &'static str, key: &str, values: &Histogram) -> Histogram {
        let past = self.0.lock();
        let oldest = past.front().filter(|_| past.len() == TURNS);
        since(
            values,
            oldest.and_then(|moment| moment.get(&(name, key.into()))),
        )
    }
}

fn moment(metrics: &ServerMetrics) -> Moment {
    let mut moment = Moment::new();
    let mut add = |name, key: Box<str>, summary: &Summary| {
        if let Some(values) = summary.totals().values {
            moment.insert((name, key), values);
        }
    };
    for family in metrics.families() {
        match family.metric {
            Metric::Summary(summary) => add(family.name, "".into(), summary),
            Metric::SummarySet(set) => {
                let all = set.all().into_iter();
                all.for_each(|named| add(family.name, named.key.clone(), &named.summary));
            }
            Metric::Counter(_) | Metric::CounterSet(_) => {}
        }
    }
    moment
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::super::cells::quantile;
    use super::*;

    #[test]
    fn a_quantile_forgets_what_was_ten_minutes_ago() {
        let (metrics, window) = (ServerMetrics::default(), Window::default());
        (0..100).for_each(|_| metrics.readlatency.add(50));
        metrics.read_per_namespace.add("a", 50);
        for turn in 0..TURNS + 1 {
            let values = metrics.readlatency.totals().values.unwrap();
            let recent = window.recent("readlatency", "", &values);
            let median = if turn < TURNS { Some(50) } else { None };
            assert_eq!(quantile(&recent, 0.5), median, "after {turn} turns");
            window.turn(&metrics);
        }
        metrics.readlatency.add(3);
        metrics.read_per_namespace.add("a", 3);
        let values = metrics.readlatency.totals().values.unwrap();
        assert_eq!(
            quantile(&window.recent("readlatency", "", &values), 0.5),
            Some(3)
        );
        let values = metrics.read_per_namespace.all()[0]
            .summary
            .totals()
            .values
            .unwrap();
        assert_eq!(
            quantile(&window.recent("read_per_namespace", "a", &values), 0.5),
            Some(3)
        );
    }
}
