//! Owns that nobody has a ticket where there is no library for it.

use sasl::gssapi::{Acceptor, Initiator};
use sasl::jaas::LoginModule;

use super::{Principal, Service, Unusable};
use crate::config::Kerberos;

/// There are none.
#[derive(Debug)]
pub enum Keys {}

impl Keys {
    /// # Errors
    /// Always.
    pub fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        Principal::that_accepts(module, settings)?;
        Err(Unusable::NotBuilt)
    }

    /// Nobody comes here.
    pub fn acceptor(&self) -> Box<dyn Acceptor> {
        match *self {}
    }
}

/// There are none.
#[derive(Debug)]
pub enum Tickets {}

impl Tickets {
    /// # Errors
    /// Always.
    pub fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        Principal::that_initiates(module, settings)?;
        Err(Unusable::NotBuilt)
    }

    /// Nobody comes here.
    pub fn principal(&self) -> &str {
        match *self {}
    }

    /// Nobody comes here.
    pub fn initiator(&self, _service: &Service, _host: &str) -> Box<dyn Initiator> {
        match *self {}
    }
}
