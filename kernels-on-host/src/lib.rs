//! The `.cu` files of the library compiled by the host's C++ compiler, as a
//! [`Machine`]: what a GPU would run, checked without one.
//!
//! A block of threads runs on one thread of the system, in three ways: with one thread as plain code;
//! with many as fibers that meet at barriers; with many from the last to the first, which brings to light
//! a barrier that is missing. Shared memory starts as NaN, memory ends with words that must not change,
//! and a barrier that only some threads reach is an error.

use std::{
    ffi::{CStr, c_char, c_void},
    io::Write,
    sync::{Mutex, Once, PoisonError},
};

use mirrorflow::{
    Error, Result,
    kernels::device::{
        Argument, Device, Failure, Launch, Machine, Machines, Memory, Session, Source, Tried,
        bytes, bytes_mut,
    },
};
use rayon::prelude::*;

use simulated::Simulated;

pub mod checks;
pub mod simulated;

/// As in `shim.hpp`.
#[repr(C)]
struct Shape {
    index: u32,
    grid: u32,
    block: u32,
    reverse: u32,
    shared: usize,
}

type Run = unsafe extern "C" fn(*mut *mut c_void, *const Shape) -> *const c_char;

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// Words after the end of memory that no kernel may touch.
const GUARD: [u64; 8] = [0xA5A5_5A5A_0F0F_F0F0; 8];

/// The host as a machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// Threads of a block, whatever a launch asks for.
    pub block: u32,
    /// Whether the threads of a block run from the last to the first.
    pub reverse: bool,
    /// Bytes it says are free.
    pub memory: usize,
    /// Bytes of shared memory of a block.
    pub shared: usize,
}

impl Host {
    /// A machine with blocks of this many threads, and the memory of an H100.
    pub fn new(block: u32) -> Self {
        Self { block, reverse: false, memory: 80 << 30, shared: 227 << 10 }
    }

    /// The machines on which every kernel is checked.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = [1, 32, 128].map(Self::new).into();
        all.extend([32, 128].map(|block| Self { reverse: true, ..Self::new(block) }));
        // Shared memory too small for any state: it goes to device memory.
        all.push(Self { shared: 0, ..Self::new(32) });
        all
    }

    fn failure(&self, why: impl Into<String>) -> Failure {
        Failure::Other(Error::Device { device: self.name(), why: why.into() })
    }
}

/// Every machine there is: the host in all its ways, and each GPU that works; where none does, the simulated one, and that is
/// said once.
pub fn machines() -> Vec<Box<dyn Machine>> {
    static NOTICE: Once = Once::new();
    let mut all: Vec<Box<dyn Machine>> = Vec::new();
    all.extend(Host::all().into_iter().map(|host| Box::new(host) as Box<dyn Machine>));
    match Device::Auto.open() {
        Ok(Machines::Cuda(found)) => {
            all.extend(found.into_iter().map(|it| Box::new(it) as Box<dyn Machine>));
        }
        // Past the capture of the test runner: a check that did not happen must be seen.
        Ok(Machines::Processor(Some(why))) => {
            NOTICE.call_once(|| {
                let _ = writeln!(
                    std::io::stderr(),
                    "NOTICE: no GPU is tested but a simulated one: {why}"
                );
            });
            all.extend(Simulated::open().map(|it| Box::new(it.machine()) as Box<dyn Machine>));
        }
        _ => {}
    }
    all
}

impl Machine for Host {
    fn name(&self) -> String {
        let order = if self.reverse { ", last thread first" } else { "" };
        format!("host (blocks of {}{order}, {} B shared)", self.block, self.shared)
    }

    fn free_memory(&self) -> Result<usize> {
        Ok(self.memory)
    }

    fn shared_memory(&self) -> usize {
        self.shared
    }

    fn open(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(Desk { host: self.clone(), memory: Vec::new() }))
    }
}

/// Memory of a session: words and the guard, and the bytes asked for.
type Words = (Vec<u64>, usize);

struct Desk {
    host: Host,
    memory: Vec<Option<Words>>,
}

impl Desk {
    fn get(&mut self, memory: Memory) -> Tried<&mut Words> {
        let gone = self.host.failure("memory of another session, or given back");
        self.memory.get_mut(memory.0).and_then(Option::as_mut).ok_or(gone)
    }

    fn taken(&self) -> usize {
        self.memory.iter().flatten().map(|(words, _)| 8 * words.len()).sum()
    }
}

impl Session for Desk {
    fn upload(&mut self, bytes: &[u8]) -> Tried<Memory> {
        let memory = self.zeros(bytes.len())?;
        let (words, _) = self.get(memory)?;
        bytes_mut(words)[..bytes.len()].copy_from_slice(bytes);
        Ok(memory)
    }

    fn zeros(&mut self, bytes: usize) -> Tried<Memory> {
        if self.taken() + bytes > self.host.memory {
            return Err(Failure::Memory(bytes));
        }
        let mut words = vec![0; bytes.div_ceil(8)];
        words.extend(GUARD);
        self.memory.push(Some((words, bytes)));
        Ok(Memory(self.memory.len() - 1))
    }

    fn write(&mut self, to: Memory, offset: usize, bytes: &[u8]) -> Tried<()> {
        let (words, size) = self.get(to)?;
        let fits = offset + bytes.len() <= *size;
        if fits {
            let to = &mut bytes_mut(words)[offset..];
            to[..bytes.len()].copy_from_slice(bytes);
            return Ok(());
        }
        Err(self.host.failure("more is written than there is room for"))
    }

    fn read(&mut self, from: Memory, offset: usize, into: &mut [u8]) -> Tried<()> {
        let (words, size) = self.get(from)?;
        let fits = offset + into.len() <= *size;
        if fits {
            let from = &bytes(words)[offset..];
            into.copy_from_slice(&from[..into.len()]);
            return Ok(());
        }
        Err(self.host.failure("more is copied than there is"))
    }

    fn release(&mut self, memory: Memory) {
        if let Some(slot) = self.memory.get_mut(memory.0) {
            *slot = None;
        }
    }

    unsafe fn launch(
        &mut self,
        source: &'static Source,
        kernel: &'static str,
        launch: Launch,
        arguments: &[Argument],
    ) -> Tried<()> {
        let host = self.host.clone();
        let Some((_, one, many)) = KERNELS.iter().find(|k| k.0 == kernel) else {
            return Err(host.failure(format!("{}.cu has no kernel {kernel}", source.name)));
        };
        if !source.kernels.contains(&kernel) {
            return Err(
                host.failure(format!("{kernel} is not listed among the kernels of its source"))
            );
        }
        if launch.shared > host.shared {
            return Err(host.failure(format!("{} bytes of shared memory asked for", launch.shared)));
        }
        let run = if host.block == 1 { one } else { many };
        // Each argument as the eight bytes that a pointer to it finds.
        let mut values: Vec<u64> = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(match argument {
                Argument::Memory(memory) => self.get(*memory)?.0.as_mut_ptr() as u64,
                Argument::At(memory, bytes) => {
                    let (words, size) = self.get(*memory)?;
                    if *bytes > *size {
                        return Err(host.failure("a pointer beyond the end of memory"));
                    }
                    words.as_mut_ptr() as u64 + *bytes as u64
                }
                Argument::Null => 0,
                Argument::Int(v) => u64::from(*v as u32),
                Argument::Long(v) => *v,
                Argument::Double(v) => v.to_bits(),
                Argument::Float(v) => u64::from(v.to_bits()),
            });
        }
        let trouble = Mutex::new(None);
        (0..launch.grid).into_par_iter().for_each(|index| {
            let mut values = values.clone();
            let mut pointers: Vec<*mut c_void> =
                values.iter_mut().map(|v| std::ptr::from_mut(v).cast()).collect();
            let shape = Shape {
                index,
                grid: launch.grid,
                block: host.block,
                reverse: u32::from(host.reverse),
                shared: launch.shared,
            };
            // SAFETY: the caller vouches for the arguments; blocks write to different places, as on a
            // device.
            let said = unsafe { run(pointers.as_mut_ptr(), &shape) };
            if !said.is_null() {
                // SAFETY: the text stands in this thread until its next block.
                let said = unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned();
                trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(said);
            }
        });
        if let Some(said) = trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(host.failure(format!("{kernel}: {said}")));
        }
        if self.memory.iter().flatten().any(|(words, _)| !words.ends_with(&GUARD)) {
            return Err(host.failure(format!("{kernel} wrote beyond the end of memory")));
        }
        Ok(())
    }
}
