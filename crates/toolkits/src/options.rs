//! Options as commons-cli's `DefaultParser` reads them, and its help.
//!
//! `-r -v` and `-rv`, `--zxid 5`, `--zxid=5`, `-z5` and `-z=5`, a long name's beginning where it is the only one, `-zxid`;
//! options and arguments in any order; `--` ends the options.

use std::collections::BTreeMap;

/// An option that a tool has.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its letter.
    pub short: char,
    /// Its long name.
    pub long: &'static str,
    /// What help calls its value; none: it has no value.
    pub value: Option<&'static str>,
    /// A command line without it is refused.
    pub required: bool,
    /// What help says of it.
    pub about: &'static str,
}

/// A switch that may be left out.
pub const fn switch(short: char, long: &'static str, about: &'static str) -> Spec {
    Spec {
        short,
        long,
        value: None,
        required: false,
        about,
    }
}

/// A command line that was read.
#[derive(Debug, Default)]
pub struct Parsed {
    values: BTreeMap<char, String>,
    /// What is no option.
    pub arguments: Vec<String>,
}

impl Parsed {
    /// True where the option was there.
    pub fn has(&self, short: char) -> bool {
        self.values.contains_key(&short)
    }

    /// Its value, the first one.
    pub fn value(&self, short: char) -> Option<&str> {
        self.values.get(&short).map(String::as_str)
    }
}

/// Reads a command line; the error is what commons-cli says.
pub fn parse(specs: &[Spec], args: &[String]) -> Result<Parsed, String> {
    let mut reading = Reading {
        specs,
        parsed: Parsed::default(),
        waiting: None,
    };
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            reading.parsed.arguments.extend(rest.by_ref().cloned());
        } else {
            reading.take(word)?;
        }
    }
    reading.end()
}

struct Reading<'a> {
    specs: &'a [Spec],
    parsed: Parsed,
    /// An option whose value comes next.
    waiting: Option<&'a Spec>,
}

impl<'a> Reading<'a> {
    fn take(&mut self, word: &str) -> Result<(), String> {
        if let Some(spec) = self.waiting.filter(|_| !self.is_option(word)) {
            self.waiting = None;
            self.put(spec, word);
            return Ok(());
        }
        match word.strip_prefix("--") {
            Some(name) => self.take_long(name, word),
            None if word.len() > 1 && word.starts_with('-') => self.take_short(&word[1..], word),
            None => {
                self.parsed.arguments.push(word.to_owned());
                Ok(())
            }
        }
    }

    /// Would the word be taken for an option though a value is due? A number is none.
    fn is_option(&self, word: &str) -> bool {
        let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else {
            return false;
        };
        let before = |text: &'_ str| text.split('=').next().unwrap_or_default().to_owned();
        let long = before(name.strip_prefix('-').unwrap_or(name));
        let is_short = name
            .chars()
            .next()
            .is_some_and(|letter| self.by_letter(letter).is_some());
        word.parse::<f64>().is_err() && (is_short || self.by_name(&long).is_ok())
    }

    fn take_long(&mut self, name: &str, word: &str) -> Result<(), String> {
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (name, None),
        };
        let spec = self.by_name(name)?;
        match value {
            None => self.begin(spec),
            Some(value) if spec.value.is_some() => {
                self.begin(spec)?;
                self.waiting = None;
                self.put(spec, value);
                Ok(())
            }
            Some(_) => Err(unrecognized(word)),
        }
    }

    fn take_short(&mut self, letters: &str, word: &str) -> Result<(), String> {
        let name = letters.split('=').next().unwrap_or_default();
        if name.len() > 1 && self.by_name(name).is_ok() {
            return self.take_long(letters, word);
        }
        for (at, letter) in letters.char_indices() {
            let spec = self.by_letter(letter).ok_or_else(|| unrecognized(word))?;
            self.begin(spec)?;
            let behind = &letters[at + letter.len_utf8()..];
            if spec.value.is_some() && !behind.is_empty() {
                self.waiting = None;
                self.put(spec, behind.strip_prefix('=').unwrap_or(behind));
                return Ok(());
            }
        }
        Ok(())
    }

    fn begin(&mut self, spec: &'a Spec) -> Result<(), String> {
        self.nothing_is_due()?;
        match spec.value {
            Some(_) => self.waiting = Some(spec),
            None => self.put(spec, ""),
        }
        Ok(())
    }

    fn put(&mut self, spec: &Spec, value: &str) {
        let value = value.to_owned();
        self.parsed.values.entry(spec.short).or_insert(value);
    }

    fn nothing_is_due(&self) -> Result<(), String> {
        match self.waiting {
            Some(spec) => Err(format!("Missing argument for option: {}", spec.short)),
            None => Ok(()),
        }
    }

    fn end(self) -> Result<Parsed, String> {
        self.nothing_is_due()?;
        let is_missing = |spec: &&Spec| spec.required && !self.parsed.has(spec.short);
        let missing: Vec<_> = self
            .specs
            .iter()
            .filter(is_missing)
            .map(|spec| spec.short.to_string())
            .collect();
        match missing.len() {
            0 => Ok(self.parsed),
            1 => Err(format!("Missing required option: {}", missing[0])),
            _ => Err(format!("Missing required options: {}", missing.join(", "))),
        }
    }

    fn by_letter(&self, letter: char) -> Option<&'a Spec> {
        self.specs.iter().find(|spec| spec.short == letter)
    }

    fn by_name(&self, name: &str) -> Result<&'a Spec, String> {
        if let Some(spec) = self.specs.iter().find(|spec| spec.long == name) {
            return Ok(spec);
        }
        let found: Vec<_> = self
            .specs
            .iter()
            .filter(|spec| !name.is_empty() && spec.long.starts_with(name))
            .collect();
        match found.as_slice() {
            [spec] => Ok(spec),
            [] => Err(unrecognized(&format!("--{name}"))),
            _ => Err(format!(
                "Ambiguous option: '--{name}'  (could be: {})",
                found
                    .iter()
                    .map(|spec| format!("'{}'", spec.long))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
    }
}

fn unrecognized(word: &str) -> String {
    format!("Unrecognized option: {word}")
}

/// The usage line and a line for each option, by letter.
pub fn help(usage: &str, specs: &[Spec]) -> String {
    let mut specs: Vec<_> = specs.iter().collect();
    specs.sort_by_key(|spec| spec.short);
    let names = |spec: &Spec| {
        let value = spec
            .value
            .map_or(String::new(), |name| format!(" <{name}>"));
        format!(" -{},--{}{value}", spec.short, spec.long)
    };
    let width = specs
        .iter()
        .map(|spec| names(spec).len())
        .max()
        .unwrap_or(0);
    let lines = specs
        .iter()
        .map(|spec| format!("{:width$}   {}\n", names(spec), spec.about));
    format!("usage: {usage}\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [Spec; 4] = [
        switch('r', "recover", "repair"),
        switch('v', "verbose", "say more"),
        switch('y', "yes", "do not ask"),
        Spec {
            short: 'z',
            long: "zxid",
            value: Some("arg"),
            required: false,
            about: "where",
        },
    ];

    fn read(args: &[&str]) -> Result<Parsed, String> {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        parse(&SPECS, &args)
    }

    #[test]
    fn options_have_all_the_forms_of_commons_cli() {
        for args in [
            &["-r", "-z", "5", "log"][..],
            &["-rz5", "log"],
            &["-rz=5", "log"],
            &["log", "--recover", "--zxid", "5"],
            &["--rec", "--zx=5", "log"],
            &["-recover", "-zxid", "5", "--", "log"],
        ] {
            let parsed = read(args).expect("read");
            assert!(parsed.has('r') && !parsed.has('v'), "{args:?}");
            assert_eq!(parsed.value('z'), Some("5"), "{args:?}");
            assert_eq!(parsed.arguments, ["log"], "{args:?}");
        }
        assert_eq!(read(&["-z", "-5"]).expect("read").value('z'), Some("-5"));
    }

    #[test]
    fn what_is_wrong_is_said_as_commons_cli_says_it() {
        for (args, expected) in [
            (&["-x"][..], "Unrecognized option: -x"),
            (&["-rx"], "Unrecognized option: -rx"),
            (&["--nothing"], "Unrecognized option: --nothing"),
            (&["-z"], "Missing argument for option: z"),
            (&["-z", "-r"], "Missing argument for option: z"),
        ] {
            assert_eq!(read(args).expect_err("refused"), expected);
        }
    }
}
