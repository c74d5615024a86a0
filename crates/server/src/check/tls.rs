//! Reads the key store and the trust store of the ports for clients, as a start does.

use super::report::Report;
use crate::config::Config;
use crate::connection::secure::Tls;

pub(super) fn look(config: &Config, report: &mut Report) {
    let Some(settings) = &config.client_tls else {
        return;
    };
    match Tls::open(settings) {
        Ok(_) => report.works(format!(
            "{} opens, and its key can be used for TLS",
            settings.options.key_store.path.display()
        )),
        Err(error) => report.blocks(format!("no TLS for clients: {error}")),
    }
}
