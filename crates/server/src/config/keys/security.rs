//! The keys of security features that are not built yet. A server that ignored one would be less safe than its operator
//! believes, so none of these is ever merely warned about.

use super::Form::{Bool, Int, OneOf};
use super::Treatment::{Harmless, NotYet, Used};
use super::Why::OtherEngine;
use super::{Feature, Row, file, key, property};

const TLS: Feature = Feature {
    name: "TLS between servers",
    advice: "remove the line, or stay on Apache ZooKeeper where TLS between servers is needed",
};
const REVOCATION: Feature = Feature {
    name: "looking up whether certificates are revoked",
    advice: "remove the line to trust certificates until they expire, or stay on Apache ZooKeeper where revocation is needed",
};
const JAVA_CLASS: Feature = Feature {
    name: "a Java class that sets up TLS",
    advice: "set the stores by ssl.keyStore and ssl.trustStore instead",
};
const REVERSE_DNS: Feature = Feature {
    name: "trust in names that DNS gives for an address",
    advice: "remove the line; clients' certificates then have to hold their addresses",
};
pub(in crate::config) const SASL: Feature = Feature {
    name: "SASL",
    advice: "remove the line to serve without SASL, or stay on Apache ZooKeeper where SASL is needed",
};

const FALSE: &[&str] = &["false"];
const TRUE: &[&str] = &["true"];
/// An empty text is as good as none.
const UNSET: &[&str] = &[""];

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("secureClientPort", "", Used, "port for clients with TLS"),
    file("secureClientPortAddress", "", Used, "address of that port"),
    file("sslQuorum", "false", NotYet(&TLS, FALSE), "TLS between servers"),
    file("portUnification", "false", NotYet(&TLS, FALSE), "TLS and plain connections between servers on one port"),
    file("sslQuorumReloadCertFiles", "false", NotYet(&TLS, FALSE), "reload certificates between servers"),
    property("jdk.tls.rejectClientInitiatedRenegotiation", "true", Harmless(OtherEngine, Bool), "refuse TLS renegotiation by clients"),
    key("netty.server.outstandingHandshake.limit", "-1", Used, "TLS handshakes at once"),
    key("netty.server.earlyDropSecureConnectionHandshakes", "false", Used, "no TLS handshakes while the server does not serve"),
    key("client.certReload", "false", Used, "reload certificates of the client port"),
    key("client.portUnification", "false", Used, "TLS and plain clients on one port"),
    key("fips-mode", "true", Used, "choices that FIPS allows"),
    key("X509AuthenticationProvider.superUser", "", Used, "certificate of the super user"),
    key("ssl.authProvider", "x509", Used, "scheme for clients with TLS"),
    key("ssl.sslProvider", "JDK", Harmless(OtherEngine, OneOf(&["JDK", "OPENSSL", "OPENSSL_REFCNT"])), "TLS library"),
    key("ssl.protocol", "TLSv1.3", Used, "TLS version for clients"),
    key("ssl.enabledProtocols", "by ssl.protocol", Used, "TLS versions for clients"),
    key("ssl.ciphersuites", "built in", Used, "cipher suites for clients"),
    key("ssl.keyStore.location", "", Used, "key and certificate of the server"),
    key("ssl.keyStore.password", "", Used, "password of the key store"),
    key("ssl.keyStore.passwordPath", "", Used, "file with that password"),
    key("ssl.keyStore.type", "by file name", Used, "format of the key store"),
    key("ssl.trustStore.location", "", Used, "certificates that are trusted"),
    key("ssl.trustStore.password", "", Used, "password of the trust store"),
    key("ssl.trustStore.passwordPath", "", Used, "file with that password"),
    key("ssl.trustStore.type", "by file name", Used, "format of the trust store"),
    key("ssl.context.supplier.class", "", NotYet(&JAVA_CLASS, UNSET), "Java class that sets up TLS"),
    key("ssl.hostnameVerification", "true", Used, "check host names of servers"),
    key("ssl.clientHostnameVerification", "false", Used, "check host names of clients"),
    key("ssl.allowReverseDnsLookup", "false", NotYet(&REVERSE_DNS, FALSE), "find host names by reverse DNS"),
    key("ssl.crl", "false", NotYet(&REVOCATION, FALSE), "certificate revocation lists"),
    key("ssl.ocsp", "false", NotYet(&REVOCATION, FALSE), "certificate status by OCSP"),
    key("ssl.clientAuth", "need", Used, "whether clients need a certificate"),
    key("ssl.handshakeDetectionTimeoutMillis", "5000", Harmless(OtherEngine, Int), "ms to recognise TLS"),
    key("ssl.quorum.protocol", "TLSv1.3", NotYet(&TLS, &["TLSv1.3"]), "TLS version between servers"),
    key("ssl.quorum.enabledProtocols", "by ssl.quorum.protocol", NotYet(&TLS, UNSET), "TLS versions between servers"),
    key("ssl.quorum.ciphersuites", "built in", NotYet(&TLS, UNSET), "cipher suites between servers"),
    key("ssl.quorum.keyStore.location", "", NotYet(&TLS, UNSET), "key and certificate between servers"),
    key("ssl.quorum.keyStore.password", "", NotYet(&TLS, UNSET), "password of that key store"),
    key("ssl.quorum.keyStore.passwordPath", "", NotYet(&TLS, UNSET), "file with that password"),
    key("ssl.quorum.keyStore.type", "by file name", NotYet(&TLS, UNSET), "format of that key store"),
    key("ssl.quorum.trustStore.location", "", NotYet(&TLS, UNSET), "certificates trusted between servers"),
    key("ssl.quorum.trustStore.password", "", NotYet(&TLS, UNSET), "password of that trust store"),
    key("ssl.quorum.trustStore.passwordPath", "", NotYet(&TLS, UNSET), "file with that password"),
    key("ssl.quorum.trustStore.type", "by file name", NotYet(&TLS, UNSET), "format of that trust store"),
    key("ssl.quorum.context.supplier.class", "", NotYet(&TLS, UNSET), "Java class that sets up TLS between servers"),
    key("ssl.quorum.hostnameVerification", "true", NotYet(&TLS, TRUE), "check host names of servers"),
    key("ssl.quorum.clientHostnameVerification", "true", NotYet(&TLS, TRUE), "check host names of servers that connect"),
    key("ssl.quorum.allowReverseDnsLookup", "true", NotYet(&TLS, TRUE), "find host names by reverse DNS"),
    key("ssl.quorum.crl", "false", NotYet(&TLS, FALSE), "certificate revocation lists between servers"),
    key("ssl.quorum.ocsp", "false", NotYet(&TLS, FALSE), "certificate status by OCSP between servers"),
    key("ssl.quorum.clientAuth", "need", NotYet(&TLS, &["need"]), "whether servers need a certificate"),
    key("ssl.quorum.handshakeDetectionTimeoutMillis", "5000", NotYet(&TLS, &["5000"]), "ms to recognise TLS between servers"),
    key("ssl.*", "", NotYet(&TLS, &[]), "any other TLS setting, known to Apache or not"),
    file("quorum.auth.enableSasl", "false", NotYet(&SASL, FALSE), "SASL between servers"),
    file("quorum.auth.serverRequireSasl", "false", NotYet(&SASL, FALSE), "refuse servers without SASL"),
    file("quorum.auth.learnerRequireSasl", "false", NotYet(&SASL, FALSE), "authenticate to other servers"),
    file("quorum.auth.learner.saslLoginContext", "QuorumLearner", NotYet(&SASL, &["QuorumLearner"]), "JAAS section of the side that connects"),
    file("quorum.auth.server.saslLoginContext", "QuorumServer", NotYet(&SASL, &["QuorumServer"]), "JAAS section of the side that accepts"),
    file("quorum.auth.kerberos.servicePrincipal", "zkquorum/localhost", NotYet(&SASL, &["zkquorum/localhost"]), "Kerberos name between servers"),
    key("quorum.auth.*", "", NotYet(&SASL, &[]), "any other setting of SASL between servers, known to Apache or not"),
    property("java.security.auth.login.config", "", NotYet(&SASL, UNSET), "JAAS file"),
    property("sun.security.jgss.native", "false", NotYet(&SASL, FALSE), "the system's Kerberos library"),
    key("SASLAuthenticationProvider.superPassword", "", NotYet(&SASL, UNSET), "password of the SASL user super"),
    key("superUser", "", NotYet(&SASL, UNSET), "SASL name of the super user"),
    key("superUser.*", "", NotYet(&SASL, UNSET), "SASL name of another super user"),
    key("sessionRequireClientSASLAuth", "false", NotYet(&SASL, FALSE), "only sessions with SASL"),
    key("allowSaslFailedClients", "false", NotYet(&SASL, FALSE), "keep clients whose SASL failed"),
    key("letAnySaslUserDoX", "", NotYet(&SASL, UNSET), "id in ACLs that stands for every SASL user"),
    key("sasl.serverconfig", "Server", NotYet(&SASL, &["Server"]), "JAAS section of the server"),
    key("kerberos.removeHostFromPrincipal", "false", NotYet(&SASL, FALSE), "cut the host from a client's name"),
    key("kerberos.removeRealmFromPrincipal", "false", NotYet(&SASL, FALSE), "cut the realm from a client's name"),
    key("kerberos.canonicalizeHostNames", "false", NotYet(&SASL, FALSE), "canonical host names in server lines"),
    key("kerberos.minReLoginTimeMs", "60000", NotYet(&SASL, &["60000"]), "ms between logins"),
    key("kinit", "/usr/bin/kinit", NotYet(&SASL, &["/usr/bin/kinit"]), "command that logs in"),
    key("requireKerberosConfig", "false", NotYet(&SASL, FALSE), "no start without a Kerberos configuration"),
    key("security.auth_to_local", "DEFAULT", NotYet(&SASL, &["DEFAULT"]), "rules for short names"),
    key("server.realm", "", NotYet(&SASL, UNSET), "realm of the server"),
];
