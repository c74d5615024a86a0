//! Asks a server a four letter word, as Apache's `FourLetterWordMain` does for zkServer.sh: `ironkeeper word`.
//!
//! Must not know what a server answers.

use std::io;
use std::time::Duration;

use listener::tls::{Context, HandshakeError, TlsError, TlsOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// To connect, and again for the whole answer.
const WAIT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are taken. A server's longest, wchp, has less than this for a million watches.
const MAX_ANSWER: u64 = 256 << 20;

/// Who is asked, and what.
#[derive(Debug)]
pub struct Question {
    /// Name or address.
    pub host: String,
    /// The client port.
    pub port: u16,
    /// Any text: the server says what it knows.
    pub word: String,
    /// None: without TLS.
    pub tls: Option<ClientTlsOptions>,
}

/// TLS as a client has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientTlsOptions {
    /// Stores and what is offered.
    pub options: TlsOptions,
    /// The certificate has to be for the host.
    pub check_host: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WordError {
    /// No connection, or it broke.
    #[error("{host}:{port}: {source}")]
    Io {
        /// As it was named.
        host: String,
        /// As it was named.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody answered in time.
    #[error("{host}:{port} did not answer within {WAIT:?}")]
    Silent {
        /// As it was named.
        host: String,
        /// As it was named.
        port: u16,
    },
    /// A store cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The other side is not trusted, or does not trust us.
    #[error("no TLS: {0}")]
    Handshake(#[from] HandshakeError),
    /// There is no thread to be had.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

impl Question {
    /// Asks, and returns the answer as it came.
    ///
    /// # Errors
    /// See [`WordError`].
    pub fn ask(&self) -> Result<String, WordError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.map_err(WordError::Runtime)?.block_on(async {
            let socket = timeout(WAIT, TcpStream::connect((&*self.host, self.port))).await;
            let socket = socket
                .map_err(|_| self.silent())?
                .map_err(|e| self.failed(e))?;
            match &self.tls {
                None => self.talk(socket, true).await,
                Some(tls) => {
                    let context = Context::new(tls.options.clone())?;
                    let address = socket.peer_addr().map_err(|error| self.failed(error))?;
                    let address = address.ip().to_canonical().to_string();
                    let both = [&*self.host, &address];
                    let names: &[&str] = if tls.check_host { &both } else { &[] };
                    let stream = context.connect(socket, &self.host, names).await?;
                    self.talk(stream, false).await
                }
            }
        })
    }

    /// `ends`: our side is ended in front of the answer, as netcat does; TLS does not let one go on behind that.
    async fn talk<S>(&self, mut stream: S, ends: bool) -> Result<String, WordError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let talking = async {
            stream.write_all(self.word.as_bytes()).await?;
            match ends {
                true => stream.shutdown().await?,
                false => stream.flush().await?,
            }
            let mut answer = Vec::new();
            let mut limited = stream.take(MAX_ANSWER);
            match limited.read_to_end(&mut answer).await {
                // A server may end the socket without the end that TLS has.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                read => drop(read?),
            }
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let talked = timeout(WAIT, talking).await.map_err(|_| self.silent())?;
        talked.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> WordError {
        WordError::Io {
            host: self.host.clone(),
            port: self.port,
            source,
        }
    }

    fn silent(&self) -> WordError {
        WordError::Silent {
            host: self.host.clone(),
            port: self.port,
        }
    }
}

/// The answer as `FourLetterWordMain` prints it: each line ended, and an empty one behind all.
pub fn printed(answer: &str) -> String {
    let lines = answer.lines().map(|line| format!("{line}\n"));
    lines.collect::<String>() + "\n"
}
