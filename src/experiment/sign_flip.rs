//! A coordinate that starts with the wrong sign: the flow of (m, w) from PILoT's start (β = 1) takes x_i through
//! 0, that from spred's (β = 0, the same x₀) cannot, since one of m ± w is 0 for all time.
//! Problem and x₀ are those of the linear network; weight decay `3e^{−t}`, that is A_∞ = 3.

use super::{Curve, Data, Lab, linear_network::Config};
use crate::{
    Error, Result,
    flow::Primal,
    integrate::{Options, integrate},
    parameterization::Start,
    problem::Loss,
    schedule::Schedule,
};

const END: f64 = 40.0;
/// From here on points are evenly spaced in log t; 0 is the first.
const FROM: f64 = 0.01;
const POINTS: usize = 241;

pub(super) fn data(lab: &Lab) -> Result<Data> {
    let network = Config::new(lab.size, lab.seed);
    let (problem, starts) = (network.problem()?, network.starts());
    let truth = problem.x_true().unwrap_or_default().to_vec();
    let schedule = Schedule::Geometric { c: 3.0, r: 1.0 };
    // The start and coordinate that is furthest on the wrong side.
    let wrong = |(s, x0): (usize, &Vec<f64>)| -> Option<(usize, usize, f64)> {
        let against = x0.iter().zip(&truth).enumerate().map(|(i, (x, t))| (s, i, -x * t));
        against.max_by(|p, q| p.2.total_cmp(&q.2))
    };
    let found = starts.iter().enumerate().filter_map(wrong).max_by(|p, q| p.2.total_cmp(&q.2));
    let Some((start, i, _)) = found.filter(|f| f.2 > 0.0) else {
        return Err(Error::Domain {
            what: format!("the starts of seed {}", lab.seed),
            expected: "one with a wrong sign on the support; take another seed".into(),
            found: "none".into(),
        });
    };
    let config = serde_json::json!({ "network": network, "schedule": schedule.to_string(),
        "start": start, "coordinate": i, "end": END });
    let mut data = Data::new("sign-flip", Some(lab.seed), config);
    let spread = |k: usize| FROM * (END / FROM).powf(k as f64 / (POINTS - 1) as f64);
    let mut times = vec![0.0];
    times.extend((0..POINTS).map(|k| spread(k).min(END)));
    let x0 = &starts[start];
    for (panel, start) in [("PILoT", Start::pilot(x0, network.beta)?), ("spred", Start::spred(x0)?)]
    {
        let flow = Primal::from_start(&problem, Loss::Squared, schedule.clone(), &start)?;
        let run = integrate(&flow, &Options::until(END).with_times(&times))?;
        if !run.outcome.is_complete() {
            return Err(Error::Domain {
                what: format!("the flow of {panel}"),
                expected: format!("to reach t = {END}"),
                found: run.outcome.to_string(),
            });
        }
        let factors = run.state.outer_iter().map(|state| {
            let (m, w) = flow.factors(&state.to_vec());
            (m[i], w[i])
        });
        let (m, w): (Vec<f64>, Vec<f64>) = factors.unzip();
        for (name, column) in [("m", m), ("w", w), ("x", run.x.column(i).to_vec())] {
            data.curves.push(Curve::new(name, run.t.clone(), column).in_panel(panel));
        }
        let error = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter().zip(&truth).map(|(x, t)| (x - t).powi(2)).sum::<f64>().sqrt()
        };
        let errors: Vec<f64> = run.x.outer_iter().map(error).collect();
        data.numbers.insert(
            format!("error at the end, {panel}"),
            errors.last().copied().unwrap_or(f64::NAN),
        );
    }
    data.numbers.insert("truth".into(), truth[i]);
    data.numbers.insert("out of reach of spred".into(), Config::out_of_reach(x0, &truth));
    Ok(data)
}
