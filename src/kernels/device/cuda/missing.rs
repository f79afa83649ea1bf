//! What can be missing for CUDA, each with what would be right.

use std::fmt;

use crate::{Error, kernels::device::Device};

/// Why there is no working CUDA device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// No `libcuda`.
    Driver,
    /// A driver from before CUDA 11.2.
    OldDriver {
        /// The version it supports, as 11010 for 11.1.
        version: i32,
    },
    /// A driver that finds no device.
    NoDevice,
    /// Fewer devices than asked for.
    Number {
        /// The devices there are.
        count: usize,
    },
    /// No `libnvrtc`.
    Nvrtc,
    /// The compiler refused a kernel.
    Compile {
        /// The `.cu` file.
        file: String,
        /// What the compiler said.
        log: String,
    },
    /// NVRTC knows no architecture that this device runs.
    Architecture {
        /// Compute capability of the device, as 70 for 7.0.
        device: i32,
        /// The architectures NVRTC compiles for.
        known: Vec<i32>,
    },
    /// The driver takes neither the PTX nor the binary of this NVRTC.
    DriverBehindNvrtc {
        /// CUDA version of the driver, as 12040.
        driver: i32,
        /// Version of NVRTC.
        nvrtc: (i32, i32),
    },
    /// A call of the driver failed.
    Call {
        /// What was being done.
        what: &'static str,
        /// Name and text of the error.
        why: String,
    },
}

impl Missing {
    /// The same as an error of a device.
    pub fn on(&self, device: Device) -> Error {
        Error::Device { device: device.to_string(), why: self.to_string() }
    }
}

/// 12040 as 12.4.
pub(crate) fn version(packed: i32) -> String {
    format!("{}.{}", packed / 1000, packed % 1000 / 10)
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver => f.write_str(
                "no NVIDIA driver on this machine (libcuda was not found): install the driver, or run with \
                 --device cpu",
            ),
            Self::OldDriver { version: v } => write!(
                f,
                "the NVIDIA driver supports CUDA {} and at least 11.2 is needed: update the driver",
                version(*v)
            ),
            Self::NoDevice => f.write_str(
                "the NVIDIA driver is there and finds no GPU: see nvidia-smi, and whether \
                 CUDA_VISIBLE_DEVICES hides it",
            ),
            Self::Number { count: 1 } => f.write_str("there is one GPU, cuda:0"),
            Self::Number { count } => {
                write!(f, "there are {count} GPUs, cuda:0 to cuda:{}", count - 1)
            }
            Self::Nvrtc => f.write_str(
                "NVRTC, the compiler of the kernels, was not found (libnvrtc.so.12): install the CUDA \
                 toolkit 12, or `pip install nvidia-cuda-nvrtc-cu12` and set MIRRORFLOW_NVRTC to the folder \
                 of libnvrtc.so.12",
            ),
            Self::Compile { file, log } => write!(f, "NVRTC does not compile {file}.cu: {log}"),
            Self::Architecture { device, known } => write!(
                f,
                "this NVRTC compiles for compute capabilities {known:?} and the GPU has {device}: install \
                 the NVRTC of a CUDA 12 that knows it"
            ),
            Self::DriverBehindNvrtc { driver, nvrtc } => write!(
                f,
                "the driver (CUDA {}) takes neither PTX nor binaries of NVRTC {}.{}: update the driver, or \
                 install an NVRTC no newer than it",
                version(*driver),
                nvrtc.0,
                nvrtc.1
            ),
            Self::Call { what, why } => write!(f, "{what}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Missing;
    use crate::kernels::device::Device;

    #[test]
    fn every_message_says_what_would_be_right() {
        let cases = [
            (Missing::Driver, "install the driver"),
            (Missing::OldDriver { version: 11010 }, "supports CUDA 11.1"),
            (Missing::NoDevice, "CUDA_VISIBLE_DEVICES"),
            (Missing::Number { count: 1 }, "one GPU, cuda:0"),
            (Missing::Number { count: 4 }, "cuda:0 to cuda:3"),
            (Missing::Nvrtc, "MIRRORFLOW_NVRTC"),
            (Missing::Architecture { device: 52, known: vec![70, 80] }, "[70, 80]"),
            (Missing::DriverBehindNvrtc { driver: 12040, nvrtc: (12, 9) }, "driver (CUDA 12.4)"),
        ];
        for (missing, part) in cases {
            let line = missing.on(Device::Cuda(3)).to_string();
            assert!(line.starts_with("cuda:3: ") && line.contains(part), "{line}");
            assert!(!line.contains('\n'));
        }
    }
}
