//! Owns who may log in by SASL, and as whom this server does between servers: what the JAAS file says, read once at the start.
//!
//! Must not know what is said on a connection (`connection::sasl`, `peers::sasl`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use processor::logged_in;
use proto::records::Id;
use sasl::jaas::{BadJaas, Jaas, LoginModule};
use sasl::names::{MalformedName, Naming};
use sasl::{Proven, Server, Service};

use crate::config::{ClientSasl, Config, PeerSasl, Properties, Secret};

/// Apache's module, which does nothing but hold names and passwords.
const DIGEST: &str = "org.apache.zookeeper.server.auth.DigestLoginModule";
const KERBEROS: &str = "com.sun.security.auth.module.Krb5LoginModule";
/// Where Kerberos says which realm is the own one.
const KRB5_CONF: &str = "/etc/krb5.conf";

/// Why a server with SASL does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotLogIn {
    /// No file.
    #[error(
        "{section} is to be a section of a JAAS file, and there is none; name the file by -Djava.security.auth.login.config=..."
    )]
    NoFile { section: String },
    /// The file cannot be read.
    #[error("{}: {source}; -Djava.security.auth.login.config names it", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is no JAAS file.
    #[error("{} {source}", path.display())]
    Malformed { path: PathBuf, source: BadJaas },
    /// A section that is needed is not there.
    #[error("{} has no section {section}; add one, or name another by {setting}", path.display())]
    NoSection {
        path: PathBuf,
        section: String,
        setting: &'static str,
    },
    /// A section asks for Kerberos.
    #[error(
        "{}: the section {section} asks for Kerberos, which this build does not have; stay on Apache ZooKeeper, or use {DIGEST}",
        path.display()
    )]
    Kerberos { path: PathBuf, section: String },
    /// A section asks for a Java class.
    #[error(
        "{}: the section {section} names the Java class {class}, which cannot be loaded; use {DIGEST}",
        path.display()
    )]
    UnknownClass {
        path: PathBuf,
        section: String,
        class: String,
    },
    /// A section does not say who this server is.
    #[error(
        "{}: the section {section} has no username and password; other servers cannot be told who this one is",
        path.display()
    )]
    NoOwnName { path: PathBuf, section: String },
}

/// The JAAS file of the configuration, read; none where none is named.
///
/// # Errors
/// It cannot be read.
pub fn jaas_file(config: &Config) -> Result<Option<JaasFile<'_>>, CannotLogIn> {
    let path = config.sasl.jaas_file.as_deref();
    path.map(|path| JaasFile::read(path, &config.properties))
        .transpose()
}

/// A JAAS file.
pub struct JaasFile<'a> {
    path: &'a Path,
    jaas: Jaas,
}

impl<'a> JaasFile<'a> {
    fn read(path: &'a Path, properties: &Properties) -> Result<Self, CannotLogIn> {
        let text = std::fs::read_to_string(path).map_err(|source| CannotLogIn::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let jaas = Jaas::parse(&text, |name| property(properties, name)).map_err(|source| {
            CannotLogIn::Malformed {
                path: path.to_owned(),
                source,
            }
        })?;
        Ok(JaasFile { path, jaas })
    }

    /// The modules of a section, all of which hold names and passwords.
    fn section(&self, section: &str) -> Result<Option<&[LoginModule]>, CannotLogIn> {
        let modules = self.jaas.section(section);
        let other = modules
            .unwrap_or_default()
            .iter()
            .find(|module| module.class != DIGEST);
        let (path, section) = (self.path.to_owned(), section.to_owned());
        match other.map(|module| module.class.clone()) {
            None => Ok(modules),
            Some(class) if class == KERBEROS => Err(CannotLogIn::Kerberos { path, section }),
            Some(class) => Err(CannotLogIn::UnknownClass {
                path,
                section,
                class,
            }),
        }
    }
}

/// What `${name}` stands for: a property of the command line, or one that Java has of its own.
fn property(properties: &Properties, name: &str) -> Option<String> {
    let own = || match name {
        "user.home" => std::env::home_dir(),
        "user.dir" => std::env::current_dir().ok(),
        "java.io.tmpdir" => Some(std::env::temp_dir()),
        _ => None,
    };
    let set = properties.get(name).map(str::to_owned);
    set.or_else(|| own().map(|path| path.display().to_string()))
}

/// Names with their passwords.
#[derive(Debug, Default)]
struct Users(BTreeMap<String, Secret>);

impl Users {
    /// Options named `user_` and the name.
    fn of(modules: &[LoginModule]) -> Self {
        let options = modules.iter().flat_map(|module| &module.options);
        let user = |(key, password): (&String, &String)| {
            let name = key.strip_prefix("user_")?;
            Some((name.to_owned(), Secret::new(password)))
        };
        Users(options.filter_map(user).collect())
    }

    fn password_of(&self, user: &str) -> Option<&str> {
        self.0.get(user).map(Secret::expose)
    }
}

/// Nobody can guess it.
pub fn nonce() -> String {
    let bytes: [u8; 30] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which clients may log in, and who they are then.
#[derive(Debug)]
pub struct ClientLogins {
    users: Users,
    super_password: Option<Secret>,
    super_users: Vec<String>,
    naming: Naming,
    keeps_failed: bool,
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
    ) -> Result<Option<Self>, CannotLogIn> {
        let section = &settings.section;
        let modules = match file {
            Some(file) => file.section(section)?,
            None if settings.is_chosen => {
                return Err(CannotLogIn::NoFile {
                    section: section.clone(),
                });
            }
            None => None,
        };
        if let (Some(file), None) = (file, modules) {
            let path = file.path.display();
            tracing::warn!("{path} has no section {section}: no client can log in by SASL");
        }
        Ok(modules.map(|modules| ClientLogins {
            users: Users::of(modules),
            super_password: settings.super_password.clone(),
            super_users: settings.super_users.clone(),
            naming: Naming {
                rules: settings.rules.clone(),
                default_realm: default_realm(Path::new(KRB5_CONF)),
                without_host: settings.without_host,
                without_realm: settings.without_realm,
            },
            keeps_failed: settings.keeps_failed,
        }))
    }

    /// An exchange that has not begun.
    pub fn exchange(&self) -> Server {
        Server::new(Service::CLIENTS, nonce())
    }

    /// The user super may have another password than the file says, but has to stand there
    /// (`SaslServerCallbackHandler.handleNameCallback`).
    pub fn password_of(&self, user: &str) -> Option<&str> {
        let password = self.users.password_of(user)?;
        match &self.super_password {
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

/// Empty where nothing says it (`KerberosName`).
fn default_realm(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut is_defaults = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_defaults = line == "[libdefaults]";
        }
        if let Some((key, realm)) = line.split_once('=')
            && is_defaults
            && key.trim() == "default_realm"
        {
            return realm.trim().to_owned();
        }
    }
    String::new()
}

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
            file.section(section)?.ok_or_else(none)
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
            users: Users(users.iter().map(user).collect()),
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

#[cfg(test)]
mod tests;
