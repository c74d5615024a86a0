//! Owns the options that stand where a JVM's options stood: on the command line and in the environment.
//!
//! Must not know what a property means. `-Dname=value` sets a property; every other option spoke to the JVM and is
//! answered with one notice, never with an error, so that an old start script goes on working.

use std::ffi::OsString;

use super::settings::{Origin, Properties};

/// What the options gave, and the arguments behind them.
#[derive(Debug, Default)]
pub struct Flags {
    /// The properties of all `-D`; where a name stands twice, the one that Java would take.
    pub properties: Properties,
    /// One line for each option that has no meaning without a JVM.
    pub notices: Vec<String>,
    /// The arguments from the first one on that is no option.
    pub arguments: Vec<OsString>,
}

/// Environment variables whose options come before the command line's, weakest first: a later `-D` wins.
///
/// The JVM reads the first two by itself; Apache's zkServer.sh joins the other two into its command line, in this order.
const BEFORE: [&str; 4] = [
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "SERVER_JVMFLAGS",
    "JVMFLAGS",
];

/// HotSpot reads this variable last: it wins even against the command line.
const AFTER: &str = "_JAVA_OPTIONS";

/// Any value of this variable makes Apache's zkServer.sh add `-Dzookeeper.datadir.autocreate=false`.
const AUTOCREATE_DISABLE: &str = "ZOO_DATADIR_AUTOCREATE_DISABLE";

/// JVM options whose value is the next word.
const TAKES_NEXT_WORD: [&str; 14] = [
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--upgrade-module-path",
    "--add-modules",
    "--add-exports",
    "--add-opens",
    "--add-reads",
    "--limit-modules",
    "--patch-module",
    "--enable-native-access",
    "-jar",
];

impl Flags {
    /// Reads the options of the environment and of the command line (`args`: what follows `serve`).
    pub fn read(args: &[OsString], env: &dyn Fn(&str) -> Option<String>) -> Flags {
        let mut flags = Flags::default();
        if env(AUTOCREATE_DISABLE).is_some_and(|value| !value.is_empty()) {
            let origin = Origin::Environment(AUTOCREATE_DISABLE);
            flags
                .properties
                .set("zookeeper.datadir.autocreate", "false", origin);
        }
        for variable in BEFORE {
            flags.read_variable(variable, env);
        }
        flags.arguments = flags.read_options(args, &Origin::CommandLine);
        flags.read_variable(AFTER, env);
        flags
    }

    fn read_variable(&mut self, variable: &'static str, env: &dyn Fn(&str) -> Option<String>) {
        let Some(text) = env(variable) else { return };
        // The shell does not look at quotes when it splits $JVMFLAGS; the JVM does in its own variables.
        let words = if variable.contains("JAVA") {
            split_quoted(&text)
        } else {
            split_plain(&text)
        };
        let mut words = words.as_slice();
        loop {
            let rest = self.read_options(words, &Origin::Environment(variable));
            let Some(word) = rest.first() else { return };
            self.notices.push(format!(
                "{variable}: {} is no option and has no effect",
                word.to_string_lossy()
            ));
            words = &words[words.len() - rest.len() + 1..];
        }
    }

    /// Takes options up to the first word that is none, and returns from that word on.
    fn read_options(&mut self, words: &[OsString], origin: &Origin) -> Vec<OsString> {
        let mut at = 0;
        while let Some(word) = words
            .get(at)
            .map(|word| word.to_string_lossy())
            .filter(|word| is_option(word))
        {
            at += 1;
            if let Some(definition) = word.strip_prefix("-D") {
                self.define(definition, origin);
                continue;
            }
            let value = if TAKES_NEXT_WORD.contains(&&*word) {
                words.get(at)
            } else {
                None
            };
            at += usize::from(value.is_some());
            self.notices.push(format!(
                "{origin}: {word} is an option of the JVM and has no effect here"
            ));
        }
        words[at..].to_vec()
    }

    fn define(&mut self, definition: &str, origin: &Origin) {
        let (name, value) = definition.split_once('=').unwrap_or((definition, ""));
        if name.is_empty() {
            self.notices.push(format!(
                "{origin}: -D{definition} names no property and has no effect"
            ));
        } else {
            self.properties.set(name, value, origin.clone());
        }
    }
}

/// True for a word that the `java` command would take for itself: an option or an `@file` of options.
fn is_option(word: &str) -> bool {
    word.starts_with('-') || word.starts_with('@')
}

fn split_plain(text: &str) -> Vec<OsString> {
    text.split_ascii_whitespace().map(OsString::from).collect()
}

/// Splits at white space that is not within single or double quotes, and drops the quotes.
fn split_quoted(text: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let (mut word, mut within, mut quote) = (String::new(), false, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.push(c),
            None if c.is_ascii_whitespace() => {
                if std::mem::take(&mut within) {
                    words.push(std::mem::take(&mut word).into());
                }
            }
            None => {
                within = true;
                if matches!(c, '"' | '\'') {
                    quote = Some(c)
                } else {
                    word.push(c)
                }
            }
        }
    }
    if within {
        words.push(word.into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], env: &[(&str, &str)]) -> Flags {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        Flags::read(&args, &|name| {
            env.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn a_d_sets_a_property() {
        let flags = read(&["-Da=1", "-Db=x=y", "-Dc", "-Dd=", "zoo.cfg"], &[]);
        for (name, value) in [("a", "1"), ("b", "x=y"), ("c", ""), ("d", "")] {
            assert_eq!(flags.properties.get(name), Some(value), "{name}");
        }
        assert_eq!(flags.arguments, ["zoo.cfg"]);
        assert!(flags.notices.is_empty());
    }

    #[test]
    fn the_last_definition_wins_and_the_command_line_is_last_but_for_hotspots_own_variable() {
        let env = [
            (
                "JAVA_TOOL_OPTIONS",
                "-Da=tool -Db=tool -Dc=tool -Dd=tool -De=tool",
            ),
            ("JDK_JAVA_OPTIONS", "-Db=jdk -Dc=jdk -Dd=jdk -De=jdk"),
            ("SERVER_JVMFLAGS", "-Dc=server -Dd=server -De=server"),
            ("JVMFLAGS", "-Dd=flags -De=flags"),
            ("_JAVA_OPTIONS", "-Df=last"),
        ];
        let flags = read(&["-De=line0", "-De=line", "-Df=line", "zoo.cfg"], &env);
        for (name, value) in [
            ("a", "tool"),
            ("b", "jdk"),
            ("c", "server"),
            ("d", "flags"),
            ("e", "line"),
            ("f", "last"),
        ] {
            assert_eq!(flags.properties.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn each_other_option_gives_one_notice() {
        let args = [
            "-Xmx1g",
            "-XX:+UseG1GC",
            "-javaagent:/a.jar",
            "-agentlib:x",
            "-server",
            "@args",
            "zoo.cfg",
        ];
        let flags = read(&args, &[]);
        assert_eq!(flags.arguments, ["zoo.cfg"]);
        assert_eq!(flags.notices.len(), 6);
        for (notice, arg) in flags.notices.iter().zip(args) {
            assert!(notice.contains(arg), "{notice}");
        }
    }

    #[test]
    fn the_value_of_an_option_is_not_taken_for_an_argument() {
        for option in TAKES_NEXT_WORD {
            let flags = read(&[option, "value", "-Da=1", "zoo.cfg"], &[]);
            assert_eq!(flags.arguments, ["zoo.cfg"], "{option}");
            assert_eq!(flags.notices.len(), 1, "{option}");
            assert_eq!(flags.properties.get("a"), Some("1"), "{option}");
        }
        assert_eq!(
            read(&["--add-opens=java.base/x=y", "zoo.cfg"], &[]).arguments,
            ["zoo.cfg"]
        );
    }

    #[test]
    fn an_option_behind_the_first_argument_is_an_argument() {
        assert_eq!(
            read(&["2181", "-data", "-Da=1"], &[]).arguments,
            ["2181", "-data", "-Da=1"]
        );
    }

    #[test]
    fn words_of_the_environment_never_become_arguments() {
        let flags = read(&["zoo.cfg"], &[("JVMFLAGS", "-Da=1 stray -Db=2")]);
        assert_eq!(flags.arguments, ["zoo.cfg"]);
        assert_eq!(flags.properties.get("b"), Some("2"));
        assert_eq!(
            flags.notices,
            ["JVMFLAGS: stray is no option and has no effect"]
        );
    }

    #[test]
    fn quotes_count_only_where_the_jvm_reads_by_itself() {
        let env = [
            ("JAVA_TOOL_OPTIONS", "-Da=\"x y\" '-Db=p q'"),
            ("JVMFLAGS", "-Dc='z'"),
        ];
        let flags = read(&["zoo.cfg"], &env);
        for (name, value) in [("a", "x y"), ("b", "p q"), ("c", "'z'")] {
            assert_eq!(flags.properties.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn a_d_without_a_name_is_said() {
        assert_eq!(read(&["-D", "-D=x", "zoo.cfg"], &[]).notices.len(), 2);
    }

    #[test]
    fn the_scripts_switch_against_making_the_data_directory_is_heard() {
        let name = "zookeeper.datadir.autocreate";
        assert_eq!(
            read(&[], &[(AUTOCREATE_DISABLE, "yes")])
                .properties
                .get(name),
            Some("false")
        );
        assert_eq!(
            read(&[], &[(AUTOCREATE_DISABLE, "")]).properties.get(name),
            None
        );
    }
}
