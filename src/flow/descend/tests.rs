use super::*;

fn problem() -> Problem {
    let z =
        ndarray::Array2::from_shape_fn((7, 5), |(i, j)| ((3 * i + 5 * j) % 11) as f64 / 5.0 - 1.0);
    Problem::new(z, ndarray::Array1::from_shape_fn(7, |i| i as f64 / 7.0)).unwrap()
}

#[test]
fn a_full_batch_is_gradient_descent() {
    let p = problem();
    let start = Objective::MaskWeight { m: vec![1.0; 5], w: vec![0.1; 5] };
    let full = Descent::new(0.01, 50);
    let batch = Descent { batch: Some(7), ..full.clone() };
    let schedule = Schedule::Constant { c: 0.1 };
    let a = descend(&p, Loss::LogCosh, &schedule, &start, &full).unwrap().x_end();
    let b = descend(&p, Loss::LogCosh, &schedule, &start, &batch).unwrap().x_end();
    for (a, b) in a.iter().zip(&b) {
        // The same sums in another order, 50 steps.
        assert!((a - b).abs() < 1e-14, "{a} {b}");
    }
}

#[test]
fn seeds_decide_the_batches() {
    let p = problem();
    let start = Objective::PlainL1 { x: vec![0.3; 5] };
    let run = |seed, replacement| {
        let how = Descent { batch: Some(3), seed, replacement, ..Descent::new(0.01, 40) };
        descend(&p, Loss::Squared, &Schedule::None, &start, &how).unwrap().x_end()
    };
    for replacement in [false, true] {
        assert_eq!(run(1, replacement), run(1, replacement));
        assert_ne!(run(1, replacement), run(2, replacement));
    }
    assert_ne!(run(1, false), run(1, true));
    // Without replacement a pass uses every sample once.
    let mut batches = Batches::new(7, 3, false, 5);
    for _ in 0..4 {
        let mut seen: Vec<usize> = (0..3).flat_map(|_| batches.next().to_vec()).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn a_step_too_long_diverges_with_its_number() {
    let p = Problem::new(ndarray::array![[1.0]], ndarray::array![1.0]).unwrap();
    let start = Objective::PlainL2 { x: vec![0.0] };
    let how = Descent { record_every: 10, ..Descent::new(1e3, 1000) };
    let run = descend(&p, Loss::Squared, &Schedule::None, &start, &how).unwrap();
    // |1 − 1000|^k passes 1.8e308 at k = 103.
    assert!(matches!(run.outcome, Outcome::Diverged { step: 103, .. }), "{:?}", run.outcome);
    assert!(run.x.iter().all(|v| v.is_finite()));
    assert!(!run.outcome.is_complete());
}

#[test]
fn l1_descent_keeps_a_zero_that_belongs_there() {
    let p = Problem::new(ndarray::array![[1.0]], ndarray::array![0.5]).unwrap();
    let start = Objective::PlainL1 { x: vec![0.0] };
    let schedule = Schedule::Constant { c: 1.0 };
    let run = descend(&p, Loss::Squared, &schedule, &start, &Descent::new(0.1, 10)).unwrap();
    assert_eq!(run.x_end(), [0.0]);
}

#[test]
fn the_paper_s_schedules_count_steps() {
    let p = Problem::new(ndarray::array![[0.0]], ndarray::array![0.0]).unwrap();
    let start = Objective::PlainL2 { x: vec![1.0] };
    let how = Descent { clock: Clock::Step, ..Descent::new(0.1, 2) };
    let run = descend(&p, Loss::Squared, &Schedule::Harmonic { c: 1.0 }, &start, &how).unwrap();
    // α₀ = 1, α₁ = ½: x = (1 − 0.2)(1 − 0.1).
    assert!((run.x_end()[0] - 0.72).abs() < 1e-15);
}

#[test]
fn bad_descents_are_refused() {
    let p = problem();
    let start = Objective::PlainL1 { x: vec![0.3; 5] };
    let bad = [
        Descent::new(f64::NAN, 1),
        Descent { batch: Some(0), ..Descent::new(0.1, 1) },
        Descent { batch: Some(8), ..Descent::new(0.1, 1) },
    ];
    for how in bad {
        assert!(descend(&p, Loss::Squared, &Schedule::None, &start, &how).is_err());
    }
    let short = Objective::PlainL1 { x: vec![0.3] };
    assert!(descend(&p, Loss::Squared, &Schedule::None, &short, &Descent::new(0.1, 1)).is_err());
}
