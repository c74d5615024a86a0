//! Owns where a setting came from, and the map of all properties.
//!
//! Must not know any key, but for one thing: the value of a secret is never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a setting was made; shown at the head of every message about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A `-D` or an argument of the command line.
    CommandLine,
    /// A `-D` in this environment variable.
    Environment(&'static str),
    /// A line of a configuration file.
    File {
        /// The file as it was named.
        path: Arc<Path>,
        /// The line, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => f.write_str("command line"),
            Origin::Environment(variable) => f.write_str(variable),
            Origin::File { path, line } => write!(f, "{} line {line}", path.display()),
        }
    }
}

/// One value and where it came from. It may be a secret, so that it cannot be printed as a whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value: trimmed if it came from a file, as it was given otherwise.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

impl Setting {
    /// The name as the operator wrote it: a key of the file has no `zookeeper.` in front.
    pub(super) fn written<'a>(&self, name: &'a str) -> &'a str {
        match self.origin {
            Origin::File { .. } => name.strip_prefix("zookeeper.").unwrap_or(name),
            Origin::CommandLine | Origin::Environment(_) => name,
        }
    }

    /// `name=value` as the operator wrote it; a secret value is hidden.
    pub(super) fn line(&self, name: &str) -> String {
        format!("{}={}", self.written(name), shown(name, &self.value))
    }
}

/// Names and values: a file's keys, or the properties that Java calls system properties.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, Setting>);

impl Properties {
    /// The value of `name`, if it was set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.setting(name).map(|setting| setting.value.as_str())
    }

    /// The value of `name` and where it came from, if it was set.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    /// All names and settings, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0
            .iter()
            .map(|(name, setting)| (name.as_str(), setting))
    }

    /// Sets `name`; what it was before is returned.
    pub(super) fn put(&mut self, name: &str, setting: Setting) -> Option<Setting> {
        self.0.insert(name.to_owned(), setting)
    }

    /// Sets `name` to a value from somewhere.
    pub(super) fn set(&mut self, name: &str, value: &str, origin: Origin) {
        self.put(
            name,
            Setting {
                value: value.to_owned(),
                origin,
            },
        );
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(name, setting)| (name, shown(name, &setting.value))),
            )
            .finish()
    }
}

/// The value as a message may show it: passwords and password hashes are not for logs.
pub(crate) fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    let name = name.to_ascii_lowercase();
    let secret =
        (name.contains("password") && !name.ends_with("path")) || name.ends_with("superdigest");
    if secret && !value.is_empty() {
        "(hidden)"
    } else {
        value
    }
}

/// A text that is not shown when a configuration is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut properties = Properties::default();
        for name in [
            "zookeeper.ssl.keyStore.password",
            "zookeeper.DigestAuthenticationProvider.superDigest",
        ] {
            properties.set(name, "s3cret", Origin::CommandLine);
        }
        properties.set(
            "zookeeper.ssl.keyStore.passwordPath",
            "/etc/pw",
            Origin::CommandLine,
        );
        let text = format!("{properties:?} {:?}", Secret::new("s3cret"));
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("/etc/pw"), "{text}");
        assert_eq!(Secret::new("s3cret").expose(), "s3cret");
    }
}
