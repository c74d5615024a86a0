//! Owns the decision, setting by setting, whether this version can start with it: features that are not built yet are
//! refused unless off, and settings without effect are said, one line for each reason.
//!
//! Must not know types or bounds of the settings that work.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::keys::{self, Feature, Form, Row, Treatment};
use super::settings::Setting;
use super::source::{Source, is_member_key};

/// What is said of the settings.
pub(super) struct Judged {
    /// One line for each reason why some have no effect.
    pub notices: Vec<String>,
    /// Those that this version cannot start with.
    pub refused: Vec<ConfigError>,
}

/// Checks every setting against its row of the key table.
pub(super) fn judge(source: &Source, is_ensemble: bool) -> Judged {
    let mut idle = Idle {
        is_ensemble,
        admin_has_tls: ["forceHttps", "portUnification"].iter().any(|name| {
            let value = source.properties.get(&format!("zookeeper.admin.{name}"));
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        }),
        names: BTreeMap::new(),
    };
    let mut refused = Vec::new();
    for (key, setting) in source.keys.iter().filter(|(key, _)| !is_member_key(key)) {
        if let Some(row) = keys::by_key(key) {
            refused.extend(idle.judge(key, setting, row).err());
        }
    }
    for (property, setting) in source.properties.iter() {
        match keys::by_property(property) {
            Some(row) => refused.extend(idle.judge(property, setting, row).err()),
            None => idle.unknown(property, setting),
        }
    }
    Judged {
        notices: idle.notices().collect(),
        refused,
    }
}

/// Settings without effect.
struct Idle {
    is_ensemble: bool,
    /// The admin server uses what servers use between each other.
    admin_has_tls: bool,
    /// By reason.
    names: BTreeMap<String, Vec<String>>,
}

impl Idle {
    fn judge(&mut self, name: &str, setting: &Setting, row: &Row) -> Result<(), ConfigError> {
        let written = setting.written(name);
        match row.treatment {
            Treatment::Used => {}
            Treatment::Harmless(why, form) => {
                check_form(name, setting, form)?;
                self.add(why.text(), written);
            }
            Treatment::Ensemble(form) => {
                check_form(name, setting, form)?;
                self.add_if_standalone(written);
            }
            Treatment::EnsembleNotYet(feature, off, form) => {
                check_form(name, setting, form)?;
                if self.is_ensemble {
                    refuse_unless(off, name, setting, feature)?;
                }
                self.add_if_standalone(written);
            }
            Treatment::Dormant(feature) => self.add(
                &format!("no effect, as {} is not built yet", feature.name),
                written,
            ),
            Treatment::NotYet(feature, off) => refuse_unless(off, name, setting, feature)?,
        }
        Ok(())
    }

    /// A property of no row. Those that came from the file were said when they became properties.
    fn unknown(&mut self, property: &str, setting: &Setting) {
        if matches!(setting.origin, super::settings::Origin::File { .. }) {
            return;
        }
        let why = if property.starts_with("zookeeper.") {
            "not known, and no effect"
        } else {
            "no effect, as they are properties of the JVM or of other programs"
        };
        self.add(why, &format!("-D{property}"));
    }

    fn add_if_standalone(&mut self, name: &str) {
        let is_of_tls = name.contains("ssl.quorum.") || name == "sslQuorumReloadCertFiles";
        let admin_uses_it = self.admin_has_tls && is_of_tls;
        if !self.is_ensemble && !admin_uses_it {
            self.add("no effect on a standalone server", name);
        }
    }

    fn add(&mut self, why: &str, name: &str) {
        self.names
            .entry(why.to_owned())
            .or_default()
            .push(name.to_owned());
    }

    fn notices(self) -> impl Iterator<Item = String> {
        self.names
            .into_iter()
            .map(|(why, names)| format!("{why}: {}", names.join(", ")))
    }
}

/// Refuses a feature that is not built, unless the value leaves it off.
fn refuse_unless(
    off: &[&str],
    name: &str,
    setting: &Setting,
    feature: &'static Feature,
) -> Result<(), ConfigError> {
    let value = setting.value.trim();
    match off.iter().any(|off| off.eq_ignore_ascii_case(value)) {
        true => Ok(()),
        false => Err(ConfigError::not_built(name, setting, feature)),
    }
}

/// Refuses what Apache refuses, though the value has no effect here.
fn check_form(name: &str, setting: &Setting, form: Form) -> Result<(), ConfigError> {
    let value = setting.value.as_str();
    let (fits, wanted) = match form {
        Form::Any => return Ok(()),
        Form::Int => (value.parse::<i32>().is_ok(), "a whole number".to_owned()),
        Form::Long => (value.parse::<i64>().is_ok(), "a whole number".to_owned()),
        Form::Bool => (is_bool(value), "true or false".to_owned()),
        Form::OneOf(known) => (
            known.iter().any(|known| known.eq_ignore_ascii_case(value)),
            known.join(" or "),
        ),
    };
    if fits {
        return Ok(());
    }
    Err(ConfigError::invalid(
        name,
        setting,
        format!("is not {wanted}"),
        "correct it or remove the line",
    ))
}

fn is_bool(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}
