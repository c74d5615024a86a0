//! Reads key stores, trust stores and the JAAS file, as a start does.

use super::report::Report;
use crate::config::Config;
use crate::serve::security::Security;

pub(super) fn look(config: &Config, report: &mut Report) {
    match Security::read(config) {
        Ok(_) => tell(config, report),
        Err(error) => report.blocks(error.to_string()),
    }
}

fn tell(config: &Config, report: &mut Report) {
    let peers = config.ensemble.as_ref().map(|ensemble| &ensemble.peers);
    let clients = config.client_tls.as_ref().map(|tls| &tls.options);
    let peer_tls = peers.and_then(|peers| peers.tls.as_ref());
    for options in clients.into_iter().chain(peer_tls.map(|tls| &tls.options)) {
        report.works(format!(
            "{} opens, and its key can be used for TLS",
            options.key_store.path.display()
        ));
    }
    if let Some(file) = &config.sasl.jaas_file {
        report.works(format!("{} can be read", file.display()));
    }
}
