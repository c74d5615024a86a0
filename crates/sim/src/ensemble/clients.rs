//! What is under way between clients and servers.

use rand::Rng;

use super::client::{ClientLink, Turn};
use super::frame::{ConnectionId, Pipe, ToClient, ToServer, Who};
use super::process::Effects;
use super::world::{Event, World};

impl World {
    /// A client has its turn.
    pub fn client_turn(&mut self, index: usize) {
        let wait_ms = 5 + self.delay(if self.is_quiet { 60 } else { 45 });
        self.after(wait_ms, Event::Turn(index));
        let newest = self.checks.newest_told();
        let is_quiet = self.is_quiet || self.lull_ms.contains(&self.now_ms);
        let client = &mut self.clients[index];
        match client.turn(self.now_ms, is_quiet, newest, &mut self.random) {
            Turn::Nothing => {}
            Turn::Connect(frame) => self.connect_client(index, frame),
            Turn::Say(frames) => {
                self.counts.requests += frames.len() as u64;
                frames.into_iter().for_each(|frame| self.say(index, frame));
            }
            Turn::Leave => self.leave_server(index),
        }
    }

    fn connect_client(&mut self, index: usize, frame: ToServer) {
        let sids = self.sids();
        let sid = sids[self.random.random_range(0..sids.len())];
        let node = &self.nodes[&sid];
        if node.process.is_none() {
            let away_ms = self.delay(100);
            return self.clients[index].disconnected(self.now_ms, away_ms);
        }
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        let link = ClientLink {
            client: index,
            server: (sid, node.incarnation),
            to_server: Pipe::default(),
            to_client: Pipe::default(),
        };
        self.connections.insert(id, link);
        self.counts.moved_sessions += u64::from(self.clients[index].goes_to(id, sid));
        self.say(index, frame);
    }

    fn say(&mut self, index: usize, frame: ToServer) {
        let Some(id) = self.clients[index].connection else {
            return;
        };
        if self.is_traced {
            eprintln!(
                "{:>6} client {index} on {} says {frame:?}",
                self.now_ms, id.0
            );
        }
        let (now_ms, delay_ms) = (self.now_ms, self.delay(5));
        if let Some(link) = self.connections.get_mut(&id) {
            let at_ms = link.to_server.push(frame, now_ms, delay_ms);
            self.after(at_ms - now_ms, Event::ToServer(id));
        }
    }

    fn leave_server(&mut self, index: usize) {
        self.say(index, ToServer::Closed);
        let away_ms = self.delay(150);
        self.clients[index].disconnected(self.now_ms, away_ms);
    }

    /// A frame arrives at a server.
    pub fn frame_to_server(&mut self, id: ConnectionId) {
        let Some(link) = self.connections.get_mut(&id) else {
            return;
        };
        let (who, frame) = (link.server, link.to_server.pop());
        let Some(frame) = frame.filter(|_| self.is_running(who)) else {
            return;
        };
        let now_ms = self.local_ms(who.0);
        let mut effects = Effects::default();
        let is_last = matches!(frame, ToServer::Closed);
        self.process(who).client(now_ms, id, frame, &mut effects);
        if is_last {
            self.connections.remove(&id);
        }
        self.drive(who, effects);
    }

    /// A server says something to a client.
    pub fn send_to_client(&mut self, id: ConnectionId, frame: ToClient) {
        let (now_ms, delay_ms) = (self.now_ms, self.delay(5));
        if let Some(link) = self.connections.get_mut(&id) {
            let at_ms = link.to_client.push(frame, now_ms, delay_ms);
            self.after(at_ms - now_ms, Event::ToClient(id));
        }
    }

    /// A frame arrives at a client.
    pub fn frame_to_client(&mut self, id: ConnectionId) {
        let Some(link) = self.connections.get_mut(&id) else {
            return;
        };
        let (index, frame) = (link.client, link.to_client.pop());
        let Some(frame) = frame.filter(|_| self.clients[index].connection == Some(id)) else {
            return;
        };
        if self.is_traced {
            eprintln!(
                "{:>6} client {index} on {} hears {frame:?}",
                self.now_ms, id.0
            );
        }
        if matches!(frame, ToClient::Closed) {
            self.connections.remove(&id);
            let away_ms = self.delay(100);
            return self.clients[index].disconnected(self.now_ms, away_ms);
        }
        let client = &mut self.clients[index];
        let answer = client.hear(self.now_ms, frame, &mut self.checks, &mut self.counts);
        if let Some(frame) = answer {
            self.say(index, frame);
        }
    }

    /// A process has ended, and the system closes its clients' connections behind what was sent.
    pub fn close_clients_of(&mut self, who: Who) {
        let its = self
            .connections
            .iter()
            .filter(|(_, link)| link.server == who);
        let its: Vec<ConnectionId> = its.map(|(id, _)| *id).collect();
        its.into_iter()
            .for_each(|id| self.send_to_client(id, ToClient::Closed));
    }

    /// Every client that is connected writes something.
    pub fn write_everywhere(&mut self) {
        for index in 0..self.clients.len() {
            if let Some(frame) = self.clients[index].last_write(self.now_ms) {
                self.say(index, frame);
            }
        }
    }
}
