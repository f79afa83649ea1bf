//! What a method costs beside training the plain weights: memory as counted, time as measured.
//!
//! Time: steps of both, in turns, on the same images and threads, after one of each that does not
//! count; the median of the turns' times and of their ratios, so that what else the machine does
//! falls on both. A network of n weights with m⊙w trains n numbers more, with as many states of the
//! optimiser, and keeps x: with momentum three numbers a weight more, 12 bytes in f32.

use std::{path::Path, time::Instant};

use mirrorflow::{Result, io::write_atomically};

use super::label;
use crate::{
    setup::{Memory, Setup},
    train::trainer::Trainer,
};

/// Seconds of a turn, and turns.
const TURN: f64 = 0.04;
const TURNS: usize = 9;
/// No measuring of steps longer than this, in seconds.
const LONGEST: f64 = 3.0;

/// The price of a method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overhead {
    /// Milliseconds of a step of the method, and of one of the plain network.
    pub milliseconds: [f64; 2],
    /// Median ratio of the two.
    pub time: f64,
    /// What the method's run takes, and the plain one.
    pub memory: [Memory; 2],
}

impl Overhead {
    /// Measures it; nothing where a step takes longer than three seconds.
    ///
    /// # Errors
    /// When images cannot be read.
    pub fn measure(setup: &Setup) -> Result<Option<Self>> {
        let plain = setup.plain()?;
        let setups = [setup, &plain];
        let mut longest = 0.0_f64;
        for setup in setups {
            longest = longest.max(turn(&mut Trainer::new(setup)?, 1)?);
        }
        if longest > LONGEST {
            return Ok(None);
        }
        let steps = ((TURN / longest.max(1e-9)) as usize).clamp(1, 1000);
        let mut trainers = [Trainer::new(setup)?, Trainer::new(&plain)?];
        let mut times = Vec::new();
        for round in 0..=TURNS {
            let mut pair = [0.0; 2];
            // Who goes first changes from turn to turn.
            for k in [round % 2, 1 - round % 2] {
                pair[k] = turn(&mut trainers[k], steps)?;
            }
            // The first turn warms up.
            if round > 0 {
                times.push(pair);
            }
        }
        let milliseconds = [0, 1].map(|k| 1e3 * median(times.iter().map(|t| t[k]).collect()));
        let time = median(times.iter().map(|t| t[0] / t[1]).collect());
        Ok(Some(Self { milliseconds, time, memory: [setup.memory()?, plain.memory()?] }))
    }

    /// The shares of memory: of what is trained with its states and gradient, and of all with the
    /// activations.
    pub fn memory_ratios(&self) -> [f64; 2] {
        let [method, plain] = self.memory;
        let ratio = |of: fn(&Memory) -> usize| of(&method) as f64 / of(&plain).max(1) as f64;
        [ratio(|m| m.parameters + m.optimizer + m.gradient), ratio(Memory::total)]
    }
}

/// Seconds of a step, over `steps` of them.
fn turn(trainer: &mut Trainer<'_>, steps: usize) -> Result<f64> {
    let started = Instant::now();
    trainer.some_steps(steps)?;
    Ok(started.elapsed().as_secs_f64() / steps as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `overhead.csv` and `.tex`: a line for each method.
pub(crate) fn write(out: &Path, rows: &[(String, Overhead)]) -> Result<()> {
    let mut csv = String::from(
        "method,ms_per_step,plain_ms_per_step,time_ratio,bytes,plain_bytes,memory_ratio_without_activations,memory_ratio\n",
    );
    let mut tex = String::from(
        "% A step and the memory of training, each against the plain network's.\n\\begin{tabular}{lrrrr}\n\\toprule\n\
         method & step [ms] & time & memory without activations & memory \\\\\n\\midrule\n",
    );
    for (label, o) in rows {
        let ([method, plain], [bare, all]) = (o.milliseconds, o.memory_ratios());
        let [bytes, plain_bytes] = o.memory.map(|m| m.total());
        let (quoted, label) = (label::field(label), label::latex(label));
        csv.push_str(&format!(
            "{quoted},{method:.4},{plain:.4},{:.4},{bytes},{plain_bytes},{bare:.4},{all:.4}\n",
            o.time
        ));
        tex.push_str(&format!(
            "{label} & {method:.3} & {:.2} & {bare:.2} & {all:.2} \\\\\n",
            o.time
        ));
    }
    tex.push_str("\\bottomrule\n\\end{tabular}\n");
    write_atomically(out.join("overhead.csv"), csv.as_bytes())?;
    write_atomically(out.join("overhead.tex"), tex.as_bytes())
}
