//! A member of an ensemble: it looks for a leader, or is one, or learns from one.
//!
//! Owns the change of roles. What outlives a role is in [`State`] and [`Election`]; a role's own fields end with it.

use proto::Sid;

use crate::election::{self, Election, Notification, PeerState};
use crate::leader::Leading;
use crate::learner::Learning;
use crate::leave::Leave;
use crate::packet::{ToLeader, ToLearner};
use crate::state::{Context, Found, Settings, State};
use crate::violation::Violation;
use crate::{Input, LearnerCounts, LinkId, Output};

#[derive(Debug)]
enum Role {
    /// Nothing was begun yet.
    Idle,
    /// An observer has lost its leader, and looks for one from then on.
    Resting {
        until_ms: u64,
        is_wary: bool,
    },
    Looking,
    Leading(Leading),
    Learning(Learning),
}

#[derive(Debug)]
pub(crate) struct Member {
    state: State,
    election: Election,
    role: Role,
}

impl Member {
    pub fn new(settings: Settings, found: Found) -> Self {
        let (me, quorums) = (settings.me, settings.quorums.clone());
        Member {
            election: Election::new(me, quorums, settings.config.clone())
                .with_resends(settings.resends),
            state: State::new(settings, found),
            role: Role::Idle,
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        let role = match &self.role {
            Role::Idle | Role::Looking => None,
            Role::Resting { until_ms, .. } => Some(*until_ms),
            Role::Leading(leading) => Some(leading.deadline()),
            Role::Learning(learning) => Some(learning.deadline()),
        };
        role.into_iter().chain(self.election.deadline()).min()
    }

    pub fn learner_counts(&self) -> LearnerCounts {
        match &self.role {
            Role::Leading(leading) => leading.counts(&self.state.settings.quorums),
            _ => LearnerCounts::default(),
        }
    }

    pub fn synced_observers(&self) -> Vec<(LinkId, Sid)> {
        match &self.role {
            Role::Leading(leading) => leading.synced_observers(),
            _ => Vec::new(),
        }
    }

    pub fn handle(&mut self, now_ms: u64, input: Input, outputs: &mut Vec<Output>) {
        let before = outputs.len();
        let mut cx = Context {
            now_ms,
            state: &mut self.state,
            outputs,
        };
        let left = match input {
            Input::Start => return self.rest(now_ms, now_ms, false, outputs),
            Input::Vote(from, notification) => {
                return self.vote(now_ms, from, notification, outputs);
            }
            Input::VoterRefused(sid) => {
                return self.elect(now_ms, election::Input::Refused(sid), outputs);
            }
            Input::Timeout if matches!(self.role, Role::Looking) => {
                return self.elect(now_ms, election::Input::Timeout, outputs);
            }
            Input::Timeout if matches!(self.role, Role::Resting { .. }) => {
                return self.look_when_rested(now_ms, outputs);
            }
            Input::Durable(ticket) => {
                cx.durable(ticket);
                self.role.durable(&mut cx);
                Ok(())
            }
            input => self.role.handle(&mut cx, input),
        };
        self.tell_epoch(&outputs[before..]);
        if let Err(leave) = left {
            self.leave(now_ms, leave, outputs);
        }
    }

    /// Servers that look hear of the epoch that this one serves in, as from all the others (ZOOKEEPER-1732).
    fn tell_epoch(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::Serve(_, epoch) = output {
                self.election.set_epoch(*epoch);
            }
        }
    }

    /// Ends the role, with its links and its clients, and looks for a leader.
    fn leave(&mut self, now_ms: u64, leave: Leave, outputs: &mut Vec<Output>) {
        if self.role.is_serving() {
            outputs.push(Output::StopServing);
        }
        let links = self.role.links();
        outputs.extend(links.into_iter().map(Output::Close));
        let broke_a_rule = matches!(leave, Leave::Leader(_));
        outputs.push(Output::Left(leave));
        let settings = &self.state.settings;
        let until_ms = settings.observer_time(now_ms, settings.waits.before_election_ms);
        self.rest(now_ms, until_ms, broke_a_rule, outputs);
    }

    /// Looks for a leader, from then on.
    fn rest(&mut self, now_ms: u64, until_ms: u64, is_wary: bool, outputs: &mut Vec<Output>) {
        self.role = Role::Resting { until_ms, is_wary };
        outputs.push(Output::Become(PeerState::Looking));
        self.look_when_rested(now_ms, outputs);
    }

    fn look_when_rested(&mut self, now_ms: u64, outputs: &mut Vec<Output>) {
        let is_wary = match self.role {
            Role::Resting { until_ms, is_wary } if until_ms <= now_ms => is_wary,
            _ => return,
        };
        self.role = Role::Looking;
        let last_logged = self.state.history.last_logged();
        let input = election::Input::Look(last_logged, self.state.current_epoch);
        self.elect(now_ms, input, outputs);
        if is_wary {
            self.election.be_wary();
        }
    }

    /// What another server would have.
    fn vote(&mut self, now_ms: u64, from: Sid, vote: Notification, outputs: &mut Vec<Output>) {
        let looks_again = vote.state == PeerState::Looking && self.election.is_elected_by(from);
        let input = election::Input::Heard(from, vote);
        self.elect(now_ms, input, outputs);
        if let Role::Leading(leading) = &self.role
            && looks_again
            && leading.has_waited_for_epoch(now_ms, self.state.settings.waits)
        {
            self.leave(now_ms, Leave::VoterLooks, outputs);
        }
    }

    fn elect(&mut self, now_ms: u64, input: election::Input, outputs: &mut Vec<Output>) {
        let mut said = Vec::new();
        self.election.handle(now_ms, input, &mut said);
        for output in said {
            match output {
                election::Output::Send(to, notification) => {
                    outputs.push(Output::Vote(to, notification));
                }
                election::Output::Elected(leader, state) => {
                    self.begin(now_ms, leader, state, outputs);
                }
            }
        }
    }

    fn begin(&mut self, now_ms: u64, leader: Sid, state: PeerState, outputs: &mut Vec<Output>) {
        outputs.push(Output::Become(state));
        let mut cx = Context {
            now_ms,
            state: &mut self.state,
            outputs,
        };
        self.role = match state {
            PeerState::Leading => Role::Leading(Leading::new(&mut cx)),
            _ => Role::Learning(Learning::new(&mut cx, leader)),
        };
    }
}

impl Role {
    fn is_serving(&self) -> bool {
        match self {
            Role::Idle | Role::Resting { .. } | Role::Looking => false,
            Role::Leading(leading) => leading.is_serving(),
            Role::Learning(learning) => learning.is_serving(),
        }
    }

    fn links(&self) -> Vec<LinkId> {
        match self {
            Role::Idle | Role::Resting { .. } | Role::Looking => Vec::new(),
            Role::Leading(leading) => leading.links().collect(),
            Role::Learning(learning) => learning.link().into_iter().collect(),
        }
    }

    fn durable(&mut self, cx: &mut Context<'_>) {
        match self {
            Role::Idle | Role::Resting { .. } | Role::Looking => {}
            Role::Leading(leading) => leading.durable(cx),
            Role::Learning(learning) => learning.durable(cx),
        }
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Leave> {
        match self {
            Role::Leading(leading) => lead(leading, cx, input),
            Role::Learning(learning) => learn(learning, cx, input),
            Role::Idle | Role::Resting { .. } | Role::Looking => {
                refuse(cx, &input);
                Ok(())
            }
        }
    }
}

fn lead(leading: &mut Leading, cx: &mut Context<'_>, input: Input) -> Result<(), Leave> {
    match input {
        Input::Timeout => return leading.timeout(cx),
        Input::Propose { zxid, record } => return leading.propose(cx, zxid, &record),
        Input::Accepted(link) => leading.link_up(cx, link),
        Input::LinkDown(link) => leading.link_down(link),
        Input::ToLeader(link, packet) => leading.packet(cx, link, packet),
        Input::LogRead { link, log } => leading.log_read(cx, link, &log),
        Input::SnapshotReady(link) => leading.snapshot_ready(cx, link),
        Input::Progress(link) => leading.progressed(cx, link),
        Input::Sync(link) => leading.sync(cx, link),
        Input::Revalidated {
            link,
            session,
            valid,
        } => leading.answer(cx, link, ToLearner::Revalidate { session, valid }),
        input => refuse(cx, &input),
    }
    Ok(())
}

fn learn(learning: &mut Learning, cx: &mut Context<'_>, input: Input) -> Result<(), Leave> {
    match input {
        Input::Timeout => return learning.timeout(cx),
        Input::Connected(link) => learning.connected(cx, link),
        Input::Unreachable => return Err(Leave::Unreachable),
        Input::LinkDown(link) => return learning.link_down(link),
        Input::ToLearner(link, packet) => return learning.packet(cx, link, packet),
        Input::SnapshotReceived(link) => return learning.snapshot_received(cx, link),
        Input::Progress(link) => learning.progressed(cx, link),
        Input::Reloaded(last) => return learning.reloaded(cx, last),
        Input::CutRefused(ticket) => return learning.cut_refused(cx, ticket),
        Input::Forward(request) => learning.forward(cx, request),
        Input::Revalidate {
            session,
            timeout_ms,
        } => {
            let ask = ToLeader::Revalidate {
                session,
                timeout_ms,
            };
            learning.ask(cx, ask);
        }
        input => refuse(cx, &input),
    }
    Ok(())
}

/// What comes for a role that is over: the driver could not know. A link is closed, the rest goes with its sender's connection.
fn refuse(cx: &mut Context<'_>, input: &Input) {
    match input {
        Input::Accepted(link) => cx.emit(Output::Drop(*link, Violation::NotLeading)),
        Input::Connected(link) => cx.emit(Output::Close(*link)),
        Input::Propose { zxid, .. } => panic!("{zxid} is proposed, but this server does not lead"),
        _ => {}
    }
}
