//! Owns which clients may log in, and who they are then.

use processor::logged_in;
use proto::records::Id;
use sasl::names::{MalformedName, Naming};
use sasl::{Proven, digest_md5, gssapi};

use super::kerberos::Keys;
use super::users::Users;
use super::{CannotLogIn, Exchange, JaasFile, Modules, Unusable, nonce};
use crate::config::{ClientSasl, Kerberos, Secret};

/// Which clients may log in, and who they are then.
#[derive(Debug)]
pub struct ClientLogins {
    mechanism: Mechanism,
    super_users: Vec<String>,
    naming: Naming,
    keeps_failed: bool,
}

/// What proves who a client is: a section has one (`SecurityUtils.createSaslServer`).
#[derive(Debug)]
enum Mechanism {
    Digest {
        users: Users,
        super_password: Option<Secret>,
    },
    Kerberos(Keys),
}

impl ClientLogins {
    /// None where the file has no such section: then an exchange is answered and leads to nothing
    /// (`ServerCnxnFactory.configureSaslLogin`).
    ///
    /// # Errors
    /// The section, or what is in it, cannot be used.
    pub fn read(
        file: Option<&JaasFile<'_>>,
        settings: &ClientSasl,
        kerberos: &Kerberos,
    ) -> Result<Option<Self>, CannotLogIn> {
        let section = &settings.section;
        let Some(file) = file else {
            return match settings.is_chosen {
                true => Err(CannotLogIn::NoFile {
                    section: section.clone(),
                }),
                false => Ok(None),
            };
        };
        let Some(modules) = file.section(section)? else {
            let path = file.path.display();
            tracing::warn!("{path} has no section {section}: no client can log in by SASL");
            return Ok(None);
        };
        let mechanism = mechanism(modules, settings, kerberos)
            .map_err(|unusable| file.unusable(section, unusable))?;
        Ok(Some(ClientLogins {
            mechanism,
            super_users: settings.super_users.clone(),
            naming: Naming {
                rules: settings.rules.clone(),
                default_realm: kerberos.default_realm(),
                without_host: settings.without_host,
                without_realm: settings.without_realm,
            },
            keeps_failed: settings.keeps_failed,
        }))
    }

    /// An exchange that has not begun.
    pub fn exchange(&self) -> Exchange {
        match &self.mechanism {
            Mechanism::Digest { .. } => {
                let service = digest_md5::Service::CLIENTS;
                Exchange::Digest(digest_md5::Server::new(service, nonce()))
            }
            Mechanism::Kerberos(keys) => Exchange::Kerberos(gssapi::Server::new(keys.acceptor())),
        }
    }

    /// The user super may have another password than the file says, but has to stand there
    /// (`SaslServerCallbackHandler.handleNameCallback`).
    pub fn password_of(&self, user: &str) -> Option<&str> {
        let Mechanism::Digest {
            users,
            super_password,
        } = &self.mechanism
        else {
            return None;
        };
        let password = users.password_of(user)?;
        match super_password {
            Some(other) if user == "super" => Some(other.expose()),
            _ => Some(password),
        }
    }

    /// Who a client is then.
    ///
    /// # Errors
    /// Its name is none.
    pub fn ids(&self, proven: &Proven) -> Result<Vec<Id<'static>>, MalformedName> {
        let id = self.naming.id(&proven.user, &proven.asked)?;
        Ok(logged_in(&id, self.super_users.contains(&id)))
    }

    /// Does a failed login leave the connection as it is (`allowSaslFailedClients`)?
    pub fn keeps_failed(&self) -> bool {
        self.keeps_failed
    }
}

fn mechanism(
    modules: Modules<'_>,
    settings: &ClientSasl,
    kerberos: &Kerberos,
) -> Result<Mechanism, Unusable> {
    Ok(match modules {
        Modules::Digest(modules) => Mechanism::Digest {
            users: Users::of(modules),
            super_password: settings.super_password.clone(),
        },
        Modules::Kerberos(module) => Mechanism::Kerberos(Keys::read(module, kerberos)?),
    })
}
