//! `ironkeeper certs`: an authority, a server, a client and a peer for trying TLS out, as stores of every type.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use pki::issue::{Authority, IssueError};
use pki::stores::{StoreError, StoreType, write};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct CertsOptions {
    /// Where to; made when it is missing.
    pub out: PathBuf,
    /// Names and addresses of the server, besides those of this machine to itself.
    pub hosts: Vec<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A file that cannot be written, or is there already.
    #[error("cannot write {path}: {error}")]
    Write {
        /// Of the file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A certificate that cannot be made: a host that is no name, for one.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A store that cannot be made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names of a machine to itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const TYPES: [(StoreType, &str); 3] = [
    (StoreType::Jks, "jks"),
    (StoreType::Pkcs12, "p12"),
    (StoreType::Pem, "pem"),
];

/// Makes all files; none that is there is touched. Returns what to tell.
pub fn make(options: &CertsOptions) -> Result<String, CertsError> {
    let out = &options.out;
    fs::create_dir_all(out).map_err(|error| CertsError::Write {
        path: out.clone(),
        error,
    })?;
    let year = jiff::Zoned::now().year();
    let authority = Authority::new("ca for trying things out", year.into())?;
    let password = write::random_password();
    save(&out.join("password"), password.as_bytes())?;
    let local: Vec<String> = LOCAL.iter().map(|host| (*host).to_owned()).collect();
    let hosts = [local, options.hosts.clone()].concat();
    for (name, hosts) in [
        ("server", &hosts),
        ("peer", &hosts),
        ("client", &Vec::new()),
    ] {
        let entry = authority.issue(name, hosts)?;
        for (store_type, suffix) in TYPES {
            save(
                &out.join(format!("{name}.{suffix}")),
                &write::key_store(store_type, &entry, &password)?,
            )?;
        }
    }
    for (store_type, suffix) in TYPES {
        let store = write::trust_store(store_type, &authority.certificate(), &password)?;
        save(&out.join(format!("trust.{suffix}")), &store)?;
    }
    let flags = client_flags(out, &password);
    save(
        &out.join("client.env"),
        format!("export CLIENT_JVMFLAGS=\"{flags}\"\n").as_bytes(),
    )?;
    Ok(told(out, &flags))
}

/// Nobody else may read it: keys and passwords are among them.
fn save(path: &Path, bytes: &[u8]) -> Result<(), CertsError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| CertsError::Write {
            path: path.to_owned(),
            error,
        })
}

/// The options of Apache's Java client.
fn client_flags(out: &Path, password: &str) -> String {
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    let file = |name: &str| out.join(name).display().to_string();
    [
        "-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty".to_owned(),
        "-Dzookeeper.client.secure=true".to_owned(),
        format!("-Dzookeeper.ssl.keyStore.location={}", file("client.jks")),
        format!("-Dzookeeper.ssl.keyStore.password={password}"),
        format!("-Dzookeeper.ssl.trustStore.location={}", file("trust.jks")),
        format!("-Dzookeeper.ssl.trustStore.password={password}"),
    ]
    .join(" ")
}

fn told(out: &Path, flags: &str) -> String {
    let dir = out.display();
    format!(
        "Made server, peer and client as .jks, .p12 and .pem in {dir}, trust.* with the authority that they trust, and the\n\
         password of the stores in {dir}/password; .pem have none. They are for trying things out.\n\n\
         In zoo.cfg:\n\n\
         secureClientPort=2281\n\
         ssl.keyStore.location={dir}/server.jks\n\
         ssl.keyStore.passwordPath={dir}/password\n\
         ssl.trustStore.location={dir}/trust.jks\n\
         ssl.trustStore.passwordPath={dir}/password\n\n\
         With zkCli.sh, after `. {dir}/client.env`:\n\n\
         zkCli.sh -server localhost:2281\n\n\
         which sets\n\n\
         CLIENT_JVMFLAGS=\"{flags}\""
    )
}

#[cfg(test)]
mod tests {
    use listener::tls::{
        ClientAuth, ClientHosts, Context, Password, Protocol, StoreOptions, Suites, TlsOptions,
    };

    use super::*;

    #[test]
    fn a_server_starts_with_each_type_of_store_and_no_file_is_touched_twice() {
        let dir = tempfile::tempdir().expect("a directory");
        let options = CertsOptions {
            out: dir.path().join("tls"),
            hosts: vec!["zk.example.com".to_owned()],
        };
        make(&options).expect("made");
        let store = |name: &str| StoreOptions {
            path: options.out.join(name),
            store_type: None,
            password: match name.ends_with(".pem") {
                true => Password::Text(String::new()),
                false => Password::File(options.out.join("password")),
            },
        };
        for (_, suffix) in TYPES {
            let context = Context::new(TlsOptions {
                key_store: store(&format!("server.{suffix}")),
                trust_store: Some(store(&format!("trust.{suffix}"))),
                protocols: vec![Protocol::Tls13],
                suites: Suites::default(),
                client_auth: ClientAuth::Need,
                client_hosts: ClientHosts::Any,
                revocation: None,
            });
            context.unwrap_or_else(|error| panic!("{suffix}: {error}"));
        }
        let error = make(&options).expect_err("refused").to_string();
        assert!(error.contains("password"), "{error}");
    }
}
