//! Owns what can be wrong with a configuration, and how it is said: where, which key, which value, what to do.
//!
//! Every one of them ends the start with Apache's exit code for invalid arguments.

use std::path::PathBuf;

use super::keys::Feature;
use super::properties::MalformedEscape;
use super::settings::{Origin, Setting};

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line is neither of the two forms.
    #[error("{reason}")]
    Usage {
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{}: {source}; {advice}", path.display())]
    Read {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// A file is not properties text.
    #[error("{}: {source}", path.display())]
    Syntax {
        /// The file as it was named.
        path: PathBuf,
        /// Which line, and why.
        source: MalformedEscape,
    },
    /// A value is not acceptable.
    #[error("{origin}: {setting} {reason}; {advice}")]
    Invalid {
        /// Where it was set.
        origin: Origin,
        /// The key and the value; a secret value is hidden.
        setting: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// A key without a default is not set.
    #[error("{place}: {key} is not set; {advice}")]
    Missing {
        /// The file that should set it.
        place: String,
        /// The key.
        key: &'static str,
        /// What to do.
        advice: String,
    },
    /// A setting turns on a feature that is not built yet.
    #[error("{origin}: {setting} asks for {}, which is not built yet; {}", feature.name, feature.advice)]
    NotBuilt {
        /// Where it was set.
        origin: Origin,
        /// The key and the value; a secret value is hidden.
        setting: String,
        /// The feature.
        feature: &'static Feature,
    },
}

impl ConfigError {
    pub(crate) fn usage(reason: impl Into<String>) -> ConfigError {
        ConfigError::Usage {
            reason: reason.into(),
        }
    }

    pub(super) fn invalid(
        name: &str,
        setting: &Setting,
        reason: impl Into<String>,
        advice: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Invalid {
            origin: setting.origin.clone(),
            setting: setting.line(name),
            reason: reason.into(),
            advice: advice.into(),
        }
    }

    pub(super) fn not_built(
        name: &str,
        setting: &Setting,
        feature: &'static Feature,
    ) -> ConfigError {
        ConfigError::NotBuilt {
            origin: setting.origin.clone(),
            setting: setting.line(name),
            feature,
        }
    }
}
