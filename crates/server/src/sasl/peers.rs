//! Owns which servers may log in, and as whom this one does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sasl::jaas::LoginModule;
use sasl::names::KerberosName;
use sasl::{Proven, digest_md5, gssapi};
use tokio::sync::Semaphore;

use super::kerberos::{Keys, Service, Tickets};
use super::users::Users;
use super::{CannotLogIn, Exchange, JaasFile, Modules, OwnExchange, Unusable, nonce};
use crate::config::{Kerberos, PeerSasl, Secret, ServerLine};
use crate::names;

/// Which servers may log in, and as whom this one does.
#[derive(Debug)]
pub struct PeerLogins {
    others: Others,
    /// Who does not log in is not let in.
    pub is_required: bool,
    /// None where this server logs in nowhere.
    own: Option<Own>,
    /// DIGEST-MD5 may not be used to log in.
    is_fips: bool,
}

/// What proves who another server is.
#[derive(Debug)]
enum Others {
    Digest(Users),
    Kerberos {
        keys: Keys,
        /// Whose names have one of these hosts may log in.
        hosts: BTreeSet<String>,
    },
}

/// What proves who this server is.
#[derive(Debug)]
enum Own {
    Digest {
        name: String,
        password: Secret,
    },
    Kerberos {
        tickets: Tickets,
        service: Service,
        hosts: Hosts,
        asking: Arc<Semaphore>,
    },
}

/// FIPS does not know DIGEST-MD5.
#[derive(Debug, thiserror::Error)]
#[error(
    "this server cannot log in: fips-mode is true, its default, and DIGEST-MD5 is none of its methods; set fips-mode=false, or use Kerberos"
)]
pub struct NotInFips;

impl PeerLogins {
    /// # Errors
    /// A section is missing, or cannot be used.
    pub fn read(
        file: Option<&JaasFile<'_>>,
        settings: &PeerSasl,
        kerberos: &Kerberos,
        servers: &[ServerLine],
    ) -> Result<Self, CannotLogIn> {
        let section = &settings.others_section;
        let file = file.ok_or_else(|| CannotLogIn::NoFile {
            section: section.clone(),
        })?;
        let reading = Reading {
            file,
            settings,
            kerberos,
        };
        let others = reading.section(section, "quorum.auth.server.saslLoginContext")?;
        let own = &settings.own_section;
        let own_modules = reading.section(own, "quorum.auth.learner.saslLoginContext")?;
        Ok(PeerLogins {
            others: reading.others(others, servers)?,
            is_required: settings.is_required,
            own: match settings.is_offered {
                true => Some(reading.own(own_modules, servers)?),
                false => None,
            },
            is_fips: settings.is_fips,
        })
    }

    /// Where these may log in and must.
    #[cfg(test)]
    pub fn of(users: &[(&str, &str)]) -> Self {
        let user = |&(name, password): &(&str, &str)| (name.to_owned(), Secret::new(password));
        let own = users.first().map(user);
        PeerLogins {
            others: Others::Digest(users.iter().map(user).collect()),
            is_required: true,
            own: own.map(|(name, password)| Own::Digest { name, password }),
            is_fips: false,
        }
    }

    /// The own login to the server at this host of a server line, where there is one.
    ///
    /// # Errors
    /// It may not be used.
    pub fn own_exchange(&self, host: &str) -> Result<Option<OwnExchange<'_>>, NotInFips> {
        Ok(match &self.own {
            None => None,
            Some(Own::Digest { .. }) if self.is_fips => return Err(NotInFips),
            Some(Own::Digest { name, password }) => {
                let service = digest_md5::Service::SERVERS;
                let client = digest_md5::Client::new(service, name, password.expose(), nonce());
                Some(OwnExchange::Digest(client))
            }
            Some(Own::Kerberos {
                tickets,
                service,
                hosts,
                asking,
            }) => {
                let initiator = tickets.initiator(service, hosts.name_of(host));
                let client = gssapi::Client::new(initiator, tickets.principal().to_owned());
                Some(OwnExchange::Kerberos {
                    client: Some(Box::new(client)),
                    asking: asking.clone(),
                })
            }
        })
    }

    /// The login of a server that has connected.
    pub fn exchange(&self) -> Exchange {
        match &self.others {
            Others::Digest(_) => {
                let service = digest_md5::Service::SERVERS;
                Exchange::Digest(digest_md5::Server::new(service, nonce()))
            }
            Others::Kerberos { keys, .. } => {
                Exchange::Kerberos(gssapi::Server::new(keys.acceptor()))
            }
        }
    }

    /// The password of another server, where they have some.
    pub fn password_of(&self, user: &str) -> Option<&str> {
        match &self.others {
            Others::Digest(users) => users.password_of(user),
            Others::Kerberos { .. } => None,
        }
    }

    /// Is who has proven that a server of the ensemble? Who is in a JAAS file is; a name of Kerberos has to have the host of a
    /// server line (`SaslQuorumServerCallbackHandler.handleAuthorizeCallback`).
    pub fn is_member(&self, proven: &Proven) -> bool {
        match &self.others {
            Others::Digest(_) => true,
            Others::Kerberos { hosts, .. } => has_one_of(hosts, &proven.user),
        }
    }
}

fn has_one_of(hosts: &BTreeSet<String>, name: &str) -> bool {
    let host = KerberosName::parse(name).ok().and_then(|name| name.host);
    host.is_some_and(|host| hosts.contains(&host))
}

/// A JAAS file, and what is around it.
struct Reading<'a> {
    file: &'a JaasFile<'a>,
    settings: &'a PeerSasl,
    kerberos: &'a Kerberos,
}

impl Reading<'_> {
    fn section(&self, section: &str, setting: &'static str) -> Result<Modules<'_>, CannotLogIn> {
        let none = || CannotLogIn::NoSection {
            path: self.file.path.to_owned(),
            section: section.to_owned(),
            setting,
        };
        self.file.section(section)?.ok_or_else(none)
    }

    fn others(&self, modules: Modules<'_>, servers: &[ServerLine]) -> Result<Others, CannotLogIn> {
        let module = match modules {
            Modules::Digest(modules) => return Ok(Others::Digest(Users::of(modules))),
            Modules::Kerberos(module) => module,
        };
        let unusable = |error| self.file.unusable(&self.settings.others_section, error);
        Ok(Others::Kerberos {
            keys: Keys::read(module, self.kerberos).map_err(unusable)?,
            hosts: Hosts::read(servers, self.settings)?.names(servers),
        })
    }

    fn own(&self, modules: Modules<'_>, servers: &[ServerLine]) -> Result<Own, CannotLogIn> {
        let section = &self.settings.own_section;
        let module = match modules {
            Modules::Digest(modules) => {
                let own = own_name(modules).ok_or_else(|| CannotLogIn::NoOwnName {
                    path: self.file.path.to_owned(),
                    section: section.clone(),
                });
                return own.map(|(name, password)| Own::Digest { name, password });
            }
            Modules::Kerberos(module) => module,
        };
        let (tickets, service) = self
            .tickets(module)
            .map_err(|error| self.file.unusable(section, error))?;
        Ok(Own::Kerberos {
            tickets,
            service,
            hosts: Hosts::read(servers, self.settings)?,
            asking: Arc::new(Semaphore::new(1)),
        })
    }

    fn tickets(&self, module: &LoginModule) -> Result<(Tickets, Service), Unusable> {
        let tickets = Tickets::read(module, self.kerberos)?;
        let own_realm = tickets.principal().rsplit_once('@').map(|(_, realm)| realm);
        let realm = self.settings.service_realm.as_deref().or(own_realm);
        let service = Service::parse(&self.settings.service, realm.unwrap_or_default())?;
        Ok((tickets, service))
    }
}

fn own_name(modules: &[LoginModule]) -> Option<(String, Secret)> {
    let module = modules
        .iter()
        .find(|module| module.options.contains_key("username"))?;
    let option = |key| module.options.get(key).cloned();
    Some((option("username")?, Secret::new(option("password")?)))
}

/// How the hosts of server lines are called, where that is not as they stand there (`QuorumServer.initializeWithAddressString`).
#[derive(Debug, Default)]
struct Hosts(BTreeMap<String, String>);

impl Hosts {
    fn read(servers: &[ServerLine], settings: &PeerSasl) -> Result<Self, CannotLogIn> {
        let mut hosts = Hosts::default();
        if settings.canonical_hosts {
            for host in servers
                .iter()
                .flat_map(|line| &line.addresses)
                .map(|address| &address.host)
            {
                let name =
                    names::canonical_host(host).map_err(|source| CannotLogIn::UnknownHost {
                        host: host.clone(),
                        source,
                    })?;
                tracing::info!("{host} of a server line is called {name}");
                hosts.0.insert(host.clone(), name);
            }
        }
        Ok(hosts)
    }

    fn name_of<'a>(&'a self, host: &'a str) -> &'a str {
        self.0.get(host).map_or(host, String::as_str)
    }

    /// Of several addresses of a server its last one is meant, as in Apache.
    fn names(&self, servers: &[ServerLine]) -> BTreeSet<String> {
        let last = servers.iter().filter_map(|line| line.addresses.last());
        last.map(|address| self.name_of(&address.host).to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_name_with_the_host_of_a_server_line_is_a_members() {
        let hosts = ["h1", "h2"].map(str::to_owned).into();
        for name in ["zk/h1@HOME", "other/h2@AWAY"] {
            assert!(has_one_of(&hosts, name), "{name}");
        }
        for name in [
            "zk/h3@HOME",
            "zk@HOME",
            "h1@HOME",
            "zk/h1",
            "zk/H1@HOME",
            "zk/h1/x@HOME",
            "zk/@HOME",
        ] {
            assert!(!has_one_of(&hosts, name), "{name}");
        }
    }
}
