//! A client that checks what it sees.

use std::future::poll_fn;

use bytes::BytesMut;
use histories::{Ask, History};
use proto::records::{ConnectRequest, ConnectResponse};
use proto::{Decode, Encode, Input, SessionId, frame};

use super::pipe::{ClientEnd, pipe};
use super::world::World;

/// Far more than any reply of the model.
const MAX_FRAME_BYTES: usize = 1 << 20;

/// A session's client on its present connection.
pub struct Client {
    end: ClientEnd,
    incoming: BytesMut,
    next_xid: i32,
    session: SessionId,
    password: Vec<u8>,
    history: History,
}

fn framed(fill: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    frame::put(&mut out, fill);
    out
}

impl Client {
    /// A connection without a session; so many bytes of replies fit into its way.
    pub fn new(world: &World, capacity: usize) -> Self {
        let (reads, writes, end) = pipe(capacity);
        world.serve(reads, writes);
        Client {
            end,
            incoming: BytesMut::new(),
            next_xid: 1,
            session: SessionId::NONE,
            password: vec![0; 16],
            history: History::new(world.board.clone()),
        }
    }

    /// Begins a session, or takes up its own.
    pub async fn connect(mut self) -> Self {
        let request = framed(|out| {
            ConnectRequest {
                time_out: 40_000,
                session_id: self.session,
                passwd: Some(&self.password),
                ..ConnectRequest::default()
            }
            .encode(out);
        });
        self.end.write(&request);
        let frame = self.next_frame().await.expect("a connect response");
        let response = ConnectResponse::decode(&mut Input::new(&frame)).expect("a response");
        assert!(response.time_out > 0, "no session: {response:?}");
        self.session = response.session_id;
        self.password = response.passwd.unwrap_or_default().to_vec();
        self
    }

    /// Loses the connection, with what is outstanding, and takes the session up on another one.
    pub async fn reconnect(mut self, world: &World, capacity: usize) -> Self {
        let rewatch = self.history.cut();
        let (reads, writes, end) = pipe(capacity);
        world.serve(reads, writes);
        self.end = end;
        self.incoming.clear();
        let mut client = self.connect().await;
        client.ask(rewatch).await;
        client
    }

    /// Sends a request.
    pub async fn ask(&mut self, ask: Ask) {
        let xid = self.next_xid;
        self.next_xid += 1;
        let frame = framed(|out| ask.encode(ask.reply_xid(xid), out));
        self.history.ask(xid, ask);
        self.end.write(&frame);
        shuttle::future::yield_now().await;
    }

    /// Reads until at most so many requests are outstanding.
    pub async fn read_down_to(&mut self, most: usize) {
        while self.history.outstanding() > most {
            let frame = self.next_frame().await;
            self.tell(&frame.expect("a reply before the end"));
        }
    }

    /// Ends the session; its reply is the last.
    pub async fn finish(&mut self) {
        self.ask(Ask::Close).await;
        while let Some(frame) = self.next_frame().await {
            self.tell(&frame);
        }
        self.history
            .end()
            .unwrap_or_else(|broken| panic!("{broken}"));
    }

    fn tell(&mut self, frame: &[u8]) {
        let told = self.history.frame(frame);
        told.unwrap_or_else(|broken| panic!("{broken}"));
    }

    /// None at the end.
    async fn next_frame(&mut self) -> Option<BytesMut> {
        loop {
            if let Some(frame) =
                frame::take(&mut self.incoming, MAX_FRAME_BYTES).expect("a frame of the server")
            {
                return Some(frame);
            }
            let bytes = poll_fn(|context| self.end.poll_read(context)).await;
            if bytes.is_empty() {
                return None;
            }
            self.incoming.extend_from_slice(&bytes);
        }
    }
}
