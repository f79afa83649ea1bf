//! One step of RODAS5P for a block of lanes, each with its own time and length.
//!
//! With `F(t, ν) = (Zx − y)/d`, `x = a_t sinh(θ₀ − 2Zᵀν)`, `s = √(x²+a_t²)`:
//! `J = −(2/d) Z diag(s) Zᵀ`, `F_t = −4α (F + y/d)`. The stages solve
//! `(I/(γh) − J) u_i = F(t + α_i h, ν + Σ_j a_ij u_j) + Σ_j (c_ij/h) u_j + γ_i h F_t`, the step is the last
//! argument plus u₈, which is the estimate of the error. (Source: see `numerics::rodas5p`.)
//!
//! Flops of a step, d and n as padded: the matrix `d²n`, its factor `d³/3`, eight fields `32dn`, eight solves
//! `16d²`, the estimate `2dn`.

use super::tiles::{
    Entries, ROWS, Scale, Shape, elements, factor, factor_len, number, residual, solve, transposed,
};
use crate::numerics::lanes::{Lanes, Real, lane_kernel};
use crate::numerics::rodas5p::{A, C, STAGES, TIME};

/// What a block of lanes computes with. A buffer of "d" holds d vectors, of "1" one vector: a number for
/// each lane.
#[derive(Debug)]
pub(super) struct Lanework<T> {
    pub(super) shape: Shape,
    /// Samples of the problem, d without padding.
    samples: f64,
    /// Targets (d), tilt and the scale `a₀ = m·2^k` (n).
    pub(super) y: Vec<T>,
    pub(super) theta: Vec<T>,
    pub(super) a_m: Vec<T>,
    pub(super) a_k: Vec<T>,
    /// The state at the start of the step: ν and F (d), x and s (n).
    pub(super) now: Point<T>,
    /// The same at its end.
    pub(super) new: Point<T>,
    /// `h`, `1/h`, `1/(γh)`, `4α(t)` (1 each).
    pub(super) h: Vec<T>,
    pub(super) per_h: Vec<T>,
    pub(super) sigma: Vec<T>,
    pub(super) decay: Vec<T>,
    /// `e^{−4A}` at the times of the stages, as m·2^k (1 each); entry 0 is the start.
    pub(super) shift_m: [Vec<T>; STAGES],
    pub(super) shift_k: [Vec<T>; STAGES],
    /// Norms (1 each) of the error of a step, or of F and `F'` at a start.
    pub(super) norms: Norms<T>,
    pub(super) second: Norms<T>,
    /// `Zᵀν` of the last argument and `Zᵀδν` (n).
    zt: Vec<T>,
    change: Vec<T>,
    stage: Vec<T>,
    slope_t: Vec<T>,
    u: [Vec<T>; STAGES],
    weights: Vec<T>,
    panel: Vec<T>,
    l: Vec<T>,
}

/// ν, F, x, s.
#[derive(Debug, Clone)]
pub(super) struct Point<T> {
    pub(super) nu: Vec<T>,
    pub(super) f: Vec<T>,
    pub(super) x: Vec<T>,
    pub(super) s: Vec<T>,
}

/// Parts of the norm of the error: the largest `|Zᵀδ|`, `s|Zᵀδ|`, `|θ|`, `|x|`, and a number that is NaN
/// unless all of x, s and F are finite.
#[derive(Debug, Default)]
pub(super) struct Norms<T> {
    pub(super) change: Vec<T>,
    pub(super) moved: Vec<T>,
    pub(super) theta: Vec<T>,
    pub(super) x: Vec<T>,
    pub(super) poison: Vec<T>,
}

impl<T: Real> Lanework<T> {
    pub(super) fn new(shape: Shape, samples: usize) -> Self {
        let width = T::width();
        let some = |count: usize| vec![T::default(); count * width];
        let Shape { d, n } = shape;
        let point = Point { nu: some(d), f: some(d), x: some(n), s: some(n) };
        let norms = || Norms {
            change: some(1),
            moved: some(1),
            theta: some(1),
            x: some(1),
            poison: some(1),
        };
        Self {
            shape,
            samples: samples as f64,
            y: some(d),
            theta: some(n),
            a_m: some(n),
            a_k: some(n),
            new: point.clone(),
            now: point,
            h: some(1),
            per_h: some(1),
            sigma: some(1),
            decay: some(1),
            shift_m: std::array::from_fn(|_| some(1)),
            shift_k: std::array::from_fn(|_| some(1)),
            norms: norms(),
            second: norms(),
            zt: some(n),
            change: some(n),
            stage: some(d),
            slope_t: some(d),
            u: std::array::from_fn(|_| some(d)),
            weights: some(n),
            panel: some(ROWS * n),
            l: some(factor_len(d)),
        }
    }
}

lane_kernel!(
    /// One step of every lane from `now` to `new`, with `norms` of its error.
    pub(super) fn attempt<T, E: Entries<T>>(work: &mut Lanework<T>, z: E) = attempt_body
);

#[inline(always)]
fn attempt_body<L: Lanes, E: Entries<L::T>>(work: &mut Lanework<L::T>, z: E) {
    let shape @ Shape { d, n } = work.shape;
    let per_d = 1.0 / work.samples;
    scale::<L>(&work.now.s, 2.0 * per_d, &mut work.weights);
    factor::<L, E>(z, shape, &work.weights, &work.sigma, &mut work.panel, &mut work.l);
    slope_t::<L>(&work.now.f, &work.y, &work.decay, per_d, &mut work.slope_t);
    for i in 0..STAGES {
        if i > 0 {
            argument::<L>(i, &work.now.nu, &work.u, &mut work.stage);
            transposed::<L, E>(z, shape, &work.stage, &mut work.zt);
            let (start, shift) = (
                Scale { k: &work.a_k[..], m: &work.a_m[..] },
                Scale { k: &work.shift_k[i][..], m: &work.shift_m[i][..] },
            );
            let (x, s) = (&mut work.new.x[..], &mut work.new.s[..]);
            elements::<L, false>(n, &work.zt, &work.theta, start, shift, x, s);
            residual::<L, E>(z, shape, &work.new.x, &work.y, per_d, &mut work.new.f);
        }
        let f = if i == 0 { &work.now.f } else { &work.new.f };
        let (done, rest) = work.u.split_at_mut(i);
        right_side::<L>(i, f, done, &work.per_h, &work.h, &work.slope_t, &mut rest[0]);
        solve::<L>(d, &work.l, &mut rest[0]);
    }
    let last = &work.u[STAGES - 1];
    sum::<L>(&work.stage, last, &mut work.new.nu);
    transposed::<L, E>(z, shape, last, &mut work.change);
    for i in 0..n {
        // SAFETY: both hold n vectors.
        unsafe {
            L::store(L::add(L::load(&work.zt, i), L::load(&work.change, i)), &mut work.zt, i)
        };
    }
    end_of_step::<L, E>(work, z, STAGES - 1);
    measure::<L>(shape, &work.new, &work.zt, &work.theta, &work.change, &mut work.norms);
}

lane_kernel!(
    /// F, x and s at the start `now.nu`, into `new`; `norms` of F and `second` of `dF/dt = JF + F_t`.
    pub(super) fn begin<T, E: Entries<T>>(work: &mut Lanework<T>, z: E) = begin_body
);

#[inline(always)]
fn begin_body<L: Lanes, E: Entries<L::T>>(work: &mut Lanework<L::T>, z: E) {
    let shape @ Shape { d, n } = work.shape;
    let per_d = 1.0 / work.samples;
    work.new.nu.copy_from_slice(&work.now.nu);
    transposed::<L, E>(z, shape, &work.now.nu, &mut work.zt);
    end_of_step::<L, E>(work, z, 0);
    slope_t::<L>(&work.new.f, &work.y, &work.decay, per_d, &mut work.slope_t);
    transposed::<L, E>(z, shape, &work.new.f, &mut work.change);
    measure::<L>(shape, &work.new, &work.zt, &work.theta, &work.change, &mut work.norms);
    // JF = −(2/d) Z (s ⊙ ZᵀF).
    for i in 0..n {
        // SAFETY: all hold n vectors.
        unsafe {
            let v = L::mul(L::load(&work.new.s, i), L::load(&work.change, i));
            L::store(v, &mut work.weights, i);
        }
    }
    work.stage.fill(L::T::default());
    residual::<L, E>(z, shape, &work.weights, &work.stage, -2.0 * per_d, &mut work.u[0]);
    let (first, rest) = work.u.split_at_mut(1);
    sum::<L>(&first[0], &work.slope_t, &mut rest[0]);
    debug_assert_eq!(rest[0].len(), d * L::WIDTH);
    transposed::<L, E>(z, shape, &rest[0], &mut work.change);
    measure::<L>(shape, &work.new, &work.zt, &work.theta, &work.change, &mut work.second);
}

/// x, s and F from `zt`.
#[inline(always)]
fn end_of_step<L: Lanes, E: Entries<L::T>>(work: &mut Lanework<L::T>, z: E, stage: usize) {
    let start = Scale { k: &work.a_k[..], m: &work.a_m[..] };
    let shift = Scale { k: &work.shift_k[stage][..], m: &work.shift_m[stage][..] };
    let (x, s) = (&mut work.new.x[..], &mut work.new.s[..]);
    elements::<L, true>(work.shape.n, &work.zt, &work.theta, start, shift, x, s);
    let per_d = 1.0 / work.samples;
    residual::<L, E>(z, work.shape, &work.new.x, &work.y, per_d, &mut work.new.f);
}

// SAFETY of the loads and stores below: the buffers of a `Lanework` have the lengths its fields state.

#[inline(always)]
fn scale<L: Lanes>(s: &[L::T], by: f64, out: &mut [L::T]) {
    let by = number::<L>(by);
    for i in 0..out.len() / L::WIDTH {
        unsafe { L::store(L::mul(by, L::load(s, i)), out, i) };
    }
}

#[inline(always)]
fn sum<L: Lanes>(a: &[L::T], b: &[L::T], out: &mut [L::T]) {
    for i in 0..out.len() / L::WIDTH {
        unsafe { L::store(L::add(L::load(a, i), L::load(b, i)), out, i) };
    }
}

/// `F_t = −4α (F + y/d)`.
#[inline(always)]
fn slope_t<L: Lanes>(f: &[L::T], y: &[L::T], decay: &[L::T], per_d: f64, out: &mut [L::T]) {
    let per_d = number::<L>(per_d);
    for j in 0..out.len() / L::WIDTH {
        unsafe {
            let mean = L::mul_add(per_d, L::load(y, j), L::load(f, j));
            let v = L::neg_mul_add(L::load(decay, 0), mean, number::<L>(0.0));
            L::store(v, out, j);
        }
    }
}

/// The argument of stage i: `ν + Σ_j a_ij u_j`; the last two add one u to the one before.
#[inline(always)]
fn argument<L: Lanes>(i: usize, nu: &[L::T], u: &[Vec<L::T>; STAGES], stage: &mut [L::T]) {
    for j in 0..stage.len() / L::WIDTH {
        unsafe {
            let v = match A.get(i) {
                Some(row) => {
                    let mut v = L::load(nu, j);
                    for (a, u) in row.iter().zip(u) {
                        v = L::mul_add(number::<L>(*a), L::load(u, j), v);
                    }
                    v
                }
                None => L::add(L::load(stage, j), L::load(&u[i - 1], j)),
            };
            L::store(v, stage, j);
        }
    }
}

/// `F + (1/h) Σ_j c_ij u_j + γ_i h F_t`.
#[inline(always)]
fn right_side<L: Lanes>(
    i: usize,
    f: &[L::T],
    done: &[Vec<L::T>],
    per_h: &[L::T],
    h: &[L::T],
    slope_t: &[L::T],
    out: &mut [L::T],
) {
    for j in 0..out.len() / L::WIDTH {
        unsafe {
            let mut v = number::<L>(0.0);
            for (c, u) in C[i].iter().zip(done) {
                v = L::mul_add(number::<L>(*c), L::load(u, j), v);
            }
            v = L::mul_add(v, L::load(per_h, 0), L::load(f, j));
            let length = L::mul(number::<L>(TIME[i]), L::load(h, 0));
            L::store(L::mul_add(length, L::load(slope_t, j), v), out, j);
        }
    }
}

#[inline(always)]
fn measure<L: Lanes>(
    shape: Shape,
    at: &Point<L::T>,
    zt: &[L::T],
    theta: &[L::T],
    change: &[L::T],
    norms: &mut Norms<L::T>,
) {
    let nought = number::<L>(0.0);
    let [mut largest, mut moved, mut exponent, mut size, mut poison] = [nought; 5];
    for i in 0..shape.n {
        unsafe {
            let (x, s, c) = (L::load(&at.x, i), L::load(&at.s, i), L::abs(L::load(change, i)));
            let z = L::neg_mul_add(number::<L>(2.0), L::load(zt, i), L::load(theta, i));
            largest = L::max(c, largest);
            moved = L::max(L::mul(s, c), moved);
            exponent = L::max(L::abs(z), exponent);
            size = L::max(L::abs(x), size);
            poison = L::mul_add(nought, L::add(s, c), poison);
        }
    }
    for j in 0..shape.d {
        unsafe { poison = L::mul_add(nought, L::load(&at.f, j), poison) };
    }
    unsafe {
        L::store(largest, &mut norms.change, 0);
        L::store(moved, &mut norms.moved, 0);
        L::store(exponent, &mut norms.theta, 0);
        L::store(size, &mut norms.x, 0);
        L::store(poison, &mut norms.poison, 0);
    }
}
