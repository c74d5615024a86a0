//! Which levels are said, from where operators of Apache's set them: the property of its older scripts, a logback.xml, a
//! log4j.properties.
//!
//! What maps is the root's level, the threshold of the console, and the loggers in `LOGGERS`. Appenders and patterns do not.

mod log4j;
mod logback;

use std::path::Path;

use super::AUDIT;
use crate::config::{Config, Properties};

/// Loggers of Apache's, and the modules that say the same things here. One with more dots wins.
const LOGGERS: [(&str, &[&str]); 6] = [
    ("org.apache.zookeeper.audit", &[AUDIT]),
    ("org.apache.zookeeper.audit.Slf4jAuditLogger", &[AUDIT]),
    (
        "org.apache.zookeeper.server.quorum",
        &["server::peers", "server::replica", "quorum"],
    ),
    (
        "org.apache.zookeeper.server.persistence",
        &["persistence", "database", "server::disk"],
    ),
    (
        "org.apache.zookeeper.server.NIOServerCnxn",
        &["server::connection"],
    ),
    (
        "org.apache.zookeeper.server.NIOServerCnxnFactory",
        &["listener"],
    ),
];

/// Loggers that stand for all of a server.
const ALL: [&str; 4] = ["", "org", "org.apache", "org.apache.zookeeper"];

/// A level, least said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// As log4j and logback name them; None for what they take for something else (`INHERITED`, a typing error).
    fn parse(text: &str) -> Option<Level> {
        Some(match &*text.trim().to_ascii_uppercase() {
            "OFF" => Level::Off,
            "FATAL" | "ERROR" => Level::Error,
            "WARN" => Level::Warn,
            "INFO" => Level::Info,
            "DEBUG" => Level::Debug,
            "TRACE" | "ALL" => Level::Trace,
            _ => return None,
        })
    }

    fn directive(self) -> &'static str {
        ["off", "error", "warn", "info", "debug", "trace"][self as usize]
    }
}

/// What a file says; names of loggers with their levels.
#[derive(Debug, Default)]
struct Found {
    loggers: Vec<(String, Level)>,
    /// What the appender of the console lets through.
    threshold: Option<Level>,
}

/// The levels of the server's modules.
#[derive(Debug)]
pub(super) struct Levels(Vec<(&'static str, Level)>);

impl Levels {
    /// From the property and the files that the settings name, with what the operator should hear of it.
    pub fn find(config: &Config) -> (Levels, Option<String>) {
        let settings = &config.log;
        let found = settings.file.as_deref().map_or_else(
            || Ok(Found::default()),
            |file| read(file, &config.properties).map_err(|why| (file, why)),
        );
        let notice = found
            .as_ref()
            .err()
            .map(|(file, why)| format!("{}: {why}; it sets no level", file.display()));
        let mut levels = Levels::of(&found.unwrap_or_default());
        let root = settings.root_logger.as_deref();
        let root = root.and_then(|root| root.split(',').next());
        if let Some(level) = root.and_then(Level::parse) {
            levels.0.retain(|(target, _)| !target.is_empty());
            levels.0.push(("", level));
        }
        (levels, notice)
    }

    fn of(found: &Found) -> Levels {
        let most = found.threshold.unwrap_or(Level::Trace);
        let of = |name: &str| {
            let named = found
                .loggers
                .iter()
                .rev()
                .find(|(logger, _)| logger == name);
            named.map(|(_, level)| (*level).min(most))
        };
        let all = ALL.iter().rev().find_map(|name| of(name));
        let mut levels = vec![("", all.unwrap_or(Level::Info.min(most)))];
        for (name, targets) in LOGGERS {
            let level = of(name).into_iter();
            levels
                .extend(level.flat_map(|level| targets.iter().map(move |target| (*target, level))));
        }
        Levels(levels)
    }

    /// In the language of RUST_LOG.
    pub fn directives(&self) -> String {
        let directives = self.0.iter().map(|(target, level)| match *target {
            "" => level.directive().to_owned(),
            target => format!("{target}={}", level.directive()),
        });
        directives.collect::<Vec<_>>().join(",")
    }
}

fn read(file: &Path, properties: &Properties) -> Result<Found, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let property = |name: &str| properties.get(name).map(str::to_owned);
    match file.extension().is_some_and(|extension| extension == "xml") {
        true => logback::read(&String::from_utf8_lossy(&bytes), &property),
        false => log4j::read(&bytes, &property),
    }
}

/// Replaces `${name}` and `${name:-default}`; what nobody knows is left as it is, as logback does. One round: a value is
/// not looked into again.
fn substituted(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        out += before;
        let Some((name, after)) = behind.split_once('}') else {
            return out + "${" + behind;
        };
        let (name, default) = match name.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (name, None),
        };
        out += &value(name)
            .or(default)
            .unwrap_or_else(|| format!("${{{name}}}"));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    fn of_logback(text: &str) -> String {
        Levels::of(&logback::read(text, &none).expect("read")).directives()
    }

    #[test]
    fn apaches_own_logback_xml_is_info() {
        let text = "<configuration><property name='zookeeper.console.threshold' value='INFO'/>\
            <appender name='CONSOLE' class='ch.qos.logback.core.ConsoleAppender'><filter class='x.ThresholdFilter'>\
            <level>${zookeeper.console.threshold}</level></filter></appender>\
            <root level='INFO'><appender-ref ref='CONSOLE'/></root></configuration>";
        assert_eq!(of_logback(text), "info");
    }

    #[test]
    fn loggers_of_logback_have_levels_of_their_own() {
        let text = "<configuration><logger name='org.apache.zookeeper.server.persistence' level='debug'/>\
            <logger name='org.apache.zookeeper.audit.Slf4jAuditLogger' level='${nobody:-WARN}' additivity='false'/>\
            <logger name='org.eclipse.jetty' level='TRACE'/><root level='ERROR'/></configuration>";
        let levels = "error,audit=warn,persistence=debug,database=debug,server::disk=debug";
        assert_eq!(of_logback(text), levels);
    }

    #[test]
    fn the_consoles_threshold_is_above_all_levels() {
        let text = "<configuration><appender name='C' class='a.ConsoleAppender'><filter class='a.ThresholdFilter'>\
            <level>WARN</level></filter></appender><root level='DEBUG'><appender-ref ref='C'/></root></configuration>";
        assert_eq!(of_logback(text), "warn");
    }

    #[test]
    fn log4j_takes_the_root_from_the_property_or_its_own_default() {
        let text = b"zookeeper.root.logger=WARN, CONSOLE\nlog4j.rootLogger=${zookeeper.root.logger}\n\
            log4j.logger.org.apache.zookeeper.server.NIOServerCnxn=DEBUG\nlog4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender\n\
            log4j.appender.CONSOLE.Threshold=DEBUG\n";
        let levels = |value: &dyn Fn(&str) -> Option<String>| {
            Levels::of(&log4j::read(text, value).expect("read")).directives()
        };
        assert_eq!(levels(&none), "warn,server::connection=debug");
        let set =
            |name: &str| (name == "zookeeper.root.logger").then(|| "TRACE,CONSOLE".to_owned());
        assert_eq!(levels(&set), "debug,server::connection=debug");
    }

    #[test]
    fn a_file_that_is_no_xml_is_told_with_its_place() {
        let error =
            logback::read("<configuration>\n<root level='INFO'<", &none).expect_err("refused");
        assert!(error.contains("2:"), "{error}");
    }
}
