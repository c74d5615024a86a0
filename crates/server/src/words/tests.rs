//! What the words say of each role, against what Apache 3.9.5 said: `compat-tests/golden/words`.

mod connections;
mod dump;
mod exchange;
mod plain;
mod watches;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use datatree::DataTree;
use processor::AuthRules;
use proto::{Epoch, Sid};

use super::*;
use crate::config::{self, Config};
use crate::serve::security::Security;
use crate::serve::start::{shared, tree_options};
use quorum::LearnerCounts;

#[test]
fn only_apaches_words_are_words() {
    assert!(is_known(*b"ruok") && is_known(*b"wchp"));
    assert!(!is_known(*b"RUOK") && !is_known([0, 0, 0, 45]));
}

fn golden(name: &str) -> String {
    let words = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../compat-tests/golden/words"
    );
    let path = Path::new(words).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The value of a line `key=value` of a captured conf.
fn value<'a>(conf: &'a str, key: &str) -> &'a str {
    let line = conf
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("no {key} in {conf}"))
}

/// Time does not pass for who waits.
fn ask(server: &Shared, word: &str, argument: Option<i64>) -> Option<String> {
    let word = word.as_bytes().try_into().expect("four letters");
    on_paused_time(answer(server, &asker(), word, argument))
}

fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

/// Who asks, on the plain port.
fn asker() -> Connection {
    let remote = SocketAddr::from(([127, 0, 0, 1], 39_999));
    Connection::new(0, remote, None, &AuthRules::default())
}

/// The server whose conf was captured, with its data elsewhere.
struct Captured {
    dir: tempfile::TempDir,
    server: Shared,
    conf: String,
}

impl Captured {
    /// The one that had this role; it looks for a leader yet. `lines` are added to its zoo.cfg.
    fn new(role: &str, lines: &str) -> Self {
        let conf = golden(&format!("{role}.conf"));
        let dir = tempfile::tempdir().expect("a directory");
        let config = load(dir.path(), &conf, lines);
        let size = value(&conf, "dataDirSize").parse().expect("a size");
        let tree = DataTree::new(tree_options(&config));
        let server = shared(
            config,
            Security::default(),
            tree,
            Box::new(move || [size; 2]),
            1,
        );
        Captured { dir, server, conf }
    }

    /// The one that had this role, and has it.
    fn serving(role: &str, state: PeerState) -> Self {
        let captured = Captured::new(role, "");
        let mut standing = captured.server.standing.lock();
        standing.becomes(state, 0);
        standing.follows(Sid(2));
        standing.serves(state, Epoch(1), 0);
        drop(standing);
        captured
    }

    fn asks(&self, word: &str) -> String {
        let data = self.dir.path().display().to_string();
        let answer = ask(&self.server, word, None).expect("an answer");
        answer.replace(&data, "/data")
    }
}

/// A server on its own; `words` are those that it answers, all where it is empty.
fn alone(words: &str) -> Shared {
    let words = if words.is_empty() { "*" } else { words };
    let flag = format!("-Dzookeeper.4lw.commands.whitelist={words}");
    let config = config::load(&[&flag, "1", "/nowhere"].map(OsString::from), &|_| None);
    let config = config.expect("a configuration");
    let tree = DataTree::new(tree_options(&config));
    shared(config, Security::default(), tree, Box::new(|| [3, 5]), 1)
}

fn load(dir: &Path, conf: &str, lines: &str) -> Config {
    std::fs::write(dir.join("myid"), value(conf, "serverId")).expect("myid");
    let (_, members) = conf.split_once("membership: \n").expect("the members");
    let keys = ["clientPort", "tickTime", "initLimit", "syncLimit"];
    let keys = keys.map(|key| format!("{key}={}\n", value(conf, key)));
    let text = format!(
        "dataDir={}\n4lw.commands.whitelist=*\n{}{members}\n{lines}",
        dir.display(),
        keys.concat()
    );
    let file = dir.join("zoo.cfg");
    std::fs::write(&file, text).expect("zoo.cfg");
    config::load(&[OsString::from(file)], &|_| None).expect("a configuration")
}

const ROLES: [(&str, PeerState); 3] = [
    ("leader", PeerState::Leading),
    ("follower", PeerState::Following),
    ("observer", PeerState::Observing),
];

#[test]
fn conf_of_a_member_is_apaches_to_the_letter() {
    for (role, state) in ROLES {
        let captured = Captured::serving(role, state);
        assert_eq!(captured.asks("conf"), captured.conf, "{role}");
    }
}

/// The captured sizes as the leader's last proposals.
fn propose(server: &Shared, srvr: &str) {
    let sizes = srvr
        .lines()
        .find_map(|line| line.strip_prefix("Proposal sizes last/min/max: "));
    let sizes: Vec<usize> = sizes
        .into_iter()
        .flat_map(|sizes| sizes.split('/'))
        .map(|size| size.parse().expect("a size"))
        .collect();
    // The last one comes last.
    sizes
        .into_iter()
        .rev()
        .for_each(|size| server.standing.lock().proposed(size));
}

#[test]
fn srvr_has_apaches_lines_and_names_the_role() {
    for (role, state) in ROLES {
        let captured = Captured::serving(role, state);
        let expected = golden(&format!("{role}.srvr"));
        propose(&captured.server, &expected);
        let srvr = captured.asks("srvr");
        let head = |line: &str| line.split(": ").next().map(str::to_owned);
        let heads = |text: &str| text.lines().map(head).collect::<Vec<_>>();
        assert_eq!(heads(&srvr), heads(&expected));
        for line in expected
            .lines()
            .filter(|line| line.starts_with("Mode") || line.starts_with("Proposal"))
        {
            assert!(srvr.contains(&format!("\n{line}\n")), "{line}: {srvr}");
        }
        let stat = captured.asks("stat");
        assert_eq!(stat.replacen("Clients:\n\n", "", 1), srvr);
        assert_eq!(captured.asks("isro"), golden(&format!("{role}.isro")));
    }
}

#[test]
fn a_leader_without_proposals_has_no_sizes() {
    let srvr = Captured::serving("leader", PeerState::Leading).asks("srvr");
    assert!(
        srvr.ends_with("\nProposal sizes last/min/max: -1/-1/-1\n"),
        "{srvr}"
    );
}

fn lines(mntr: &str) -> Vec<(&str, &str)> {
    mntr.lines()
        .filter_map(|line| line.split_once('\t'))
        .collect()
}

#[test]
fn mntr_has_what_apache_adds_for_the_role() {
    let mntr = ask(&alone(""), "mntr", None).expect("an answer");
    let common: BTreeSet<&str> = lines(&mntr).into_iter().map(|(key, _)| key).collect();
    for (role, state) in ROLES {
        let captured = Captured::serving(role, state);
        propose(&captured.server, &golden(&format!("{role}.srvr")));
        if state == PeerState::Leading {
            captured.server.standing.lock().count(LearnerCounts {
                all: 3,
                synced_followers: 2,
                synced_observers: 1,
                ..LearnerCounts::default()
            });
        }
        let (mntr, expected) = (captured.asks("mntr"), golden(&format!("{role}.mntr")));
        let own = lines(&mntr)
            .into_iter()
            .filter(|(key, _)| !common.contains(key) || *key == "zk_server_state");
        let comparable =
            |(key, _): &(&str, &str)| !["zk_version", "zk_leader_uptime"].contains(key);
        let expected_lines: BTreeSet<_> = lines(&expected).into_iter().filter(comparable).collect();
        assert_eq!(
            own.filter(comparable).collect::<BTreeSet<_>>(),
            expected_lines,
            "{role}"
        );
        assert_eq!(
            mntr.contains("zk_leader_uptime\t"),
            expected.contains("zk_leader_uptime\t")
        );
        let in_front = |text| {
            lines(text)
                .iter()
                .map(|(key, _)| key.to_string())
                .take(4)
                .collect::<Vec<_>>()
        };
        let count = if state == PeerState::Observing { 4 } else { 3 };
        assert_eq!(in_front(&mntr)[..count], in_front(&expected)[..count]);
    }
}

#[test]
fn without_a_quorum_each_word_says_what_apache_says() {
    let captured = Captured::new("leader", "");
    let answers = golden("no-quorum.tsv");
    assert!(answers.lines().count() > 10);
    for line in answers.lines() {
        let (word, expected) = line.split_once('\t').expect("a word and its answer");
        let expected = expected.trim_matches('"').replace("\\n", "\n");
        assert_eq!(captured.asks(word), expected, "{word}");
    }
}

#[test]
fn a_leader_that_is_not_to_serve_says_so() {
    let captured = Captured::new("leader", "leaderServes=no");
    let mut standing = captured.server.standing.lock();
    standing.becomes(PeerState::Leading, 0);
    standing.follows(Sid(2));
    standing.serves(PeerState::Leading, Epoch(1), 0);
    drop(standing);
    assert_eq!(captured.asks("srvr"), format!("{NOT_SERVING}\n"));
    let follower = PeerState::Following;
    captured
        .server
        .standing
        .lock()
        .serves(follower, Epoch(1), 0);
    assert!(captured.asks("srvr").contains("Mode: follower"));
}
