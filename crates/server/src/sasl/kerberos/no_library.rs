//! Owns that nobody has a ticket where there is no library to read it.

use sasl::gssapi::Acceptor;
use sasl::jaas::LoginModule;

use super::{Service, Unusable};
use crate::config::Kerberos;

/// There are none.
#[derive(Debug)]
pub enum Keys {}

impl Keys {
    /// # Errors
    /// Always.
    pub fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        Service::read(module, settings)?;
        Err(Unusable::NotBuilt)
    }

    /// Nobody comes here.
    pub fn tickets(&self) -> Box<dyn Acceptor> {
        match *self {}
    }
}
