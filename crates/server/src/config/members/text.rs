//! The configuration as servers tell it to each other, and to clients in `/zookeeper/config`.
//!
//! Apache: `QuorumMaj.toString`, `QuorumHierarchical.toString`. All of Apache's servers read it in any order; the lines have
//! the order of Java's `HashMap` here too, so that servers of both kinds show clients the same text.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::groups::Groups;
use super::{Member, Members};

/// The text of these members.
pub(super) fn text(members: &Members) -> String {
    let by_sid: BTreeMap<i64, &Member> = members.all.iter().map(|m| (m.line.sid, m)).collect();
    let mut text = String::new();
    for sid in in_map_order(by_sid.keys()) {
        let _ = writeln!(text, "server.{sid}={}", by_sid[&sid]);
    }
    if let Some(groups) = &members.groups {
        text += &group_lines(groups);
    }
    let _ = write!(text, "version={:x}", members.version);
    text
}

fn group_lines(groups: &Groups) -> String {
    let mut of_group: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for sid in in_map_order(groups.groups.keys()) {
        let group = groups.groups[&sid];
        of_group.entry(group).or_default().push(sid.to_string());
    }
    let mut text = String::new();
    for group in in_map_order(of_group.keys()) {
        let _ = writeln!(text, "group.{group}={}", of_group[&group].join(":"));
    }
    for sid in in_map_order(groups.weights.keys()) {
        let _ = writeln!(text, "weight.{sid}={}", groups.weights[&sid]);
    }
    text
}

/// The order in which Java goes through a `HashMap` of these keys. Numbers of one bucket have the order of their arrival
/// there, and that of numbers here: it takes numbers that differ by a multiple of 16.
fn in_map_order<'a>(numbers: impl Iterator<Item = &'a i64>) -> Vec<i64> {
    let mut numbers: Vec<i64> = numbers.copied().collect();
    let mut buckets: u32 = 16;
    while numbers.len() as u64 * 4 > u64::from(buckets) * 3 {
        buckets *= 2;
    }
    let bucket = |number: i64| {
        let hash = (number ^ number >> 32) as u32;
        (hash ^ hash >> 16) & (buckets - 1)
    };
    numbers.sort_by_key(|number| (bucket(*number), *number));
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_the_order_of_javas_buckets() {
        assert_eq!(in_map_order([3, 1, 2].iter()), [1, 2, 3]);
        assert_eq!(in_map_order([1, 2, 18, 16].iter()), [16, 1, 2, 18]);
        let many: Vec<i64> = (10..23).collect();
        assert_eq!(in_map_order(many.iter()), many, "13 have 32 buckets");
    }
}
