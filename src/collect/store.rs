//! The store: snapshots come into it whole or not at all, and none of them changes any more.
//!
//! A snapshot is written into `.<name>.partial`, which nobody reads, and gets its name by one renaming when all of it
//! is on disk. Whoever makes or renames one holds the lock of the store meanwhile, so that two runs never want one name;
//! whoever writes one holds a lock in it, by which the next run tells what a killed run left from what lives.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use jiff::Timestamp;

use super::CollectError;
use crate::{
    facts::{self, Layout, MANIFEST, said},
    model::Age,
    source::At,
};

/// Which snapshots stay when a new one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest.
    Newest(usize),
    /// Those that are not older, and the new one.
    Younger(Age),
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is neither a number of snapshots nor a duration: write `20` or `30d`");
        match text.parse::<usize>() {
            Ok(0) => Err("nothing would be left: keep 1 at least".to_owned()),
            Ok(count) => Ok(Self::Newest(count)),
            Err(_) => text.parse().map(Self::Younger).map_err(|_| error()),
        }
    }
}

/// The lock of the store, and of a snapshot that is being written.
const LOCK: &str = ".lock";

/// How far ahead a snapshot may be named: that many runs can begin within one second.
const AHEAD: Duration = Duration::from_mins(1);

const NAME: &str = "%Y-%m-%dT%H%M%SZ";

/// The name of a snapshot that is collected at a time.
pub(super) fn name(at: Timestamp) -> String {
    at.strftime(NAME).to_string()
}

fn time(name: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime(NAME, name).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// A store of snapshots.
pub(super) struct Store {
    folder: PathBuf,
    shown: String,
}

impl Store {
    /// The store at `folder`, which messages call `shown`; made where nothing is.
    pub(super) fn open(folder: PathBuf, shown: &str) -> Result<Self, At<CollectError>> {
        let store = Self::look(folder, shown)?;
        fs::create_dir_all(&store.folder).map_err(|error| store.unwritable("", &error))?;
        Ok(store)
    }

    /// The same, as it is.
    pub(super) fn look(folder: PathBuf, shown: &str) -> Result<Self, At<CollectError>> {
        let store = Self { folder, shown: shown.trim_end_matches('/').to_owned() };
        store.snapshots()?;
        Ok(store)
    }

    /// The names of its snapshots, the oldest first.
    pub(super) fn snapshots(&self) -> Result<Vec<String>, At<CollectError>> {
        let reason = match facts::layout(&self.folder, &self.shown) {
            Ok(Layout::Absent) => return Ok(Vec::new()),
            Ok(Layout::Store(names)) => return Ok(names),
            Ok(Layout::Snapshot) => {
                let collected = facts::load(&self.folder, ".", &facts::Settings::default()).ok();
                let at = collected.and_then(|facts| facts.snapshot.collected_at());
                let modified = || {
                    let modified = fs::metadata(&self.folder).and_then(|metadata| metadata.modified());
                    modified.ok().and_then(|time| Timestamp::try_from(time).ok())
                };
                let name = name(at.or_else(modified).unwrap_or(Timestamp::UNIX_EPOCH));
                return Err(At::nowhere(CollectError::PlainSnapshot { folder: self.shown.clone(), name }));
            }
            Err(facts::FactsError::NotAFolder(_)) => "it is not a folder".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(At::nowhere(CollectError::Unwritable { path: self.shown.clone(), reason }))
    }

    /// The path of a snapshot.
    pub(super) fn shown(&self, snapshot: &str) -> String {
        format!("{}/{snapshot}", self.shown)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins a snapshot that is collected at a time, after removing what killed runs left behind.
    pub(super) fn begin(&self, at: Timestamp) -> Result<Partial<'_>, At<CollectError>> {
        let _locked = self.lock()?;
        self.sweep();
        let mut at = at;
        if let Some(newest) = self.snapshots()?.pop()
            && let Some(taken) = time(&newest)
            && taken >= at
        {
            if taken.as_second() - at.as_second() > AHEAD.as_secs().cast_signed() {
                return Err(At::nowhere(CollectError::Ahead { store: self.shown.clone(), newest }));
            }
            at = taken + Duration::from_secs(1);
        }
        loop {
            let name = name(at);
            let folder = self.folder.join(format!(".{name}.partial"));
            match fs::create_dir(&folder) {
                Ok(()) => {
                    let lock = File::create(folder.join(LOCK))
                        .and_then(|lock| held(lock, |lock| lock.try_lock().map_err(io::Error::from)));
                    let lock = lock.map_err(|error| self.unwritable(&name, &error))?;
                    return Ok(Partial { store: self, name, folder, lock: Some(lock) });
                }
                // Another run is at it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => at += Duration::from_secs(1),
                Err(error) => return Err(self.unwritable(&name, &error)),
            }
        }
    }

    /// Removes the snapshots that `keep` does not keep, and gives their names.
    pub(super) fn prune(&self, keep: Keep, new: &str) -> Result<Vec<String>, At<CollectError>> {
        let _locked = self.lock()?;
        let mut names = self.snapshots()?;
        match keep {
            Keep::Newest(count) => names.truncate(names.len().saturating_sub(count)),
            Keep::Younger(age) => {
                let now = time(new).map_or(0, Timestamp::as_second);
                let is_old = |taken: Timestamp| (now - taken.as_second()).cast_unsigned() > age.seconds();
                names.retain(|name| name.as_str() < new && time(name).is_some_and(is_old));
            }
        }
        names.retain(|name| name != new);
        for name in &names {
            // Under a name that nobody reads first, so that no half of a snapshot is ever read.
            let gone = self.folder.join(format!(".{name}.partial"));
            let removed = fs::rename(self.folder.join(name), &gone).and_then(|()| fs::remove_dir_all(&gone));
            removed.map_err(|error| self.unwritable(name, &error))?;
        }
        Ok(names)
    }

    /// Removes what killed runs left behind. What cannot be removed harms nobody, and stays for the next run.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let snapshot = name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial"));
            if snapshot.is_some_and(facts::is_snapshot_name) && !is_alive(&entry.path()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Keeps other runs out until it is dropped.
    fn lock(&self) -> Result<File, At<CollectError>> {
        // Whatever stands there, as behind a link that somebody put there, stays as it is.
        let open = File::options().write(true).create(true).truncate(false).open(self.folder.join(LOCK));
        let lock = open.and_then(|lock| held(lock, File::lock));
        lock.map_err(|error| self.unwritable("", &error))
    }

    fn unwritable(&self, below: &str, error: &io::Error) -> At<CollectError> {
        let path = if below.is_empty() { self.shown.clone() } else { self.shown(below) };
        At::nowhere(CollectError::Unwritable { path, reason: said(error) })
    }
}

/// A file with its lock. On a file system without locks one run at a time works as well.
fn held(file: File, lock: impl Fn(&File) -> io::Result<()>) -> io::Result<File> {
    match lock(&file) {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

/// Whether some run still writes this snapshot. Without a lock in it none does: it is made, and published, while the
/// store is locked.
fn is_alive(partial: &Path) -> bool {
    match File::open(partial.join(LOCK)) {
        // Where nothing can be locked nobody can tell.
        Ok(lock) => lock.try_lock().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// A snapshot that is being written. Dropped without being published, it is gone.
pub(super) struct Partial<'s> {
    store: &'s Store,
    name: String,
    folder: PathBuf,
    lock: Option<File>,
}

impl Partial<'_> {
    /// Writes a file of it through to the disk.
    pub(super) fn write(&self, file: &str, bytes: &[u8]) -> Result<(), At<CollectError>> {
        let write = || {
            let mut written = File::create_new(self.folder.join(file))?;
            written.write_all(bytes)?;
            written.sync_all()
        };
        write().map_err(|error| self.store.unwritable(&format!("{}/{file}", self.name), &error))
    }

    /// Writes the manifest and gives the snapshot its name, which is returned.
    pub(super) fn publish(mut self, manifest: &str) -> Result<String, At<CollectError>> {
        self.write(MANIFEST, manifest.as_bytes())?;
        let _locked = self.store.lock()?;
        let mut publish = || {
            fs::remove_file(self.folder.join(LOCK))?;
            sync(&self.folder)?;
            self.lock = None;
            fs::rename(&self.folder, self.store.folder.join(&self.name))?;
            sync(&self.store.folder)
        };
        match publish() {
            Ok(()) => {
                self.folder.clear();
                Ok(self.name.clone())
            }
            Err(error) => Err(self.store.unwritable(&self.name, &error)),
        }
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if !self.folder.as_os_str().is_empty() {
            self.lock = None;
            // What cannot be removed is left to the next run.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Writes through to the disk which files a folder holds.
fn sync(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened, and need not be.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-21T01:00:00Z";

    fn store(folder: &Path) -> Store {
        Store::open(folder.join("facts"), "facts").unwrap()
    }

    fn listed(store: &Store) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&store.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != LOCK)
            .collect();
        names.sort();
        names
    }

    fn published(store: &Store, at: &str) -> String {
        store.begin(at.parse().unwrap()).unwrap().publish("version: 1\n").unwrap()
    }

    #[test]
    fn snapshots_come_whole_and_under_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let one = store.begin(AT.parse().unwrap()).unwrap();
        let other = store.begin(AT.parse().unwrap()).unwrap();
        one.write("a.json", b"1").unwrap();
        assert_eq!(listed(&store), [".2026-11-21T010000Z.partial", ".2026-11-21T010001Z.partial"]);
        assert_eq!(store.snapshots().unwrap(), [""; 0]);
        assert_eq!(other.publish("version: 1\n").unwrap(), "2026-11-21T010001Z");
        assert_eq!(one.publish("version: 1\n").unwrap(), "2026-11-21T010000Z");
        assert_eq!(listed(&store), ["2026-11-21T010000Z", "2026-11-21T010001Z"]);
        let mut inside: Vec<_> =
            fs::read_dir(store.folder.join("2026-11-21T010000Z")).unwrap().map(|e| e.unwrap().file_name()).collect();
        inside.sort();
        assert_eq!(inside, ["a.json", MANIFEST]);
        // A second one at the same time comes after what is there.
        assert_eq!(published(&store, AT), "2026-11-21T010002Z");
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_lives_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        for name in [".2026-11-20T000000Z.partial", ".2026-11-20T000001Z.partial", ".git"] {
            fs::create_dir(store.folder.join(name)).unwrap();
        }
        fs::write(store.folder.join(".2026-11-20T000001Z.partial").join(LOCK), "").unwrap();
        let living = store.begin(AT.parse().unwrap()).unwrap();
        assert_eq!(listed(&store), [".2026-11-21T010000Z.partial", ".git"]);
        let other = store.begin(AT.parse().unwrap()).unwrap();
        assert_eq!(listed(&store), [".2026-11-21T010000Z.partial", ".2026-11-21T010001Z.partial", ".git"]);
        drop(living);
        drop(other);
        assert_eq!(listed(&store), [".git"]);
    }

    #[test]
    fn old_snapshots_go_and_the_new_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        for at in ["2026-11-01T00:00:00Z", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", AT] {
            published(&store, at);
        }
        let new = "2026-11-21T010000Z";
        assert_eq!(store.prune(Keep::Younger("30d".parse().unwrap()), new).unwrap(), [""; 0]);
        assert_eq!(store.prune(Keep::Younger("49h".parse().unwrap()), new).unwrap(), ["2026-11-01T000000Z"]);
        assert_eq!(store.prune(Keep::Newest(2), new).unwrap(), ["2026-11-19T000000Z"]);
        assert_eq!(store.prune(Keep::Younger("0s".parse().unwrap()), new).unwrap(), ["2026-11-20T000000Z"]);
        assert_eq!(listed(&store), [new]);
        for (text, keep) in [("1", Keep::Newest(1)), ("2d", Keep::Younger(Age::from_seconds(172_800)))] {
            assert_eq!(text.parse(), Ok(keep));
        }
        assert!("0".parse::<Keep>().is_err() && "many".parse::<Keep>().is_err());
    }

    #[test]
    fn nothing_but_a_store_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &str| Store::open(folder.path().join(path), path).err().unwrap().to_string();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::create_dir(folder.path().join("plain")).unwrap();
        fs::write(folder.path().join("plain/a.json"), "1").unwrap();
        assert_eq!(error("plain"), "`plain` is a snapshot and not a store of snapshots");
        assert_eq!(error("file"), "`file` cannot be written: it is not a folder");
        let store = store(folder.path());
        published(&store, "2026-11-21T01:00:30Z");
        assert_eq!(published(&store, AT), "2026-11-21T010031Z", "a little ahead");
        let ahead = store.begin("2026-11-21T00:30:00Z".parse().unwrap()).err().unwrap();
        assert_eq!(ahead.to_string(), "the newest snapshot of `facts` is `2026-11-21T010031Z`, which is still to come");
    }
}
