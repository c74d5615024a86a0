//! Owns the names and passwords of a section.

use std::collections::BTreeMap;

use sasl::jaas::LoginModule;

use crate::config::Secret;

/// Names with their passwords.
#[derive(Debug, Default)]
pub(super) struct Users(BTreeMap<String, Secret>);

impl Users {
    /// Options named `user_` and the name.
    pub(super) fn of(modules: &[LoginModule]) -> Self {
        let options = modules.iter().flat_map(|module| &module.options);
        let user = |(key, password): (&String, &String)| {
            let name = key.strip_prefix("user_")?;
            Some((name.to_owned(), Secret::new(password)))
        };
        Users(options.filter_map(user).collect())
    }

    pub(super) fn password_of(&self, user: &str) -> Option<&str> {
        self.0.get(user).map(Secret::expose)
    }
}

impl FromIterator<(String, Secret)> for Users {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(users: I) -> Self {
        Users(users.into_iter().collect())
    }
}
