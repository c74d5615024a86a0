//! What stands between a socket and the first byte that servers say to each other: TLS, and a login by SASL.
//!
//! Owns who is let in. Must not know what is said afterwards.
//!
//! Apache: `UnifiedServerSocket`, `QuorumAuthServer`, `QuorumAuthLearner`.

use std::fmt;
use std::io::{self, Cursor};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use listener::tls::{Context, Expiry, Fingerprint, HANDSHAKE_BYTE, HandshakeError, TlsError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PeerAddress;
use super::login::{self, LoginError, MAGIC};
use crate::config::{PeerNames, PeerTls};
use crate::names;
use crate::sasl::{NotInFips, PeerLogins};
use crate::serve::certificates::Stores;

/// Both directions of a connection to another server.
pub(super) struct PeerStream {
    pub from: Box<dyn AsyncRead + Send + Sync + Unpin>,
    pub to: Box<dyn AsyncWrite + Send + Sync + Unpin>,
}

impl fmt::Debug for PeerStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerStream")
    }
}

impl PeerStream {
    pub(super) fn plain(stream: TcpStream) -> Self {
        let (from, to) = stream.into_split();
        PeerStream {
            from: Box::new(from),
            to: Box::new(to),
        }
    }

    fn of(stream: impl AsyncRead + AsyncWrite + Send + Sync + 'static) -> Self {
        let (from, to) = tokio::io::split(stream);
        PeerStream {
            from: Box::new(Ending(from)),
            to: Box::new(to),
        }
    }
}

/// Takes a socket that ends for the end that TLS would announce: servers that are killed do not. Each message has a length, so
/// none is taken for whole that was cut.
struct Ending<R>(R);

impl<R: AsyncRead + Unpin> AsyncRead for Ending<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(cx, buffer) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                tracing::debug!("a connection with TLS ended without close_notify");
                Poll::Ready(Ok(()))
            }
            outcome => outcome,
        }
    }
}

/// Why somebody is not let in, or does not let us in.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// No TLS with it.
    #[error("no TLS with it: {0}")]
    Handshake(#[from] HandshakeError),
    /// It speaks without TLS.
    #[error("it does not use TLS, and portUnification is false")]
    Plain,
    /// It shows a certificate for another host.
    #[error(
        "its certificate is neither for its address nor for the host of a server line that has this address"
    )]
    OtherHost,
    /// It did not log in.
    #[error("it does not log in by SASL, and quorum.auth.serverRequireSasl is true")]
    NoLogin,
    /// It logged in as nobody.
    #[error("no login by SASL: {0}")]
    Login(#[from] LoginError),
    /// A login that is not allowed.
    #[error("{0}")]
    Fips(#[from] NotInFips),
    /// The connection ended.
    #[error("{0}")]
    Lost(#[from] io::Error),
}

/// Who is let in, and how others are convinced.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    tls: Option<Arc<PeerContext>>,
    logins: Option<Arc<PeerLogins>>,
}

/// TLS between servers.
#[derive(Debug)]
pub struct PeerContext {
    settings: PeerTls,
    context: Context,
    /// Of all servers.
    hosts: Vec<PeerAddress>,
}

impl PeerContext {
    /// Reads the stores. `hosts` are those of the server lines.
    ///
    /// # Errors
    /// A store, or what is in it, cannot be used.
    pub fn new(settings: &PeerTls, hosts: Vec<PeerAddress>) -> Result<Self, TlsError> {
        Ok(PeerContext {
            settings: settings.clone(),
            context: Context::new(settings.options.clone())?,
            hosts,
        })
    }

    async fn connect(&self, stream: TcpStream, to: &PeerAddress) -> Result<PeerStream, GuardError> {
        let address = stream.peer_addr()?.ip().to_canonical().to_string();
        let host = match to.host.is_empty() {
            true => &address,
            false => &to.host,
        };
        let names = match self.settings.check_server_host {
            true => self.names_of(host, &address).await,
            false => Vec::new(),
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(PeerStream::of(
            self.context.connect(stream, host, &names).await?,
        ))
    }

    /// What the certificate of a server may be for that is connected to. DNS is asked where its line has no name.
    async fn names_of(&self, host: &str, address: &str) -> Vec<String> {
        let mut names = vec![host.to_owned(), address.to_owned()];
        if let (PeerNames::Dns, Ok(ip)) = (self.settings.names, host.parse()) {
            names.extend(name_of(ip).await);
        }
        names
    }

    async fn accept(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
    ) -> Result<PeerStream, GuardError> {
        let mut first = [0];
        match timeout(self.settings.detection_time, stream.peek(&mut first)).await {
            Ok(Ok(1)) if first[0] == HANDSHAKE_BYTE => {}
            Ok(Err(error)) => return Err(error.into()),
            _ if self.settings.lets_plain_in => return Ok(PeerStream::plain(stream)),
            _ => return Err(GuardError::Plain),
        }
        let address = listener::java_host_address(remote.ip());
        let handshake = self.context.accept(stream, &address).await?;
        let shown = handshake.stream.get_ref().1.peer_certificates();
        if let Some(shown) = shown.and_then(|chain| chain.first())
            && self.settings.check_client_host
            && !self.is_for(shown, remote).await
        {
            return Err(GuardError::OtherHost);
        }
        Ok(PeerStream::of(handshake.stream))
    }

    /// Is the certificate for the address, or for a name that leads to it (`ZKTrustManager.performHostVerification`)?
    async fn is_for(&self, shown: &pki::CertificateDer<'_>, remote: SocketAddr) -> bool {
        if pki::hosts::is_for(shown, &listener::java_host_address(remote.ip())) {
            return true;
        }
        match self.settings.names {
            PeerNames::Nothing => false,
            PeerNames::ServerLines => self.is_for_a_line(shown, remote).await,
            PeerNames::Dns => {
                self.is_for_a_line(shown, remote).await
                    || name_of(remote.ip().to_canonical())
                        .await
                        .is_some_and(|name| pki::hosts::is_for(shown, &name))
            }
        }
    }

    /// Is the certificate for the host of a server line that has the address?
    async fn is_for_a_line(&self, shown: &pki::CertificateDer<'_>, remote: SocketAddr) -> bool {
        let named = |host: &&PeerAddress| pki::hosts::is_for(shown, &host.host);
        for host in self.hosts.iter().filter(named) {
            let addresses = host.resolve().await.unwrap_or_default();
            let mut ips = addresses.iter().map(|address| address.ip().to_canonical());
            if ips.any(|ip| ip == remote.ip().to_canonical()) {
                return true;
            }
        }
        false
    }
}

/// The name that DNS gives for an address.
async fn name_of(address: IpAddr) -> Option<String> {
    let asked = tokio::task::spawn_blocking(move || names::name_of(address)).await;
    asked.expect("asking DNS does not panic")
}

impl Stores for PeerContext {
    fn reloads(&self) -> bool {
        self.settings.reload
    }

    fn fingerprint(&self) -> Vec<Fingerprint> {
        self.context.fingerprint()
    }

    fn reload(&self) -> Result<(), TlsError> {
        self.context.reload()
    }

    fn expiries(&self) -> Arc<[Expiry]> {
        self.context.expiries()
    }
}

impl Guard {
    /// With what is set; nothing: everybody is let in.
    pub fn new(tls: Option<Arc<PeerContext>>, logins: Option<Arc<PeerLogins>>) -> Self {
        Guard { tls, logins }
    }

    /// TLS, where a connection has it.
    pub fn tls(&self) -> Option<Arc<PeerContext>> {
        self.tls.clone()
    }

    /// TLS with who was connected to.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        to: &PeerAddress,
    ) -> Result<PeerStream, GuardError> {
        match &self.tls {
            Some(tls) if tls.settings.connects => tls.connect(stream, to).await,
            _ => Ok(PeerStream::plain(stream)),
        }
    }

    /// TLS with who has connected.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
    ) -> Result<PeerStream, GuardError> {
        match &self.tls {
            Some(tls) => tls.accept(stream, remote).await,
            None => Ok(PeerStream::plain(stream)),
        }
    }

    /// The own login to a server with these addresses, where there is one. The last address is who it is, as in Apache.
    pub(super) async fn log_in(
        &self,
        stream: &mut PeerStream,
        server: &[PeerAddress],
    ) -> Result<(), GuardError> {
        let Some(logins) = &self.logins else {
            return Ok(());
        };
        let host = server.last().map_or("", |address| &address.host);
        match logins.own_exchange(host)? {
            None => Ok(()),
            Some(own) => Ok(login::log_in(&mut stream.from, &mut stream.to, own).await?),
        }
    }

    /// The other side's login. Where it need not, anybody is let in, with a bad login or with none.
    pub(super) async fn let_in(
        &self,
        stream: &mut PeerStream,
        remote: SocketAddr,
    ) -> Result<(), GuardError> {
        let Some(logins) = &self.logins else {
            return Ok(());
        };
        match begins_login(stream).await {
            Ok(true) => {}
            // One without logins may have gone already, as it is to be connected to.
            _ if !logins.is_required => return Ok(()),
            Ok(false) => return Err(GuardError::NoLogin),
            Err(error) => return Err(error.into()),
        }
        match login::let_in(&mut stream.from, &mut stream.to, logins).await {
            Ok(name) => tracing::info!("{remote} has logged in as {name:?}"),
            Err(error) if logins.is_required => return Err(error.into()),
            Err(error) => tracing::warn!("{remote} is let in without a login: {error}"),
        }
        Ok(())
    }
}

/// Looks at the first bytes, and leaves them to be read.
async fn begins_login(stream: &mut PeerStream) -> io::Result<bool> {
    let mut first = [0; size_of::<i64>()];
    stream.from.read_exact(&mut first).await?;
    let rest = std::mem::replace(&mut stream.from, Box::new(tokio::io::empty()));
    stream.from = Box::new(Cursor::new(first).chain(rest));
    Ok(i64::from_be_bytes(first) == MAGIC)
}
