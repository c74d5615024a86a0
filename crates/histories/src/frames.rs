//! From a frame to what a history is told.

use proto::records::{ReplyHeader, WatcherEvent};
use proto::{Decode, ErrorCode, EventType, Input};

use crate::ask::Answer;
use crate::history::{Event, History, Reply};
use crate::rule::{Broken, Rule};

const EVENT_XID: i32 = -1;

fn unreadable(what: impl std::fmt::Display) -> Broken {
    Rule::Outcome.broken(what.to_string())
}

impl History {
    /// A frame has come, behind the one that begins a session; without its length.
    pub fn frame(&mut self, frame: &[u8]) -> Result<(), Broken> {
        let mut input = Input::new(frame);
        let header = ReplyHeader::decode(&mut input).map_err(unreadable)?;
        if header.xid == EVENT_XID {
            return self.event(&read_event(&header, &mut input)?);
        }
        let answer = match self.awaited(header.xid) {
            Some(ask) if header.err == ErrorCode::OK => ask.read_answer(&mut input),
            _ => Ok(Answer::default()),
        };
        let answer = answer.map_err(unreadable)?;
        let ReplyHeader { xid, zxid, err } = header;
        self.reply(&Reply {
            xid,
            zxid,
            err,
            answer,
        })
    }
}

fn read_event(header: &ReplyHeader, input: &mut Input<'_>) -> Result<Event, Broken> {
    let event = WatcherEvent::decode(input).map_err(unreadable)?;
    let kind = EventType::from_wire(event.r#type);
    let kind = kind.ok_or_else(|| unreadable(format!("an event of an unknown type: {event:?}")))?;
    Ok(Event {
        kind,
        path: event.path.unwrap_or_default().into(),
        zxid: header.zxid,
    })
}
