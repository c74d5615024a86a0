//! The variables of the environment that Apache's scripts or a JVM read, as the operator's page lists them.

/// What this version does with a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The server reads it.
    Server,
    /// The scripts in bin/ read it.
    Scripts,
    /// It is for the log of a JVM.
    Log,
    /// It is for the JVM of the server.
    Jvm,
    /// It is for clients' JVMs.
    Client,
}

impl Reader {
    /// As the page says it.
    pub fn text(self) -> &'static str {
        match self {
            Reader::Server => "works",
            Reader::Scripts => "works",
            Reader::Log => "no effect, as logging is not Java's",
            Reader::Jvm => "no effect without a JVM",
            Reader::Client => "no effect, as only clients read it",
        }
    }
}

/// Name, reader, and what it sets.
pub const VARIABLES: &[(&str, Reader, &str)] = &[
    ("JVMFLAGS", Reader::Server, "options, of which -D count"),
    (
        "SERVER_JVMFLAGS",
        Reader::Server,
        "options, of which -D count",
    ),
    (
        "JAVA_TOOL_OPTIONS",
        Reader::Server,
        "options, of which -D count",
    ),
    (
        "JDK_JAVA_OPTIONS",
        Reader::Server,
        "options, of which -D count",
    ),
    (
        "_JAVA_OPTIONS",
        Reader::Server,
        "options, of which -D count; they go before the command line's",
    ),
    (
        "ZOO_DATADIR_AUTOCREATE_DISABLE",
        Reader::Server,
        "any value: zookeeper.datadir.autocreate=false",
    ),
    ("ZOOCFGDIR", Reader::Scripts, "directory of zoo.cfg"),
    ("ZOOCFG", Reader::Scripts, "name of zoo.cfg"),
    ("ZOO_LOG_DIR", Reader::Scripts, "directory of logs"),
    ("ZOO_LOG_FILE", Reader::Log, "name of the log"),
    ("ZOOPIDFILE", Reader::Scripts, "file of the process id"),
    ("ZOO_NOEXEC", Reader::Scripts, "keep the shell as a parent"),
    ("ZOOKEEPER_PREFIX", Reader::Scripts, "directory of all"),
    ("ZOOBINDIR", Reader::Scripts, "directory of the scripts"),
    (
        "zookeeper-env.sh / java.env",
        Reader::Scripts,
        "files of variables",
    ),
    ("JAVA_HOME", Reader::Jvm, "which Java"),
    ("CLASSPATH", Reader::Jvm, "Java classes"),
    ("ZK_SERVER_HEAP", Reader::Jvm, "MB of Java's heap"),
    ("JMXDISABLE", Reader::Jvm, "no JMX"),
    ("JMXLOCALONLY", Reader::Jvm, "JMX on this machine only"),
    ("JMXPORT", Reader::Jvm, "port of JMX"),
    ("JMXAUTH", Reader::Jvm, "passwords for JMX"),
    ("JMXSSL", Reader::Jvm, "TLS for JMX"),
    ("JMXLOG4J", Reader::Jvm, "JMX for logging"),
    ("JMXHOSTNAME", Reader::Jvm, "host name of JMX"),
    ("CLIENT_JVMFLAGS", Reader::Client, "options of clients"),
    ("ZK_CLIENT_HEAP", Reader::Client, "MB of a client's heap"),
];
