//! The table of commands, and what is asked before one is carried out (Apache: `Commands.runCommand`).

use hyper::StatusCode;
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;

use super::access::{self, Refusal};
use super::connection::Caller;
use super::content::Content;
use super::request::Asked;
use super::{Admin, restore, snapshot, tell};
use crate::words::{self, NOT_SERVING, Role};

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    ConnectionStatReset,
    Configuration,
    Connections,
    Hash,
    Dirs,
    Dump,
    Environment,
    GetTraceMask,
    InitialConfiguration,
    IsReadOnly,
    LastSnapshot,
    Leader,
    Monitor,
    ObserverConnectionStatReset,
    Restore,
    Ruok,
    SetTraceMask,
    Snapshot,
    ServerStats,
    Stats,
    StatReset,
    Observers,
    SystemProperties,
    VotingView,
    Watches,
    WatchesByPath,
    WatchSummary,
    ZabState,
}

/// A command by its names; the first is the one that answers tell.
#[derive(Debug)]
pub(super) struct Command {
    pub names: &'static [&'static str],
    pub what: What,
    /// It can only be told by a server that serves.
    pub needs_role: bool,
}

const fn serving(names: &'static [&'static str], what: What) -> Command {
    Command {
        names,
        what,
        needs_role: true,
    }
}

const fn always(names: &'static [&'static str], what: What) -> Command {
    Command {
        names,
        what,
        needs_role: false,
    }
}

/// By their first names. monitor needs a server that serves: Apache, which says otherwise, fails without one.
pub(super) const COMMANDS: [Command; 28] = [
    serving(&["configuration", "conf", "config"], What::Configuration),
    serving(
        &["connection_stat_reset", "crst"],
        What::ConnectionStatReset,
    ),
    serving(&["connections", "cons"], What::Connections),
    serving(&["dirs"], What::Dirs),
    serving(&["dump"], What::Dump),
    always(&["environment", "env", "envi"], What::Environment),
    always(&["get_trace_mask", "gtmk"], What::GetTraceMask),
    serving(&["hash"], What::Hash),
    serving(
        &["initial_configuration", "icfg"],
        What::InitialConfiguration,
    ),
    serving(&["is_read_only", "isro"], What::IsReadOnly),
    serving(&["last_snapshot", "lsnp"], What::LastSnapshot),
    serving(&["leader", "lead"], What::Leader),
    serving(&["monitor", "mntr"], What::Monitor),
    serving(
        &["observer_connection_stat_reset", "orst"],
        What::ObserverConnectionStatReset,
    ),
    serving(&["observers", "obsr"], What::Observers),
    serving(&["restore", "rest"], What::Restore),
    serving(&["ruok"], What::Ruok),
    serving(&["server_stats", "srvr"], What::ServerStats),
    always(&["set_trace_mask", "stmk"], What::SetTraceMask),
    serving(&["snapshot", "snap"], What::Snapshot),
    serving(&["stat_reset", "srst"], What::StatReset),
    serving(&["stats", "stat"], What::Stats),
    always(&["system_properties", "sysp"], What::SystemProperties),
    serving(&["voting_view"], What::VotingView),
    serving(&["watch_summary", "wchs"], What::WatchSummary),
    serving(&["watches", "wchc"], What::Watches),
    serving(&["watches_by_path", "wchp"], What::WatchesByPath),
    always(&["zabstate"], What::ZabState),
];

impl What {
    /// It moves the data, so that not everybody may have it.
    fn is_guarded(self) -> bool {
        matches!(self, What::Restore | What::Snapshot)
    }

    fn is_posted(self) -> bool {
        self == What::Restore
    }

    /// Its answer is as long as there are sessions, connections or watches.
    fn lists(self) -> bool {
        matches!(
            self,
            What::Connections | What::Dump | What::Stats | What::Watches | What::WatchesByPath
        )
    }
}

/// What comes of a command.
pub(super) struct Answer {
    pub status: StatusCode,
    /// The command's first name; `None`: there is no such command.
    pub command: Option<&'static str>,
    pub fields: Map<String, Value>,
    pub error: Option<String>,
    /// Names in small letters, and numbers.
    pub headers: Vec<(&'static str, String)>,
    /// In the place of all that.
    pub file: Option<Content>,
    /// Held until the answer is sent.
    pub place: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub fn told(fields: Map<String, Value>) -> Self {
        Answer {
            status: StatusCode::OK,
            command: None,
            fields,
            error: None,
            headers: Vec::new(),
            file: None,
            place: None,
        }
    }

    pub fn refused(status: StatusCode, error: impl Into<String>) -> Self {
        Answer {
            status,
            error: Some(error.into()),
            ..Answer::told(Map::new())
        }
    }

    fn of(self, command: &Command) -> Self {
        Answer {
            command: Some(command.names[0]),
            ..self
        }
    }

    /// Of an answer in which Apache names the command as it was asked for.
    fn named_as_asked(self, command: &Command, name: &str) -> Self {
        let own = command.names.iter().find(|own| **own == name);
        Answer {
            command: own.copied(),
            ..self
        }
    }
}

/// The names that the index has, in its order.
pub(super) fn primary_names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.names[0])
}

/// What stands at the end of each answer, unless the command has said it (`CommandResponse.toMap`).
pub(super) fn with_ends(
    mut fields: Map<String, Value>,
    command: &str,
    error: Option<String>,
) -> Map<String, Value> {
    fields.entry("command").or_insert_with(|| command.into());
    fields.entry("error").or_insert_with(|| error.into());
    fields
}

/// GET.
pub(super) async fn get(admin: &Admin, caller: &Caller, asked: &Asked) -> Answer {
    let (command, role) = match find(admin, caller, asked) {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    if command.what.is_posted() {
        return wrong_method("POST").of(command);
    }
    let place = match command.what.lists() {
        true => admin.listings.clone().acquire_owned().await.ok(),
        false => None,
    };
    let answer = match command.what {
        What::Snapshot => snapshot::take(admin, asked).await,
        what => tell::answer(admin, what, role, asked).await,
    };
    Answer { place, ..answer }.of(command)
}

/// POST.
pub(super) async fn post(admin: &Admin, caller: &Caller, asked: &Asked, body: Incoming) -> Answer {
    match find(admin, caller, asked) {
        Ok((command, _)) if command.what.is_posted() => {
            restore::from(admin, body).await.of(command)
        }
        Ok((command, _)) => wrong_method("GET").of(command),
        Err(answer) => *answer,
    }
}

/// The command, for who may have it, and what the server is.
fn find(
    admin: &Admin,
    caller: &Caller,
    asked: &Asked,
) -> Result<(&'static Command, Option<Role>), Box<Answer>> {
    let name = asked.name.as_str();
    let Some(command) = COMMANDS
        .iter()
        .find(|command| command.names.contains(&name))
    else {
        let error = format!("Unknown command: {name}");
        return Err(Box::new(Answer::refused(StatusCode::OK, error)));
    };
    let role = words::role(&admin.server);
    if command.needs_role && role.is_none() {
        let answer = Answer::refused(StatusCode::OK, NOT_SERVING);
        return Err(Box::new(answer.named_as_asked(command, name)));
    }
    if command.what.is_guarded() {
        let refuse = |refusal| Box::new(refused(refusal).named_as_asked(command, name));
        access::check(admin, caller, asked).map_err(refuse)?;
    }
    Ok((command, role))
}

fn refused(refusal: Refusal) -> Answer {
    let (status, error) = match refusal {
        Refusal::Missing => (
            StatusCode::UNAUTHORIZED,
            "Auth info is missing for the command",
        ),
        Refusal::NotAuthenticated => (StatusCode::UNAUTHORIZED, "Not authenticated"),
        Refusal::NotAuthorized => (StatusCode::FORBIDDEN, "Not authorized"),
    };
    Answer::refused(status, error)
}

/// Apache fails here, with 500 and a page that shows its stack.
fn wrong_method(right: &'static str) -> Answer {
    let error = format!("This command is for {right}");
    let headers = vec![("allow", right.to_owned())];
    Answer {
        headers,
        ..Answer::refused(StatusCode::METHOD_NOT_ALLOWED, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_by_their_names_each_of_which_is_one_commands() {
        let names: Vec<_> = primary_names().collect();
        assert!(names.is_sorted(), "{names:?}");
        let mut all: Vec<_> = COMMANDS.iter().flat_map(|command| command.names).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
