//! What does handshakes, on either side, and its replacement when the files change.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pki::{CertificateDer, names};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, Error, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

use super::identity::Identity;
use super::stores::{self, TlsError};
use super::verifier::{ClientVerifier, ServerVerifier};
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
    /// A host that nobody can have.
    #[error("{0:?} is no name of a host")]
    NoName(String),
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

/// Begins handshakes, with the same stores.
#[derive(Debug)]
pub struct ClientContext {
    options: TlsOptions,
    current: RwLock<Arc<ClientConfig>>,
}

impl ClientContext {
    /// Reads the stores.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(client_config(&options)?));
        Ok(ClientContext { options, current })
    }

    /// As [`ServerContext::reload`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(client_config(&self.options)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Does the handshake with who was connected to as `host`. Whether the certificate is for one of `names` is looked at
    /// where there is one.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
        host: &str,
        names: &[&str],
    ) -> Result<client::TlsStream<S>, HandshakeError> {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| HandshakeError::NoName(host.to_owned()))?;
        let connecting = TlsConnector::from(current).connect(name, socket);
        let stream = tokio::time::timeout(HANDSHAKE_TIME, connecting)
            .await
            .map_err(|_| HandshakeError::TooSlow)??;
        let shown = stream.get_ref().1.peer_certificates();
        let shown = shown.and_then(<[CertificateDer<'_>]>::first);
        let is_for_one =
            |shown: &CertificateDer<'_>| names.iter().any(|name| pki::hosts::is_for(shown, name));
        match shown {
            Some(shown) if !names.is_empty() && !is_for_one(shown) => Err(
                HandshakeError::OtherHost(names::subject(shown).unwrap_or_default()),
            ),
            _ => Ok(stream),
        }
    }
}

fn provider(options: &TlsOptions) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: options.suites.offered(),
        ..aws_lc_rs::default_provider()
    })
}

fn versions(options: &TlsOptions) -> Vec<&'static SupportedProtocolVersion> {
    let protocols = options.protocols.iter();
    protocols.map(|protocol| version(*protocol)).collect()
}

fn unusable(error: &Error) -> TlsError {
    TlsError::Options(error.to_string())
}

fn client_config(options: &TlsOptions) -> Result<ClientConfig, TlsError> {
    let provider = provider(options);
    let identity = Identity::read(options, &provider)?;
    let trusted = stores::trusted(options.trust_store.as_ref())?;
    let verifier = ServerVerifier::new(trusted, provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(options))
        .map_err(|error| unusable(&error))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(identity)))
}

fn server_config(options: &TlsOptions) -> Result<ServerConfig, TlsError> {
    let provider = provider(options);
    let identity = Identity::read(options, &provider)?;
    let trusted = stores::trusted(options.trust_store.as_ref())?;
    let verifier = ClientVerifier::new(
        trusted,
        provider.signature_verification_algorithms,
        options.client_auth,
    );
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(options))
        .map_err(|error| unusable(&error))?;
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
