//! Owns how the library is told where its settings, keys and tickets are: by the environment, and so while no other thread
//! runs.

use std::ffi::OsStr;

use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};

use super::Principal;
use crate::config::Kerberos;

const SETTINGS: &str = "KRB5_CONFIG";
/// The keys that others' tickets are read with.
const KEYS: &str = "KRB5_KTNAME";
/// The keys that this server gets its own tickets with.
const OWN_KEYS: &str = "KRB5_CLIENT_KTNAME";
const TICKETS: &str = "KRB5CCNAME";
/// Nobody else can see them.
const IN_MEMORY: &str = "MEMORY:ironkeeper";

/// Keys that others' tickets are read with. Those of another principal may be in another file.
pub(super) fn that_accept(principal: &Principal, settings: &Kerberos) -> Result<Cred, Error> {
    set(SETTINGS, settings.conf.as_deref());
    let others = std::env::var_os(KEYS);
    set(KEYS, principal.keytab.as_deref());
    let found = acquire(principal, CredUsage::Accept);
    if principal.keytab.is_some() {
        restore(KEYS, others.as_deref());
    }
    found
}

/// From now on the library gets this principal's tickets.
pub(super) fn are_of(principal: &Principal, settings: &Kerberos) {
    set(SETTINGS, settings.conf.as_deref());
    set(OWN_KEYS, principal.keytab.as_deref());
    set(TICKETS, Some(IN_MEMORY));
}

/// Tickets to show to others: those that are there, or new ones where half of their time is over.
pub(super) fn that_initiate(principal: &Principal) -> Result<Cred, Error> {
    acquire(principal, CredUsage::Initiate)
}

fn acquire(principal: &Principal, usage: CredUsage) -> Result<Cred, Error> {
    let name = Name::new(principal.name.as_bytes(), Some(&GSS_NT_KRB5_PRINCIPAL))?;
    let mut mechanisms = OidSet::new()?;
    mechanisms.add(&GSS_MECH_KRB5)?;
    Cred::acquire(Some(&name), None, usage, Some(&mechanisms))
}

fn set(variable: &str, value: Option<impl AsRef<OsStr>>) {
    if let Some(value) = value {
        restore(variable, Some(value.as_ref()));
    }
}

#[allow(unsafe_code)]
fn restore(variable: &str, value: Option<&OsStr>) {
    // SAFETY: the server's only thread so far reads its files.
    match value {
        Some(value) => unsafe { std::env::set_var(variable, value) },
        None => unsafe { std::env::remove_var(variable) },
    }
}
