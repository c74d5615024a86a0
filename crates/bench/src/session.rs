//! One session on a raw socket: requests go out when the caller says so, replies come in order.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use proto::records::{ConnectRequest, ConnectResponse, ReplyHeader, RequestHeader};
use proto::{Decode, Encode, ErrorCode, Input, OpCode, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::transport::{Dialer, Transport};
use crate::{Error, Options};

/// The xid of watch events.
pub const EVENT_XID: i32 = -1;
/// The xid of heart-beats.
pub const PING_XID: i32 = -2;

/// Frames above are no reply to what we ask: lists of a thousand children, data of --value-bytes.
const MAX_FRAME_BYTES: usize = 1 << 30;

/// A session.
pub struct Session {
    server: String,
    stream: Box<dyn Transport>,
    incoming: BytesMut,
    outgoing: BytesMut,
    next_xid: i32,
    /// What the server granted, in ms.
    pub timeout_ms: i32,
}

impl Session {
    /// A new session on the server that is `number`'s turn.
    pub async fn begin(options: &Options, dialer: &Dialer, number: usize) -> Result<Self, Error> {
        let server = options.servers[number % options.servers.len()].clone();
        let stream = match dialer.connect(&server).await {
            Ok(stream) => stream,
            Err(error) => return Err(Error::Connect { server, error }),
        };
        let mut session = Session {
            server,
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            next_xid: 1,
            timeout_ms: 0,
        };
        session.ask_for_session(options.session_timeout_ms).await?;
        Ok(session)
    }

    async fn ask_for_session(&mut self, time_out: i32) -> Result<(), Error> {
        frame::put(&mut self.outgoing, |out| {
            ConnectRequest {
                time_out,
                passwd: Some(&[0; 16]),
                ..ConnectRequest::default()
            }
            .encode(out);
        });
        let response = match self.exchange_frames().await {
            Err(Error::Lost { server, error }) => return Err(Error::NoSession { server, error }),
            response => response?,
        };
        let response = ConnectResponse::decode(&mut Input::new(&response));
        self.timeout_ms = response.map_err(|error| self.odd(&error))?.time_out;
        Ok(())
    }

    /// Queues a request.
    pub fn ask(&mut self, op: OpCode, body: &impl Encode) {
        let xid = self.next_xid;
        self.next_xid = xid.checked_add(1).unwrap_or(1);
        frame::put(&mut self.outgoing, |out| {
            RequestHeader { xid, r#type: op }.encode(out);
            body.encode(out);
        });
    }

    /// Queues a heart-beat.
    pub fn ask_ping(&mut self) {
        let header = RequestHeader {
            xid: PING_XID,
            r#type: OpCode::PING,
        };
        frame::put(&mut self.outgoing, |out| header.encode(out));
    }

    /// Sends what is queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        let mut sent = self.stream.write_all(&self.outgoing).await;
        if sent.is_ok() {
            sent = self.stream.flush().await;
        }
        self.outgoing.clear();
        sent.map_err(|error| self.lost(error))
    }

    /// Waits for bytes. Nothing is lost when the future is dropped.
    pub async fn fill(&mut self) -> Result<(), Error> {
        const READ_BYTES: usize = 64 << 10;
        self.incoming.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.incoming).await {
            Ok(0) => Err(self.lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// The header of the next reply or event that has come whole; its body is dropped.
    pub fn next_header(&mut self) -> Result<Option<ReplyHeader>, Error> {
        let Some(frame) = self.take_frame()? else {
            return Ok(None);
        };
        let header = ReplyHeader::decode(&mut Input::new(&frame));
        header.map(Some).map_err(|error| self.odd(&error))
    }

    /// One request and its reply: its code and its body.
    pub async fn call(
        &mut self,
        op: OpCode,
        body: &impl Encode,
    ) -> Result<(ErrorCode, BytesMut), Error> {
        self.ask(op, body);
        let mut frame = self.exchange_frames().await?;
        let header =
            ReplyHeader::decode(&mut Input::new(&frame)).map_err(|error| self.odd(&error))?;
        const HEADER_BYTES: usize = 16;
        frame.advance(HEADER_BYTES);
        Ok((header.err, frame))
    }

    /// Waits for the header of the next reply or event.
    pub async fn wait_for_header(&mut self) -> Result<ReplyHeader, Error> {
        loop {
            if let Some(header) = self.next_header()? {
                return Ok(header);
            }
            self.fill().await?;
        }
    }

    /// Ends the session, so that the server need not wait for its timeout.
    pub async fn end(mut self) -> Result<(), Error> {
        self.call(OpCode::CLOSE_SESSION, &Nothing).await.map(drop)
    }

    /// Sends what is queued and waits for a frame.
    async fn exchange_frames(&mut self) -> Result<BytesMut, Error> {
        self.flush().await?;
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    fn take_frame(&mut self) -> Result<Option<BytesMut>, Error> {
        frame::take(&mut self.incoming, MAX_FRAME_BYTES).map_err(|bad| self.odd(&bad))
    }

    fn lost(&self, error: io::Error) -> Error {
        let server = self.server.clone();
        Error::Lost { server, error }
    }

    /// An error that says what was odd in what came.
    pub fn odd(&self, what: &dyn Display) -> Error {
        Error::Protocol {
            server: self.server.clone(),
            what: what.to_string(),
        }
    }
}

/// A body without fields.
pub struct Nothing;

impl Encode for Nothing {
    fn encode(&self, _: &mut BytesMut) {}
}

/// All connections of the run, some at a time: a server's queue of connections not yet accepted is
/// short.
pub async fn open_all(options: &Options) -> Result<Vec<Session>, Error> {
    const AT_A_TIME: usize = 32;
    let options = Arc::new(options.clone());
    let dialer = Arc::new(Dialer::new(&options)?);
    let mut opening = JoinSet::new();
    let mut sessions = Vec::with_capacity(options.connections);
    for number in 0..options.connections {
        let (options, dialer) = (options.clone(), dialer.clone());
        opening.spawn(async move { Session::begin(&options, &dialer, number).await });
        if opening.len() >= AT_A_TIME
            && let Some(opened) = opening.join_next().await
        {
            sessions.push(opened??);
        }
    }
    while let Some(opened) = opening.join_next().await {
        sessions.push(opened??);
    }
    Ok(sessions)
}
