//! The equations of a [`System`] as Newton's method with twice the precision takes them, and what
//! they say of an answer.
//!
//! Rows of Z'' that are far from dependent are taken as they are. Where the QR in doubles drops
//! rows that are no combinations of the others, or keeps rows that nearly are, `eliminate.rs` makes
//! equations of all of them whose rows are far from dependent. Where the rank is n there is one
//! solution, whatever the potential: it needs no iteration.

use crate::numerics::exact::double_double::{Double2, a_sinh_cosh};

use super::eliminate::{Eliminated, NEEDED};
use super::system::{Basis, System};
use crate::limit::Status;
use crate::numerics::dense::norms::norm_inf;
use crate::numerics::dense::{mul, mul_t};
use crate::numerics::exact::bounded_sums::transposed_product_pair;
use crate::numerics::exact::powers::dot2;

/// Distance of dropped rows from combinations of the others up to which they are that, exactly:
/// rounding of sums with twice the precision.
const EXACT: f64 = 1e-25;
/// Ratio of the pivots of R below which doubles do not tell how right x is: its error is ε over
/// this ratio where rows are met to rounding, and no residual of theirs shows it.
const FAR: f64 = 1e-4;
/// What refinement leaves of an entry that is 0, relative to the largest, is below this.
const LEFT: f64 = 1e-30;
/// Rounds of refinement of the only solution: each gains five digits or more.
const REFINEMENTS: usize = 5;

/// `Bx'' = b` with the independent rows of Z'' or combinations of them: B and b as leading doubles
/// and remainders.
#[derive(Debug)]
pub(in crate::limit) struct Equations {
    /// r×n row-major; no remainders where B is rows of Z''.
    pub(in crate::limit) high: Vec<f64>,
    pub(in crate::limit) low: Vec<f64>,
    /// Length r.
    pub(in crate::limit) rhs: Vec<Double2>,
    /// The error of B and b relative to their largest entries.
    pub(in crate::limit) error: f64,
}

impl System {
    /// Whether any target is not 0.
    pub(in crate::limit) fn has_targets(&self) -> bool {
        match &self.eliminated {
            Some(e) => e.rhs.iter().any(|b| b.hi != 0.0),
            None => self.rhs.iter().any(|b| *b != 0.0),
        }
    }

    /// Whether doubles can say how right an answer is: not where rows are nearly dependent.
    pub(in crate::limit) fn is_plain(&self) -> bool {
        self.eliminated.is_none()
    }

    /// The rows of Z'' that are independent of each other, of rows that are nearly dependent
    /// combinations: their solutions are those of `Z''x = y''`, where the other rows are
    /// combinations of them exactly.
    pub(in crate::limit) fn equations(&self) -> Equations {
        if let Some(e) = &self.eliminated {
            return Equations {
                high: e.high.clone(),
                low: e.low.clone(),
                rhs: e.rhs.clone(),
                error: 10f64.powf(-e.digits),
            };
        }
        let rows = self.kept();
        let high = rows.iter().flat_map(|&j| self.z[j * self.n..(j + 1) * self.n].iter().copied());
        let rhs = rows.iter().map(|&j| Double2 { hi: self.y[j], lo: 0.0 }).collect();
        Equations { high: high.collect(), low: Vec::new(), rhs, error: 0.0 }
    }

    /// The number of independent rows.
    pub(in crate::limit) fn rank(&self) -> usize {
        self.eliminated.as_ref().map_or(self.r, |e| e.rows.len())
    }

    /// The status of an answer that meets the stopping test, of [`System::equations`] or of B
    /// alone.
    pub(in crate::limit) fn met(&self, by_equations: bool) -> Status {
        let digits = match &self.eliminated {
            Some(e) if by_equations => e.digits,
            // Rounding of a row hides this much of x.
            Some(e) => (e.pivot / f64::EPSILON).log10(),
            // Rounding of Z moves a row by ε, which is this part of what sets it apart from the
            // others.
            _ if self.dependence > 0.0 => (self.dependence / f64::EPSILON).log10(),
            _ => return Status::Converged,
        };
        if digits >= NEEDED {
            return Status::Converged;
        }
        Status::Deficient { digits: digits.floor().clamp(0.0, 15.0) as u8 }
    }

    /// The rows that [`System::equations`] are made of.
    fn kept(&self) -> Vec<usize> {
        match (&self.eliminated, &self.basis) {
            (Some(e), _) => e.rows.clone(),
            (None, Basis::Rows) => (0..self.d).collect(),
            (None, Basis::Orthonormal(qr)) => qr.pivot[..qr.rank].to_vec(),
        }
    }

    /// μ of Z'' (length d) from that of [`System::equations`], 0 for the rows that they do not
    /// need.
    pub(in crate::limit) fn rows_of_equations(&self, mu: &[Double2]) -> Vec<f64> {
        let kept = match &self.eliminated {
            Some(e) => e.to_rows(mu),
            None => mu.iter().map(|m| m.hi).collect(),
        };
        let mut rows = vec![0.0; self.d];
        self.kept().into_iter().zip(kept).for_each(|(j, m)| rows[j] = m);
        rows
    }

    /// μ of [`System::equations`] from that of Z'' (length d): there where they are rows of Z''.
    pub(in crate::limit) fn to_equations(&self, mu: &[f64]) -> Option<Vec<f64>> {
        self.is_plain().then(|| self.kept().into_iter().map(|j| mu[j]).collect())
    }

    /// Eliminates with twice the precision where the rows that the QR keeps are nearly dependent,
    /// or where those that it drops are not combinations of them.
    pub(in crate::limit) fn eliminate(&mut self) {
        self.dependence = self.distance();
        let Basis::Orthonormal(qr) = &self.basis else { return };
        let pivots = || (0..qr.rank).map(|k| qr.r[k * self.d + k].abs());
        let (low, high) = (pivots().fold(f64::INFINITY, f64::min), pivots().fold(0.0, f64::max));
        if self.dependence > 0.0 || low < FAR * high {
            let eliminated = Eliminated::new(&self.z, &self.y, self.d, self.n);
            self.eliminated =
                (eliminated.closed && !eliminated.rows.is_empty()).then_some(eliminated);
        }
    }

    /// The only solution there is, in the units of [`System`], where the rank is n.
    pub(in crate::limit) fn unique(&self) -> Option<Vec<f64>> {
        if self.rank() < self.n {
            return None;
        }
        let mut x = vec![0.0; self.n];
        if let Some(e) = &self.eliminated {
            e.columns.iter().zip(&e.rhs).for_each(|(&i, b)| x[i] = b.hi);
            return Some(x);
        }
        // Refined: each round gains the digits that the QR has.
        let mut pair = vec![Double2::ZERO; self.n];
        let mut correction = vec![0.0; self.n];
        for _ in 0..REFINEMENTS {
            let high: Vec<f64> = pair.iter().map(|v| -v.hi).collect();
            let low: Vec<f64> = pair.iter().map(|v| -v.lo).collect();
            let lines = self.z.chunks_exact(self.n).zip(&self.y);
            let rest: Vec<f64> =
                lines.map(|(row, y)| dot2(dot2(*y, row, &high), row, &low)).collect();
            mul_t(&self.b, &self.to_b(&rest), &mut correction);
            pair.iter_mut().zip(&correction).for_each(|(v, c)| *v = v.plus_f64(*c));
        }
        let x: Vec<f64> = pair.iter().map(|v| v.hi).collect();
        // Entries that no row needs are what refinement leaves of 0.
        let largest = norm_inf(&x);
        let without: Vec<f64> =
            x.iter().map(|v| if v.abs() < LEFT * largest { 0.0 } else { *v }).collect();
        let (rho, size) = self.residual(&without);
        let met = rho.iter().zip(&size).all(|(r, s)| r.abs() <= 4.0 * f64::EPSILON * s);
        Some(if met { without } else { x })
    }

    /// `x = a sinh θ`, in the units of [`System`], where there is no equation at all.
    pub(in crate::limit) fn free(&self, log_a: &[Double2], theta: &[f64]) -> Option<Vec<f64>> {
        let x = |(log_a, theta): (&Double2, &f64)| a_sinh_cosh((*theta).into(), *log_a).0.hi;
        (self.rank() == 0).then(|| log_a.iter().zip(theta).map(x).collect())
    }

    /// μ of Z'' (length d) with `2κᵢ(Z''ᵀμ)ᵢ = gᵢ`, where the rank is n.
    pub(in crate::limit) fn dual(&self, g: &[f64]) -> Vec<f64> {
        let g: Vec<f64> = g.iter().zip(&self.kappa).map(|(g, k)| 0.5 * g / k).collect();
        if let Some(e) = &self.eliminated {
            let mu: Vec<Double2> =
                e.columns.iter().map(|&i| Double2 { hi: g[i], lo: 0.0 }).collect();
            return self.rows_of_equations(&mu);
        }
        // The rows of B are orthonormal and n.
        let mut mu = vec![0.0; self.r];
        mul(&self.b, &g, &mut mu);
        self.to_rows(&mu)
    }

    /// [`System::dependence`].
    ///
    /// `Z''ᵀΠ = QR` gives `c = R₁₁⁻¹R₁₂` for each dropped row; the distance `‖z_j − Σ c_k z_k‖_∞`
    /// is then made as small as it gets with compensated sums.
    fn distance(&self) -> f64 {
        let Basis::Orthonormal(qr) = &self.basis else { return 0.0 };
        let (d, n, r) = (self.d, self.n, qr.rank);
        let row = |j: usize| &self.z[j * n..(j + 1) * n];
        let kept = qr.pivot[..r].iter().flat_map(|&j| row(j).iter().copied());
        let mut rows: Vec<f64> = kept.chain(vec![0.0; n]).collect();
        let mut worst = 0.0_f64;
        for (position, &j) in qr.pivot.iter().enumerate().skip(r) {
            let size = norm_inf(row(j));
            if size == 0.0 {
                continue;
            }
            rows[r * n..].copy_from_slice(row(j));
            let mut c: Vec<f64> = (0..r).map(|k| qr.r[k * d + position]).collect();
            qr.solve_r(&mut c);
            let mut c: Vec<Double2> = c.iter().map(|v| Double2 { hi: -v, lo: 0.0 }).collect();
            let mut distance = f64::INFINITY;
            for _ in 0..4 {
                let high: Vec<f64> = c.iter().map(|v| v.hi).chain([1.0]).collect();
                let low: Vec<f64> = c.iter().map(|v| v.lo).chain([0.0]).collect();
                let rest = transposed_product_pair(&rows, n, &high, &low);
                let rest: Vec<f64> = rest.iter().map(|s| s.hi + s.lo).collect();
                distance = distance.min(norm_inf(&rest) / size);
                let mut correction = vec![0.0; r];
                mul(&qr.q, &rest, &mut correction);
                qr.solve_r(&mut correction);
                c.iter_mut().zip(&correction).for_each(|(c, v)| *c = c.plus_f64(-v));
            }
            worst = worst.max(distance);
        }
        if worst <= EXACT { 0.0 } else { worst }
    }
}

#[cfg(test)]
mod tests;
