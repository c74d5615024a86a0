//! The ensemble: who leads, who votes, what this server is in it.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::clients::jackson_address;
use crate::config::{Ensemble, Listen, ServerAddress, ServerLine};
use crate::replica::{Input, ObserverFigures};
use crate::shared::Shared;
use crate::words::Role;
use crate::words::configuration::port;
use crate::words::dump::PATIENCE;

/// How long a name server may take to say where the leader is.
const RESOLVE_TIME: Duration = Duration::from_secs(5);

/// The server's number; 0 for one on its own, as conf has it.
pub(super) fn own_id(server: &Shared) -> i64 {
    server
        .config
        .ensemble
        .as_ref()
        .map_or(0, |ensemble| ensemble.me.0)
}

/// lead (`LeaderCommand`).
pub(super) async fn leader(server: &Shared, role: Role) -> Value {
    let Some(ensemble) = &server.config.ensemble else {
        return json!({"error": "server is not initialized"});
    };
    let leader = server.standing.lock().leader();
    let line = leader.and_then(|leader| ensemble.line_of(leader));
    let ip = match line {
        Some(line) => address_of(line).await,
        None => None,
    };
    json!({
        "is_leader": role == Role::Leader,
        "leader_id": leader.map_or(-1, |leader| leader.0),
        "leader_ip": ip.map_or(String::new(), listener::java_host_address),
    })
}

/// None where its name cannot be resolved now.
async fn address_of(line: &ServerLine) -> Option<IpAddr> {
    let address = line.addresses.first()?;
    let asked = tokio::net::lookup_host((address.host.as_str(), address.quorum_port));
    let found = tokio::time::timeout(RESOLVE_TIME, asked).await.ok()?.ok()?;
    found.map(|found| found.ip()).next()
}

/// obsr (`SyncedObserverConsCommand`). None where the server has stopped meanwhile.
pub(super) async fn observers(server: &Shared, role: Role) -> Option<Value> {
    let observers = match role {
        Role::Leader => {
            let (asker, told) = oneshot::channel();
            server.replica.push(Input::ListObservers(asker));
            tokio::time::timeout(PATIENCE, told).await.ok()?.ok()?
        }
        Role::Standalone | Role::Follower | Role::Observer => Vec::new(),
    };
    let all: Vec<Value> = observers.iter().map(observer).collect();
    Some(json!({"synced_observers": all.len(), "observers": all}))
}

fn observer(figures: &ObserverFigures) -> Value {
    json!({
        // As Java's socket says it.
        "remote_socket_address": format!("/{}", jackson_address(figures.remote)),
        "sid": figures.sid.0,
        "established": figures.established_ms,
        "queued_packets": figures.queued_packets,
        "queued_packets_size": figures.queued_bytes,
        "packets_received": figures.received,
        "packets_sent": figures.sent,
        "requests": figures.requests,
        "last_zxid": figures.last_zxid.0,
    })
}

/// voting_view (`VotingViewCommand`).
pub(super) fn voting_view(server: &Shared) -> Value {
    let ensemble = server.config.ensemble.as_ref();
    let voters = ensemble.into_iter().flat_map(|ensemble| {
        let voters = ensemble.servers.iter().filter(|line| line.voting);
        voters.map(|line| (line.sid.to_string(), voter(server, ensemble, line)))
    });
    json!({"current_config": voters.collect::<Map<_, _>>()})
}

fn voter(server: &Shared, ensemble: &Ensemble, line: &ServerLine) -> Value {
    let all = |port: fn(&ServerAddress) -> u16| -> Vec<String> {
        let addresses = line.addresses.iter();
        addresses
            .map(|address| delimited(&address.host, port(address)))
            .collect()
    };
    let client = match line.sid == ensemble.me.0 {
        true => client_address(server),
        false => client_of(line),
    };
    json!({
        "server_addresses": all(|address| address.quorum_port),
        "election_addresses": all(|address| address.election_port),
        "client_address": client.unwrap_or_default(),
        "learner_type": "participant",
    })
}

/// IPv6 in brackets.
fn delimited(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

fn client_of(line: &ServerLine) -> Option<String> {
    let (host, port) = line.client.as_ref()?;
    Some(delimited(host.as_deref().unwrap_or("0.0.0.0"), *port))
}

/// Where the own clients connect.
fn client_address(server: &Shared) -> Option<String> {
    let Listen { address, .. } = server.config.clients?;
    let port = port(&server.client_port, server.config.clients);
    Some(match address {
        Some(address) => jackson_address((address, u16::try_from(port).ok()?).into()),
        None => format!("0.0.0.0:{port}"),
    })
}

/// zabstate (`ZabStateCommand`); who serves is in Apache's phase of broadcast.
pub(super) fn zab_state(server: &Shared, role: Option<Role>) -> Value {
    let (Some(ensemble), Some(role)) = (&server.config.ensemble, role) else {
        return json!({"voting": false, "zabstate": ""});
    };
    let zxid = server.tree.read().last_zxid();
    let own = ensemble.line_of(ensemble.me);
    let addresses = own.map_or(&[][..], |line| &line.addresses);
    json!({
        "myid": ensemble.me.0,
        "is_leader": role == Role::Leader,
        "quorum_address": several(addresses, |address| address.quorum_port),
        "election_address": several(addresses, |address| address.election_port),
        "client_address": client_address(server),
        "voting": own.is_some_and(|line| line.voting),
        "last_zxid": format!("0x{:x}", zxid.0),
        "zab_epoch": zxid.0 >> 32,
        "zab_counter": zxid.0 & 0xffff_ffff,
        "zabstate": "broadcast",
    })
}

/// `MultipleAddresses`, each getter. They are the server's own: it reaches them all.
fn several(addresses: &[ServerAddress], port: fn(&ServerAddress) -> u16) -> Value {
    let all: Vec<String> = addresses
        .iter()
        .map(|address| delimited(&address.host, port(address)))
        .collect();
    let wildcards: Vec<String> = addresses
        .iter()
        .map(|address| format!("0.0.0.0:{}", port(address)))
        .collect();
    let ports: Vec<u16> = addresses.iter().map(port).collect();
    let hosts: Vec<&str> = addresses
        .iter()
        .map(|address| address.host.as_str())
        .collect();
    let one = all.first();
    json!({
        "empty": all.is_empty(),
        "all_addresses": all,
        "wildcard_addresses": wildcards,
        "all_ports": ports,
        "all_host_strings": hosts,
        "reachable_address": one,
        "all_reachable_addresses": all,
        "all_reachable_addresses_or_all": all,
        "reachable_or_one": one,
        "one": one,
    })
}
