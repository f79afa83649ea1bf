//! Files that grow line by line during a run, and can be cut back to a number of lines when it is
//! resumed.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use mirrorflow::{Error, Result, io::write_atomically};

/// A text file of lines under a heading (which may be empty: no line then).
#[derive(Debug)]
pub(in crate::train) struct Lines {
    path: PathBuf,
    file: File,
    pub(in crate::train) count: usize,
}

impl Lines {
    /// A new file, or with `keep` the first lines of the one that is there.
    pub(in crate::train) fn open(
        path: PathBuf,
        heading: &str,
        keep: Option<usize>,
    ) -> Result<Self> {
        let wrong = |e: std::io::Error| Error::File { path: path.clone(), why: e.to_string() };
        let head = usize::from(!heading.is_empty());
        let mut text = String::new();
        if let Some(count) = keep {
            let old = fs::read_to_string(&path).map_err(wrong)?;
            let lines: Vec<&str> = old.lines().take(count + head).collect();
            if lines.len() < count + head {
                let why =
                    format!("has {} lines, the checkpoint knows of {}", lines.len(), count + head);
                return Err(Error::File { path, why });
            }
            lines.iter().for_each(|l| text.extend([l, "\n"]));
        } else if head == 1 {
            text.extend([heading, "\n"]);
        }
        write_atomically(&path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(wrong)?;
        Ok(Self { path, file, count: keep.unwrap_or(0) })
    }

    pub(in crate::train) fn line(&mut self, line: &str) -> Result<()> {
        self.count += 1;
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.map_err(|e| Error::File { path: self.path.clone(), why: e.to_string() })
    }
}

/// A folder, made where it is not there.
pub(in crate::train) fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Error::File { path: path.into(), why: e.to_string() })
}
