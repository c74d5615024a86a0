//! Cipher suites by the names that Java and IANA give them; they differ for none that is built here.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs;

/// The suites of a listener.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suites {
    /// In the order of preference; empty: all that there are.
    usable: Vec<SupportedCipherSuite>,
    /// Names that were given and are of no use.
    left_out: Vec<String>,
}

/// No suite is left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has no suite that can be used ({named}): there are {known}")]
pub struct SuiteError {
    named: String,
    known: String,
}

impl Suites {
    /// Those of a list between commas.
    ///
    /// # Errors
    /// None of them is built: those with CBC or without forward secrecy are not.
    pub fn parse(list: &str) -> Result<Self, SuiteError> {
        let mut suites = Suites::default();
        for name in list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match known().iter().find(|suite| java_name(suite) == name) {
                Some(suite) => suites.usable.push(*suite),
                None => suites.left_out.push(name.to_owned()),
            }
        }
        match suites.usable.is_empty() {
            true => Err(SuiteError {
                named: list.to_owned(),
                known: names(known()),
            }),
            false => Ok(suites),
        }
    }

    /// Names that were given and are of no use.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// What is offered, the best first.
    pub(super) fn offered(&self) -> Vec<SupportedCipherSuite> {
        match self.usable.is_empty() {
            true => known().to_vec(),
            false => self.usable.clone(),
        }
    }
}

fn known() -> &'static [SupportedCipherSuite] {
    aws_lc_rs::ALL_CIPHER_SUITES
}

fn names(suites: &[SupportedCipherSuite]) -> String {
    suites.iter().map(java_name).collect::<Vec<_>>().join(", ")
}

/// `TLS13_AES_128_GCM_SHA256` is `TLS_AES_128_GCM_SHA256` to everyone else.
fn java_name(suite: &SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or_default();
    name.replacen("TLS13_", "TLS_", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_names_are_known() {
        let list = "TLS_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        let suites = Suites::parse(list).unwrap();
        assert_eq!(names(&suites.usable), list.replace(',', ", "));
        assert_eq!(suites.left_out(), &[] as &[String]);
    }

    #[test]
    fn a_suite_with_cbc_is_left_out_and_alone_refused() {
        let cbc = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256";
        let suites = Suites::parse(&format!("{cbc},TLS_AES_128_GCM_SHA256")).unwrap();
        assert_eq!(suites.left_out(), &[cbc]);
        let error = Suites::parse(cbc).unwrap_err().to_string();
        assert!(
            error.contains(cbc) && error.contains("TLS_AES_128_GCM_SHA256"),
            "{error}"
        );
    }
}
