//! Owns the server, group and weight lines, of zoo.cfg or of the dynamic file: who is in them, do they make an ensemble, and
//! which client port does the own line give?
//!
//! Apache: `QuorumPeerConfig.parseDynamicConfig`, `setupMyId`, `setupClientPort` and `isDistributed`.

mod groups;
mod line;
mod text;

use std::path::{Path, PathBuf};

use quorum::verifier::QuorumVerifier;

use super::error::ConfigError;
use super::keys::RECONFIG;
use super::reader::Reader;
use super::settings::{Properties, Setting};
use super::source::{is_member_key, read_file};
use groups::Groups;
use line::Member;

/// Lets a server have more than one address.
const SEVERAL_ADDRESSES: &str = "zookeeper.multiAddress.enabled";

/// The client address of a server line, behind the semicolon.
pub(super) struct ClientAddress {
    /// Address or host name; `None` for all addresses.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// The line that gives it.
    pub name: String,
    /// Its value and where it stands.
    pub setting: Setting,
}

/// A server of the ensemble, as its server line describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLine {
    /// Its number.
    pub sid: i64,
    /// It is a participant, no observer.
    pub voting: bool,
    /// Where other servers reach it: at least one.
    pub addresses: Vec<ServerAddress>,
    /// Where its clients connect, if the line says so; the host is `None` for all addresses.
    pub client: Option<(Option<String>, u16)>,
}

/// One of a server's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Address or host name, IPv6 without brackets.
    pub host: String,
    /// Where it is connected to when it leads.
    pub quorum_port: u16,
    /// Where it is connected to for elections.
    pub election_port: u16,
}

/// What the lines say.
pub(super) struct Members {
    /// The servers, in the order of their numbers.
    all: Vec<Member>,
    /// Their groups, where there are any.
    groups: Option<Groups>,
    /// The configuration's version.
    pub version: i64,
    /// It is no standalone server.
    pub is_ensemble: bool,
}

/// Where the lines stand.
struct Lines {
    lines: Properties,
    version: i64,
}

impl Members {
    /// Reads the lines of the file, whose name and keys these are, or of its dynamic file.
    ///
    /// # Errors
    /// What Apache refuses.
    pub fn read(
        reader: &mut Reader<'_>,
        file: &Path,
        keys: &Properties,
    ) -> Result<Self, ConfigError> {
        let standalone_enabled = reader.key_bool("standaloneEnabled", true)?;
        let Lines { lines, version } = match reader.key("dynamicConfigFile") {
            Some(setting) => read_dynamic(file, keys, setting)?,
            None => Lines {
                version: static_version(reader)?,
                lines: keys.clone(),
            },
        };
        let several = reader.flag(SEVERAL_ADDRESSES, false);
        // What the file says has to be a boolean, and allows nothing (`QuorumServer.initializeWithAddressString`).
        reader.key_bool("multiAddress.enabled", several)?;
        let all = read_servers(&lines, several)?;
        let voting = all.iter().filter(|member| member.line.voting).count();
        let members = Members {
            groups: Groups::read(&lines, &all)?,
            all,
            version,
            is_ensemble: !standalone_enabled || voting > 1,
        };
        members.check(voting, keys.setting("standaloneEnabled"))?;
        if members.is_ensemble {
            reader.notices.extend(warning(voting));
        }
        Ok(members)
    }

    /// Observers need participants, and more than one where standalone servers are allowed.
    fn check(&self, voting: usize, standalone: Option<&Setting>) -> Result<(), ConfigError> {
        let observer = self.all.iter().find(|member| !member.line.voting);
        match (observer, standalone) {
            (Some(observer), _) if voting == 0 || !self.is_ensemble => {
                let reason = match voting {
                    0 => "is an observer, and no server line names a participant",
                    _ => "is an observer, and one participant is no ensemble",
                };
                let (name, setting) = (&observer.name, &observer.setting);
                let advice = "add participants";
                Err(ConfigError::invalid(name, setting, reason, advice))
            }
            (None, Some(setting)) if self.is_ensemble && voting == 0 => {
                let reason = "asks for an ensemble, and no server line names a participant";
                let advice = "add the server lines, or remove the line";
                let name = "standaloneEnabled";
                Err(ConfigError::invalid(name, setting, reason, advice))
            }
            _ if self.is_ensemble => self.all.iter().try_for_each(check_sid),
            _ => Ok(()),
        }
    }

    /// The servers, in the order of their numbers.
    pub fn servers(&self) -> Vec<ServerLine> {
        self.all.iter().map(|member| member.line.clone()).collect()
    }

    /// The line of a server.
    pub fn line(&self, sid: i64) -> Option<(&str, &Setting, &ServerLine)> {
        let member = self.all.iter().find(|member| member.line.sid == sid)?;
        Some((&member.name, &member.setting, &member.line))
    }

    /// Where clients of this server connect, if its line says so.
    pub fn client_of(&self, sid: i64) -> Option<ClientAddress> {
        let member = self.all.iter().find(|member| member.line.sid == sid)?;
        let (host, port) = member.line.client.clone()?;
        Some(ClientAddress {
            host,
            port,
            name: member.name.clone(),
            setting: member.setting.clone(),
        })
    }

    /// When enough voters agree.
    pub fn verifier(&self) -> QuorumVerifier {
        match &self.groups {
            Some(groups) => QuorumVerifier::Hierarchical(groups.hierarchy(&self.all)),
            None => {
                let voters = self.all.iter().filter(|member| member.line.voting);
                QuorumVerifier::majority(voters.map(|member| proto::Sid(member.line.sid)))
            }
        }
    }

    /// The configuration as servers tell it to each other.
    pub fn text(&self) -> String {
        text::text(self)
    }
}

/// What an operator should think of with so many participants.
fn warning(voting: usize) -> Option<String> {
    match voting {
        0..=2 => Some(format!(
            "an ensemble of {voting} cannot lose any server; three participants can lose one"
        )),
        even if even % 2 == 0 => Some(format!(
            "an ensemble of {even} can lose no more servers than one of {}",
            even - 1
        )),
        _ => None,
    }
}

/// Reads the dynamic file; server lines must not stand in both files.
fn read_dynamic(file: &Path, keys: &Properties, setting: &Setting) -> Result<Lines, ConfigError> {
    if let Some((name, line)) = keys.iter().find(|(key, _)| is_member_key(key)) {
        let reason = "must stand in the dynamic file, as dynamicConfigFile is set";
        let advice = "move the line there or remove dynamicConfigFile";
        return Err(ConfigError::invalid(name, line, reason, advice));
    }
    let advice = "name a file that can be read in dynamicConfigFile, or remove the line";
    let lines = read_file(Path::new(&setting.value), advice)?;
    if let Some((name, line)) = lines.iter().find(|(key, _)| !is_member_key(key)) {
        let reason = "does not belong into a dynamic file";
        let advice = "only lines server.N, group.N and weight.N do";
        return Err(ConfigError::invalid(name, line, reason, advice));
    }
    if next_file(file).exists() {
        return Err(ConfigError::not_built(
            "dynamicConfigFile",
            setting,
            &RECONFIG,
        ));
    }
    let version = version_of_name(&setting.value);
    Ok(Lines { lines, version })
}

/// A configuration that a reconfig proposed, and did not yet make the current one.
fn next_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".dynamic.next");
    name.into()
}

/// What stands behind the name's last dot, if it is a hexadecimal number, else 0 (Apache:
/// `QuorumPeerConfig.getVersionFromFilename`).
fn version_of_name(name: &str) -> i64 {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    end.and_then(|end| i64::from_str_radix(end, 16).ok())
        .unwrap_or(0)
}

/// The version of server lines that stand in zoo.cfg itself.
fn static_version(reader: &mut Reader<'_>) -> Result<i64, ConfigError> {
    let Some(setting) = reader.key("version") else {
        return Ok(0);
    };
    i64::from_str_radix(&setting.value, 16).map_err(|_| {
        let reason = "is no hexadecimal number";
        ConfigError::invalid("version", setting, reason, "remove the line")
    })
}

fn read_servers(lines: &Properties, several: bool) -> Result<Vec<Member>, ConfigError> {
    let mut members: Vec<Member> = Vec::new();
    for (name, setting) in lines.iter() {
        let Some(sid) = name.strip_prefix("server.") else {
            continue;
        };
        let member = Member::read(name, sid, setting, several)?;
        if let Some(other) = members.iter().find(|m| m.line.sid == member.line.sid) {
            let reason = format!("is the same server as {}", other.name);
            return Err(ConfigError::invalid(
                name,
                setting,
                reason,
                "remove one of the two",
            ));
        }
        members.push(member);
    }
    members.sort_by_key(|member| member.line.sid);
    Ok(members)
}

/// A negative number would be a version in the messages of an election.
fn check_sid(member: &Member) -> Result<(), ConfigError> {
    match member.line.sid {
        0.. => Ok(()),
        _ => Err(ConfigError::invalid(
            &member.name,
            &member.setting,
            "has a negative number",
            "number servers from 1 to 255",
        )),
    }
}

/// The server number in the file myid, if there is one: a standalone server needs none.
pub(super) fn read_myid(data_dir: &Path, is_needed: bool) -> Result<Option<i64>, ConfigError> {
    let path = data_dir.join("myid");
    if !is_needed && !path.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|source| myid_error(data_dir, source))?;
    let first = text.lines().next().unwrap_or_default();
    let wrong = |_| {
        let source = std::io::Error::other(format!("{first:?} is not a number"));
        myid_error(data_dir, source)
    };
    first.parse().map(Some).map_err(wrong)
}

/// What is wrong with the file myid.
pub(super) fn myid_error(data_dir: &Path, source: std::io::Error) -> ConfigError {
    ConfigError::Read {
        path: data_dir.join("myid"),
        source,
        advice: "let it hold the number of this server's line",
    }
}

#[cfg(test)]
mod tests;
