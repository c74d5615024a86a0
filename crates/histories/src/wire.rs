//! One connection: frames out, frames in, each of them told to the session's history.

use std::time::Duration;

use bytes::BytesMut;
use histories::{Ask, Broken, History, Rule};
use proto::records::{ConnectRequest, ConnectResponse};
use proto::{Decode, Encode, Input, SessionId, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Run;

/// A server that takes longer for one reply has lost it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Far more than any reply of these histories.
const MAX_FRAME_BYTES: usize = 1 << 24;

/// Who a client is to the server.
#[derive(Clone, Debug, Default)]
pub struct Ticket {
    id: SessionId,
    password: Vec<u8>,
}

pub struct Wire {
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: BytesMut,
    next_xid: i32,
    /// For a reconnect.
    pub ticket: Ticket,
}

/// The connection failed, or nothing came.
fn unanswered(what: impl std::fmt::Display) -> Broken {
    Broken {
        rule: Rule::Answered,
        what: what.to_string(),
    }
}

impl Wire {
    /// Begins a session, or takes up the ticket's.
    pub async fn connect(run: &Run, ticket: Ticket) -> Result<Self, Broken> {
        let stream = TcpStream::connect(run.options.server)
            .await
            .map_err(unanswered)?;
        stream.set_nodelay(true).map_err(unanswered)?;
        let mut wire = Wire {
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            next_xid: 1,
            ticket,
        };
        let Ticket { id, password } = wire.ticket.clone();
        frame::put(&mut wire.outgoing, |out| {
            let password = if password.is_empty() {
                vec![0; 16]
            } else {
                password
            };
            ConnectRequest {
                time_out: 40_000,
                session_id: id,
                passwd: Some(&password),
                ..ConnectRequest::default()
            }
            .encode(out);
        });
        wire.flush().await?;
        let frame = wire
            .next_frame()
            .await?
            .ok_or_else(|| unanswered("no session"))?;
        let response = ConnectResponse::decode(&mut Input::new(&frame)).map_err(unanswered)?;
        if response.time_out == 0 || (id != SessionId::NONE && response.session_id != id) {
            return Err(unanswered(format!(
                "session {id} is not taken up: {response:?}"
            )));
        }
        wire.ticket = Ticket {
            id: response.session_id,
            password: response.passwd.unwrap_or_default().to_vec(),
        };
        Ok(wire)
    }

    /// Adds a request to those that the next flush sends.
    pub fn ask(&mut self, history: &mut History, ask: Ask) {
        let xid = self.next_xid;
        self.next_xid += 1;
        frame::put(&mut self.outgoing, |out| {
            ask.encode(ask.reply_xid(xid), out)
        });
        history.ask(xid, ask);
    }

    /// Sends what was added.
    pub async fn flush(&mut self) -> Result<(), Broken> {
        let sent = self.stream.write_all(&self.outgoing).await;
        self.outgoing.clear();
        sent.map_err(unanswered)
    }

    /// Reads until at most so many requests are outstanding.
    pub async fn read_down_to(&mut self, history: &mut History, most: usize) -> Result<(), Broken> {
        while history.outstanding() > most {
            let Some(frame) = self.next_frame().await? else {
                return history.end();
            };
            history.frame(&frame)?;
        }
        Ok(())
    }

    /// Waits for the server to end the connection.
    pub async fn read_to_end(&mut self, history: &mut History) -> Result<(), Broken> {
        while let Some(frame) = self.next_frame().await? {
            history.frame(&frame)?;
        }
        history.end()
    }

    /// None at the end.
    async fn next_frame(&mut self) -> Result<Option<BytesMut>, Broken> {
        loop {
            if let Some(frame) =
                frame::take(&mut self.incoming, MAX_FRAME_BYTES).map_err(unanswered)?
            {
                return Ok(Some(frame));
            }
            let reading = self.stream.read_buf(&mut self.incoming);
            let read = tokio::time::timeout(PATIENCE, reading).await;
            let read = read.map_err(|_| unanswered(format!("nothing came for {PATIENCE:?}")))?;
            if read.map_err(unanswered)? == 0 {
                return Ok(None);
            }
        }
    }
}
