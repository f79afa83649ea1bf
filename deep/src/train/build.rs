//! A configuration checked and turned into what a run needs.

use std::{path::Path, sync::Arc, time::Instant};

use mirrorflow::{
    Error, Result,
    kernels::{
        array::{Array, Home},
        mask_weight::{Adam, Optimizer, Sgd},
        nn::Buffer,
    },
};
use rand::Rng as _;
use rand_distr::StandardNormal;

use super::{Config, PruneConfig, Rate, RateShape, combine};
use crate::{
    data::{self, Augment, Dataset, Purpose, stream},
    engine::{Mode, Model},
    method::{Place, State, Strength, places},
    network::{self, Network, Role},
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

/// Bytes a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What is trained, with the network's own copy of its weights.
    pub parameters: usize,
    /// The optimiser's state.
    pub optimizer: usize,
    /// The gradient of the parameters.
    pub gradient: usize,
    /// Activations of a batch and their gradients.
    pub activations: usize,
}

impl Memory {
    /// All of it.
    pub fn total(&self) -> usize {
        self.parameters + self.optimizer + self.gradient + self.activations
    }
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
        let train = all.min(config.data.images.unwrap_or(all));
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
        Ok(setup)
    }

    /// Checks a configuration whose data are open already.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn on(config: Config, train: &Dataset, test: &Arc<Dataset>) -> Result<Self> {
        let c = &config;
        let positive = |what: &str, n: usize| {
            if n > 0 { Ok(()) } else { Err(domain(what, "at least 1", "0")) }
        };
        positive("train.epochs", c.train.epochs as usize)?;
        positive("train.batch", c.train.batch)?;
        positive("train.checkpoint", c.train.checkpoint as usize)?;
        positive("train.steps", c.train.steps.unwrap_or(1))?;
        positive("data.images", c.data.images.unwrap_or(1))?;
        check_pruning(&c.prune, c.train.epochs)?;
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
        let rate = rate(c)?;
        let steps = batches(train.len(), c.train.batch).min(c.train.steps.unwrap_or(usize::MAX));
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
        setup.method()?;
        combine::check_target(&setup)?;
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
            "sgd" => Ok(Optimizer::Sgd(Sgd { rate, momentum: o.momentum, nesterov: o.nesterov })),
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

    /// What a run takes.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn memory(&self) -> Result<Memory> {
        let (all, weights) = (self.network.parameter_count(), self.network.weight_count());
        let mut method = self.method()?;
        let states = |s: &State<f32>| s.0.iter().map(|b| b.len()).sum::<usize>();
        let (mut parameters, mut optimizer) = (all, 0);
        for (_, variable) in method.variables() {
            parameters += variable.value.len();
            optimizer += states(&variable.state);
        }
        optimizer += method.states().into_iter().map(|(_, s)| states(s)).sum::<usize>();
        optimizer += (all - weights) * self.optimizer(0.0)?.states();
        parameters += method.beside();
        let activations = self.activations(self.config.train.batch);
        let bytes = |numbers: usize| numbers.saturating_mul(size_of::<f32>());
        Ok(Memory {
            parameters: bytes(parameters),
            optimizer: bytes(optimizer),
            gradient: bytes(all),
            activations: bytes(activations),
        })
    }
}

impl Setup {
    /// Numbers of the activations of so many images and of their gradients.
    fn activations(&self, images: usize) -> usize {
        crate::engine::numbers_per_image(&self.network).saturating_mul(images)
    }

    /// Whether there is memory for the activations of so many images; a device says so itself.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn check_room(&self, images: usize) -> Result<()> {
        let room =
            matches!(self.home, Home::Device(_)) || has_room::<f32>(self.activations(images));
        let found =
            || format!("{images}, which takes {:.0} GB", 4e-9 * self.activations(images) as f64);
        if room {
            Ok(())
        } else {
            Err(domain("train.batch", "a batch that fits into memory", &found()))
        }
    }

    /// Seconds of a training step: with few images and scaled to the batch, or with the whole batch where that takes less than
    /// a second. The best of up to three, after one that warms up.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn seconds_of_step(&self) -> Result<f64> {
        let all = self.config.train.batch;
        let few = all.min(8);
        let scaled = self.seconds_with(few)? * all as f64 / few as f64;
        if few < all && scaled < 1.0 { self.seconds_with(all) } else { Ok(scaled) }
    }

    fn seconds_with(&self, images: usize) -> Result<f64> {
        self.check_room(images)?;
        let mut model = Model::<f32>::at(&self.home, &self.network, images)?;
        let parameters = Array::from_slice(&self.home, &self.initial())?;
        let mut gradient = Array::<f32>::zeros(&self.home, parameters.len())?;
        let (x, labels) = (vec![0.5; images * self.network.input().len()], vec![0; images]);
        let mut best = f64::INFINITY;
        for round in 0..4 {
            let started = Instant::now();
            model.forward(&x, &parameters, Mode::Train)?;
            model.backward(&labels, &parameters, &mut gradient)?;
            let seconds = started.elapsed().as_secs_f64();
            if round > 0 {
                best = best.min(seconds);
                // What takes long needs no repetition.
                if seconds > 0.1 {
                    break;
                }
            }
        }
        Ok(best)
    }
}

/// Whether the system gives memory for so many numbers.
fn has_room<T>(numbers: usize) -> bool {
    Vec::<T>::new().try_reserve_exact(numbers).is_ok()
}

fn batches(images: usize, batch: usize) -> usize {
    // A last batch of one image is left out.
    let whole = images.div_ceil(batch);
    if batch > 1 && images % batch == 1 { whole - 1 } else { whole }
}

/// The training and the test images a configuration names.
pub(crate) fn open(c: &Config, folder: Option<&Path>) -> Result<(Dataset, Dataset)> {
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
    if !has_room::<u8>(bytes) {
        let found = format!("{count} of {height}×{width}×{channels}");
        return Err(domain("data.images", "as many as fit into memory", &found));
    }
    let make = |seed| data::generated(shape, classes, count, seed);
    Ok((make(c.seed), make(c.seed.wrapping_add(1))))
}

/// Levels of one-shot pruning, at most: each is an evaluation.
const LEVELS: u32 = 10_000;

/// What is wrong with a pruning whatever else there is.
pub(crate) fn check_pruning(p: &PruneConfig, epochs: u64) -> Result<()> {
    if !(p.keep > 0.0 && p.keep < 1.0) {
        return Err(domain("prune.keep", "a share above 0 and below 1", &p.keep.to_string()));
    }
    match (p.cycles, p.rewind.as_deref()) {
        (0, _) => Err(domain("prune.cycles", "at least 1", "0")),
        (1, None) | (2.., Some("weights" | "rate")) => Ok(()),
        (1, Some(_)) => Err(domain("prune.rewind", "nothing where prune.cycles is 1", "one")),
        (_, other) => {
            Err(domain("prune.rewind", "\"weights\" or \"rate\"", other.unwrap_or("not there")))
        }
    }?;
    if p.levels > LEVELS {
        return Err(domain("prune.levels", &format!("at most {LEVELS}"), &p.levels.to_string()));
    }
    if p.rewind_epoch >= epochs {
        return Err(domain(
            "prune.rewind_epoch",
            "less than train.epochs",
            &p.rewind_epoch.to_string(),
        ));
    }
    Ok(())
}

fn rate(c: &Config) -> Result<Rate> {
    let o = &c.optimizer;
    let shape = match o.schedule.as_str() {
        "constant" => RateShape::Constant,
        "cosine" => RateShape::Cosine,
        "step" => RateShape::Step { milestones: o.milestones.clone(), factor: o.factor },
        other => return Err(domain("optimizer.schedule", "constant, cosine or step", other)),
    };
    if !(o.weight_decay >= 0.0 && o.weight_decay.is_finite()) {
        let found = o.weight_decay.to_string();
        return Err(domain("optimizer.weight_decay", "a finite number of at least 0", &found));
    }
    Rate::new(o.rate, o.warmup, c.train.epochs, shape)
}

pub(super) fn domain(what: &str, expected: &str, found: &str) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found: found.into() }
}
