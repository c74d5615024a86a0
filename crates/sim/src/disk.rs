//! A disk in memory that forgets what was not made durable.
//!
//! It keeps each file and directory twice: as the running process sees it, and as it would be
//! found after a power failure, with the operations between the two. So a crash can drop them
//! all, or keep some of them as real disks do.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use persistence::{Dir, File, SyncPoint};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Of the last write that survives a torn crash, so many bytes at its end are not to be relied on.
const TORN_BYTES: usize = 512;

/// How the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies; the system lives. Nothing is lost, and nothing gets durable.
    Kill,
    /// The power fails. All that was not made durable is gone.
    Power,
    /// The power fails. Of each file, a prefix of what was not durable survives, with its last
    /// 512 bytes torn; of each directory, any of its changes.
    Torn {
        /// Decides what survives.
        seed: u64,
    },
}

/// A disk; a clone is another handle of it.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    content: Content,
    operations: u64,
    ignored: Option<SyncPoint>,
    failure: Failure,
    /// An operation has failed, or was not reached.
    struck: Option<Struck>,
    /// When recording, the content before each operation.
    images: Option<Vec<Content>>,
}

#[derive(Clone, Copy, Default)]
enum Failure {
    #[default]
    Never,
    Once(u64),
    From(u64),
    /// The next sync, and all behind it.
    FromSync,
    /// The process is gone in front of this operation.
    DieAt(u64),
    /// The process is gone in front of one of these syncs, when so many others of them were done.
    DieBefore(&'static [SyncPoint], u32),
}

/// What has become of a disk that was told to fail, or of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struck {
    /// An operation failed.
    Failed {
        /// It was to make something durable.
        sync: bool,
    },
    /// The process has died in front of an operation: that one and all behind it have done nothing.
    Died,
}

/// Cheap to clone: file contents are shared until they change.
#[derive(Clone, Default)]
struct Content {
    dirs: BTreeMap<String, Entries>,
    files: Vec<Inode>,
}

#[derive(Clone, Default)]
struct Entries {
    now: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<EntryChange>,
}

#[derive(Clone)]
enum EntryChange {
    Create {
        name: String,
        inode: usize,
    },
    Rename {
        from: String,
        to: String,
        inode: usize,
    },
    Remove {
        name: String,
    },
}

#[derive(Clone, Default)]
struct Inode {
    now: Arc<Vec<u8>>,
    durable: Arc<Vec<u8>>,
    pending: Vec<FileChange>,
}

#[derive(Clone)]
enum FileChange {
    Write { bytes: Arc<[u8]>, offset: u64 },
    SetLen(u64),
}

impl EntryChange {
    fn apply(&self, entries: &mut BTreeMap<String, usize>) {
        match self {
            EntryChange::Create { name, inode } => {
                entries.insert(name.clone(), *inode);
            }
            EntryChange::Rename { from, to, inode } => {
                entries.remove(from);
                entries.insert(to.clone(), *inode);
            }
            EntryChange::Remove { name } => {
                entries.remove(name);
            }
        }
    }
}

impl FileChange {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            FileChange::Write { bytes: new, offset } => {
                let offset = *offset as usize;
                let end = offset + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[offset..end].copy_from_slice(new);
            }
            FileChange::SetLen(length) => bytes.resize(*length as usize, 0),
        }
    }

    /// A write of which only a prefix arrived, its end torn. None for what cannot be torn.
    fn torn(&self, random: &mut SmallRng) -> Option<FileChange> {
        let FileChange::Write { bytes, offset } = self else {
            return None;
        };
        let mut kept = bytes[..random.random_range(0..=bytes.len())].to_vec();
        let torn = kept.len().saturating_sub(TORN_BYTES)..kept.len();
        if random.random() {
            random.fill(&mut kept[torn]);
        } else {
            kept[torn].fill(0);
        }
        Some(FileChange::Write {
            bytes: kept.into(),
            offset: *offset,
        })
    }
}

impl Content {
    /// What is found after the power failed.
    fn after_power_failure(mut self) -> Self {
        for entries in self.dirs.values_mut() {
            entries.now = entries.durable.clone();
            entries.pending.clear();
        }
        for inode in &mut self.files {
            inode.now = inode.durable.clone();
            inode.pending.clear();
        }
        self
    }

    fn torn(mut self, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        for entries in self.dirs.values_mut() {
            for change in &entries.pending {
                if random.random() {
                    change.apply(&mut entries.durable);
                }
            }
        }
        for inode in self
            .files
            .iter_mut()
            .filter(|inode| !inode.pending.is_empty())
        {
            let survived = random.random_range(0..=inode.pending.len());
            let whole = inode.pending.iter().take(survived).cloned();
            let next = inode.pending.get(survived);
            let torn = next.and_then(|change| change.torn(&mut random));
            let durable = Arc::make_mut(&mut inode.durable);
            whole.chain(torn).for_each(|change| change.apply(durable));
        }
        self.after_power_failure()
    }
}

impl State {
    /// Counts an operation that changes something; fails if it is its turn.
    fn operation(&mut self, sync: Option<SyncPoint>) -> io::Result<()> {
        if let Some(images) = &mut self.images {
            images.push(self.content.clone());
        }
        self.operations += 1;
        self.strike(sync);
        let fails = match self.failure {
            Failure::Once(at) => self.operations == at,
            _ => self.struck.is_some(),
        };
        if fails {
            return Err(io::Error::other("simulated failure"));
        }
        Ok(())
    }

    /// Whether it is this operation's turn to fail, or the process's to die.
    fn strike(&mut self, sync: Option<SyncPoint>) {
        let failed = Struck::Failed {
            sync: sync.is_some(),
        };
        let struck = match &mut self.failure {
            Failure::Never | Failure::Once(_) => None,
            Failure::From(first) => (self.operations >= *first).then_some(failed),
            Failure::FromSync => sync.is_some().then_some(failed),
            Failure::DieAt(at) => (self.operations >= *at).then_some(Struck::Died),
            Failure::DieBefore(points, others) => match sync {
                Some(point) if points.contains(&point) => {
                    let is_last = *others == 0;
                    *others = others.saturating_sub(1);
                    is_last.then_some(Struck::Died)
                }
                _ => None,
            },
        };
        self.struck = self.struck.or(struck);
    }

    fn entries(&mut self, dir: &str) -> &mut Entries {
        self.content.dirs.entry(dir.to_owned()).or_default()
    }

    fn change_entry(&mut self, dir: &str, change: EntryChange) {
        let entries = self.entries(dir);
        change.apply(&mut entries.now);
        entries.pending.push(change);
    }

    fn find(&mut self, dir: &str, name: &str) -> io::Result<usize> {
        let found = self.entries(dir).now.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_file(&mut self, inode: usize, change: FileChange) {
        let inode = &mut self.content.files[inode];
        change.apply(Arc::make_mut(&mut inode.now));
        inode.pending.push(change);
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory of this disk; made when it is not there.
    pub fn dir(&self, name: &str) -> SimDir {
        SimDir {
            disk: self.clone(),
            name: name.into(),
            path: Arc::from(Path::new("sim").join(name)),
        }
    }

    /// How many operations changed something, or tried: creates, renames, removes, writes, new
    /// lengths, fsyncs of both kinds.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// From now on, syncs at this place report success and do nothing.
    pub fn ignore(&self, point: SyncPoint) {
        self.lock().ignored = Some(point);
    }

    /// Operation number `at` (the first is 1) fails, those after it succeed. If it is an fsync,
    /// what it should have made durable never will be: the system has dropped it, and the next
    /// fsync reports success.
    pub fn fail_once(&self, at: u64) {
        self.lock().failure = Failure::Once(at);
    }

    /// Operation number `first` fails, and all after it.
    pub fn fail_from(&self, first: u64) {
        self.lock().failure = Failure::From(first);
    }

    /// The next sync fails, and all operations after it.
    pub fn fail_from_sync(&self) {
        self.lock().failure = Failure::FromSync;
    }

    /// The process dies in front of operation number `at`.
    pub fn die_at(&self, at: u64) {
        self.lock().failure = Failure::DieAt(at);
    }

    /// The process dies in front of one of these syncs, after `others` of them.
    pub fn die_before(&self, points: &'static [SyncPoint], others: u32) {
        self.lock().failure = Failure::DieBefore(points, others);
    }

    /// Nothing fails from now on; what has struck stays.
    pub fn spare(&self) {
        self.lock().failure = Failure::Never;
    }

    /// What has become of the disk or its process. A crash puts it right.
    pub fn struck(&self) -> Option<Struck> {
        self.lock().struck
    }

    /// Begins to keep an image of the disk from before each operation.
    pub fn record(&self) {
        self.lock().images = Some(Vec::new());
    }

    /// The images since the last call: what a crash at each of those operations would meet.
    pub fn take_images(&self) -> Vec<SimDisk> {
        let images = self.lock().images.as_mut().map(std::mem::take);
        let ignored = self.lock().ignored;
        let disk = |content| SimDisk {
            state: Arc::new(Mutex::new(State {
                content,
                ignored,
                ..State::default()
            })),
        };
        images.into_iter().flatten().map(disk).collect()
    }

    /// The disk as it is found after a crash now; this one stays as it is. Ignores what this one
    /// ignores.
    pub fn crash(&self, crash: Crash) -> SimDisk {
        let state = self.lock();
        let content = state.content.clone();
        let content = match crash {
            Crash::Kill => content,
            Crash::Power => content.after_power_failure(),
            Crash::Torn { seed } => content.torn(seed),
        };
        SimDisk {
            state: Arc::new(Mutex::new(State {
                content,
                ignored: state.ignored,
                ..State::default()
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A directory of a [`SimDisk`].
#[derive(Clone)]
pub struct SimDir {
    disk: SimDisk,
    name: Arc<str>,
    path: Arc<Path>,
}

impl SimDir {
    /// A file as if it had always been there: durable, and not counted.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.disk.lock();
        let bytes = Arc::new(bytes);
        state.content.files.push(Inode {
            now: bytes.clone(),
            durable: bytes,
            pending: Vec::new(),
        });
        let inode = state.content.files.len() - 1;
        let entries = state.entries(&self.name);
        entries.now.insert(name.to_owned(), inode);
        entries.durable.insert(name.to_owned(), inode);
    }

    /// A file's bytes, as the process sees them.
    pub fn get(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut state = self.disk.lock();
        let inode = state.find(&self.name, name)?;
        Ok(state.content.files[inode].now.to_vec())
    }

    fn file(&self, inode: usize) -> SimFile {
        SimFile {
            disk: self.disk.clone(),
            inode,
        }
    }
}

impl Dir for SimDir {
    type File = SimFile;

    fn path(&self) -> &Path {
        &self.path
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut state = self.disk.lock();
        Ok(state.entries(&self.name).now.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let inode = self.disk.lock().find(&self.name, name)?;
        Ok(self.file(inode))
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.disk.lock();
        state.operation(None)?;
        let inode = match state.find(&self.name, name) {
            Ok(inode) => {
                state.change_file(inode, FileChange::SetLen(0));
                inode
            }
            Err(_) => {
                state.content.files.push(Inode::default());
                let inode = state.content.files.len() - 1;
                let name = name.to_owned();
                state.change_entry(&self.name, EntryChange::Create { name, inode });
                inode
            }
        };
        Ok(self.file(inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation(None)?;
        let inode = state.find(&self.name, from)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        state.change_entry(&self.name, EntryChange::Rename { from, to, inode });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation(None)?;
        state.find(&self.name, name)?;
        let name = name.to_owned();
        state.change_entry(&self.name, EntryChange::Remove { name });
        Ok(())
    }

    fn sync(&self, point: SyncPoint) -> io::Result<()> {
        let mut state = self.disk.lock();
        let outcome = state.operation(Some(point));
        if state.ignored == Some(point) || state.struck == Some(Struck::Died) {
            return outcome;
        }
        let entries = state.entries(&self.name);
        let pending = std::mem::take(&mut entries.pending);
        if outcome.is_ok() {
            for change in pending {
                change.apply(&mut entries.durable);
            }
        }
        outcome
    }
}

/// A file of a [`SimDisk`].
pub struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().content.files[self.inode].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.lock();
        let bytes = &state.content.files[self.inode].now;
        let start = usize::try_from(offset).map_or(bytes.len(), |start| start.min(bytes.len()));
        let count = buffer.len().min(bytes.len() - start);
        buffer[..count].copy_from_slice(&bytes[start..start + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation(None)?;
        let bytes = bytes.into();
        state.change_file(self.inode, FileChange::Write { bytes, offset });
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation(None)?;
        state.change_file(self.inode, FileChange::SetLen(length));
        Ok(())
    }

    fn sync_data(&self, point: SyncPoint) -> io::Result<()> {
        let mut state = self.disk.lock();
        let outcome = state.operation(Some(point));
        if state.ignored == Some(point) || state.struck == Some(Struck::Died) {
            return outcome;
        }
        let inode = &mut state.content.files[self.inode];
        let pending = std::mem::take(&mut inode.pending);
        if outcome.is_ok() {
            let durable = Arc::make_mut(&mut inode.durable);
            pending.iter().for_each(|change| change.apply(durable));
        }
        outcome
    }
}
