//! Who may have a command that is guarded: all permissions on the root znode (Apache: `Commands.handleAuthentication` and
//! `handleAuthorization`).

use processor::{Identities, Peer, Verdict, authenticate, check_access};
use proto::Perms;

use super::Admin;
use super::connection::Caller;
use super::request::Asked;

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not say who it is.
    Missing,
    /// It does not prove who it is.
    NotAuthenticated,
    /// It is somebody who may not.
    NotAuthorized,
}

const ALL: [Perms; 5] = [
    Perms::READ,
    Perms::WRITE,
    Perms::CREATE,
    Perms::DELETE,
    Perms::ADMIN,
];

/// # Errors
/// It may not.
pub(super) fn check(admin: &Admin, caller: &Caller, asked: &Asked) -> Result<(), Refusal> {
    let authorization = asked.authorization.as_deref().ok_or(Refusal::Missing)?;
    let identities = identities(admin, caller, asked, authorization);
    let identities = identities.ok_or(Refusal::NotAuthenticated)?;
    let tree = admin.server.tree.read();
    let root = tree.get("/").expect("each tree has a root");
    let may =
        |perms: &Perms| check_access(&admin.server.access, root.acl(), *perms, &identities).is_ok();
    match ALL.iter().all(may) {
        true => Ok(()),
        false => Err(Refusal::NotAuthorized),
    }
}

/// A scheme and, where it needs any, its data, with one space between. Only these schemes know who sends a request.
fn identities(
    admin: &Admin,
    caller: &Caller,
    asked: &Asked,
    authorization: &str,
) -> Option<Identities> {
    const SCHEMES: [&str; 3] = ["digest", "ip", "x509"];
    let mut parts = authorization.trim_end_matches(' ').split(' ');
    let (scheme, data) = (parts.next()?, parts.next());
    if parts.next().is_some() || !SCHEMES.contains(&scheme) {
        return None;
    }
    let peer = Peer {
        address: &address(admin, caller, asked),
        subject: caller.subject.as_deref(),
    };
    let rules = &admin.server.access.auth;
    match authenticate(rules, scheme, data.map(str::as_bytes), peer, || None) {
        Verdict::Accepted(ids) => Some(Identities::default().with(ids)),
        Verdict::Refused | Verdict::WrongServer => None,
    }
}

/// The first that was forwarded for, where the operator trusts what stands there (`IPAuthenticationProvider.getClientIPAddress`).
pub(super) fn address(admin: &Admin, caller: &Caller, asked: &Asked) -> String {
    let forwarded = asked.forwarded_for.as_deref();
    let forwarded = forwarded.filter(|_| admin.settings.uses_forwarded_for);
    let mut hosts = forwarded.into_iter().flat_map(|hosts| hosts.split(','));
    match hosts.find(|host| !host.is_empty()) {
        Some(host) => host.trim().to_owned(),
        None => listener::java_host_address(caller.remote.ip()),
    }
}
