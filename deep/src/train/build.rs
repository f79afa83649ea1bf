//! A configuration checked and turned into what a run needs.

use std::{path::Path, sync::Arc};

use mirrorflow::{
    Error, Result,
    kernels::{
        array::{Buffer, Home},
        mask_weight::{Adam, Optimizer, Sgd},
    },
};
use rand::Rng as _;
use rand_distr::StandardNormal;

use super::{Config, PruneConfig, Rate, check, combine};
use crate::{
    data::{self, Augment, Dataset, Purpose, stream},
    method::{Place, Strength, places},
    network::{self, Network, Role},
    room::has_room,
};

/// All that a run needs, checked.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The network.
    pub network: Network,
    /// Training, validation (where asked for) and test images.
    pub train: Arc<Dataset>,
    /// See `train`.
    pub validation: Option<Arc<Dataset>>,
    /// See `train`.
    pub test: Arc<Dataset>,
    /// Augmentation of training images.
    pub augment: Augment,
    /// The learning rate.
    pub rate: Rate,
    /// The strength of the method's own penalty.
    pub strength: Strength,
    /// That of α(‖m‖²+‖w‖²) beside it.
    pub factors: Strength,
    /// Steps of an epoch.
    pub steps: usize,
    /// How many training and test images there are.
    pub images: [usize; 2],
    /// Where it runs: the processor, until something else is set.
    pub home: Home,
    pub(crate) weights: Vec<Place>,
    pub(crate) rest: Vec<Place>,
}

impl Setup {
    /// Checks a configuration and opens its data, in `folder` where given.
    ///
    /// # Errors
    /// When a value is out of range, does not go with another, or the data cannot be read.
    pub fn new(config: Config, folder: Option<&Path>) -> Result<Self> {
        let (train, test) = open(&config, folder)?;
        Self::on(config, &train, &Arc::new(test))
    }

    /// As [`Setup::new`], but where the data are known by name and no folder is given, with a few images of noise of their shape:
    /// enough to say what training would take.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn rehearsal(config: Config, folder: Option<&Path>) -> Result<Self> {
        let named = match config.data.set.as_str() {
            _ if folder.or(config.data.folder.as_deref()).is_some() => None,
            "mnist" | "fashion-mnist" => Some(([28, 28, 1], 10, [60_000, 10_000])),
            "cifar10" => Some(([32, 32, 3], 10, [50_000, 10_000])),
            "cifar100" => Some(([32, 32, 3], 100, [50_000, 10_000])),
            // ImageNet.
            "folder" => Some(([224, 224, 3], 1000, [1_281_167, 50_000])),
            _ => None,
        };
        let Some(([height, width, channels], classes, [all, test])) = named else {
            return Self::new(config, folder);
        };
        check::keys(&config)?;
        let train = check::images(&config, all)?;
        if config.data.validation >= train {
            let right = format!("fewer than its {train} training images");
            return Err(domain("data.validation", &right, &config.data.validation.to_string()));
        }
        let (set, validation) = (config.data.set.clone(), config.data.validation);
        let mut few = config;
        (few.data.validation, few.data.images) = (0, None);
        let noise = data::generated(network::Shape { height, width, channels }, classes, 8, 0);
        let mut setup = Self::on(few, &noise, &Arc::new(noise.first(2)))?;
        (setup.config.data.set, setup.config.data.validation) = (set, validation);
        setup.images = [train - validation, test];
        let t = &setup.config.train;
        setup.steps = batches(setup.images[0], t.batch).min(t.steps.unwrap_or(usize::MAX));
        check::steps(&setup)?;
        Ok(setup)
    }

    /// Checks a configuration whose data are open already.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn on(config: Config, train: &Dataset, test: &Arc<Dataset>) -> Result<Self> {
        let c = &config;
        check::keys(c)?;
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
        let augment = Augment { crop: c.data.crop, flip: c.data.flip };
        if augment.crop > train.shape.height.min(train.shape.width) {
            return Err(domain("data.crop", "no more than the image", &augment.crop.to_string()));
        }
        let rate = check::rate(c)?;
        let steps = batches(train.len(), c.train.batch).min(c.train.steps.unwrap_or(usize::MAX));
        check::batches(c, &network, train.len(), steps)?;
        let (strength, factors) = combine::strengths(c, &rate, steps)?;
        let (weights, rest) = places(&network);
        let (train, test) = (Arc::new(train), Arc::clone(test));
        let setup = Self {
            images: [train.len(), test.len()],
            network,
            train,
            validation,
            test,
            augment,
            rate,
            strength,
            factors,
            steps,
            home: Home::Processor,
            weights,
            rest,
            config,
        };
        // All that can be wrong with them, before anything is run.
        setup.optimizer(0.0)?.check()?;
        setup.method_of(&Home::Processor, 1)?;
        combine::check_target(&setup)?;
        check::decay(&setup)?;
        Ok(setup)
    }

    /// The same with the plain weights, nothing beside the loss and nothing pruned.
    ///
    /// # Errors
    /// Never: what remains was valid.
    pub(crate) fn plain(&self) -> Result<Self> {
        let mut config = self.config.clone();
        let text = "name = \"dense\"";
        config.method = toml::from_str(text).map_err(|e| domain("method", text, e.message()))?;
        (config.prune, config.data.validation) = (PruneConfig::default(), 0);
        config.data.images = None;
        Ok(Self { home: self.home.clone(), ..Self::on(config, &self.train, &self.test)? })
    }

    /// The optimiser at time t in epochs.
    ///
    /// # Errors
    /// When there is no such optimiser.
    pub(crate) fn optimizer(&self, t: f64) -> Result<Optimizer> {
        let (o, rate) = (&self.config.optimizer, self.rate.at(t));
        match o.kind.as_str() {
            "sgd" => {
                let (momentum, nesterov) = (o.momentum.unwrap_or(0.0), o.nesterov == Some(true));
                Ok(Optimizer::Sgd(Sgd { rate, momentum, nesterov }))
            }
            "adam" => Ok(Optimizer::Adam(Adam { rate, ..Adam::default() })),
            "adamw" => Ok(Optimizer::Adam(Adam { rate, decoupled: true, ..Adam::default() })),
            other => Err(domain("optimizer.kind", "sgd, adam or adamw", other)),
        }
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

    /// Epochs of all cycles: weights that are rewound do not train again for what came before.
    pub(crate) fn all_epochs(&self) -> u64 {
        let (p, epochs) = (&self.config.prune, self.config.train.epochs);
        let back = if p.rewind.as_deref() == Some("weights") { p.rewind_epoch } else { 0 };
        p.cycles * epochs - (p.cycles - 1) * back
    }

    /// Steps of all epochs of all cycles.
    pub fn all_steps(&self) -> u64 {
        self.steps as u64 * self.all_epochs()
    }
}

fn batches(images: usize, batch: usize) -> usize {
    // A last batch of one image is left out.
    let whole = images.div_ceil(batch);
    if batch > 1 && images % batch == 1 { whole - 1 } else { whole }
}

/// The training and the test images a configuration names.
pub(crate) fn open(c: &Config, folder: Option<&Path>) -> Result<(Dataset, Dataset)> {
    check::keys(c)?;
    if c.data.set != "generated" {
        return data::open(&c.data.set, folder.or(c.data.folder.as_deref()));
    }
    let [height, width, channels] = c.data.shape.unwrap_or([32, 32, 3]);
    let (shape, classes) =
        (network::Shape { height, width, channels }, c.data.classes.unwrap_or(10));
    // The product may be larger than any number.
    if [height, width, channels, classes].contains(&0) {
        return Err(domain(
            "data.shape and data.classes",
            "positive numbers",
            &format!("{shape}, {classes}"),
        ));
    }
    let count = c.data.images.unwrap_or(c.train.batch.saturating_mul(4)).max(2);
    let bytes = [height, width, channels].into_iter().fold(count, usize::saturating_mul);
    // Training and test images, each with its labels, and a part of them.
    if !has_room(bytes.saturating_add(count.saturating_mul(4)).saturating_mul(3)) {
        let found = format!("{count} of {height}×{width}×{channels}");
        return Err(domain("data.images", "as many as fit into memory", &found));
    }
    let make = |seed| data::generated(shape, classes, count, seed);
    Ok((make(c.seed), make(c.seed.wrapping_add(1))))
}

pub(super) fn domain(what: &str, expected: &str, found: &str) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found: found.into() }
}
