//! What is found for the device that was asked for.

use std::fmt;

use super::{
    choice::Device,
    cuda::{self, CudaMachine, Missing},
    machine::Machine,
};
use crate::{
    Result,
    numerics::dispatch::{Level, level},
};

/// The devices that a batch is given to.
#[derive(Debug)]
pub enum Machines {
    /// The processor; with the reason why no CUDA device was taken, where one was looked for.
    Processor(Option<Missing>),
    /// These CUDA devices, at least one, between which the batch is split.
    Cuda(Vec<CudaMachine>),
}

impl Device {
    /// Finds the device.
    ///
    /// ```
    /// use mirrorflow::kernels::device::{Device, Machines};
    /// assert!(matches!(Device::Cpu.open()?, Machines::Processor(None)));
    /// assert!(Device::Auto.open().is_ok()); // the processor is always there
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the CUDA device asked for by number does not work: what is missing, and what would be
    /// right.
    pub fn open(self) -> Result<Machines> {
        match self {
            Self::Cpu => Ok(Machines::Processor(None)),
            Self::Cuda(n) => match CudaMachine::open(n) {
                Ok(gpu) => Ok(Machines::Cuda(vec![gpu])),
                Err(why) => Err(why.on(self)),
            },
            Self::Auto => {
                match cuda::count().and_then(|count| (0..count).map(CudaMachine::open).collect()) {
                    Ok(gpus) => Ok(Machines::Cuda(gpus)),
                    Err(why) => Ok(Machines::Processor(Some(why))),
                }
            }
        }
    }
}

/// What the processor offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// Threads that a batch uses: those of the system, or as RAYON_NUM_THREADS says.
    pub threads: usize,
    /// The widest instruction set that kernels use here.
    pub simd: &'static str,
}

/// This processor.
///
/// ```
/// assert!(mirrorflow::kernels::device::processor().threads > 0);
/// ```
pub fn processor() -> Processor {
    let simd = match level() {
        Level::Avx512 => "AVX-512",
        Level::Avx2 => "AVX2 with FMA",
        Level::Plain if cfg!(target_arch = "aarch64") => "NEON",
        Level::Plain => "none beyond the target's own (no AVX2 with FMA)",
    };
    Processor { threads: rayon::current_num_threads(), simd }
}

impl Machines {
    /// The machines to hand to the kernels; none on the processor.
    pub fn list(&self) -> Vec<&dyn Machine> {
        match self {
            Self::Processor(_) => Vec::new(),
            Self::Cuda(gpus) => gpus.iter().map(|gpu| gpu as &dyn Machine).collect(),
        }
    }
}

impl fmt::Display for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor(_) => f.write_str("cpu"),
            Self::Cuda(gpus) => {
                let names: Vec<String> = gpus.iter().map(Machine::name).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No machine has this many devices: with or without a driver it is a plain error.
    #[test]
    fn an_absent_device_is_an_error_with_its_name() {
        let why = Device::Cuda(4000).open().expect_err("no such device").to_string();
        assert!(why.starts_with("cuda:4000: "), "{why}");
    }
}
