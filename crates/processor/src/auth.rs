//! Authentication schemes: who a connection is, and whether an identity fits an ACL's id.

use base64::Engine;
use md5::Md5;
use proto::records::{ClientInfo, Id};
use sasl::names::KerberosName;
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

use crate::java::sort_ids_as_hash_set;
use crate::x500;

/// The hash of the digest scheme (`zookeeper.DigestAuthenticationProvider.digestAlg`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DigestAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1: the default.
    #[default]
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512_224,
    /// SHA-512/256.
    Sha512_256,
    /// SHA3-224.
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
}

impl DigestAlgorithm {
    /// The algorithm that Java's `MessageDigest.getInstance` finds under `name`, in any case. MD2 is left out.
    pub fn from_name(name: &str) -> Option<DigestAlgorithm> {
        Some(match name.to_ascii_uppercase().as_str() {
            "MD5" => DigestAlgorithm::Md5,
            "SHA" | "SHA1" | "SHA-1" => DigestAlgorithm::Sha1,
            "SHA224" | "SHA-224" => DigestAlgorithm::Sha224,
            "SHA256" | "SHA-256" => DigestAlgorithm::Sha256,
            "SHA384" | "SHA-384" => DigestAlgorithm::Sha384,
            "SHA512" | "SHA-512" => DigestAlgorithm::Sha512,
            "SHA512/224" | "SHA-512/224" => DigestAlgorithm::Sha512_224,
            "SHA512/256" | "SHA-512/256" => DigestAlgorithm::Sha512_256,
            "SHA3-224" => DigestAlgorithm::Sha3_224,
            "SHA3-256" => DigestAlgorithm::Sha3_256,
            "SHA3-384" => DigestAlgorithm::Sha3_384,
            "SHA3-512" => DigestAlgorithm::Sha3_512,
            _ => return None,
        })
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            DigestAlgorithm::Md5 => Md5::digest(bytes).to_vec(),
            DigestAlgorithm::Sha1 => Sha1::digest(bytes).to_vec(),
            DigestAlgorithm::Sha224 => Sha224::digest(bytes).to_vec(),
            DigestAlgorithm::Sha256 => Sha256::digest(bytes).to_vec(),
            DigestAlgorithm::Sha384 => Sha384::digest(bytes).to_vec(),
            DigestAlgorithm::Sha512 => Sha512::digest(bytes).to_vec(),
            DigestAlgorithm::Sha512_224 => Sha512_224::digest(bytes).to_vec(),
            DigestAlgorithm::Sha512_256 => Sha512_256::digest(bytes).to_vec(),
            DigestAlgorithm::Sha3_224 => Sha3_224::digest(bytes).to_vec(),
            DigestAlgorithm::Sha3_256 => Sha3_256::digest(bytes).to_vec(),
            DigestAlgorithm::Sha3_384 => Sha3_384::digest(bytes).to_vec(),
            DigestAlgorithm::Sha3_512 => Sha3_512::digest(bytes).to_vec(),
        }
    }
}

/// The server's settings of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthRules {
    /// `user:hash` of the superuser, or none.
    pub super_digest: Option<String>,
    /// Is there a digest scheme?
    pub digest_enabled: bool,
    /// Its hash.
    pub digest_algorithm: DigestAlgorithm,
    /// Is there the scheme key?
    pub key_enabled: bool,
    /// The scheme ensemble, where there is one.
    pub ensemble: Option<Ensemble>,
    /// The scheme x509, where there is one.
    pub x509: Option<X509>,
    /// The scheme sasl is there, with its settings.
    pub sasl: Option<Sasl>,
    /// A session must have an identity of one of these schemes; empty: it need not.
    pub enforced_schemes: Vec<String>,
}

/// The scheme by which a client asks whether this is the server that it means (`EnsembleAuthenticationProvider`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ensemble {
    /// The names that are this server's; none: every name is.
    pub names: Option<Vec<String>>,
}

/// The scheme of clients with certificates (`X509AuthenticationProvider`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct X509 {
    /// Whose certificate makes the super user, as Java writes the name.
    pub super_user: Option<String>,
}

/// The scheme of clients that have logged in by SASL (`SASLAuthenticationProvider`). How they do that is not its matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sasl {
    /// The id in an ACL that every user fits (`zookeeper.letAnySaslUserDoX`).
    pub any_user: Option<String>,
}

/// Who a client is that has logged in by SASL as `id`. Whether there is a scheme sasl does not matter.
pub fn logged_in(id_of_client: &str, is_super: bool) -> Vec<Id<'static>> {
    let mut ids = vec![id("sasl", id_of_client)];
    ids.extend(is_super.then(|| id("super", "")));
    ids
}

impl Default for AuthRules {
    fn default() -> Self {
        AuthRules {
            super_digest: None,
            digest_enabled: true,
            digest_algorithm: DigestAlgorithm::Sha1,
            key_enabled: false,
            ensemble: None,
            x509: None,
            sasl: None,
            enforced_schemes: Vec::new(),
        }
    }
}

/// A scheme that a server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme<'a> {
    Ip,
    Digest,
    Key,
    Ensemble,
    X509,
    Sasl(&'a Sasl),
}

impl AuthRules {
    /// `ProviderRegistry.getServerProvider`. world and super have no provider.
    pub(crate) fn scheme(&self, name: &str) -> Option<Scheme<'_>> {
        match name {
            "ip" => Some(Scheme::Ip),
            "digest" if self.digest_enabled => Some(Scheme::Digest),
            "key" if self.key_enabled => Some(Scheme::Key),
            "ensemble" if self.ensemble.is_some() => Some(Scheme::Ensemble),
            "x509" if self.x509.is_some() => Some(Scheme::X509),
            "sasl" => self.sasl.as_ref().map(Scheme::Sasl),
            _ => None,
        }
    }

    /// Is there a scheme of this name?
    pub fn has_scheme(&self, name: &str) -> bool {
        self.scheme(name).is_some()
    }

    /// Must a session have an identity of one of some schemes, this one among them?
    pub fn enforces(&self, scheme: &str) -> bool {
        self.enforced_schemes.iter().any(|name| name == scheme)
    }

    /// May a connection that has proven to be these ask for anything (`AuthenticationHelper.enforceAuthentication`)?
    pub fn suffice(&self, identities: &Identities) -> bool {
        let is_enforced = |id: &Id<'_>| self.enforces(id.scheme.as_deref().unwrap_or_default());
        self.enforced_schemes.is_empty() || identities.ids().iter().any(is_enforced)
    }

    /// Who a client is that has shown the certificate of `subject`; none where there is no scheme x509.
    pub fn certified(&self, subject: &str) -> Option<Vec<Id<'static>>> {
        let super_user = self.x509.as_ref()?.super_user.as_deref();
        let ids = match super_user == Some(subject) {
            true => vec![id("super", subject), id("x509", subject)],
            false => vec![id("x509", subject)],
        };
        Some(ids)
    }

    /// `user:base64(hash(user:password))` (`DigestAuthenticationProvider.generateDigest`).
    pub fn digest_id(&self, user_and_password: &str) -> String {
        let user = user_and_password.split(':').next().unwrap_or_default();
        let hash = self.digest_algorithm.hash(user_and_password.as_bytes());
        format!(
            "{user}:{}",
            base64::engine::general_purpose::STANDARD.encode(hash)
        )
    }
}

/// The identities of a connection, in Java's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities(Vec<Id<'static>>);

fn id(scheme: &str, id: &str) -> Id<'static> {
    Id {
        scheme: Some(scheme.to_owned().into()),
        id: Some(id.to_owned().into()),
    }
}

impl Identities {
    /// What a connection begins with: its address.
    pub fn of_address(address: &str) -> Self {
        Identities(vec![id("ip", address)])
    }

    /// Those that a learner sends with its client's request.
    pub fn of_forwarded(ids: Vec<Id<'static>>) -> Self {
        Identities(ids)
    }

    /// All of them.
    pub fn ids(&self) -> &[Id<'static>] {
        &self.0
    }

    /// With more of them; those that are there already are not doubled.
    pub fn with(&self, more: Vec<Id<'static>>) -> Self {
        let mut ids = self.0.clone();
        for id in more {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        sort_ids_as_hash_set(&mut ids);
        Identities(ids)
    }

    /// Names of the users, with commas between, for the audit; `None` without any (`AuthUtil.getUsers`).
    pub fn users(&self, rules: &AuthRules) -> Option<String> {
        let infos = self.client_infos(rules).into_iter();
        let users = infos.filter_map(|info| info.user);
        let named: Vec<_> = users.filter(|user| !user.trim().is_empty()).collect();
        (!named.is_empty()).then(|| named.join(","))
    }

    /// What whoAmI tells: schemes and users, no secrets (`AuthUtil.getClientInfos`).
    pub(crate) fn client_infos(&self, rules: &AuthRules) -> Vec<ClientInfo<'_>> {
        let info = |identity: &'_ Id<'static>| {
            let scheme = identity.scheme.as_deref().unwrap_or_default();
            let id = identity.id.as_deref().unwrap_or_default();
            let user = match rules.scheme(scheme) {
                Some(Scheme::Digest) => id.split(':').next().unwrap_or_default(),
                Some(
                    Scheme::Ip | Scheme::Key | Scheme::Ensemble | Scheme::X509 | Scheme::Sasl(_),
                ) => id,
                None => "",
            };
            ClientInfo {
                auth_scheme: Some(scheme.to_owned().into()),
                user: Some(user.to_owned().into()),
            }
        };
        self.0.iter().map(info).collect()
    }
}

/// What becomes of an auth packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The connection has earned these identities, or none.
    Accepted(Vec<Id<'static>>),
    /// The proof does not hold, or there is no such scheme.
    Refused,
    /// The client means another server: its connection ends without an answer, so that it tries the next one.
    WrongServer,
}

/// Who is at the other end, as far as the connection itself tells.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// Its address, as the `ip` scheme writes it.
    pub address: &'a str,
    /// Whose certificate it has shown.
    pub subject: Option<&'a str>,
}

/// Judges an auth packet. `key` reads the data of the znode /key, for the scheme of that name; it is asked only there.
pub fn authenticate(
    rules: &AuthRules,
    scheme: &str,
    auth: proto::Buffer<'_>,
    peer: Peer<'_>,
    key: impl FnOnce() -> Option<Vec<u8>>,
) -> Verdict {
    match rules.scheme(scheme) {
        // Who logs in by SASL does not do so by an auth packet.
        None | Some(Scheme::Sasl(_)) => Verdict::Refused,
        Some(Scheme::Ip) => Verdict::Accepted(vec![id("ip", peer.address)]),
        Some(Scheme::Digest) => accepted_or_refused(digest_ids(rules, auth)),
        Some(Scheme::Key) => accepted_or_refused(key_ids(auth, key)),
        Some(Scheme::X509) => {
            accepted_or_refused(peer.subject.and_then(|subject| rules.certified(subject)))
        }
        Some(Scheme::Ensemble) => match rules
            .ensemble
            .as_ref()
            .is_some_and(|own| own.is_meant(auth))
        {
            true => Verdict::Accepted(Vec::new()),
            false => Verdict::WrongServer,
        },
    }
}

fn accepted_or_refused(ids: Option<Vec<Id<'static>>>) -> Verdict {
    ids.map_or(Verdict::Refused, Verdict::Accepted)
}

fn digest_ids(rules: &AuthRules, auth: proto::Buffer<'_>) -> Option<Vec<Id<'static>>> {
    let digest = rules.digest_id(&proto::decode_java_utf8(auth?));
    let mut ids = vec![id("digest", &digest)];
    if rules.super_digest.as_ref() == Some(&digest) {
        ids.push(id("super", ""));
    }
    Some(ids)
}

/// A multiple of the number in /key will do; so will anything while there is none
/// (`KeyAuthenticationProvider.handleAuthentication`). Apache gives every holder the same empty id.
fn key_ids(
    auth: proto::Buffer<'_>,
    key: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Vec<Id<'static>>> {
    let auth = auth?;
    if let Some(key) = key() {
        let number = |bytes: &[u8]| java_int(&proto::decode_java_utf8(bytes), 10);
        let (key, auth) = (number(&key)?, number(auth)?);
        if key != 0 && auth.wrapping_rem(key) != 0 {
            return None;
        }
    }
    Some(vec![id("key", "")])
}

impl Ensemble {
    /// Names as the property holds them, with commas between.
    pub fn named(names: Option<&str>) -> Self {
        let list = |names: &str| {
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect()
        };
        Ensemble {
            names: names.map(list),
        }
    }

    /// Is this server one that the client may mean? A client that says nothing means any.
    fn is_meant(&self, auth: proto::Buffer<'_>) -> bool {
        let asked = proto::decode_java_utf8(auth.unwrap_or_default());
        self.names
            .as_ref()
            .is_none_or(|names| asked.is_empty() || names.contains(&asked))
    }

    /// Is nobody turned away who says this?
    pub fn is_any(&self, auth: proto::Buffer<'_>) -> bool {
        self.names.is_none() || auth.is_none_or(<[u8]>::is_empty)
    }
}

impl Scheme<'_> {
    /// Does the scheme prove who somebody is? An address does not.
    pub fn is_authenticated(self) -> bool {
        matches!(
            self,
            Scheme::Digest | Scheme::Key | Scheme::X509 | Scheme::Sasl(_)
        )
    }

    /// May an ACL hold this id?
    pub fn is_valid(self, id: &str) -> bool {
        match self {
            // Java's split drops empty parts at the end.
            Scheme::Digest => id.trim_end_matches(':').split(':').count() == 2,
            Scheme::Ip => Network::parse(id).is_some(),
            Scheme::Key => true,
            Scheme::Ensemble => false,
            Scheme::X509 => x500::is_name(id),
            Scheme::Sasl(_) => KerberosName::parse(id).is_ok(),
        }
    }

    /// Does an identity fit an ACL's id? That of x509's super user fits all, but by its identity super, which it always has.
    pub fn matches(self, identity: &str, acl_id: &str) -> bool {
        match self {
            Scheme::Digest | Scheme::Key | Scheme::X509 => identity == acl_id,
            Scheme::Sasl(sasl) => {
                identity == "super"
                    || identity == acl_id
                    || sasl.any_user.as_deref() == Some(acl_id)
            }
            Scheme::Ensemble => false,
            Scheme::Ip => Network::parse(acl_id).is_some_and(|network| network.has(identity)),
        }
    }
}

/// `address` or `address/bits` (`IPAuthenticationProvider`).
struct Network {
    address: Vec<u8>,
    bits: usize,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(java_int(bits, 10)?)),
            None => (text, None),
        };
        let address = address_bytes(address)?;
        let most = address.len() * 8;
        let bits = bits.map_or(Some(most), |bits| usize::try_from(bits).ok())?;
        (bits <= most).then_some(Network { address, bits })
    }

    fn has(&self, address: &str) -> bool {
        let Some(address) = address_bytes(address) else {
            return false;
        };
        let bit = |bytes: &[u8], n: usize| bytes[n / 8] >> (7 - n % 8) & 1;
        address.len() == self.address.len()
            && (0..self.bits).all(|n| bit(&address, n) == bit(&self.address, n))
    }
}

/// `Integer.parseInt`: one sign may stand before the digits.
fn java_int(text: &str, radix: u32) -> Option<i32> {
    i32::from_str_radix(text, radix).ok()
}

fn address_bytes(text: &str) -> Option<Vec<u8>> {
    if text.contains(':') {
        v6_bytes(text)
    } else {
        v4_bytes(text)
    }
}

fn v4_bytes(text: &str) -> Option<Vec<u8>> {
    let parts: Option<Vec<u8>> = text
        .split('.')
        .map(|part| u8::try_from(java_int(part, 10)?).ok())
        .collect();
    parts.filter(|bytes| bytes.len() == 4)
}

fn v6_bytes(text: &str) -> Option<Vec<u8>> {
    let halves: Vec<&str> = text.split("::").collect();
    let segments = |half: &str| -> Option<Vec<u8>> {
        if half.is_empty() {
            return Some(Vec::new());
        }
        let segment = |text: &str| (text.len() <= 4).then(|| java_int(text, 16)).flatten();
        let values: Option<Vec<i32>> = half.split(':').map(segment).collect();
        Some(
            values?
                .iter()
                .flat_map(|value| [(value >> 8) as u8, *value as u8])
                .collect(),
        )
    };
    match halves[..] {
        [whole] => segments(whole).filter(|bytes| bytes.len() == 16),
        [front, back] => {
            let (mut bytes, back) = (segments(front)?, segments(back)?);
            if bytes.len() + back.len() >= 16 {
                return None;
            }
            bytes.resize(16 - back.len(), 0);
            bytes.extend(back);
            Some(bytes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer<'_> {
        Peer {
            address,
            subject: None,
        }
    }

    #[test]
    fn a_certificate_proves_its_subject() {
        let super_user = Some("CN=admin".to_owned());
        let rules = AuthRules {
            x509: Some(X509 { super_user }),
            ..AuthRules::default()
        };
        let judge = |subject| {
            authenticate(
                &rules,
                "x509",
                None,
                Peer {
                    address: "::1",
                    subject,
                },
                || None,
            )
        };
        let both = vec![id("super", "CN=admin"), id("x509", "CN=admin")];
        assert_eq!(judge(Some("CN=admin")), Verdict::Accepted(both));
        assert_eq!(
            judge(Some("CN=zk")),
            Verdict::Accepted(vec![id("x509", "CN=zk")])
        );
        assert_eq!(judge(None), Verdict::Refused);
        assert_eq!(AuthRules::default().certified("CN=zk"), None);
    }

    #[test]
    fn a_digest_is_the_user_and_a_hash_of_both() {
        let rules = AuthRules::default();
        // Apache's administrator's guide documents super:test with this hash.
        assert_eq!(
            rules.digest_id("super:test"),
            "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
        );
        assert_eq!(rules.digest_id("alone").split(':').next(), Some("alone"));
    }

    #[test]
    fn the_superuser_gets_both_identities() {
        let super_digest = Some("super:D/InIHSb7yEEbrWz8b9l71RjZJU=".to_owned());
        let rules = AuthRules {
            super_digest,
            ..AuthRules::default()
        };
        let judge = |scheme, auth| authenticate(&rules, scheme, auth, peer("127.0.0.1"), || None);
        let Verdict::Accepted(ids) = judge("digest", Some(b"super:test")) else {
            panic!("the superuser is refused");
        };
        assert!(ids.contains(&id("super", "")));
        let Verdict::Accepted(ids) = judge("digest", Some(b"super:wrong")) else {
            panic!("somebody is refused");
        };
        assert_eq!(ids.len(), 1);
        assert_eq!(judge("digest", None), Verdict::Refused);
        assert_eq!(judge("world", Some(b"anyone")), Verdict::Refused);
    }

    #[test]
    fn a_multiple_of_the_key_will_do() {
        let rules = AuthRules {
            key_enabled: true,
            ..AuthRules::default()
        };
        for (key, auth, fits) in [
            (None, "no number", true),
            (Some("5"), "25", true),
            (Some("5"), "24", false),
            (Some("5"), "x", false),
            (Some("x"), "25", false),
            (Some("0"), "24", true),
            (Some("-1"), "-2147483648", true),
        ] {
            let data = || key.map(|key: &str| key.as_bytes().to_vec());
            let verdict = authenticate(
                &rules,
                "key",
                Some(auth.as_bytes()),
                peer("127.0.0.1"),
                data,
            );
            let expected = match fits {
                true => Verdict::Accepted(vec![id("key", "")]),
                false => Verdict::Refused,
            };
            assert_eq!(verdict, expected, "{key:?} {auth}");
        }
    }

    #[test]
    fn a_client_that_means_another_ensemble_is_sent_on() {
        for (names, asked, fits) in [
            (None, "any", true),
            (Some(" foo,bar, baz "), "baz", true),
            (Some("foo"), "", true),
            (Some("foo"), "bar", false),
        ] {
            let rules = AuthRules {
                ensemble: Some(Ensemble::named(names)),
                ..AuthRules::default()
            };
            let verdict = authenticate(
                &rules,
                "ensemble",
                Some(asked.as_bytes()),
                peer("::1"),
                || None,
            );
            let expected = match fits {
                true => Verdict::Accepted(Vec::new()),
                false => Verdict::WrongServer,
            };
            assert_eq!(verdict, expected, "{names:?} {asked}");
        }
    }

    #[test]
    fn a_scheme_that_is_not_enabled_is_none() {
        let rules = AuthRules::default();
        for scheme in ["key", "ensemble", "sasl", "world"] {
            assert!(!rules.has_scheme(scheme), "{scheme}");
            let verdict = authenticate(&rules, scheme, Some(b"1"), peer("::1"), || None);
            assert_eq!(verdict, Verdict::Refused, "{scheme}");
        }
    }

    #[test]
    fn an_acl_of_sasl_fits_its_user_super_and_where_it_is_set_anyone() {
        let sasl = |any: Option<&str>| Sasl {
            any_user: any.map(str::to_owned),
        };
        let fits = |any, user, acl| Scheme::Sasl(&sasl(any)).matches(user, acl);
        assert!(fits(None, "bob", "bob"));
        assert!(!fits(None, "bob", "eve"));
        assert!(fits(None, "super", "eve"));
        assert!(fits(Some("anyone"), "bob", "anyone"));
        assert!(!fits(Some("anyone"), "bob", "eve"));
        let scheme = sasl(None);
        let valid = |id| Scheme::Sasl(&scheme).is_valid(id);
        assert!(valid("bob") && valid("zk/host@REALM") && !valid("a@b@c"));
    }

    #[test]
    fn nobody_logs_in_by_sasl_with_an_auth_packet() {
        let rules = AuthRules {
            sasl: Some(Sasl::default()),
            ..AuthRules::default()
        };
        let verdict = authenticate(&rules, "sasl", Some(b"bob"), peer("::1"), || None);
        assert_eq!(verdict, Verdict::Refused);
        let super_user = logged_in("bob", true);
        assert_eq!(super_user, vec![id("sasl", "bob"), id("super", "")]);
    }

    #[test]
    fn one_of_the_enforced_schemes_is_enough() {
        let rules = |schemes: &[&str]| AuthRules {
            enforced_schemes: schemes.iter().map(|&name| name.to_owned()).collect(),
            ..AuthRules::default()
        };
        let nobody = Identities::of_address("127.0.0.1");
        let bob = nobody.with(vec![id("digest", "bob:hash")]);
        assert!(rules(&[]).suffice(&nobody));
        assert!(!rules(&["digest"]).suffice(&nobody));
        assert!(rules(&["digest"]).suffice(&bob));
        assert!(rules(&["digest", "ip"]).suffice(&nobody));
    }

    #[test]
    fn a_digest_id_has_one_colon_but_for_those_at_its_end() {
        for (id, valid) in [
            ("a:b", true),
            (":b", true),
            ("a:b:", true),
            ("a", false),
            ("a:", false),
            ("a:b:c", false),
        ] {
            assert_eq!(Scheme::Digest.is_valid(id), valid, "{id}");
        }
    }

    #[test]
    fn networks_match_by_their_bits() {
        for (acl, address, fits) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/9", "10.128.0.1", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("::1", "0:0:0:0:0:0:0:1", true),
            ("fe80::/16", "fe80:0:0:0:1:2:3:4", true),
            ("::/0", "10.0.0.1", false),
        ] {
            assert_eq!(Scheme::Ip.matches(address, acl), fits, "{acl} {address}");
        }
        for bad in [
            "",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.1/33",
            "10.0.0.1/x",
            "::1::",
            "1:2:3",
            "host",
        ] {
            assert!(!Scheme::Ip.is_valid(bad), "{bad}");
        }
    }
}
