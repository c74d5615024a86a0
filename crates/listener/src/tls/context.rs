//! What answers handshakes, and its replacement when the files change.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pki::{CertificateDer, names};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CertificateError, Error, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::identity::Identity;
use super::stores::{self, TlsError};
use super::verifier::ClientVerifier;
use super::{Protocol, TlsOptions};

/// How long a handshake may take. Netty's default.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Answers the handshakes of a listener.
#[derive(Debug)]
pub struct ServerContext {
    options: TlsOptions,
    current: RwLock<Arc<ServerConfig>>,
}

/// A handshake that was done.
#[derive(Debug)]
pub struct Handshake<S> {
    /// What to read from and write to.
    pub stream: TlsStream<S>,
    /// Whose certificate it showed, as Java writes it; none: it showed none.
    pub subject: Option<String>,
}

/// Why a handshake was not done.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// What the other side did, or did not.
    #[error("{}", reason(.0))]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("the TLS handshake was not done within {HANDSHAKE_TIME:?}")]
    TooSlow,
    /// A certificate for another host.
    #[error("the certificate of {0} is not for the address that it comes from")]
    OtherHost(String),
}

impl ServerContext {
    /// Reads the stores.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(server_config(&options)?));
        Ok(ServerContext { options, current })
    }

    /// Reads the stores again. Those that stand go on; sessions that could be resumed are void. When a store cannot be
    /// used, all stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(server_config(&self.options)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What the files of the stores are; another one after a change.
    pub fn fingerprint(&self) -> Vec<stores::Fingerprint> {
        let stores = std::iter::once(&self.options.key_store).chain(&self.options.trust_store);
        stores.flat_map(stores::fingerprint).collect()
    }

    /// Does the handshake with who has connected from `address`.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
        address: &str,
    ) -> Result<Handshake<S>, HandshakeError> {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let accepting = TlsAcceptor::from(current).accept(socket);
        let stream = tokio::time::timeout(HANDSHAKE_TIME, accepting)
            .await
            .map_err(|_| HandshakeError::TooSlow)??;
        let certificate = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[CertificateDer<'_>]>::first);
        let subject =
            certificate.map(|certificate| names::subject(certificate).unwrap_or_default());
        let is_elsewhere = |certificate| {
            self.options.check_client_host && !pki::hosts::is_for(certificate, address)
        };
        if certificate.is_some_and(is_elsewhere) {
            return Err(HandshakeError::OtherHost(subject.unwrap_or_default()));
        }
        Ok(Handshake { subject, stream })
    }
}

fn server_config(options: &TlsOptions) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: options.suites.offered(),
        ..aws_lc_rs::default_provider()
    });
    let entries = stores::keys(&options.key_store)?;
    let identity = Identity::new(&options.key_store.path, entries, &provider)?;
    let trusted = stores::trusted(options.trust_store.as_ref())?;
    let verifier = ClientVerifier::new(
        trusted,
        provider.signature_verification_algorithms,
        options.client_auth,
    );
    let versions: Vec<_> = options
        .protocols
        .iter()
        .map(|protocol| version(*protocol))
        .collect();
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions);
    let builder = builder.map_err(|error| TlsError::Options(error.to_string()))?;
    Ok(builder
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(identity)))
}

fn version(protocol: Protocol) -> &'static SupportedProtocolVersion {
    match protocol {
        Protocol::Tls12 => &rustls::version::TLS12,
        Protocol::Tls13 => &rustls::version::TLS13,
    }
}

/// What went wrong, as an operator may know it.
fn reason(error: &io::Error) -> String {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(Error::InvalidCertificate(CertificateError::Other(refused))) => refused.0.to_string(),
        Some(Error::NoCertificatesPresented) => {
            "no certificate was shown, and ssl.clientAuth is need".to_owned()
        }
        Some(Error::InvalidMessage(_)) => "what came is not TLS".to_owned(),
        _ => error.to_string(),
    }
}
