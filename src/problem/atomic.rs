//! Files that are never half there: written beside their place, then renamed into it.

use std::{io::Write as _, path::Path};

use super::npz::file_error;
use crate::Result;

/// Writes `bytes` to `path`, replacing what is there only once everything is written.
///
/// # Errors
/// When the folder or the file cannot be written; nothing is left behind then.
///
/// # Examples
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("report.json");
/// mirrorflow::problem::write_atomically(&path, b"{}")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"{}");
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let mut file = temporary_beside(path)?;
    file.write_all(bytes).map_err(|e| file_error(path, e))?;
    file.persist(path).map_err(|e| file_error(path, e.error))?;
    Ok(())
}

/// An unnamed-to-the-user file in the folder of `path`, with the permissions of an ordinary file.
pub(super) fn temporary_beside(path: &Path) -> Result<tempfile::NamedTempFile> {
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
    builder.tempfile_in(folder).map_err(|e| {
        file_error(path, format!("cannot write in the folder {}: {e}", folder.display()))
    })
}
