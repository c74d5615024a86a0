use bytes::Bytes;
use proto::{Epoch, Zxid};
use quorum::packet::{ToLeader, ToLearner};

use super::super::tests::LengthFirst;
use super::super::{AtLeader, AtLearner};
use super::*;

fn limits() -> Limits {
    Limits::default()
}

fn at_leader() -> Intake<AtLeader> {
    Intake::new(Arc::new(AtLeader), limits())
}

fn at_learner() -> Intake<AtLearner<LengthFirst>> {
    let side = AtLearner::new(LengthFirst::new);
    Intake::new(Arc::new(side), limits())
}

fn proposal(counter: i64) -> ToLearner {
    ToLearner::Proposal {
        zxid: Zxid(counter),
        record: Bytes::from(vec![7; 100]),
    }
}

fn encoded(packets: &[ToLearner]) -> BytesMut {
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| packet.encode(&mut out));
    out
}

/// What comes of `bytes` when they come in two reads.
fn cut_at(at: usize, bytes: &[u8]) -> (Vec<ToLearner>, Vec<Bytes>) {
    let (mut intake, mut buffer) = (at_learner(), BytesMut::new());
    let (mut packets, mut snapshots) = (Vec::new(), Vec::new());
    for part in [&bytes[..at], &bytes[at..]] {
        buffer.extend_from_slice(part);
        while let Some(cut) = intake.next(&mut buffer).unwrap() {
            match cut {
                Cut::Packets(some, _) => packets.extend(some),
                Cut::Snapshot((_, snapshot)) => snapshots.push(snapshot),
            }
        }
    }
    assert!(buffer.is_empty());
    (packets, snapshots)
}

#[test]
fn packets_are_whole_wherever_a_read_ends() {
    let sent = [proposal(1), ToLearner::Commit(Zxid(1)), ToLearner::UpToDate];
    let bytes = encoded(&sent);
    for at in 0..=bytes.len() {
        assert_eq!(cut_at(at, &bytes), (sent.to_vec(), vec![]), "cut at {at}");
    }
}

#[test]
fn a_snapshot_between_packets_is_its_sinks_wherever_a_read_ends() {
    let snapshot = encoded(&[proposal(9)]).freeze(); // what looks like packets is none
    let mut bytes = encoded(&[ToLearner::Snap(Zxid(7))]);
    bytes.extend_from_slice(&(snapshot.len() as i32).to_be_bytes());
    bytes.extend_from_slice(&snapshot);
    bytes.extend(encoded(&[ToLearner::UpToDate]));
    let sent = vec![ToLearner::Snap(Zxid(7)), ToLearner::UpToDate];
    for at in 0..=bytes.len() {
        let came = cut_at(at, &bytes);
        assert_eq!(came, (sent.clone(), vec![snapshot.clone()]), "cut at {at}");
    }
}

#[test]
fn a_sink_is_made_for_the_zxid_of_its_snapshot() {
    let mut intake = at_learner();
    let mut buffer = encoded(&[ToLearner::Snap(Zxid(7))]);
    buffer.extend_from_slice(&[0; 4]);
    intake.next(&mut buffer).unwrap();
    let cut = intake.next(&mut buffer).unwrap().unwrap();
    assert!(matches!(cut, Cut::Snapshot((Zxid(7), _))), "{cut:?}");
}

#[test]
fn what_is_good_before_garbage_is_taken() {
    let mut intake = at_learner();
    let mut buffer = encoded(&[proposal(1), proposal(2)]);
    buffer.extend_from_slice(&[0x7f; 40]);
    let cut = intake.next(&mut buffer).unwrap().unwrap();
    assert!(matches!(cut, Cut::Packets(packets, _) if packets.len() == 2));
    let reason = intake.next(&mut buffer).unwrap_err();
    assert!(matches!(reason, DownReason::BadFrame(_)), "{reason}");
}

#[test]
fn packets_of_the_other_direction_are_refused() {
    let mut buffer = encoded(&[ToLearner::UpToDate]);
    let reason = at_leader().next(&mut buffer).unwrap_err();
    assert!(matches!(reason, DownReason::BadPacket(_)), "{reason}");
    let mut buffer = BytesMut::new();
    let ack = ToLeader::AckEpoch {
        last_logged: Zxid(1),
        current_epoch: Some(Epoch(1)),
    };
    ack.encode(&mut buffer);
    let reason = at_learner().next(&mut buffer).unwrap_err();
    assert!(matches!(reason, DownReason::BadPacket(_)), "{reason}");
}

#[test]
fn a_length_past_the_limit_is_refused_before_it_has_come() {
    let mut buffer = encoded(&[proposal(1)]);
    buffer.truncate(16);
    let longer = limits().field_bytes + 1;
    buffer[12..].copy_from_slice(&longer.to_be_bytes());
    let reason = at_learner().next(&mut buffer).unwrap_err();
    assert!(matches!(reason, DownReason::BadFrame(_)), "{reason}");
}

#[test]
fn a_part_of_a_snapshot_that_does_not_end_is_refused() {
    let mut intake = at_learner();
    let mut buffer = encoded(&[ToLearner::Snap(Zxid(7))]);
    buffer.extend_from_slice(&i32::MAX.to_be_bytes());
    intake.next(&mut buffer).unwrap();
    let reason = loop {
        buffer.extend_from_slice(&[0; 1 << 20]);
        match intake.next(&mut buffer) {
            Ok(cut) => assert!(cut.is_none()),
            Err(reason) => break reason,
        }
    };
    assert!(matches!(reason, DownReason::BadSnapshot(_)), "{reason}");
    assert!(buffer.len() < 8 << 20);
}

#[test]
fn an_end_says_what_it_has_cut() {
    let (mut intake, mut buffer) = (at_learner(), encoded(&[ToLearner::Snap(Zxid(7))]));
    assert!(matches!(intake.end(&[]), DownReason::Closed));
    assert!(matches!(intake.end(&[0]), DownReason::Cut("a packet")));
    intake.next(&mut buffer).unwrap();
    assert!(matches!(intake.end(&[]), DownReason::Cut("a snapshot")));
}

/// Packets with bytes changed, in reads of any length: all that comes of them is packets or one clear end.
#[test]
fn no_bytes_make_it_panic_or_take_more_than_came() {
    use rand::{Rng, SeedableRng, rngs::SmallRng};
    for seed in 0..2000 {
        let mut random = SmallRng::seed_from_u64(seed);
        let packets = [proposal(1), ToLearner::Snap(Zxid(7)), proposal(2)];
        let mut bytes = encoded(&packets[..random.random_range(0..=3)]);
        bytes.extend_from_slice(&random.random::<[u8; 32]>());
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        let (mut intake, mut buffer) = (at_learner(), BytesMut::new());
        while !bytes.is_empty() {
            let read = bytes.split_to(random.random_range(1..=bytes.len()));
            buffer.extend_from_slice(&read);
            let mut end = None;
            while end.is_none() {
                match intake.next(&mut buffer) {
                    Ok(None) => break,
                    Ok(Some(_)) => {}
                    Err(reason) => end = Some(reason),
                }
            }
            if let Some(reason) = end {
                assert!(!reason.to_string().is_empty(), "seed {seed}");
                break;
            }
        }
    }
}
