//! Owns what a name means: Kerberos' three parts, the rules that shorten them, and the id that a client gets
//! (`org.apache.zookeeper.server.auth.KerberosName`, `SaslServerCallbackHandler.handleAuthorizeCallback`).

use regex::Regex;

/// A name that is neither a plain word nor one of Kerberos, such as `a@b@c`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no name of Kerberos: one @ may stand in it, and one / in front of that")]
pub struct MalformedName(String);

/// `service/host@REALM`; host and realm may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KerberosName {
    /// Service or user.
    pub service: String,
    /// The host of a service.
    pub host: Option<String>,
    /// The realm.
    pub realm: Option<String>,
}

impl KerberosName {
    /// Takes a name apart. One without `@` is a service as a whole, whatever stands in it.
    ///
    /// # Errors
    /// More than one `@` or `/`, or a `/` behind the `@`.
    pub fn parse(name: &str) -> Result<Self, MalformedName> {
        let Some((front, realm)) = name.split_once('@') else {
            return Ok(KerberosName {
                service: name.to_owned(),
                host: None,
                realm: None,
            });
        };
        let (service, host) = match front.split_once('/') {
            Some((service, host)) => (service, Some(host)),
            None => (front, None),
        };
        if realm.contains(['/', '@']) || host.is_some_and(|host| host.contains('/')) {
            return Err(MalformedName(name.to_owned()));
        }
        Ok(KerberosName {
            service: service.to_owned(),
            host: host.map(str::to_owned),
            realm: Some(realm.to_owned()),
        })
    }
}

/// What cannot be read as rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRules {
    /// It is neither DEFAULT nor RULE:[n:format](match)s/from/to/g.
    #[error("{0:?} is no rule")]
    NoRule(String),
    /// A pattern cannot be used.
    #[error("the pattern {0:?} cannot be used")]
    Pattern(String),
}

/// How names become short (`zookeeper.security.auth_to_local`).
#[derive(Clone, Debug)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
enum Rule {
    /// A name of the default realm loses host and realm.
    Default,
    Pattern {
        components: usize,
        format: String,
        matches: Option<Regex>,
        substitution: Option<Substitution>,
    },
}

#[derive(Clone, Debug)]
struct Substitution {
    from: Regex,
    /// In the notation of [`Regex`].
    to: String,
    repeat: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules(vec![Rule::Default])
    }
}

impl Rules {
    /// Reads rules with blanks between them.
    ///
    /// # Errors
    /// What is no rule, and patterns that only Java knows.
    pub fn parse(text: &str) -> Result<Self, BadRules> {
        let form = Regex::new(
            r"^\s*(?:DEFAULT|RULE:\[(\d*):([^\]]*)\](?:\(([^)]*)\))?(s/([^/]*)/([^/]*)/(g)?)?)",
        )
        .expect("a pattern of ours");
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let no_rule = || BadRules::NoRule(rest.to_owned());
            let found = form.captures(rest).ok_or_else(no_rule)?;
            let group = |n: usize| found.get(n).map(|group| group.as_str());
            rules.push(match group(1) {
                None => Rule::Default,
                Some(components) => Rule::Pattern {
                    components: components.parse().map_err(|_| no_rule())?,
                    format: group(2).unwrap_or_default().to_owned(),
                    matches: group(3)
                        .map(|pattern| compile(&format!("^(?:{pattern})$")))
                        .transpose()?,
                    substitution: group(4)
                        .map(|_| Substitution::new(group(5), group(6), group(7).is_some()))
                        .transpose()?,
                },
            });
            rest = &rest[found.get(0).map_or(rest.len(), |whole| whole.end())..];
        }
        Ok(Rules(rules))
    }

    /// The short name; none where no rule fits, or one gives what is not short.
    pub fn short_name(&self, name: &KerberosName, default_realm: &str) -> Option<String> {
        let Some(realm) = &name.realm else {
            return Some(name.service.clone());
        };
        let mut parts = vec![realm.as_str(), &name.service];
        parts.extend(name.host.as_deref());
        let short = self
            .0
            .iter()
            .find_map(|rule| rule.apply(&parts, default_realm).transpose());
        short?.ok().filter(|short| !short.contains(['/', '@']))
    }
}

fn compile(pattern: &str) -> Result<Regex, BadRules> {
    Regex::new(pattern).map_err(|_| BadRules::Pattern(pattern.to_owned()))
}

/// A format asks for a part that there is none of.
struct NoSuchPart;

impl Rule {
    fn apply(&self, parts: &[&str], default_realm: &str) -> Result<Option<String>, NoSuchPart> {
        match self {
            Rule::Default => Ok((parts[0] == default_realm).then(|| parts[1].to_owned())),
            Rule::Pattern { components, .. } if parts.len() - 1 != *components => Ok(None),
            Rule::Pattern {
                format,
                matches,
                substitution,
                ..
            } => {
                let base = fill(format, parts)?;
                if matches
                    .as_ref()
                    .is_some_and(|matches| !matches.is_match(&base))
                {
                    return Ok(None);
                }
                Ok(Some(match substitution {
                    None => base,
                    Some(substitution) => substitution.apply(&base),
                }))
            }
        }
    }
}

impl Substitution {
    fn new(from: Option<&str>, to: Option<&str>, repeat: bool) -> Result<Self, BadRules> {
        Ok(Substitution {
            from: compile(from.unwrap_or_default())?,
            to: from_java(to.unwrap_or_default()),
            repeat,
        })
    }

    fn apply(&self, base: &str) -> String {
        let to = self.to.as_str();
        match self.repeat {
            true => self.from.replace_all(base, to),
            false => self.from.replace(base, to),
        }
        .into_owned()
    }
}

/// Java writes a group as `$1` and a letter of its own as `\$`.
fn from_java(replacement: &str) -> String {
    let mut text = String::new();
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('$') => text.push_str("$$"),
                next => text.extend(next),
            },
            '$' => match letters.next_if(char::is_ascii_digit) {
                Some(digit) => text.push_str(&format!("${{{digit}}}")),
                None => text.push_str("$$"),
            },
            letter => text.push(letter),
        }
    }
    text
}

/// `$0` is the realm, `$1` the service, `$2` the host.
fn fill(format: &str, parts: &[&str]) -> Result<String, NoSuchPart> {
    let mut pieces = format.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: usize = piece[..digits].parse().map_err(|_| NoSuchPart)?;
        text.push_str(parts.get(number).ok_or(NoSuchPart)?);
        text.push_str(&piece[digits..]);
    }
    Ok(text)
}

/// How a client's proven name becomes its id.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// How names become short.
    pub rules: Rules,
    /// The realm whose names DEFAULT shortens.
    pub default_realm: String,
    /// The host is left out (`kerberos.removeHostFromPrincipal`).
    pub without_host: bool,
    /// The realm is left out (`kerberos.removeRealmFromPrincipal`).
    pub without_realm: bool,
}

impl Naming {
    /// The id of who has proven to be `name`; `asked` where no rule fits it, as in Apache.
    ///
    /// # Errors
    /// The name is none.
    pub fn id(&self, name: &str, asked: &str) -> Result<String, MalformedName> {
        let parsed = KerberosName::parse(name)?;
        let Some(mut id) = self.rules.short_name(&parsed, &self.default_realm) else {
            return Ok(asked.to_owned());
        };
        if let Some(host) = parsed.host.filter(|_| !self.without_host) {
            id = format!("{id}/{host}");
        }
        if let Some(realm) = parsed.realm.filter(|_| !self.without_realm) {
            id = format!("{id}@{realm}");
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(service: &str, host: Option<&str>, realm: Option<&str>) -> KerberosName {
        KerberosName {
            service: service.into(),
            host: host.map(str::to_owned),
            realm: realm.map(str::to_owned),
        }
    }

    #[test]
    fn names_have_up_to_three_parts() {
        for (text, parts) in [
            ("bob", name("bob", None, None)),
            ("a/b/c", name("a/b/c", None, None)),
            ("bob@EXAMPLE.COM", name("bob", None, Some("EXAMPLE.COM"))),
            (
                "zookeeper/h.example.com@EXAMPLE.COM",
                name("zookeeper", Some("h.example.com"), Some("EXAMPLE.COM")),
            ),
            ("/@", name("", Some(""), Some(""))),
        ] {
            assert_eq!(KerberosName::parse(text), Ok(parts), "{text}");
        }
        for text in ["a@b@c", "a/b/c@d", "a@b/c"] {
            assert!(KerberosName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_keeps_host_and_realm_unless_told_otherwise() {
        let mut naming = Naming {
            default_realm: "EXAMPLE.COM".into(),
            ..Naming::default()
        };
        let service = "zookeeper/h@EXAMPLE.COM";
        assert_eq!(naming.id(service, "x").expect("a name"), service);
        naming.without_host = true;
        assert_eq!(
            naming.id(service, "x").expect("a name"),
            "zookeeper@EXAMPLE.COM"
        );
        naming.without_realm = true;
        assert_eq!(naming.id(service, "x").expect("a name"), "zookeeper");
        assert_eq!(naming.id("bob", "x").expect("a name"), "bob");
        assert_eq!(naming.id("bob@ELSEWHERE", "x").expect("a name"), "x");
        assert!(naming.id("a@b@c", "x").is_err());
    }

    #[test]
    fn rules_shorten_names_as_apaches_do() {
        let rules = r"RULE:[1:$1@$0](.*@EAST)s/@.*// RULE:[2:$1;$2](^zk;.*)s/zk;(.*)/$1/g DEFAULT";
        let rules = Rules::parse(rules).expect("rules");
        let short = |text: &str| {
            let name = KerberosName::parse(text).expect("a name");
            rules.short_name(&name, "HOME")
        };
        assert_eq!(short("bob@EAST").as_deref(), Some("bob"));
        assert_eq!(short("zk/host1@WEST").as_deref(), Some("host1"));
        assert_eq!(short("bob@HOME").as_deref(), Some("bob"));
        assert_eq!(short("bob@WEST"), None);
        assert_eq!(short("bob").as_deref(), Some("bob"));
    }

    #[test]
    fn a_rule_that_gives_no_short_name_gives_none() {
        let rules = Rules::parse("RULE:[1:$1@$0] DEFAULT").expect("rules");
        let name = KerberosName::parse("bob@HOME").expect("a name");
        assert_eq!(rules.short_name(&name, "HOME"), None);
        let rules = Rules::parse("RULE:[1:$7]").expect("rules");
        assert_eq!(rules.short_name(&name, "HOME"), None);
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_text() {
        for text in ["RULE", "RULE:[x:$1]", "DEFAULT nonsense"] {
            assert!(Rules::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Rules::parse("RULE:[1:$1](*)").expect_err("a bad pattern"),
            BadRules::Pattern("^(?:*)$".into())
        );
    }
}
