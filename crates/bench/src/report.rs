//! What a run found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use proto::ErrorCode;

use crate::error::code_name;
use crate::{Histogram, Options, Workload};

/// What one connection, or all of them, measured.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests that were answered with OK; heart-beats; events, of which many share a latency.
    pub answered: u64,
    /// How long they took.
    pub latencies: Histogram,
    /// Requests that were refused, by code.
    pub errors: BTreeMap<ErrorCode, u64>,
}

impl Tally {
    /// An answer came.
    pub fn add(&mut self, code: ErrorCode, latency: Duration) {
        match code {
            ErrorCode::OK => {
                self.answered += 1;
                self.latencies.add(latency);
            }
            code => *self.errors.entry(code).or_default() += 1,
        }
    }

    /// Adds another one's.
    pub fn merge(&mut self, other: &Tally) {
        self.answered += other.answered;
        self.latencies.merge(&other.latencies);
        for (code, count) in &other.errors {
            *self.errors.entry(*code).or_default() += count;
        }
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    options: Options,
    tally: Tally,
    took: Duration,
    server_cpu: Option<Duration>,
}

impl Report {
    /// `took` is the measured interval, `server_cpu` what the server's process used in it.
    pub fn new(
        options: &Options,
        tally: Tally,
        took: Duration,
        server_cpu: Option<Duration>,
    ) -> Self {
        Report {
            options: options.clone(),
            tally,
            took,
            server_cpu,
        }
    }

    /// Were there requests, and all of them answered with OK?
    pub fn is_good(&self) -> bool {
        self.tally.errors.is_empty() && self.tally.answered > 0
    }

    /// As `--json` asks, or for people.
    pub fn text(&self) -> String {
        if self.options.json {
            self.json()
        } else {
            self.to_string()
        }
    }

    fn per_second(&self) -> f64 {
        self.tally.answered as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }

    /// Latencies, in ms.
    fn latencies(&self) -> [(&'static str, f64); 4] {
        let latencies = &self.tally.latencies;
        let ms = |latency: Duration| latency.as_secs_f64() * 1000.0;
        [
            ("p50", ms(latencies.quantile(0.5))),
            ("p99", ms(latencies.quantile(0.99))),
            ("p999", ms(latencies.quantile(0.999))),
            ("max", ms(latencies.most())),
        ]
    }

    fn cpu_us_each(&self) -> Option<f64> {
        let cpu = self.server_cpu?.as_secs_f64() * 1e6;
        Some(cpu / self.tally.answered.max(1) as f64)
    }

    /// One line. Every key is always there; what was not measured is null.
    fn json(&self) -> String {
        let Options {
            connections,
            in_flight,
            ..
        } = self.options;
        let mut fields = vec![
            format!("\"workload\": \"{}\"", self.workload()),
            format!("\"connections\": {connections}, \"in_flight\": {in_flight}"),
            format!("\"seconds\": {:.6}", self.took.as_secs_f64()),
            format!("\"requests\": {}", self.tally.answered),
            format!("\"per_second\": {:.1}", self.per_second()),
        ];
        let latencies = self.latencies();
        fields.extend(latencies.map(|(name, ms)| format!("\"{name}_ms\": {ms:.4}")));
        let number =
            |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.4}"));
        let cpu = self.server_cpu.map(|cpu| cpu.as_secs_f64());
        fields.push(format!("\"server_cpu_seconds\": {}", number(cpu)));
        fields.push(format!(
            "\"server_cpu_us_each\": {}",
            number(self.cpu_us_each())
        ));
        let errors = self.tally.errors.iter();
        let errors: Vec<_> = errors
            .map(|(code, count)| format!("\"{}\": {count}", code_name(*code)))
            .collect();
        fields.push(format!("\"errors\": {{{}}}", errors.join(", ")));
        format!("{{{}}}", fields.join(", "))
    }

    fn workload(&self) -> String {
        format!("{:?}", self.options.workload).to_lowercase()
    }

    /// What is counted.
    fn unit(&self) -> &'static str {
        match self.options.workload {
            Workload::Watch => "events",
            Workload::Idle => "heart-beats",
            _ => "requests",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            connections,
            in_flight,
            servers,
            ..
        } = &self.options;
        writeln!(
            f,
            "{}, {connections} connections x {in_flight} in flight, {:.2} s on {}",
            self.workload(),
            self.took.as_secs_f64(),
            servers.join(","),
        )?;
        let (answered, unit) = (self.tally.answered, self.unit());
        writeln!(f, "{unit:<12} {answered} ({:.0}/s)", self.per_second())?;
        let latencies = self.latencies();
        let latencies = latencies.map(|(name, ms)| format!("{name} {ms:.3} ms"));
        writeln!(f, "{:<12} {}", "latency", latencies.join("  "))?;
        if let Some((cpu, each)) = self.server_cpu.zip(self.cpu_us_each()) {
            let seconds = cpu.as_secs_f64();
            writeln!(f, "{:<12} {seconds:.2} s ({each:.2} us each)", "server CPU")?;
        }
        let errors = self.tally.errors.iter();
        let errors: Vec<_> = errors
            .map(|(code, count)| format!("{count} {}", code_name(*code)))
            .collect();
        let none = errors.is_empty();
        let errors = if none {
            "none".to_owned()
        } else {
            errors.join(", ")
        };
        write!(f, "{:<12} {errors}", "errors")
    }
}
