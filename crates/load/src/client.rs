//! One session on a raw socket.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, BytesMut};
use proto::records::{
    Acl, ConnectRequest, CreateRequest, GetDataRequest, Id, ReplyHeader, RequestHeader,
    SetDataRequest,
};
use proto::{Decode, Encode, ErrorCode, Input, OpCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Op, Options};

const CHILDREN: usize = 1000;
const PING_XID: i32 = -2;

pub struct Client {
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: BytesMut,
}

fn parent(n: usize) -> String {
    format!("/load-{:06}", n / CHILDREN)
}

fn path(n: usize) -> String {
    format!("{}/{:06}", parent(n), n % CHILDREN)
}

/// Makes the parents of all znodes; those that are there are left.
pub async fn make_parents(options: &Options) -> io::Result<()> {
    let mut client = Client::connect(options.server).await?;
    for n in (0..options.count).step_by(CHILDREN) {
        client.create(&parent(n), &[]);
    }
    let mut missing = options.count.div_ceil(CHILDREN);
    while missing > 0 {
        client.flush().await?;
        let (header, _) = client.reply().await?;
        assert!(
            matches!(header.err, ErrorCode::OK | ErrorCode::NODE_EXISTS),
            "{:?}",
            header.err
        );
        missing -= 1;
    }
    Ok(())
}

impl Client {
    pub async fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let mut client = Client {
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
        };
        client.frame(|out| {
            let passwd = Some(&[0; 16][..]);
            ConnectRequest {
                time_out: 30_000,
                passwd,
                ..ConnectRequest::default()
            }
            .encode(out);
        });
        client.flush().await?;
        client.next_frame().await?;
        Ok(client)
    }

    fn frame(&mut self, fill: impl FnOnce(&mut BytesMut)) {
        let before = self.outgoing.len();
        self.outgoing.put_i32(0);
        fill(&mut self.outgoing);
        let length = (self.outgoing.len() - before - 4) as i32;
        self.outgoing[before..before + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn request(&mut self, xid: i32, op: OpCode, body: &impl Encode) {
        self.frame(|out| {
            RequestHeader { xid, r#type: op }.encode(out);
            body.encode(out);
        });
    }

    fn create(&mut self, path: &str, data: &[u8]) {
        let id = Id {
            scheme: Some("world".into()),
            id: Some("anyone".into()),
        };
        let acl = Some(vec![Acl { perms: 31, id }]);
        let request = CreateRequest {
            path: Some(path.into()),
            data: Some(data),
            acl,
            flags: 0,
        };
        self.request(1, OpCode::CREATE, &request);
    }

    fn ask(&mut self, op: Op, n: usize, data: &[u8]) {
        let path = path(n);
        match op {
            Op::Create => self.create(&path, data),
            Op::Mixed if !n.is_multiple_of(10) => self.ask(Op::Get, n, data),
            Op::Set | Op::Mixed => {
                let request = SetDataRequest {
                    path: Some(path.into()),
                    data: Some(data),
                    version: -1,
                };
                self.request(1, OpCode::SET_DATA, &request);
            }
            Op::Get => {
                let request = GetDataRequest {
                    path: Some(path.into()),
                    watch: false,
                };
                self.request(1, OpCode::GET_DATA, &request);
            }
            Op::Ping => {
                self.frame(|out| {
                    RequestHeader {
                        xid: PING_XID,
                        r#type: OpCode::PING,
                    }
                    .encode(out)
                });
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let Client {
            stream, outgoing, ..
        } = self;
        stream.write_all(outgoing).await?;
        outgoing.clear();
        Ok(())
    }

    async fn next_frame(&mut self) -> io::Result<BytesMut> {
        loop {
            if let Some(frame) = self.whole_frame() {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn whole_frame(&mut self) -> Option<BytesMut> {
        let length = i32::from_be_bytes(*self.incoming.first_chunk()?) as usize;
        if self.incoming.len() < 4 + length {
            return None;
        }
        self.incoming.advance(4);
        Some(self.incoming.split_to(length))
    }

    async fn reply(&mut self) -> io::Result<(ReplyHeader, BytesMut)> {
        let frame = self.next_frame().await?;
        let header = ReplyHeader::decode(&mut Input::new(&frame)).expect("a reply header");
        Ok((header, frame))
    }

    /// Asks for each of `numbers`, with a full window all the time.
    pub async fn run(
        &mut self,
        options: &Options,
        numbers: impl Iterator<Item = usize>,
    ) -> io::Result<Vec<Duration>> {
        let data = vec![b'x'; options.size];
        let mut numbers = numbers.peekable();
        let mut asked = VecDeque::with_capacity(options.window);
        let mut latencies = Vec::new();
        while numbers.peek().is_some() || !asked.is_empty() {
            while asked.len() < options.window
                && let Some(n) = numbers.next()
            {
                self.ask(options.op, n, &data);
                asked.push_back(Instant::now());
            }
            self.flush().await?;
            let mut waits = true;
            while !asked.is_empty() && (waits || self.incoming.len() >= 4) {
                let frame = if waits {
                    Some(self.next_frame().await?)
                } else {
                    self.whole_frame()
                };
                let Some(frame) = frame else { break };
                waits = false;
                let header = ReplyHeader::decode(&mut Input::new(&frame)).expect("a reply header");
                assert_eq!(header.err, ErrorCode::OK, "{:?} was refused", options.op);
                latencies.push(asked.pop_front().expect("asked").elapsed());
            }
        }
        Ok(latencies)
    }
}
