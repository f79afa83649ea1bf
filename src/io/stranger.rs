//! Files that are no problem files: what they are and the one line that makes one of them.

use std::path::Path;

/// What a file of another kind is, by its ending, with the conversion.
pub(crate) fn by_ending(path: &Path) -> String {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let file = path.display();
    let npz = path.with_extension("npz");
    let (npz, csv) = (npz.display(), path.with_extension("csv"));
    let csv = csv.display();
    let pandas = |read: &str| {
        format!(
            "convert it: python -c \"import pandas as pd; pd.{read}('{file}').to_csv('{csv}', index=False)\""
        )
    };
    let how = match ending.as_str() {
        "npy" => return npy(path),
        "mat" => return matlab(path),
        "tsv" | "tab" | "txt" | "dat" | "data" => {
            format!("commas, semicolons and tabs are recognised in a .csv: cp \"{file}\" \"{csv}\"")
        }
        "xlsx" | "xls" | "ods" => pandas("read_excel"),
        "parquet" => pandas("read_parquet"),
        "feather" | "arrow" => pandas("read_feather"),
        "json" => pandas("read_json"),
        "h5" | "hdf5" | "hdf" => return hdf5(path),
        "pkl" | "pickle" | "pt" | "pth" | "joblib" => format!(
            "a pickle runs code when it is read: save its arrays with numpy.savez('{npz}', Z=Z, y=y)"
        ),
        "gz" => format!("unpack it: gunzip \"{file}\""),
        "bz2" => format!("unpack it: bunzip2 \"{file}\""),
        "xz" => format!("unpack it: unxz \"{file}\""),
        "zst" => format!("unpack it: zstd -d \"{file}\""),
        "zip" => format!("unpack it: unzip \"{file}\""),
        _ => return "has an unknown ending, expected .npz (Z, y) or .csv (last column y)".into(),
    };
    format!("has the ending .{ending}, expected .npz (Z, y) or .csv (last column y); {how}")
}

/// What a file of another kind is, by its first bytes.
pub(crate) fn by_content(bytes: &[u8], path: &Path) -> Option<String> {
    let is = |magic: &[u8]| bytes.starts_with(magic);
    let file = path.display();
    if is(b"\x93NUMPY") {
        Some(npy(path))
    } else if is(b"\x89HDF\r\n\x1a\n") {
        Some(hdf5(path))
    } else if is(b"MATLAB 5.0 MAT-file") {
        Some(matlab(path))
    } else if is(b"PK\x03\x04") {
        Some("is a zip archive, not text: an .npz has to be called .npz, and a spreadsheet to be saved as CSV".into())
    } else if is(&[0x1f, 0x8b]) {
        Some(format!("is compressed by gzip; unpack it: gunzip < \"{file}\" > OUT"))
    } else {
        None
    }
}

fn npy(path: &Path) -> String {
    let npz = path.with_extension("npz");
    // Called .npz already: the line must not write over it.
    let npz = if npz == path { path.with_file_name("OUT.npz") } else { npz };
    format!(
        "is one NumPy array, expected an .npz of Z and y: python -c \"import numpy as np; np.savez('{}', Z=np.load('{}'), y=np.load('y.npy'))\"",
        npz.display(),
        path.display()
    )
}

fn matlab(path: &Path) -> String {
    let npz = path.with_extension("npz");
    format!(
        "is a MATLAB file, expected .npz or .csv; convert it: python -c \"import numpy as np, scipy.io as io; m = io.loadmat('{}'); np.savez('{}', Z=m['Z'], y=m['y'])\"",
        path.display(),
        npz.display()
    )
}

fn hdf5(path: &Path) -> String {
    let npz = path.with_extension("npz");
    format!(
        "is an HDF5 file (MATLAB 7.3 writes them too), expected .npz or .csv; convert it: python -c \"import numpy as np, h5py; f = h5py.File('{}'); np.savez('{}', Z=f['Z'][()], y=f['y'][()])\" (where MATLAB wrote it: Z=f['Z'][()].T)",
        path.display(),
        npz.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stranger_comes_with_the_line_that_converts_it() {
        for (name, line) in [
            ("a/Z.npy", "np.savez('a/Z.npz', Z=np.load('a/Z.npy'), y=np.load('y.npy'))"),
            ("p.mat", "io.loadmat('p.mat'); np.savez('p.npz', Z=m['Z'], y=m['y'])"),
            ("p.TSV", "cp \"p.TSV\" \"p.csv\""),
            ("p.xlsx", "pd.read_excel('p.xlsx').to_csv('p.csv', index=False)"),
            ("p.parquet", "pd.read_parquet('p.parquet')"),
            ("p.h5", "h5py.File('p.h5')"),
            ("p.pkl", "a pickle runs code"),
            ("p.csv.gz", "gunzip \"p.csv.gz\""),
            ("p.doc", "has an unknown ending, expected .npz"),
            ("p", "has an unknown ending, expected .npz"),
        ] {
            let found = by_ending(Path::new(name));
            assert!(found.contains(line) && !found.contains('\n'), "{name}: {found}");
        }
        for (bytes, what) in [
            (&b"\x93NUMPY\x01\0"[..], "is one NumPy array"),
            (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
            (b"MATLAB 5.0 MAT-file, Platform", "is a MATLAB file"),
            (b"PK\x03\x04", "is a zip archive"),
            (b"\x1f\x8b\x08", "gzip"),
        ] {
            let found = by_content(bytes, Path::new("p.csv"));
            assert!(found.as_ref().is_some_and(|f| f.contains(what)), "{found:?}");
        }
        assert_eq!(by_content(b"1,2\n", Path::new("p.csv")), None);
    }
}
