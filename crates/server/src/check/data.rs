//! Reads the newest snapshot and the log behind it as a start does, and leaves all files as they are.

use database::TreeRestore;
use datatree::DataTree;
use persistence::{
    DataDirsOptions, DataDirsSeen, Recovered, RecoveryError, Start, read_epochs, recover,
};

use super::lines;
use super::report::Report;
use crate::config::{Config, ServerLine};
use crate::serve::start::{StartError, recovery_options, tree_options};

/// Where members keep their server lines.
const CONFIG_NODE: &str = "/zookeeper/config";

pub(super) fn look(config: &Config, report: &mut Report) {
    let options = DataDirsOptions {
        data_dir: config.data_dir.clone(),
        data_log_dir: config.data_log_dir.clone(),
        auto_create: config.datadir_autocreate,
    };
    let seen = match DataDirsSeen::look(&options) {
        Ok(seen) => seen,
        Err(error) => return report.blocks(error),
    };
    if seen.in_use {
        report.differs(format!(
            "ironkeeper runs on {} now; what is told of the data is of this moment",
            config.data_dir.display()
        ));
    }
    match read(config, &seen) {
        Ok(recovered) => tell(config, recovered, &seen, report),
        Err(error) => report.blocks(error),
    }
}

fn read(config: &Config, seen: &DataDirsSeen) -> Result<Recovered<TreeRestore>, RecoveryError> {
    let tree = tree_options(config);
    recover(
        &seen.snapshots,
        &seen.logs,
        &recovery_options(config, seen.has_initialize_file),
        || TreeRestore::new(tree),
    )
}

fn tell(
    config: &Config,
    recovered: Recovered<TreeRestore>,
    seen: &DataDirsSeen,
    report: &mut Report,
) {
    for notice in &recovered.notices {
        report.differs(format!("the data, which a start will say: {notice}"));
    }
    let (start, last_zxid) = (recovered.start, recovered.last_zxid);
    let txns = recovered.txns_replayed;
    let tree = recovered.state.into_tree();
    match start {
        Start::EmptyNotTrusted => {
            let dir = config.data_dir.display().to_string();
            report.blocks(StartError::EmptyNotTrusted(dir));
        }
        Start::Empty => report.works(format!(
            "{} holds no data: the server begins with an empty tree",
            config.data_dir.display()
        )),
        Start::LogOnly => report.differs(format!(
            "a log without a snapshot, which snapshot.trust.empty allows: {txns} txns give {}",
            content(&tree)
        )),
        Start::Snapshot(zxid) => report.works(format!(
            "the snapshot of zxid {zxid} and {txns} txns of the log give {}, last zxid {last_zxid}; all checksums are right",
            content(&tree)
        )),
    }
    tell_digests(&tree, report);
    if let Some(ensemble) = &config.ensemble {
        tell_strangers(&tree, &ensemble.servers, report);
        match read_epochs(&seen.snapshots, last_zxid) {
            Ok(epochs) => report.works(format!(
                "epochs: {} accepted, {} current",
                epochs.accepted.0, epochs.current.0
            )),
            Err(error) => report.blocks(error),
        }
    }
}

fn content(tree: &DataTree) -> String {
    format!(
        "{} znodes, {} of them ephemeral, and {} sessions",
        tree.node_count(),
        tree.ephemeral_count(),
        tree.sessions().len()
    )
}

/// Members write their configuration into the tree. A server would start on the data of another ensemble, and the one with the
/// later zxids would win.
fn tell_strangers(tree: &DataTree, ours: &[ServerLine], report: &mut Report) {
    let config = tree.get(CONFIG_NODE).and_then(|node| node.data());
    let text = config.map(String::from_utf8_lossy).unwrap_or_default();
    if lines::are_strangers(ours, &lines::parse(&text)) {
        report.blocks(format!(
            "the data is of another ensemble, none of whose servers is in zoo.cfg: {}; correct dataDir, or the server \
             lines, or go on if its servers only got new addresses",
            text.lines().collect::<Vec<_>>().join(" ")
        ));
    }
}

/// A server starts in spite of it, as Apache's does; but who moves over should know first.
fn tell_digests(tree: &DataTree, report: &mut Report) {
    match (tree.digest_mismatches(), tree.last_digest_fits()) {
        (0, _) => {}
        (count, true) => report.differs(format!(
            "{count} digests in the data do not fit, and the newest one does: a server that is brought in sync under load \
             writes such a snapshot (Apache's do), and the tree is right behind it"
        )),
        (count, false) => report.blocks(format!(
            "{count} digests in the data do not fit the tree that it makes: the data may be damaged; look at \
             zk_digest_mismatches_count of the server that wrote it, and take the data of another member"
        )),
    }
}
