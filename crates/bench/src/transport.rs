//! What a session's bytes go over: a socket, or TLS on one.

use std::io;
use std::path::Path;

use listener::tls::{
    ClientAuth, ClientHosts, Context, Password, Protocol, StoreOptions, Suites, TlsError,
    TlsOptions,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::Options;

/// Both directions.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// How servers are connected to.
#[derive(Debug)]
pub struct Dialer {
    tls: Option<Context>,
}

impl Dialer {
    /// Reads the stores that the options name.
    pub fn new(options: &Options) -> Result<Self, TlsError> {
        let stores = (&options.tls_key_store, &options.tls_trust_store);
        let (Some(key_store), Some(trust_store)) = stores else {
            return Ok(Dialer { tls: None });
        };
        let store = |path: &Path| StoreOptions {
            path: path.to_owned(),
            store_type: None,
            password: match &options.tls_password_file {
                Some(file) => Password::File(file.clone()),
                None => Password::Text(String::new()),
            },
        };
        let tls = Context::new(TlsOptions {
            key_store: store(key_store),
            trust_store: Some(store(trust_store)),
            protocols: vec![Protocol::Tls13, Protocol::Tls12],
            suites: Suites::default(),
            client_auth: ClientAuth::None,
            client_hosts: ClientHosts::Any,
            revocation: None,
        })?;
        Ok(Dialer { tls: Some(tls) })
    }

    /// Connects to `host:port`. For which host a certificate is does not matter: this measures, and has no secrets.
    pub async fn connect(&self, server: &str) -> io::Result<Box<dyn Transport>> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let host = stream.peer_addr()?.ip().to_canonical().to_string();
        let connected = tls.connect(stream, &host, &[]).await;
        Ok(Box::new(connected.map_err(io::Error::other)?))
    }
}
