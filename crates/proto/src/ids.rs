//! Numbers that name things. All are Java longs on the wire.

use std::fmt;

use bytes::BytesMut;
use jute::{Decode, Encode, Error, Input, JuteType};

macro_rules! long_ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub i64);

            impl Encode for $name {
                fn encode(&self, out: &mut BytesMut) {
                    self.0.encode(out);
                }
            }

            impl Decode<'_> for $name {
                fn decode(input: &mut Input<'_>) -> Result<Self, Error> {
                    input.read().map($name)
                }
            }

            impl JuteType for $name {
                fn jute_type() -> String {
                    i64::jute_type()
                }
            }
        )*
    };
}

long_ids! {
    /// A transaction id: the epoch in the high half, a counter in the low half.
    Zxid;
    /// A session id; shown in hexadecimal.
    SessionId;
    /// A server's id, from `myid`.
    Sid;
    /// A leader's reign: the high half of the zxids it proposes.
    Epoch;
}

impl Epoch {
    /// The highest that the high half of a zxid holds: none can follow it.
    pub const LAST: Epoch = Epoch(i32::MAX as i64);
}

impl Zxid {
    /// Before any txn.
    pub const ZERO: Zxid = Zxid(0);

    /// The zxid with which an epoch begins: a counter of 0, which no txn has.
    pub fn beginning_of(epoch: Epoch) -> Self {
        Zxid(epoch.0 << 32)
    }

    /// Whether this is the beginning of an epoch, and no txn's.
    pub fn is_beginning(self) -> bool {
        self.counter() == 0
    }

    /// The epoch half.
    pub fn epoch(self) -> Epoch {
        Epoch(self.0 >> 32)
    }

    /// The counter half.
    pub fn counter(self) -> u32 {
        self.0 as u32
    }

    /// The zxid after this one. No guard at the end of the epoch: that is the proposer's.
    pub fn next(self) -> Zxid {
        Zxid(self.0.wrapping_add(1))
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

impl SessionId {
    /// No session: what a new client sends, and the owner of nothing.
    pub const NONE: SessionId = SessionId(0);
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zxid_is_an_epoch_and_a_counter() {
        let zxid = Zxid(0x0000_0005_0000_00ff);
        assert_eq!((zxid.epoch(), zxid.counter()), (Epoch(5), 0xff));
        assert_eq!(zxid.next(), Zxid(0x0000_0005_0000_0100));
        assert_eq!(Zxid::beginning_of(Epoch(5)), Zxid(0x0000_0005_0000_0000));
        assert!(Zxid::beginning_of(Epoch(5)).is_beginning() && !zxid.is_beginning());
        assert_eq!(zxid.to_string(), "0x5000000ff");
    }

    #[test]
    fn ids_show_as_unsigned_hexadecimal() {
        assert_eq!(SessionId(-1).to_string(), "0xffffffffffffffff");
    }
}
