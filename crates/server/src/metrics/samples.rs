//! The samples of the two dialects in which metrics are told.
//!
//! Prometheus' is that of Apache's `PrometheusMetricsProvider`: quantiles, `_count` and `_sum`. The default provider's has a line for
//! each of mean, least, greatest, count and sum (`AvgMinMaxCounter`), and percentiles (`AvgMinMaxPercentileCounter`).

use histogram::Histogram;

use super::catalogue::{Family, Metric, ServerMetrics};
use super::cells::{Detail, Summary, Totals, quantile};
use super::window::Window;

/// A number with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Behind the family's name: nothing, `_count` or `_sum`.
    pub suffix: &'static str,
    /// In their order.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// All samples of one name, for Prometheus.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The name.
    pub name: String,
    /// Prometheus' word for what it is: counter, gauge or summary.
    pub kind: &'static str,
    /// What it says.
    pub about: String,
    /// Its samples.
    pub samples: Vec<Sample>,
}

impl Samples {
    /// One number.
    pub fn single(name: &str, kind: &'static str, about: &str, value: f64) -> Self {
        Samples {
            name: name.to_owned(),
            kind,
            about: about.to_owned(),
            samples: vec![sample("", &[], value)],
        }
    }
}

/// A sample with such labels.
pub fn sample(suffix: &'static str, labels: &[(&'static str, &str)], value: f64) -> Sample {
    let owned = |&(name, value): &(&'static str, &str)| (name, value.to_owned());
    Sample {
        suffix,
        labels: labels.iter().map(owned).collect(),
        value,
    }
}

/// The label of sets (`PrometheusMetricsProvider.LABEL`).
const KEY: &str = "key";

/// For Prometheus.
pub fn for_prometheus(metrics: &ServerMetrics, window: &Window) -> Vec<Samples> {
    let families = metrics.families().into_iter();
    families.map(|family| of_family(&family, window)).collect()
}

fn of_family(family: &Family<'_>, window: &Window) -> Samples {
    let summary = |key: &str, summary: &Summary| of_summary(family.name, key, summary, window);
    let (kind, samples) = match family.metric {
        Metric::Counter(counter) => ("counter", vec![sample("", &[], counter.get() as f64)]),
        Metric::CounterSet(set) => {
            let all = set.all().into_iter();
            let each = all.map(|(key, count)| sample("", &[(KEY, &key)], count as f64));
            ("counter", each.collect())
        }
        Metric::Summary(one) => ("summary", summary("", one)),
        Metric::SummarySet(set) => {
            let all = set.all().into_iter();
            let each = all.flat_map(|named| summary(&named.key, &named.summary));
            ("summary", each.collect())
        }
    };
    Samples {
        name: family.name.to_owned(),
        kind,
        about: family.about.to_owned(),
        samples,
    }
}

fn of_summary(name: &'static str, key: &str, summary: &Summary, window: &Window) -> Vec<Sample> {
    let shares: &[(f64, &str)] = match summary.detail() {
        Detail::Basic => &[(0.5, "0.5")],
        Detail::Advanced => &[(0.5, "0.5"), (0.9, "0.9"), (0.99, "0.99")],
    };
    let labels: &[(&'static str, &str)] = if key.is_empty() { &[] } else { &[(KEY, key)] };
    let totals = summary.totals();
    let recent = totals.values.as_ref();
    let recent = recent.map(|values| window.recent(name, key, values));
    let mut samples = Vec::with_capacity(shares.len() + 2);
    for (share, text) in shares {
        let value = recent.as_ref().and_then(|values| quantile(values, *share));
        // As simpleclient: there is no quantile of nothing.
        let value = value.map_or(f64::NAN, |value| value as f64);
        samples.push(sample("", &[labels, &[("quantile", text)]].concat(), value));
    }
    samples.push(sample("_count", labels, totals.count as f64));
    samples.push(sample("_sum", labels, totals.sum as f64));
    samples
}

/// What the default provider says.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// A whole number.
    Integer(i64),
    /// A mean.
    Double(f64),
}

/// For mntr with the default provider (`DefaultMetricsContext.dump`): counters, then summaries, each kind in Apache's order.
pub fn by_default_provider(metrics: &ServerMetrics) -> Vec<(String, Plain)> {
    let families = metrics.families();
    let mut lines = Vec::new();
    for pass in [is_counter, is_summary] {
        for family in families.iter().filter(|family| pass(family.metric)) {
            plain_family(family, &mut lines);
        }
    }
    lines
}

fn is_counter(metric: Metric<'_>) -> bool {
    matches!(metric, Metric::Counter(_) | Metric::CounterSet(_))
}

fn is_summary(metric: Metric<'_>) -> bool {
    !is_counter(metric)
}

fn plain_family(family: &Family<'_>, lines: &mut Vec<(String, Plain)>) {
    let name = family.name;
    match family.metric {
        Metric::Counter(counter) => lines.push((name.to_owned(), integer(counter.get()))),
        Metric::CounterSet(set) => {
            let all = set.all().into_iter();
            lines.extend(all.map(|(key, count)| (format!("{key}_{name}"), integer(count))));
        }
        Metric::Summary(summary) => plain_summary(name, summary, lines),
        Metric::SummarySet(set) => {
            for named in set.all() {
                let name = format!("{}_{name}", named.key);
                plain_summary(&name, &named.summary, lines);
            }
        }
    }
}

fn integer(value: u64) -> Plain {
    Plain::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn plain_summary(name: &str, summary: &Summary, lines: &mut Vec<(String, Plain)>) {
    let totals = summary.totals();
    let mut line = |what: &str, value| lines.push((format!("{what}_{name}"), value));
    line("avg", Plain::Double(mean(&totals)));
    line("min", integer(totals.least));
    line("max", integer(totals.most));
    line("cnt", integer(totals.count));
    line("sum", integer(totals.sum));
    if summary.detail() == Detail::Advanced {
        for (what, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)] {
            line(what, integer(percentile(totals.values.as_ref(), share)));
        }
    }
}

/// To four places, as Apache rounds it.
fn mean(totals: &Totals) -> f64 {
    match totals.count {
        0 => 0.0,
        count => (totals.sum as f64 / count as f64 * 10_000.0).round() / 10_000.0,
    }
}

fn percentile(values: Option<&Histogram>, share: f64) -> u64 {
    values
        .and_then(|values| quantile(values, share))
        .unwrap_or_default()
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    fn found(samples: &[Samples], name: &str) -> Vec<(String, f64)> {
        let family = samples.iter().find(|family| family.name == name).unwrap();
        let text = |sample: &Sample| {
            let labels: Vec<_> = sample
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            (
                format!("{}{{{}}}", sample.suffix, labels.join(",")),
                sample.value,
            )
        };
        family.samples.iter().map(text).collect()
    }

    #[test]
    fn prometheus_gets_the_quantiles_of_each_detail() {
        let (metrics, window) = (ServerMetrics::default(), Window::default());
        (1..=100).for_each(|ms| metrics.readlatency.add(ms.min(60)));
        metrics.fsynctime.add(4);
        metrics.ack_latency.add("2", 1);
        let samples = for_prometheus(&metrics, &window);
        let expected = [
            ("{quantile=0.5}", 50.0),
            ("{quantile=0.9}", 60.0),
            ("{quantile=0.99}", 60.0),
            ("_count{}", 100.0),
        ];
        for ((name, value), expected) in found(&samples, "readlatency").into_iter().zip(expected) {
            assert_eq!((name.as_str(), value), expected);
        }
        let fsyncs = found(&samples, "fsynctime");
        assert_eq!(
            fsyncs,
            [
                ("{quantile=0.5}".into(), 4.0),
                ("_count{}".into(), 1.0),
                ("_sum{}".into(), 4.0)
            ]
        );
        let acks: Vec<_> = found(&samples, "ack_latency")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(acks[0], "{key=2,quantile=0.5}");
        assert_eq!(acks[4], "_sum{key=2}");
    }

    #[test]
    fn the_quantile_of_nothing_is_not_a_number() {
        let samples = for_prometheus(&ServerMetrics::default(), &Window::default());
        let fsyncs = found(&samples, "fsynctime");
        assert!(fsyncs[0].1.is_nan());
        assert_eq!((fsyncs[1].1, fsyncs[2].1), (0.0, 0.0));
        assert!(found(&samples, "ack_latency").is_empty());
    }

    #[test]
    fn the_default_provider_names_what_it_tells_in_front() {
        let metrics = ServerMetrics::default();
        for ms in [1, 2, 2] {
            metrics.readlatency.add(ms);
        }
        metrics.write_per_namespace.add("app", 9);
        metrics.looking_count.add(2);
        let lines = by_default_provider(&metrics);
        let value = |key: &str| &lines.iter().find(|(name, _)| name == key).unwrap().1;
        assert_eq!(value("avg_readlatency"), &Plain::Double(1.6667));
        assert_eq!(value("p999_readlatency"), &Plain::Integer(2));
        assert_eq!(value("sum_app_write_per_namespace"), &Plain::Integer(9));
        assert_eq!(value("looking_count"), &Plain::Integer(2));
        assert!(
            !lines.iter().any(|(name, _)| name == "p50_fsynctime"),
            "basic ones have no percentiles"
        );
    }
}
