//! The functions of `prelude.cuh` against those of the library, and the host machine against kernels that
//! are wrong on purpose.

use mirrorflow::{
    kernels::{
        batch::philox::philox,
        device::{Call, Failure, Launch, Machine, Tried, int},
    },
    numerics::{special::log_domain, vector},
};
use mirrorflow_kernels_on_host::{Host, checks, machines};

const LAUNCH: Launch = Launch { grid: 3, block: 128, shared: 0 };

/// Distance in units in the last place; equal infinities and zeros are at distance 0.
fn ulps(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / (b.abs() - b.abs().next_down().max(0.0)) }
}

/// `(x, log a)` of every size, half of them such that `|x| + log a` cancels.
fn arguments(positive: bool) -> (Vec<f64>, Vec<f64>) {
    let mut pairs = (Vec::new(), Vec::new());
    for i in 0..2000_u32 {
        let u = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        let log_a = match i % 4 {
            0 => 50.0 - 100.0 * u,
            1 => -700.0 * u,
            2 => -1e6 * u,
            _ => 0.0,
        };
        let size = match i % 5 {
            0 => u,
            1 => 1e-8 * u,
            2 => 700.0 * u,
            3 => (600.0 * u - log_a).abs(),
            _ => (1400.0 * (u - 0.5)).exp(),
        };
        let sign = if positive || i % 3 == 0 { 1.0 } else { -1.0 };
        pairs.0.push(sign * size);
        pairs.1.push(log_a);
    }
    pairs
}

fn map(machine: &dyn Machine, which: i32, x: &[f64], log_a: &[f64]) -> Tried<Vec<f64>> {
    let mut session = machine.open()?;
    let mut call = Call::new(session.as_mut());
    let (first, second) = (call.upload(x)?, call.upload(log_a)?);
    let out = call.zeros(8 * x.len())?;
    let arguments = [which.into(), int(x.len()), first.into(), second.into(), out.into()];
    // SAFETY: the arguments of `check_map`, each as long as the count says.
    unsafe { call.launch(&checks::SOURCE, "check_map", LAUNCH, &arguments)? };
    call.download(out, x.len())
}

/// e^x and a sinh x, a cosh x are the library's own, to the bit where it has fused products; the rest to
/// the ulp that both sides are right to.
#[test]
fn functions_of_the_prelude_are_those_of_the_library() -> Result<(), Failure> {
    for machine in &machines() {
        let (x, log_a) = arguments(false);
        let (mut sinh, mut cosh, mut exp) = (x.clone(), x.clone(), x.clone());
        vector::a_sinh_cosh_map(&x, &log_a, &mut sinh, &mut cosh);
        vector::exp(&x, &mut exp);
        let asinh: Vec<f64> =
            x.iter().zip(&log_a).map(|(x, l)| log_domain::asinh_ratio(*x, *l)).collect();
        for (which, expected, bound) in
            [(0, &exp, 2.0), (2, &asinh, 8.0), (3, &sinh, 6.0), (4, &cosh, 6.0)]
        {
            let found = map(machine.as_ref(), which, &x, &log_a)?;
            for i in 0..x.len() {
                let off = ulps(found[i], expected[i]);
                assert!(
                    off <= bound,
                    "{}, function {which} at {:e}, log a = {:e}: {:e} for {:e}",
                    machine.name(),
                    x[i],
                    log_a[i],
                    found[i],
                    expected[i]
                );
            }
        }
        let (x, log_a) = arguments(true);
        for (found, x) in map(machine.as_ref(), 1, &x, &log_a)?.iter().zip(&x) {
            assert!(
                (found - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1.0),
                "log {x:e}: {found:e}"
            );
        }
    }
    Ok(())
}

#[test]
fn philox_is_the_same_to_the_bit() -> Result<(), Failure> {
    for machine in &machines() {
        let mut session = machine.open()?;
        let (count, key) = (1000, 0x299f_31d0_a409_3822_u64);
        let mut call = Call::new(session.as_mut());
        let out = call.zeros(16 * count)?;
        // SAFETY: the arguments of `check_philox`.
        unsafe {
            let arguments = [int(count), key.into(), out.into()];
            call.launch(&checks::SOURCE, "check_philox", LAUNCH, &arguments)?;
        }
        let words: Vec<u32> = call.download(out, 4 * count)?;
        for (i, found) in words.chunks(4).enumerate() {
            assert_eq!(found, philox([key as u32, (key >> 32) as u32], [i as u32, 2, 3, 4]));
        }
    }
    Ok(())
}

/// One launch of a kernel with one array of 256 ints.
fn wrong(host: &Host, kernel: &'static str) -> Result<Vec<i32>, String> {
    let go = || {
        let mut session = host.open()?;
        let mut call = Call::new(session.as_mut());
        let out = call.zeros(1024)?;
        let arguments =
            if kernel == "check_overrun" { vec![int(128), out.into()] } else { vec![out.into()] };
        let launch = Launch { grid: 1, ..LAUNCH };
        // SAFETY: the overrun stays within the guard of the host machine; the others are within bounds.
        unsafe { call.launch(&checks::SOURCE, kernel, launch, &arguments)? };
        call.download(out, 256)
    };
    go().map_err(|failure| match failure {
        Failure::Other(error) => error.to_string(),
        Failure::Memory(bytes) => format!("{bytes} bytes"),
    })
}

#[test]
fn the_host_finds_what_is_wrong() {
    let why = wrong(&Host::new(32), "check_divergence").expect_err("a barrier not all reach");
    assert!(why.contains("barrier") && why.contains("never reach"), "{why}");
    let why = wrong(&Host::new(1), "check_overrun").expect_err("a write beyond the end");
    assert!(why.contains("beyond the end"), "{why}");
    // Thread t reads what thread t + 1 writes: right only if that one ran before.
    let forward = wrong(&Host::new(32), "check_missing_barrier").expect("it runs");
    let backward = wrong(&Host { reverse: true, ..Host::new(32) }, "check_missing_barrier");
    assert_ne!(forward, backward.expect("it runs"));
    let why = wrong(&Host::new(1), "no_such_kernel").expect_err("no such kernel");
    assert!(why.contains("no_such_kernel"), "{why}");
}
