//! Revocation lists.

use rcgen::{
    CertificateRevocationListParams, CrlIssuingDistributionPoint, CrlScope, KeyIdMethod,
    RevocationReason, RevokedCertParams, date_time_ymd,
};

use super::*;

const SERIAL: u64 = 0x77;

/// A root and a certificate that it has issued.
fn pair() -> (Made, Made) {
    let root = Made::root("root");
    let leaf = root.issue("leaf", |params| {
        params.serial_number = Some(SERIAL.into());
        names_both(params);
    });
    (root, leaf)
}

/// A list of these numbers, good for the days around [`now`].
fn params(serials: &[u64]) -> CertificateRevocationListParams {
    let revoked = serials.iter().map(|serial| RevokedCertParams {
        serial_number: (*serial).into(),
        revocation_time: date_time_ymd(2025, 12, 24),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    });
    CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 12, 31),
        next_update: date_time_ymd(2026, 1, 2),
        crl_number: 1_u64.into(),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn signed(params: &CertificateRevocationListParams, issuer: &Made) -> Vec<u8> {
    params
        .signed_by(&issuer.signer())
        .expect("a list")
        .der()
        .to_vec()
}

/// What the list says of the first certificate of the path.
fn read_at(path: &[&Made], list: &[u8], now: i64) -> Result<Option<Status>, ListError> {
    ask(path, |question| {
        let listed = question.read_list(&question.points()[0], list, now)?;
        let mut lists = Lists::default();
        lists.add(listed);
        Ok(lists.status())
    })
}

fn read(path: &[&Made], list: &[u8]) -> Result<Option<Status>, ListError> {
    read_at(path, list, now())
}

fn revoked() -> Result<Option<Status>, ListError> {
    Ok(Some(Status::Revoked(Revoked {
        date: "Dec 24 00:00:00 2025 +00:00".to_owned(),
        reason: "KeyCompromise".to_owned(),
    })))
}

#[test]
fn a_certificate_is_revoked_when_it_is_in_the_list() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    let good = Ok(Some(Status::Good));
    assert_eq!(read(&path, &signed(&params(&[]), &root)), good);
    assert_eq!(
        read(&path, &signed(&params(&[1, 0x7700, 0x78]), &root)),
        good
    );
    let list = signed(&params(&[1, SERIAL, 2]), &root);
    assert_eq!(read(&path, &list), revoked());
    let pem = pem::encode(&pem::Pem::new("X509 CRL", list));
    assert_eq!(read(&path, pem.as_bytes()), revoked());
}

#[test]
fn a_revocation_of_the_future_is_none_yet() {
    let (root, leaf) = pair();
    let mut params = params(&[SERIAL]);
    params.revoked_certs[0].revocation_time = date_time_ymd(2026, 1, 2);
    assert_eq!(
        read(&[&leaf, &root], &signed(&params, &root)),
        Ok(Some(Status::Good))
    );
}

#[test]
fn a_list_is_good_for_its_days_and_a_quarter_of_an_hour_around_them() {
    let (root, leaf) = pair();
    let list = signed(&params(&[]), &root);
    let day = 24 * 3600;
    for (now, is_good) in [
        (now() - day - 900, true),
        (now() - day - 901, false),
        (now() + day + 900, true),
        (now() + day + 901, false),
    ] {
        let found = read_at(&[&leaf, &root], &list, now);
        let refused = matches!(found, Err(ListError::NotCurrent { .. }));
        assert_eq!((found.is_ok(), refused), (is_good, !is_good), "{found:?}");
    }
}

#[test]
fn a_list_of_somebody_else_says_nothing() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    let other = signed(&params(&[]), &Made::root("other"));
    assert_eq!(
        read(&path, &other),
        Err(ListError::OtherIssuer("CN=other,O=Lab".to_owned()))
    );
    let impostor = signed(&params(&[]), &Made::root("root"));
    let wrong = crate::keys::SignatureTrouble::Wrong;
    assert_eq!(read(&path, &impostor), Err(ListError::Signature(wrong)));
    let mut changed = signed(&params(&[1]), &root);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(read(&path, &changed), Err(ListError::Signature(wrong)));
    for cut in 0..changed.len() {
        assert_eq!(
            read(&path, &changed[..cut]),
            Err(ListError::Unreadable),
            "{cut}"
        );
    }
}

#[test]
fn who_may_not_sign_lists_cannot_unless_it_is_in_the_trust_store() {
    let root = Made::root("root");
    let middle = root.issue_authority("middle", |params| {
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    });
    let free = root.issue_authority("free", |params| params.key_usages = vec![]);
    let leaf = |issuer: &Made| issuer.issue("leaf", names_both);
    let list = |issuer: &Made| signed(&params(&[]), issuer);
    assert_eq!(
        read(&[&leaf(&middle), &middle, &root], &list(&middle)),
        Err(ListError::MayNotSign)
    );
    assert_eq!(
        read(&[&leaf(&middle), &middle], &list(&middle)),
        Ok(Some(Status::Good))
    );
    assert_eq!(
        read(&[&leaf(&free), &free, &root], &list(&free)),
        Ok(Some(Status::Good))
    );
}

#[test]
fn a_list_from_another_place_or_for_others_says_nothing() {
    let (root, leaf) = pair();
    let authority = root.issue_authority("middle", names_both);
    let of = |place: &str, scope| {
        let mut params = params(&[]);
        params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint {
                uris: vec![place.to_owned()],
            },
            scope,
        });
        signed(&params, &root)
    };
    let good = Ok(Some(Status::Good));
    let other = Err(ListError::OtherScope);
    assert_eq!(read(&[&leaf, &root], &of(LIST, None)), good);
    assert_eq!(read(&[&leaf, &root], &of("http://elsewhere/", None)), other);
    for (scope, of_leaf, of_authority) in [
        (CrlScope::UserCertsOnly, &good, &other),
        (CrlScope::CaCertsOnly, &other, &good),
    ] {
        let list = of(LIST, Some(scope));
        assert_eq!(&read(&[&leaf, &root], &list), of_leaf);
        assert_eq!(&read(&[&authority, &root], &list), of_authority);
    }
}

#[test]
fn lists_count_when_they_have_all_reasons_together() {
    let half = |reasons, revoked| Listed { reasons, revoked };
    let revoked = Revoked {
        date: "today".to_owned(),
        reason: "Unspecified".to_owned(),
    };
    let mut lists = Lists::default();
    lists.add(half(0x0ff, Some(revoked.clone())));
    assert_eq!(lists.status(), None);
    lists.add(half(0x100, None));
    assert_eq!(lists.status(), Some(Status::Revoked(revoked)));
}
