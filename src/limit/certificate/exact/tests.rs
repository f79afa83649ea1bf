//! The exact route against minima known in closed form.

use super::*;
use crate::problem::{Generator, Problem};

fn vertex(z: Vec<f64>, y: Vec<f64>) -> Vertex {
    let problem = Problem::from_rows(z, y).unwrap();
    let zero = (vec![0.0; problem.features()], vec![0.0; problem.samples()]);
    match decide(&problem, &zero.0, &zero.1, 10 * SECOND) {
        Exact::Vertex(vertex) => vertex,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pivots_from_any_start_to_the_minimum() {
    // min |x₁| + |x₂| + |x₃| with x₁ + 3x₂ = 6, x₂ + x₃ = 1: (0, 2, −1), from (3, 1, 0).
    let found = vertex(vec![1.0, 3.0, 0.0, 0.0, 1.0, 1.0], vec![6.0, 1.0]);
    assert_eq!((found.x, found.lower, found.upper), (vec![0.0, 2.0, -1.0], 3.0, 3.0));
    assert!(found.optimal && found.pivots > 0);
    // A third is no float: one ulp of width.
    let found = vertex(vec![1.0, 3.0], vec![-1.0]);
    assert_eq!((found.lower, found.upper), ((1.0_f64 / 3.0), (1.0_f64 / 3.0).next_up()));
    assert_eq!(found.x, vec![0.0, -1.0 / 3.0]);
}

#[test]
fn dependent_rows_are_dropped_when_they_agree() {
    let found = vertex(vec![1.0, 3.0, 2.0, 6.0, 0.0, 0.0], vec![3.0, 6.0, 0.0]);
    assert_eq!((found.x, found.lower, found.upper), (vec![0.0, 1.0], 1.0, 1.0));
    let problem = Problem::from_rows(vec![1.0, 3.0, 0.0, 0.0], vec![3.0, 1e-300]).unwrap();
    let Exact::NoSolution(farkas) = decide(&problem, &[0.0; 2], &[0.0; 2], SECOND) else {
        panic!("a row of zeros cannot be 1e-300");
    };
    assert_eq!(farkas.exact, Some(vec!["0".into(), "1".into()]));
    let tall = Problem::from_rows(vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0 + 1e-15]).unwrap();
    assert!(matches!(solvable(&tall, &[1.0], SECOND), Exact::NoSolution(_)));
}

#[test]
fn a_degenerate_vertex_ends() {
    // Every basis of this one has steps of length 0.
    let z = vec![1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 2.0, 0.0, 3.0, 1.0, 1.0, 2.0];
    let found = vertex(z, vec![1.0, 1.0, 3.0]);
    assert_eq!((found.lower, found.upper), (1.0, 1.0));
}

#[test]
fn agrees_with_floating_point_on_planted_problems() {
    for seed in 0..3 {
        let problem = Generator::gaussian(12, 30, 3, seed).problem().unwrap();
        let best = crate::limit::l1_minimum(&problem).unwrap();
        let nothing = (vec![0.0; 30], vec![0.0; 12]);
        let Exact::Vertex(found) = decide(&problem, &nothing.0, &nothing.1, 20 * SECOND) else {
            panic!("small enough");
        };
        assert!(found.optimal && found.upper - found.lower <= 4e-16 * found.upper);
        assert!((found.upper - best.l1).abs() <= 1e-13 * best.l1);
    }
}

#[test]
fn little_work_is_refused_and_no_more_than_a_bound_is_said() {
    let problem = Generator::gaussian(12, 30, 3, 1).problem().unwrap();
    let nothing = (vec![0.0; 30], vec![0.0; 12]);
    assert_eq!(decide(&problem, &nothing.0, &nothing.1, 100), Exact::Refused);
    let best = crate::limit::l1_minimum(&problem).unwrap();
    let mut bounds = 0;
    for work in [20_000, 50_000, 100_000, 200_000, 400_000, 800_000, 1_600_000] {
        if let Exact::Vertex(found) = decide(&problem, &nothing.0, &nothing.1, work) {
            assert!(found.lower <= best.l1 * (1.0 + 1e-14));
            assert!(found.upper >= best.l1 * (1.0 - 1e-14));
            bounds += usize::from(!found.optimal);
        }
    }
    assert!(bounds > 0);
}
