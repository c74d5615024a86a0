//! Owns how a text becomes a number or a flag, as the Java method does by which Apache reads it.
//!
//! Keys that `QuorumPeerConfig` reads itself are strict: a wrong value is refused. Properties are lenient in Java: a
//! wrong number counts as unset, anything but `true` is false. That is kept, and said in a notice.

use super::error::ConfigError;
use super::settings::{Properties, Setting};
use super::source::Source;

/// Reads typed values out of the settings.
pub(super) struct Reader<'a> {
    keys: &'a Properties,
    properties: &'a Properties,
    /// Lines for the operator.
    pub notices: Vec<String>,
    /// Every name that was asked for, so that a test can tell that no key is accepted and then forgotten.
    pub asked: std::collections::BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Reader<'a> {
        Reader {
            keys: &source.keys,
            properties: &source.properties,
            notices: Vec::new(),
            asked: Default::default(),
        }
    }

    /// A key of the file.
    pub fn key(&mut self, name: &str) -> Option<&'a Setting> {
        self.note(name);
        self.keys.setting(name)
    }

    /// A number of the file, by `Integer.parseInt`.
    pub fn key_int(&mut self, name: &str) -> Result<Option<i32>, ConfigError> {
        self.key(name)
            .map(|setting| parse_int(name, setting))
            .transpose()
    }

    /// A flag of the file, by `QuorumPeerConfig.parseBoolean`.
    pub fn key_bool(&mut self, name: &str, default: bool) -> Result<bool, ConfigError> {
        let Some(setting) = self.key(name) else {
            return Ok(default);
        };
        match setting.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ConfigError::invalid(
                name,
                setting,
                "is neither true nor false",
                "set one of them",
            )),
        }
    }

    /// A property as it was set.
    pub fn property(&mut self, name: &str) -> Option<&'a Setting> {
        self.note(name);
        self.properties.setting(name)
    }

    /// The text of a property.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        self.property(name).map(|setting| setting.value.as_str())
    }

    /// The properties whose names begin with `prefix`, by name.
    pub fn properties_below(&mut self, prefix: &str) -> Vec<(&'a str, &'a Setting)> {
        self.note(&format!("{prefix}*"));
        self.properties
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .collect()
    }

    /// A property by `Integer.getInteger`.
    pub fn integer(&mut self, name: &str, default: i32) -> i32 {
        self.number(name, |text| i32::try_from(decode(text)?).ok(), default)
    }

    /// A property by `Long.getLong`.
    pub fn long(&mut self, name: &str, default: i64) -> i64 {
        self.number(name, |text| decode(text)?.try_into().ok(), default)
    }

    /// A property by `Integer.getInteger`, where nothing below `least` has a meaning of its own.
    pub fn at_least(&mut self, name: &str, least: i32, default: i32) -> u32 {
        self.integer(name, default).max(least).unsigned_abs()
    }

    /// A property by a parse function; what does not parse counts as unset, and is said.
    pub fn number<T: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        default: T,
    ) -> T {
        let Some(setting) = self.property(name) else {
            return default;
        };
        parse(&setting.value).unwrap_or_else(|| {
            let reason = format!("is no number that fits and counts as unset; {default} is used");
            self.say(name, setting, &reason);
            default
        })
    }

    /// A property by `Double.parseDouble`, which is strict.
    pub fn double(&mut self, name: &str, default: f64) -> Result<f64, ConfigError> {
        let Some(setting) = self.property(name) else {
            return Ok(default);
        };
        let number = setting
            .value
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite());
        number.ok_or_else(|| {
            ConfigError::invalid(
                name,
                setting,
                "is not a number",
                "set a decimal number such as 0.02",
            )
        })
    }

    /// A property by `Boolean.parseBoolean`: true is `true` in any case, and nothing else.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        let Some(setting) = self.property(name) else {
            return default;
        };
        let lower = setting.value.to_ascii_lowercase();
        if !matches!(lower.as_str(), "true" | "false") {
            self.say(
                name,
                setting,
                "is neither true nor false and counts as false",
            );
        }
        lower == "true"
    }

    /// A property that has an effect at exactly the value `word`.
    pub fn is_exactly(&mut self, name: &str, word: &str, other: &str) -> bool {
        let Some(setting) = self.property(name) else {
            return false;
        };
        if setting.value != word && setting.value != other {
            let reason = format!("is neither {word} nor {other} and counts as {other}");
            self.say(name, setting, &reason);
        }
        setting.value == word
    }

    /// Adds a notice about a setting.
    pub fn say(&mut self, name: &str, setting: &Setting, reason: &str) {
        let (origin, line) = (&setting.origin, setting.line(name));
        self.notices.push(format!("{origin}: {line} {reason}"));
    }

    fn note(&mut self, name: &str) {
        self.asked.insert(name.to_owned());
    }
}

/// A number of the file or the command line, by `Integer.parseInt`.
pub(super) fn parse_int(name: &str, setting: &Setting) -> Result<i32, ConfigError> {
    setting.value.parse().map_err(|_| {
        ConfigError::invalid(
            name,
            setting,
            "is not a whole number of 32 bits",
            "write digits only, without a unit",
        )
    })
}

/// `Long.decode`: decimal, `0x` or `#` for hexadecimal, a leading `0` for octal; a sign before them.
fn decode(text: &str) -> Option<i128> {
    let (sign, magnitude) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let hex = ["0x", "0X", "#"]
        .iter()
        .find_map(|prefix| magnitude.strip_prefix(prefix));
    let (digits, radix) = match (hex, magnitude.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (magnitude, 10),
    };
    // from_str_radix would take a second sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix)
        .ok()
        .and_then(|number| number.checked_mul(sign))
}

#[cfg(test)]
mod tests {
    use super::super::settings::Origin;
    use super::*;

    fn source(value: &str) -> Source {
        let mut source = Source::default();
        source.keys.set("k", value, Origin::CommandLine);
        source.properties.set("p", value, Origin::CommandLine);
        source
    }

    #[test]
    fn a_number_property_is_decoded_as_java_decodes_it() {
        for (text, number) in [
            ("12", 12),
            ("+12", 12),
            ("-12", -12),
            ("0", 0),
            ("-0", 0),
            ("010", 8),
            ("0x10", 16),
            ("0X1f", 31),
            ("#ff", 255),
            ("-0x10", -16),
            ("-2147483648", i32::MIN),
        ] {
            let source = source(text);
            let mut reader = Reader::new(&source);
            assert_eq!(reader.integer("p", 7), number, "{text}");
            assert!(reader.notices.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_wrong_number_property_counts_as_unset_and_is_said() {
        for text in [
            "",
            " 5",
            "5 ",
            "5ms",
            "x",
            "--5",
            "+-5",
            "0x",
            "0x-5",
            "08",
            "1.5",
            "2147483648",
        ] {
            let source = source(text);
            let mut reader = Reader::new(&source);
            assert_eq!(reader.integer("p", 7), 7, "{text:?}");
            assert_eq!(reader.notices.len(), 1, "{text:?}");
            assert!(
                reader.notices[0].contains(&format!("p={text} ")),
                "{:?}",
                reader.notices
            );
        }
    }

    #[test]
    fn a_long_property_may_be_larger() {
        let read = |text: &str| Reader::new(&source(text)).long("p", 7);
        assert_eq!(read("2147483648"), 2_147_483_648);
        assert_eq!(read("-9223372036854775808"), i64::MIN);
        assert_eq!(read("9223372036854775808"), 7);
    }

    #[test]
    fn a_key_is_decimal_or_refused() {
        let read = |text: &str| Reader::new(&source(text)).key_int("k");
        assert_eq!(read("+12").expect("a number"), Some(12));
        assert_eq!(read("012").expect("a number"), Some(12));
        for text in ["", "0x10", "2s", "2147483648"] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(&format!("k={text} ")), "{error}");
        }
    }

    #[test]
    fn a_flag_key_is_strict_and_a_flag_property_is_not() {
        for (text, flag) in [("true", true), ("TRUE", true), ("False", false)] {
            let source = source(text);
            let mut reader = Reader::new(&source);
            assert_eq!(reader.key_bool("k", !flag).expect("a flag"), flag, "{text}");
            assert_eq!(reader.flag("p", !flag), flag, "{text}");
            assert!(reader.notices.is_empty(), "{text}");
        }
        for text in ["yes", "1", "", " true"] {
            let source = source(text);
            let mut reader = Reader::new(&source);
            assert!(reader.key_bool("k", true).is_err(), "{text:?}");
            assert!(!reader.flag("p", true), "{text:?}");
            assert_eq!(reader.notices.len(), 1, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let source = Source::default();
        let mut reader = Reader::new(&source);
        assert_eq!(reader.integer("p", 7), 7);
        assert!(reader.flag("p", true));
        assert!(!reader.is_exactly("p", "yes", "no"));
        assert_eq!(reader.key_int("k").expect("unset"), None);
        assert!(reader.notices.is_empty());
    }

    #[test]
    fn a_word_has_its_effect_only_as_it_is_written() {
        let read = |text: &str| {
            let source = source(text);
            let mut reader = Reader::new(&source);
            (reader.is_exactly("p", "yes", "no"), reader.notices.len())
        };
        assert_eq!(read("yes"), (true, 0));
        assert_eq!(read("no"), (false, 0));
        assert_eq!(read("YES"), (false, 1));
        assert_eq!(read("true"), (false, 1));
    }

    #[test]
    fn a_wrong_fraction_is_refused() {
        let read = |text: &str| Reader::new(&source(text)).double("p", 0.5);
        assert_eq!(read("0.02").expect("a fraction"), 0.02);
        assert!(read("2%").is_err());
        assert!(read("NaN").is_err());
    }
}
