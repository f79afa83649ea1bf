//! Kernels from source by NVRTC.
//!
//! `--fmad=false`: a product and a sum are fused only where the source says `fma`, so that the device
//! computes what the host does.

use std::ffi::{CStr, CString, c_char};

use cudarc::nvrtc::{result, sys};

use super::Missing;
use crate::kernels::device::{HEADERS, Source};

/// What to compile for: a compute capability as 70 for 7.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// PTX, which the driver turns into instructions for its device.
    Ptx(i32),
    /// The instructions of this very device.
    Cubin(i32),
}

/// Version of NVRTC, as (12, 9).
///
/// # Errors
/// When it is not there.
pub fn nvrtc_version() -> Result<(i32, i32), Missing> {
    if !super::has_nvrtc() {
        return Err(Missing::Nvrtc);
    }
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the library is there, the pointers are to numbers of the right type.
    match unsafe { sys::nvrtcVersion(&mut major, &mut minor) }.result() {
        Ok(()) => Ok((major, minor)),
        Err(error) => Err(failed("asking for the version of NVRTC", error)),
    }
}

/// The highest architecture NVRTC knows that is not above the device's.
///
/// # Errors
/// When NVRTC is not there or knows none.
pub(super) fn architecture(device: i32) -> Result<i32, Missing> {
    nvrtc_version()?;
    let asking = |error| failed("asking NVRTC for its architectures", error);
    let mut count = 0;
    // SAFETY: the library is there; the second call fills the `count` numbers the first one counted.
    unsafe { sys::nvrtcGetNumSupportedArchs(&mut count) }.result().map_err(asking)?;
    let mut known = vec![0; count.max(0) as usize];
    // SAFETY: as above.
    unsafe { sys::nvrtcGetSupportedArchs(known.as_mut_ptr()) }.result().map_err(asking)?;
    let best = known.iter().copied().filter(|a| *a <= device).max();
    best.ok_or(Missing::Architecture { device, known })
}

fn failed(what: &'static str, error: result::NvrtcError) -> Missing {
    Missing::Call { what, why: format!("{error:?}") }
}

/// A program of NVRTC, destroyed when it is dropped.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created by `compile` and destroyed only here. Nothing can be done about a failure.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// Compiles a `.cu` file: PTX (text that ends in a zero byte) or a cubin.
///
/// # Errors
/// When NVRTC is not there or refuses the source (its log is in the message).
pub fn compile(source: &Source, target: Target) -> Result<Vec<u8>, Missing> {
    nvrtc_version()?;
    let text = |s: &str| {
        CString::new(s).map_err(|_| Missing::Compile {
            file: source.name.into(),
            log: "the source has a zero byte".into(),
        })
    };
    let (code, name) = (text(source.text)?, text(&format!("{}.cu", source.name))?);
    let headers = HEADERS.iter().map(|(_, h)| text(h)).collect::<Result<Vec<CString>, _>>()?;
    let (texts, names) = (
        headers.iter().map(|h| h.as_ptr()).collect::<Vec<_>>(),
        HEADERS.map(|(name, _)| name.as_ptr()),
    );
    let mut raw = std::ptr::null_mut();
    // SAFETY: all strings end in zero and outlive the call; as many names as headers.
    let created = unsafe {
        sys::nvrtcCreateProgram(
            &mut raw,
            code.as_ptr(),
            name.as_ptr(),
            HEADERS.len() as i32,
            texts.as_ptr(),
            names.as_ptr(),
        )
    };
    created.result().map_err(|e| failed("starting NVRTC", e))?;
    let program = Program(raw);
    let architecture = match target {
        Target::Ptx(a) => format!("--gpu-architecture=compute_{a}"),
        Target::Cubin(a) => format!("--gpu-architecture=sm_{a}"),
    };
    let options = [architecture.as_str(), "--fmad=false", "--std=c++17"];
    // SAFETY: the program was created above and lives.
    if let Err(error) = unsafe { result::compile_program(program.0, &options) } {
        // SAFETY: as above.
        let log = unsafe { result::get_program_log(program.0) }.map(|log| words(&log));
        let log = log.unwrap_or_else(|_| format!("{error:?}"));
        return Err(Missing::Compile { file: source.name.into(), log });
    }
    let reading = |e| failed("reading what NVRTC compiled", e);
    match target {
        // SAFETY: the program was compiled.
        Target::Ptx(_) => unsafe { result::get_ptx(program.0) }
            .map(|ptx| ptx.into_iter().map(|c| c as u8).collect())
            .map_err(reading),
        Target::Cubin(_) => {
            let mut size = 0;
            // SAFETY: the program was compiled for a real architecture; the second call fills the `size`
            // bytes the first one counted.
            unsafe { sys::nvrtcGetCUBINSize(program.0, &mut size) }.result().map_err(reading)?;
            let mut cubin = vec![0_u8; size];
            // SAFETY: as above.
            unsafe { sys::nvrtcGetCUBIN(program.0, cubin.as_mut_ptr().cast()) }
                .result()
                .map_err(reading)?;
            Ok(cubin)
        }
    }
}

/// A log as one line.
fn words(log: &[c_char]) -> String {
    let bytes: Vec<u8> = log.iter().map(|c| *c as u8).collect();
    let text = CStr::from_bytes_until_nul(&bytes).map(|t| t.to_string_lossy().into_owned());
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}
