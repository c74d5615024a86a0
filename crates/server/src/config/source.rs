//! Owns how a configuration file and the command line become keys and properties, by the rules of
//! `QuorumPeerConfig.parseProperties`: a key that Apache does not read itself becomes the property `zookeeper.KEY`, and
//! wins against `-D`.
//!
//! Must not know types or bounds of values.

use std::path::Path;
use std::sync::Arc;

use super::error::ConfigError;
use super::keys;
use super::properties::{self, Entry};
use super::settings::{Origin, Properties, Setting};

/// All settings of one start, untyped.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The keys that Apache reads from the file itself, and the server lines.
    pub keys: Properties,
    /// What Java calls system properties.
    pub properties: Properties,
    /// Lines for the operator.
    pub notices: Vec<String>,
}

/// Reads a properties file: keys and values trimmed, the last of equal keys wins.
pub(super) fn read_file(path: &Path, advice: &'static str) -> Result<Properties, ConfigError> {
    let text = std::fs::read(path).map_err(|source| ConfigError::Read {
        path: path.into(),
        source,
        advice,
    })?;
    let entries = properties::parse(&text).map_err(|source| ConfigError::Syntax {
        path: path.into(),
        source,
    })?;
    let shared: Arc<Path> = path.into();
    let mut settings = Properties::default();
    for Entry { key, value, line } in entries {
        let origin = Origin::File {
            path: Arc::clone(&shared),
            line,
        };
        settings.set(properties::trim(&key), properties::trim(&value), origin);
    }
    Ok(settings)
}

/// True for the keys of ensemble members. Apache looks at the first letters only, so that `groups=1` is one too.
pub(super) fn is_member_key(key: &str) -> bool {
    key.starts_with("server.") || key.starts_with("group") || key.starts_with("weight")
}

impl Source {
    /// Starts from the properties of `-D`.
    pub fn new(properties: Properties, notices: Vec<String>) -> Source {
        Source {
            keys: Properties::default(),
            properties,
            notices,
        }
    }

    /// Adds zoo.cfg.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let file = read_file(path, "name a zoo.cfg that can be read")?;
        for (key, setting) in file.iter() {
            let row = keys::by_key(key);
            if is_member_key(key) || row.is_some_and(keys::Row::is_read_from_file) {
                self.keys.put(key, setting.clone());
            } else {
                self.add_property(key, setting);
            }
        }
        Ok(())
    }

    fn add_property(&mut self, key: &str, setting: &Setting) {
        let property = format!("zookeeper.{key}");
        let origin = &setting.origin;
        if keys::by_property(&property).is_none() {
            let hint = keys::hint(key).map(|hint| format!(": {hint}"));
            let hint = hint.unwrap_or_default();
            self.notices.push(format!(
                "{origin}: {key} is not known and has no effect{hint}"
            ));
        }
        let before = self.properties.put(&property, setting.clone());
        if let Some(before) = before.filter(|before| before.value != setting.value) {
            let (line, loser) = (setting.line(&property), before.origin);
            self.notices.push(format!(
                "{origin}: {line} wins against -D{property} of the {loser}"
            ));
        }
    }
}
