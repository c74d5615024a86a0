//! Answers of responders, written here byte for byte.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use sha1::{Digest, Sha1};

use super::*;
use crate::der::{BITS, ENUMERATED, INTEGER, OCTETS, TIME, Values};

const GOOD: [u8; 2] = [0x80, 0];
const UNKNOWN: [u8; 2] = [0x82, 0];

/// An answer before it is signed.
struct Answer {
    id: Vec<u8>,
    status: Vec<u8>,
    from: &'static str,
    to: Option<&'static str>,
    extensions: Vec<u8>,
    /// Who signs, and whether it is known by its key.
    by_key: bool,
    certificates: Vec<Vec<u8>>,
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::value(SEQUENCE, &parts.concat())
}

/// Of the certificate, by its own question.
fn answer(path: &[&Made], status: &[u8]) -> Answer {
    let request = ask(path, |question| question.request());
    let mut inside = Values(&request);
    for _ in 0..4 {
        inside = inside.tagged(SEQUENCE).expect("a sequence").inside();
    }
    Answer {
        id: inside.next().expect("an id").whole.to_vec(),
        status: status.to_vec(),
        from: "20251231000000Z",
        to: Some("20260102000000Z"),
        extensions: vec![],
        by_key: false,
        certificates: vec![],
    }
}

impl Answer {
    fn sign(&self, signer: &Made) -> Vec<u8> {
        let time = |text: &str| der::value(TIME, text.as_bytes());
        let to = self
            .to
            .map_or(vec![], |to| der::value(der::part(0), &time(to)));
        let single = sequence(&[&self.id, &self.status, &time(self.from), &to]);
        let content = sequence(&[
            &self.responder(signer),
            &time(self.from),
            &sequence(&[&single]),
            &self.extensions,
        ]);
        let signature = [&[0][..], &signer.sign(&content)].concat();
        let certificate = signer.der();
        let mut parts = Values(&certificate)
            .tagged(SEQUENCE)
            .expect("a certificate")
            .inside();
        let algorithm = parts.nth(1).expect("an algorithm").whole;
        let certificates = match self.certificates.is_empty() {
            true => vec![],
            false => der::value(
                der::part(0),
                &der::value(SEQUENCE, &self.certificates.concat()),
            ),
        };
        let basic = sequence(&[
            &content,
            algorithm,
            &der::value(BITS, &signature),
            &certificates,
        ]);
        let kind = der::value(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
        let bytes = sequence(&[&kind, &der::value(OCTETS, &basic)]);
        sequence(&[
            &der::value(ENUMERATED, &[0]),
            &der::value(der::part(0), &bytes),
        ])
    }

    fn responder(&self, signer: &Made) -> Vec<u8> {
        let certificate = signer.der();
        let signer = parsed(&certificate).expect("a certificate").parsed;
        match self.by_key {
            false => der::value(der::part(1), signer.subject().as_raw()),
            true => {
                let hash = Sha1::digest(&*signer.public_key().subject_public_key.data);
                der::value(der::part(2), &der::value(OCTETS, &hash))
            }
        }
    }
}

fn read_at(path: &[&Made], answer: &[u8], now: i64) -> Result<Status, ResponseError> {
    ask(path, |question| question.read_response(answer, now))
}

fn read(path: &[&Made], answer: &[u8]) -> Result<Status, ResponseError> {
    read_at(path, answer, now())
}

fn pair() -> (Made, Made) {
    let root = Made::root("root");
    let leaf = root.issue("leaf", names_both);
    (root, leaf)
}

#[test]
fn an_answer_says_whether_a_certificate_is_revoked() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    let say = |status: &[u8]| read(&path, &answer(&path, status).sign(&root));
    let date = |text: &str| der::value(TIME, text.as_bytes());
    let reason = der::value(der::part(0), &der::value(ENUMERATED, &[4]));
    let revoked = |reason: &str| {
        Ok(Status::Revoked(Revoked {
            date: "Dec 24 00:00:00 2025 +00:00".to_owned(),
            reason: reason.to_owned(),
        }))
    };
    assert_eq!(say(&GOOD), Ok(Status::Good));
    assert_eq!(say(&UNKNOWN), Err(ResponseError::Unknown));
    let on = date("20251224000000Z");
    assert_eq!(say(&der::value(0xa1, &on)), revoked("Unspecified"));
    assert_eq!(
        say(&der::value(0xa1, &[on, reason].concat())),
        revoked("Superseded")
    );
    assert_eq!(
        say(&der::value(0xa1, &date("20260102000000Z"))),
        Ok(Status::Good)
    );
}

#[test]
fn an_answer_about_another_certificate_says_nothing() {
    let (root, leaf) = pair();
    let other = root.issue("other", names_both);
    let twin = Made::root("root");
    let of_twin = twin.issue("leaf", |params| {
        let serial = parsed(&leaf.der())
            .expect("a certificate")
            .parsed
            .raw_serial()
            .to_vec();
        params.serial_number = Some(serial.into());
    });
    for (about, issuer) in [(&other, &root), (&of_twin, &twin)] {
        let answer = answer(&[about, issuer], &GOOD).sign(&root);
        assert_eq!(
            read(&[&leaf, &root], &answer),
            Err(ResponseError::OtherCertificate)
        );
    }
}

#[test]
fn the_issuer_signs_known_by_name_or_by_key() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    let by_key = Answer {
        by_key: true,
        ..answer(&path, &GOOD)
    };
    assert_eq!(read(&path, &by_key.sign(&root)), Ok(Status::Good));
    let impostor = answer(&path, &GOOD).sign(&Made::root("root"));
    let wrong = Err(ResponseError::Signature(
        crate::keys::SignatureTrouble::Wrong,
    ));
    assert_eq!(read(&path, &impostor), wrong);
    let mut changed = answer(&path, &GOOD).sign(&root);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(read(&path, &changed), wrong);
    for cut in 0..changed.len() {
        assert_eq!(
            read(&path, &changed[..cut]),
            Err(ResponseError::Unreadable),
            "{cut}"
        );
    }
    let stranger = answer(&path, &GOOD).sign(&Made::root("stranger"));
    assert_eq!(read(&path, &stranger), Err(ResponseError::NoSigner));
}

#[test]
fn a_responder_needs_a_certificate_of_the_issuer_for_that() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    let signs = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    };
    let by = |signer: &Made| {
        let with_certificate = Answer {
            certificates: vec![root.der().to_vec(), signer.der().to_vec()],
            ..answer(&path, &GOOD)
        };
        read(&path, &with_certificate.sign(signer))
    };
    assert_eq!(by(&root.issue("responder", signs)), Ok(Status::Good));
    let other = Err(ResponseError::OtherSigner("CN=responder,O=Lab".to_owned()));
    assert_eq!(by(&root.issue("responder", |_| {})), other);
    assert_eq!(by(&Made::root("stranger").issue("responder", signs)), other);
    let expired = root.issue("responder", |params| {
        signs(params);
        params.not_after = date_time_ymd(2025, 1, 1);
    });
    assert_eq!(by(&expired), other);
    let of_impostor = by(&Made::root("root").issue("responder", signs));
    assert!(
        matches!(of_impostor, Err(ResponseError::Signature(_))),
        "{of_impostor:?}"
    );
}

#[test]
fn an_answer_is_good_for_its_time_and_a_quarter_of_an_hour_around_it() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    let day = 24 * 3600;
    let until = answer(&path, &GOOD).sign(&root);
    let open = Answer {
        to: None,
        ..answer(&path, &GOOD)
    };
    let open = open.sign(&root);
    for (answer, seconds, is_good) in [
        (&until, -day - 900, true),
        (&until, -day - 901, false),
        (&until, day + 900, true),
        (&until, day + 901, false),
        (&open, -day + 900, true),
        (&open, -day + 901, false),
    ] {
        let found = read_at(&path, answer, now() + seconds);
        let refused = matches!(found, Err(ResponseError::NotCurrent { .. }));
        assert_eq!((found.is_ok(), refused), (is_good, !is_good), "{seconds}");
    }
}

#[test]
fn a_critical_extension_is_not_understood() {
    let (root, leaf) = pair();
    let path = [&leaf, &root];
    for (is_critical, expected) in [
        (false, Ok(Status::Good)),
        (true, Err(ResponseError::CriticalExtension)),
    ] {
        let truth: &[u8] = if is_critical { &[1, 1, 0xff] } else { &[] };
        let extension = sequence(&[
            &der::value(OBJECT, &[0x2a, 3]),
            truth,
            &der::value(OCTETS, &[5, 0]),
        ]);
        let with_extension = Answer {
            extensions: der::value(der::part(1), &sequence(&[&extension])),
            ..answer(&path, &GOOD)
        };
        assert_eq!(read(&path, &with_extension.sign(&root)), expected);
    }
}

#[test]
fn a_responder_may_refuse_to_answer() {
    let (root, leaf) = pair();
    for (status, expected) in [
        (3, ResponseError::Refused("try again later")),
        (6, ResponseError::Refused("not authorized")),
        (4, ResponseError::Unreadable),
    ] {
        let answer = sequence(&[&der::value(ENUMERATED, &[status])]);
        assert_eq!(read(&[&leaf, &root], &answer), Err(expected));
    }
}

#[test]
fn a_request_is_what_openssl_writes() {
    // openssl ocsp -issuer root.crt -serial 0x77 -no_nonce -reqout, with the hashes of this root in it.
    let root = Made::root("root");
    let leaf = root.issue("leaf", |params| {
        params.serial_number = Some(0x77_u64.into())
    });
    let der_of_root = root.der();
    let issuer = parsed(&der_of_root).expect("a certificate").parsed;
    let hash = |bytes: &[u8]| der::value(OCTETS, &Sha1::digest(bytes));
    let sha_1 = [0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
    let id = sequence(&[
        &sha_1,
        &hash(issuer.subject().as_raw()),
        &hash(&issuer.public_key().subject_public_key.data),
        &der::value(INTEGER, &[0x77]),
    ]);
    let expected = sequence(&[&sequence(&[&sequence(&[&sequence(&[&id])])])]);
    assert_eq!(
        ask(&[&leaf, &root], |question| question.request()),
        expected
    );
}
