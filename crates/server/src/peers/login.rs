//! Logins by SASL between servers: packets of their own, in front of all that servers say to each other.
//!
//! Apache: `SaslQuorumAuthServer`, `SaslQuorumAuthLearner`.

use std::io;

use proto::records::QuorumAuthPacket;
use proto::{Decode, Encode, Input};
use sasl::{Evaluated, Proven, Refused};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::MAX_LOGIN_TOKEN_BYTES;
use crate::sasl::{OwnExchange, PeerLogins};

/// What such a packet begins with, and nothing else that a server says. To Java it is -0xa0dbcafecafe1234.
pub(super) const MAGIC: i64 = 0x5f24_3501_3501_edcc;
/// In front of a packet's token: magic, status, length.
const HEAD_BYTES: usize = 16;
const IN_PROGRESS: i32 = 0;
const SUCCESS: i32 = 1;
const ERROR: i32 = -1;

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// It is another one, or says that it is somebody else.
    #[error("{0}; check the JAAS files of both servers")]
    Refused(#[from] Refused),
    /// It asks to be taken for somebody else.
    #[error("{} has logged in and asks to be taken for {}", .0.user, .0.asked)]
    Other(Proven),
    /// It is somebody, but no server of the ensemble.
    #[error("{0} has logged in; its name has no host of a server line, and so it is no member")]
    NoMember(String),
    /// The other side has refused ours.
    #[error(
        "it does not let this server in; check the names, passwords and keys in the JAAS files of both"
    )]
    NotLetIn,
    /// What came is no packet of a login.
    #[error("it sent no packet of a login by SASL")]
    NoPacket,
    /// Too much.
    #[error("it sent a token of {0} bytes; {MAX_LOGIN_TOKEN_BYTES} are allowed")]
    TooLong(i32),
    /// Nothing more comes.
    #[error("the connection was lost while they logged in: {0}")]
    Lost(#[from] io::Error),
}

/// Proves to who was connected to who this is.
pub(super) async fn log_in(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut own: OwnExchange<'_>,
) -> Result<(), LoginError> {
    send(to, IN_PROGRESS, &own.begin().await?).await?;
    loop {
        let Packet { status, token } = receive(from).await?;
        match status {
            SUCCESS => return Ok(own.verify(&token)?),
            IN_PROGRESS => send(to, IN_PROGRESS, &own.respond(token).await?).await?,
            _ => return Err(LoginError::NotLetIn),
        }
    }
}

/// Lets who has connected prove who it is; its first packet is still to be read.
pub(super) async fn let_in(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    logins: &PeerLogins,
) -> Result<String, LoginError> {
    let outcome = exchange(from, to, logins).await;
    if let Err(error) = &outcome
        && !matches!(error, LoginError::Lost(_))
    {
        send(to, ERROR, &[]).await?;
    }
    outcome
}

async fn exchange(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    logins: &PeerLogins,
) -> Result<String, LoginError> {
    let mut server = logins.exchange();
    loop {
        let packet = receive(from).await?;
        match server.evaluate(&packet.token, |name| logins.password_of(name))? {
            Evaluated::Challenge(token) => send(to, IN_PROGRESS, &token).await?,
            Evaluated::Done { proven, .. } if proven.asked != proven.user => {
                return Err(LoginError::Other(proven));
            }
            Evaluated::Done { proven, .. } if !logins.is_member(&proven) => {
                return Err(LoginError::NoMember(proven.user));
            }
            Evaluated::Done { token, proven } => {
                send(to, SUCCESS, &token.unwrap_or_default()).await?;
                return Ok(proven.user);
            }
        }
    }
}

struct Packet {
    status: i32,
    token: Vec<u8>,
}

async fn receive(from: &mut (impl AsyncRead + Unpin)) -> Result<Packet, LoginError> {
    let mut bytes = vec![0; HEAD_BYTES];
    from.read_exact(&mut bytes).await?;
    let length = i32::from_be_bytes(*bytes.last_chunk().expect("a head has a length"));
    let length = length.max(0);
    if length.unsigned_abs() as usize > MAX_LOGIN_TOKEN_BYTES {
        return Err(LoginError::TooLong(length));
    }
    bytes.resize(HEAD_BYTES + length.unsigned_abs() as usize, 0);
    from.read_exact(&mut bytes[HEAD_BYTES..]).await?;
    let packet = QuorumAuthPacket::decode(&mut Input::new(&bytes));
    match packet {
        Ok(packet) if packet.magic == MAGIC => Ok(Packet {
            status: packet.status,
            token: packet.token.unwrap_or_default().to_vec(),
        }),
        _ => Err(LoginError::NoPacket),
    }
}

async fn send(to: &mut (impl AsyncWrite + Unpin), status: i32, token: &[u8]) -> io::Result<()> {
    let mut bytes = bytes::BytesMut::new();
    QuorumAuthPacket {
        magic: MAGIC,
        status,
        token: Some(token),
    }
    .encode(&mut bytes);
    to.write_all(&bytes).await?;
    to.flush().await
}

#[cfg(test)]
mod tests;
