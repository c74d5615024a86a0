//! What does handshakes, on either side, and its replacement when the files change.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use pki::trust::{Purpose, TrustError};
use pki::{CertificateDer, names};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{
    CertificateError, ClientConfig, CommonState, Error, ServerConfig, SupportedProtocolVersion,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

use super::identity::Identity;
use super::revocation::{Checker, RevocationError};
use super::stores::{self, Expiry, TlsError};
use super::verifier::Verifier;
use super::{Protocol, TlsOptions};

/// How long a handshake may take, with the questions whether certificates are revoked. Netty's default.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Does the handshakes of a server: of those who connect to it, and with those that it connects to.
#[derive(Debug)]
pub struct Context {
    options: TlsOptions,
    current: RwLock<Current>,
    /// Asks whether certificates are revoked, where somebody wants to know.
    checker: Option<Checker>,
}

/// What both sides' handshakes go by, made of one reading of the stores.
#[derive(Clone, Debug)]
struct Current {
    accepting: Arc<ServerConfig>,
    connecting: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    expiries: Arc<[Expiry]>,
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
    /// A certificate that is revoked, or that might be.
    #[error(transparent)]
    Revoked(#[from] RevocationError),
    /// A certificate that was trusted when the handshake began.
    #[error("no longer trusted: {0}")]
    NoLongerTrusted(#[from] TrustError),
    /// A host that nobody can have.
    #[error("{0:?} is no name of a host")]
    NoName(String),
}

impl Context {
    /// Reads the stores.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let current = RwLock::new(Current::read(&options)?);
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        let checker = options
            .revocation
            .map(|source| Checker::new(source, algorithms.all));
        Ok(Context {
            options,
            current,
            checker,
        })
    }

    /// Reads the stores again. Those that stand go on; sessions that could be resumed are void. When a store cannot be
    /// used, all stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Current::read(&self.options)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn current(&self) -> Current {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the files of the stores are; another one after a change.
    pub fn fingerprint(&self) -> Vec<stores::Fingerprint> {
        let stores = std::iter::once(&self.options.key_store).chain(&self.options.trust_store);
        stores.flat_map(stores::fingerprint).collect()
    }

    /// When the entries of the stores expire; not those of the system's.
    pub fn expiries(&self) -> Arc<[Expiry]> {
        self.current().expiries
    }

    /// Does the handshake with who has connected from `address`.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
        address: &str,
    ) -> Result<Handshake<S>, HandshakeError> {
        let current = self.current();
        let shaking = async {
            let stream = TlsAcceptor::from(current.accepting).accept(socket).await?;
            let state = stream.get_ref().1;
            self.check_revocation(state, &current.verifier, Purpose::Client)
                .await?;
            Ok(stream)
        };
        let stream = in_time(shaking).await?;
        let certificate = shown(stream.get_ref().1);
        let subject =
            certificate.map(|certificate| names::subject(certificate).unwrap_or_default());
        let hosts = self.options.client_hosts;
        if certificate.is_some_and(|certificate| !hosts.allow(certificate, address)) {
            return Err(HandshakeError::OtherHost(subject.unwrap_or_default()));
        }
        Ok(Handshake { subject, stream })
    }

    /// Does the handshake with who was connected to as `host`. Whether the certificate is for one of `names` is looked at
    /// where there is one.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
        host: &str,
        names: &[&str],
    ) -> Result<client::TlsStream<S>, HandshakeError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| HandshakeError::NoName(host.to_owned()))?;
        let current = self.current();
        let shaking = async {
            let connector = TlsConnector::from(current.connecting);
            let stream = connector.connect(name, socket).await?;
            let state = stream.get_ref().1;
            self.check_revocation(state, &current.verifier, Purpose::Server)
                .await?;
            Ok(stream)
        };
        let stream = in_time(shaking).await?;
        let is_for_one =
            |shown: &CertificateDer<'_>| names.iter().any(|name| pki::hosts::is_for(shown, name));
        match shown(stream.get_ref().1) {
            Some(shown) if !names.is_empty() && !is_for_one(shown) => Err(
                HandshakeError::OtherHost(names::subject(shown).unwrap_or_default()),
            ),
            _ => Ok(stream),
        }
    }

    /// Asks whether what the other side showed is revoked, or did show when the session began that it has resumed.
    async fn check_revocation(
        &self,
        state: &CommonState,
        verifier: &Verifier,
        purpose: Purpose,
    ) -> Result<(), HandshakeError> {
        let (Some(checker), Some(shown)) = (&self.checker, state.peer_certificates()) else {
            return Ok(());
        };
        let path = verifier.path(shown, purpose)?;
        Ok(checker.check(path, Instant::now() + HANDSHAKE_TIME).await?)
    }
}

async fn in_time<T>(
    handshake: impl Future<Output = Result<T, HandshakeError>>,
) -> Result<T, HandshakeError> {
    let outcome = tokio::time::timeout(HANDSHAKE_TIME, handshake).await;
    outcome.unwrap_or(Err(HandshakeError::TooSlow))
}

/// The other side's own certificate.
fn shown(state: &CommonState) -> Option<&CertificateDer<'static>> {
    state.peer_certificates()?.first()
}

impl Current {
    fn read(options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: options.suites.offered(),
            ..aws_lc_rs::default_provider()
        });
        let entries = stores::keys(&options.key_store)?;
        let store = options.trust_store.as_ref();
        let trusted = match store {
            Some(store) => Some((store, stores::trusted(store)?)),
            None => None,
        };
        let expiries = stores::expiries(
            (&options.key_store, &entries),
            trusted
                .as_ref()
                .map(|(store, trusted)| (*store, &**trusted)),
        );
        let identity = Identity::new(&options.key_store.path, entries, &provider)?;
        let trusted = match trusted {
            Some((_, trusted)) => trusted.into_iter().map(|entry| entry.certificate).collect(),
            None => stores::of_system()?,
        };
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Verifier::new(trusted, algorithms, options.client_auth);
        let (identity, verifier) = (Arc::new(identity), Arc::new(verifier));
        let versions: Vec<_> = options
            .protocols
            .iter()
            .map(|protocol| version(*protocol))
            .collect();
        let unusable = |error: Error| TlsError::Options(error.to_string());
        let accepting = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .map_err(unusable)?
            .with_client_cert_verifier(verifier.clone())
            .with_cert_resolver(identity.clone());
        let connecting = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(identity);
        Ok(Current {
            accepting: Arc::new(accepting),
            connecting: Arc::new(connecting),
            verifier,
            expiries: expiries.into(),
        })
    }
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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use pki::issue::Authority;
    use pki::stores::{StoreType, write};

    use super::super::{ClientAuth, ClientHosts, Password, RevocationSource, StoreOptions, Suites};
    use super::*;

    const PASSWORD: &str = "secret";

    /// Stores of a peer whose certificate names nobody who could be asked about it.
    fn stores(directory: &Path) -> [PathBuf; 2] {
        let authority = Authority::new("ca", 2020).expect("an authority");
        let peer = authority.issue("peer", &[]).expect("a certificate");
        let files = ["key.p12", "trust.p12"].map(|name| directory.join(name));
        let keys = write::key_store(StoreType::Pkcs12, &peer, PASSWORD).expect("a store");
        let trusted = write::trust_store(StoreType::Pkcs12, &authority.certificate(), PASSWORD);
        std::fs::write(&files[0], keys).expect("written");
        std::fs::write(&files[1], trusted.expect("a store")).expect("written");
        files
    }

    fn context(files: &[PathBuf; 2], revocation: Option<RevocationSource>) -> Context {
        let [key_store, trust_store] = files.clone().map(|path| StoreOptions {
            path,
            store_type: None,
            password: Password::Text(PASSWORD.to_owned()),
        });
        let options = TlsOptions {
            key_store,
            trust_store: Some(trust_store),
            protocols: vec![Protocol::Tls13],
            suites: Suites::default(),
            client_auth: ClientAuth::Need,
            client_hosts: ClientHosts::Any,
            revocation,
        };
        Context::new(options).expect("a context")
    }

    /// How a handshake ends on both sides.
    async fn shake_hands(accepts: &Context, connects: &Context) -> [Option<HandshakeError>; 2] {
        let (ours, theirs) = tokio::io::duplex(1 << 14);
        let (accepted, connected) = tokio::join!(
            accepts.accept(ours, "127.0.0.1"),
            connects.connect(theirs, "localhost", &[]),
        );
        [accepted.err(), connected.err()]
    }

    #[tokio::test]
    async fn each_side_that_wants_to_know_refuses_who_might_be_revoked() {
        let directory = tempfile::tempdir().expect("a directory");
        let files = stores(directory.path());
        let careless = context(&files, None);
        let careful = context(&files, Some(RevocationSource::Lists));
        let is_refused =
            |error: &Option<HandshakeError>| matches!(error, Some(HandshakeError::Revoked(_)));
        for (accepts, connects, expected) in [
            (&careless, &careless, [false, false]),
            (&careful, &careless, [true, false]),
            (&careless, &careful, [false, true]),
        ] {
            let errors = shake_hands(accepts, connects).await;
            assert_eq!(errors.each_ref().map(is_refused), expected, "{errors:?}");
        }
    }

    #[test]
    fn each_entry_of_both_stores_tells_when_it_expires() {
        let directory = tempfile::tempdir().expect("a directory");
        let files = stores(directory.path());
        let expiries = context(&files, None).expiries();
        let told = expiries
            .iter()
            .map(|expiry| (&expiry.store, &*expiry.alias, expiry.at_s));
        // The beginning of the year 2030.
        let expected = [
            (&files[0], "peer", 1_893_456_000),
            (&files[1], "ca", 1_893_456_000),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
