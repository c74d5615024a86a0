//! Owns the name of the server that is logged in to (`SecurityUtils.getServerPrincipal`, `createSaslClient`).

use sasl::names::KerberosName;

use super::Unusable;

/// Behind the slash it stands for the host of a server line.
const HOST: &str = "_HOST";

/// The Kerberos name of other servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    service: String,
    /// The one of the server line where there is none.
    host: Option<String>,
    realm: String,
}

impl Service {
    /// Of a setting; `realm` is the one of a name that says none.
    ///
    /// # Errors
    /// It has no host.
    pub fn parse(setting: &str, realm: &str) -> Result<Self, Unusable> {
        let no_service = || Unusable::Service(setting.to_owned());
        let whole = match setting.contains('@') {
            true => setting.to_owned(),
            false => format!("{setting}@{realm}"),
        };
        let name = KerberosName::parse(&whole).map_err(|_| no_service())?;
        let host = name.host.ok_or_else(no_service)?;
        // With a realm behind it the word is a host like any other, as in Apache.
        let is_any = host == HOST && !setting.contains('@');
        Ok(Service {
            service: name.service,
            host: (!is_any).then_some(host),
            realm: name.realm.unwrap_or_default(),
        })
    }

    /// The host part of the name of the server at `host`.
    #[cfg_attr(not(feature = "gssapi"), allow(dead_code))]
    pub fn host(&self, host: &str) -> String {
        match &self.host {
            Some(own) => own.clone(),
            None => host.to_lowercase(),
        }
    }

    /// The whole name, with that host part.
    #[cfg_attr(not(feature = "gssapi"), allow(dead_code))]
    pub fn principal(&self, host: &str) -> String {
        format!("{}/{host}@{}", self.service, self.realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_host_stands_for_the_host_of_the_server_line() {
        for (setting, expected) in [
            ("zkquorum/localhost", "zkquorum/localhost@HOME"),
            ("zkquorum/localhost@AWAY", "zkquorum/localhost@AWAY"),
            ("zkquorum/_HOST", "zkquorum/zoo1.example@HOME"),
            ("zkquorum/_HOST@AWAY", "zkquorum/_HOST@AWAY"),
        ] {
            let service = Service::parse(setting, "HOME").expect("a name");
            let host = service.host("Zoo1.example");
            assert_eq!(service.principal(&host), expected, "{setting}");
        }
    }

    #[test]
    fn a_name_without_a_host_is_refused() {
        for setting in ["zkquorum", "zkquorum@HOME", "a/b/c", "a/b@c@d"] {
            let error = Service::parse(setting, "HOME").expect_err("refused");
            assert!(error.to_string().contains("write service/host@REALM"));
        }
    }
}
