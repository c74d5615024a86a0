//! Watches, as a client knows them: no answer may show a change whose event did not come before it.

use proto::{ErrorCode, EventType, OpCode, Zxid};

use super::history::History;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    /// Of a znode that was not there.
    Existence,
    Children,
}

/// A watch that an answer has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    path: String,
    kind: Kind,
    /// All up to here is known.
    since: Zxid,
}

impl Watch {
    /// The watch that a read leaves.
    pub fn left_by(op: OpCode, path: &str, since: Zxid, err: ErrorCode) -> Option<Watch> {
        let kind = match (op, err) {
            (OpCode::GET_CHILDREN2, ErrorCode::OK) => Kind::Children,
            (OpCode::GET_DATA | OpCode::EXISTS, ErrorCode::OK) => Kind::Data,
            (OpCode::EXISTS, ErrorCode::NO_NODE) => Kind::Existence,
            _ => return None,
        };
        let path = path.to_owned();
        Some(Watch { path, kind, since })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn is_of_data(&self) -> bool {
        self.kind == Kind::Data
    }

    pub fn is_of_existence(&self) -> bool {
        self.kind == Kind::Existence
    }

    pub fn is_of_children(&self) -> bool {
        self.kind == Kind::Children
    }

    /// A server keeps one of them: data and existence have one table.
    pub fn is_same(&self, other: &Watch) -> bool {
        self.path == other.path && self.is_of_children() == other.is_of_children()
    }

    /// After a reconnect. A znode that came and went meanwhile leaves no trace.
    pub fn was_set_again(&mut self, zxid: Zxid) {
        if self.is_of_existence() {
            self.since = zxid;
        }
    }

    fn hears(&self, event: EventType) -> bool {
        match event {
            EventType::NodeChildrenChanged => self.is_of_children(),
            EventType::NodeDeleted => true,
            EventType::NodeCreated | EventType::NodeDataChanged => !self.is_of_children(),
        }
    }

    fn first_change(&self, history: &History) -> Option<(Zxid, EventType)> {
        let mut changes = history.changes_after(&self.path, self.since).iter();
        changes.find(|(_, event)| self.hears(*event)).copied()
    }
}

impl History {
    /// An answer of this zxid came: whatever happened up to it to what is watched was told before.
    pub fn no_event_is_missing(&self, watches: &[Watch], zxid: Zxid) {
        for watch in watches {
            let first = watch.first_change(self);
            let is_told = first.is_none_or(|(at, _)| at > zxid);
            assert!(
                is_told,
                "{watch:?} was not told of {first:?} before an answer of {zxid}"
            );
        }
    }

    /// An event came. Returns the watches that it uses up: there are some, and it is the first that they could hear of.
    pub fn fired(&self, watches: &[Watch], zxid: Zxid, event: EventType, path: &str) -> Vec<Watch> {
        const MISSED: Zxid = Zxid(-1);
        let heard = |watch: &&Watch| watch.path == path && watch.hears(event);
        let fired: Vec<Watch> = watches.iter().filter(heard).cloned().collect();
        // Found missed for data and for children, a znode's end is told twice.
        let may_be_second = zxid == MISSED && event == EventType::NodeDeleted;
        assert!(
            may_be_second || !fired.is_empty(),
            "{event:?} of {path} at {zxid}, which nobody watches: {watches:?}"
        );
        let is_first = |watch: &Watch| {
            let first = watch.first_change(self);
            first.is_some_and(|first| zxid == MISSED || first == (zxid, event))
        };
        assert!(
            fired.iter().all(is_first),
            "{event:?} of {path} at {zxid} is not what {fired:?} wait for"
        );
        fired
    }
}
