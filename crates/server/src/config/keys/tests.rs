//! The table against the inventory of Apache's keys, and against the operator's page.

use std::collections::BTreeSet;

use super::*;
use variables::{Reader, VARIABLES};

mod shown;
mod variables;

/// Every key, property and environment variable of Apache ZooKeeper 3.9.5.
const INVENTORY: &str = include_str!("../../../tests/data/config.tsv");

/// The columns kind, key, system_property and note of the rows of one kind.
fn inventory(kind: &str) -> Vec<[&'static str; 3]> {
    let rows = INVENTORY
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|columns| columns[0] == kind)
        .map(|columns| {
            [
                columns[1],
                columns[2],
                columns.get(9).copied().unwrap_or_default(),
            ]
        })
        .collect()
}

/// A row of the table by its whole name, not by a prefix.
fn exact(name: &str, is_property: bool) -> Option<&'static Row> {
    rows().find(|row| row.name == name && (row.place == Place::Property) == is_property)
}

#[test]
fn every_key_of_apaches_is_in_the_table() {
    let keys = inventory("key");
    assert!(keys.len() > 200, "the inventory has {} keys", keys.len());
    for [key, property, _] in keys
        .into_iter()
        .filter(|[key, ..]| *key != "(any other key)")
    {
        let name = key
            .strip_suffix(".x")
            .map_or(key.to_owned(), |stem| format!("{stem}.*"));
        let row = exact(&name, false).unwrap_or_else(|| panic!("{key} is missing"));
        let property = Some(property).filter(|property| *property != "-");
        assert_eq!(row.property().as_deref(), property, "property of {key}");
    }
}

#[test]
fn every_property_of_apaches_is_in_the_table() {
    let properties = inventory("property");
    assert!(
        properties.len() > 20,
        "the inventory has {} properties",
        properties.len()
    );
    for [_, property, _] in properties {
        assert!(exact(property, true).is_some(), "{property} is missing");
    }
}

#[test]
fn every_variable_of_apaches_is_in_the_table_and_those_that_work_are_read() {
    let named: BTreeSet<&str> = VARIABLES.iter().map(|(name, ..)| *name).collect();
    for [name, ..] in inventory("env") {
        assert!(named.contains(name), "{name} is missing");
    }
    let asked = std::cell::RefCell::new(BTreeSet::new());
    super::super::flags::Flags::read(&[], &|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let work = VARIABLES
        .iter()
        .filter(|(_, reader, _)| *reader == Reader::Server);
    let work: BTreeSet<String> = work.map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(asked.into_inner(), work);
}

#[test]
fn every_name_that_the_guide_gets_wrong_is_known() {
    let misnamed: BTreeSet<&str> = inventory("key")
        .into_iter()
        .filter_map(|[.., note]| {
            note.strip_prefix("doc name ")?
                .strip_suffix(" has no effect in zoo.cfg")
        })
        .collect();
    assert_eq!(misnamed, MISNAMED.iter().map(|(name, _)| *name).collect());
    for (name, works) in MISNAMED {
        assert!(by_key(works).is_some(), "{works}");
        assert!(by_key(name).is_none(), "{name}");
        assert!(
            hint(name).is_some_and(|hint| hint.ends_with(works)),
            "{name}"
        );
    }
}

#[test]
fn no_name_stands_twice() {
    let mut names = BTreeSet::new();
    for row in rows() {
        assert!(
            names.insert((row.name, row.place == Place::Property)),
            "{} stands twice",
            row.name
        );
        assert!(
            !row.about.is_empty() && !row.about.contains('|'),
            "{}",
            row.name
        );
    }
}

#[test]
fn a_default_is_among_the_values_that_leave_a_feature_off() {
    for row in rows() {
        let (Treatment::NotYet(_, off) | Treatment::EnsembleNotYet(_, off, _)) = row.treatment
        else {
            continue;
        };
        let default = off.first().copied().unwrap_or_default();
        let in_words = row.default.starts_with("by ") || row.default == "built in";
        assert!(
            default == row.default || in_words || off.is_empty(),
            "{}",
            row.name
        );
    }
}

#[test]
fn a_whole_name_goes_before_a_prefix_and_a_longer_prefix_before_a_shorter() {
    let name = |key| by_key(key).map(|row| row.name);
    assert_eq!(name("ssl.clientAuth"), Some("ssl.clientAuth"));
    assert_eq!(name("ssl.keystore.location"), Some("ssl.*"));
    assert_eq!(name("authProvider.1"), Some("authProvider.*"));
    assert_eq!(
        name("metricsProvider.httpPort"),
        Some("metricsProvider.httpPort")
    );
    assert_eq!(name("metricsProvider.other"), Some("metricsProvider.*"));
    assert_eq!(name("jute.maxbuffer"), None, "a property only");
    assert_eq!(
        by_property("jute.maxbuffer").map(|row| row.name),
        Some("jute.maxbuffer")
    );
    assert_eq!(
        by_property("zookeeper.authProvider.x").map(|row| row.name),
        Some("authProvider.*")
    );
    assert_eq!(
        by_property("zookeeper.clientPort").map(|row| row.name),
        None,
        "a key only"
    );
}

#[test]
fn an_unknown_key_gets_a_hint_where_there_is_one() {
    for (key, part) in [
        ("jute.maxbuffer", "-Djute.maxbuffer="),
        ("zookeeper.snapCount", "snapCount"),
        ("clientport", "clientPort"),
    ] {
        assert!(
            hint(key).is_some_and(|hint| hint.contains(part)),
            "{key}: {:?}",
            hint(key)
        );
    }
    assert_eq!(hint("something.else"), None);
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
const BEGIN: &str =
    "<!-- keys: made from the key table; UPDATE_DOCS=1 cargo test -p server writes it anew -->\n";
const END: &str = "<!-- end of keys -->";

#[test]
fn the_operators_page_lists_the_table() {
    let page = std::fs::read_to_string(PAGE).expect("docs/configuration.md");
    let (head, rest) = page.split_once(BEGIN).expect("the mark before the table");
    let (table, tail) = rest.split_once(END).expect("the mark behind the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, [head, BEGIN, &page_tables(), END, tail].concat())
            .expect("docs/configuration.md");
        return;
    }
    assert!(
        table == page_tables(),
        "docs/configuration.md is not that of the key table: UPDATE_DOCS=1 cargo test -p server"
    );
}

fn page_tables() -> String {
    let sections = [
        ("Keys that work", standalone::ROWS),
        ("Keys of features that are not built yet", features::ROWS),
        ("Keys of security", security::ROWS),
        ("Keys of ensembles", ensemble::ROWS),
        ("Keys that cannot matter", harmless::ROWS),
        ("Keys that Apache does not have", own::ROWS),
    ];
    let tables = sections.iter().map(|(title, rows)| page_table(title, rows));
    tables.chain([variables_table()]).collect()
}

fn variables_table() -> String {
    let head = "\n### Variables of the environment\n\n| variable | what it sets | treatment | shown by |\n|---|---|---|---|\n";
    let rows = VARIABLES.iter().map(|(name, reader, about)| {
        let shown = shown::text(shown::by_name(name));
        let treatment = on_page(reader.text());
        format!("| `{name}` | {about} | {treatment} | {shown} |\n")
    });
    rows.fold(head.to_owned(), |table, row| table + &row)
}

fn page_table(title: &str, rows: &[Row]) -> String {
    let head = format!(
        "\n### {title}\n\n| key | property | default | what it sets | treatment | shown by |\n|---|---|---|---|---|---|\n"
    );
    rows.iter().fold(head, |table, row| table + &page_row(row))
}

fn page_row(row: &Row) -> String {
    let code = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("`{text}`")
        }
    };
    let key = if row.place == Place::Property {
        String::new()
    } else {
        code(row.name)
    };
    let property = code(&row.property().unwrap_or_default());
    format!(
        "| {key} | {property} | {} | {} | {} | {} |\n",
        row.default,
        row.about,
        treatment(row.treatment),
        shown::text(shown::of_row(row))
    )
}

/// What a notice says of one setting, as the page says it of its kind.
fn on_page(notice: &str) -> String {
    notice.replacen("no effect", "harmless", 1)
}

fn treatment(treatment: Treatment) -> String {
    match treatment {
        Treatment::Used => "works".to_owned(),
        Treatment::Harmless(why, _) => on_page(why.text()),
        Treatment::Ensemble(_) => "works in an ensemble".to_owned(),
        Treatment::EnsembleNotYet(feature, off, _) => format!(
            "refused in an ensemble unless {}: {} is not built yet",
            off.join(" or "),
            feature.name
        ),
        Treatment::Dormant(feature) => format!(
            "harmless, as what it is for is refused: {} is not built yet",
            feature.name
        ),
        Treatment::NotYet(feature, []) => format!("refused: {} is not built yet", feature.name),
        Treatment::NotYet(feature, [""]) => {
            format!("refused unless empty: {} is not built yet", feature.name)
        }
        Treatment::NotYet(feature, off) => {
            format!(
                "refused unless {}: {} is not built yet",
                off.join(" or "),
                feature.name
            )
        }
    }
}
