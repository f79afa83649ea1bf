//! The linear network behind the figures on every machine against the processor.
//!
//! *Tolerance.* As for the workload of Fig. 1: rounding adds at most 3u to the relative error of m ± w in each step, u = 2⁻⁵³, so that
//! after K steps two programs differ in x by at most `24 K u √(x² + a²)`, a ≤ ½; for x itself by less. In ‖x − x*‖₂ that is at most
//! `24 K u (‖x‖ + ½√n)`, and ‖x‖ is at most its error and ‖x*‖.

use mirrorflow::{
    Result,
    experiment::{
        Size,
        linear_network::{Config, Network},
    },
};
use mirrorflow_kernels_on_host::machines;

#[test]
fn the_network_of_the_figures_runs_on_every_machine() -> Result<()> {
    let config = Config { steps: 150, records: 6, starts: 2, ..Config::new(Size::Quick, 3) };
    let tolerance = 24.0 * config.steps as f64 * 0.5 * f64::EPSILON;
    let beside = (config.sparsity as f64).sqrt() + 0.5 * (config.features as f64).sqrt();
    let expected = Network::simulate(config.clone(), &[], &|_| ())?;
    for machine in &machines() {
        let found = Network::simulate(config.clone(), &[machine.as_ref()], &|_| ())?;
        assert_eq!(found.runs().len(), 28);
        for (p, q) in found.runs().iter().zip(expected.runs()) {
            assert_eq!((p.setting, p.schedule), (q.setting, q.schedule));
            for (a, b) in p.errors.iter().flatten().zip(q.errors.iter().flatten()) {
                let most = tolerance * (b + beside);
                assert!((a - b).abs() <= most, "{}: {a} against {b}", machine.name());
            }
        }
    }
    Ok(())
}
