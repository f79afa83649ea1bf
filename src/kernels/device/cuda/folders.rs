//! Libraries of CUDA in folders where the system's loader would not look.

use std::{collections::HashMap, path::PathBuf, sync::Mutex};

/// A library: the variable that names its folder, and the name of its file.
pub(super) type Named = (&'static str, &'static str);

/// NVRTC 12.
pub(super) const NVRTC: Named = ("MIRRORFLOW_NVRTC", "libnvrtc.so.12");
/// cuDNN 9.
pub(super) const CUDNN: Named = ("MIRRORFLOW_CUDNN", "libcudnn.so.9");

/// Folders in which a library may stand beside those of the loader.
fn folders(variable: &str) -> Vec<PathBuf> {
    let of = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let toolkits = [of("CUDA_PATH"), of("CUDA_HOME"), Some("/usr/local/cuda".into())];
    of(variable)
        .into_iter()
        .chain(toolkits.into_iter().flatten().map(|root| root.join("lib64")))
        .collect()
}

/// Opens a library where the loader would not look, once, and keeps it open: what `cudarc` opens by its name later is then this one.
pub(super) fn keep((variable, file): Named) {
    static KEPT: Mutex<Option<HashMap<&str, Option<libloading::Library>>>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    kept.get_or_insert_default().entry(file).or_insert_with(|| {
        folders(variable).iter().find_map(|folder| {
            // SAFETY: a library of this name in a folder for CUDA is NVIDIA's; its initialisers are harmless.
            unsafe { libloading::Library::new(folder.join(file)) }.ok()
        })
    });
}
