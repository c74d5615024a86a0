//! [`Dir`] on the file system.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::{Dir, File, SyncPoint};

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct RealDir {
    path: Arc<Path>,
    handle: Arc<fs::File>,
}

impl RealDir {
    /// Opens an existing directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(RealDir {
            path: path.into(),
            handle: Arc::new(fs::File::open(path)?),
        })
    }
}

impl Dir for RealDir {
    type File = RealFile;

    fn path(&self) -> &Path {
        &self.path
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // Ours are all ASCII: a name that is no text is not ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<RealFile> {
        let mut options = fs::File::options();
        let file = options.read(true).write(true).open(self.path.join(name))?;
        Ok(RealFile(file))
    }

    fn create(&self, name: &str) -> io::Result<RealFile> {
        let mut options = fs::File::options();
        options.read(true).write(true).create(true).truncate(true);
        Ok(RealFile(options.open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self, _: SyncPoint) -> io::Result<()> {
        self.handle.sync_all()
    }
}

/// A file of the file system.
#[derive(Debug)]
pub struct RealFile(fs::File);

impl File for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self, _: SyncPoint) -> io::Result<()> {
        self.0.sync_data()
    }
}
