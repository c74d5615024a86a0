//! Owns the settings of the log: its form, and where its levels stand.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::reader::Reader;

/// What a line of the log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As Apache's logback.xml writes it; the default.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

/// Settings of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// `ironkeeper.log.format`.
    pub format: LogFormat,
    /// `zookeeper.root.logger`, by which Apache's older scripts set the level: a level, then names of appenders.
    pub root_logger: Option<String>,
    /// The logback.xml or log4j.properties that has the levels: the one that a property names, else one beside zoo.cfg.
    pub file: Option<PathBuf>,
}

impl LogSettings {
    /// # Errors
    /// An unknown format.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        zoo_cfg: Option<&Path>,
    ) -> Result<LogSettings, ConfigError> {
        let beside = zoo_cfg.and_then(Path::parent).unwrap_or(Path::new(""));
        let named = [LOGBACK_FILE, LOG4J_FILE].map(|name| reader.text(name));
        let named = named
            .into_iter()
            .flatten()
            .map(|url| path_of(url, beside))
            .next();
        let found = || {
            let names = zoo_cfg.map(|_| ["logback.xml", "log4j.properties"]);
            let paths = names.into_iter().flatten().map(|name| beside.join(name));
            paths.into_iter().find(|path| path.is_file())
        };
        Ok(LogSettings {
            format: format(reader)?,
            root_logger: reader.text("zookeeper.root.logger").map(str::to_owned),
            file: named.or_else(found),
        })
    }
}

const LOGBACK_FILE: &str = "logback.configurationFile";
const LOG4J_FILE: &str = "log4j.configuration";

fn format(reader: &mut Reader<'_>) -> Result<LogFormat, ConfigError> {
    const FORMAT: &str = "zookeeper.ironkeeper.log.format";
    let Some(setting) = reader.property(FORMAT) else {
        return Ok(LogFormat::default());
    };
    match setting.value.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(ConfigError::invalid(
            FORMAT,
            setting,
            "is no format of the log",
            "set text or json",
        )),
    }
}

/// Java takes a URL, a path, or the name of something in its class path, where the directory of zoo.cfg is.
fn path_of(url: &str, beside: &Path) -> PathBuf {
    let path = match url.strip_prefix("file:") {
        // file:///path, file:/path and file:path.
        Some(rest) => Path::new(rest.strip_prefix("//").unwrap_or(rest)),
        None => Path::new(url),
    };
    match path.is_relative() && !path.exists() {
        true => beside.join(path),
        false => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_java_takes_it() {
        let beside = Path::new("/conf");
        for (url, path) in [
            (
                "file:///etc/zk/log4j.properties",
                "/etc/zk/log4j.properties",
            ),
            ("file:/etc/logback.xml", "/etc/logback.xml"),
            ("/etc/logback.xml", "/etc/logback.xml"),
            ("logback-of-us.xml", "/conf/logback-of-us.xml"),
        ] {
            assert_eq!(path_of(url, beside), Path::new(path), "{url}");
        }
    }
}
