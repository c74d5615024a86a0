//! Certificates of every kind, for the tests of this crate.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SigningKey, date_time_ymd,
};
use rustls_pki_types::CertificateDer;

use crate::der::{self, BITS, SEQUENCE, Values};
use crate::keys::Algorithms;

/// When all of it happens. Certificates are good for some years around it, unless a test says otherwise.
pub(crate) fn now() -> i64 {
    date_time_ymd(2026, 1, 1).unix_timestamp()
}

/// What a server has.
pub(crate) fn algorithms() -> Algorithms {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.signature_verification_algorithms.all
}

/// A key and its certificate.
pub(crate) struct Made {
    issuer: CertifiedIssuer<'static, KeyPair>,
    params: CertificateParams,
}

impl Made {
    /// Signed by itself, of an authority.
    pub fn root(name: &str) -> Self {
        let params = authority(name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params.clone(), key).expect("a certificate");
        Made { issuer, params }
    }

    /// Signed by itself, of nobody who may issue any.
    pub fn alone(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params.clone(), key).expect("a certificate");
        Made { issuer, params }
    }

    /// Issued by this one.
    pub fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::signed_by(params.clone(), key, &self.issuer);
        let issuer = issuer.expect("a certificate");
        Made { issuer, params }
    }

    /// An authority that this one has issued a certificate for.
    pub fn issue_authority(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.issue(name, |params| {
            *params = authority(name);
            change(params);
        })
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// What it signs with, whatever its certificate says that it may.
    pub fn signer(&self) -> rcgen::Issuer<'_, &KeyPair> {
        let mut params = self.params.clone();
        params.key_usages = Vec::new();
        rcgen::Issuer::new(params, self.issuer.key())
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.issuer.key().sign(message).expect("a signature")
    }

    /// The same certificate in version 1, which has no extensions. Signed by `issuer`.
    pub fn in_version_1(&self, issuer: &Made) -> CertificateDer<'static> {
        let der = self.der();
        let mut parts = Values(&der)
            .tagged(SEQUENCE)
            .expect("a certificate")
            .inside();
        let (content, algorithm) = (
            parts.next().expect("content"),
            parts.next().expect("algorithm"),
        );
        let is_newer = |tag: u8| tag == der::part(0) || tag == der::part(3);
        let parts = content.inside().filter(|part| !is_newer(part.tag));
        let content = der::value(
            SEQUENCE,
            &parts.map(|part| part.whole).collect::<Vec<_>>().concat(),
        );
        let signature = [&[0][..], &issuer.sign(&content)].concat();
        let parts = [&content, algorithm.whole, &der::value(BITS, &signature)].concat();
        der::value(SEQUENCE, &parts).into()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Lab");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2030, 1, 1));
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
