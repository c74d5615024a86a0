//! Names that an authority may issue certificates for.

use rcgen::{
    CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType, GeneralSubtree,
    NameConstraints, SanType,
};

use super::*;

fn permit(subtrees: Vec<GeneralSubtree>) -> NameConstraints {
    NameConstraints {
        permitted_subtrees: subtrees,
        excluded_subtrees: vec![],
    }
}

fn exclude(subtrees: Vec<GeneralSubtree>) -> NameConstraints {
    NameConstraints {
        permitted_subtrees: vec![],
        excluded_subtrees: subtrees,
    }
}

fn host(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("ASCII"))
}

fn mail(name: &str) -> SanType {
    SanType::Rfc822Name(name.try_into().expect("ASCII"))
}

fn address(text: &str) -> SanType {
    SanType::IpAddress(text.parse().expect("an address"))
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("ASCII"))
}

/// Is a certificate trusted that an authority has issued with these names, which is bound by these constraints?
fn is_taken(constraints: &NameConstraints, names: Vec<SanType>) -> bool {
    verdict(constraints, |params| params.subject_alt_names = names).is_ok()
}

fn verdict(
    constraints: &NameConstraints,
    change: impl FnOnce(&mut CertificateParams),
) -> Result<usize, TrustError> {
    let root = Made::root("root");
    let bound = root.issue_authority("bound", |params| {
        params.name_constraints = Some(constraints.clone())
    });
    // No host could be called so, thus the common name counts for none.
    let leaf = bound.issue("a leaf", change);
    path(&[&root], &[&leaf, &bound])
}

#[test]
fn hosts_have_to_be_the_base_or_below_it() {
    let permitted = permit(vec![GeneralSubtree::DnsName("example.com".to_owned())]);
    for name in ["example.com", "a.example.com", "A.B.Example.Com"] {
        assert!(is_taken(&permitted, vec![host(name)]), "{name}");
    }
    for name in ["example.org", "badexample.com", "com"] {
        assert!(!is_taken(&permitted, vec![host(name)]), "{name}");
        assert!(
            !is_taken(&permitted, vec![host("example.com"), host(name)]),
            "{name}, too"
        );
    }
    let with_dot = permit(vec![GeneralSubtree::DnsName(".example.com".to_owned())]);
    assert!(is_taken(&with_dot, vec![host("a.example.com")]));
    assert!(!is_taken(&with_dot, vec![host("example.com")]));
    let excluded = exclude(vec![GeneralSubtree::DnsName("example.com".to_owned())]);
    assert!(is_taken(&excluded, vec![host("example.org")]));
    assert!(!is_taken(&excluded, vec![host("a.example.com")]));
    assert!(!is_taken(
        &exclude(vec![GeneralSubtree::DnsName(String::new())]),
        vec![host("a")]
    ));
}

#[test]
fn what_is_excluded_is_not_permitted_by_anything_else() {
    let both = NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("example.com".to_owned()),
            GeneralSubtree::DnsName("example.org".to_owned()),
        ],
        excluded_subtrees: vec![GeneralSubtree::DnsName("secret.example.com".to_owned())],
    };
    assert!(is_taken(
        &both,
        vec![host("a.example.com"), host("example.org")]
    ));
    assert!(!is_taken(&both, vec![host("a.secret.example.com")]));
}

#[test]
fn addresses_have_to_be_in_the_net() {
    let permitted = permit(vec![GeneralSubtree::IpAddress(CidrSubnet::V4(
        [10, 1, 0, 0],
        [255, 255, 0, 0],
    ))]);
    assert!(is_taken(&permitted, vec![address("10.1.2.3")]));
    for name in ["10.2.2.3", "::1"] {
        assert!(!is_taken(&permitted, vec![address(name)]), "{name}");
    }
    assert!(
        is_taken(&permitted, vec![host("example.com")]),
        "names of another kind are free"
    );
    let mut net = [0; 16];
    net[0] = 0xfd;
    let mut mask = [0; 16];
    mask[0] = 0xff;
    let excluded = exclude(vec![GeneralSubtree::IpAddress(CidrSubnet::V6(net, mask))]);
    assert!(is_taken(
        &excluded,
        vec![address("fc00::1"), address("10.0.0.1")]
    ));
    assert!(!is_taken(&excluded, vec![address("fd12::1")]));
}

#[test]
fn subjects_have_to_begin_with_the_base() {
    let base = |parts: &[(DnType, &str)]| {
        let mut name = DistinguishedName::new();
        for (kind, value) in parts {
            name.push(kind.clone(), *value);
        }
        vec![GeneralSubtree::DirectoryName(name)]
    };
    let lab = base(&[(DnType::OrganizationName, " LAB ")]);
    assert!(is_taken(&permit(lab.clone()), vec![]), "in other letters");
    assert!(!is_taken(&exclude(lab), vec![]));
    for other in [
        base(&[(DnType::OrganizationName, "Other")]),
        base(&[(DnType::CommonName, "a leaf")]),
        base(&[(DnType::OrganizationName, "Lab"), (DnType::CommonName, "b")]),
    ] {
        assert!(!is_taken(&permit(other.clone()), vec![]), "{other:?}");
        assert!(is_taken(&exclude(other.clone()), vec![]), "{other:?}");
    }
}

#[test]
fn mail_addresses_are_bound_by_address_host_or_domain() {
    let is_taken = |base: &str, name: &str| {
        is_taken(
            &permit(vec![GeneralSubtree::Rfc822Name(base.to_owned())]),
            vec![mail(name)],
        )
    };
    for (base, good, bad) in [
        ("jd@example.com", "JD@example.com", "dj@example.com"),
        ("example.com", "jd@example.com", "jd@a.example.com"),
        (".example.com", "jd@a.example.com", "jd@example.com"),
    ] {
        assert!(is_taken(base, good), "{base} permits {good}");
        assert!(!is_taken(base, bad), "{base} does not permit {bad}");
    }
}

#[test]
fn the_subject_counts_for_what_alternative_names_lack() {
    let example = permit(vec![GeneralSubtree::DnsName("example.com".to_owned())]);
    let named = |name: &'static str, names: Vec<SanType>| {
        move |params: &mut CertificateParams| {
            params.distinguished_name.push(DnType::CommonName, name);
            params.subject_alt_names = names;
        }
    };
    assert_eq!(
        verdict(&example, named("zk", vec![]))
            .expect_err("refused")
            .to_string(),
        "CN=zk,O=Lab has the name zk, for which CN=bound,O=Lab may not issue certificates"
    );
    assert!(verdict(&example, named("zk.example.com", vec![])).is_ok());
    assert!(verdict(&example, named("zk", vec![host("zk.example.com")])).is_ok());
    assert!(verdict(&example, named("no host", vec![])).is_ok());
    let net = permit(vec![GeneralSubtree::IpAddress(CidrSubnet::V4(
        [10, 0, 0, 0],
        [255, 0, 0, 0],
    ))]);
    assert!(verdict(&net, named("10.0.0.1", vec![])).is_ok());
    assert!(verdict(&net, named("11.0.0.1", vec![])).is_err());
    let mails = permit(vec![GeneralSubtree::Rfc822Name("example.com".to_owned())]);
    let with_mail = |address: &'static str, names: Vec<SanType>| {
        move |params: &mut CertificateParams| {
            let kind = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
            params.distinguished_name.push(kind, address);
            params.subject_alt_names = names;
        }
    };
    assert!(verdict(&mails, with_mail("jd@example.com", vec![])).is_ok());
    assert!(verdict(&mails, with_mail("jd@example.org", vec![])).is_err());
    assert!(verdict(&mails, with_mail("jd@example.org", vec![host("a")])).is_ok());
}

#[test]
fn uris_are_bound_by_their_host() {
    // rcgen writes no such constraints: [1] holds a subtree with the base [6].
    let of = |base: &str| {
        let tree = crate::der::value(0x30, &crate::der::value(0x86, base.as_bytes()));
        let value = crate::der::value(0x30, &crate::der::value(0xa0, &tree));
        move |params: &mut CertificateParams| {
            let extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], value);
            params.custom_extensions.push(extension);
        }
    };
    let root = Made::root("root");
    for (base, good, bad) in [
        (
            "example.com",
            "spiffe://example.com/zk",
            "spiffe://a.example.com/zk",
        ),
        (
            ".example.com",
            "http://u@a.example.com:80/?x",
            "http://example.com/",
        ),
    ] {
        let bound = root.issue_authority("bound", of(base));
        for (name, is_good) in [(good, true), (bad, false)] {
            let leaf = bound.issue("a leaf", |params| {
                params.subject_alt_names = vec![uri(name)]
            });
            assert_eq!(
                path(&[&root], &[&leaf, &bound]).is_ok(),
                is_good,
                "{base}: {name}"
            );
        }
    }
}

#[test]
fn each_authority_above_binds_and_the_trust_store_does_not() {
    let only = |name: &str| permit(vec![GeneralSubtree::DnsName(name.to_owned())]);
    let root = Made::root("root");
    let high = root.issue_authority("high one", |params| {
        params.name_constraints = Some(only("example.com"))
    });
    let low = high.issue_authority("low one", |params| {
        params.name_constraints = Some(only("example.org"))
    });
    for name in ["example.com", "example.org"] {
        let leaf = low.issue("a leaf", |params| {
            params.subject_alt_names = vec![host(name)]
        });
        assert!(path(&[&root], &[&leaf, &low, &high]).is_err(), "{name}");
        assert_eq!(
            path(&[&low], &[&leaf]),
            Ok(2),
            "{name}, of an anchor with constraints"
        );
    }
}

#[test]
fn a_renewed_authority_need_not_have_such_a_name_itself() {
    let root = Made::root("root");
    let nobody = permit(vec![GeneralSubtree::DnsName("example.com".to_owned())]);
    let bound = root.issue_authority("bound", |params| params.name_constraints = Some(nobody));
    let renewed = bound.issue_authority("bound", |_| {});
    let other = bound.issue_authority("other", |_| {});
    let leaf = |issuer: &Made| {
        issuer.issue("a leaf", |params| {
            params.subject_alt_names = vec![host("example.com")]
        })
    };
    assert_eq!(path(&[&root], &[&leaf(&renewed), &renewed, &bound]), Ok(4));
    assert!(path(&[&root], &[&leaf(&other), &other, &bound]).is_err());
}

#[test]
fn constraints_with_a_distance_are_not_understood() {
    let base = crate::der::value(0x82, b"example.com");
    let tree = crate::der::value(0x30, &[&base[..], &[0x80, 1, 1]].concat());
    let value = crate::der::value(0x30, &crate::der::value(0xa0, &tree));
    let root = Made::root("root");
    let bound = root.issue_authority("bound", |params| {
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(&[2, 5, 29, 30], value));
    });
    let leaf = bound.issue("a leaf", |_| {});
    let error = path(&[&root], &[&leaf, &bound])
        .expect_err("refused")
        .to_string();
    assert_eq!(
        error,
        "the name constraints of CN=bound,O=Lab cannot be understood"
    );
}
