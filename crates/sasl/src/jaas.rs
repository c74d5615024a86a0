//! Owns the text of a JAAS file (`sun.security.provider.ConfigFile`): sections, in each the login modules with their
//! options.

use std::collections::BTreeMap;

/// A section's login module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginModule {
    /// The name of its Java class.
    pub class: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

/// What a file says: a section's modules by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jaas(BTreeMap<String, Vec<LoginModule>>);

/// What is wrong in a file, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadJaas {
    /// From 1.
    pub line: usize,
    /// What was expected, and what stands there.
    pub what: String,
}

impl Jaas {
    /// Reads a file's text. `property` knows what `${name}` stands for.
    ///
    /// # Errors
    /// What Java's reader does not take, either.
    pub fn parse(text: &str, property: impl Fn(&str) -> Option<String>) -> Result<Self, BadJaas> {
        let mut tokens = Tokens::new(text);
        let mut jaas = Jaas::default();
        while let Some(token) = tokens.next()? {
            let name = token.word("a section's name", tokens.line)?;
            let modules = section(&mut tokens, &property)?;
            if jaas.0.insert(name.clone(), modules).is_some() {
                return Err(tokens.bad(format!("there are two sections {name}")));
            }
        }
        Ok(jaas)
    }

    /// The modules of a section. Java takes the section `other` where there is none of that name.
    pub fn section(&self, name: &str) -> Option<&[LoginModule]> {
        let found = self.0.get(name).or_else(|| self.0.get("other"));
        found.map(Vec::as_slice)
    }
}

fn section(
    tokens: &mut Tokens<'_>,
    property: &impl Fn(&str) -> Option<String>,
) -> Result<Vec<LoginModule>, BadJaas> {
    tokens.expect('{')?;
    let mut modules = Vec::new();
    loop {
        match tokens.must("a login module or }")? {
            Token::Sign('}') => break,
            token => {
                let class = token.word("a login module", tokens.line)?;
                modules.push(module(class, tokens, property)?);
            }
        }
    }
    tokens.expect(';')?;
    Ok(modules)
}

fn module(
    class: String,
    tokens: &mut Tokens<'_>,
    property: &impl Fn(&str) -> Option<String>,
) -> Result<LoginModule, BadJaas> {
    const FLAGS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];
    let flag = tokens.must("a flag")?.word("a flag", tokens.line)?;
    if !FLAGS.iter().any(|known| flag.eq_ignore_ascii_case(known)) {
        let known = FLAGS.join(", ");
        return Err(tokens.bad(format!("{flag} is no flag; {class} needs one of {known}")));
    }
    let mut options = BTreeMap::new();
    loop {
        let token = tokens.must("an option or ;")?;
        if token == Token::Sign(';') {
            return Ok(LoginModule { class, options });
        }
        let key = token.word("an option or ;", tokens.line)?;
        tokens.expect('=')?;
        let what = "a value; one that is no word stands in quotes";
        let value = tokens.must(what)?.word(what, tokens.line)?;
        options.insert(
            key,
            expand(&value, property).map_err(|what| tokens.bad(what))?,
        );
    }
}

/// Puts the values of `${name}` in (`sun.security.util.PropertyExpander`).
fn expand(value: &str, property: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = value;
    while let Some((front, behind)) = rest.split_once("${") {
        let Some((name, behind)) = behind.split_once('}') else {
            break;
        };
        let put = match name {
            "/" => Some("/".to_owned()),
            name => property(name),
        };
        text.push_str(front);
        text.push_str(&put.ok_or_else(|| format!("there is no property {name}"))?);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(char),
}

impl Token {
    fn word(self, what: &str, line: usize) -> Result<String, BadJaas> {
        match self {
            Token::Word(word) => Ok(word),
            Token::Sign(sign) => Err(BadJaas {
                line,
                what: format!("{sign} stands where {what} is expected"),
            }),
        }
    }
}

/// Words and signs, as Java's `StreamTokenizer` sees them.
struct Tokens<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Tokens {
            rest: text.chars().peekable(),
            line: 1,
        }
    }

    fn bad(&self, what: String) -> BadJaas {
        BadJaas {
            line: self.line,
            what,
        }
    }

    fn must(&mut self, what: &str) -> Result<Token, BadJaas> {
        match self.next()? {
            Some(token) => Ok(token),
            None => Err(self.bad(format!("the file ends where {what} is expected"))),
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), BadJaas> {
        match self.must(&sign.to_string())? {
            Token::Sign(found) if found == sign => Ok(()),
            Token::Sign(found) => Err(self.bad(format!("{found} stands where {sign} is expected"))),
            Token::Word(_) => Err(self.bad(format!("a word stands where {sign} is expected"))),
        }
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn next(&mut self) -> Result<Option<Token>, BadJaas> {
        loop {
            match self.rest.peek() {
                None => return Ok(None),
                Some('/') => self.comment()?,
                Some('"') => return self.quoted().map(Some),
                Some(letter) if letter.is_whitespace() => drop(self.advance()),
                Some(&letter) if begins_word(letter) => return Ok(Some(self.plain())),
                Some(_) => return Ok(self.advance().map(Token::Sign)),
            }
        }
    }

    /// To the end of the line behind one slash or two, or to the closing sign. One is enough for Java, so a path stands in quotes.
    fn comment(&mut self) -> Result<(), BadJaas> {
        self.advance();
        if self.rest.next_if_eq(&'*').is_none() {
            while self.rest.peek().is_some_and(|&letter| letter != '\n') {
                self.advance();
            }
            return Ok(());
        }
        let begun = self.bad("the comment that begins here has no end".to_owned());
        loop {
            match self.advance() {
                None => return Err(begun),
                Some('*') if self.rest.next_if_eq(&'/').is_some() => return Ok(()),
                Some(_) => {}
            }
        }
    }

    fn quoted(&mut self) -> Result<Token, BadJaas> {
        let open = self.bad("the text that begins here has no second quote".to_owned());
        self.advance();
        let mut text = String::new();
        loop {
            match self.advance() {
                Some('"') => return Ok(Token::Word(text)),
                Some('\\') => text.push(self.escaped().ok_or_else(|| open.clone())?),
                Some(letter) if letter != '\n' => text.push(letter),
                _ => return Err(open),
            }
        }
    }

    /// What a backslash makes of the letters behind it.
    fn escaped(&mut self) -> Option<char> {
        Some(match self.advance()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            first @ '0'..='7' => self.octal(first),
            other => other,
        })
    }

    fn octal(&mut self, first: char) -> char {
        let most = if first <= '3' { 3 } else { 2 };
        let mut code = first as u8 - b'0';
        for _ in 1..most {
            match self.rest.next_if(|letter| ('0'..='7').contains(letter)) {
                Some(digit) => code = code * 8 + (digit as u8 - b'0'),
                None => break,
            }
        }
        code.into()
    }

    fn plain(&mut self) -> Token {
        let mut word = String::new();
        while let Some(letter) = self.rest.next_if(|&letter| is_word(letter)) {
            word.push(letter);
        }
        Token::Word(word)
    }
}

/// To Java what begins with a digit, a dot or a minus is a number, which may stand nowhere.
fn begins_word(letter: char) -> bool {
    is_word(letter) && !letter.is_ascii_digit() && !matches!(letter, '.' | '-')
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '.' | '-' | '_' | '$' | '*')
        || letter as u32 >= 0xa0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Jaas, BadJaas> {
        Jaas::parse(text, |name| (name == "conf").then(|| "/etc/zk".to_owned()))
    }

    const FILE: &str = r#"
        // who may log in
        Server {
            org.apache.zookeeper.server.auth.DigestLoginModule required
            user_super="adminsecret" /* two
            lines */ user_bob=bobsecret
            user_a="quote \" and \101";
        };
        Client {
            com.sun.security.auth.module.Krb5LoginModule REQUIRED
            useKeyTab=true
            keyTab="${conf}${/}zk.keytab";
            Second optional;
        };
    "#;

    #[test]
    fn sections_have_modules_with_options() {
        let jaas = parse(FILE).expect("a file");
        let [server] = jaas.section("Server").expect("a section") else {
            panic!("one module");
        };
        assert_eq!(
            server.class,
            "org.apache.zookeeper.server.auth.DigestLoginModule"
        );
        let options: Vec<_> = server.options.iter().collect();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let expected = [
            pair("user_a", "quote \" and A"),
            pair("user_bob", "bobsecret"),
            pair("user_super", "adminsecret"),
        ];
        assert_eq!(
            options,
            expected.iter().map(|(k, v)| (k, v)).collect::<Vec<_>>()
        );
        let client = jaas.section("Client").expect("a section");
        assert_eq!(client.len(), 2);
        assert_eq!(client[0].options["keyTab"], "/etc/zk/zk.keytab");
        assert_eq!(jaas.section("Other"), None);
    }

    #[test]
    fn a_file_without_sections_is_one() {
        for text in ["", "  \n", "// nothing"] {
            assert_eq!(parse(text), Ok(Jaas::default()), "{text:?}");
        }
    }

    #[test]
    fn the_section_other_stands_for_all_that_are_missing() {
        let jaas = parse("other { a.B required; };").expect("a file");
        assert!(jaas.section("Server").is_some());
    }

    #[test]
    fn a_broken_file_is_refused_with_its_line() {
        for (text, line, what) in [
            ("Server", 1, "the file ends where { is expected"),
            (
                "Server {\n a.B required\n",
                3,
                "the file ends where an option or ; is expected",
            ),
            ("Server {\n a.B needed;\n};", 2, "needed is no flag"),
            (
                "Server {\n a.B required;\n}",
                3,
                "the file ends where ; is expected",
            ),
            (
                "Server {\n a.B required user_a=;\n};",
                2,
                "; stands where a value",
            ),
            (
                "Server {\n a.B required user_a=@;\n};",
                2,
                "@ stands where a value",
            ),
            (
                "Server {\n a.B required a=\"x\n};",
                2,
                "has no second quote",
            ),
            (
                "/* Server {\n",
                1,
                "the comment that begins here has no end",
            ),
            (
                "Server {\n a.B required a=\"${home}\";\n};",
                2,
                "there is no property home",
            ),
            (
                "A { a.B required; };\nA { a.B required; };",
                2,
                "there are two sections A",
            ),
            (
                "A {\n a.B required user_a=12;\n};",
                2,
                "1 stands where a value",
            ),
            // To Java a slash begins a comment, too.
            (
                "A {\n a.B required keyTab=/etc/zk.keytab\n;\n};",
                3,
                "; stands where a value",
            ),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text:?}: {error}");
            assert!(error.what.contains(what), "{text:?}: {error}");
        }
    }
}
