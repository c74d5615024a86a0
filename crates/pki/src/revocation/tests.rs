//! Lists and answers that are made here. What Java says of the like is `compat-tests`' to ask.

mod lists;
mod responses;

use rcgen::{CertificateParams, CrlDistributionPoint, CustomExtension};

use super::*;
use crate::der::{self, OBJECT, SEQUENCE};
use crate::testing::{Made, algorithms, now};

const LIST: &str = "http://ca.example.com/list.crl";
const RESPONDER: &str = "http://ca.example.com/ocsp";

/// Names both, and a place for issuers' certificates in front of the responder.
fn names_both(params: &mut CertificateParams) {
    params.crl_distribution_points = vec![CrlDistributionPoint {
        uris: vec!["ldap://ca.example.com/list".to_owned(), LIST.to_owned()],
    }];
    let access = |kind: u8, url: &str| {
        let kind = der::value(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 0x30, kind]);
        der::value(
            SEQUENCE,
            &[kind, der::value(der::plain_part(6), url.as_bytes())].concat(),
        )
    };
    let places = [
        access(2, "http://ca.example.com/ca.crt"),
        access(1, RESPONDER),
    ]
    .concat();
    let extension = CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 5, 5, 7, 1, 1],
        der::value(SEQUENCE, &places),
    );
    params.custom_extensions.push(extension);
}

/// Asks about the first certificate of a path.
fn ask<T>(path: &[&Made], question: impl FnOnce(&Question<'_>) -> T) -> T {
    let path: Vec<_> = path.iter().map(|made| made.der()).collect();
    let questions = Question::about(&path, algorithms()).expect("certificates");
    question(questions.last().expect("a question"))
}

#[test]
fn all_of_a_path_but_the_trust_stores_certificate_is_asked_about_from_there_on() {
    let root = Made::root("root");
    let middle = root.issue_authority("middle", |_| {});
    let leaf = middle.issue("leaf", |_| {});
    let path = [leaf.der(), middle.der(), root.der()];
    let about = |path| {
        let questions = Question::about(path, algorithms()).expect("certificates");
        questions.iter().map(Question::subject).collect::<Vec<_>>()
    };
    assert_eq!(about(&path), ["CN=middle,O=Lab", "CN=leaf,O=Lab"]);
    assert_eq!(about(&path[2..]), [""; 0]);
}

#[test]
fn a_certificate_names_where_to_ask() {
    let root = Made::root("root");
    let leaf = root.issue("leaf", |params| {
        params.serial_number = Some(0x00ff_1234_u64.into());
        names_both(params);
    });
    ask(&[&leaf, &root], |question| {
        assert_eq!(question.responder(), Some(RESPONDER));
        let points = question.points();
        let urls: Vec<_> = points.iter().flat_map(Point::urls).collect();
        assert_eq!(urls, ["ldap://ca.example.com/list", LIST]);
        assert_eq!(question.serial(), "00FF1234");
    });
    ask(&[&root.issue("leaf", |_| {}), &root], |question| {
        assert_eq!(question.responder(), None);
        assert!(question.points().is_empty());
    });
}
