//! The two data directories of a server, made, checked and locked (`FileTxnSnapLog.java`).
//!
//! Works on the file system alone, beside the [`Dir`] trait. Must not look into files.

use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::if_there;
use crate::{IoError, ReadOnlyDir, RealDir};

/// Below `dataDir` and `dataLogDir`.
const VERSION_DIR: &str = "version-2";
/// Locked while a server runs. Empty, so that Apache's directory sizes stay what they were.
const LOCK_FILE: &str = "ironkeeper.lock";
/// Beside the log's `version-2`: says that an empty directory is meant to be empty.
const INITIALIZE_FILE: &str = "initialize";

/// Which directories, and whether to make them.
#[derive(Clone, Debug)]
pub struct DataDirsOptions {
    /// `dataDir`: snapshots.
    pub data_dir: PathBuf,
    /// `dataLogDir`: txn logs; may be the same.
    pub data_log_dir: PathBuf,
    /// Make what is missing (`zookeeper.datadir.autocreate`).
    pub auto_create: bool,
}

/// Why a server cannot have its directories.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The directory is not there.
    #[error(
        "data directory {} is missing, and zookeeper.datadir.autocreate is false. Make it, or \
         correct dataDir and dataLogDir", .0.display()
    )]
    Missing(PathBuf),
    /// Snapshots where the logs are, or the other way round.
    #[error(
        "{} holds {found}, but dataDir and dataLogDir are two directories: logs belong in one \
         and snapshots in the other. Check both settings, or move the file to where it belongs",
        dir.display()
    )]
    Mixed {
        /// The directory.
        dir: PathBuf,
        /// The file that does not belong there.
        found: String,
    },
    /// Another server is at work.
    #[error(
        "data directory {} is in use by another server. Stop that one, or give this one its own \
         dataDir and dataLogDir", .0.display()
    )]
    InUse(PathBuf),
}

/// The data directories of this server: nobody else's until this is dropped.
#[derive(Debug)]
pub struct DataDirs {
    /// `dataDir/version-2`.
    pub snapshots: RealDir,
    /// `dataLogDir/version-2`.
    pub logs: RealDir,
    snapshots_path: PathBuf,
    logs_path: PathBuf,
    /// Beside `version-2`.
    initialize_file: PathBuf,
    _locks: Vec<fs::File>,
}

impl DataDirs {
    /// Makes what is missing, checks that logs and snapshots are not mixed up, and locks both
    /// directories for as long as the value lives.
    pub fn open(options: &DataDirsOptions) -> Result<Self, DataDirError> {
        let logs_path = options.data_log_dir.join(VERSION_DIR);
        let snapshots_path = options.data_dir.join(VERSION_DIR);
        for path in [&logs_path, &snapshots_path] {
            ensure_dir(path, options.auto_create)?;
        }
        let mut locks = vec![lock(&snapshots_path)?];
        if !same_dir(&logs_path, &snapshots_path)? {
            locks.push(lock(&logs_path)?);
            refuse_prefix(&logs_path, "snapshot.")?;
            refuse_prefix(&snapshots_path, "log.")?;
        }
        Ok(DataDirs {
            snapshots: open_dir(&snapshots_path)?,
            logs: open_dir(&logs_path)?,
            initialize_file: options.data_log_dir.join(INITIALIZE_FILE),
            snapshots_path,
            logs_path,
            _locks: locks,
        })
    }

    /// Removes the `initialize` file; true when there was one.
    pub fn take_initialize_file(&self) -> Result<bool, IoError> {
        let path = &self.initialize_file;
        let removed =
            if_there(fs::remove_file(path)).map_err(IoError::at("remove", path.clone()))?;
        if removed.is_some() {
            path.parent().map_or(Ok(()), sync_dir)?;
        }
        Ok(removed.is_some())
    }

    /// Bytes of all files below `dataDir/version-2`.
    pub fn data_dir_size(&self) -> u64 {
        dir_size(&self.snapshots_path)
    }

    /// Bytes of all files below `dataLogDir/version-2`.
    pub fn log_dir_size(&self) -> u64 {
        dir_size(&self.logs_path)
    }
}

/// The data directories of a server that may be running, for who only looks.
#[derive(Debug)]
pub struct DataDirsSeen {
    /// `dataDir/version-2`.
    pub snapshots: ReadOnlyDir,
    /// `dataLogDir/version-2`.
    pub logs: ReadOnlyDir,
    /// The `initialize` file is there.
    pub has_initialize_file: bool,
    /// A running ironkeeper has locked them.
    pub in_use: bool,
}

impl DataDirsSeen {
    /// Checks what [`DataDirs::open`] does, and leaves everything as it is.
    ///
    /// # Errors
    /// What a server would not start with, but for directories in use.
    pub fn look(options: &DataDirsOptions) -> Result<Self, DataDirError> {
        let logs_path = options.data_log_dir.join(VERSION_DIR);
        let snapshots_path = options.data_dir.join(VERSION_DIR);
        let paths = [&logs_path, &snapshots_path];
        let there = paths.map(|path| path.is_dir());
        match (paths.iter().zip(there)).find(|(_, is_there)| !is_there) {
            Some((path, _)) if !options.auto_create => {
                return Err(DataDirError::Missing(path.to_path_buf()));
            }
            _ => {}
        }
        if there == [true, true] && !same_dir(&logs_path, &snapshots_path)? {
            refuse_prefix(&logs_path, "snapshot.")?;
            refuse_prefix(&snapshots_path, "log.")?;
        }
        Ok(DataDirsSeen {
            snapshots: ReadOnlyDir::new(&snapshots_path),
            logs: ReadOnlyDir::new(&logs_path),
            has_initialize_file: options.data_log_dir.join(INITIALIZE_FILE).exists(),
            in_use: is_locked(&snapshots_path) || is_locked(&logs_path),
        })
    }
}

/// Makes a directory whose name survives a power failure.
fn ensure_dir(path: &Path, auto_create: bool) -> Result<(), DataDirError> {
    if path.is_dir() {
        return Ok(());
    }
    if !auto_create {
        return Err(DataDirError::Missing(path.to_owned()));
    }
    let new: Vec<_> = path.ancestors().take_while(|dir| !dir.exists()).collect();
    fs::create_dir_all(path).map_err(IoError::at("create directory", path.to_owned()))?;
    for parent in new.iter().filter_map(|dir| dir.parent()) {
        sync_dir(parent)?;
    }
    Ok(())
}

/// fsync of a directory; an empty path is the working directory.
fn sync_dir(path: &Path) -> Result<(), IoError> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    fs::File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(IoError::at("fsync", path.to_owned()))
}

fn lock(dir: &Path) -> Result<fs::File, DataDirError> {
    let path = dir.join(LOCK_FILE);
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(false);
    let file = options
        .open(&path)
        .map_err(IoError::at("create", path.clone()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(IoError::at("lock", path)(error).into()),
    }
}

fn is_locked(dir: &Path) -> bool {
    let file = fs::File::open(dir.join(LOCK_FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn same_dir(one: &Path, other: &Path) -> Result<bool, IoError> {
    let real = |path: &Path| {
        path.canonicalize()
            .map_err(IoError::at("open", path.to_owned()))
    };
    Ok(real(one)? == real(other)?)
}

/// ZOOKEEPER-2967.
fn refuse_prefix(dir: &Path, prefix: &str) -> Result<(), DataDirError> {
    let entries = fs::read_dir(dir).map_err(IoError::at("list", dir.to_owned()))?;
    for entry in entries {
        let entry = entry.map_err(IoError::at("list", dir.to_owned()))?;
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(prefix) {
            let dir = dir.to_owned();
            return Err(DataDirError::Mixed { dir, found });
        }
    }
    Ok(())
}

fn open_dir(path: &Path) -> Result<RealDir, IoError> {
    RealDir::open(path).map_err(IoError::at("open", path.to_owned()))
}

/// What cannot be read counts as nothing: files come and go meanwhile.
fn dir_size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return fs::metadata(path).map_or(0, |file| file.len());
    };
    entries.flatten().map(|entry| dir_size(&entry.path())).sum()
}
