//! `.npz` archives: zip files of `.npy` arrays, in and out.
//!
//! Reading is defensive: a header that lies about its size, a truncated archive or a zip bomb costs
//! memory for the bytes that really are there, at most 2 GiB an array, and ends in an error.
//! Writing is atomic (a temporary file in the same folder, renamed at the end) and deterministic:
//! the same arrays give the same bytes. `numpy.load` reads what [`Writer`] writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::atomic::Temporary;
use super::{file_error, memory, npy};
use crate::{Error, Result};

pub use super::npy::{Array, Data};

/// What an array may be compressed by once it is larger than [`BOMB_BYTES`]: deflate packs zeros by
/// 1032, and data that are mostly zeros by some tens.
const BOMB_RATIO: u64 = 200;
/// Below this a high ratio does no harm: 16 MiB.
const BOMB_BYTES: u64 = 1 << 24;

/// Reads every array of an `.npz` file, by name.
///
/// ```
/// use mirrorflow::io::npz::{self, Writer};
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("result.npz");
/// let mut out = Writer::create(&path)?;
/// out.f64("x", &[2, 2], &[1.0, 2.0, 3.0, 4.0])?;
/// out.meta(&serde_json::json!({ "seed": 7 }))?;
/// out.finish()?;
///
/// let arrays = npz::read_arrays(&path)?;
/// assert_eq!(arrays["x"].shape, [2, 2]);
/// assert_eq!(arrays["x"].as_f64(), Some(&[1.0, 2.0, 3.0, 4.0][..]));
/// assert_eq!(arrays["meta"].as_text().unwrap()[0], r#"{"seed":7}"#);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be read, is no zip archive of arrays, is damaged, or holds a type that is
/// neither number, truth value nor text.
pub fn read_arrays(path: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|e| file_error(path, e))?;
    read_arrays_from(BufReader::new(file), path)
}

/// [`read_arrays`] from any seekable source; `label` names it in errors.
///
/// # Errors
/// As [`read_arrays`].
///
/// ```
/// let nothing = std::io::Cursor::new(b"not an archive");
/// let error = mirrorflow::io::npz::read_arrays_from(nothing, "upload.npz").unwrap_err();
/// assert!(error.to_string().contains("upload.npz"));
/// ```
pub fn read_arrays_from(
    source: impl Read + Seek,
    label: impl AsRef<Path>,
) -> Result<BTreeMap<String, Array>> {
    let mut archive = Archive::open(source, label.as_ref())?;
    let names: Vec<String> = archive.names();
    let mut arrays = BTreeMap::new();
    for name in names {
        let array = archive.read(&name)?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// An open archive that reads arrays on request.
pub(crate) struct Archive<R: Read + Seek> {
    zip: ZipArchive<R>,
    path: PathBuf,
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn open(mut source: R, path: &Path) -> Result<Self> {
        let mut head = Vec::new();
        let read = source.by_ref().take(32).read_to_end(&mut head);
        read.and_then(|_| source.rewind()).map_err(|e| file_error(path, e))?;
        let zip = ZipArchive::new(source).map_err(|e| {
            let stranger = super::stranger::by_content(&head, path);
            let archive = head.starts_with(b"PK\x03\x04");
            match stranger.filter(|_| !archive) {
                Some(why) => file_error(path, why),
                None if head.is_empty() => file_error(path, "is empty, expected an .npz archive"),
                None if archive => file_error(path, format!("is cut off or damaged: {e}")),
                None => file_error(path, format!("is not a readable .npz archive: {e}")),
            }
        })?;
        Ok(Self { zip, path: path.to_path_buf() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the arrays, sorted, without the ending `.npy`.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .zip
            .file_names()
            .filter_map(|n| n.strip_suffix(".npy"))
            .map(str::to_string)
            .collect();
        names.sort();
        names
    }

    /// The names as one line, however odd they are.
    pub(crate) fn listing(&self) -> String {
        let names = self.names();
        if names.is_empty() {
            return "no arrays".into();
        }
        names.join(", ").escape_debug().to_string()
    }

    /// Reads one array; `Err` lists the names there are when it is missing.
    pub(crate) fn read(&mut self, name: &str) -> Result<Array> {
        self.open_array(name, |mut entry, header| {
            let (count, bytes) = header.size()?;
            // Texts are larger in memory than on disk.
            memory::check("it", bytes.max(8 * count))?;
            npy::read_data(&mut entry, header)
        })
    }

    /// Gives one array's header and the reader behind it to `read`, whose errors get file and name.
    pub(crate) fn open_array<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, &npy::Header) -> std::result::Result<T, String>,
    ) -> Result<T> {
        if !self.names().iter().any(|n| n == name) {
            let why = format!("has no array {name:?}; it holds {}", self.listing());
            return Err(file_error(&self.path, why));
        }
        let path = &self.path;
        let wrong = |why: String| file_error(path, format!("array {name:?} {why}"));
        let mut entry = self
            .zip
            .by_name(&format!("{name}.npy"))
            .map_err(|e| wrong(format!("cannot be unpacked: {e}")))?;
        let (packed, unpacked) = (entry.compressed_size().max(1), entry.size());
        if unpacked > BOMB_BYTES && unpacked / packed > BOMB_RATIO {
            return Err(wrong(format!(
                "makes {unpacked} bytes of {packed} compressed ones, like a decompression bomb; if \
                 that is meant: python -c \"import numpy as np; np.savez('OUT.npz', **np.load('{}'))\"",
                path.display()
            )));
        }
        let header = npy::read_header(&mut entry).map_err(wrong)?;
        read(&mut entry, &header).map_err(wrong)
    }
}

/// Writes named arrays into an `.npz` file that appears, whole, when [`Writer::finish`] succeeds.
///
/// See [`read_arrays`] for an example.
pub struct Writer {
    /// Nothing is on the disk before the first array comes.
    zip: Option<ZipWriter<Sink>>,
    path: PathBuf,
    names: Vec<String>,
}

impl Writer {
    /// Begins a file at `path`; an existing file is replaced at the end.
    ///
    /// # Errors
    /// When the folder of `path` does not exist or cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.file_name().is_none() || path.is_dir() {
            return Err(file_error(path, "is a folder, expected the name of a file to write"));
        }
        // Found out now, not after a long computation.
        drop(Temporary::beside(path)?);
        Ok(Self { zip: None, path: path.to_path_buf(), names: Vec::new() })
    }

    /// Adds an array of floating point numbers in C order.
    ///
    /// # Errors
    /// When the name is taken, the shape does not fit `values`, or writing fails.
    pub fn f64(&mut self, name: &str, shape: &[usize], values: &[f64]) -> Result<()> {
        self.entry(name, "<f8", shape, values.len(), values.iter().map(|v| v.to_le_bytes()))
    }

    /// Adds an array of integers in C order.
    ///
    /// # Errors
    /// As [`Writer::f64`].
    pub fn i64(&mut self, name: &str, shape: &[usize], values: &[i64]) -> Result<()> {
        self.entry(name, "<i8", shape, values.len(), values.iter().map(|v| v.to_le_bytes()))
    }

    /// Adds an array of truth values in C order.
    ///
    /// # Errors
    /// As [`Writer::f64`].
    pub fn bool(&mut self, name: &str, shape: &[usize], values: &[bool]) -> Result<()> {
        self.entry(name, "|b1", shape, values.len(), values.iter().map(|&v| [u8::from(v)]))
    }

    /// Adds one text as an array of rank 0: `str(numpy.load(f)[name])` gives it back.
    ///
    /// # Errors
    /// As [`Writer::f64`], and when the text holds a NUL (NumPy pads with them).
    pub fn text(&mut self, name: &str, text: &str) -> Result<()> {
        if text.contains('\0') {
            return Err(self.error(name, "cannot hold a text with NUL characters"));
        }
        let length = text.chars().count().max(1);
        let points = text.chars().map(u32::from).chain(text.is_empty().then_some(0));
        let bytes: Vec<u8> = points.flat_map(u32::to_le_bytes).collect();
        self.entry(name, &format!("<U{length}"), &[], 1, std::iter::once(bytes))
    }

    /// Adds what produced the file (seed, configuration, version, …) as JSON text named `meta`:
    /// `json.loads(str(numpy.load(f)["meta"]))` gives it back.
    ///
    /// # Errors
    /// As [`Writer::text`].
    pub fn meta(&mut self, meta: &impl serde::Serialize) -> Result<()> {
        let text = serde_json::to_string(meta).map_err(|e| self.error("meta", e))?;
        self.text("meta", &text)
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// When writing or renaming fails; the file is then absent or as it was before.
    pub fn finish(mut self) -> Result<()> {
        let zip = match self.zip.take() {
            Some(zip) => zip,
            None => Sink::archive(&self.path)?,
        };
        let path = self.path;
        let sink = zip.finish().map_err(|e| file_error(&path, e))?;
        sink.file.into_inner().map_err(|e| file_error(&path, e.error()))?.persist(&path)
    }

    fn error(&self, name: &str, why: impl std::fmt::Display) -> Error {
        file_error(&self.path, format!("array {name:?} {why}"))
    }

    fn entry<B: AsRef<[u8]>>(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        count: usize,
        values: impl Iterator<Item = B>,
    ) -> Result<()> {
        if name.is_empty() || name.contains(['/', '\\', '\0']) {
            return Err(self.error(name, "needs a name without slashes"));
        }
        if self.names.iter().any(|n| n == name) {
            return Err(self.error(name, "is written twice"));
        }
        let expected = shape.iter().try_fold(1usize, |p, &len| p.checked_mul(len));
        if expected != Some(count) {
            return Err(Error::Shape {
                what: name.into(),
                expected: npy::shape_text(shape),
                found: format!("{count} entries"),
            });
        }
        let header = npy::header_bytes(descr, shape).map_err(|e| self.error(name, e))?;
        // A fixed time makes the bytes depend on the arrays alone; beyond 4 GB zip needs its
        // 64-bit form.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(count > (1 << 28));
        self.names.push(name.to_string());
        let mut zip = match self.zip.take() {
            Some(zip) => zip,
            None => Sink::archive(&self.path)?,
        };
        let written = zip.start_file(format!("{name}.npy"), options).map_err(Into::into);
        let written = written
            .and_then(|()| {
                zip.write_all(&header)?;
                // In pieces of 64 KiB, not value by value.
                let mut piece = Vec::with_capacity(1 << 16);
                for value in values {
                    piece.extend_from_slice(value.as_ref());
                    if piece.len() >= (1 << 16) - 8 {
                        zip.write_all(&piece)?;
                        piece.clear();
                    }
                }
                zip.write_all(&piece)
            })
            .map_err(|e: std::io::Error| self.error(name, e));
        self.zip = Some(zip);
        written
    }
}

/// The file behind an archive. It fails once and then only counts: an archive that is given up
/// would else try to write its end on a full disk, and say so on standard error beside the error
/// returned.
struct Sink {
    file: BufWriter<Temporary>,
    /// Where the next byte goes.
    at: u64,
    failed: bool,
}

impl Sink {
    fn new(file: Temporary) -> Self {
        Self { file: BufWriter::new(file), at: 0, failed: false }
    }

    fn archive(path: &Path) -> Result<ZipWriter<Self>> {
        Ok(ZipWriter::new(Self::new(Temporary::beside(path)?)))
    }

    fn once<T>(
        &mut self,
        instead: T,
        act: impl FnOnce(&mut BufWriter<Temporary>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failed {
            return Ok(instead);
        }
        let done = act(&mut self.file);
        self.failed = done.is_err();
        done
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.once(bytes.len(), |file| file.write(bytes))?;
        self.at += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.once((), |file| file.flush())
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let counted = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(_) => self.at,
        };
        self.at = self.once(counted, |file| file.seek(to))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests;
