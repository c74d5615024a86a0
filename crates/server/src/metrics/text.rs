//! The text that Prometheus reads: lines of HELP and TYPE by the functions of metrics-exporter-prometheus, samples by our own.
//!
//! That crate's recorder is not used, for it cannot give what Apache's page has: its summaries lose `_count` behind a name that ends
//! in count (`node_created_watch_count`), have one set of quantiles, take each value for itself and keep it until they are asked,
//! and a gauge that was told once stays, also when the server leads no more. So the sums stand in [`super::ServerMetrics`], and
//! lines are made of them when they are asked for. Its labels are not taken either: it leaves a backslash that may be an escape
//! already as it is, so that two names of znodes come out alike, and a page with a sample that comes twice is refused as a whole.

use std::fmt::Write as _;

use metrics_exporter_prometheus::formatting::{write_help_line, write_type_line};

use super::samples::{Sample, Samples};

/// The whole page; with names, only samples of these (`MetricsServlet`, the parameter `name[]`).
pub fn text(families: &[Samples], wanted: &[String]) -> String {
    let mut text = String::new();
    for family in families {
        let is_wanted = |sample: &&Sample| {
            wanted.is_empty() || wanted.contains(&format!("{}{}", family.name, sample.suffix))
        };
        let samples: Vec<_> = family.samples.iter().filter(is_wanted).collect();
        if samples.is_empty() && !wanted.is_empty() {
            continue;
        }
        write_help_line(&mut text, &family.name, None, None, &family.about);
        write_type_line(&mut text, &family.name, None, None, family.kind);
        for sample in samples {
            write_sample(&mut text, &family.name, sample);
        }
    }
    text
}

fn write_sample(text: &mut String, name: &str, sample: &Sample) {
    text.extend([name, sample.suffix]);
    let mut before = '{';
    for (label, value) in &sample.labels {
        text.push(before);
        text.extend([label, "=\""]);
        value.chars().for_each(|char| push_escaped(text, char));
        text.push('"');
        before = ',';
    }
    if !sample.labels.is_empty() {
        text.push('}');
    }
    // A String takes all that is written to it.
    let _ = writeln!(text, " {}", sample.value);
}

/// A label's value, by the rule of the text format.
fn push_escaped(text: &mut String, char: char) {
    match char {
        '\\' => text.push_str(r"\\"),
        '"' => text.push_str("\\\""),
        '\n' => text.push_str(r"\n"),
        _ => text.push(char),
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::super::samples::{for_prometheus, sample};
    use super::super::{ServerMetrics, Window};
    use super::*;

    fn page(metrics: &ServerMetrics, wanted: &[&str]) -> String {
        let wanted: Vec<_> = wanted.iter().map(|&name| name.to_owned()).collect();
        text(&for_prometheus(metrics, &Window::default()), &wanted)
    }

    #[test]
    fn every_name_has_one_type_and_no_sample_comes_twice() {
        let metrics = ServerMetrics::default();
        metrics.read_per_namespace.add("a", 1);
        metrics.read_per_namespace.add("b", 1);
        let page = page(&metrics, &[]);
        let mut types: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("# TYPE"))
            .collect();
        let mut samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        let counts = (types.len(), samples.len());
        types.sort_unstable();
        types.dedup();
        samples.sort_unstable();
        samples.dedup();
        assert_eq!((types.len(), samples.len()), counts);
        assert_eq!(counts.0, metrics.families().len());
    }

    #[test]
    fn a_summary_whose_name_ends_in_count_has_its_count() {
        let metrics = ServerMetrics::default();
        metrics.node_created_watch_count.add(2);
        let page = page(&metrics, &[]);
        for line in [
            "# TYPE node_created_watch_count summary",
            "node_created_watch_count{quantile=\"0.5\"} 2",
            "node_created_watch_count_count 1",
            "node_created_watch_count_sum 2",
            "fsynctime{quantile=\"0.5\"} NaN",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}");
        }
    }

    #[test]
    fn who_names_samples_gets_these_only() {
        let metrics = ServerMetrics::default();
        let page = page(&metrics, &["readlatency_sum", "looking_count", "nothing"]);
        let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["readlatency_sum 0", "looking_count 0"]);
    }

    #[test]
    fn a_label_is_written_so_that_it_can_be_read() {
        let odd = sample("", &[("key", "a\"b\\c\nd")], 1.0);
        let family = Samples {
            name: "odd".to_owned(),
            kind: "gauge",
            about: String::new(),
            samples: vec![odd],
        };
        let page = text(&[family], &[]);
        assert!(page.ends_with("odd{key=\"a\\\"b\\\\c\\nd\"} 1\n"), "{page}");
    }

    #[test]
    fn names_that_look_escaped_stay_apart_from_those_that_they_would_be_of() {
        for (one, other, texts) in [
            (
                r"a\b",
                r"a\\b",
                [r#"{key="a\\b"} 1"#, r#"{key="a\\\\b"} 1"#],
            ),
            (
                r#"a""#,
                r#"a\""#,
                [r#"{key="a\""} 1"#, r#"{key="a\\\""} 1"#],
            ),
            ("a\n", r"a\n", [r#"{key="a\n"} 1"#, r#"{key="a\\n"} 1"#]),
        ] {
            let metrics = ServerMetrics::default();
            metrics.read_per_namespace.add(one, 1);
            metrics.read_per_namespace.add(other, 1);
            let page = page(&metrics, &["read_per_namespace_count"]);
            let samples = page.lines().filter(|line| !line.starts_with('#'));
            let mut samples: Vec<_> = samples.collect();
            let mut expected = texts.map(|text| format!("read_per_namespace_count{text}"));
            samples.sort_unstable();
            expected.sort_unstable();
            assert_eq!(samples, expected);
        }
    }

    #[test]
    fn labels_stand_behind_each_other() {
        let two = sample("_sum", &[("key", "a"), ("quantile", "0.5")], 2.5);
        let mut text = String::new();
        write_sample(&mut text, "some", &two);
        assert_eq!(text, "some_sum{key=\"a\",quantile=\"0.5\"} 2.5\n");
    }
}
