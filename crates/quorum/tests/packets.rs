//! Packets to bytes and back.

use bytes::{Bytes, BytesMut};
use proto::records::Id;
use proto::{Epoch, OpCode, SessionId, Sid, Zxid};
use quorum::packet::{
    BadFrame, BadPacket, Forwarded, Frame, Hello, LearnerKind, Limits, ToLeader, ToLearner,
    frame_length,
};

const ZXID: Zxid = Zxid(0x5_0000_0007);

fn all_to_leader() -> Vec<ToLeader> {
    let hello = |kind| {
        ToLeader::Hello(Hello {
            kind,
            accepted_epoch: Epoch(4),
            sid: Sid(3),
            config_version: 0x1_0000_0000,
        })
    };
    vec![
        hello(LearnerKind::Follower),
        hello(LearnerKind::Observer),
        ToLeader::AckEpoch {
            last_logged: ZXID,
            current_epoch: Some(Epoch(4)),
        },
        ToLeader::AckEpoch {
            last_logged: ZXID,
            current_epoch: None,
        },
        ToLeader::Ack(ZXID),
        ToLeader::Ping {
            zxid: ZXID,
            touched: vec![(SessionId(7), 4000), (SessionId(-8), 1)],
        },
        ToLeader::Revalidate {
            session: SessionId(7),
            timeout_ms: 4000,
        },
        ToLeader::Request(Forwarded {
            session: SessionId(7),
            cxid: 9,
            op: OpCode::SET_DATA,
            body: Bytes::from_static(b"body"),
            identities: vec![Id {
                scheme: Some("digest".into()),
                id: Some("who:\u{e9}".into()),
            }],
        }),
    ]
}

fn all_to_learner() -> Vec<ToLearner> {
    let record = Bytes::from_static(b"record");
    let zxid = ZXID;
    let leader = Sid(2);
    vec![
        ToLearner::LeaderInfo(Epoch(5)),
        ToLearner::Diff(zxid),
        ToLearner::Trunc(zxid),
        ToLearner::Snap(zxid),
        ToLearner::NewLeader {
            epoch: Epoch(5),
            config: Bytes::from_static(b"version=0"),
        },
        ToLearner::UpToDate,
        ToLearner::Proposal {
            zxid,
            record: record.clone(),
        },
        ToLearner::Commit(zxid),
        ToLearner::CommitAndActivate { zxid, leader },
        ToLearner::Inform {
            zxid,
            record: record.clone(),
        },
        ToLearner::InformAndActivate {
            zxid,
            leader,
            record,
        },
        ToLearner::Ping(zxid),
        ToLearner::Revalidate {
            session: SessionId(7),
            valid: true,
        },
        ToLearner::Sync,
    ]
}

/// All packets of both directions in one stream, with the place where each ends.
fn stream() -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut ends) = (BytesMut::new(), Vec::new());
    for packet in all_to_leader() {
        packet.encode(&mut out);
        ends.push(out.len());
    }
    for packet in all_to_learner() {
        packet.encode(&mut out);
        ends.push(out.len());
    }
    (out.to_vec(), ends)
}

fn frames() -> Vec<Frame> {
    let (bytes, ends) = stream();
    let mut start = 0;
    let mut frame = |end| {
        let frame = Frame::decode(&bytes[start..end], Limits::default());
        start = end;
        frame.expect("our own packet")
    };
    ends.into_iter().map(&mut frame).collect()
}

#[test]
fn every_packet_is_read_back() {
    let frames = frames();
    let (leaders, learners) = frames.split_at(all_to_leader().len());
    let to_leader = leaders.iter().cloned().map(ToLeader::try_from);
    let to_learner = learners.iter().cloned().map(ToLearner::try_from);
    assert_eq!(
        to_leader.collect::<Result<Vec<_>, _>>(),
        Ok(all_to_leader())
    );
    assert_eq!(
        to_learner.collect::<Result<Vec<_>, _>>(),
        Ok(all_to_learner())
    );
}

#[test]
fn the_end_of_a_packet_is_found_when_all_of_it_is_there_and_not_before() {
    let (bytes, ends) = stream();
    let mut start = 0;
    for end in ends {
        for cut in start..end {
            assert_eq!(
                frame_length(&bytes[start..cut], Limits::default()),
                Ok(None)
            );
        }
        let found = frame_length(&bytes[start..], Limits::default());
        assert_eq!(found, Ok(Some(end - start)));
        start = end;
    }
}

#[test]
fn a_length_past_its_limit_is_refused_before_its_bytes_come() {
    let limits = Limits {
        field_bytes: 5,
        ids: 2,
    };
    let mut out = BytesMut::new();
    all_to_leader()[0].encode(&mut out);
    let refused = BadFrame::Length {
        kind: 11,
        length: 20,
        limit: 5,
    };
    assert_eq!(frame_length(&out[..16], limits), Err(refused));
    out[12] = 0xff;
    assert!(matches!(
        frame_length(&out[..16], Limits::default()),
        Err(BadFrame::Length { length: ..-1, .. })
    ));
}

/// As a leader of Apache 3.9.5 does: the probes `the-longest-data` and `data-that-is-too-long`.
#[test]
fn data_of_2097150_bytes_is_waited_for_and_one_byte_more_is_refused() {
    let head = |length: i32| {
        let mut head = [0; 16];
        head[12..].copy_from_slice(&length.to_be_bytes());
        head
    };
    assert_eq!(frame_length(&head(2_097_150), Limits::default()), Ok(None));
    let refused = frame_length(&head(2_097_151), Limits::default());
    assert!(matches!(refused, Err(BadFrame::Length { .. })));
}

#[test]
fn a_packet_of_the_other_direction_is_refused() {
    let mut frames = frames();
    let hello = frames.swap_remove(0);
    assert_eq!(
        ToLearner::try_from(hello),
        Err(BadPacket::Type(11, "leader"))
    );
}

#[test]
fn data_that_ends_too_early_is_refused() {
    let cut = |frame: &Frame| Frame {
        data: frame.data.as_ref().map(|data| data.slice(..3)),
        ..frame.clone()
    };
    let frames = frames();
    let (leaders, learners) = frames.split_at(all_to_leader().len());
    let refused = leaders.iter().filter(|frame| frame.data.is_some());
    assert!(
        refused
            .clone()
            .all(|frame| ToLeader::try_from(cut(frame)).is_err())
    );
    assert_eq!(refused.count(), leaders.len() - 1, "all but the ACK");
    let has_fields = |frame: &&Frame| matches!(frame.kind, 6 | 9 | 19);
    let refused = learners.iter().filter(has_fields);
    assert!(
        refused
            .clone()
            .all(|frame| ToLearner::try_from(cut(frame)).is_err())
    );
    assert_eq!(refused.count(), 3);
}

#[test]
fn a_request_without_ids_has_no_list_of_them() {
    let request = Forwarded {
        session: SessionId(7),
        cxid: 0,
        op: OpCode::CREATE_SESSION,
        body: Bytes::from_static(&[0, 0, 0x75, 0x30]),
        identities: Vec::new(),
    };
    let mut out = BytesMut::new();
    ToLeader::Request(request.clone()).encode(&mut out);
    assert_eq!(out[out.len() - 4..], [0xff; 4]);
    let frame = Frame::decode(&out, Limits::default()).expect("our own packet");
    assert_eq!(ToLeader::try_from(frame), Ok(ToLeader::Request(request)));
}

#[test]
fn a_learner_without_epochs_is_named_as_such() {
    let frame = Frame {
        kind: 11,
        zxid: Zxid(0),
        data: Some(Bytes::from_static(&[0; 8])),
        authinfo: Vec::new(),
    };
    assert_eq!(ToLeader::try_from(frame), Err(BadPacket::OldLearner(0)));
}
