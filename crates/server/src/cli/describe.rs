//! The sub-commands as shells and the manual know them. What a command line means is `cli`'s.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use clap::{Arg, ArgAction, Command as Described, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::{Command, CommandError};

const NAME: &str = "ironkeeper";

/// The shell that `completions` names.
pub(super) fn shell(args: &[OsString]) -> Result<Command, CommandError> {
    let [name] = args else {
        return Err(NO_SHELL);
    };
    let shell = Shell::from_str(&name.to_string_lossy(), false);
    shell.map(Command::Completions).map_err(|_| NO_SHELL)
}

const NO_SHELL: CommandError = CommandError::Arguments {
    command: "completions",
    needs: "the name of a shell: bash, elvish, fish, powershell or zsh",
};

/// The script that makes a shell complete the sub-commands.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut described(), NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes `ironkeeper.1` and a page for each sub-command into a directory, which is made where it is missing.
///
/// # Errors
/// A file cannot be written.
pub fn write_manual(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(described().disable_help_subcommand(true), directory)?;
    // What a reader of a page may expect to find there, not only what shells know.
    let page = directory.join(format!("{NAME}.1"));
    let mut page = File::options().append(true).open(page)?;
    io::Write::write_all(&mut page, MORE.as_bytes())
}

/// In the manual's own language.
const MORE: &str = "\
.SH ENVIRONMENT
.TP
\\fBSERVER_JVMFLAGS\\fR, \\fBJVMFLAGS\\fR, \\fBJAVA_TOOL_OPTIONS\\fR, \\fBJDK_JAVA_OPTIONS\\fR, \\fB_JAVA_OPTIONS\\fR
Options of a JVM, of which those of the form \\-Dname=value count.
.SH EXIT STATUS
0 stopped in order, 1 an unexpected error, 2 wrong arguments or configuration, 3 the data directory cannot be used,
12 and 13 a leader that does not fit, 14 the quorum or election port is taken.
.SH SEE ALSO
zkServer.sh, zkCleanup.sh, zkTxnLogToolkit.sh, zkSnapShotToolkit.sh, zkSnapshotComparer.sh
";

fn described() -> Described {
    let zoo_cfg = || path("zoo.cfg", "The configuration file");
    let property = || {
        Arg::new("property")
            .short('D')
            .value_name("name=value")
            .action(ArgAction::Append)
            .help("Sets a property, as it does for a JVM")
    };
    Described::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .about("A server in place of Apache ZooKeeper 3.9.5, and its tools")
        .subcommand_required(true)
        .subcommands([
            sub(
                "serve",
                "Runs a server until it is stopped by SIGTERM or SIGINT",
            )
            .args([property(), zoo_cfg()]),
            sub(
                "check",
                "Tells what would work, differ or block if a server started now",
            )
            .args([property(), zoo_cfg()]),
            sub("certs", "Makes certificates and stores for trying TLS out").args([
                option("out", "directory", "Where they are written"),
                option("host", "name or address", "A host that they are for"),
            ]),
            bench::describe().name("bench"),
            sub("txnlog", "Prints, repairs or cuts a transaction log").args([
                flag('d', "dump", "Print all txns"),
                flag('r', "recover", "Write a copy whose checksums are right"),
                flag('v', "verbose", "With -r: print all txns"),
                flag('y', "yes", "With -r: do not ask"),
                flag('c', "chop", "With -z: copy the txns up to a zxid"),
                option("zxid", "zxid", "The last one that is copied").short('z'),
                path("log", "The log"),
            ]),
            sub("snapshot", "Prints a snapshot").args([
                flag('d', "data", "Print the data of znodes").long(None),
                path("snapshot", "The snapshot"),
            ]),
            sub(
                "snapshot-compare",
                "Prints what differs between two snapshots",
            )
            .args([
                option("left", "snapshot", "One snapshot")
                    .short('l')
                    .value_hint(ValueHint::FilePath),
                option("right", "snapshot", "The other one")
                    .short('r')
                    .value_hint(ValueHint::FilePath),
                option(
                    "bytes",
                    "bytes",
                    "Bytes above which a difference is printed",
                )
                .short('b'),
                option(
                    "nodes",
                    "znodes",
                    "Znodes above which a difference is printed",
                )
                .short('n'),
                flag('d', "debug", "Print what is compared"),
                flag('i', "interactive", "Ask what to compare"),
            ]),
            sub("snapshot-summary", "Counts and sizes below a znode").args([
                path("snapshot", "The snapshot"),
                argument("znode", "Where to begin"),
                argument("depth", "Levels that are printed, 0 for all"),
            ]),
            sub(
                "purge",
                "Removes all snapshots but the newest, and the logs behind them",
            )
            .args([
                path("dataLogDir", "Directory of the logs"),
                path(
                    "dataDir",
                    "Directory of the snapshots, if it is another one",
                )
                .required(false),
                option("count", "count", "How many snapshots are kept, at least 3")
                    .short('n')
                    .long(None),
            ]),
            sub("word", "Asks a server a four letter word").args([
                property(),
                argument("host", "The server's host").value_hint(ValueHint::Hostname),
                argument("port", "Its client port"),
                argument("word", "ruok, srvr, mntr and so on"),
                argument("secure", "true: with TLS").required(false),
            ]),
            sub("completions", "Writes what a shell completes").arg(
                argument("shell", "The shell")
                    .value_parser(clap::builder::EnumValueParser::<Shell>::new()),
            ),
            sub("man", "Writes the pages of the manual")
                .arg(path("directory", "Where they are written").value_hint(ValueHint::DirPath)),
            sub("version", "Prints the version"),
            sub("help", "Prints how the sub-commands are used"),
        ])
        .disable_help_subcommand(true)
}

fn sub(name: &'static str, about: &'static str) -> Described {
    Described::new(name).about(about)
}

fn argument(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).help(help).required(true)
}

fn path(name: &'static str, help: &'static str) -> Arg {
    argument(name, help).value_hint(ValueHint::AnyPath)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn flag(letter: char, name: &'static str, help: &'static str) -> Arg {
    let flag = Arg::new(name).short(letter).long(name);
    flag.action(ArgAction::SetTrue).help(help)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::{self, USAGE};

    #[test]
    fn shells_know_the_sub_commands_of_the_usage_text_and_no_others() {
        let used: BTreeSet<_> = USAGE
            .lines()
            .filter_map(|line| line.split_once("ironkeeper ")?.1.split(' ').next())
            .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
            .map(str::to_owned)
            .collect();
        let described = described();
        described.clone().debug_assert();
        let known: BTreeSet<_> = described
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .collect();
        assert_eq!(known, used);
        for name in known {
            let parsed = cli::parse(&NAME.into(), &[name.clone().into()], &|_| None);
            let is_unknown = matches!(parsed, Err(CommandError::Unknown(_)));
            assert!(!is_unknown, "{name}");
        }
    }

    #[test]
    fn each_shell_gets_a_script_and_the_manual_a_page_for_each_sub_command() {
        for shell in Shell::value_variants() {
            assert!(completions(*shell).contains("snapshot-compare"), "{shell}");
        }
        let directory = tempfile::tempdir().expect("a directory");
        write_manual(directory.path()).expect("written");
        for name in ["ironkeeper.1", "ironkeeper-serve.1", "ironkeeper-txnlog.1"] {
            let page = fs::read_to_string(directory.path().join(name)).expect(name);
            assert!(page.contains(".SH"), "{name}: {page}");
        }
    }
}
