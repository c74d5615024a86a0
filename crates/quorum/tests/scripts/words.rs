//! How packets, disk operations and states are written in scripts. A zxid is `epoch.counter`.

use proto::Zxid;
use quorum::packet::{ToLeader, ToLearner};
use quorum::{DiskOp, Input, Output, Txn};

use crate::model::net::Message;
use crate::model::node::Node;

pub fn zxid(zxid: Zxid) -> String {
    format!("{}.{}", zxid.epoch().0, zxid.counter())
}

pub fn parse_zxid(text: &str) -> Zxid {
    let (epoch, counter) = text.split_once('.').expect("epoch.counter");
    let epoch: i64 = epoch.parse().expect("an epoch");
    Zxid(epoch << 32 | counter.parse::<i64>().expect("a counter"))
}

/// `1.1-1.3 2.1`, or `nothing`.
pub fn txns<'a>(txns: impl IntoIterator<Item = &'a Txn>) -> String {
    let mut runs: Vec<(Zxid, Zxid)> = Vec::new();
    for txn in txns {
        match runs.last_mut() {
            Some((_, last)) if last.next() == txn.zxid => *last = txn.zxid,
            _ => runs.push((txn.zxid, txn.zxid)),
        }
    }
    let words = runs.into_iter().map(|(first, last)| match first == last {
        true => zxid(first),
        false => format!("{}-{}", zxid(first), zxid(last)),
    });
    match words.collect::<Vec<_>>() {
        words if words.is_empty() => "nothing".to_owned(),
        words => words.join(" "),
    }
}

/// What [`txns`] writes, but for `nothing`: several runs are separated by commas.
pub fn parse_txns(text: &str) -> Vec<Txn> {
    let runs = text
        .split(',')
        .map(|run| run.split_once('-').unwrap_or((run, run)));
    let bounds = runs.map(|(first, last)| (parse_zxid(first), parse_zxid(last)));
    bounds
        .flat_map(|(first, last)| (first.0..=last.0).map(|number| txn(Zxid(number))))
        .collect()
}

/// In scripts a txn's record is its number.
pub fn txn(number: Zxid) -> Txn {
    Txn {
        zxid: number,
        record: zxid(number).into(),
    }
}

pub fn message(message: &Message) -> String {
    match message {
        Message::ToLeader(packet) => to_leader(packet),
        Message::ToLearner(packet) => to_learner(packet),
        Message::Snapshot(tree) => format!("(a tree with {})", txns(tree)),
        Message::Closed => "(closed)".to_owned(),
    }
}

fn to_leader(packet: &ToLeader) -> String {
    let name = packet.name();
    match packet {
        ToLeader::Hello(hello) => format!("{name} accepted {}", hello.accepted_epoch.0),
        ToLeader::AckEpoch {
            last_logged,
            current_epoch,
        } => {
            let epoch = current_epoch.map_or(-1, |epoch| epoch.0);
            format!(
                "{name} last logged {}, current epoch {epoch}",
                zxid(*last_logged)
            )
        }
        ToLeader::Ack(number) | ToLeader::Ping { zxid: number, .. } => {
            format!("{name} {}", zxid(*number))
        }
        ToLeader::Revalidate { .. } | ToLeader::Request(_) => name.to_owned(),
    }
}

fn to_learner(packet: &ToLearner) -> String {
    let name = packet.name();
    match packet {
        ToLearner::LeaderInfo(epoch) | ToLearner::NewLeader { epoch, .. } => {
            format!("{name} {}", epoch.0)
        }
        ToLearner::Diff(number)
        | ToLearner::Trunc(number)
        | ToLearner::Snap(number)
        | ToLearner::Proposal { zxid: number, .. }
        | ToLearner::Commit(number)
        | ToLearner::Inform { zxid: number, .. }
        | ToLearner::Ping(number) => format!("{name} {}", zxid(*number)),
        _ => name.to_owned(),
    }
}

pub fn disk_op(op: &DiskOp) -> String {
    match op {
        DiskOp::Append { zxid: number, .. } => format!("append {}", zxid(*number)),
        DiskOp::Truncate(number) => format!("truncate behind {}", zxid(*number)),
        DiskOp::AcceptedEpoch(epoch) => format!("acceptedEpoch {}", epoch.0),
        DiskOp::CurrentEpoch(epoch) => format!("currentEpoch {}", epoch.0),
        DiskOp::InstallSnapshot(number) => format!("snapshot {}", zxid(*number)),
    }
}

pub fn written(done: &Input) -> String {
    match done {
        Input::Durable(ticket) => format!("disk has all up to #{ticket}"),
        Input::CutRefused(ticket) => format!("disk refuses #{ticket}"),
        other => panic!("no disk says {other:?}"),
    }
}

/// What a server says to its driver; packets and votes are [`message`]s.
pub fn output(output: &Output) -> String {
    match output {
        Output::Disk(ticket, op) => format!("disk #{ticket} {}", disk_op(op)),
        Output::Apply { up_to } => format!("apply up to {}", zxid(*up_to)),
        Output::UseSnapshot(number) => format!("use snapshot {}", zxid(*number)),
        Output::Reload(number) => format!("reload up to {}", zxid(*number)),
        Output::Become(state) => format!("become {}", format!("{state:?}").to_uppercase()),
        Output::Left(leave) => format!("leave: {leave}"),
        Output::Connect(sid) => format!("connect to {}", sid.0),
        Output::Serve(state, epoch) => format!(
            "serve epoch {}, {}",
            epoch.0,
            format!("{state:?}").to_uppercase()
        ),
        Output::StopServing => "stop serving".to_owned(),
        Output::UnmatchedCommit(number) => format!("end the process: commit of {}", zxid(*number)),
        Output::Drop(_, violation) => format!("drop: {violation}"),
        other => panic!("no script has needed words for {other:?}"),
    }
}

/// What a crash would leave.
pub fn disk(node: &Node) -> String {
    let files = &node.disk.files;
    let (at, tree) = &files.snapshot;
    format!(
        "on disk: acceptedEpoch {}, currentEpoch {}, snapshot {} with {}, log {}",
        files.accepted_epoch.0,
        files.current_epoch.0,
        zxid(*at),
        txns(tree),
        txns(&files.log)
    )
}

pub fn tree(node: &Node) -> String {
    match &node.process {
        None => "is down".to_owned(),
        Some(process) => {
            let serves = match process.serving {
                Some((_, epoch)) => format!("serves epoch {}", epoch.0),
                None => "does not serve".to_owned(),
            };
            let state = format!("{:?}", process.state).to_uppercase();
            format!("{state}, {serves}, tree {}", txns(&process.tree))
        }
    }
}
