//! The columns of largest weight that are independent: where a basis starts.

use crate::numerics::dispatch::each_level;

/// Weights relative to the largest are raised to this: their roots and inverses are numbers.
pub(in crate::limit) const FLOOR: f64 = 1e-280;
/// What elimination leaves of a column is taken for noise below this part of it, or below the
/// second where nothing else is left.
const NOISE: [f64; 2] = [1e-8, 1e-14];

/// r columns of large weight, greedily: elimination with pivots of largest `|z|√D`. Weights choose
/// and never scale, so that columns of any weight keep their digits; what elimination leaves of a
/// column that depends on those before it is noise and no pivot, as long as another one is to be
/// had.
pub(in crate::limit) fn heaviest(z: &[f64], r: usize, weights: &[f64]) -> Option<Vec<usize>> {
    let n = weights.len();
    let largest = weights.iter().fold(0.0_f64, |m, w| m.max(*w));
    let root: Vec<f64> = weights.iter().map(|w| (w / largest).max(FLOOR).sqrt()).collect();
    let mut rest = z.to_vec();
    let size: Vec<f64> =
        (0..n).map(|i| (0..r).map(|j| z[j * n + i].abs()).fold(0.0, f64::max)).collect();
    // What is left of it that is no noise.
    let clear: [Vec<f64>; 2] = NOISE.map(|noise| size.iter().map(|s| noise * s).collect());
    let mut best: Vec<f64> =
        rest.chunks_exact(n.max(1)).map(|row| best_score(row, &root, &clear[0])).collect();
    let mut free: Vec<usize> = (0..r).collect();
    let mut columns = Vec::with_capacity(r);
    while !free.is_empty() {
        let highest = |scores: &[f64]| {
            let over = |k: usize, &j: &usize| (k, scores[j]);
            let all = free.iter().enumerate().map(|(k, j)| over(k, j));
            all.fold((0, 0.0), |top, next| if next.1 > top.1 { next } else { top })
        };
        let (mut k, mut score) = highest(&best);
        let mut least = &clear[0];
        if score == 0.0 {
            least = &clear[1];
            let line = |j: usize| &rest[j * n..(j + 1) * n];
            let scores: Vec<f64> = (0..r).map(|j| best_score(line(j), &root, least)).collect();
            (k, score) = highest(&scores);
        }
        let row = rest[free[k] * n..(free[k] + 1) * n].to_vec();
        let i = (0..n).find(|&i| {
            let v = row[i].abs();
            score > 0.0 && v > least[i] && v * root[i] == score
        })?;
        free.swap_remove(k);
        columns.push(i);
        for &j in &free {
            let line = &mut rest[j * n..(j + 1) * n];
            let factor = line[i] / row[i];
            if factor != 0.0 {
                line.iter_mut().zip(&row).for_each(|(v, p)| *v -= factor * p);
                line[i] = 0.0;
                best[j] = best_score(line, &root, &clear[0]);
            }
        }
    }
    Some(columns)
}

/// The largest `|v_i|√D_i` of entries above what counts as clear of noise; 0 where there is none.
#[inline(always)]
fn best_score_body(row: &[f64], root: &[f64], least: &[f64]) -> f64 {
    let mut best = [0.0_f64; 8];
    let (rows, row_tail) = row.as_chunks::<8>();
    let (roots, root_tail) = root.as_chunks::<8>();
    let (leasts, least_tail) = least.as_chunks::<8>();
    for ((v, root), least) in rows.iter().zip(roots).zip(leasts) {
        for l in 0..8 {
            let size = v[l].abs();
            let score = if size > least[l] { size * root[l] } else { 0.0 };
            best[l] = if score > best[l] { score } else { best[l] };
        }
    }
    for ((v, root), least) in row_tail.iter().zip(root_tail).zip(least_tail) {
        let score = if v.abs() > *least { v.abs() * root } else { 0.0 };
        best[0] = if score > best[0] { score } else { best[0] };
    }
    best.into_iter().fold(0.0, f64::max)
}

each_level!(
    fn best_score[](row: &[f64], root: &[f64], least: &[f64]) -> f64 = best_score_body
);
