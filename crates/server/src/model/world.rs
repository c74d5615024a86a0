//! A whole server without sockets and files.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use datatree::DataTree;
use histories::{Ask, Board, Path};
use persistence::RealDir;
use processor::{Identities, Owner, Prepared, Processor, Requester, WriteRequest};
use proto::txn::TxnRecord;
use proto::{OpCode, SessionId};
use shuttle::future::JoinHandle;
use sim::SimDisk;

use super::pipe::{ServerReads, ServerWrites};
use crate::config::{self, Config};
use crate::connection::task::{Arrival, serve_streams};
use crate::disk::{Disk, DiskFiles, DiskQueue};
use crate::replica::{Input, Replica, SnapshotDirs};
use crate::serve::security::Security;
use crate::serve::start::{log_options, processor, shared, tree_options};
use crate::shared::Server;

/// A server that runs, for the time of one schedule.
#[derive(Clone)]
pub struct World {
    server: Server,
    /// What clients tell each other.
    pub board: Arc<Board>,
    connections: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>>,
}

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let arguments = ["2181", "/nowhere"].map(OsString::from);
    let mut config = config::load(&arguments, &|_| None).expect("a configuration");
    config.pre_alloc_size_kib = 0;
    // So that a client with writes outstanding is not read for a while.
    config.global_outstanding_limit = 1;
    config
});

impl World {
    /// Starts a server that holds `znodes`; runs the clients that `begin` makes until they end, then stops the server.
    pub fn run(znodes: &[Path], begin: impl FnOnce(&World) -> Vec<JoinHandle<()>>) {
        let mut tree = DataTree::new(tree_options(&CONFIG));
        let mut processor = processor(&CONFIG, &tree);
        znodes
            .iter()
            .for_each(|path| create(&mut processor, &mut tree, path));
        let security = Security::default();
        let sizes = Box::new(|| [0; 2]);
        let server = Arc::new(shared(CONFIG.clone(), security, tree, sizes, 1));
        let queue = DiskQueue::default();
        let files = DiskFiles {
            snapshots: SimDisk::new().dir("data"),
            logs: SimDisk::new().dir("log"),
            log: log_options(&CONFIG),
        };
        let disk = Disk::new(server.clone(), queue.clone(), files, 1);
        let disk = shuttle::thread::spawn(move || disk.run().expect("a disk without faults"));
        let snapshots = RealDir::open(&std::env::temp_dir()).expect("a directory");
        let directories = SnapshotDirs {
            logs: snapshots.clone(),
            snapshots,
        };
        let replica = Replica::alone(server.clone(), processor, queue.clone(), directories);
        let replica = shuttle::thread::spawn(move || replica.run(false).expect("no other server"));
        let world = World {
            server,
            board: Arc::default(),
            connections: Arc::default(),
        };
        begin(&world).into_iter().for_each(join);
        let connections = std::mem::take(&mut *world.connections.lock().expect("no panic"));
        connections.into_iter().for_each(join);
        world.server.replica.push(Input::Stop);
        replica.join().expect("the replica");
        queue.stop();
        disk.join().expect("the disk");
    }

    /// Serves a connection.
    pub fn serve(&self, reads: ServerReads, writes: ServerWrites) {
        let server = self.server.clone();
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        let arrival = Arrival {
            remote,
            admission: None,
            subject: None,
            is_secure: false,
            on_secure_port: false,
        };
        let task = async move { serve_streams(&server, arrival, reads, writes).await };
        let task = shuttle::future::spawn(task);
        self.connections.lock().expect("no panic").push(task);
    }
}

fn join(task: JoinHandle<()>) {
    shuttle::future::block_on(task).expect("a task");
}

/// Adds a znode to a tree that nobody serves yet.
fn create(processor: &mut Processor, tree: &mut DataTree, path: &Path) {
    const MAKER: SessionId = SessionId(1);
    let mut request = BytesMut::new();
    Ask::Create { path: path.clone() }.encode(1, &mut request);
    processor.sessions.track(MAKER, i32::MAX, 0);
    let who = Requester {
        session: MAKER,
        cxid: 1,
        owner: Owner::HERE,
        identities: &Identities::default(),
    };
    let write = WriteRequest {
        who,
        op: OpCode::CREATE,
        body: &request[8..],
    };
    let Prepared::Txn { zxid, record } = processor.prepare(tree, &write, 1) else {
        panic!("{path} cannot be made");
    };
    let record = TxnRecord::decode(&record).expect("a record");
    tree.apply(&record, &mut |_| {});
    processor.outstanding.applied(zxid);
    processor.sessions.remove(MAKER);
}
