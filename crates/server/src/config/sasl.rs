//! Owns what Apache reads of SASL, for clients and between servers: which file and sections, and what follows from a login.
//!
//! Must not open the file: whether it is good is known when the server starts.

use std::path::PathBuf;

use sasl::names::Rules;

use super::error::ConfigError;
use super::reader::Reader;
use super::settings::Secret;

const JAAS_FILE: &str = "java.security.auth.login.config";
const SECTION: &str = "zookeeper.sasl.serverconfig";
const KRB5_CONF: &str = "java.security.krb5.conf";
const KRB5_REALM: &str = "java.security.krb5.realm";
const RULES: &str = "zookeeper.security.auth_to_local";
const ENABLED: &str = "quorum.auth.enableSasl";
const REQUIRED: &str = "quorum.auth.serverRequireSasl";
const OFFERED: &str = "quorum.auth.learnerRequireSasl";

/// All of it. Between servers contradictions are refused on a server of its own, too, as in Apache.
#[derive(Debug, Clone, Default)]
pub struct SaslSettings {
    /// The file with the sections; default none.
    pub jaas_file: Option<PathBuf>,
    /// What clients' logins need.
    pub clients: ClientSasl,
    /// What logins between servers need; none where nobody logs in, the default.
    pub peers: Option<PeerSasl>,
    /// Where Kerberos is told of.
    pub kerberos: Kerberos,
}

/// Logins of clients.
#[derive(Debug, Clone, Default)]
pub struct ClientSasl {
    /// The section of the file; default Server.
    pub section: String,
    /// Somebody has chosen that section, so that the file has to be there.
    pub is_chosen: bool,
    /// The password of the user super, instead of the file's; default none.
    pub super_password: Option<Secret>,
    /// Whose logins make the super user; default nobody's.
    pub super_users: Vec<String>,
    /// A failed login does not end the connection; default false.
    pub keeps_failed: bool,
    /// How names become short; default those of the realm lose it.
    pub rules: Rules,
    /// Names lose their host; default false.
    pub without_host: bool,
    /// Names lose their realm; default false.
    pub without_realm: bool,
}

/// What Java is told of Kerberos.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kerberos {
    /// Its file; default /etc/krb5.conf.
    pub conf: Option<PathBuf>,
    /// The own realm; default what the file says.
    pub realm: Option<String>,
    /// There is to be such a realm; default false.
    pub is_required: bool,
}

/// Logins between servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSasl {
    /// Who does not log in is not let in; default false.
    pub is_required: bool,
    /// This server logs in where it connects; default false.
    pub is_offered: bool,
    /// Who connects does not use DIGEST-MD5 (`fips-mode`, `SecurityUtils.createSaslClient`); default true.
    pub is_fips: bool,
    /// The section with the own name and password; default QuorumLearner.
    pub own_section: String,
    /// The section with those of the others; default QuorumServer.
    pub others_section: String,
    /// The Kerberos name of the others; `_HOST` behind its slash stands for their hosts. Default zkquorum/localhost.
    pub service: String,
    /// The realm of that name where it says none; default the one of the own name.
    pub service_realm: Option<String>,
    /// Hosts of server lines are called by the names that DNS gives for their addresses; default false.
    pub canonical_hosts: bool,
}

impl SaslSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Rules for names that are none, and what contradicts itself.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<SaslSettings, ConfigError> {
        Ok(SaslSettings {
            jaas_file: reader.text(JAAS_FILE).and_then(path),
            clients: ClientSasl::read(reader)?,
            peers: PeerSasl::read(reader)?,
            kerberos: Kerberos::read(reader),
        })
    }
}

/// The file as Java takes it: a path or a URL, and a sign in front that leaves out Java's own files, of which there are none
/// here.
fn path(text: &str) -> Option<PathBuf> {
    let text = text.trim_start_matches('=');
    let path = text
        .strip_prefix("file:")
        .map_or(text, |path| match path.strip_prefix("//") {
            Some(absolute) => absolute,
            None => path,
        });
    (!path.is_empty()).then(|| PathBuf::from(path))
}

impl ClientSasl {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let section = reader.text(SECTION);
        let others = reader.properties_below("zookeeper.superUser.");
        let super_users = others.into_iter().map(|(_, setting)| setting);
        let super_users = super_users.chain(reader.property("zookeeper.superUser"));
        Ok(ClientSasl {
            section: section.unwrap_or("Server").to_owned(),
            is_chosen: section.is_some(),
            super_password: reader
                .text("zookeeper.SASLAuthenticationProvider.superPassword")
                .map(Secret::new),
            super_users: super_users
                .map(|setting| setting.value.clone())
                .filter(|name| !name.is_empty())
                .collect(),
            keeps_failed: reader.flag("zookeeper.allowSaslFailedClients", false),
            rules: rules(reader)?,
            without_host: reader.is_exactly(
                "zookeeper.kerberos.removeHostFromPrincipal",
                "true",
                "false",
            ),
            without_realm: reader.is_exactly(
                "zookeeper.kerberos.removeRealmFromPrincipal",
                "true",
                "false",
            ),
        })
    }
}

impl Kerberos {
    fn read(reader: &mut Reader<'_>) -> Self {
        Kerberos {
            conf: reader.text(KRB5_CONF).map(PathBuf::from),
            realm: reader.text(KRB5_REALM).map(str::to_owned),
            is_required: reader.is_exactly("zookeeper.requireKerberosConfig", "true", "false"),
        }
    }
}

fn rules(reader: &mut Reader<'_>) -> Result<Rules, ConfigError> {
    let Some(setting) = reader.property(RULES) else {
        return Ok(Rules::default());
    };
    Rules::parse(&setting.value).map_err(|error| {
        ConfigError::invalid(
            RULES,
            setting,
            format!("cannot be used: {error}"),
            "write DEFAULT, or rules such as RULE:[1:$1@$0](.*@EXAMPLE.COM)s/@.*//",
        )
    })
}

impl PeerSasl {
    /// Reads the settings; none where `quorum.auth.enableSasl` is false, the default.
    ///
    /// # Errors
    /// What contradicts itself (`QuorumPeerConfig.parseProperties`).
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, ConfigError> {
        let is_enabled = reader.key_bool(ENABLED, false)?;
        let is_required = reader.key_bool(REQUIRED, false)?;
        let is_offered = reader.key_bool(OFFERED, false)?;
        let name = |reader: &mut Reader<'_>, key, default: &str| {
            let setting = reader.key(key);
            setting.map_or(default.to_owned(), |setting| setting.value.clone())
        };
        let own_section = name(
            reader,
            "quorum.auth.learner.saslLoginContext",
            "QuorumLearner",
        );
        let others_section = name(
            reader,
            "quorum.auth.server.saslLoginContext",
            "QuorumServer",
        );
        needs(reader, (REQUIRED, is_required), (ENABLED, is_enabled))?;
        needs(reader, (OFFERED, is_offered), (ENABLED, is_enabled))?;
        needs(reader, (REQUIRED, is_required), (OFFERED, is_offered))?;
        let service = name(
            reader,
            "quorum.auth.kerberos.servicePrincipal",
            "zkquorum/localhost",
        );
        Ok(is_enabled.then_some(PeerSasl {
            is_required,
            is_offered,
            is_fips: reader.flag("zookeeper.fips-mode", true),
            own_section,
            others_section,
            service,
            service_realm: reader.text("zookeeper.server.realm").map(str::to_owned),
            canonical_hosts: reader.flag("zookeeper.kerberos.canonicalizeHostNames", false),
        }))
    }
}

/// The first flag makes no sense without the second.
fn needs(
    reader: &mut Reader<'_>,
    (name, is_set): (&'static str, bool),
    (other, other_is_set): (&'static str, bool),
) -> Result<(), ConfigError> {
    match reader.key(name) {
        Some(setting) if is_set && !other_is_set => Err(ConfigError::invalid(
            name,
            setting,
            format!("needs {other}=true"),
            format!("add that line, or set {name}=false"),
        )),
        _ => Ok(()),
    }
}
