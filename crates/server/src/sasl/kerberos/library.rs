//! Owns keys and tickets as libgssapi_krb5 has them.

use std::fmt::Debug;

use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext, ServerCtx};
use libgssapi::credential::Cred;
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL};
use sasl::gssapi::{Accepted, Acceptor, Initiated, Initiator, Seals};
use sasl::jaas::LoginModule;

use super::{Principal, Service, Unusable, credentials};
use crate::config::Kerberos;
use crate::names;

/// What the tickets of those who log in are read with.
#[derive(Debug)]
pub struct Keys(Cred);

impl Keys {
    /// No other thread may run yet: the library is told by the environment where its settings are.
    ///
    /// # Errors
    /// There is no key of that principal.
    pub fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        let principal = Principal::that_accepts(module, settings)?;
        let keys = credentials::that_accept(&principal, settings);
        Ok(Keys(keys.map_err(|error| no_key(&principal, error))?))
    }

    /// Somebody has shown no ticket so far.
    pub fn acceptor(&self) -> Box<dyn Acceptor> {
        Box::new(Accepting(ServerCtx::new(Some(self.0.clone()))))
    }
}

/// What this server shows to others. The library gets tickets with the key, and new ones before they are old.
#[derive(Debug)]
pub struct Tickets(Principal);

impl Tickets {
    /// No other thread may run yet: the library is told by the environment where its settings are. Nobody is asked for a ticket,
    /// so that a server starts while Kerberos' is away.
    ///
    /// # Errors
    /// There is no key of that principal.
    pub fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        let principal = Principal::that_initiates(module, settings)?;
        credentials::are_of(&principal, settings);
        credentials::that_accept(&principal, settings)
            .map_err(|error| no_key(&principal, error))?;
        Ok(Tickets(principal))
    }

    /// Who this server is.
    pub fn principal(&self) -> &str {
        &self.0.name
    }

    /// The server at `host` was shown nothing so far.
    pub fn initiator(&self, service: &Service, host: &str) -> Box<dyn Initiator> {
        Box::new(Initiating {
            own: self.0.clone(),
            service: service.clone(),
            host: service.host(host),
            context: None,
        })
    }
}

fn no_key(principal: &Principal, error: Error) -> Unusable {
    let keytab = principal.keytab.clone();
    Unusable::Keytab {
        keytab: keytab.unwrap_or("the default keytab".to_owned()),
        principal: principal.name.clone(),
        reason: error.to_string(),
    }
}

/// One who logs in.
#[derive(Debug)]
struct Accepting(ServerCtx);

impl Acceptor for Accepting {
    fn accept(&mut self, token: &[u8]) -> Result<Accepted, String> {
        let answer = self.0.step(token).map_err(text)?;
        let client = match self.0.is_complete() {
            true => Some(self.0.source_name().map_err(text)?.to_string()),
            false => None,
        };
        let answer = answer.map(|token| token.to_vec());
        Ok(Accepted { answer, client })
    }
}

impl Seals for Accepting {
    fn seal(&mut self, message: &[u8]) -> Result<Vec<u8>, String> {
        seal(&mut self.0, message)
    }

    fn open(&mut self, token: &[u8]) -> Result<Vec<u8>, String> {
        open(&mut self.0, token)
    }
}

/// One that is logged in to.
#[derive(Debug)]
struct Initiating {
    own: Principal,
    service: Service,
    host: String,
    context: Option<ClientCtx>,
}

impl Initiating {
    fn begin(&mut self) -> Result<&mut ClientCtx, Error> {
        let host = names::qualified(&self.host);
        let target = self.service.principal(&host);
        let target = Name::new(target.as_bytes(), Some(&GSS_NT_KRB5_PRINCIPAL))?;
        let own = credentials::that_initiate(&self.own)?;
        // Java asks for no more (`GssKrb5Client`).
        let flags = CtxFlags::GSS_C_INTEG_FLAG | CtxFlags::GSS_C_CONF_FLAG;
        let context = ClientCtx::new(Some(own), target, flags, Some(&GSS_MECH_KRB5));
        Ok(self.context.insert(context))
    }
}

impl Initiator for Initiating {
    fn initiate(&mut self, token: &[u8]) -> Result<Initiated, String> {
        let (context, said) = match &mut self.context {
            Some(context) => (context, Some(token)),
            None => (self.begin().map_err(text)?, None),
        };
        let token = context.step(said, None).map_err(text)?;
        Ok(Initiated {
            token: token.map(|token| token.to_vec()).unwrap_or_default(),
            is_done: context.is_complete(),
        })
    }
}

impl Seals for Initiating {
    fn seal(&mut self, message: &[u8]) -> Result<Vec<u8>, String> {
        seal(self.context.as_mut().ok_or(NOTHING_SHOWN)?, message)
    }

    fn open(&mut self, token: &[u8]) -> Result<Vec<u8>, String> {
        open(self.context.as_mut().ok_or(NOTHING_SHOWN)?, token)
    }
}

const NOTHING_SHOWN: &str = "no ticket was shown yet";

fn seal(context: &mut impl SecurityContext, message: &[u8]) -> Result<Vec<u8>, String> {
    let token = context.wrap(false, message).map_err(text)?;
    Ok(token.to_vec())
}

fn open(context: &mut impl SecurityContext, token: &[u8]) -> Result<Vec<u8>, String> {
    let opened = context.unwrap(token).map_err(text)?;
    Ok(opened.to_vec())
}

fn text(error: Error) -> String {
    error.to_string()
}
