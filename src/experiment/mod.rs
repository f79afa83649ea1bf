//! The simulations behind the figures: one function per figure's data, with its constants.
//!
//! | experiment | shows |
//! |---|---|
//! | `fig1a`, `fig1b`, `fig4`, `fig5` | the paper's diagonal linear network ([`linear_network`]) |
//! | `fig1c` | R_a for growing A |
//! | `l1-path`, `error-slope` | argmin R_a from L2 to L1, and how fast it gets there |
//! | `sign-flip` | m, w and x where x₀ has the wrong sign, PILoT and spred |
//! | `bound` | Thm 3.2's bound on the loss, printed and corrected |
//! | `saddle-to-saddle` | the flow for a → 0 |
//! | `phase-portrait` | the plane of (m, w) with level lines of R |
//!
//! A [`Lab`] holds seed, size and device and keeps what several experiments share. The same seed gives the same
//! bits on any number of threads.

mod bound;
mod data;
pub mod label;
mod linear_figures;
pub mod linear_network;
mod path;
mod portrait;
mod potential;
mod sign_flip;
mod slope;
mod staircase;

use std::sync::OnceLock;

pub use data::{Curve, Data};

use crate::{Result, kernels::device::Machines};
use linear_network::Network;

/// How large the experiments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As in the paper.
    Full,
    /// Small and short, to try things out; the figures then show less than they should.
    Quick,
}

/// What an experiment reports while it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// This begins.
    Begin(&'a str),
    /// So much of the work is done, in the units of [`Experiment::work`].
    Done(f64),
}

/// Seed, size, and what the experiments share.
pub struct Lab<'a> {
    /// Seed of problems, starts and batches.
    pub seed: u64,
    /// Full or quick.
    pub size: Size,
    /// Where the gradient descents of the linear network run.
    pub place: Machines,
    watch: &'a (dyn Fn(Event<'_>) + Sync),
    network: OnceLock<Network>,
}

impl<'a> Lab<'a> {
    /// A lab that reports to nobody.
    pub fn new(size: Size, seed: u64) -> Self {
        Self::watched(size, seed, &|_| ())
    }

    /// A lab that reports to `watch`, from any thread.
    pub fn watched(size: Size, seed: u64, watch: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        Self { seed, size, place: Machines::Processor(None), watch, network: OnceLock::new() }
    }

    /// With the gradient descents of the linear network on these devices. Their sums are taken in another order, so that
    /// last digits differ; the data say on which device they were made.
    pub fn on(self, place: Machines) -> Self {
        Self { place, ..self }
    }

    /// The data of one experiment.
    ///
    /// ```
    /// use mirrorflow::experiment::{Lab, Size, all};
    ///
    /// let lab = Lab::new(Size::Quick, 0);
    /// let potential = all().iter().find(|e| e.name == "fig1c").unwrap();
    /// let data = lab.run(potential)?;
    /// assert_eq!(data.seed, None); // nothing random in it
    /// assert!(data.curves.len() > 3);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a run ends early; the message says which and how.
    pub fn run(&self, experiment: &Experiment) -> Result<Data> {
        (self.watch)(Event::Begin(experiment.name));
        let data = (experiment.run)(self)?;
        (self.watch)(Event::Done(experiment.work - experiment.inside));
        Ok(data)
    }

    /// The work these experiments will report in all.
    pub fn work(&self, experiments: &[&Experiment]) -> f64 {
        let shared = if experiments.iter().any(|e| e.network) { linear_network::WORK } else { 0.0 };
        experiments.iter().map(|e| e.work).sum::<f64>() + shared
    }

    /// The gradient descents of the linear network, simulated once.
    pub fn network(&self) -> Result<&Network> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let config = linear_network::Config::new(self.size, self.seed);
        let network = Network::simulate(config, &self.place.list(), self.watch)?;
        Ok(self.network.get_or_init(|| network))
    }

    fn is_quick(&self) -> bool {
        self.size == Size::Quick
    }
}

/// One experiment.
pub struct Experiment {
    /// Name of the figure and of its files.
    pub name: &'static str,
    /// Rough seconds at full size on two cores, beyond what is shared.
    pub work: f64,
    /// What part of the work it reports itself, while it runs.
    inside: f64,
    /// Whether it needs the shared runs of the linear network.
    pub network: bool,
    run: fn(&Lab) -> Result<Data>,
}

/// All experiments, in the order of the paper, then the toolkit's own.
pub fn all() -> &'static [Experiment] {
    const fn cheap(name: &'static str, work: f64, run: fn(&Lab) -> Result<Data>) -> Experiment {
        Experiment { name, work, inside: 0.0, network: false, run }
    }
    const fn network(name: &'static str, inside: f64, run: fn(&Lab) -> Result<Data>) -> Experiment {
        Experiment { name, work: inside + 0.1, inside, network: true, run }
    }
    const ALL: &[Experiment] = &[
        network("fig1a", 0.0, linear_figures::fig1a),
        network("fig1b", 0.0, linear_figures::fig1b),
        cheap("fig1c", 0.1, potential::data),
        network("fig4", 0.0, linear_figures::fig4),
        network("fig5", linear_network::SGD_WORK, linear_figures::fig5),
        cheap("l1-path", 0.5, path::coefficients),
        cheap("error-slope", 0.5, slope::data),
        cheap("sign-flip", 0.5, sign_flip::data),
        cheap("bound", 0.2, bound::data),
        cheap("saddle-to-saddle", 1.0, staircase::data),
        cheap("phase-portrait", 0.2, portrait::data),
    ];
    ALL
}
