//! Owns the server lines, of zoo.cfg or of the dynamic file: who is in them, is it a standalone server, and which client
//! port does its line give?
//!
//! Apache: `QuorumPeerConfig.parseDynamicConfig`, `setupMyId`, `setupClientPort` and `isDistributed`.

use std::path::Path;

use super::error::ConfigError;
use super::keys::ENSEMBLE;
use super::settings::{Properties, Setting};
use super::source::{is_member_key, read_file};

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

/// What the server lines say.
pub(super) struct Members {
    /// All of them.
    pub servers: Vec<ServerLine>,
    /// The client address of the own one, if it has one.
    pub own: Option<ClientAddress>,
}

/// One server line.
struct Member<'a> {
    name: &'a str,
    setting: &'a Setting,
    line: ServerLine,
    client: Option<(Option<String>, u16)>,
}

/// Refuses anything but a standalone server.
///
/// # Errors
/// An ensemble is not built yet. Server lines that Apache refuses are refused.
pub(super) fn read_members(
    keys: &Properties,
    dynamic_file: Option<&Setting>,
    standalone_enabled: bool,
    data_dir: &Path,
) -> Result<Members, ConfigError> {
    let dynamic = match dynamic_file {
        Some(setting) => Some(read_dynamic(keys, setting)?),
        None => None,
    };
    let members = members(dynamic.as_ref().unwrap_or(keys))?;
    check_standalone(&members, standalone_enabled, keys)?;
    let myid = read_myid(data_dir)?;
    let servers = members.iter().map(|member| member.line.clone()).collect();
    let own = members
        .into_iter()
        .find(|member| Some(member.line.sid) == myid);
    let own = own.and_then(|member| {
        let (host, port) = member.client?;
        Some(ClientAddress {
            host,
            port,
            name: member.name.to_owned(),
            setting: member.setting.clone(),
        })
    });
    Ok(Members { servers, own })
}

/// Reads the dynamic file; server lines must not stand in both files.
fn read_dynamic(keys: &Properties, setting: &Setting) -> Result<Properties, ConfigError> {
    if let Some((name, line)) = keys.iter().find(|(key, _)| is_member_key(key)) {
        let reason = "must stand in the dynamic file, as dynamicConfigFile is set";
        return Err(ConfigError::invalid(
            name,
            line,
            reason,
            "move the line there or remove dynamicConfigFile",
        ));
    }
    let advice = "correct dynamicConfigFile, or remove it to run one server";
    let dynamic = read_file(Path::new(&setting.value), advice)?;
    if let Some((name, line)) = dynamic.iter().find(|(key, _)| !is_member_key(key)) {
        let reason = "does not belong into a dynamic file";
        return Err(ConfigError::invalid(
            name,
            line,
            reason,
            "only lines server.N, group.N and weight.N do",
        ));
    }
    Ok(dynamic)
}

fn members(lines: &Properties) -> Result<Vec<Member<'_>>, ConfigError> {
    let mut members = Vec::new();
    for (name, setting) in lines.iter().filter(|(key, _)| is_member_key(key)) {
        match name.strip_prefix("server.") {
            Some(sid) => members.push(member(name, sid, setting)?),
            None => return Err(ConfigError::not_built(name, setting, &ENSEMBLE)),
        }
    }
    Ok(members)
}

fn check_standalone(
    members: &[Member<'_>],
    standalone_enabled: bool,
    keys: &Properties,
) -> Result<(), ConfigError> {
    let voting = members.iter().filter(|member| member.line.voting).count();
    if let (0, Some(line)) = (voting, members.first()) {
        let reason = "is an observer, and no server line names a participant";
        return Err(ConfigError::invalid(
            line.name,
            line.setting,
            reason,
            "add the participants",
        ));
    }
    if members.len() > 1 {
        let last = &members[members.len() - 1];
        return Err(ConfigError::not_built(last.name, last.setting, &ENSEMBLE));
    }
    match keys.setting("standaloneEnabled") {
        Some(setting) if !standalone_enabled => Err(ConfigError::not_built(
            "standaloneEnabled",
            setting,
            &ENSEMBLE,
        )),
        _ => Ok(()),
    }
}

/// `host:port:port[:type][|host:port:port[:type]...][;[host:]port]`
fn member<'a>(name: &'a str, sid: &str, setting: &'a Setting) -> Result<Member<'a>, ConfigError> {
    let refuse = |reason: &str| {
        let advice = "write server.N=host:quorumPort:electionPort[:participant|:observer][;[host:]clientPort]";
        ConfigError::invalid(name, setting, reason, advice)
    };
    let sid = sid
        .parse()
        .map_err(|_| refuse("has no server number behind the dot"))?;
    let (server, client) = match setting.value.split_once(';') {
        Some((server, client)) => (server, Some(client).filter(|client| !client.is_empty())),
        None => (setting.value.as_str(), None),
    };
    if server.contains('|') {
        return Err(refuse(
            "has several addresses, which multiAddress.enabled would have to allow",
        ));
    }
    let parts = host_and_rest(server);
    let [host, quorum, election, role @ ..] = parts.as_slice() else {
        return Err(refuse("has not the form host:port:port"));
    };
    let quorum =
        port(quorum).ok_or_else(|| refuse("has no port between 0 and 65535 behind the host"))?;
    let election =
        port(election).ok_or_else(|| refuse("has no election port between 0 and 65535"))?;
    if quorum == election {
        return Err(refuse("has the same port twice"));
    }
    let voting = match role
        .iter()
        .map(|role| role.to_ascii_lowercase())
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => true,
        [role] if role == "participant" => true,
        [role] if role == "observer" => false,
        _ => {
            return Err(refuse(
                "names a role that is neither participant nor observer",
            ));
        }
    };
    let client = match client {
        Some(client) => Some(
            client_address(client)
                .ok_or_else(|| refuse("has no client port behind the semicolon"))?,
        ),
        None => None,
    };
    Ok(Member {
        name,
        setting,
        line: ServerLine {
            sid,
            voting,
            addresses: vec![ServerAddress {
                host: (*host).to_owned(),
                quorum_port: quorum,
                election_port: election,
            }],
        },
        client,
    })
}

/// `port` or `host:port`.
fn client_address(text: &str) -> Option<(Option<String>, u16)> {
    match host_and_rest(text).as_slice() {
        [only] => Some((None, port(only)?)),
        [host, last] => Some((Some((*host).to_owned()), port(last)?)),
        _ => None,
    }
}

/// Splits at colons, but not within the brackets of an IPv6 address, which are dropped.
fn host_and_rest(text: &str) -> Vec<&str> {
    match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, rest)) => std::iter::once(host)
            .chain(rest.split(':').skip(1))
            .collect(),
        None => text.split(':').collect(),
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok()
}

/// The server number in the file myid, if there is one. It is needed only to find the own server line.
fn read_myid(data_dir: &Path) -> Result<Option<i64>, ConfigError> {
    let path = data_dir.join("myid");
    if !path.is_file() {
        return Ok(None);
    }
    let refuse = |source| ConfigError::Read {
        path: path.clone(),
        source,
        advice: "let it hold the server's number",
    };
    let text = std::fs::read_to_string(&path).map_err(refuse)?;
    let first = text.lines().next().unwrap_or_default();
    let wrong = |_| refuse(std::io::Error::other(format!("{first:?} is not a number")));
    first.parse().map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests;
