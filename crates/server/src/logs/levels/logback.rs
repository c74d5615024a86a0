//! The levels in a logback.xml.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::{Found, Level, substituted};

/// # Errors
/// It is no XML; with line and column.
pub(super) fn read(text: &str, property: &dyn Fn(&str) -> Option<String>) -> Result<Found, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    // A file's own properties win against those of -D, which log4j has the other way round.
    let mut own = HashMap::new();
    for node in elements(root, "property") {
        if let (Some(name), Some(value)) = (node.attribute("name"), node.attribute("value")) {
            own.insert(name.to_owned(), value.to_owned());
        }
    }
    let value = |name: &str| own.get(name).cloned().or_else(|| property(name));
    let level = |text: Option<&str>| Level::parse(&substituted(text?, &value));
    let mut found = Found::default();
    for node in elements(root, "logger") {
        let name = node.attribute("name").unwrap_or_default();
        let level = level(node.attribute("level"));
        found
            .loggers
            .extend(level.map(|level| (name.to_owned(), level)));
    }
    let root_level = elements(root, "root").find_map(|node| level(node.attribute("level")));
    found
        .loggers
        .extend(root_level.map(|level| (String::new(), level)));
    let consoles = elements(root, "appender").filter(|node| has_class(node, "ConsoleAppender"));
    let filters = consoles.flat_map(|console| elements(console, "filter"));
    let thresholds = filters.filter(|filter| has_class(filter, "ThresholdFilter"));
    found.threshold = thresholds
        .flat_map(|filter| elements(filter, "level"))
        .find_map(|node| level(node.text()));
    Ok(found)
}

fn elements<'a, 'b>(
    parent: Node<'a, 'b>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'b>> {
    parent
        .children()
        .filter(move |node| node.has_tag_name(name))
}

fn has_class(node: &Node<'_, '_>, end: &str) -> bool {
    node.attribute("class")
        .is_some_and(|class| class.ends_with(end))
}
