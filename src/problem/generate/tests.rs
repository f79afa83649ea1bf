use proptest::prelude::*;

use super::*;

fn designs() -> impl Strategy<Value = Design> {
    prop_oneof![
        Just(Design::Gaussian),
        Just(Design::Rademacher),
        (-0.9..0.9_f64).prop_map(|rho| Design::Correlated { rho }),
        Just(Design::OrthonormalRows),
        Just(Design::Spikes { density: 0.1, height: 5.0, noise: 0.1 }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn same_seed_same_bits_and_another_seed_others(
        design in designs(), d in 2_usize..8, extra in 1_usize..12, seed in any::<u64>(),
    ) {
        let make = |seed| Generator {
            samples: d, features: d + extra, design, targets: Targets::Random, seed,
        }.problem();
        let (first, other) = (make(seed)?, make(seed.wrapping_add(1))?);
        prop_assert_eq!(&first, &make(seed)?);
        prop_assert_ne!(first.y(), other.y());
    }

    #[test]
    fn a_planted_truth_solves_its_problem(
        design in designs(), d in 2_usize..8, extra in 1_usize..12, seed in any::<u64>(), k in 0_usize..5,
    ) {
        let n = d + extra;
        let sparsity = k.min(n);
        let targets = Targets::Planted { sparsity, values: Values::Signs, noise: 0.0 };
        let problem = Generator { samples: d, features: n, design, targets, seed }.problem()?;
        let truth = problem.x_true().expect("planted");
        prop_assert_eq!(truth.iter().filter(|v| **v != 0.0).count(), sparsity);
        for j in 0..d {
            let row = &problem.z_rows()[j * n..(j + 1) * n];
            let zx: f64 = row.iter().zip(truth).map(|(z, x)| z * x).sum();
            prop_assert_eq!(zx, problem.y()[j]);
        }
    }

    #[test]
    fn orthonormal_rows_are_orthonormal(d in 1_usize..8, extra in 0_usize..12, seed in any::<u64>()) {
        let n = d + extra;
        let problem = Generator {
            samples: d, features: n, design: Design::OrthonormalRows, targets: Targets::Random, seed,
        }.problem()?;
        for i in 0..d {
            for j in 0..d {
                let (a, b) = (&problem.z_rows()[i * n..(i + 1) * n], &problem.z_rows()[j * n..(j + 1) * n]);
                let inner: f64 = a.iter().zip(b).map(|(p, q)| p * q).sum();
                prop_assert!((inner - f64::from(u8::from(i == j))).abs() < 1e-13);
            }
        }
    }
}

#[test]
fn moments_are_those_of_the_design() {
    // 40 000 entries: a mean of N(0, 1) or ±1 entries has deviation 1/200; 5 of them allow 1e-6.
    for design in [Design::Gaussian, Design::Rademacher, Design::Correlated { rho: 0.0 }] {
        let generator =
            Generator { samples: 200, features: 200, design, targets: Targets::Random, seed: 3 };
        let problem = generator.problem().expect("valid");
        let count = 40_000.0;
        let mean: f64 = problem.z_rows().iter().sum::<f64>() / count;
        let square: f64 = problem.z_rows().iter().map(|v| v * v).sum::<f64>() / count;
        assert!(mean.abs() < 5.0 / 200.0, "{design:?}: mean {mean}");
        // The variance of a squared normal is 2.
        assert!((square - 1.0).abs() < 5.0 * 2f64.sqrt() / 200.0, "{design:?}: {square}");
    }
}

#[test]
fn impossible_recipes_say_what_would_be_right() {
    let good = Generator::gaussian(4, 8, 2, 0);
    for bad in [
        Generator { samples: 0, ..good },
        Generator { features: 0, ..good },
        Generator::gaussian(4, 8, 9, 0),
        Generator { design: Design::Correlated { rho: 1.0 }, ..good },
        Generator { samples: 9, design: Design::OrthonormalRows, ..good },
        Generator { design: Design::Spikes { density: 1.5, height: 1.0, noise: 0.0 }, ..good },
    ] {
        let text = bad.problem().expect_err("impossible").to_string();
        assert!(text.contains("expected"), "{text}");
    }
}

/// FNV-1a of the bits of Z, y and x_true.
fn fingerprint(problem: &Problem) -> u64 {
    let numbers = problem.z_rows().iter().chain(problem.y()).chain(problem.x_true().unwrap_or(&[]));
    let bytes = numbers.flat_map(|v| v.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Pinned: a change here breaks everything that quotes a seed.
#[test]
fn a_seed_gives_the_same_bits_in_every_release() {
    let planted = Targets::Planted { sparsity: 4, values: Values::Signs, noise: 0.0 };
    let spikes = Design::Spikes { density: 0.1, height: 3.0, noise: 0.1 };
    let found = [
        (Design::Gaussian, planted),
        (Design::Rademacher, planted),
        (Design::Correlated { rho: 0.9 }, Targets::Random),
        (Design::OrthonormalRows, planted),
        (spikes, Targets::Random),
    ]
    .map(|(design, targets)| {
        let generator = Generator { samples: 30, features: 80, design, targets, seed: 11 };
        fingerprint(&generator.problem().expect("valid"))
    });
    let pinned: [u64; 5] = [
        0x0c66_b461_33a4_509d,
        0x43c4_3439_c115_0265,
        0xccfb_86f4_efe1_7df8,
        0xed79_0995_362f_9df8,
        0xc2db_0b3d_b4a4_824d,
    ];
    assert_eq!(found, pinned, "{found:#x?}");
}
