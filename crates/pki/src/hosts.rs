//! Whether a certificate is for a host (`org.apache.zookeeper.common.ZKHostnameVerifier`).

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;

/// Is the certificate for this host, by name or address? Alternative names count alone where there are any; else the
/// common name does.
pub fn is_for(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else {
        return false;
    };
    let names = alternative_names(&parsed);
    if names.is_empty() {
        return common_name(&parsed).is_some_and(|name| matches(host, &name));
    }
    match host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
    {
        Ok(address) => names.contains(&Alternative::Address(address)),
        Err(_) => names
            .iter()
            .any(|name| matches!(name, Alternative::Name(name) if matches(host, name))),
    }
}

#[derive(Debug, PartialEq)]
enum Alternative {
    Name(String),
    Address(IpAddr),
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<Alternative> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names
        .iter()
        .flat_map(|extension| &extension.value.general_names);
    names.filter_map(alternative).collect()
}

fn alternative(name: &GeneralName<'_>) -> Option<Alternative> {
    match name {
        GeneralName::DNSName(name) => Some(Alternative::Name((*name).to_owned())),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|bytes| Alternative::Address(bytes.into())),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| Alternative::Address(bytes.into())),
            _ => None,
        },
        _ => None,
    }
}

/// The most specific common name.
fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let last = certificate.subject().iter_common_name().last()?;
    Some(String::from_utf8_lossy(last.attr_value().data).into_owned())
}

/// One `*` stands for what has no dot in it; letters are the same in both cases (`ZKHostnameVerifier.matchIdentity`).
fn matches(host: &str, identity: &str) -> bool {
    let (host, identity) = (host.to_lowercase(), identity.to_lowercase());
    let Some((prefix, suffix)) = identity.split_once('*') else {
        return host == identity;
    };
    let rest = host
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_suffix(suffix));
    rest.is_some_and(|rest| !rest.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::Authority;

    fn certificate(name: &str, hosts: &[&str]) -> CertificateDer<'static> {
        let authority = Authority::new("ca", 2020).expect("an authority");
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        authority
            .issue(name, &hosts)
            .expect("issued")
            .chain
            .remove(0)
    }

    #[test]
    fn alternative_names_count_alone() {
        let certificate = certificate(
            "zk.example.com",
            &["*.example.org", "zk_1.example.com", "10.0.0.1", "::1"],
        );
        for host in [
            "a.example.org",
            "A.Example.ORG.",
            "zk_1.example.com",
            "10.0.0.1",
            "::1",
            "[::1]",
            "0:0:0:0:0:0:0:1",
        ] {
            assert!(is_for(&certificate, host), "{host}");
        }
        for host in [
            "zk.example.com",
            "a.b.example.org",
            "example.org",
            "10.0.0.2",
            "::2",
            "",
        ] {
            assert!(!is_for(&certificate, host), "{host}");
        }
    }

    #[test]
    fn the_common_name_counts_where_there_are_none() {
        let certificate = certificate("10.0.0.1", &[]);
        assert!(is_for(&certificate, "10.0.0.1"));
        assert!(!is_for(&certificate, "10.0.0.2"));
    }
}
