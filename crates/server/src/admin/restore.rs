//! The command restore: the body is a snapshot, whose tree becomes the server's (Apache: `Commands.RestoreCommand`).

use std::io::{self, Read};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use database::TreeRestore;
use datatree::{CONFIG_NODE, DataTree, Options};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use persistence::{Restore, SnapshotReader};
use serde_json::Map;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use super::Admin;
use super::commands::Answer;
use crate::limits;
use crate::replica::{Input, RestoreRequest, Whole};
use crate::serve::start::tree_options;

/// Reads the snapshot and restores it.
pub(super) async fn from(admin: &Admin, body: Incoming) -> Answer {
    if let Some(refusal) = refusal(admin) {
        return refusal;
    }
    let Ok(_one_at_a_time) = admin.restoring.acquire().await else {
        return Answer::refused(StatusCode::SERVICE_UNAVAILABLE, "the server stops");
    };
    let began = Instant::now();
    match restore(admin, body).await {
        Ok(zxid) => {
            let restore_time = &admin.server.metrics.restore_time;
            restore_time.add_begun_ms(began.elapsed());
            Answer::told(Map::from_iter([("last_zxid".to_owned(), zxid.into())]))
        }
        Err(error) => {
            admin.server.metrics.restore_error_count.add(1);
            tracing::error!("nothing was restored: {error}");
            Answer::refused(StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    }
}

fn refusal(admin: &Admin) -> Option<Answer> {
    let (status, error) = if !admin.settings.restore_enabled {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "admin.restore.enabled is false",
        )
    } else if !admin.server.config.serialize_last_processed_zxid_enabled {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "serializeLastProcessedZxid.enabled is false",
        )
    } else if !admin.restores.allows() {
        admin.server.metrics.restore_rate_limited_count.add(1);
        (
            StatusCode::TOO_MANY_REQUESTS,
            "too soon after the last restore command (admin.rateLimiterIntervalInMS)",
        )
    } else {
        return None;
    };
    Some(Answer::refused(status, error))
}

/// The zxid of the snapshot, when its tree is the server's and on disk.
async fn restore(admin: &Admin, body: Incoming) -> Result<i64, String> {
    let config = &admin.server.config;
    let (options, max_field_bytes) = (tree_options(config), config.max_field_bytes());
    let (pieces, came) = channel(limits::MAX_ADMIN_CHUNKS);
    let reading =
        tokio::task::spawn_blocking(move || read(Pieces::new(came), options, max_field_bytes));
    feed(body, pieces, admin.settings.idle_time).await;
    let tree = reading.await.map_err(|error| error.to_string())??;
    let zxid = tree.last_zxid().0;
    let (asker, told) = oneshot::channel();
    let tree = Whole(Box::new(tree));
    admin
        .server
        .replica
        .push(Input::Restore(RestoreRequest { tree, asker }));
    told.await.map_err(|_| "the server stops".to_owned())??;
    Ok(zxid)
}

/// Hands the body over as it comes, until it ends, fails, or nobody wants more of it.
async fn feed(mut body: Incoming, pieces: Sender<io::Result<Bytes>>, idle_time: Option<Duration>) {
    loop {
        let piece = match next(&mut body, idle_time).await {
            Some(piece) => piece,
            None => return,
        };
        let is_last = piece.is_err();
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

async fn next(body: &mut Incoming, idle_time: Option<Duration>) -> Option<io::Result<Bytes>> {
    let frame = match idle_time {
        None => body.frame().await,
        Some(time) => match tokio::time::timeout(time, body.frame()).await {
            Ok(frame) => frame,
            Err(_) => {
                return Some(Err(io::Error::other(
                    "the rest of the snapshot does not come",
                )));
            }
        },
    };
    Some(match frame? {
        Ok(frame) => Ok(frame.into_data().unwrap_or_default()),
        Err(error) => Err(io::Error::other(error)),
    })
}

/// The whole snapshot, each seal checked, as a tree of the zxid that it says.
fn read(body: Pieces, options: Options, max_field_bytes: u32) -> Result<DataTree, String> {
    let mut into = TreeRestore::new(options);
    let reader = SnapshotReader::of_stream(body, "the body", max_field_bytes);
    let reader = reader.map_err(|error| error.to_string())?;
    let seals = reader.read(&mut into).map_err(|error| error.to_string())?;
    let zxid = seals.last_zxid.ok_or(
        "the snapshot does not say its last zxid: take one where serializeLastProcessedZxid.enabled is true",
    )?;
    // Its digest may be of a txn behind it, which will never come.
    into.loaded(zxid, None).map_err(|error| error.to_string())?;
    let tree = into.into_tree();
    fits(&tree).map_err(|why| format!("{why}: take another snapshot"))?;
    Ok(tree)
}

/// The seals say that it is what somebody has written, not that a server can go on with it.
fn fits(tree: &DataTree) -> Result<(), String> {
    let zxid = tree.last_zxid();
    if !(0..=limits::MAX_RESTORED_ZXID).contains(&zxid.0) {
        let most = limits::MAX_RESTORED_ZXID;
        return Err(format!(
            "the last zxid of the snapshot is {zxid}, which is not from 0 to 0x{most:x}"
        ));
    }
    // Added where only this one is missing.
    if tree.get(CONFIG_NODE).is_none() {
        return Err("the snapshot has no znode /zookeeper, as every tree has".to_owned());
    }
    Ok(())
}

/// A body for who reads it without a runtime.
struct Pieces {
    came: Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Pieces {
    fn new(came: Receiver<io::Result<Bytes>>) -> Self {
        Pieces {
            came,
            current: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.came.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(into.len());
        self.current.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proto::Zxid;
    use proto::records::StatPersisted;

    use super::*;

    fn tree(paths: &[&str], zxid: i64) -> DataTree {
        let mut into = TreeRestore::new(Options::default());
        for path in paths {
            let node = into.node(path, Some(b""), -1, &StatPersisted::default());
            node.expect("its parent is there");
        }
        into.loaded(Zxid(zxid), None).expect("loaded");
        into.into_tree()
    }

    #[test]
    fn a_tree_that_no_server_can_have_does_not_fit() {
        let whole = ["", "/zookeeper", "/zookeeper/quota"];
        for zxid in [0, 1, 0x5_0000_0001, limits::MAX_RESTORED_ZXID] {
            assert_eq!(fits(&tree(&whole, zxid)), Ok(()), "{zxid}");
        }
        for zxid in [i64::MIN, -1, limits::MAX_RESTORED_ZXID + 1, i64::MAX] {
            let why = fits(&tree(&whole, zxid)).expect_err("refused");
            assert!(why.contains("last zxid"), "{why}");
        }
        for paths in [&[""][..], &["", "/other"]] {
            let why = fits(&tree(paths, 7)).expect_err("refused");
            assert!(why.contains("/zookeeper"), "{why}");
        }
    }
}
