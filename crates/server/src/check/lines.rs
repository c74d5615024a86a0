//! Are the server lines of zoo.cfg those that others go by: the other servers, and the ensemble that wrote the data?

use crate::config::{ServerAddress, ServerLine};

/// The server lines in a text of lines `key=value`; others, and those that make no sense, are left out.
pub(super) fn parse(text: &str) -> Vec<ServerLine> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("server."));
    lines
        .filter_map(|line| line.split_once('='))
        .filter_map(|(sid, value)| ServerLine::parse(sid, value).ok())
        .collect()
}

/// What differs between two servers' lines beyond host names, of which one server may have several; none: nothing.
pub(super) fn difference(ours: &[ServerLine], theirs: &[ServerLine]) -> Option<String> {
    let by_sid = |lines: &[ServerLine], sid| lines.iter().find(|line| line.sid == sid).cloned();
    let missing = ours.iter().find(|line| by_sid(theirs, line.sid).is_none());
    if let Some(line) = missing {
        return Some(format!("it has no server.{}", line.sid));
    }
    theirs.iter().find_map(|their| {
        let sid = their.sid;
        let Some(our) = by_sid(ours, sid) else {
            return Some(format!("it has a server.{sid} besides"));
        };
        (text_of(&our) != text_of(their)).then(|| {
            format!(
                "its server.{sid} ends with {}, not {}",
                text_of(their),
                text_of(&our)
            )
        })
    })
}

/// True where both name servers, and none of one is one of the other.
pub(super) fn are_strangers(ours: &[ServerLine], theirs: &[ServerLine]) -> bool {
    let is_ours = |address: &ServerAddress| ours.iter().any(|our| our.addresses.contains(address));
    let mut addresses = theirs.iter().flat_map(|line| &line.addresses);
    !ours.is_empty() && !theirs.is_empty() && !addresses.any(is_ours)
}

/// A line without its host names.
fn text_of(line: &ServerLine) -> String {
    let ports = line.addresses.iter();
    let ports = ports.map(|address| format!("{}:{}", address.quorum_port, address.election_port));
    let role = if line.voting {
        "participant"
    } else {
        "observer"
    };
    format!("{}:{role}", ports.collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "server.1=zoo1:2888:3888\nserver.2=zoo2:2888:3888:observer;2181\n";

    fn difference_to(theirs: &str) -> Option<String> {
        difference(&parse(OURS), &parse(theirs))
    }

    #[test]
    fn host_names_client_ports_and_other_lines_do_not_count() {
        let theirs = "server.1=10.0.0.1:2888:3888:participant\nserver.2=10.0.0.2:2888:3888:observer\nversion=0";
        assert_eq!(difference_to(theirs), None);
    }

    #[test]
    fn servers_ports_and_roles_count() {
        for (theirs, expected) in [
            ("server.1=a:2888:3888", "it has no server.2"),
            (
                "server.1=a:2888:3888\nserver.2=b:2888:3888",
                "its server.2 ends with 2888:3888:participant, not 2888:3888:observer",
            ),
            (
                "server.1=a:2889:3888\nserver.2=b:2888:3888:observer",
                "its server.1 ends with 2889:3888:participant, not 2888:3888:participant",
            ),
            (
                "server.1=a:2888:3888\nserver.2=b:2888:3888:observer\nserver.3=c:2888:3888",
                "it has a server.3 besides",
            ),
        ] {
            assert_eq!(difference_to(theirs).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_ensemble_is_strange_that_has_no_server_in_common() {
        let ours = parse(OURS);
        assert!(are_strangers(&ours, &parse("server.1=old1:2888:3888")));
        assert!(!are_strangers(&ours, &parse("server.7=zoo1:2888:3888")));
        assert!(!are_strangers(&ours, &parse("")), "nothing is known");
    }
}
