//! What a znode's `ephemeralOwner` says: who or what ends the znode (`EphemeralType.java`).

use proto::SessionId;

/// The owner of a container (`Long.MIN_VALUE`).
const CONTAINER: i64 = i64::MIN;
/// Top byte of the extended types.
const EXTENDED_MASK: i64 = 0xff00_0000_0000_0000_u64 as i64;
/// The feature number of an extended type; 0 is TTL, no other exists.
const FEATURE_MASK: i64 = 0x00ff_ff00_0000_0000;

/// Longest time to live: 40 bits of milliseconds, about 35 years.
pub const MAX_TTL_MS: i64 = 0xff_ffff_ffff;

/// The kind of a znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Persistent.
    Nobody,
    /// Ephemeral.
    Session(SessionId),
    /// Deleted when its last child has gone.
    Container,
    /// Deleted when childless and unchanged for this long.
    Ttl {
        /// Milliseconds since the last change.
        ttl_ms: i64,
    },
}

/// How owners are read: the server's flags `zookeeper.extendedTypesEnabled` and
/// `zookeeper.emulate353TTLNodes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnerRules {
    /// TTL owners are owners of TTL znodes; otherwise they read as session ids.
    pub extended_types: bool,
    /// Owners written by 3.5.3 are read too.
    pub emulate_353: bool,
}

impl OwnerRules {
    /// Reads an owner. An extended type of an unknown feature, on which Apache throws, is taken
    /// for a session nobody has.
    pub fn read(self, owner: i64) -> Owner {
        if owner == 0 {
            return Owner::Nobody;
        }
        if self.extended_types && self.is_ttl(owner) {
            return Owner::Ttl {
                ttl_ms: owner & MAX_TTL_MS,
            };
        }
        if owner == CONTAINER {
            Owner::Container
        } else {
            Owner::Session(SessionId(owner))
        }
    }

    fn is_ttl(self, owner: i64) -> bool {
        let by_353 = self.emulate_353 && owner < 0 && owner != CONTAINER;
        let extended = owner & EXTENDED_MASK == EXTENDED_MASK && owner & FEATURE_MASK == 0;
        by_353 || extended
    }

    /// What a client sees as `ephemeralOwner`: 0 unless a session is the owner.
    pub fn shown(self, owner: i64) -> i64 {
        match self.read(owner) {
            Owner::Session(SessionId(id)) => id,
            _ => 0,
        }
    }
}

impl Owner {
    /// The number that is stored.
    pub fn stored(self) -> i64 {
        match self {
            Owner::Nobody => 0,
            Owner::Session(SessionId(id)) => id,
            Owner::Container => CONTAINER,
            Owner::Ttl { ttl_ms } => EXTENDED_MASK | ttl_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENDED: OwnerRules = OwnerRules {
        extended_types: true,
        emulate_353: false,
    };

    #[test]
    fn every_kind_comes_back_as_stored() {
        for owner in [
            Owner::Nobody,
            Owner::Session(SessionId(0x0100_0000_0000_0001)),
            Owner::Container,
            Owner::Ttl { ttl_ms: 1 },
            Owner::Ttl { ttl_ms: MAX_TTL_MS },
        ] {
            assert_eq!(EXTENDED.read(owner.stored()), owner);
        }
    }

    #[test]
    fn a_ttl_owner_is_a_session_where_extended_types_are_off() {
        let stored = Owner::Ttl { ttl_ms: 5 }.stored();
        assert_eq!(OwnerRules::default().shown(stored), stored);
        assert_eq!(EXTENDED.shown(stored), 0);
    }

    #[test]
    fn owners_of_3_5_3_need_the_emulation() {
        let stored = i64::MIN | 77;
        let emulating = OwnerRules {
            emulate_353: true,
            ..EXTENDED
        };
        assert_eq!(emulating.read(stored), Owner::Ttl { ttl_ms: 77 });
        assert_eq!(EXTENDED.read(stored), Owner::Session(SessionId(stored)));
    }
}
