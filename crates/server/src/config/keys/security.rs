//! The keys of security features. A server that ignored one would be less safe than its operator believes, so what is not
//! built yet is never merely warned about.

use super::Form::{Any, Bool, Int, OneOf};
use super::Treatment::{Ensemble, Harmless, NotYet, Used};
use super::Why::{Client, OwnKerberos, Renegotiation, TlsLibrary, Unread};
use super::{Feature, Row, file, key, property};

const UNKNOWN_TLS: Feature = Feature {
    name: "a setting of TLS that nobody knows",
    advice: "correct its name or remove the line",
};
const JAVA_CLASS: Feature = Feature {
    name: "a Java class that sets up TLS",
    advice: "set the stores by ssl.keyStore and ssl.trustStore instead",
};
const UNKNOWN_LOGIN: Feature = Feature {
    name: "a setting of SASL between servers that nobody knows",
    advice: "correct its name or remove the line",
};

/// An empty text is as good as none.
const UNSET: &[&str] = &[""];

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("secureClientPort", "", Used, "port for clients with TLS"),
    file("secureClientPortAddress", "", Used, "address of that port"),
    file("sslQuorum", "false", Ensemble(Bool), "TLS between servers"),
    file("portUnification", "false", Ensemble(Bool), "TLS and plain connections between servers on one port"),
    file("sslQuorumReloadCertFiles", "false", Ensemble(Bool), "reload certificates between servers"),
    property("jdk.tls.rejectClientInitiatedRenegotiation", "true", Harmless(Renegotiation, Bool), "refuse TLS renegotiation by clients"),
    key("netty.server.outstandingHandshake.limit", "-1", Used, "TLS handshakes at once"),
    key("netty.server.earlyDropSecureConnectionHandshakes", "false", Used, "no TLS handshakes while the server does not serve"),
    key("client.certReload", "false", Used, "reload certificates of the client port"),
    key("client.portUnification", "false", Used, "TLS and plain clients on one port"),
    key("fips-mode", "true", Used, "choices that FIPS allows"),
    key("X509AuthenticationProvider.superUser", "", Used, "certificate of the super user"),
    key("ssl.authProvider", "x509", Used, "scheme for clients with TLS"),
    key("ssl.sslProvider", "JDK", Harmless(TlsLibrary, OneOf(&["JDK", "OPENSSL", "OPENSSL_REFCNT"])), "TLS library"),
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
    key("ssl.allowReverseDnsLookup", "false", Harmless(Client, Any), "find host names of servers by reverse DNS; of clients none is looked up"),
    key("ssl.crl", "false", Used, "revoked certificates are refused, by the lists that they name"),
    key("ssl.ocsp", "false", Used, "revoked certificates are refused, by the responders that they name, then by the lists"),
    key("ssl.clientAuth", "need", Used, "whether clients need a certificate"),
    key("ssl.handshakeDetectionTimeoutMillis", "5000", Harmless(Unread, Int), "ms to recognise TLS"),
    key("ssl.quorum.protocol", "TLSv1.3", Ensemble(Any), "TLS version between servers"),
    key("ssl.quorum.enabledProtocols", "by ssl.quorum.protocol", Ensemble(Any), "TLS versions between servers"),
    key("ssl.quorum.ciphersuites", "built in", Ensemble(Any), "cipher suites between servers"),
    key("ssl.quorum.keyStore.location", "", Ensemble(Any), "key and certificate between servers"),
    key("ssl.quorum.keyStore.password", "", Ensemble(Any), "password of that key store"),
    key("ssl.quorum.keyStore.passwordPath", "", Ensemble(Any), "file with that password"),
    key("ssl.quorum.keyStore.type", "by file name", Ensemble(Any), "format of that key store"),
    key("ssl.quorum.trustStore.location", "", Ensemble(Any), "certificates trusted between servers"),
    key("ssl.quorum.trustStore.password", "", Ensemble(Any), "password of that trust store"),
    key("ssl.quorum.trustStore.passwordPath", "", Ensemble(Any), "file with that password"),
    key("ssl.quorum.trustStore.type", "by file name", Ensemble(Any), "format of that trust store"),
    key("ssl.quorum.context.supplier.class", "", NotYet(&JAVA_CLASS, UNSET), "Java class that sets up TLS between servers"),
    key("ssl.quorum.hostnameVerification", "true", Ensemble(Any), "check host names of servers"),
    key("ssl.quorum.clientHostnameVerification", "true", Ensemble(Any), "check host names of servers that connect"),
    key("ssl.quorum.allowReverseDnsLookup", "true", Ensemble(Any), "take a certificate for a server line's host that has the address; where it is set to true, also for the name that DNS gives"),
    key("ssl.quorum.crl", "false", Ensemble(Any), "revoked certificates of servers are refused, by the lists that they name"),
    key("ssl.quorum.ocsp", "false", Ensemble(Any), "revoked certificates of servers are refused, by the responders that they name, then by the lists"),
    key("ssl.quorum.clientAuth", "need", Ensemble(Any), "whether servers need a certificate"),
    key("ssl.quorum.handshakeDetectionTimeoutMillis", "5000", Ensemble(Any), "ms to recognise TLS between servers"),
    key("ssl.*", "", NotYet(&UNKNOWN_TLS, &[]), "any other TLS setting, known to Apache or not"),
    file("quorum.auth.enableSasl", "false", Used, "SASL between servers"),
    file("quorum.auth.serverRequireSasl", "false", Used, "refuse servers without SASL"),
    file("quorum.auth.learnerRequireSasl", "false", Used, "authenticate to other servers"),
    file("quorum.auth.learner.saslLoginContext", "QuorumLearner", Used, "JAAS section of the side that connects"),
    file("quorum.auth.server.saslLoginContext", "QuorumServer", Used, "JAAS section of the side that accepts"),
    file("quorum.auth.kerberos.servicePrincipal", "zkquorum/localhost", Used, "Kerberos name of the server that is connected to"),
    key("quorum.auth.*", "", NotYet(&UNKNOWN_LOGIN, &[]), "any other setting of SASL between servers, known to Apache or not"),
    property("java.security.auth.login.config", "", Used, "JAAS file"),
    property("java.security.krb5.conf", "/etc/krb5.conf", Used, "Kerberos' own settings"),
    property("java.security.krb5.realm", "what krb5.conf says", Used, "the own realm"),
    property("sun.security.jgss.native", "false", Harmless(OwnKerberos, Any), "the system's Kerberos library"),
    key("SASLAuthenticationProvider.superPassword", "", Used, "password of the SASL user super"),
    key("superUser", "", Used, "SASL name of the super user"),
    key("superUser.*", "", Used, "SASL name of another super user"),
    key("sessionRequireClientSASLAuth", "false", Used, "only sessions with SASL"),
    key("allowSaslFailedClients", "false", Used, "keep clients whose SASL failed"),
    key("letAnySaslUserDoX", "", Used, "id in ACLs that stands for every SASL user"),
    key("sasl.serverconfig", "Server", Used, "JAAS section of the server"),
    key("kerberos.removeHostFromPrincipal", "false", Used, "cut the host from a client's name"),
    key("kerberos.removeRealmFromPrincipal", "false", Used, "cut the realm from a client's name"),
    key("kerberos.canonicalizeHostNames", "false", Used, "canonical host names in server lines"),
    key("kerberos.minReLoginTimeMs", "60000", Harmless(OwnKerberos, Any), "ms between logins"),
    key("kinit", "/usr/bin/kinit", Harmless(OwnKerberos, Any), "command that logs in"),
    key("requireKerberosConfig", "false", Used, "no start without a Kerberos configuration"),
    key("security.auth_to_local", "DEFAULT", Used, "rules for short names"),
    key("server.realm", "that of the own name", Used, "realm of the server that is connected to, also for clients"),
];
