//! What the kernels of batches allocate: the state of the batch and no more, and nothing in a loop.
//!
//! One test in this file: the counts are those of the whole process.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use mirrorflow::{
    Result,
    kernels::batch::{
        descent::{self, Objective, Run, descend},
        limit::{self, limits},
        mirror_flow::{self, Features, integrate},
    },
    potential::HyperbolicEntropy,
    problem::{Generator, Problem},
    schedule::Schedule,
};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it stands.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, SeqCst);
        PEAK.fetch_max(LIVE.fetch_add(layout.size(), SeqCst) + layout.size(), SeqCst);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), SeqCst);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes above those live before at the worst moment of `work`, and its calls of the allocator. On
/// a pool of one thread that has been warmed up: the scratch of threads and of the pool itself is
/// there.
fn measured(work: &(dyn Fn() -> Result<()> + Sync)) -> Result<(usize, usize)> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(work)?;
    let (live, calls) = (LIVE.load(SeqCst), CALLS.load(SeqCst));
    PEAK.store(live, SeqCst);
    pool.install(work)?;
    Ok((PEAK.load(SeqCst) - live, CALLS.load(SeqCst) - calls))
}

const D: usize = 12;
const N: usize = 30;

fn flows(problem: &Problem, runs: usize, t_end: f64, records: usize) -> Result<(usize, usize)> {
    let y = problem.y().repeat(runs);
    let start = [HyperbolicEntropy::uniform(N, 0.5_f64.ln())?];
    let schedule = [Schedule::Geometric { c: 0.5, r: 1.0 }];
    let batch = mirror_flow::Batch {
        samples: D,
        features: N,
        z: Features::Shared(problem.z_rows()),
        y: &y,
        start: &start,
        schedule: &schedule,
    };
    let times = (1..=records).map(|r| t_end * r as f64 / records as f64).collect();
    let options = mirror_flow::Options { times, ..mirror_flow::Options::until(t_end) };
    measured(&|| integrate(&batch, &options, None).map(drop))
}

fn descents(problem: &Problem, runs: usize, steps: u64) -> Result<(usize, usize)> {
    let run = Run { first: vec![1.0; N], second: vec![0.0; N], schedule: Schedule::None, seed: 0 };
    let runs = vec![run; runs];
    let options = descent::Options { step: 1e-3, steps, batch: Some(3), record: vec![steps] };
    measured(&|| descend(problem, Objective::MaskWeight, &runs, &options, None).map(drop))
}

fn all_limits(problem: &Problem, count: usize, log_a: f64) -> Result<(usize, usize)> {
    let (y, log_a) = (problem.y().repeat(count), vec![log_a; count]);
    let batch = limit::Batch { d: D, n: N, z: problem.z_rows(), y: &y, log_a: &log_a, theta: &[] };
    measured(&|| limits(&batch, &limit::Options::default(), None).map(drop))
}

/// Equal but for the queues of the pool, which allocate a block of places once in a while: hundreds
/// of steps more would show.
fn same(few: usize, many: usize, what: &str) {
    assert!(few.abs_diff(many) <= 4, "{few} and {many} allocations of {what}");
}

#[test]
fn memory_is_that_of_the_batch_and_steps_allocate_nothing() -> Result<()> {
    let problem = Generator::gaussian(D, N, 3, 1).problem()?;

    // Flows: records and their ends, 8R(n + 3) bytes and the outcome; while they are made also the
    // end of each run and its part of the list of queues.
    for records in [1, 7] {
        let (small, large) =
            (flows(&problem, 200, 0.1, records)?, flows(&problem, 1000, 0.1, records)?);
        let each = 8 * records * (N + 3) + size_of::<mirrorflow::kernels::batch::Outcome>() + 24;
        let making = 64 + 8 * records;
        let grown = (large.0 - small.0) as f64 / 800.0;
        assert!(grown <= (each + making) as f64, "{grown} bytes a run, {each} of results");
        // One block of lanes beyond that: far below a megabyte at this size.
        assert!(small.0 <= 200 * (each + making) + (1 << 20), "{} bytes", small.0);
    }
    let (short, long) = (flows(&problem, 64, 0.5, 1)?, flows(&problem, 64, 50.0, 1)?);
    same(short.1, long.1, "flows to t = 0.5 and to t = 50");

    // Descents: x of the records, an outcome, and the list of blocks: the state is that of one
    // block.
    let (small, large) = (descents(&problem, 160, 10)?, descents(&problem, 1600, 10)?);
    let each = 8 * N + size_of::<mirrorflow::kernels::batch::Outcome>() + 32;
    let grown = (large.0 - small.0) as f64 / 1440.0;
    assert!(grown <= each as f64, "{grown} bytes a run, {each} expected");
    // A pass over the samples draws its order in place.
    let (short, long) = (descents(&problem, 32, 10)?, descents(&problem, 32, 1000)?);
    same(short.1, long.1, "10 and of 1000 steps");

    // Limits: x, μ and their ends, once by problem and once gathered.
    let (small, large) = (all_limits(&problem, 50, -20.0)?, all_limits(&problem, 500, -20.0)?);
    let each = 2 * 8 * (N + D) + 160;
    let grown = (large.0 - small.0) as f64 / 450.0;
    assert!(grown <= each as f64, "{grown} bytes a problem, {each} expected");
    let (short, long) = (all_limits(&problem, 64, 5.0)?, all_limits(&problem, 64, -200.0)?);
    same(short.1, long.1, "few and of many Newton steps");
    Ok(())
}
