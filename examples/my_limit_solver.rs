//! A limit solver of your own: the L1 minimum by least squares with weights, certified from the
//! outside.
//!
//! `x ← argmin { Σ x_i²/w_i : Zx = y } = W Zᵀμ`, `Z W Zᵀ μ = y`, `w_i = √(x_i² + ε²)`, ε falling:
//! at the end `Zᵀμ = x/w` is nearly the sign of x, so that μ is a dual point too (Gorodnitsky & Rao
//! 1997; Daubechies et al. 2010). `polish` takes the pair to its vertex, and `certify` says what it
//! is worth, whoever found it. Run with `cargo run --release --example my_limit_solver`.

use mirrorflow::limit::{certify, l1_minimum, polish};
use mirrorflow::numerics::dense::{cholesky::Cholesky, gram_weighted, mul_t};
use mirrorflow::problem::{Generator, Problem};

/// A pair (x, μ), or `None` where the rows of Z are dependent.
fn reweighted(problem: &Problem) -> Option<(Vec<f64>, Vec<f64>)> {
    let (d, n, z) = (problem.samples(), problem.features(), problem.z_rows());
    let (mut x, mut mu) = (vec![1.0_f64; n], vec![0.0; d]);
    let (mut gram, mut cholesky) = (vec![0.0; d * d], Cholesky::new(d));
    for round in 0..40 {
        let epsilon = 0.5_f64.powi(round);
        let weights: Vec<f64> = x.iter().map(|x| x.hypot(epsilon)).collect();
        gram_weighted(z, d, n, &weights, &mut gram);
        if !cholesky.factor(&gram) {
            // The weights are those of a vertex with fewer entries than rows: near enough.
            return (round > 10).then_some((x, mu));
        }
        mu.copy_from_slice(problem.y());
        cholesky.solve(&mut mu);
        mul_t(z, &mu, &mut x);
        x.iter_mut().zip(&weights).for_each(|(x, w)| *x *= w);
    }
    Some((x, mu))
}

fn main() -> mirrorflow::Result<()> {
    let problem = Generator::gaussian(40, 100, 5, 7).problem()?;
    let Some((x, mu)) = reweighted(&problem) else {
        println!("the rows of Z are dependent");
        return Ok(());
    };
    let rough = certify(&problem, &x, &mu)?;
    println!("found:    ‖x‖₁ = {:.12}, relative gap {:.1e}", rough.l1, rough.relative_gap);
    match polish(&problem, &x, &mu) {
        Some(vertex) => {
            let proof = certify(&problem, &vertex.x, &vertex.mu)?;
            println!("polished: ‖x‖₁ = {:.12}, relative gap {:.1e}", proof.l1, proof.relative_gap);
        }
        None => println!("no vertex near it is a minimum"),
    }
    println!("library:  ‖x‖₁ = {:.12}", l1_minimum(&problem)?.l1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polished_vertex_is_certified_and_the_librarys() {
        for seed in 0..5 {
            let problem = Generator::gaussian(20, 60, 3, seed).problem().expect("a problem");
            let (x, mu) = reweighted(&problem).expect("independent rows");
            let vertex = polish(&problem, &x, &mu).expect("a vertex");
            assert!(certify(&problem, &vertex.x, &vertex.mu).expect("a pair").holds(1e-9));
            let library = l1_minimum(&problem).expect("a minimum").l1;
            assert!((vertex.l1 - library).abs() <= 1e-9 * library, "seed {seed}");
        }
    }
}
