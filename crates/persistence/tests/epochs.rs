//! acceptedEpoch and currentEpoch: their bytes, and what a start makes of them.

mod common;

use std::fs;
use std::path::Path;

use common::dir;
use persistence::{EpochError, Epochs, read_epochs, write_accepted_epoch, write_current_epoch};
use proto::{Epoch, Zxid};

fn zxid(epoch: i64, counter: i64) -> Zxid {
    Zxid(epoch << 32 | counter)
}

fn epochs(accepted: i64, current: i64) -> Epochs {
    Epochs {
        accepted: Epoch(accepted),
        current: Epoch(current),
    }
}

/// A directory with these files.
fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(temp.path().join(name), text).unwrap();
    }
    temp
}

fn read(path: &Path, last: Zxid) -> Result<Epochs, EpochError> {
    read_epochs(&dir(path), last)
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_epoch_file_holds_the_number_and_nothing_else() {
    let temp = files(&[]);
    let dir = dir(temp.path());
    for epoch in [0, 9, 1234, i64::from(i32::MAX)] {
        write_accepted_epoch(&dir, Epoch(epoch)).unwrap();
        write_current_epoch(&dir, Epoch(epoch)).unwrap();
        for name in ["acceptedEpoch", "currentEpoch"] {
            let text = fs::read_to_string(temp.path().join(name)).unwrap();
            assert_eq!(text, epoch.to_string());
        }
        assert_eq!(read(temp.path(), Zxid::ZERO).unwrap(), epochs(epoch, epoch));
    }
    assert_eq!(names(temp.path()), ["acceptedEpoch", "currentEpoch"]);
}

#[test]
fn what_apache_reads_is_read() {
    for text in ["7", "7\n", "7\r\nmore", "+7", "007", "7\rmore"] {
        let temp = files(&[("acceptedEpoch", text), ("currentEpoch", text)]);
        assert_eq!(read(temp.path(), zxid(7, 1)).unwrap(), epochs(7, 7));
    }
}

#[test]
fn a_file_that_is_missing_gets_the_epoch_of_the_last_zxid() {
    for (last, epoch) in [(Zxid::ZERO, 0), (zxid(3, 9), 3), (Zxid(-1), -1)] {
        let temp = files(&[]);
        assert_eq!(read(temp.path(), last).unwrap(), epochs(epoch, epoch));
        for name in ["acceptedEpoch", "currentEpoch"] {
            let text = fs::read_to_string(temp.path().join(name)).unwrap();
            assert_eq!(text, epoch.to_string());
        }
        // And what was written is read at the next start.
        assert_eq!(read(temp.path(), last).unwrap(), epochs(epoch, epoch));
    }
    let temp = files(&[("acceptedEpoch", "5")]);
    assert_eq!(read(temp.path(), zxid(3, 1)).unwrap(), epochs(5, 3));
}

#[test]
fn what_is_no_epoch_is_refused_and_shown() {
    for text in [
        "",
        "\n",
        " 7",
        "7 ",
        "seven",
        "-2",
        "2147483648",
        "99999999999999999999",
    ] {
        for name in ["acceptedEpoch", "currentEpoch"] {
            let temp = files(&[("acceptedEpoch", "1"), ("currentEpoch", "1"), (name, text)]);
            match read(temp.path(), Zxid::ZERO).unwrap_err() {
                EpochError::NotAnEpoch { file, found } => {
                    assert_eq!((file, &*found), (temp.path().join(name), text));
                }
                other => panic!("{text:?}: {other}"),
            }
            assert_eq!(fs::read_to_string(temp.path().join(name)).unwrap(), text);
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let temp = files(&[("acceptedEpoch", "1")]);
    fs::create_dir(temp.path().join("currentEpoch")).unwrap();
    let error = read(temp.path(), Zxid::ZERO).unwrap_err();
    assert!(matches!(error, EpochError::Io(_)), "{error}");
    assert!(error.to_string().contains("currentEpoch"), "{error}");
}

#[test]
fn a_current_epoch_that_is_older_than_the_log_is_refused() {
    let temp = files(&[("acceptedEpoch", "6"), ("currentEpoch", "3")]);
    let error = read(temp.path(), zxid(5, 2)).unwrap_err();
    assert!(
        matches!(
            error,
            EpochError::CurrentBehindLog { current: Epoch(3), last_zxid, .. }
                if last_zxid == zxid(5, 2)
        ),
        "{error}"
    );
}

#[test]
fn a_newer_current_epoch_that_did_not_get_its_name_gets_it() {
    let temp = files(&[
        ("acceptedEpoch", "6"),
        ("currentEpoch", "3"),
        ("currentEpoch.tmp", "5"),
    ]);
    assert_eq!(read(temp.path(), zxid(5, 2)).unwrap(), epochs(6, 5));
    assert_eq!(names(temp.path()), ["acceptedEpoch", "currentEpoch"]);
    assert_eq!(read(temp.path(), zxid(5, 2)).unwrap(), epochs(6, 5));
}

#[test]
fn a_temporary_file_is_looked_at_only_when_the_current_epoch_is_behind_the_log() {
    for text in ["9", "", "x"] {
        let temp = files(&[
            ("acceptedEpoch", "6"),
            ("currentEpoch", "5"),
            ("currentEpoch.tmp", text),
        ]);
        assert_eq!(read(temp.path(), zxid(5, 2)).unwrap(), epochs(6, 5));
    }
}

#[test]
fn a_temporary_file_that_is_behind_the_log_too_does_not_help() {
    let temp = files(&[
        ("acceptedEpoch", "6"),
        ("currentEpoch", "3"),
        ("currentEpoch.tmp", "4"),
    ]);
    let error = read(temp.path(), zxid(5, 2)).unwrap_err();
    assert!(
        matches!(error, EpochError::CurrentBehindLog { .. }),
        "{error}"
    );
}

#[test]
fn an_accepted_epoch_that_is_less_than_the_current_one_is_refused() {
    let temp = files(&[("acceptedEpoch", "4"), ("currentEpoch", "5")]);
    let error = read(temp.path(), zxid(5, 2)).unwrap_err();
    assert!(
        matches!(
            error,
            EpochError::AcceptedBehindCurrent {
                accepted: Epoch(4),
                current: Epoch(5),
                ..
            }
        ),
        "{error}"
    );
}
