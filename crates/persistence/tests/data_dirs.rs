//! The directories of a server: made, checked, locked.

use std::fs;
use std::path::Path;

use persistence::*;

fn options(data: &Path, log: &Path) -> DataDirsOptions {
    DataDirsOptions {
        data_dir: data.to_owned(),
        data_log_dir: log.to_owned(),
        auto_create: true,
    }
}

#[test]
fn missing_directories_are_made_unless_that_is_off() {
    let temp = tempfile::tempdir().unwrap();
    let (data, log) = (temp.path().join("a/data"), temp.path().join("log"));
    let off = DataDirsOptions {
        auto_create: false,
        ..options(&data, &log)
    };
    assert!(matches!(
        DataDirs::open(&off),
        Err(DataDirError::Missing(_))
    ));
    assert!(!log.exists());
    DataDirs::open(&options(&data, &log)).unwrap();
    assert!(data.join("version-2").is_dir() && log.join("version-2").is_dir());
    DataDirs::open(&off).unwrap();
}

#[test]
fn a_second_server_is_refused_while_the_first_one_lives() {
    let temp = tempfile::tempdir().unwrap();
    let [data, log, other] = ["data", "log", "other"].map(|name| temp.path().join(name));
    let first = DataDirs::open(&options(&data, &log)).unwrap();
    for taken in [
        options(&data, &log),
        options(&data, &data),
        options(&other, &log),
    ] {
        match DataDirs::open(&taken) {
            Err(DataDirError::InUse(dir)) => assert!(dir.ends_with("version-2")),
            outcome => panic!("{taken:?}: {outcome:?}"),
        }
    }
    drop(first);
    DataDirs::open(&options(&data, &log)).unwrap();
}

#[test]
fn logs_and_snapshots_in_each_others_directory_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let [data, log] = ["data", "log"].map(|name| temp.path().join(name));
    for (dir, name) in [(&data, "log.5"), (&log, "snapshot.5.gz")] {
        drop(DataDirs::open(&options(&data, &log)).unwrap());
        let file = dir.join("version-2").join(name);
        fs::write(&file, b"").unwrap();
        match DataDirs::open(&options(&data, &log)) {
            Err(DataDirError::Mixed { found, .. }) => assert_eq!(found, name),
            outcome => panic!("{outcome:?}"),
        }
        DataDirs::open(&options(dir, dir)).unwrap();
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn one_directory_under_two_names_is_one() {
    let temp = tempfile::tempdir().unwrap();
    let [data, link] = ["data", "link"].map(|name| temp.path().join(name));
    fs::create_dir_all(data.join("version-2")).unwrap();
    std::os::unix::fs::symlink(&data, &link).unwrap();
    fs::write(data.join("version-2/log.5"), b"12345").unwrap();
    let dirs = DataDirs::open(&options(&data, &link)).unwrap();
    assert_eq!((dirs.data_dir_size(), dirs.log_dir_size()), (5, 5));
}

#[test]
fn the_initialize_file_is_taken_once() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = DataDirs::open(&options(temp.path(), temp.path())).unwrap();
    assert!(!dirs.take_initialize_file().unwrap());
    fs::write(temp.path().join("initialize"), b"").unwrap();
    assert!(dirs.take_initialize_file().unwrap());
    assert!(!temp.path().join("initialize").exists());
}
