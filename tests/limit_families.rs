//! The limit on families that look like what people bring, at every size of a: always converged.
//!
//! `MIRRORFLOW_LIMIT_PROBLEMS=5000 cargo test --release --test limit_families` runs more of them,
//! and others with `MIRRORFLOW_LIMIT_FIRST=1`, or larger ones with `MIRRORFLOW_LIMIT_ROWS=100`;
//! `MIRRORFLOW_LIMIT_DUMP=DIR` writes each with its answer, for a check by other means
//! (`tools/limit_reference.py`, 250 digits).

mod families;

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write as _;

use mirrorflow::kernels::batch::{
    self,
    limit::{Batch, Ending, limits},
};
use mirrorflow::limit::newton::{Options, kkt_residual, minimize};
use mirrorflow::limit::{Status, enclose, l1_minimum, path::path};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use families::{FAMILIES, Family, LOG_A, instance, instance_of};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// As many problems as asked for, the same ones each time; `MIRRORFLOW_LIMIT_FIRST` names another
/// set.
fn runner() -> TestRunner {
    let cases = number("MIRRORFLOW_LIMIT_PROBLEMS", 300) as u32;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("MIRRORFLOW_LIMIT_FIRST", 0).to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Seeds whose references are kept: six of each family.
const GOLDEN: std::ops::Range<u64> = 70_006..70_108;

fn dump(dir: &str, name: &str, case: &families::Instance, limit: &mirrorflow::limit::Limit) {
    let mut text = String::new();
    let mut line = |name: &str, v: &[f64]| {
        let _ = write!(text, "{name}");
        for v in v {
            let _ = write!(text, " {:016x}", v.to_bits());
        }
        text.push('\n');
    };
    line("z", case.problem.z_rows());
    line("y", case.problem.y());
    line("log_a", case.entropy.log_a());
    line("theta", case.entropy.theta());
    line("rank", &[limit.rank as f64, f64::from(u8::from(limit.status.is_converged()))]);
    line("x", &limit.x);
    line("mu", &limit.mu);
    std::fs::write(format!("{dir}/{name}.txt"), text).expect("the dump is written");
}

#[test]
fn every_family_converges_at_every_a() {
    let dump_dir = std::env::var("MIRRORFLOW_LIMIT_DUMP").ok();
    let mut runner = runner();
    let count = Cell::new(0);
    let law = |(family, d, more, seed): (Family, usize, usize, u64)| {
        let case = instance_of(family, d, d + more, &mut ChaCha8Rng::seed_from_u64(seed));
        let limit =
            minimize(&case.problem, &case.entropy, &Options::default()).expect("valid input");
        let kkt = kkt_residual(&case.problem, &case.entropy, &limit.x, &limit.mu).0;
        if let Some(dir) = &dump_dir {
            dump(dir, &format!("{:05}-{family:?}", count.get()), &case, &limit);
        }
        count.set(count.get() + 1);
        prop_assert!(
            limit.status.is_converged() && kkt <= 1e-11,
            "{}x{} log a {:.3e}: {:?}, KKT {kkt:.1e}, {} steps",
            case.problem.samples(),
            case.problem.features(),
            case.entropy.log_a()[0],
            limit.status,
            limit.iterations
        );
        Ok(())
    };
    let rows = number("MIRRORFLOW_LIMIT_ROWS", 16) as usize;
    let problems = (select(&FAMILIES), 1..=rows, 1..=5 * rows / 2, any::<u64>());
    runner.run(&problems, law).unwrap_or_else(|failure| panic!("{failure}"));
}

/// Against Newton's method with 250 digits
/// (`tools/limit_reference.py DIR/golden --golden tests/data/limit_golden.txt`): each entry above
/// 10⁻¹² of the largest to a relative 10⁻⁹.
#[test]
fn entries_are_those_of_the_references() {
    let dump_dir = std::env::var("MIRRORFLOW_LIMIT_DUMP").ok();
    let references: HashMap<u64, Vec<f64>> = include_str!("data/limit_golden.txt")
        .lines()
        .map(|line| {
            let mut words = line.split(' ').skip(1);
            let seed = words.next().and_then(|w| w.parse().ok()).expect("a seed");
            (seed, words.map(|w| w.parse().expect("a number")).collect())
        })
        .collect();
    assert!(dump_dir.is_some() || references.len() == 100);
    for seed in GOLDEN {
        let family = FAMILIES[seed as usize % FAMILIES.len()];
        let case = instance(family, seed);
        let limit =
            minimize(&case.problem, &case.entropy, &Options::default()).expect("valid input");
        if let Some(dir) = &dump_dir {
            std::fs::create_dir_all(format!("{dir}/golden")).expect("a folder");
            dump(&format!("{dir}/golden"), &format!("{seed:05}-{family:?}"), &case, &limit);
            continue;
        }
        // Dependent rows whose targets were rounded have no solution, exactly.
        let Some(reference) = references.get(&seed) else { continue };
        let largest = reference.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        assert_eq!(limit.x.len(), reference.len());
        for (x, right) in limit.x.iter().zip(reference) {
            assert!(
                right.abs() <= 1e-12 * largest || (x - right).abs() <= 1e-9 * right.abs(),
                "{family:?} {seed}: {x:e}, right {right:e}"
            );
        }
    }
}

/// Found by the law above.
#[test]
fn problems_that_once_failed_converge() {
    // Columns in units 10¹⁶ apart; entries that grow from nothing while others shrink to it, where
    // rows are nearly dependent and where they are not.
    let mixed = instance_of(
        Family::MixedUnits,
        8,
        15,
        &mut ChaCha8Rng::seed_from_u64(438_287_779_372_801_201),
    );
    let again = instance_of(
        Family::MixedUnits,
        6,
        19,
        &mut ChaCha8Rng::seed_from_u64(16_099_872_058_637_760_291),
    );
    let apart = instance_of(
        Family::MixedUnits,
        13,
        19,
        &mut ChaCha8Rng::seed_from_u64(312_984_819_720_390_144),
    );
    let steps = instance_of(
        Family::Steps,
        16,
        27,
        &mut ChaCha8Rng::seed_from_u64(4_288_862_518_999_821_095),
    );
    let shrinking = instance(Family::NearlyDuplicated, 16_671);
    let growing = instance(Family::Tilted, 23_932);
    for (name, case) in [
        ("again", again),
        ("apart", apart),
        ("steps", steps),
        ("mixed", mixed),
        ("shrinking", shrinking),
        ("growing", growing),
    ] {
        let limit =
            minimize(&case.problem, &case.entropy, &Options::default()).expect("valid input");
        let about = (limit.status, limit.kkt_residual, limit.iterations);
        assert!(limit.status.is_converged(), "{name}: {about:?}");
    }
}

/// Rows (2, −2, 2) and (2+e, −2+e, 2), y = (0, −e): x₁ + x₂ = −1 and x₃ = x₂ − x₁. Exchanging x₁
/// and x₂ changes the sign of x₃ and nothing else: x = (−½, −½, 0) at any a. Any other x with x₁ +
/// x₂ = −1 + 10⁻⁸ meets the rows to `10⁻⁸e`.
#[test]
fn nearly_dependent_rows_hide_no_error() {
    for k in 8..50 {
        let e = 2f64.powi(-k);
        let z = [2.0, -2.0, 2.0, 2.0 + e, -2.0 + e, 2.0];
        let y = [0.0, -e];
        let problem = Problem::from_rows(z.to_vec(), y.to_vec()).expect("valid");
        let fine = |x: &[f64]| {
            (x[0] + 0.5).abs() <= 1e-9 && (x[1] + 0.5).abs() <= 1e-9 && x[2].abs() <= 1e-9
        };
        let path = path(&problem, None, &LOG_A).expect("a valid grid");
        for (b, log_a) in LOG_A.into_iter().enumerate() {
            let entropy = HyperbolicEntropy::uniform(3, log_a).expect("in range");
            let limit = minimize(&problem, &entropy, &Options::default()).expect("valid input");
            assert!(limit.status.is_converged(), "2^−{k}, {log_a}: {limit:?}");
            assert!(fine(&limit.x), "2^−{k}, {log_a}: {:?}", limit.x);
            assert!(path.status[b].is_converged() && fine(&path.x.row(b).to_vec()));
            let batch = Batch { d: 2, n: 3, z: &z, y: &y, log_a: &[log_a], theta: &[] };
            let done = limits(&batch, &batch::limit::Options::default(), None).expect("valid");
            assert_eq!(done.ending[0], Ending::Converged, "2^−{k}, {log_a}");
            assert!(fine(&done.x), "2^−{k}, {log_a}: {:?}", done.x);
        }
    }
}

/// The third column is orthogonal to μ but for 10⁻¹⁰: x₃ is 10⁻⁹ of x₁ or less, and the last digits
/// of log a and μ decide it. References: Newton's method with 80 digits (mpmath).
#[test]
fn an_entry_far_below_a_is_right() {
    let third = f64::from_bits(0x4000_0000_0022_5c18);
    for (z, y, log_a, right) in [
        (
            [-4.0, -4.0, third, 0.0, 1.0, 3.0],
            [0.004823379740145547, -0.0007510341168434443],
            -10.0,
            3.404_995_859_662_042e-14,
        ),
        (
            [-1.0, 1.0, 1e-9, -2.0, 0.0, -2.0],
            [-0.11701964434787851, -0.11701964424830437],
            -3.0,
            -4.978_706_944_434_629e-11,
        ),
        (
            [-4.0, -3.0, 1e-9, 2.0, 3.0, 3.0],
            [-0.35686150675453987, 0.23984186236932106],
            -3.0,
            -1.244_676_519_239_687e-11,
        ),
        (
            [-1.0, 2.0, 1e-9, 2.0, -3.0, 4.0],
            [-0.06446444188907308, 0.10298507612756895],
            -3.0,
            -1.244_676_380_624_537_3e-11,
        ),
    ] {
        let check = |x: f64| assert!((x - right).abs() <= 1e-9 * right.abs(), "{x:e}, {right:e}");
        let problem = Problem::from_rows(z.to_vec(), y.to_vec()).expect("valid");
        let entropy = HyperbolicEntropy::uniform(3, log_a).expect("in range");
        let limit = minimize(&problem, &entropy, &Options::default()).expect("valid input");
        assert!(limit.status.is_converged());
        check(limit.x[2]);
        check(path(&problem, None, &[log_a]).expect("a valid grid").x[[0, 2]]);
        let batch = Batch { d: 2, n: 3, z: &z, y: &y, log_a: &[log_a], theta: &[] };
        let options = batch::limit::Options::default();
        check(limits(&batch, &options, None).expect("valid").x[2]);
    }
}

/// The limit converges, and its entry i is `right` to 10⁻⁹ of itself.
fn has_entry(problem: &Problem, log_a: f64, i: usize, right: f64) {
    let entropy = HyperbolicEntropy::uniform(problem.features(), log_a).expect("in range");
    let limit = minimize(problem, &entropy, &Options::default()).expect("valid input");
    assert!(limit.status.is_converged());
    assert!((limit.x[i] - right).abs() <= 1e-9 * right.abs(), "{:?}", limit.x);
}

/// Rows of a Hilbert matrix: the third entry grows from `e^−200` to 10⁻¹¹ of the largest between
/// two rungs, and no residual in doubles shows it. Reference: Newton's method with 400 digits
/// (python-flint).
#[test]
fn an_entry_that_grows_from_nothing_is_not_missed() {
    let z: Vec<f64> = (0..48).map(|p| 1.0 / f64::from(p / 8 + p % 8 + 1)).collect();
    let y = vec![
        0.3786373085775134,
        0.3201557564159506,
        0.27768070115297305,
        0.24533058364639057,
        0.21982541268961708,
        0.19917814098550368,
    ];
    let problem = Problem::from_rows(z, y).expect("valid");
    has_entry(&problem, -1e5, 2, 8.152_506_004_987_714e-12);
}

/// The last row is a combination of the others but for one ulp of one entry, and an entry of 10⁻⁸
/// of the largest has all its digits. Reference as above.
#[test]
fn rows_an_ulp_from_dependent_cost_no_digits() {
    let z = vec![
        0.10205327846769514,
        0.8018651085640555,
        0.36595309541138277,
        0.24601402733409813,
        0.23604962252104647,
        1.0148597156430084,
        0.20911493791303878,
        -0.4499938795837665,
        1.2435339601895863,
        0.40717534129868277,
        -0.3581750026696777,
        0.625466866703134,
        0.05158869652879212,
        -0.6286397956350258,
        -0.8057151889393667,
        1.2383709241282859,
        1.3780099912541703,
        0.033086643988163404,
        0.7492427733682443,
        0.21515481663106822,
        -0.20530229717188314,
        1.5404619766004066,
        0.2585258287751669,
        -0.9877390915832901,
        1.4704548316384847,
        2.5017045668256928,
        1.209797419181827,
        1.1691140764583428,
        -0.5120771880216214,
        1.057516289391554,
        0.10205327846769514,
        0.8018651085640555,
        0.3659530954113828,
        0.24601402733409813,
        0.23604962252104647,
        1.0148597156430084,
        0.20911493791303878,
        -0.4499938795837665,
        1.2435339601895863,
        0.40717534129868277,
    ];
    let y =
        vec![-0.02133242778513184, 0.0728146094870387, -0.13288888654939207, -0.02133242778513184];
    let problem = Problem::from_rows(z, y).expect("valid");
    has_entry(&problem, -30.0, 8, 4.324_414_288_237_024_3e-10);
}

/// Rows that are dependent to 10⁻⁸ hide from a residual of 10⁻⁹ that ‖x‖₁ is a quarter below the
/// minimum: the gap comes from a proof (exact rational simplex: 1.230186731338353).
#[test]
fn nearly_dependent_rows_hide_no_gap() {
    let z = vec![
        -0.64667727771812,
        0.5848531690529916,
        0.11234546374046636,
        -0.35595111041615907,
        -0.22310534380122193,
        -1.021531346198731,
        0.642274044508606,
        1.1839192976499764,
        1.1522089123366264,
        -0.0678879261911143,
        0.8594195944782037,
        0.8497928980373303,
        -1.5124018594846855,
        -0.5998137300331784,
        0.4175097535575649,
        -1.5038766434131727,
        -0.5753934236041534,
        0.4886741634146127,
        0.5099897723815414,
        -0.8296036771738056,
        0.14050707525177142,
        -1.416815331104806,
        -1.9987067845045525,
        0.04282124254049097,
        -1.0864109015856998,
        -1.140022385760838,
        2.7531099036600315,
        0.5571839998772203,
    ];
    let y = vec![0.053350894847637435, 1.200520392080288, 0.3189487279775013, -1.7986672973401538];
    let problem = Problem::from_rows(z, y).expect("valid");
    let path = path(&problem, None, &[0.0, -1000.0, -1e6]).expect("a valid grid");
    for (gap, l1) in path.gap.iter().zip(&path.l1) {
        assert!((gap - (1.0 - 1.230_186_731_338_353 / l1)).abs() <= 1e-9, "{gap:e} {l1}");
    }
}

/// Measured spectra at every a: never below the proved L1 minimum, and at it in the end.
///
/// `2R_a(x) = ‖x‖₁|log a| + Σ |x_i| log 2|x_i| − ‖x‖₁ + o(1)`: what is not `‖x‖₁|log a|` differs by
/// less than 100 ‖x‖₁ between two solutions of this size, so that ‖x_a‖₁ is within 10⁻⁴ of the
/// minimum at log a = −10⁶.
#[test]
fn the_spectra_converge_at_every_a() {
    let dump_dir = std::env::var("MIRRORFLOW_LIMIT_DUMP").ok();
    let problem = mirrorflow::problem::real::fermentation().expect("it is part of the library");
    let best = l1_minimum(&problem).expect("valid input");
    let proof = enclose(&problem, &best.x, &best.mu).expect("valid input");
    for (k, log_a) in LOG_A.into_iter().enumerate() {
        let entropy = HyperbolicEntropy::uniform(problem.features(), log_a).expect("in range");
        let limit = minimize(&problem, &entropy, &Options::default()).expect("valid input");
        assert!(limit.status.is_converged(), "log a = {log_a}: {}", limit.status);
        let l1: f64 = limit.x.iter().map(|v| v.abs()).sum();
        assert!(l1 >= proof.l1_lower * (1.0 - 1e-12), "log a = {log_a}: {l1}");
        assert!(log_a > -1e6 || l1 <= proof.l1_upper * (1.0 + 1e-4), "{l1}");
        if let Some(dir) = &dump_dir {
            let case = families::Instance { problem: problem.clone(), entropy };
            dump(dir, &format!("{:05}-Spectra", 99_000 + k), &case, &limit);
        }
    }
}

/// The batch kernel, one problem at a time and on a whole ladder of log a.
#[test]
fn batches_of_every_family_end_where_the_limit_solver_does() {
    for (k, family) in FAMILIES.into_iter().enumerate().filter(|(_, f)| *f != Family::ManyA) {
        let case = instance(family, 1000 + k as u64);
        let (d, n) = (case.problem.samples(), case.problem.features());
        let count = LOG_A.len();
        let theta = case.entropy.theta();
        let batch = Batch {
            d,
            n,
            z: case.problem.z_rows(),
            y: &case.problem.y().repeat(count),
            log_a: &LOG_A,
            theta: &theta.repeat(count),
        };
        let done = limits(&batch, &batch::limit::Options::default(), None).expect("valid input");
        for (b, log_a) in LOG_A.into_iter().enumerate() {
            let entropy = HyperbolicEntropy::new(vec![log_a; n], theta.to_vec()).expect("in range");
            let alone =
                minimize(&case.problem, &entropy, &Options::default()).expect("valid input");
            if matches!(alone.status, Status::Deficient { .. }) {
                assert_eq!(done.ending[b], Ending::Dependent, "{family:?}, log a = {log_a}");
                continue;
            }
            assert_eq!(done.ending[b], Ending::Converged, "{family:?}, log a = {log_a}");
            let largest = alone.x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            for (p, q) in done.x[b * n..][..n].iter().zip(&alone.x) {
                let counts = q.abs() > 1e-12 * largest;
                assert!(
                    !counts || (p - q).abs() <= 1e-9 * q.abs(),
                    "{family:?} {log_a}: {p:e} {q:e}"
                );
            }
        }
    }
}

/// Every point of every path converges, and its gap, once it has reached rounding, stays there.
#[test]
fn paths_of_every_family_converge_and_their_gaps_stay_at_rounding() {
    let grid: Vec<f64> = (0..25).map(|k| 20.0 - 60.0 * f64::from(k)).collect();
    for (k, family) in FAMILIES.into_iter().enumerate() {
        for seed in 0..4 {
            let case = instance(family, 2000 + 100 * seed + k as u64);
            let path = path(&case.problem, None, &grid).expect("a valid grid");
            let fine = |s: &Status| s.is_converged() || matches!(s, Status::Deficient { .. });
            assert!(path.status.iter().all(fine), "{family:?} {:?}", path.status);
            let rounding = 1e-12;
            let first = path.gap.iter().position(|g| *g <= rounding).unwrap_or(grid.len());
            assert!(
                path.gap[first..].iter().all(|g| g.abs() <= rounding),
                "{family:?} {:?}",
                path.gap
            );
            // The way to a point does not matter.
            for k in (0..grid.len()).step_by(3).filter(|&k| path.status[k].is_converged()) {
                let entropy =
                    HyperbolicEntropy::uniform(case.problem.features(), grid[k]).expect("in range");
                let limit =
                    minimize(&case.problem, &entropy, &Options::default()).expect("valid input");
                let largest = limit.x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
                let entries = path.x.row(k).to_vec().into_iter().zip(limit.x);
                for (x, right) in entries.filter(|(_, right)| right.abs() > 1e-12 * largest) {
                    let off = (x - right).abs() / right.abs();
                    assert!(off <= 2e-9, "{family:?} {}: {x:e} {right:e}", grid[k]);
                }
            }
        }
    }
}

/// Neither Z nor y says anything: x is where the potential is least.
#[test]
fn paths_without_any_equation_stay_at_the_minimum_of_the_potential() {
    let problem = Problem::new(Array2::zeros((2, 3)), Array1::zeros(2)).expect("valid");
    for grid in [vec![20.0, 0.0, -20.0, -200.0], vec![-200.0, 20.0], vec![-1e6]] {
        let path = path(&problem, None, &grid).expect("a valid grid");
        assert!(path.status.iter().all(|s| s.is_converged()), "{:?}", path.status);
        assert!(path.x.iter().all(|x| *x == 0.0) && path.gap.iter().all(|g| *g == 0.0));
    }
}

/// No equation at all and a tilt that doubles cannot follow: `x = a sinh θ`, `e⁻⁸⁰⁰ sinh 800 = ½`.
#[test]
fn a_tilt_alone_decides_where_there_is_no_equation() {
    let problem = Problem::from_rows(vec![0.0, 0.0], vec![0.0]).expect("valid");
    let entropy = HyperbolicEntropy::new(vec![-800.0; 2], vec![800.0, -800.0]).expect("in range");
    let limit = minimize(&problem, &entropy, &Options::default()).expect("valid input");
    assert!(limit.status.is_converged(), "{limit:?}");
    assert!((limit.x[0] - 0.5).abs() < 1e-12 && (limit.x[1] + 0.5).abs() < 1e-12, "{limit:?}");
    let path = mirrorflow::limit::path::path(&problem, Some(&[5000.0, 0.0]), &[-5000.0]);
    let path = path.expect("a valid grid");
    assert!((path.x[[0, 0]] - 0.5).abs() < 1e-9 && path.x[[0, 1]] == 0.0, "{path:?}");
}

/// A tilt or one a for each entry keeps its meaning: the entropy's dimension is checked.
#[test]
fn an_entropy_of_another_dimension_is_refused() {
    let case = instance(FAMILIES[0], 0);
    let entropy = HyperbolicEntropy::uniform(case.problem.features() + 1, -3.0).expect("valid");
    assert!(minimize(&case.problem, &entropy, &Options::default()).is_err());
}
