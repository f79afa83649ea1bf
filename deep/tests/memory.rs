//! What m⊙w costs in memory, counted at the allocator: beside the plain network it keeps m, w and
//! their optimiser's k numbers each instead of k numbers for x, so `2 + 2k − k = 2 + k` more
//! numbers a weight (k = 1 for momentum, 2 for Adam), and nothing else, neither when it is made nor
//! while it trains. Arrays are rounded up to cache lines of 64 bytes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use mirrorflow::{
    Result,
    kernels::{
        array::Buffer,
        mask_weight::{Adam, Optimizer, Sgd},
    },
};
use mirrorflow_deep::{
    method::{Factors, Kind, Method, Plain, State, Step, Variable, slots},
    network::{Shape, named},
};

/// The system's allocator, counting the bytes of large blocks in use and the most there were.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Smaller blocks are names, lists and the threads' own.
const LARGE: usize = 1 << 14;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            let used = USED.fetch_add(layout.size(), Ordering::SeqCst) + layout.size();
            PEAK.fetch_max(used, Ordering::SeqCst);
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        if layout.size() >= LARGE {
            USED.fetch_sub(layout.size(), Ordering::SeqCst);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes in use by what `make` makes, and at most after two of its steps.
fn bytes(
    make: impl Fn(usize, &Optimizer) -> Box<dyn Method<f32>>,
    optimizer: Optimizer,
) -> Result<[usize; 2]> {
    let network = named("lenet5", Shape { height: 28, width: 28, channels: 1 }, 10)?;
    let (weights, _) = slots(&network);
    let mut x = Buffer::<f32>::new(network.parameter_count());
    x.iter_mut().enumerate().for_each(|(i, x)| *x = (i as f32).sin());
    let mut gradient = x.clone();
    let before = USED.load(Ordering::SeqCst);
    let mut method = make(network.weight_count(), &optimizer);
    method.start(&weights, (&mut x).into())?;
    let made = USED.load(Ordering::SeqCst) - before;
    PEAK.store(before, Ordering::SeqCst);
    for step in 1..3 {
        let (weight_decay, strength, progress, keep) = (1e-4, 1e-4, 0.0, None);
        let weights = &weights;
        let step = Step {
            optimizer,
            step,
            weight_decay,
            strength,
            factor_strength: 0.0,
            progress,
            weights,
            keep,
        };
        assert_eq!(method.update(&step, (&mut gradient).into(), (&mut x).into())?, None);
    }
    Ok([made, PEAK.load(Ordering::SeqCst).max(before + made) - before])
}

#[test]
fn masks_cost_what_theory_says() -> Result<()> {
    let network = named("lenet5", Shape { height: 28, width: 28, channels: 1 }, 10)?;
    let line = (network.weight_count() * size_of::<f32>()).next_multiple_of(64);
    let plain = |n: usize, o: &Optimizer| -> Box<dyn Method<f32>> {
        Box::new(Plain::new(false, State::new(n, o)))
    };
    let factors = |n: usize, o: &Optimizer| -> Box<dyn Method<f32>> {
        Box::new(Factors::new(Kind::Decay, 1.0, Variable::new(n, o), Variable::new(n, o)))
    };
    for (optimizer, k) in [
        (Optimizer::Sgd(Sgd { rate: 0.01, momentum: 0.0, nesterov: false }), 0),
        (Optimizer::Sgd(Sgd { rate: 0.01, momentum: 0.9, nesterov: false }), 1),
        (Optimizer::Adam(Adam::default()), 2),
    ] {
        let (plain, masked) = (bytes(plain, optimizer)?, bytes(factors, optimizer)?);
        assert_eq!(plain, [k * line; 2], "the plain network, {k} numbers of state");
        assert_eq!(masked, [(2 + 2 * k) * line; 2], "m⊙w, {k} numbers of state");
    }
    Ok(())
}
