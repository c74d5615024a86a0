//! docs/configuration.md against the binary: what it says is refused is refused, what it says is harmless is accepted and said.

use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// A key or property of the page, and what it says of it.
#[derive(Debug)]
struct Row {
    key: String,
    property: String,
    default: &'static str,
    treatment: &'static str,
}

impl Row {
    /// The rows of the tables of keys.
    fn all() -> impl Iterator<Item = Row> {
        let lines = PAGE.lines().filter(|line| line.starts_with('|'));
        lines.filter_map(|line| {
            let columns: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [key, property, default, _, treatment, _] = columns[..] else {
                return None;
            };
            let name = |text: &str| text.trim_matches('`').replace('*', "some");
            let (key, property) = (name(key), name(property));
            let is_row = line.contains('`');
            is_row.then_some(Row {
                key,
                property,
                default,
                treatment,
            })
        })
    }

    fn name(&self) -> &str {
        match self.key.is_empty() {
            true => &self.property,
            false => &self.key,
        }
    }

    /// Where the key begins as a server line does, the file takes it for one, Apache's too.
    fn is_set_in_the_file(&self) -> bool {
        !self.key.is_empty() && !self.key.starts_with("server.")
    }

    /// A value that is not the default.
    fn other_value(&self) -> &str {
        match self.default {
            "true" => "false",
            "false" => "true",
            default if default.parse::<u64>().is_ok() => "2191",
            _ => "something",
        }
    }

    /// The default, or any value where that is said in words.
    fn some_value(&self) -> &str {
        match self.default {
            default if default.is_empty() || default.contains(' ') => "12",
            default => default,
        }
    }
}

/// What `ironkeeper check` says of a file of these lines and the settings of these rows.
fn check(dir: &Path, lines: &str, settings: &[(&Row, &str)]) -> (Option<i32>, String) {
    let (in_file, by_option): (Vec<_>, Vec<_>) = settings
        .iter()
        .partition(|(row, _)| row.is_set_in_the_file());
    let line = |(row, value): &(&Row, &str)| format!("{}={value}", row.key);
    let option = |(row, value): &(&Row, &str)| format!("-D{}={value}", row.property);
    let text_of_file: Vec<String> = in_file.iter().map(line).collect();
    let options: Vec<String> = by_option.iter().map(option).collect();
    let file = dir.join("zoo.cfg");
    let common = format!("dataDir={}\nclientPort=0\n{lines}", dir.display());
    std::fs::write(&file, format!("{common}{}\n", text_of_file.join("\n"))).expect("zoo.cfg");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironkeeper"));
    command.arg("check").args(options).arg(file);
    for variable in ["JVMFLAGS", "SERVER_JVMFLAGS"] {
        command.env_remove(variable);
    }
    let Output { status, stdout, .. } = command.output().expect("the binary runs");
    (status.code(), String::from_utf8(stdout).expect("text"))
}

/// Members on this machine, of which this is the first; nobody has to be there.
const MEMBERS: &str = "initLimit=5\nsyncLimit=2\nserver.1=127.0.0.1:1:2\nserver.2=127.0.0.1:3:4\nserver.3=127.0.0.1:5:6\n";

fn all_are_refused(lines: &str, treatment: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("myid"), "1").expect("myid");
    let rows: Vec<Row> = Row::all()
        .filter(|row| row.treatment.starts_with(treatment))
        .collect();
    if rows.is_empty() {
        return; // all of them are built
    }
    let settings: Vec<(&Row, &str)> = rows.iter().map(|row| (row, row.other_value())).collect();
    let (code, told) = check(dir.path(), lines, &settings);
    assert_eq!(code, Some(2), "{told}");
    let (blocks, _) = told.split_once("\nDiffers").unwrap_or((&told, ""));
    for (row, value) in &settings {
        let setting = format!("{}={value} ", row.name());
        assert!(blocks.contains(&setting), "{row:?} is not refused: {told}");
    }
}

#[test]
fn what_the_page_says_is_refused_is_refused() {
    all_are_refused("", "refused: ");
    all_are_refused("", "refused unless ");
    all_are_refused(MEMBERS, "refused in an ensemble unless ");
}

#[test]
fn what_the_page_says_is_harmless_is_accepted_and_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let rows: Vec<Row> = Row::all()
        .filter(|row| row.treatment.starts_with("harmless"))
        .collect();
    assert!(rows.len() > 40, "the page has {} such rows", rows.len());
    let settings: Vec<(&Row, &str)> = rows.iter().map(|row| (row, row.some_value())).collect();
    let (code, told) = check(dir.path(), "", &settings);
    assert_eq!(code, Some(0), "{told}");
    for row in &rows {
        let is_said = |line: &str| line.contains("no effect") && line.contains(row.name());
        assert!(told.lines().any(is_said), "{row:?} is not said: {told}");
    }
}
