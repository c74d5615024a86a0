//! What Java does that clients and logs show: its random generator and its hash order.

use std::collections::HashMap;

use proto::SessionId;
use proto::records::Id;

/// `ZooKeeperServer.superSecret`.
const SUPER_SECRET: i64 = 0xb341_5c00;

/// The password of a session: the first 16 bytes of `java.util.Random(id ^ superSecret)`. Every
/// server, of either kind, makes the same one (`ZooKeeperServer.generatePasswd`).
pub fn password(session: SessionId) -> [u8; 16] {
    let mut random = Random::new(session.0 ^ SUPER_SECRET);
    let mut bytes = [0; 16];
    for chunk in bytes.chunks_exact_mut(4) {
        chunk.copy_from_slice(&random.next_int().to_le_bytes());
    }
    bytes
}

/// `java.util.Random`.
struct Random(u64);

impl Random {
    const MULTIPLIER: u64 = 0x5_deec_e66d;
    const MASK: u64 = (1 << 48) - 1;

    fn new(seed: i64) -> Self {
        Random((seed as u64 ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn next_int(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xb) & Self::MASK;
        (self.0 >> 16) as u32
    }
}

/// `String.hashCode`.
fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

/// `hashCode` of the class that jute generates for an id.
fn id_hash(id: &Id<'_>) -> i32 {
    let field = |text: &proto::Ustring<'_>| string_hash(text.as_deref().unwrap_or_default());
    let hash = 17_i32.wrapping_mul(37).wrapping_add(field(&id.scheme));
    hash.wrapping_mul(37).wrapping_add(field(&id.id))
}

/// The bucket of a hash in a table of `capacity`, a power of two (`HashMap.hash`).
fn bucket(hash: i32, capacity: usize) -> usize {
    let hash = hash as u32;
    (hash ^ hash >> 16) as usize & (capacity - 1)
}

/// A table grows when more than three quarters of it are full.
fn is_over_full(len: usize, capacity: usize) -> bool {
    len > capacity * 3 / 4
}

/// A `HashSet<String>`, as far as the order goes in which it lists its members: by bucket, and in
/// a bucket as they came. (Not its trees, which buckets of eight become in large tables.)
#[derive(Debug)]
pub(crate) struct HashSetOrder {
    capacity: usize,
    /// As they came; none where one was removed.
    members: Vec<Option<String>>,
    places: HashMap<String, usize>,
}

impl HashSetOrder {
    const FIRST_CAPACITY: usize = 16;

    /// A set that never had more than `most` members and has these now.
    pub fn new(members: impl Iterator<Item = String>, most: usize) -> Self {
        let mut capacity = Self::FIRST_CAPACITY;
        while is_over_full(most, capacity) {
            capacity *= 2;
        }
        let mut set = HashSetOrder {
            capacity,
            members: Vec::new(),
            places: HashMap::new(),
        };
        members.for_each(|member| set.add(member));
        set
    }

    /// The clone of a set has a table of its own size (`HashMap.putMapEntries`, JDK 17).
    pub fn clone_as_java(self) -> Self {
        let members = self.into_list();
        let capacity = match members.len() {
            0 => Self::FIRST_CAPACITY,
            len => ((len as f32 / 0.75 + 1.0) as usize).next_power_of_two(),
        };
        let mut clone = HashSetOrder {
            capacity,
            members: Vec::with_capacity(members.len()),
            places: HashMap::with_capacity(members.len()),
        };
        members.into_iter().for_each(|member| clone.add(member));
        clone
    }

    pub fn add(&mut self, member: String) {
        if self.places.contains_key(&member) {
            return;
        }
        self.places.insert(member.clone(), self.members.len());
        self.members.push(Some(member));
        if is_over_full(self.places.len(), self.capacity) {
            self.capacity *= 2;
        }
    }

    pub fn remove(&mut self, member: &str) {
        if let Some(place) = self.places.remove(member) {
            self.members[place] = None;
        }
    }

    pub fn into_list(self) -> Vec<String> {
        let mut list: Vec<String> = self.members.into_iter().flatten().collect();
        list.sort_by_cached_key(|member| bucket(string_hash(member), self.capacity));
        list
    }
}

/// Puts ids in the order in which a `ConcurrentHashMap` lists them: that of a connection's
/// identities, and so of an expanded `auth` list.
pub(crate) fn sort_ids_as_hash_set(ids: &mut [Id<'static>]) {
    let mut capacity = 16;
    while is_over_full(ids.len(), capacity) {
        capacity *= 2;
    }
    ids.sort_by_key(|id| bucket(id_hash(id), capacity));
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected values of this module were printed by JDK 17.

    #[test]
    fn passwords_are_those_of_javas_generator() {
        let hex = |id| {
            password(SessionId(id))
                .map(|byte| format!("{byte:02x}"))
                .concat()
        };
        for (id, expected) in include!("../testdata/passwords.in") {
            assert_eq!(hex(id), expected, "{id:#x}");
        }
    }

    #[test]
    fn paths_come_in_the_order_of_a_hash_set() {
        // Within a bucket the order of arrival counts: it is left as it came.
        for expected in include!("../testdata/hash_set_order.in") {
            let paths = expected.iter().map(|path| path.to_string());
            let set = HashSetOrder::new(paths, expected.len());
            assert_eq!(set.clone_as_java().into_list(), *expected);
        }
    }

    #[test]
    fn hashes_are_javas() {
        assert_eq!(
            string_hash("/zookeeper"),
            include!("../testdata/string_hash.in")
        );
        assert_eq!(string_hash(""), 0);
    }
}
