//! Which column joins next, without reading all of `Z` at every step.
//!
//! On a segment the residual at correlation level C is `p + C·u`; an inactive column j reaches
//! `|Z_jᵀ(p + C·u)| = C` at `C_j = |p_j| / (1 − sgn(p_j)·a_j)` with `p_j = Z_jᵀp`, `a_j = Z_jᵀu`,
//! and the next to join is the one with the largest `C_j`. It is enough to know `C_j` exactly where
//! it may be the largest. So p_j, a_j are kept from an earlier segment (the *reference* p̄, ū,
//! which are orthogonal) and the present vectors are split as `p + C·u = A·p̄ + B·ū + e(C)`, hence
//! `|Z_jᵀ(p + C·u)| ≤ |A·p̄_j + B·ā_j| + ‖Z_j‖·‖e(C)‖`. A column whose right side lies below C
//! cannot have joined by level C and is not read. When the columns that had to be read add up to a
//! fraction of Z, the reference is renewed.

use crate::numerics::dense::rows::{axpy, dot, dot_pair, screen};
use crate::numerics::dense::updatable_qr::Active;

/// A column that joins: which, with what sign, at what level.
#[derive(Debug, Clone, Copy)]
pub(in crate::limit) struct Join {
    pub(in crate::limit) column: usize,
    pub(in crate::limit) sign: f64,
    pub(in crate::limit) level: f64,
}

/// Correlations of the inactive columns with a reference, and bounds from them.
pub(in crate::limit) struct Correlations<'a> {
    /// n×d row-major: the columns of Z, one after the other.
    columns: &'a [f64],
    d: usize,
    /// `‖Z_j‖`.
    pub(in crate::limit) norms: &'a [f64],
    /// `‖Z_j‖`, or 0 for a column that is not to be looked at (active, dependent or parked).
    reach: Vec<f64>,
    /// `Z_jᵀp̄`, or 0.
    p: Vec<f64>,
    /// `Z_jᵀū`, or 0.
    a: Vec<f64>,
    p_ref: Vec<f64>,
    u_ref: Vec<f64>,
    /// Columns read since the reference was taken; `None` before there is one.
    read: Option<usize>,
    /// Correlations of a column with p below this times its norm are rounding.
    noise: f64,
    candidates: Vec<usize>,
}

impl<'a> Correlations<'a> {
    pub(in crate::limit) fn new(
        columns: &'a [f64],
        d: usize,
        norms: &'a [f64],
        noise: f64,
    ) -> Self {
        let n = norms.len();
        Self {
            columns,
            d,
            norms,
            reach: norms.to_vec(),
            p: vec![0.0; n],
            a: vec![0.0; n],
            p_ref: vec![0.0; d],
            u_ref: vec![0.0; d],
            read: None,
            noise,
            candidates: Vec::new(),
        }
    }

    pub(in crate::limit) fn column(&self, j: usize) -> &'a [f64] {
        &self.columns[j * self.d..(j + 1) * self.d]
    }

    /// Leaves column j out of the search.
    pub(in crate::limit) fn hide(&mut self, j: usize) {
        self.reach[j] = 0.0;
        self.p[j] = 0.0;
        self.a[j] = 0.0;
    }

    /// Takes column j into the search again.
    pub(in crate::limit) fn show(&mut self, j: usize) {
        self.reach[j] = self.norms[j];
        let (p, a) = dot_pair(self.column(j), &self.p_ref, &self.u_ref);
        self.p[j] = p;
        self.a[j] = a;
    }

    /// The column that joins next below `level` and not below `floor`, if any.
    pub(in crate::limit) fn next(
        &mut self,
        active: &Active,
        level: f64,
        floor: f64,
    ) -> Option<Join> {
        if self.read.is_none_or(|read| read > self.reach.len() / 2) {
            self.renew(active);
        }
        let split = Reference::new(active, &self.p_ref, &self.u_ref);
        let mut best: Option<Join> = None;
        let mut bound = floor;
        // A good first candidate makes the bound bite.
        if let Some(j) = self.guess(&split, level) {
            self.consider(active, j, level, &mut bound, &mut best);
        }
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let [on_p, on_a, error] = split.at(bound);
        // An inactive column with everything zero never passes: its left side is 0 < C.
        let threshold = bound.max(f64::MIN_POSITIVE);
        screen(&self.p, &self.a, &self.reach, [on_p, on_a, error, threshold], &mut candidates);
        for &j in &candidates {
            // The bound may have risen since.
            let [on_p, on_a, error] = split.at(bound);
            if (on_p * self.p[j] + on_a * self.a[j]).abs() + error * self.reach[j] >= bound {
                self.consider(active, j, level, &mut bound, &mut best);
            }
        }
        self.candidates = candidates;
        best
    }

    /// Computes `C_j` and keeps it when it is the largest so far (the smaller index on a tie).
    fn consider(
        &mut self,
        active: &Active,
        j: usize,
        level: f64,
        bound: &mut f64,
        best: &mut Option<Join>,
    ) {
        let (p, a) = dot_pair(self.column(j), &active.p, &active.u);
        self.read = self.read.map(|read| read + 1);
        let noise = self.noise * self.norms[j];
        let (sign, reached) = if p.abs() > noise {
            let sign = 1.0_f64.copysign(p);
            let gap = 1.0 - sign * a;
            (sign, if gap > 0.0 { (p.abs() / gap).min(level) } else { level })
        } else if level.is_finite() && (a.abs() - 1.0) * level > noise {
            // Stays proportional to C, above it: it joins where it is.
            (1.0_f64.copysign(a), level)
        } else {
            return;
        };
        let better = match best {
            Some(b) => reached > b.level || (reached == b.level && j < b.column),
            None => reached >= *bound,
        };
        if better {
            *best = Some(Join { column: j, sign, level: reached });
            *bound = reached.max(*bound);
        }
    }

    /// The column with the largest `C_j` as far as the reference can tell.
    fn guess(&self, split: &Reference, level: f64) -> Option<usize> {
        let mut best = (0.0, None);
        for (j, ((p, a), reach)) in self.p.iter().zip(&self.a).zip(&self.reach).enumerate() {
            if *reach == 0.0 {
                continue;
            }
            let now_p = split.p[0] * p + split.p[1] * a;
            let now_a = split.u[0] * p + split.u[1] * a;
            let gap = 1.0 - now_a.copysign(now_a * now_p);
            // |p| / gap > best without the division.
            if now_p.abs() > best.0 * gap {
                let reached = if gap > 0.0 { (now_p.abs() / gap).min(level) } else { level };
                if reached > best.0 {
                    best = (reached, Some(j));
                }
            }
        }
        best.1
    }

    fn renew(&mut self, active: &Active) {
        self.p_ref.copy_from_slice(&active.p);
        self.u_ref.copy_from_slice(&active.u);
        for j in 0..self.reach.len() {
            if self.reach[j] != 0.0 {
                let (p, a) = dot_pair(self.column(j), &self.p_ref, &self.u_ref);
                self.p[j] = p;
                self.a[j] = a;
            }
        }
        self.read = Some(0);
    }
}

/// The present p and u in terms of the reference: `p = p₀·p̄ + p₁·ū + e_p`, and u likewise.
struct Reference {
    p: [f64; 2],
    u: [f64; 2],
    /// `‖e_p‖²`, `e_pᵀe_u`, `‖e_u‖²`.
    error: [f64; 3],
    /// Rounding of the stored correlations, times ‖Z_j‖.
    rounding: [f64; 2],
}

impl Reference {
    fn new(active: &Active, p_ref: &[f64], u_ref: &[f64]) -> Self {
        let pp = dot(p_ref, p_ref);
        let uu = dot(u_ref, u_ref);
        let part = |v: &[f64]| {
            let on_p = if pp > 0.0 { dot(v, p_ref) / pp } else { 0.0 };
            let on_u = if uu > 0.0 { dot(v, u_ref) / uu } else { 0.0 };
            let mut rest = v.to_vec();
            axpy(-on_p, p_ref, &mut rest);
            axpy(-on_u, u_ref, &mut rest);
            // A dot product of length d errs by at most about d·ε of the product of norms.
            let d = v.len() as f64;
            let rounding =
                4.0 * d * f64::EPSILON * (on_p.abs() * pp.sqrt() + on_u.abs() * uu.sqrt());
            ([on_p, on_u], rest, rounding)
        };
        let (p, rest_p, round_p) = part(&active.p);
        let (u, rest_u, round_u) = part(&active.u);
        let error = [dot(&rest_p, &rest_p), dot(&rest_p, &rest_u), dot(&rest_u, &rest_u)];
        Self { p, u, error, rounding: [round_p, round_u] }
    }

    /// `[A, B, ‖e(C)‖]` at level C.
    fn at(&self, level: f64) -> [f64; 3] {
        let square = self.error[0] + level * (2.0 * self.error[1] + level * self.error[2]);
        [
            self.p[0] + level * self.u[0],
            self.p[1] + level * self.u[1],
            square.max(0.0).sqrt() * (1.0 + 1e-12) + self.rounding[0] + level * self.rounding[1],
        ]
    }
}
