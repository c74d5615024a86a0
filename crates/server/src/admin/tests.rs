//! Where the admin server listens, and who is told when it cannot.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;

use datatree::DataTree;
use persistence::DataDirsOptions;

use super::*;
use crate::config;
use crate::serve::security::Security;
use crate::serve::start::{shared, tree_options};

/// A server whose admin server is to listen on this port of the loopback.
fn server(dir: &Path, port: u16) -> (Server, Arc<DataDirs>) {
    let flags = [
        format!("-Dzookeeper.admin.serverPort={port}"),
        "-Dzookeeper.admin.serverAddress=127.0.0.1".to_owned(),
        "1".to_owned(),
        dir.display().to_string(),
    ];
    let config = config::load(&flags.map(OsString::from), &|_| None).expect("a configuration");
    let directories = DataDirs::open(&DataDirsOptions {
        data_dir: dir.to_owned(),
        data_log_dir: dir.to_owned(),
        auto_create: true,
    });
    let tree = DataTree::new(tree_options(&config));
    let server = shared(config, Security::default(), tree, Box::new(|| [0, 0]), 1);
    (
        Arc::new(server),
        Arc::new(directories.expect("directories")),
    )
}

fn choice(server: &mut Server, is_chosen: bool) {
    let shared = Arc::get_mut(server).expect("nobody else has it");
    let settings = shared.config.admin.as_mut().expect("it is on");
    settings.port_is_chosen = is_chosen;
}

#[tokio::test]
async fn a_port_that_is_taken_matters_only_where_somebody_has_chosen_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let holder = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = holder.local_addr().expect("an address").port();
    let (mut server, directories) = server(dir.path(), port);
    let refused = AdminServer::open(&server, &directories).err();
    let message = refused.as_ref().expect("taken").to_string();
    assert!(
        matches!(refused, Some(CannotListen::Chosen { .. }))
            && message.contains(&format!("127.0.0.1:{port}"))
            && message.contains("change admin.serverPort"),
        "{message}"
    );
    choice(&mut server, false);
    let refused = AdminServer::open(&server, &directories).err();
    let message = refused.as_ref().expect("taken").to_string();
    assert!(
        matches!(refused, Some(CannotListen::Default { .. }))
            && message.contains("admin.enableServer=false"),
        "{message}"
    );
}

#[tokio::test]
async fn it_listens_unless_it_is_off() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut server, directories) = server(dir.path(), 0);
    let admin = AdminServer::open(&server, &directories).expect("a port");
    let address = admin.expect("it is on").listener.local_addr();
    assert!(address.expect("an address").ip().is_loopback());
    Arc::get_mut(&mut server)
        .expect("nobody else has it")
        .config
        .admin = None;
    assert!(
        AdminServer::open(&server, &directories)
            .expect("no port")
            .is_none()
    );
}
