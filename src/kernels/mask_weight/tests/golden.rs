//! Against PyTorch: `tests/data/mask_weight_golden.npz` (made by `tools/mask_weight_golden.py`).

use std::fs::File;

use ndarray::{Array1, Array2, Dimension};
use ndarray_npy::{NpzReader, ReadableElement};

use crate::kernels::mask_weight::{host::*, *};

struct Golden(NpzReader<File>);

impl Golden {
    fn open() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mask_weight_golden.npz");
        Self(NpzReader::new(File::open(path).unwrap()).unwrap())
    }

    fn vector<C: Compute + ReadableElement>(&mut self, name: &str) -> Vec<C> {
        let array: Array1<C> = self.0.by_name(&key::<C>(name)).unwrap();
        array.to_vec()
    }

    fn rows<C: Compute + ReadableElement>(&mut self, name: &str) -> Vec<Vec<C>> {
        let array: Array2<C> = self.0.by_name(&key::<C>(name)).unwrap();
        assert_eq!(array.raw_dim().ndim(), 2);
        array.outer_iter().map(|row| row.to_vec()).collect()
    }
}

fn key<C: Compute>(name: &str) -> String {
    format!("{}_{name}", C::NAME.to_lowercase())
}

/// The unit roundoff of C.
fn unit<C: Compute>() -> f64 {
    if C::NAME == "F32" { 2.0_f64.powi(-24) } else { 2.0_f64.powi(-53) }
}

fn close<C: Compute>(what: &str, found: &[C], truth: &[C], roundings: f64, size: f64) {
    assert_eq!(found.len(), truth.len());
    let bound = roundings * size * unit::<C>();
    for (i, (a, b)) in found.iter().zip(truth).enumerate() {
        let off = (a.wide() - b.wide()).abs();
        assert!(off <= bound, "{what}[{i}]: {a:?}, PyTorch {b:?}, {off:e} > {bound:e}");
    }
}

const RATE: f64 = 0.05;
const ALPHA: f64 = 0.03;
const L1: f64 = 0.02;

fn optimizers() -> Vec<(&'static str, Optimizer, FactorPenalty)> {
    let sgd = |momentum, nesterov| Optimizer::Sgd(Sgd { rate: RATE, momentum, nesterov });
    let adam = |betas, decoupled| {
        Optimizer::Adam(Adam { rate: RATE, betas, decoupled, ..Adam::default() })
    };
    let none = FactorPenalty::default();
    let decay = FactorPenalty { factors: ALPHA, ..none };
    vec![
        ("sgd", sgd(0.0, false), none),
        ("momentum", sgd(0.9, false), decay),
        ("nesterov", sgd(0.9, true), decay),
        ("mask_l1", sgd(0.9, false), FactorPenalty { mask_l1: L1, ..none }),
        ("l1", sgd(0.9, false), FactorPenalty { l1: L1, ..none }),
        ("adam", adam((0.9, 0.999), false), decay),
        ("adamw", adam((0.8, 0.99), true), decay),
    ]
}

fn optimizers_are_those_of_pytorch<C: Compute + ReadableElement>() {
    let mut golden = Golden::open();
    let g = golden.rows::<C>("g");
    let n = g[0].len();
    for (name, optimizer, penalty) in optimizers() {
        let (mut m, mut w) = (golden.vector::<C>("m0"), golden.vector::<C>("w0"));
        let mut x = golden.vector::<C>("x0");
        let states = optimizer.states();
        let zeros = || [0, 1].map(|k| vec![C::ZERO; if k < states { n } else { 0 }]);
        let (mut of_m, mut of_w, mut of_x) = (zeros(), zeros(), zeros());
        let mut product = vec![C::ZERO; n];
        let (true_m, true_w) =
            (golden.rows::<C>(&format!("{name}_m")), golden.rows::<C>(&format!("{name}_w")));
        let true_x = (penalty.mask_l1 == 0.0).then(|| golden.rows::<C>(&format!("{name}_x")));
        let plain = PlainPenalty { weight_decay: 2.0 * penalty.factors, l1: penalty.l1 };
        for (k, g) in g.iter().enumerate() {
            let step = k as u64 + 1;
            let [a, b] = &mut of_m;
            let of_m = Parameter { value: &mut m, state: [a, b] };
            let [a, b] = &mut of_w;
            let of_w = Parameter { value: &mut w, state: [a, b] };
            let health =
                update_factors(&optimizer, step, &penalty, of_m, of_w, g, None, &mut product);
            assert!(health.unwrap().is_finite());
            // A dozen roundings a step, of numbers below 4, in another order there.
            let roundings = 12.0 * step as f64;
            close(&format!("{name} {step} m"), &m, &true_m[k], roundings, 4.0);
            close(&format!("{name} {step} w"), &w, &true_w[k], roundings, 4.0);
            for i in 0..n {
                assert_eq!(product[i], m[i] * w[i]);
            }
            if let Some(truth) = &true_x {
                let [a, b] = &mut of_x;
                let of_x = Parameter { value: &mut x, state: [a, b] };
                let health = update_plain(&optimizer, step, &plain, of_x, g, None);
                assert!(health.unwrap().is_finite());
                close(&format!("{name} {step} x"), &x, &truth[k], roundings, 4.0);
            }
        }
    }
}

fn reparameterizations_are_those_of_pytorch<C: Compute + ReadableElement>() {
    let mut golden = Golden::open();
    let g = golden.rows::<C>("g").swap_remove(0);
    let (theta, w) = (golden.vector::<C>("x0"), golden.vector::<C>("w0"));
    let n = g.len();
    let (mut a, mut b) = (vec![C::ZERO; n], vec![C::ZERO; n]);

    soft_threshold(&theta, -0.5, &mut a).unwrap();
    close("STR x", &a, &golden.vector("str_x"), 4.0, 4.0);
    let g_s = soft_threshold_backward(&theta, -0.5, &g, &mut a).unwrap();
    close("STR gθ", &a, &golden.vector("str_gtheta"), 0.0, 1.0);
    let name = key::<C>("str_gs");
    let truth: ndarray::Array0<C> = golden.0.by_name(&name).unwrap();
    // n numbers below 4, summed there in C.
    close("STR gs", &[C::narrow(g_s)], &[*truth.first().unwrap()], n as f64, 4.0);

    for p in ["1.375", "2.0", "3.0", "4.5"] {
        let exponent: f64 = p.parse().unwrap();
        power(&theta, exponent, &mut a).unwrap();
        let truth: Vec<C> = golden.vector(&format!("power{p}_x"));
        let size = truth.iter().fold(1.0, |s: f64, v| s.max(v.wide().abs()));
        close("power x", &a, &truth, 4.0, size);
        power_backward(&theta, exponent, &g, &mut a).unwrap();
        let truth: Vec<C> = golden.vector(&format!("power{p}_gtheta"));
        let size = truth.iter().fold(1.0, |s: f64, v| s.max(v.wide().abs()));
        // Autograd adds |θ|^{p−1} and θ(p−1)|θ|^{p−2} sign θ.
        close("power gθ", &a, &truth, 10.0, size);
    }

    sigmoid_mask(&theta, &w, 3.0, &mut a).unwrap();
    close("sigmoid x", &a, &golden.vector("sigmoid_x"), 10.0, 4.0);
    sigmoid_mask_backward(&theta, &w, 3.0, 0.1, &g, &mut a, &mut b).unwrap();
    close("sigmoid gs", &a, &golden.vector("sigmoid_gs"), 20.0, 4.0);
    close("sigmoid gw", &b, &golden.vector("sigmoid_gw"), 10.0, 4.0);

    a.copy_from_slice(&theta);
    ham_step(&Ham { rate: RATE, alpha: 200.0, beta: 1e-3 }, &g, &mut a).unwrap();
    // The exponent, up to 5, carries a relative error of 3 roundings into e^{…} ≤ 150.
    close("HAM", &a, &golden.vector("ham"), 5.0 * 3.0 + 4.0, 4.0 * 150.0);
}

#[test]
fn optimizers_in_f64_are_those_of_pytorch() {
    optimizers_are_those_of_pytorch::<f64>();
}

#[test]
fn optimizers_in_f32_are_those_of_pytorch() {
    optimizers_are_those_of_pytorch::<f32>();
}

#[test]
fn reparameterizations_in_f64_are_those_of_pytorch() {
    reparameterizations_are_those_of_pytorch::<f64>();
}

#[test]
fn reparameterizations_in_f32_are_those_of_pytorch() {
    reparameterizations_are_those_of_pytorch::<f32>();
}
