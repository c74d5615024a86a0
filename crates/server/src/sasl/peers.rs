//! Owns which servers may log in, and as whom this one does.

use sasl::jaas::LoginModule;

use super::users::Users;
use super::{CannotLogIn, JaasFile, Modules};
use crate::config::{PeerSasl, Secret};

/// Which servers may log in, and as whom this one does.
#[derive(Debug)]
pub struct PeerLogins {
    users: Users,
    /// Who does not log in is not let in.
    pub is_required: bool,
    /// The own name and password, where this server logs in.
    own: Option<(String, Secret)>,
    /// It may not: FIPS does not know DIGEST-MD5.
    pub is_fips: bool,
}

impl PeerLogins {
    /// # Errors
    /// A section is missing, or cannot be used.
    pub fn read(file: Option<&JaasFile<'_>>, settings: &PeerSasl) -> Result<Self, CannotLogIn> {
        let (own, others) = (&settings.own_section, &settings.others_section);
        let file = file.ok_or_else(|| CannotLogIn::NoFile {
            section: others.clone(),
        })?;
        let needed = |section: &String, setting| {
            let none = || CannotLogIn::NoSection {
                path: file.path.to_owned(),
                section: section.clone(),
                setting,
            };
            match file.section(section)?.ok_or_else(none)? {
                Modules::Digest(modules) => Ok(modules),
                Modules::Kerberos(_) => Err(CannotLogIn::KerberosOfPeers {
                    path: file.path.to_owned(),
                    section: section.clone(),
                }),
            }
        };
        let others = needed(others, "quorum.auth.server.saslLoginContext")?;
        let own_modules = needed(own, "quorum.auth.learner.saslLoginContext")?;
        let own = match settings.is_offered {
            true => Some(own_name(own_modules).ok_or_else(|| CannotLogIn::NoOwnName {
                path: file.path.to_owned(),
                section: own.clone(),
            })?),
            false => None,
        };
        Ok(PeerLogins {
            users: Users::of(others),
            is_required: settings.is_required,
            is_fips: settings.is_fips,
            own,
        })
    }

    /// Where these may log in and must.
    #[cfg(test)]
    pub fn of(users: &[(&str, &str)]) -> Self {
        let user = |&(name, password): &(&str, &str)| (name.to_owned(), Secret::new(password));
        PeerLogins {
            users: users.iter().map(user).collect(),
            is_required: true,
            is_fips: false,
            own: users.first().map(user),
        }
    }

    /// The own name and password, where this server logs in.
    pub fn own(&self) -> Option<(&str, &str)> {
        let (name, password) = self.own.as_ref()?;
        Some((name, password.expose()))
    }

    /// The password of another server.
    pub fn password_of(&self, user: &str) -> Option<&str> {
        self.users.password_of(user)
    }
}

fn own_name(modules: &[LoginModule]) -> Option<(String, Secret)> {
    let module = modules
        .iter()
        .find(|module| module.options.contains_key("username"))?;
    let option = |key| module.options.get(key).cloned();
    Some((option("username")?, Secret::new(option("password")?)))
}
