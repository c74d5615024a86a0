//! Bytes to packets.

use std::borrow::Cow;

use bytes::Bytes;
use proto::records::{Id, QuorumPacket};
use proto::{Decode, Epoch, Input, SessionId, Sid};

use super::{
    BadFrame, BadPacket, Forwarded, Frame, Hello, LearnerKind, Limits, PROTOCOL_VERSION, ToLeader,
    ToLearner, kind,
};

impl Frame {
    /// Reads the packet that is all of `bytes`, where [`super::frame_length`] has found its end within the same limits.
    ///
    /// The data is copied: a slice would keep the whole receive buffer alive for as long as a txn is kept.
    ///
    /// # Errors
    ///
    /// [`BadFrame::Field`].
    pub fn decode(bytes: &[u8], limits: Limits) -> Result<Self, BadFrame> {
        let kind = bytes
            .first_chunk()
            .map_or(0, |kind| i32::from_be_bytes(*kind));
        let max_field_bytes = limits.field_bytes.into();
        let mut input = Input::with_limits(bytes, proto::Limits { max_field_bytes });
        let packet = QuorumPacket::decode(&mut input).map_err(|_| BadFrame::Field(kind))?;
        Ok(Frame {
            kind: packet.r#type,
            zxid: packet.zxid,
            data: packet.data.map(Bytes::copy_from_slice),
            authinfo: owned(packet.authinfo),
        })
    }

    fn fields(&self, name: &'static str) -> Fields {
        Fields {
            name,
            data: self.data.clone().unwrap_or_default(),
            at: 0,
        }
    }
}

fn owned(ids: Option<Vec<Id<'_>>>) -> Vec<Id<'static>> {
    let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
    let ids = ids.unwrap_or_default().into_iter();
    ids.map(|id| Id {
        scheme: own(id.scheme),
        id: own(id.id),
    })
    .collect()
}

/// Reads a packet's data from its beginning.
struct Fields {
    name: &'static str,
    data: Bytes,
    at: usize,
}

impl Fields {
    fn read<T: for<'a> Decode<'a>>(&mut self) -> Result<T, BadPacket> {
        let mut input = Input::new(&self.data[self.at..]);
        let value = input.read().map_err(|_| self.bad())?;
        self.at += input.offset();
        Ok(value)
    }

    fn bad(&self) -> BadPacket {
        BadPacket::Data {
            name: self.name,
            bytes: self.data.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.at == self.data.len()
    }

    /// All that has not been read.
    fn rest(self) -> Bytes {
        self.data.slice(self.at..)
    }
}

impl TryFrom<Frame> for ToLeader {
    type Error = BadPacket;

    fn try_from(frame: Frame) -> Result<Self, BadPacket> {
        match frame.kind {
            kind::FOLLOWER_INFO => hello(&frame, LearnerKind::Follower),
            kind::OBSERVER_INFO => hello(&frame, LearnerKind::Observer),
            kind::ACK_EPOCH => {
                let epoch: i32 = frame.fields("ACKEPOCH").read()?;
                Ok(ToLeader::AckEpoch {
                    last_logged: frame.zxid,
                    current_epoch: (epoch != -1).then_some(Epoch(epoch.into())),
                })
            }
            kind::ACK => Ok(ToLeader::Ack(frame.zxid)),
            kind::PING => touched(&frame),
            kind::REVALIDATE => {
                let mut fields = frame.fields("REVALIDATE");
                Ok(ToLeader::Revalidate {
                    session: fields.read()?,
                    timeout_ms: fields.read()?,
                })
            }
            kind::REQUEST => request(frame),
            other => Err(BadPacket::Type(other, "learner")),
        }
    }
}

/// Versions before 3.5 do not say which configuration they have.
fn hello(frame: &Frame, kind: LearnerKind) -> Result<ToLeader, BadPacket> {
    let mut fields = frame.fields("FOLLOWERINFO or OBSERVERINFO");
    let sid: Sid = fields.read()?;
    let protocol_version = match fields.is_empty() {
        true => 0,
        false => fields.read()?,
    };
    if protocol_version < PROTOCOL_VERSION {
        return Err(BadPacket::OldLearner(protocol_version));
    }
    Ok(ToLeader::Hello(Hello {
        kind,
        accepted_epoch: frame.zxid.epoch(),
        sid,
        config_version: match fields.is_empty() {
            true => 0,
            false => fields.read()?,
        },
    }))
}

fn touched(frame: &Frame) -> Result<ToLeader, BadPacket> {
    let mut fields = frame.fields("PING");
    let mut touched: Vec<(SessionId, i32)> = Vec::new();
    while !fields.is_empty() {
        touched.push((fields.read()?, fields.read()?));
    }
    Ok(ToLeader::Ping {
        zxid: frame.zxid,
        touched,
    })
}

fn request(frame: Frame) -> Result<ToLeader, BadPacket> {
    let mut fields = frame.fields("REQUEST");
    Ok(ToLeader::Request(Forwarded {
        session: fields.read()?,
        cxid: fields.read()?,
        op: fields.read()?,
        body: fields.rest(),
        identities: frame.authinfo,
    }))
}

impl TryFrom<Frame> for ToLearner {
    type Error = BadPacket;

    fn try_from(frame: Frame) -> Result<Self, BadPacket> {
        let zxid = frame.zxid;
        Ok(match frame.kind {
            kind::LEADER_INFO => ToLearner::LeaderInfo(zxid.epoch()),
            kind::DIFF => ToLearner::Diff(zxid),
            kind::TRUNC => ToLearner::Trunc(zxid),
            kind::SNAP => ToLearner::Snap(zxid),
            kind::NEW_LEADER => ToLearner::NewLeader {
                epoch: zxid.epoch(),
                config: frame.fields("NEWLEADER").rest(),
            },
            kind::UP_TO_DATE => ToLearner::UpToDate,
            kind::PROPOSAL => ToLearner::Proposal {
                zxid,
                record: frame.fields("PROPOSAL").rest(),
            },
            kind::COMMIT => ToLearner::Commit(zxid),
            kind::INFORM => ToLearner::Inform {
                zxid,
                record: frame.fields("INFORM").rest(),
            },
            kind::PING => ToLearner::Ping(zxid),
            kind::SYNC => ToLearner::Sync,
            _ => return with_fields(&frame),
        })
    }
}

fn with_fields(frame: &Frame) -> Result<ToLearner, BadPacket> {
    let zxid = frame.zxid;
    match frame.kind {
        kind::COMMIT_AND_ACTIVATE => Ok(ToLearner::CommitAndActivate {
            zxid,
            leader: frame.fields("COMMITANDACTIVATE").read()?,
        }),
        kind::INFORM_AND_ACTIVATE => {
            let mut fields = frame.fields("INFORMANDACTIVATE");
            Ok(ToLearner::InformAndActivate {
                zxid,
                leader: fields.read()?,
                record: fields.rest(),
            })
        }
        kind::REVALIDATE => {
            let mut fields = frame.fields("REVALIDATE");
            Ok(ToLearner::Revalidate {
                session: fields.read()?,
                valid: fields.read()?,
            })
        }
        other => Err(BadPacket::Type(other, "leader")),
    }
}
