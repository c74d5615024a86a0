//! What clients do: writes of every kind from a seed, some of them wrong.

use bytes::{Bytes, BytesMut};
use datatree::{AclList, DataTree, LIMIT_NODE, QUOTA_ROOT, STAT_NODE};
use processor::{AuthRules, Identities};
use proto::records::{
    Acl, CheckVersionRequest, CreateRequest, CreateTTLRequest, DeleteContainerRequest,
    DeleteRequest, Id, MultiHeader, ReconfigRequest, SetACLRequest, SetDataRequest,
};
use proto::txn::owned;
use proto::{CreateMode, Encode, ErrorCode, OpCode, Perms, SessionId};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::server::{Event, Request};

/// Few names, so that writes meet.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "é", "f"];
/// Paths that no write should get through with.
const ODD_PATHS: [&str; 8] = [
    "",
    "/",
    "a",
    "/a/",
    "/a//b",
    "/a/../b",
    "/zookeeper",
    "/zookeeper/config",
];
const MODES: [CreateMode; 5] = [
    CreateMode::Persistent,
    CreateMode::Ephemeral,
    CreateMode::PersistentSequential,
    CreateMode::EphemeralSequential,
    CreateMode::Container,
];
/// Fewest sessions before one may end.
const SESSIONS: usize = 3;

/// A source of events.
pub struct Script {
    random: SmallRng,
    stranger: Identities,
    alice: Identities,
}

impl Script {
    /// The same seed, the same events.
    pub fn new(seed: u64) -> Self {
        let stranger = Identities::of_address("127.0.0.1");
        let id = Id {
            scheme: owned("digest"),
            id: owned(&AuthRules::default().digest_id("alice:secret")),
        };
        Script {
            random: SmallRng::seed_from_u64(seed),
            alice: stranger.with(vec![id]),
            stranger,
        }
    }

    /// The script's own chance, for what happens between events.
    pub fn random(&mut self) -> &mut SmallRng {
        &mut self.random
    }

    /// The next event for a server with this tree and these sessions.
    pub fn next(&mut self, tree: &DataTree, sessions: &[SessionId]) -> Event {
        if sessions.is_empty() || self.one_in(40) {
            return Event::Connect(self.random.random_range(4000..40_000));
        }
        let session = self.pick(sessions);
        if sessions.len() > SESSIONS && self.one_in(30) {
            return match self.one_in(2) {
                true => Event::Expire(session),
                false => self.write(session, OpCode::CLOSE_SESSION, Bytes::new()),
            };
        }
        let (op, body) = self.request(tree);
        self.write(session, op, body)
    }

    fn write(&mut self, session: SessionId, op: OpCode, body: Bytes) -> Event {
        let identities = match self.one_in(3) {
            true => self.alice.clone(),
            false => self.stranger.clone(),
        };
        Event::Write(Request {
            session,
            identities,
            op,
            body,
        })
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.random_range(0..count) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())]
    }

    fn request(&mut self, tree: &DataTree) -> (OpCode, Bytes) {
        match self.random.random_range(0..100) {
            0..=4 => self.quota(),
            5..=14 => self.multi(tree),
            15..=20 => (OpCode::SET_ACL, self.set_acl(tree)),
            21..=26 => (OpCode::CREATE_TTL, self.create_ttl(tree)),
            27..=28 => (OpCode::DELETE_CONTAINER, self.delete_container(tree)),
            29 => (OpCode::RECONFIG, bytes_of(&ReconfigRequest::default())),
            // Cut off: refused without a txn.
            30 => (OpCode::CREATE, self.create(tree).1.split_to(6)),
            31..=50 => (OpCode::SET_DATA, self.set_data(tree)),
            51..=64 => (OpCode::DELETE, self.delete(tree)),
            _ => self.create(tree),
        }
    }

    /// A path where there may be a znode, or not.
    fn path(&mut self) -> String {
        if self.one_in(40) {
            return self.pick(&ODD_PATHS).to_owned();
        }
        let depth = self.pick(&[1, 1, 1, 2, 2, 3]);
        let mut path = String::new();
        for _ in 0..depth {
            path = path + "/" + self.pick(&NAMES);
        }
        path
    }

    /// The path of a znode, quotas and the like apart.
    fn existing(&mut self, tree: &DataTree) -> String {
        let mut path = String::new();
        while let Some(node) = tree.get(&path) {
            let mut names: Vec<_> = node
                .children()
                .filter(|name| *name != "zookeeper")
                .collect();
            names.sort_unstable();
            if names.is_empty() || (!path.is_empty() && self.one_in(3)) {
                break;
            }
            path = path + "/" + self.pick(&names);
        }
        path
    }

    fn some_path(&mut self, tree: &DataTree) -> String {
        match self.one_in(3) {
            true => self.path(),
            false => self.existing(tree),
        }
    }

    /// Fits any, fits, or does not.
    fn version(&mut self, present: Option<i32>) -> i32 {
        match self.random.random_range(0..10) {
            0..=5 => -1,
            6..=8 => present.unwrap_or_default(),
            _ => present.unwrap_or_default() + 1,
        }
    }

    fn data(&mut self) -> Option<Vec<u8>> {
        let length = match self.random.random_range(0..40) {
            0 => 3000,
            1 => return None,
            other => other,
        };
        let mut data = vec![0; length];
        self.random.fill(&mut data[..]);
        Some(data)
    }

    fn acl(&mut self) -> Vec<Acl<'static>> {
        let lists: [AclList; 2] = [datatree::open_acl_unsafe(), datatree::read_acl_unsafe()];
        let entry = |scheme: &str, id: &str, perms: Perms| Acl {
            perms: perms.0,
            id: Id {
                scheme: owned(scheme),
                id: owned(id),
            },
        };
        match self.random.random_range(0..16) {
            0 => vec![entry("auth", "", Perms::ALL)],
            1 => lists[1]
                .iter()
                .cloned()
                .chain([entry("auth", "", Perms::ALL)])
                .collect(),
            2 => {
                let address = format!("127.0.0.{}", self.random.random_range(1..5));
                vec![entry("ip", &address, Perms::ALL)]
            }
            3 => vec![entry("nobody", "knows", Perms::ALL)],
            4 => Vec::new(),
            _ => lists[0].to_vec(),
        }
    }

    fn create(&mut self, tree: &DataTree) -> (OpCode, Bytes) {
        let mode = self.pick(&MODES);
        let op = match mode {
            CreateMode::Container => OpCode::CREATE_CONTAINER,
            _ => self.pick(&[OpCode::CREATE, OpCode::CREATE2]),
        };
        (op, self.create_as(tree, mode))
    }

    fn create_as(&mut self, tree: &DataTree, mode: CreateMode) -> Bytes {
        let path = match self.one_in(4) {
            true => self.existing(tree) + "/" + self.pick(&NAMES),
            false => self.path(),
        };
        bytes_of(&CreateRequest {
            path: owned(&path),
            data: self.data().as_deref(),
            acl: Some(self.acl()),
            flags: mode as i32,
        })
    }

    fn create_ttl(&mut self, tree: &DataTree) -> Bytes {
        let modes = [
            CreateMode::PersistentWithTtl,
            CreateMode::PersistentSequentialWithTtl,
        ];
        bytes_of(&CreateTTLRequest {
            path: owned(&(self.existing(tree) + "/" + self.pick(&NAMES))),
            data: self.data().as_deref(),
            acl: Some(self.acl()),
            flags: self.pick(&modes) as i32,
            ttl: self.pick(&[0, 1, 60_000]),
        })
    }

    fn set_data(&mut self, tree: &DataTree) -> Bytes {
        let path = self.some_path(tree);
        let present = tree.get(&path).map(|node| node.stored_stat().version);
        bytes_of(&SetDataRequest {
            path: owned(&path),
            data: self.data().as_deref(),
            version: self.version(present),
        })
    }

    fn set_acl(&mut self, tree: &DataTree) -> Bytes {
        let path = self.some_path(tree);
        let present = tree.get(&path).map(|node| node.stored_stat().aversion);
        bytes_of(&SetACLRequest {
            path: owned(&path),
            acl: Some(self.acl()),
            version: self.version(present),
        })
    }

    fn delete(&mut self, tree: &DataTree) -> Bytes {
        let path = self.some_path(tree);
        let present = tree.get(&path).map(|node| node.stored_stat().version);
        bytes_of(&DeleteRequest {
            path: owned(&path),
            version: self.version(present),
        })
    }

    fn delete_container(&mut self, tree: &DataTree) -> Bytes {
        let path = self.some_path(tree);
        bytes_of(&DeleteContainerRequest { path: owned(&path) })
    }

    fn multi(&mut self, tree: &DataTree) -> (OpCode, Bytes) {
        let count = self.random.random_range(1..=5);
        let parts: Vec<_> = (0..count).map(|_| self.part(tree)).collect();
        (OpCode::MULTI, multi_of(&parts))
    }

    fn part(&mut self, tree: &DataTree) -> (OpCode, Bytes) {
        match self.random.random_range(0..10) {
            0..=4 => self.create(tree),
            5..=6 => (OpCode::SET_DATA, self.set_data(tree)),
            7..=8 => (OpCode::DELETE, self.delete(tree)),
            _ => {
                let path = self.some_path(tree);
                let check = CheckVersionRequest {
                    path: owned(&path),
                    version: self.version(tree.get(&path).map(|node| node.stored_stat().version)),
                };
                (OpCode::CHECK, bytes_of(&check))
            }
        }
    }

    /// Sets a quota on a znode, or takes it away, as zkCli does: all of it at once.
    fn quota(&mut self) -> (OpCode, Bytes) {
        let root = format!("{QUOTA_ROOT}/{}", self.pick(&NAMES));
        let [limits, use_] = [LIMIT_NODE, STAT_NODE].map(|name| format!("{root}/{name}"));
        let delete = |path: &String| {
            let (path, version) = (owned(path), -1);
            (OpCode::DELETE, bytes_of(&DeleteRequest { path, version }))
        };
        let create = |path: &String| {
            let request = CreateRequest {
                path: owned(path),
                data: Some(b"count=9,bytes=-1"),
                acl: Some(datatree::open_acl_unsafe().to_vec()),
                flags: 0,
            };
            (OpCode::CREATE, bytes_of(&request))
        };
        let parts = match self.one_in(3) {
            true => [delete(&use_), delete(&limits), delete(&root)],
            false => [create(&root), create(&limits), create(&use_)],
        };
        (OpCode::MULTI, multi_of(&parts))
    }
}

fn bytes_of(record: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    record.encode(&mut out);
    out.freeze()
}

/// The body of a multi.
fn multi_of(parts: &[(OpCode, Bytes)]) -> Bytes {
    let mut out = BytesMut::new();
    let header = |op, done| MultiHeader {
        r#type: op,
        done,
        err: ErrorCode(-1),
    };
    for (op, body) in parts {
        header(*op, false).encode(&mut out);
        out.extend_from_slice(body);
    }
    header(OpCode::ERROR, true).encode(&mut out);
    out.freeze()
}
