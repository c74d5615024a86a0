//! [`Dir`] on the file system for who only wants to look: what recovery would put right is thrown away.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::{Dir, File, SyncPoint};

/// A directory in which nothing is changed. Where there is none, it is empty.
#[derive(Clone, Debug)]
pub struct ReadOnlyDir(Arc<Path>);

impl ReadOnlyDir {
    /// A directory that may be there.
    pub fn new(path: &Path) -> Self {
        ReadOnlyDir(path.into())
    }
}

impl Dir for ReadOnlyDir {
    type File = ReadOnlyFile;

    fn path(&self) -> &Path {
        &self.0
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        let names: io::Result<Vec<Option<String>>> = names.collect();
        Ok(names?.into_iter().flatten().collect())
    }

    fn open(&self, name: &str) -> io::Result<ReadOnlyFile> {
        let file = fs::File::open(self.0.join(name))?;
        Ok(ReadOnlyFile(Some(file)))
    }

    fn create(&self, _name: &str) -> io::Result<ReadOnlyFile> {
        Ok(ReadOnlyFile(None))
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, _: SyncPoint) -> io::Result<()> {
        Ok(())
    }
}

/// A file in which nothing is changed; none: one that would have been made, and is empty.
#[derive(Debug)]
pub struct ReadOnlyFile(Option<fs::File>);

impl File for ReadOnlyFile {
    fn len(&self) -> io::Result<u64> {
        self.0
            .as_ref()
            .map_or(Ok(0), |file| Ok(file.metadata()?.len()))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0
            .as_ref()
            .map_or(Ok(0), |file| file.read_at(buffer, offset))
    }

    fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, _length: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_data(&self, _: SyncPoint) -> io::Result<()> {
        Ok(())
    }
}
