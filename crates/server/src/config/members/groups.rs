//! Lines `group.N=sid:sid...` and `weight.SID=N`.
//!
//! Apache: `QuorumHierarchical.parse`.

use std::collections::BTreeMap;

use proto::Sid;
use quorum::verifier::{Hierarchy, Voter};

use super::Member;
use crate::config::error::ConfigError;
use crate::config::settings::{Properties, Setting};

/// Which servers vote together, and what each vote weighs.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Groups {
    /// The group of each server that a group line names.
    pub groups: BTreeMap<i64, i64>,
    /// The weight of each server of a weight line, and of each participant; it is 1 without a line.
    pub weights: BTreeMap<i64, u32>,
}

impl Groups {
    /// Reads the lines that are no server lines; `None` where there are none.
    pub fn read(lines: &Properties, members: &[Member]) -> Result<Option<Self>, ConfigError> {
        let mut found = Groups::default();
        let mut group_lines = BTreeMap::new();
        let mut is_any = false;
        for (name, setting) in lines.iter() {
            if name.starts_with("group") {
                let group = number_of(name, setting)?;
                group_lines.insert(group, (name, setting));
                found.add_group(group, name, setting)?;
                is_any = true;
            } else if name.starts_with("weight") {
                let sid = number_of(name, setting)?;
                found.weights.insert(sid, weight(name, setting)?);
                is_any = true;
            }
        }
        if !is_any {
            return Ok(None);
        }
        found.complete(members)?;
        for (sid, group) in &found.groups {
            if !found.weights.contains_key(sid) {
                let (name, setting) = group_lines[group];
                let reason = format!("names server {sid}, which is no participant");
                let advice = format!("take it out, or give it a weight by a line weight.{sid}");
                return Err(ConfigError::invalid(name, setting, reason, advice));
            }
        }
        Ok(Some(found))
    }

    fn add_group(&mut self, group: i64, name: &str, setting: &Setting) -> Result<(), ConfigError> {
        let refuse = |reason: String| {
            let advice = "write group.N=1:2:3, with each server's number in one group";
            ConfigError::invalid(name, setting, reason, advice)
        };
        for sid in setting.value.trim_end_matches(':').split(':') {
            let number = sid
                .parse()
                .map_err(|_| refuse(format!("has {sid:?}, which is no server number")))?;
            if self.groups.insert(number, group).is_some() {
                return Err(refuse(format!(
                    "names server {number}, which is in a group already"
                )));
            }
        }
        Ok(())
    }

    /// Each participant is in a group and has a weight.
    fn complete(&mut self, members: &[Member]) -> Result<(), ConfigError> {
        for member in members.iter().filter(|member| member.line.voting) {
            let sid = member.line.sid;
            if !self.groups.contains_key(&sid) {
                let advice = "name it in a group line, or remove all group and weight lines";
                return Err(ConfigError::invalid(
                    &member.name,
                    &member.setting,
                    "is in no group",
                    advice,
                ));
            }
            self.weights.entry(sid).or_insert(1);
        }
        Ok(())
    }

    /// Who votes with which weight. What a group names besides participants weighs in it, but never votes.
    pub fn hierarchy(&self, members: &[Member]) -> Hierarchy {
        let is_voting = |sid: i64| {
            let mut voting = members.iter().filter(|member| member.line.voting);
            voting.any(|member| member.line.sid == sid)
        };
        let all = self.groups.iter().map(|(sid, group)| {
            let weight = self.weights[sid].into();
            (
                *sid,
                Voter {
                    group: *group,
                    weight,
                },
            )
        });
        let (voters, others): (Vec<_>, Vec<_>) = all.partition(|(sid, _)| is_voting(*sid));
        let voters = voters.into_iter().map(|(sid, voter)| (Sid(sid), voter));
        Hierarchy::new(voters.collect()).weighed_with(others.into_iter().map(|(_, other)| other))
    }
}

/// The number behind the dot.
fn number_of(name: &str, setting: &Setting) -> Result<i64, ConfigError> {
    let number = name
        .split_once('.')
        .and_then(|(_, number)| number.parse().ok());
    number.ok_or_else(|| {
        let reason = "has no number behind a dot";
        ConfigError::invalid(name, setting, reason, "write group.N or weight.N")
    })
}

fn weight(name: &str, setting: &Setting) -> Result<u32, ConfigError> {
    setting.value.parse().map_err(|_| {
        let reason = "is no weight";
        ConfigError::invalid(name, setting, reason, "write a number from 0 to 4294967295")
    })
}
