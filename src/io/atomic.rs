//! Files that are never half there: written beside their place, then renamed into it.
//!
//! What is being written is known to the process, so that one which is told to end can remove it
//! first ([`abandon_temporaries`]).

use std::{
    collections::BTreeSet,
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::file_error;
use crate::Result;

/// The temporaries there are. Held while one is made or gets its name.
static LIVE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn live() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes `bytes` to `path`, replacing what is there only once everything is written.
///
/// # Errors
/// When the folder or the file cannot be written; nothing is left behind then.
///
/// # Examples
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("report.json");
/// mirrorflow::io::write_atomically(&path, b"{}")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"{}");
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let mut file = Temporary::beside(path)?;
    file.write_all(bytes).map_err(|e| file_error(path, e))?;
    file.persist(path)
}

/// Removes every file this process is writing and lets it begin or finish no other: for a process
/// that ends at once. Other threads that write wait from here on, for ever.
pub fn abandon_temporaries() {
    let live = live();
    for path in live.iter() {
        // It may be gone already; nothing is left to be done about it otherwise.
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(live);
}

/// A file in the folder of its later place, with the permissions of an ordinary file; removed where
/// it does not come there.
#[derive(Debug)]
pub(super) struct Temporary(Option<tempfile::NamedTempFile>);

impl Temporary {
    pub(super) fn beside(path: &Path) -> Result<Self> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mirrorflow-").suffix(".partial");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The umask still applies; without this the result would be readable by its owner only.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut live = live();
        let file = builder.tempfile_in(folder).map_err(|e| {
            // Without the name that the temporary would have had.
            let why = e.to_string();
            let why = why.split(" at path ").next().unwrap_or_default();
            file_error(path, format!("cannot write in the folder {}: {why}", folder.display()))
        })?;
        live.insert(file.path().to_path_buf());
        Ok(Self(Some(file)))
    }

    /// Gives the file its name.
    pub(super) fn persist(mut self, path: &Path) -> Result<()> {
        let Some(file) = self.0.take() else { return Ok(()) };
        let mut live = live();
        live.remove(file.path());
        file.persist(path).map_err(|e| file_error(path, e.error))?;
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut std::fs::File> {
        let file = self.0.as_mut().map(tempfile::NamedTempFile::as_file_mut);
        file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let mut live = live();
            live.remove(file.path());
            drop(file);
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for Temporary {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_is_known_while_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a");
        let inside = || live().iter().filter(|p| p.starts_with(folder.path())).count();
        let kept = Temporary::beside(&place).unwrap();
        let dropped = Temporary::beside(&place).unwrap();
        assert_eq!(inside(), 2);
        drop(dropped);
        assert_eq!(inside(), 1);
        kept.persist(&place).unwrap();
        assert_eq!(inside(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        // A name that is taken by a folder: an error, and nothing is left.
        std::fs::create_dir(folder.path().join("b")).unwrap();
        write_atomically(folder.path().join("b"), b"").unwrap_err();
        assert_eq!((inside(), std::fs::read_dir(folder.path()).unwrap().count()), (0, 2));
    }
}
