//! Certificates for trying things out: an authority, and what it issues.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::stores::{KeyEntry, TrustedEntry};

/// Years that a certificate is good for.
const YEARS: i32 = 10;

/// What could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct IssueError(#[from] rcgen::Error);

/// It issues certificates. Its key is gone with it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    year: i32,
}

impl Authority {
    /// A new one, good from the beginning of `year` on.
    pub fn new(name: &str, year: i32) -> Result<Self, IssueError> {
        let mut params = params(name, &[], year)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Authority { issuer, year })
    }

    /// Its own certificate, to be trusted.
    pub fn certificate(&self) -> TrustedEntry {
        TrustedEntry {
            alias: "ca".to_owned(),
            certificate: self.issuer.der().clone(),
        }
    }

    /// A key with a certificate for servers and clients under these host names and addresses.
    pub fn issue(&self, name: &str, hosts: &[String]) -> Result<KeyEntry, IssueError> {
        let mut params = params(name, hosts, self.year)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate()?;
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer)?.der().clone();
        Ok(KeyEntry {
            alias: name.to_owned(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            chain: vec![certificate, self.issuer.der().clone()],
        })
    }
}

fn params(name: &str, hosts: &[String], year: i32) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "ironkeeper");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) =
        (date_time_ymd(year, 1, 1), date_time_ymd(year + YEARS, 1, 1));
    Ok(params)
}
