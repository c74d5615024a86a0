//! Packets to bytes.

use bytes::{BufMut, BytesMut};
use proto::records::Id;
use proto::{Encode, Zxid};

use super::{Forwarded, Hello, LearnerKind, PROTOCOL_VERSION, ToLeader, ToLearner, kind};

/// What requests and answers have where others have a zxid.
const NO_ZXID: Zxid = Zxid(-1);

impl ToLeader {
    /// Appends the packet's bytes.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            ToLeader::Hello(hello) => encode_hello(hello, out),
            ToLeader::AckEpoch {
                last_logged,
                current_epoch,
            } => {
                // 32 bits in the data, though an epoch is a long elsewhere.
                let epoch = current_epoch.map_or(-1, |epoch| epoch.0 as i32);
                packet(out, kind::ACK_EPOCH, *last_logged, |data| {
                    data.put_i32(epoch)
                });
            }
            ToLeader::Ack(zxid) => bare(out, kind::ACK, *zxid),
            ToLeader::Ping { zxid, touched } => packet(out, kind::PING, *zxid, |data| {
                for (session, timeout_ms) in touched {
                    session.encode(data);
                    timeout_ms.encode(data);
                }
            }),
            ToLeader::Revalidate {
                session,
                timeout_ms,
            } => packet(out, kind::REVALIDATE, NO_ZXID, |data| {
                session.encode(data);
                timeout_ms.encode(data);
            }),
            ToLeader::Request(request) => encode_request(request, out),
        }
    }
}

impl ToLearner {
    /// Appends the packet's bytes.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            ToLearner::LeaderInfo(epoch) => {
                packet(out, kind::LEADER_INFO, Zxid::beginning_of(*epoch), |data| {
                    PROTOCOL_VERSION.encode(data);
                })
            }
            ToLearner::Diff(zxid) => bare(out, kind::DIFF, *zxid),
            ToLearner::Trunc(zxid) => bare(out, kind::TRUNC, *zxid),
            ToLearner::Snap(zxid) => bare(out, kind::SNAP, *zxid),
            ToLearner::NewLeader { epoch, config } => {
                packet(out, kind::NEW_LEADER, Zxid::beginning_of(*epoch), |data| {
                    data.put_slice(config)
                });
            }
            ToLearner::UpToDate => bare(out, kind::UP_TO_DATE, NO_ZXID),
            ToLearner::Proposal { zxid, record } => {
                packet(out, kind::PROPOSAL, *zxid, |data| data.put_slice(record));
            }
            ToLearner::Commit(zxid) => bare(out, kind::COMMIT, *zxid),
            ToLearner::CommitAndActivate { zxid, leader } => {
                packet(out, kind::COMMIT_AND_ACTIVATE, *zxid, |data| {
                    leader.encode(data)
                });
            }
            ToLearner::Inform { zxid, record } => {
                packet(out, kind::INFORM, *zxid, |data| data.put_slice(record));
            }
            ToLearner::InformAndActivate {
                zxid,
                leader,
                record,
            } => packet(out, kind::INFORM_AND_ACTIVATE, *zxid, |data| {
                leader.encode(data);
                data.put_slice(record);
            }),
            ToLearner::Ping(zxid) => bare(out, kind::PING, *zxid),
            ToLearner::Revalidate { session, valid } => {
                packet(out, kind::REVALIDATE, NO_ZXID, |data| {
                    session.encode(data);
                    valid.encode(data);
                });
            }
            ToLearner::Sync => bare(out, kind::SYNC, Zxid::ZERO),
        }
    }
}

fn encode_hello(hello: &Hello, out: &mut BytesMut) {
    let kind = match hello.kind {
        LearnerKind::Follower => kind::FOLLOWER_INFO,
        LearnerKind::Observer => kind::OBSERVER_INFO,
    };
    packet(
        out,
        kind,
        Zxid::beginning_of(hello.accepted_epoch),
        |data| {
            hello.sid.encode(data);
            PROTOCOL_VERSION.encode(data);
            hello.config_version.encode(data);
        },
    );
}

fn encode_request(request: &Forwarded, out: &mut BytesMut) {
    head(out, kind::REQUEST, NO_ZXID, |data| {
        request.session.encode(data);
        request.cxid.encode(data);
        request.op.encode(data);
        data.put_slice(&request.body);
    });
    encode_ids(&request.identities, out);
}

/// No ids are a null list, as in Apache: a client always has one for its address, what a server asks by itself has none.
fn encode_ids(ids: &[Id<'_>], out: &mut BytesMut) {
    if ids.is_empty() {
        return out.put_i32(-1);
    }
    out.put_i32(i32::try_from(ids.len()).expect("a client has fewer than 2^31 ids"));
    for id in ids {
        id.encode(out);
    }
}

/// Without data: -1 for it, -1 for the ids.
fn bare(out: &mut BytesMut, kind: i32, zxid: Zxid) {
    kind.encode(out);
    zxid.encode(out);
    out.put_i32(-1);
    out.put_i32(-1);
}

fn packet(out: &mut BytesMut, kind: i32, zxid: Zxid, data: impl FnOnce(&mut BytesMut)) {
    head(out, kind, zxid, data);
    out.put_i32(-1);
}

fn head(out: &mut BytesMut, kind: i32, zxid: Zxid, data: impl FnOnce(&mut BytesMut)) {
    kind.encode(out);
    zxid.encode(out);
    let length_at = out.len();
    out.put_i32(0);
    data(out);
    let length = i32::try_from(out.len() - length_at - 4).expect("a packet stays below 2 GiB");
    out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
}
