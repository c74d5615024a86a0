//! The levels in a log4j.properties.

use super::{Found, Level, substituted};
use crate::config::properties::{self, Entry};

/// # Errors
/// It is no properties file.
pub(super) fn read(
    text: &[u8],
    property: &dyn Fn(&str) -> Option<String>,
) -> Result<Found, String> {
    let entries = properties::parse(text).map_err(|error| error.to_string())?;
    // Properties of -D win against the file's own, which logback has the other way round.
    let value = |name: &str| property(name).or_else(|| last(&entries, name).map(str::to_owned));
    // A level, then names of appenders.
    let level = |text: &str| {
        let text = substituted(text, &value);
        Level::parse(text.split(',').next().unwrap_or_default())
    };
    let mut found = Found::default();
    for Entry { key, value, .. } in &entries {
        let name = match key.strip_prefix("log4j.") {
            Some("rootLogger" | "rootCategory") => "",
            Some(key) => match key
                .strip_prefix("logger.")
                .or(key.strip_prefix("category."))
            {
                Some(name) => name,
                None => continue,
            },
            None => continue,
        };
        found
            .loggers
            .extend(level(value).map(|level| (name.to_owned(), level)));
    }
    let console = entries
        .iter()
        .find(|entry| entry.value.trim().ends_with(".ConsoleAppender"));
    found.threshold = console
        .and_then(|entry| last(&entries, &format!("{}.Threshold", entry.key)))
        .and_then(level);
    Ok(found)
}

fn last<'a>(entries: &'a [Entry], key: &str) -> Option<&'a str> {
    let entry = entries.iter().rev().find(|entry| entry.key == key)?;
    Some(&entry.value)
}
