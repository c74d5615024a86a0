//! Which sets of servers are a quorum: a majority, or a majority of weight in a majority of groups.

use std::collections::{BTreeMap, BTreeSet};

use proto::Sid;

/// The voters of one configuration, and when enough of them agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuorumVerifier {
    /// More than half of the voters.
    Majority(BTreeSet<Sid>),
    /// Groups and weights, from lines `group.N` and `weight.N`.
    Hierarchical(Hierarchy),
}

impl QuorumVerifier {
    /// A majority of these voters.
    pub fn majority(voters: impl IntoIterator<Item = Sid>) -> Self {
        QuorumVerifier::Majority(voters.into_iter().collect())
    }

    /// Who may vote, in the order of their ids.
    pub fn voters(&self) -> impl Iterator<Item = Sid> {
        let (plain, weighed) = match self {
            QuorumVerifier::Majority(voters) => (Some(voters), None),
            QuorumVerifier::Hierarchical(hierarchy) => (None, Some(&hierarchy.voters)),
        };
        let weighed = weighed.into_iter().flat_map(BTreeMap::keys);
        plain.into_iter().flatten().chain(weighed).copied()
    }

    /// Whether this server may vote.
    pub fn is_voter(&self, sid: Sid) -> bool {
        match self {
            QuorumVerifier::Majority(voters) => voters.contains(&sid),
            QuorumVerifier::Hierarchical(hierarchy) => hierarchy.voters.contains_key(&sid),
        }
    }

    /// Whether this server may lead: one of weight 0 may not, though it votes.
    pub fn can_lead(&self, sid: Sid) -> bool {
        match self {
            QuorumVerifier::Majority(_) => true,
            QuorumVerifier::Hierarchical(hierarchy) => hierarchy
                .voters
                .get(&sid)
                .is_some_and(|voter| voter.weight != 0),
        }
    }

    /// Whether these servers are a quorum; those that may not vote do not count.
    pub fn is_quorum(&self, sids: &BTreeSet<Sid>) -> bool {
        match self {
            QuorumVerifier::Majority(voters) => {
                voters.intersection(sids).count() > voters.len() / 2
            }
            QuorumVerifier::Hierarchical(hierarchy) => hierarchy.is_quorum(sids),
        }
    }
}

/// A voter's place in a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voter {
    /// The group, from `group.N`.
    pub group: i64,
    /// What its vote weighs in the group, from `weight.N`; 1 where there is no such line.
    pub weight: u64,
}

/// Voters in groups. A quorum has more than half of the weight in more than half of the groups that weigh anything.
///
/// Apache: `QuorumHierarchical`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    voters: BTreeMap<Sid, Voter>,
    /// Of groups that weigh more than 0.
    weights: BTreeMap<i64, u64>,
}

impl Hierarchy {
    /// A hierarchy of these voters.
    pub fn new(voters: BTreeMap<Sid, Voter>) -> Self {
        let weights = weigh(voters.values());
        Hierarchy { voters, weights }
    }

    /// Servers that group lines name and that do not vote weigh in their groups all the same: a quorum is harder to have.
    pub fn weighed_with(mut self, others: impl IntoIterator<Item = Voter>) -> Self {
        let others: Vec<Voter> = others.into_iter().collect();
        self.weights = weigh(self.voters.values().chain(&others));
        self
    }

    fn is_quorum(&self, sids: &BTreeSet<Sid>) -> bool {
        let present = weigh(sids.iter().filter_map(|sid| self.voters.get(sid)));
        let won = present
            .iter()
            .filter(|(group, weight)| **weight > self.weights[group] / 2);
        won.count() > self.weights.len() / 2
    }
}

/// The weight of each group that has any.
fn weigh<'a>(voters: impl Iterator<Item = &'a Voter>) -> BTreeMap<i64, u64> {
    let mut weights = BTreeMap::new();
    for voter in voters.filter(|voter| voter.weight > 0) {
        *weights.entry(voter.group).or_default() += voter.weight;
    }
    weights
}

/// The configurations that must agree: the current one and, while a reconfig is under way, the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorums {
    current: QuorumVerifier,
    next: Option<QuorumVerifier>,
}

impl Quorums {
    /// One configuration.
    pub fn of(current: QuorumVerifier) -> Self {
        Quorums {
            current,
            next: None,
        }
    }

    /// Whether this server may vote in one of them.
    pub fn is_voter(&self, sid: Sid) -> bool {
        self.all().any(|verifier| verifier.is_voter(sid))
    }

    /// All who may vote, each once.
    pub fn voters(&self) -> BTreeSet<Sid> {
        self.all().flat_map(QuorumVerifier::voters).collect()
    }

    /// Whether the current configuration lets this server lead.
    pub fn can_lead(&self, sid: Sid) -> bool {
        self.current.can_lead(sid)
    }

    /// Whether these servers are a quorum of each of them.
    pub fn are_quorums(&self, sids: &BTreeSet<Sid>) -> bool {
        self.all().all(|verifier| verifier.is_quorum(sids))
    }

    fn all(&self) -> impl Iterator<Item = &QuorumVerifier> {
        std::iter::once(&self.current).chain(&self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sids(ids: &[i64]) -> BTreeSet<Sid> {
        ids.iter().copied().map(Sid).collect()
    }

    fn hierarchy(voters: &[(i64, i64, u64)]) -> QuorumVerifier {
        let voters = voters
            .iter()
            .map(|&(sid, group, weight)| (Sid(sid), Voter { group, weight }));
        QuorumVerifier::Hierarchical(Hierarchy::new(voters.collect()))
    }

    #[test]
    fn a_majority_is_more_than_half_of_the_voters() {
        let verifier = QuorumVerifier::majority(sids(&[1, 2, 3, 4]));
        assert!(!verifier.is_quorum(&sids(&[1, 2])));
        assert!(verifier.is_quorum(&sids(&[1, 2, 4])));
        assert!(!verifier.is_quorum(&sids(&[1, 2, 9])), "9 may not vote");
    }

    #[test]
    fn groups_need_a_majority_of_weight_in_a_majority_of_groups() {
        let verifier = hierarchy(&[(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 2, 3), (5, 3, 1)]);
        assert!(!verifier.is_quorum(&sids(&[1, 2])), "one group of three");
        assert!(
            !verifier.is_quorum(&sids(&[1, 2, 3])),
            "a quarter of the second"
        );
        assert!(verifier.is_quorum(&sids(&[1, 2, 4])));
        assert!(!verifier.is_quorum(&sids(&[1, 4])), "half of the first");
    }

    #[test]
    fn a_server_that_does_not_vote_weighs_in_its_group() {
        let voter = |weight| Voter { group: 1, weight };
        let voters = [(Sid(1), voter(1)), (Sid(2), voter(1))].into();
        let hierarchy = Hierarchy::new(voters);
        let alone = QuorumVerifier::Hierarchical(hierarchy.clone());
        let among = QuorumVerifier::Hierarchical(hierarchy.weighed_with([voter(2)]));
        assert!(alone.is_quorum(&sids(&[1, 2])));
        assert!(!among.is_quorum(&sids(&[1, 2])), "half of the weight");
    }

    #[test]
    fn a_group_without_weight_does_not_count() {
        let verifier = hierarchy(&[(1, 1, 1), (2, 2, 0), (3, 2, 0)]);
        assert!(verifier.is_quorum(&sids(&[1])));
        assert!(!verifier.is_quorum(&sids(&[2, 3])));
        assert!(verifier.is_voter(Sid(2)) && !verifier.can_lead(Sid(2)));
    }
}
