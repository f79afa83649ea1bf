//! The paper's Fig. 1a, 1b, 4 and 5 from the runs of the [linear network](super::linear_network).

use super::{
    Curve, Data, Event, Lab,
    linear_network::{
        CONSTANTS, Config, Descent, Network, Runs, SGD_WORK, Setting, schedule_name, schedules,
    },
};
use crate::numerics::exact::sums::norm2;
use crate::{Error, Result};

impl Network {
    fn of(&self, setting: Setting) -> impl Iterator<Item = &Runs> {
        self.runs.iter().filter(move |r| r.setting == setting)
    }

    /// The schedule of a setting with the least mean error at the end, among those allowed.
    fn best(&self, setting: Setting, allowed: impl Fn(usize) -> bool) -> Result<&Runs> {
        let allowed = self.of(setting).filter(|r| allowed(r.schedule));
        allowed.min_by(|p, q| p.end().total_cmp(&q.end())).ok_or_else(|| Error::Domain {
            what: format!("the runs of {}", setting.name()),
            expected: "one schedule or more".into(),
            found: "none".into(),
        })
    }

    fn truth(&self) -> &[f64] {
        self.problem.x_true().unwrap_or_default()
    }

    fn data(&self, figure: &str, lab: &Lab) -> Data {
        let schedules: Vec<String> =
            schedules(self.config.step).iter().map(ToString::to_string).collect();
        let config = serde_json::json!({ "network": self.config, "schedules_in_k": schedules,
            "device": lab.place.to_string() });
        let mut data = Data::new(figure, Some(self.config.seed), config);
        data.numbers.insert("norm of x*".into(), norm2(self.truth()));
        data
    }

    fn name(&self, runs: &Runs) -> String {
        let schedule = &schedules(self.config.step)[runs.schedule];
        format!("{}, {}", runs.setting.name(), schedule_name(schedule))
    }
}

/// PILoT's start against spred's under all schedules; and for each start how near PILoT's best schedule ends, how
/// near spred ever comes under any schedule, and what is out of its reach.
pub(super) fn fig1a(lab: &Lab) -> Result<Data> {
    let network = lab.network()?;
    let mut data = network.data("fig1a", lab);
    for setting in [Setting::Spred, Setting::Pilot] {
        for runs in network.of(setting) {
            data.curves.push(runs.curve(&network.steps, network.name(runs)));
        }
    }
    let starts = || (1..=network.starts.len()).map(|k| k as f64).collect::<Vec<f64>>();
    let best = network.best(Setting::Pilot, |_| true)?;
    let ends = best.errors.iter().map(|e| e.last().copied().unwrap_or(f64::NAN)).collect();
    let ever = |s: usize| {
        let errors = network.of(Setting::Spred).flat_map(|r| r.errors[s].iter().copied());
        errors.fold(f64::INFINITY, f64::min)
    };
    let ever = (0..network.starts.len()).map(ever).collect();
    let reach = |x0: &Vec<f64>| Config::out_of_reach(x0, network.truth());
    let reach = network.starts.iter().map(reach).collect();
    for (series, values) in [("PILoT", ends), ("spred", ever), ("out of reach", reach)] {
        data.curves.push(Curve::new(series, starts(), values).in_panel("starts"));
    }
    Ok(data)
}

/// The best schedule of each setting, and PILoT's best constant and best decay.
pub(super) fn fig1b(lab: &Lab) -> Result<Data> {
    let network = lab.network()?;
    let mut data = network.data("fig1b", lab);
    let is_constant = |k: usize| k < CONSTANTS;
    let chosen = [
        network.best(Setting::Pilot, |k| !is_constant(k)),
        network.best(Setting::Pilot, is_constant),
        network.best(Setting::MaskL1, is_constant),
        network.best(Setting::MaskL1, |k| !is_constant(k)),
        network.best(Setting::PlainL1, is_constant),
        network.best(Setting::PlainL1, |k| !is_constant(k)),
        network.best(Setting::Spred, |_| true),
    ];
    for runs in chosen {
        let runs = runs?;
        data.curves.push(runs.curve(&network.steps, network.name(runs)));
    }
    Ok(data)
}

/// Every run of the three settings the paper shows.
pub(super) fn fig4(lab: &Lab) -> Result<Data> {
    let network = lab.network()?;
    let mut data = network.data("fig4", lab);
    for setting in [Setting::Pilot, Setting::MaskL1, Setting::PlainL1] {
        for (runs, schedule) in network.of(setting).zip(&schedules(network.config.step)) {
            let curve = runs.curve(&network.steps, schedule_name(schedule));
            data.curves.push(curve.in_panel(setting.name()));
        }
    }
    Ok(data)
}

/// The best schedules of gradient descent, by SGD.
pub(super) fn fig5(lab: &Lab) -> Result<Data> {
    let network = lab.network()?;
    let mut data = network.data("fig5", lab);
    let config = &network.config;
    let settings = [Setting::Pilot, Setting::MaskL1, Setting::PlainL1];
    for setting in settings {
        let best = network.best(setting, |_| true)?;
        let repeats = config.batch_seeds;
        // A seed for each start and repeat, the same in all settings.
        let seed = |start: usize, repeat: usize| {
            config.seed.wrapping_mul(1000).wrapping_add((start * repeats + repeat) as u64)
        };
        (lab.watch)(Event::Begin("fig5"));
        let how = Descent {
            chosen: &[best.schedule],
            repeats,
            batch: Some(config.batch),
            work: SGD_WORK / settings.len() as f64,
        };
        let runs = network.descend(setting, how, seed, &lab.place.list(), lab.watch)?;
        let name = network.name(best);
        data.curves.push(best.curve(&network.steps, name.clone()).in_panel("GD"));
        data.curves
            .extend(runs.iter().map(|r| r.curve(&network.steps, name.clone()).in_panel("SGD")));
    }
    Ok(data)
}
