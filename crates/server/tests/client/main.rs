//! The real binary, used through the Rust crate `zookeeper-client`, which others wrote.

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod nodes;
mod sessions;
mod watches;

use std::time::Duration;

use common::Ironkeeper;
use zookeeper_client::{Acls, Client, Connector, CreateMode, CreateOptions};

const OPEN: Acls<'static> = Acls::anyone_all();
const PERSISTENT: CreateOptions<'static> = CreateMode::Persistent.with_acls(OPEN);
const EPHEMERAL: CreateOptions<'static> = CreateMode::Ephemeral.with_acls(OPEN);

/// Long enough for a client on a machine with other work.
const TIMEOUT: Duration = Duration::from_secs(30);

fn server() -> Ironkeeper {
    Ironkeeper::start("extendedTypesEnabled=true\nmaxSessionTimeout=60000\ntickTime=100")
}

fn connector() -> Connector {
    Client::connector().with_session_timeout(TIMEOUT)
}

async fn connect(server: &Ironkeeper) -> Client {
    let address = server.address().to_string();
    connector().connect(&address).await.expect("a session")
}

async fn exists(client: &Client, path: &str) -> bool {
    client.check_stat(path).await.expect("a reply").is_some()
}
