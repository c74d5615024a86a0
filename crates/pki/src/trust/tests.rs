//! Whom a trust store trusts, on certificates that are made here. What Java says of the like is `compat-tests`' to ask.

mod constraints;

use rcgen::{
    BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    date_time_ymd,
};

use super::*;
use crate::testing::{Made, algorithms, now};

fn verify(anchors: &[&Made], chain: &[&Made], purpose: Purpose) -> Result<usize, TrustError> {
    let anchors = Anchors::new(anchors.iter().map(|made| made.der()), algorithms());
    let chain: Vec<_> = chain.iter().map(|made| made.der()).collect();
    anchors
        .verify(&chain, purpose, now())
        .map(|path| path.len())
}

/// The length of the path to one of `anchors`, for a client.
fn path(anchors: &[&Made], chain: &[&Made]) -> Result<usize, TrustError> {
    verify(anchors, chain, Purpose::Client)
}

fn refusal(anchors: &[&Made], chain: &[&Made]) -> String {
    path(anchors, chain).expect_err("refused").to_string()
}

fn leaf(issuer: &Made) -> Made {
    issuer.issue("leaf", |_| {})
}

#[test]
fn a_path_begins_with_the_certificate_and_ends_in_the_trust_store() {
    let root = Made::root("root");
    let middle = root.issue_authority("middle", |_| {});
    let leaf = leaf(&middle);
    let anchors = Anchors::new([root.der()], algorithms());
    let path = anchors.verify(&[leaf.der(), middle.der()], Purpose::Client, now());
    assert_eq!(path, Ok(vec![leaf.der(), middle.der(), root.der()]));
}

#[test]
fn what_is_shown_behind_a_certificate_may_stand_in_any_order() {
    let root = Made::root("root");
    let high = root.issue_authority("high", |_| {});
    let low = high.issue_authority("low", |_| {});
    let (leaf, stranger) = (leaf(&low), Made::root("stranger"));
    for behind in [
        [&low, &high, &stranger],
        [&high, &low, &stranger],
        [&stranger, &root, &low],
    ] {
        let found = path(&[&root, &high], &[&[&leaf][..], &behind].concat());
        assert!(found.is_ok(), "{found:?}");
    }
    assert!(
        refusal(&[&root], &[&leaf, &low]).starts_with("CN=low,O=Lab is issued by CN=high,O=Lab")
    );
}

#[test]
fn of_several_anchors_with_one_name_the_one_that_has_signed_counts() {
    let twins = [Made::root("twin"), Made::root("twin"), Made::root("twin")];
    let anchors: Vec<_> = twins.iter().collect();
    for twin in &twins {
        assert_eq!(path(&anchors, &[&leaf(twin)]), Ok(2));
    }
    let error = path(&anchors[..2], &[&leaf(&twins[2])]).expect_err("refused");
    assert!(matches!(error, TrustError::UnknownIssuer { .. }), "{error}");
}

#[test]
fn authorities_that_have_issued_each_others_certificates_are_no_endless_path() {
    let (one, two) = (Made::root("one"), Made::root("two"));
    let of_one = two.issue_authority("one", |_| {});
    let of_two = one.issue_authority("two", |_| {});
    let error = path(
        &[&Made::root("root")],
        &[&leaf(&one), &of_one, &of_two, &one, &two],
    );
    assert!(
        matches!(error, Err(TrustError::UnknownIssuer { .. })),
        "{error:?}"
    );
}

#[test]
fn a_long_chain_is_not_looked_at() {
    let root = Made::root("root");
    let leaf = leaf(&root);
    let chain = vec![&leaf; MAX_CHAIN + 1];
    assert_eq!(
        path(&[&root], &chain),
        Err(TrustError::TooMany(MAX_CHAIN + 1))
    );
    assert_eq!(path(&[&root], &chain[..MAX_CHAIN]), Ok(2));
}

#[test]
fn a_limit_on_the_path_counts_authorities_below_but_not_renewals() {
    let root = Made::root("root");
    let limit = |limit| IsCa::Ca(BasicConstraints::Constrained(limit));
    let flat = root.issue_authority("flat", |params| params.is_ca = limit(0));
    assert_eq!(path(&[&root], &[&leaf(&flat), &flat]), Ok(3));
    let renewed = flat.issue_authority("flat", |_| {});
    assert_eq!(path(&[&root], &[&leaf(&renewed), &renewed, &flat]), Ok(4));
    let below = flat.issue_authority("below", |_| {});
    let error = refusal(&[&root], &[&leaf(&below), &below, &flat]);
    assert_eq!(
        error,
        "CN=flat,O=Lab allows fewer certificate authorities below it"
    );
    assert_eq!(
        path(&[&flat], &[&leaf(&below), &below]),
        Ok(3),
        "an anchor's own limit is not looked at"
    );
}

#[test]
fn only_an_authority_that_may_sign_certificates_issues_them() {
    let root = Made::root("root");
    let plain = root.issue("plain", |_| {});
    let signs_lists = root.issue_authority("lists", |params| {
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
    });
    for (issuer, name) in [(&plain, "plain"), (&signs_lists, "lists")] {
        let expected =
            format!("CN={name},O=Lab has issued a certificate and is no certificate authority");
        assert_eq!(refusal(&[&root], &[&leaf(issuer), issuer]), expected);
        assert_eq!(
            refusal(&[issuer], &[&leaf(issuer)]),
            expected,
            "as an anchor"
        );
    }
}

#[test]
fn dates_of_all_but_the_anchor_count() {
    let root = Made::root("root");
    let past =
        |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2025, 12, 31);
    let future =
        |params: &mut rcgen::CertificateParams| params.not_before = date_time_ymd(2026, 1, 2);
    let error = refusal(&[&root], &[&root.issue("late", past)]);
    assert!(
        error.starts_with("the certificate of CN=late,O=Lab expired on"),
        "{error}"
    );
    let error = refusal(&[&root], &[&root.issue("early", future)]);
    assert!(
        error.starts_with("the certificate of CN=early,O=Lab is not valid before"),
        "{error}"
    );
    let old = root.issue_authority("old", past);
    let error = refusal(&[&root], &[&leaf(&old), &old]);
    assert!(
        error.starts_with("the certificate of CN=old,O=Lab expired on"),
        "{error}"
    );
    assert_eq!(path(&[&old], &[&leaf(&old)]), Ok(2));
}

#[test]
fn a_certificate_of_the_trust_store_is_trusted_as_it_is() {
    let root = Made::root("root");
    let own = Made::alone("own", |params| {
        params.not_after = date_time_ymd(2021, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    });
    assert_eq!(path(&[&root, &own], &[&own]), Ok(1));
    let other = Made::alone("own", |_| {});
    let error = path(&[&root, &own], &[&other]);
    assert!(error.is_err(), "one with the same name");
}

#[test]
fn a_certificate_is_for_what_it_says() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    let root = Made::root("root");
    for (usages, is_for) in [
        (vec![], [true, true]),
        (vec![ClientAuth], [true, false]),
        (vec![ServerAuth], [false, true]),
        (vec![ServerAuth, ClientAuth], [true, true]),
        (vec![Any], [true, true]),
        (vec![CodeSigning], [false, false]),
    ] {
        let leaf = root.issue("leaf", |params| params.extended_key_usages = usages.clone());
        let found = [Purpose::Client, Purpose::Server]
            .map(|purpose| verify(&[&root], &[&leaf], purpose).is_ok());
        assert_eq!(found, is_for, "{usages:?}");
    }
    for (usage, may) in [
        (KeyUsagePurpose::DigitalSignature, true),
        (KeyUsagePurpose::KeyEncipherment, false),
    ] {
        let leaf = root.issue("leaf", |params| params.key_usages = vec![usage]);
        assert_eq!(path(&[&root], &[&leaf]).is_ok(), may, "{usage:?}");
    }
}

#[test]
fn a_critical_extension_that_is_not_known_is_refused_anywhere_on_the_path() {
    let root = Made::root("root");
    let with = |is_critical| {
        move |params: &mut rcgen::CertificateParams| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(is_critical);
            params.custom_extensions.push(extension);
        }
    };
    assert_eq!(path(&[&root], &[&root.issue("leaf", with(false))]), Ok(2));
    let error = refusal(&[&root], &[&root.issue("leaf", with(true))]);
    assert!(error.contains("the critical extension 1.2.3.4"), "{error}");
    let middle = root.issue_authority("middle", with(true));
    let error = refusal(&[&root], &[&leaf(&middle), &middle]);
    assert!(
        error.contains("CN=middle,O=Lab has the critical extension"),
        "{error}"
    );
}

#[test]
fn a_root_of_version_1_issues_and_one_between_does_not() {
    let (root, old) = (Made::root("root"), Made::alone("old", |_| {}));
    let leaf = leaf(&old);
    let anchors = |der| Anchors::new([der], algorithms());
    let alone = anchors(old.in_version_1(&old));
    assert!(alone.verify(&[leaf.der()], Purpose::Client, now()).is_ok());
    let between = root.issue("old", |_| {});
    let chain = [self::leaf(&between).der(), between.in_version_1(&root)];
    let error = anchors(root.der()).verify(&chain, Purpose::Client, now());
    assert!(
        matches!(error, Err(TrustError::NoAuthority { .. })),
        "{error:?}"
    );
    let itself = old.in_version_1(&old);
    assert!(
        anchors(itself.clone())
            .verify(&[itself], Purpose::Client, now())
            .is_ok()
    );
}

#[test]
fn bytes_that_are_no_certificate_are_refused() {
    let root = Made::root("root");
    let anchors = Anchors::new([root.der()], algorithms());
    for chain in [vec![], vec![CertificateDer::from(vec![0x30, 1, 0])]] {
        let error = anchors.verify(&chain, Purpose::Client, now());
        assert_eq!(error, Err(TrustError::Unreadable));
    }
    let mut changed = leaf(&root).der().to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let error = anchors.verify(&[changed.into()], Purpose::Client, now());
    assert!(
        matches!(error, Err(TrustError::UnknownIssuer { .. })),
        "{error:?}"
    );
}
