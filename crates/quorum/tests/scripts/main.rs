//! Scripts: commands to a few servers, and below each command all that the servers emit because of it.
//!
//! A text in `testdata/` is the test and its expectation. Lines that begin with four spaces are what is expected, and are written
//! anew with `UPDATE=1` in the environment: so a change of the core is seen as a diff. Other lines are commands, comments
//! behind `#`, or empty. The commands are in [`stage`], the words of the answers in [`words`].

#[allow(dead_code, reason = "the ensemble's test needs the rest")]
#[path = "../model/mod.rs"]
mod model;
mod stage;
mod words;

use std::path::{Path, PathBuf};

use stage::Stage;

const INDENT: &str = "    ";

/// The script with the answers that it gets now.
fn play(script: &str) -> String {
    let mut stage = Stage::default();
    let mut played = String::new();
    let lines = script.lines().filter(|line| !line.starts_with(INDENT));
    for line in lines {
        played.push_str(line);
        played.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            for said in stage.command(line) {
                played.push_str(&format!("{INDENT}{said}\n"));
            }
        }
    }
    played
}

/// The first line that differs.
fn difference(expected: &str, played: &str) -> String {
    let pairs = expected.lines().zip(played.lines());
    let (number, expected, played) = pairs
        .enumerate()
        .find(|(_, (expected, played))| expected != played)
        .map_or((0, "", ""), |(number, (expected, played))| {
            (number + 1, expected, played)
        });
    format!(
        "line {number}:\n    - {}\n    + {}",
        expected.trim(),
        played.trim()
    )
}

fn check(path: &Path) -> Result<(), String> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let script = std::fs::read_to_string(path).expect("a script");
    let played =
        std::panic::catch_unwind(|| play(&script)).map_err(|_| format!("{name} panics"))?;
    if played == script {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, played).expect("a script that can be written");
        return Ok(());
    }
    Err(format!(
        "{name} differs, first in {}",
        difference(&script, &played)
    ))
}

fn scripts() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/testdata");
    let entries = std::fs::read_dir(directory).expect("the scripts");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_script_gets_the_answers_that_it_names() {
    let scripts = scripts();
    assert!(!scripts.is_empty());
    let wrong: Vec<String> = scripts
        .iter()
        .filter_map(|path| check(path).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_answer_that_changes_is_seen() {
    let script = "servers 3\nstart 1\n    1 becomes FOLLOWING\n";
    assert_ne!(play(script), script);
    assert_eq!(play(&play(script)), play(script));
}
