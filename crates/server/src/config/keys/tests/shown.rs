//! Which test shows that a setting works; the operator's page names it.

use std::path::Path;

use super::variables::VARIABLES;
use super::*;

/// Names and their tests, as `file#function`. A setting that works and is not here has one of the two below.
const SHOWN: &str = include_str!("../../../../tests/data/shown.tsv");
const IS_READ: &str = "crates/server/src/config/tests/typed.rs#every_key_that_works_is_read";
const IS_READ_IN_AN_ENSEMBLE: &str =
    "crates/server/src/config/ensemble/tests.rs#every_key_that_works_in_an_ensemble_is_read";

fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHOWN
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').expect("a name and its test"))
}

/// The test of this name.
pub fn by_name(wanted: &str) -> Option<&'static str> {
    entries()
        .find(|(name, _)| *name == wanted)
        .map(|(_, test)| test)
}

/// The test of a key or property, where it works.
pub fn of_row(row: &Row) -> Option<&'static str> {
    let is_read = match row.treatment {
        Treatment::Used => IS_READ,
        Treatment::Ensemble(_) => IS_READ_IN_AN_ENSEMBLE,
        _ => return None,
    };
    Some(by_name(row.name).unwrap_or(is_read))
}

/// As the page writes it.
pub fn text(test: Option<&str>) -> String {
    let function = test.and_then(|test| Some(test.split_once('#')?.1));
    function.map_or(String::new(), |function| format!("`{function}`"))
}

#[test]
fn every_test_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, test) in entries().chain([("", IS_READ), ("", IS_READ_IN_AN_ENSEMBLE)]) {
        let (file, function) = test.split_once('#').expect("a file and a function");
        let source = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
        let defined =
            ["fn", "def"].map(|keyword| source.contains(&format!("{keyword} {function}(")));
        assert!(defined.contains(&true), "{name}: no {function} in {file}");
    }
}

#[test]
fn every_name_with_a_test_is_one_that_works() {
    for (name, _) in entries() {
        let works = |row: &Row| row.name == name && of_row(row).is_some();
        let is_read = |(variable, reader, _): &(&str, Reader, &str)| {
            *variable == name && matches!(reader, Reader::Server | Reader::Scripts)
        };
        assert!(rows().any(works) || VARIABLES.iter().any(is_read), "{name}");
    }
}

#[test]
fn every_variable_that_works_has_a_test() {
    for (name, reader, _) in VARIABLES {
        let works = matches!(reader, Reader::Server | Reader::Scripts);
        assert_eq!(works, by_name(name).is_some(), "{name}");
    }
}
