//! Owns keys and tickets as libgssapi_krb5 has them.

use libgssapi::context::{SecurityContext, ServerCtx};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};
use sasl::gssapi::{Accepted, Acceptor};
use sasl::jaas::LoginModule;

use super::{Service, Unusable};
use crate::config::Kerberos;

/// What clients' tickets are read with.
#[derive(Debug)]
pub struct Keys(Cred);

/// The tickets of one client.
#[derive(Debug)]
struct Tickets(ServerCtx);

impl Keys {
    /// No other thread may run yet: the library is told by the environment where its files are.
    ///
    /// # Errors
    /// There is no key of that principal.
    pub fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        let service = Service::read(module, settings)?;
        let conf = settings
            .conf
            .as_ref()
            .map(|path| path.display().to_string());
        set("KRB5_CONFIG", conf.as_deref());
        set("KRB5_KTNAME", service.keytab.as_deref());
        let keys = acquire(&service.principal).map_err(|error| Unusable::Keytab {
            keytab: service.keytab.unwrap_or("the default keytab".to_owned()),
            principal: service.principal,
            reason: error.to_string(),
        })?;
        Ok(Keys(keys))
    }

    /// A client has none so far.
    pub fn tickets(&self) -> Box<dyn Acceptor> {
        Box::new(Tickets(ServerCtx::new(Some(self.0.clone()))))
    }
}

#[allow(unsafe_code)]
fn set(variable: &str, value: Option<&str>) {
    if let Some(value) = value {
        // SAFETY: the server's only thread so far reads its files.
        unsafe { std::env::set_var(variable, value) };
    }
}

fn acquire(principal: &str) -> Result<Cred, Error> {
    let name = Name::new(principal.as_bytes(), Some(&GSS_NT_KRB5_PRINCIPAL))?;
    let mut mechanisms = OidSet::new()?;
    mechanisms.add(&GSS_MECH_KRB5)?;
    Cred::acquire(Some(&name), None, CredUsage::Accept, Some(&mechanisms))
}

impl Acceptor for Tickets {
    fn accept(&mut self, token: &[u8]) -> Result<Accepted, String> {
        let answer = self.0.step(token).map_err(text)?;
        let client = match self.0.is_complete() {
            true => Some(self.0.source_name().map_err(text)?.to_string()),
            false => None,
        };
        let answer = answer.map(|token| token.to_vec());
        Ok(Accepted { answer, client })
    }

    fn seal(&mut self, message: &[u8]) -> Result<Vec<u8>, String> {
        let token = self.0.wrap(false, message).map_err(text)?;
        Ok(token.to_vec())
    }

    fn open(&mut self, token: &[u8]) -> Result<Vec<u8>, String> {
        let opened = self.0.unwrap(token).map_err(text)?;
        Ok(opened.to_vec())
    }
}

fn text(error: Error) -> String {
    error.to_string()
}
