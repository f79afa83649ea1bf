//! A configuration checked and turned into what a run needs.

mod check;
mod memory;
mod method;

use std::{path::Path, sync::Arc};

use mirrorflow::{
    Result,
    kernels::{
        array::{Buffer, Home},
        mask_weight::Optimizer,
    },
};
use rand::Rng as _;
use rand_distr::StandardNormal;

pub use memory::Memory;
pub(crate) use method::kept;

use crate::{
    config::{Config, Settings, Source, domain},
    data::{self, Dataset, Purpose, has_room, stream},
    method::{Slot, Strength, slots},
    network::{self, Network, Role},
};

/// All that a run needs, checked.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The configuration.
    pub config: Settings,
    /// The file it was written in, for what a run says of itself.
    pub written: Config,
    /// The network.
    pub network: Network,
    /// Training, validation (where asked for) and test images.
    pub train: Arc<Dataset>,
    /// See `train`.
    pub validation: Option<Arc<Dataset>>,
    /// See `train`.
    pub test: Arc<Dataset>,
    /// The strength of the method's own penalty.
    pub strength: Strength,
    /// That of α(‖m‖²+‖w‖²) beside it.
    pub factors: Strength,
    /// Steps of an epoch.
    pub steps: usize,
    /// How many training and test images there are.
    pub images: [usize; 2],
    /// Where it runs: the processor, until something else is set.
    pub device: Home,
    pub(crate) weights: Vec<Slot>,
    pub(crate) rest: Vec<Slot>,
}

impl Setup {
    /// Checks a configuration and opens its data, in `folder` where given.
    ///
    /// # Errors
    /// When a value is out of range, does not go with another, or the data cannot be read.
    pub fn new(written: Config, folder: Option<&Path>) -> Result<Self> {
        let config = Settings::of(&written)?;
        let (train, test) = open(&config, folder)?;
        Self::with(config, written, &train, &Arc::new(test))
    }

    /// As [`Setup::new`], but where the data are known by name and no folder is given, with a few
    /// images of noise of their shape: enough to say what training would take.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn rehearsal(written: Config, folder: Option<&Path>) -> Result<Self> {
        let config = Settings::of(&written)?;
        let known = match &config.data.source {
            Source::Set(set, given) if folder.or(given.as_deref()).is_none() => set.known(),
            _ => None,
        };
        let Some(known) = known else { return Self::new(written, folder) };
        let [all, test] = known.images;
        let (train, validation) = (check::images(&config, all)?, config.data.validation);
        if validation >= train {
            let right = format!("fewer than its {train} training images");
            return Err(domain("data.validation", &right, &validation.to_string()));
        }
        let mut few = config.clone();
        (few.data.validation, few.data.images) = (0, None);
        let noise = data::generated(known.shape, known.classes, 8, 0);
        let setup = Self::with(few, written, &noise, &Arc::new(noise.first(2)))?;
        let (images, t) = (train - validation, &config.train);
        let steps = batches(images, t.batch).min(t.steps.unwrap_or(usize::MAX));
        let setup = Self { config, images: [images, test], steps, ..setup };
        check::steps(&setup)?;
        Ok(setup)
    }

    /// Checks a configuration whose data are open already.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn on(written: Config, train: &Dataset, test: &Arc<Dataset>) -> Result<Self> {
        Self::with(Settings::of(&written)?, written, train, test)
    }

    fn with(
        config: Settings,
        written: Config,
        train: &Dataset,
        test: &Arc<Dataset>,
    ) -> Result<Self> {
        let c = &config;
        check::images(c, train.len())?;
        let first = c.data.images.map(|n| train.first(n));
        let train = first.as_ref().unwrap_or(train);
        let (train, validation) = match c.data.validation {
            0 => (train.clone(), None),
            count => {
                let (train, validation) = train.split(count, c.seed)?;
                (train, Some(Arc::new(validation)))
            }
        };
        let network = network::named(&c.network.name, train.shape, train.classes)?;
        let crop = c.data.augment.crop;
        if crop > train.shape.height.min(train.shape.width) {
            return Err(domain("data.crop", "no more than the image", &crop.to_string()));
        }
        let steps = batches(train.len(), c.train.batch).min(c.train.steps.unwrap_or(usize::MAX));
        check::batches(c, &network, train.len(), steps)?;
        let (strength, factors) = method::strengths(c, steps)?;
        let (weights, rest) = slots(&network);
        let (train, test) = (Arc::new(train), Arc::clone(test));
        let setup = Self {
            images: [train.len(), test.len()],
            network,
            train,
            validation,
            test,
            strength,
            factors,
            steps,
            device: Home::Processor,
            weights,
            rest,
            config,
            written,
        };
        // All that can be wrong with it, before anything is run.
        setup.method_of(&Home::Processor, 1)?;
        method::check_target(&setup)?;
        check::decay(&setup)?;
        Ok(setup)
    }

    /// The same with the plain weights, nothing beside the loss and nothing pruned.
    ///
    /// # Errors
    /// Never: what remains was valid.
    pub(crate) fn plain(&self) -> Result<Self> {
        let plain = Self::with(self.config.plain(), self.written.clone(), &self.train, &self.test)?;
        Ok(Self { device: self.device.clone(), ..plain })
    }

    /// The optimiser at time t in epochs.
    pub(crate) fn optimizer(&self, t: f64) -> Optimizer {
        self.config.optimizer.at(self.config.rate.at(t))
    }

    /// Kaiming's normal weights, `N(0, 2/fan_in)`; biases and shifts 0, scales 1.
    pub(crate) fn initial(&self) -> Buffer<f32> {
        let mut x = Buffer::new(self.network.parameter_count());
        for (number, parameter) in self.network.parameters().iter().enumerate() {
            let x = &mut x[parameter.range()];
            match parameter.role {
                Role::Weight => {
                    let deviation = (2.0 / parameter.fan_in() as f64).sqrt();
                    let mut rng = stream(self.config.seed, Purpose::Weights, number as u64);
                    x.fill_with(|| (rng.sample::<f64, _>(StandardNormal) * deviation) as f32);
                }
                Role::Embedding => {
                    // torchvision's ViT.
                    let mut rng = stream(self.config.seed, Purpose::Weights, number as u64);
                    x.fill_with(|| (0.02 * rng.sample::<f64, _>(StandardNormal)) as f32);
                }
                Role::Scale => x.fill(1.0),
                Role::Bias | Role::Shift => x.fill(0.0),
            }
        }
        x
    }

    /// Steps of all epochs of all cycles.
    pub fn all_steps(&self) -> u64 {
        self.steps as u64 * self.config.all_epochs()
    }
}

fn batches(images: usize, batch: usize) -> usize {
    // A last batch of one image is left out.
    let whole = images.div_ceil(batch);
    if batch > 1 && images % batch == 1 { whole - 1 } else { whole }
}

/// The training and the test images of a configuration, in `folder` where given.
pub(crate) fn open(c: &Settings, folder: Option<&Path>) -> Result<(Dataset, Dataset)> {
    let (shape, classes, count) = match &c.data.source {
        Source::Set(set, given) => return set.open(folder.or(given.as_deref())),
        Source::Generated { shape, classes, count } => (*shape, *classes, *count),
    };
    let bytes = [shape.height, shape.width, shape.channels];
    let bytes = bytes.into_iter().fold(count, usize::saturating_mul);
    // Training and test images, each with its labels, and a part of them.
    if !has_room(bytes.saturating_add(count.saturating_mul(4)).saturating_mul(3)) {
        let found = format!("{count} of {}×{}×{}", shape.height, shape.width, shape.channels);
        return Err(domain("data.images", "as many as fit into memory", &found));
    }
    let make = |seed| data::generated(shape, classes, count, seed);
    Ok((make(c.seed), make(c.seed.wrapping_add(1))))
}
