//! What of a configuration is in files that nobody but the server may read: keys, certificates, passwords of logins.

use std::sync::Arc;

use listener::tls::TlsError;

use crate::admin;
use crate::config::{Config, Ensemble};
use crate::connection::secure::Tls;
use crate::peers::{Guard, PeerAddress, PeerContext};
use crate::sasl::{CannotLogIn, ClientLogins, JaasFile, PeerLogins, check_realm, jaas_file};
use crate::serve::certificates::Stores;

/// Who may log in, and what the server shows of itself.
#[derive(Debug, Default)]
pub struct Security {
    /// TLS of the ports for clients, where one has it.
    pub tls: Option<Arc<Tls>>,
    /// Clients that log in by SASL.
    pub clients: Option<ClientLogins>,
    /// TLS of the admin server, where it has it.
    pub admin: Option<Arc<admin::Tls>>,
    /// What has to be passed on connections between servers.
    pub guard: Guard,
}

/// A server without its security does not start.
#[derive(Debug, thiserror::Error)]
pub enum NotSecure {
    /// Logins.
    #[error("no logins by SASL: {0}")]
    Logins(#[from] CannotLogIn),
    /// Keys and certificates for clients.
    #[error("no TLS for clients: {0}")]
    ClientTls(TlsError),
    /// Keys and certificates for the admin server.
    #[error("no TLS for the admin server: {0}")]
    AdminTls(TlsError),
    /// Keys and certificates for other servers.
    #[error("no TLS between servers: {0}")]
    PeerTls(TlsError),
}

impl Security {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read or used.
    pub fn read(config: &Config) -> Result<Self, NotSecure> {
        let tls = config.client_tls.as_ref().map(Tls::open).transpose();
        let tls = tls.map_err(NotSecure::ClientTls)?;
        let (file, sasl) = (jaas_file(config)?, &config.sasl);
        check_realm(&sasl.kerberos)?;
        let guard = match &config.ensemble {
            Some(ensemble) => guard(config, ensemble, file.as_ref())?,
            None => Guard::default(),
        };
        let admin = config.admin.as_ref().and_then(|admin| admin.tls.as_ref());
        let admin = admin.map(admin::Tls::open).transpose();
        Ok(Security {
            admin: admin.map_err(NotSecure::AdminTls)?.map(Arc::new),
            tls: tls.map(Arc::new),
            clients: ClientLogins::read(file.as_ref(), &sasl.clients, &sasl.kerberos)?,
            guard,
        })
    }

    /// All stores with keys and certificates.
    pub fn stores(&self) -> Vec<Arc<dyn Stores>> {
        let clients = self.tls.clone().map(|tls| tls as Arc<dyn Stores>);
        let peers = self.guard.tls().map(|tls| tls as Arc<dyn Stores>);
        let admin = self.admin.clone().map(|tls| tls as Arc<dyn Stores>);
        clients.into_iter().chain(peers).chain(admin).collect()
    }
}

fn guard(
    config: &Config,
    ensemble: &Ensemble,
    file: Option<&JaasFile<'_>>,
) -> Result<Guard, NotSecure> {
    let peers = &ensemble.peers;
    let hosts = ensemble.servers.iter().flat_map(PeerAddress::for_elections);
    let tls = peers
        .tls
        .as_ref()
        .map(|tls| PeerContext::new(tls, hosts.collect()));
    let (logins, kerberos) = (config.sasl.peers.as_ref(), &config.sasl.kerberos);
    let logins = logins.map(|sasl| PeerLogins::read(file, sasl, kerberos, &ensemble.servers));
    Ok(Guard::new(
        tls.transpose().map_err(NotSecure::PeerTls)?.map(Arc::new),
        logins.transpose()?.map(Arc::new),
    ))
}
