/* What the C client asks of the system, on Linux with OpenSSL and without Cyrus SASL. */
#define HAVE_ARPA_INET_H 1
#define HAVE_GETHOSTNAME 1
#define HAVE_GETLOGIN 1
#define HAVE_GETPWUID_R 1
#define HAVE_GETUID 1
#define HAVE_NETDB_H 1
#define HAVE_NETINET_IN_H 1
#define HAVE_OPENSSL_H 1
#define HAVE_POLL 1
#define HAVE_STRING_H 1
#define HAVE_SYS_SOCKET_H 1
#define HAVE_SYS_TIME_H 1
#define HAVE_SYS_UTSNAME_H 1
#define HAVE_UNISTD_H 1
#define PACKAGE_STRING "zookeeper C client 3.8.0"
/* OpenSSL has had no such function since 3.0. */
#define FIPS_mode() 0
