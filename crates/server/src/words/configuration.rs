//! conf (`ConfCommand`).

use std::sync::OnceLock;

use quorum::packet::LearnerKind;

use crate::config::{Ensemble, Listen, ServerAddress};
use crate::shared::Shared;

/// The answer to conf.
pub(super) fn text(server: &Shared) -> String {
    match &server.config.ensemble {
        Some(ensemble) => own(server, ensemble.me.0) + &membership(ensemble),
        // Not the 1 that is in session ids.
        None => own(server, 0),
    }
}

/// `ZooKeeperServer.dumpConf`.
fn own(server: &Shared, server_id: i64) -> String {
    let config = &server.config;
    let [data_size, log_size] = (server.sizes)();
    format!(
        "clientPort={}\nsecureClientPort={}\ndataDir={}\ndataDirSize={data_size}\ndataLogDir={}\n\
         dataLogSize={log_size}\ntickTime={}\nmaxClientCnxns={}\nminSessionTimeout={}\n\
         maxSessionTimeout={}\nclientPortListenBacklog={}\nserverId={server_id}\n",
        port(&server.client_port, config.clients),
        port(&server.secure_client_port, config.secure_clients),
        absolute(&config.data_dir),
        absolute(&config.data_log_dir),
        config.tick_time_ms,
        config.max_client_cnxns,
        config.min_session_timeout_ms,
        config.max_session_timeout_ms,
        config.listen_backlog,
    )
}

/// As `File.getAbsolutePath`, which follows no links.
pub(crate) fn absolute(dir: &std::path::Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    here.join(dir).join("version-2").display().to_string()
}

/// The port that was bound, or is to be; -1 where there is none.
pub(crate) fn port(bound: &OnceLock<u16>, on: Option<Listen>) -> i32 {
    let port = bound.get().copied().or(on.map(|on| on.port));
    port.map_or(-1, i32::from)
}

/// `QuorumZooKeeperServer.dumpConf`.
fn membership(ensemble: &Ensemble) -> String {
    let own = ensemble.line_of(ensemble.me);
    let ports = |port: fn(&ServerAddress) -> u16| {
        let addresses = own.into_iter().flat_map(|line| &line.addresses);
        let ports: Vec<String> = addresses.map(|address| port(address).to_string()).collect();
        ports.join("|")
    };
    format!(
        "initLimit={}\nsyncLimit={}\nelectionAlg=3\nelectionPort={}\nquorumPort={}\npeerType={}\nmembership: \n{}",
        ensemble.init_limit_ticks,
        ensemble.sync_limit_ticks,
        ports(|address| address.election_port),
        ports(|address| address.quorum_port),
        match ensemble.kind {
            LearnerKind::Follower => 0,
            LearnerKind::Observer => 1,
        },
        ensemble.text,
    )
}
