//! Who may do what.

use datatree::AclList;
use proto::records::{Acl, Id};
use proto::{ErrorCode, Perms};

use crate::auth::{AuthRules, Identities};

/// The server's settings of access control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    /// `zookeeper.skipACL`: everyone may do everything.
    pub skip_acl: bool,
    /// The schemes.
    pub auth: AuthRules,
}

fn is(field: &proto::Ustring<'_>, text: &str) -> bool {
    field.as_deref() == Some(text)
}

/// May these identities do any of `perms`? An empty list lets everyone
/// (`ZooKeeperServer.checkACL`).
pub fn check_access(
    rules: &AccessRules,
    acl: &[Acl<'_>],
    perms: Perms,
    identities: &Identities,
) -> Result<(), ErrorCode> {
    let superuser = || identities.ids().iter().any(|id| is(&id.scheme, "super"));
    let allowed = rules.skip_acl
        || acl.is_empty()
        || acl
            .iter()
            .any(|entry| perms.any_in(entry.perms) && fits(rules, &entry.id, identities))
        || superuser();
    if allowed {
        Ok(())
    } else {
        Err(ErrorCode::NO_AUTH)
    }
}

fn fits(rules: &AccessRules, who: &Id<'_>, identities: &Identities) -> bool {
    if is_anyone(who) {
        return true;
    }
    let (Some(scheme_name), Some(acl_id)) = (who.scheme.as_deref(), who.id.as_deref()) else {
        return false;
    };
    let Some(scheme) = rules.auth.scheme(scheme_name) else {
        return false;
    };
    identities.ids().iter().any(|identity| {
        is(&identity.scheme, scheme_name)
            && identity
                .id
                .as_deref()
                .is_some_and(|identity| scheme.matches(identity, acl_id))
    })
}

fn is_anyone(who: &Id<'_>) -> bool {
    is(&who.scheme, "world") && is(&who.id, "anyone")
}

/// A list as it is stored: without doubles, `auth` replaced by the caller's own identities
/// (`PrepRequestProcessor.fixupACL`). A null id, on which Apache stumbles, cannot be parsed.
pub(crate) fn fix_up_acl<'a>(
    rules: &AccessRules,
    asked: Option<&[Acl<'a>]>,
    identities: &Identities,
) -> Result<Vec<Acl<'a>>, ErrorCode> {
    let mut unique: Vec<&Acl<'a>> = Vec::new();
    for entry in asked.unwrap_or_default() {
        if !unique.contains(&entry) {
            unique.push(entry);
        }
    }
    if unique.is_empty() {
        return Err(ErrorCode::INVALID_ACL);
    }
    let mut stored = Vec::with_capacity(unique.len());
    for entry in unique {
        fix_up_entry(rules, entry, identities, &mut stored)?;
    }
    Ok(stored)
}

fn fix_up_entry<'a>(
    rules: &AccessRules,
    entry: &Acl<'a>,
    identities: &Identities,
    stored: &mut Vec<Acl<'a>>,
) -> Result<(), ErrorCode> {
    let scheme_name = entry.id.scheme.as_deref().ok_or(ErrorCode::INVALID_ACL)?;
    if scheme_name == "auth" {
        return expand_auth(rules, entry.perms, identities, stored);
    }
    let scheme = rules.auth.scheme(scheme_name);
    let id = match (entry.id.id.as_deref(), scheme, scheme_name) {
        (Some(id), ..) => id,
        (None, None, scheme) if scheme != "world" => return Err(ErrorCode::INVALID_ACL),
        (None, ..) => return Err(ErrorCode::MARSHALLING_ERROR),
    };
    if !is_anyone(&entry.id) && !scheme.is_some_and(|scheme| scheme.is_valid(id)) {
        return Err(ErrorCode::INVALID_ACL);
    }
    stored.push(entry.clone());
    Ok(())
}

fn expand_auth(
    rules: &AccessRules,
    perms: i32,
    identities: &Identities,
    stored: &mut Vec<Acl<'_>>,
) -> Result<(), ErrorCode> {
    let proven = |id: &&Id<'static>| {
        let scheme = rules.auth.scheme(id.scheme.as_deref().unwrap_or_default());
        scheme.is_some_and(|scheme| scheme.is_authenticated())
    };
    let before = stored.len();
    let own = identities.ids().iter().filter(proven);
    stored.extend(own.map(|id| Acl {
        perms,
        id: id.clone(),
    }));
    if stored.len() == before {
        Err(ErrorCode::INVALID_ACL)
    } else {
        Ok(())
    }
}

/// A list as one without ADMIN sees it: hashes of digest ids hidden
/// (`FinalRequestProcessor`, getACL).
pub(crate) fn without_hashes(acl: &AclList) -> Vec<Acl<'_>> {
    let hidden = |entry: &Acl<'static>| {
        let id = entry.id.id.as_deref().unwrap_or_default();
        let id = match id.split_once(':') {
            Some((user, _)) if is(&entry.id.scheme, "digest") => format!("{user}:x"),
            _ => return entry.clone(),
        };
        Acl {
            perms: entry.perms,
            id: Id {
                scheme: entry.id.scheme.clone(),
                id: Some(id.into()),
            },
        }
    };
    acl.iter().map(hidden).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(perms: i32, scheme: &'static str, id: &'static str) -> Acl<'static> {
        Acl {
            perms,
            id: Id {
                scheme: Some(scheme.into()),
                id: Some(id.into()),
            },
        }
    }

    fn someone() -> Identities {
        let rules = AuthRules::default();
        let digest = Id {
            scheme: Some("digest".into()),
            id: Some(rules.digest_id("bob:secret").into()),
        };
        Identities::of_address("10.0.0.1").with(vec![digest])
    }

    #[test]
    fn any_asked_bit_is_enough() {
        let rules = AccessRules::default();
        let acl = [entry(1, "world", "anyone")];
        let asked = Perms::READ.or(Perms::ADMIN);
        assert_eq!(check_access(&rules, &acl, asked, &someone()), Ok(()));
        assert_eq!(
            check_access(&rules, &acl, Perms::WRITE, &someone()),
            Err(ErrorCode::NO_AUTH)
        );
        assert_eq!(check_access(&rules, &[], Perms::WRITE, &someone()), Ok(()));
    }

    #[test]
    fn an_identity_must_be_of_the_same_scheme() {
        let rules = AccessRules::default();
        let acl = [entry(31, "ip", "10.0.0.0/8")];
        assert_eq!(check_access(&rules, &acl, Perms::ALL, &someone()), Ok(()));
        let acl = [entry(31, "digest", "10.0.0.1")];
        assert_eq!(
            check_access(&rules, &acl, Perms::ALL, &someone()),
            Err(ErrorCode::NO_AUTH)
        );
    }

    #[test]
    fn auth_becomes_the_identities_that_are_proven() {
        let rules = AccessRules::default();
        let asked = [entry(3, "auth", ""), entry(3, "auth", "")];
        let stored = fix_up_acl(&rules, Some(&asked), &someone()).unwrap();
        let hash = AuthRules::default().digest_id("bob:secret");
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].id.id.as_deref(), Some(&*hash));
        let nobody = Identities::of_address("10.0.0.1");
        assert_eq!(
            fix_up_acl(&rules, Some(&asked), &nobody),
            Err(ErrorCode::INVALID_ACL)
        );
    }

    #[test]
    fn lists_that_cannot_be_are_refused() {
        let rules = AccessRules::default();
        for asked in [
            None,
            Some(&[][..]),
            Some(&[entry(1, "world", "me")]),
            Some(&[entry(1, "x", "y")]),
        ] {
            assert_eq!(
                fix_up_acl(&rules, asked, &someone()),
                Err(ErrorCode::INVALID_ACL)
            );
        }
        let null = Acl {
            perms: 1,
            id: Id {
                scheme: Some("world".into()),
                id: None,
            },
        };
        assert_eq!(
            fix_up_acl(&rules, Some(&[null]), &someone()),
            Err(ErrorCode::MARSHALLING_ERROR)
        );
    }

    #[test]
    fn hashes_are_hidden_and_nothing_else() {
        let list: AclList = [entry(1, "digest", "bob:hash"), entry(1, "ip", "1.2.3.4")].into();
        let shown = without_hashes(&list);
        assert_eq!(shown[0].id.id.as_deref(), Some("bob:x"));
        assert_eq!(shown[1], list[1]);
    }
}
