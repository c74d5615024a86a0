//! Tries the own addresses: are they this machine's, and does somebody listen there already?

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use super::report::Report;
use super::resolve;
use crate::config::{AdminSettings, Config, Ensemble, Listen, ServerAddress, ServerLine};

pub(super) fn look(config: &Config, report: &mut Report) {
    for (on, who) in [
        (config.clients, "clients"),
        (config.secure_clients, "clients with TLS"),
    ] {
        if let Some(on) = on {
            look_at_client_port(on, who, report);
        }
    }
    if let Some(admin) = &config.admin {
        look_at_admin_port(admin, report);
    }
    if let Some(ensemble) = &config.ensemble {
        look_at_own_line(ensemble, report);
    }
}

fn look_at_client_port(on: Listen, who: &str, report: &mut Report) {
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let address = SocketAddr::new(on.address.unwrap_or(any), on.port);
    report.works(format!("{who} connect to {address}"));
    try_address(who, address, report);
}

/// Without the port a server starts, unless somebody has chosen it.
fn look_at_admin_port(admin: &AdminSettings, report: &mut Report) {
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let address = SocketAddr::new(admin.on.address.unwrap_or(any), admin.on.port);
    let url = &admin.command_url;
    report.works(format!("the admin server is at {address}{url}"));
    if admin.port_is_chosen {
        return try_address("the admin server", address, report);
    }
    if let Err(error) = TcpListener::bind(address) {
        report.differs(format!(
            "{address} cannot be had: {error}; as nobody has chosen this port, the server starts without its admin server"
        ));
    }
}

fn look_at_own_line(ensemble: &Ensemble, report: &mut Report) {
    let Some(line) = ensemble.line_of(ensemble.me) else {
        return; // an ensemble is not read without it
    };
    let role = match line.voting {
        true => "participant",
        false => "observer",
    };
    let voters = ensemble.servers.iter().filter(|line| line.voting).count();
    report.works(format!("server {} of {voters} voters, as {role}", line.sid));
    for address in &line.addresses {
        look_at_own_address(ensemble, line, address, report);
    }
}

fn look_at_own_address(
    ensemble: &Ensemble,
    line: &ServerLine,
    address: &ServerAddress,
    report: &mut Report,
) {
    let ip = match ensemble.peers.listen_on_all_ips {
        true => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        false => match resolve(&address.host, 0) {
            Ok(found) => found[0].ip(),
            Err(error) => {
                let (sid, host) = (line.sid, &address.host);
                report.blocks(format!("server.{sid}: {host} cannot be resolved: {error}"));
                return;
            }
        },
    };
    let is_foreign =
        TcpListener::bind((ip, 0)).is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable);
    if is_foreign {
        report.blocks(format!(
            "server.{}: {} is not an address of this machine; correct the number in dataDir/myid, or set \
             quorumListenOnAllIPs=true where the address is translated",
            line.sid, address.host
        ));
        return;
    }
    try_address(
        "elections",
        SocketAddr::new(ip, address.election_port),
        report,
    );
}

/// Another server may run there, the one that is to be replaced.
fn try_address(what: &str, address: SocketAddr, report: &mut Report) {
    match TcpListener::bind(address) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AddrInUse => report.differs(format!(
            "a server listens for {what} at {address} already: stop it before ironkeeper starts"
        )),
        Err(error) => report.blocks(format!("{address}, for {what}, cannot be had: {error}")),
    }
}
